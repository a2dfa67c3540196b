"""Terraform, where it is on the machine with the AWS provider: neither is in a registry that tests may use."""

import functools
import json
import os
import pathlib
import shutil
import tempfile

import stack
from programs import DEPLOY, run

MODULE = DEPLOY / "terraform"
PROVIDER = "registry.terraform.io/hashicorp/aws"


@functools.cache
def mirror():
    """A folder with the provider: those that Terraform looks at by itself, and folders of /opt."""
    known = [pathlib.Path.home() / ".terraform.d/plugins", pathlib.Path("/usr/share/terraform/plugins"),
             pathlib.Path("/usr/local/share/terraform/plugins"), *pathlib.Path("/opt").glob("*")]
    return next((folder for folder in known if (folder / PROVIDER).is_dir()), None)


def missing():
    """Why Terraform cannot run, or nothing."""
    if shutil.which("terraform") is None:
        return "terraform is not on this machine"
    if mirror() is None:
        return "the provider hashicorp/aws is in no plugin folder of this machine"
    return None


class Copy:
    """A copy of the module: Terraform leaves files beside what it reads."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        shutil.copytree(MODULE, self.folder / "terraform", ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        rc = self.folder / "terraform.rc"
        rc.write_text(f'provider_installation {{ filesystem_mirror {{ path = "{mirror()}" }} }}\n')
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "CHECKPOINT_DISABLE": "1",
                            "TF_CLI_CONFIG_FILE": str(rc), "TF_PLUGIN_CACHE_DIR": "", "NO_COLOR": "1"}

    def run(self, where, *arguments, **environment):
        return run("terraform", *arguments, cwd=self.folder / "terraform" / where, env=self.environment | environment)

    def init(self, where):
        self.run(where, "init", "-backend=false", "-input=false")

    def apply(self, example, account, **variables):
        """Makes what an example describes in an account of moto's; returns the module's outputs."""
        where = f"examples/{example}"
        given = {"vpc_id": account.vpc, "subnet_ids": account.subnets, "runner_token_secret_arn": stack.TOKEN}
        file = self.folder / f"{example}.tfvars.json"
        file.write_text(json.dumps(given | variables))
        self.run(where, "init", "-input=false")
        self.run(where, "apply", "-auto-approve", "-input=false", f"-var-file={file}",
                 AWS_ENDPOINT_URL=account.url, **stack.CREDENTIALS)
        return json.loads(self.run(where, "output", "-json"))["fargate"]["value"]


def workspace():
    return tempfile.TemporaryDirectory(prefix="fargate-terraform-")
