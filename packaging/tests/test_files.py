"""What is in the files of a release, by judges of other makers: lintian, rpm, tar, CycloneDX's schema, the programs."""

import gzip
import json
import pathlib
import re
import tarfile
import unittest

import made
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from made import run


class Packages(unittest.TestCase):
    def test_the_same_programs_make_the_same_bytes(self):
        first, second = made.packages(), made.packages(place="elsewhere")
        names = sorted(file.name for file in first.iterdir())
        self.assertEqual(len(names), 5, names)
        for name in names:
            self.assertEqual((first / name).read_bytes(), (second / name).read_bytes(), name)

    def test_checksums_are_those_of_the_files(self):
        said = run("sha256sum", "--check", "SHA256SUMS", cwd=made.packages())
        self.assertEqual(said.count(": OK\n"), 4, said)

    def test_lintian_has_nothing_to_say(self):
        said = run("lintian", "--allow-root", "--fail-on", "warning", made.deb())
        self.assertEqual(said, "")

    def test_both_packages_have_the_same_files(self):
        deb = {line.split()[5] for line in run("dpkg-deb", "--contents", made.deb()).splitlines()}
        deb = {file.removeprefix(".") for file in deb if not file.endswith("/")}
        rpm = {file for file in run("rpm", "--query", "--list", "--package", made.rpm()).splitlines()}
        # Debian's names: units, completions of zsh, books of its own.
        deb = {f"/usr{file}" if file.startswith("/lib/") else file for file in deb}
        deb = {file.replace("zsh/vendor-completions", "zsh/site-functions") for file in deb}
        debians = {"/usr/share/doc/fargate/copyright", "/usr/share/doc/fargate/changelog.Debian.gz"}
        debians.add("/usr/share/lintian/overrides/fargate")
        self.assertEqual(deb - rpm, debians)
        folders = {str(folder) for file in rpm for folder in pathlib.Path(file).parents}
        self.assertEqual(rpm - deb - folders, {"/usr/share/licenses/fargate/LICENSE", "/var/lib/fargate"})
        self.assertEqual(run("rpm", "--query", "--configfiles", "--package", made.rpm()).split(), ["/etc/default/fargate"])

    def test_the_units_are_systemds(self):
        files = made.ROOT / "packaging/files"
        units = pathlib.Path(made.folder / "units")
        units.mkdir()
        for name in ("fargate-reap.service", "fargate-reap.timer", "fargate-warm.service"):
            text = (files / name).read_text().replace("/usr/bin/fargate", "/bin/true")
            (units / name).write_text(text)
        (units / "gitlab-runner.service").write_text("[Service]\nExecStart=/bin/true\n")
        (units / "gitlab-runner.service.d").mkdir()
        (units / "gitlab-runner.service.d/10-fargate.conf").write_text((files / "gitlab-runner.conf").read_text())
        said = run("systemd-analyze", "verify", "--man=no", *sorted(file for file in units.iterdir() if file.is_file()))
        self.assertEqual(said, "")

    def test_services_run_as_the_owner_of_the_metadata_folder(self):
        listed = run("dpkg-deb", "--contents", made.deb()).splitlines()
        (folder,) = (line for line in listed if line.endswith(" ./var/lib/fargate/"))
        owner = folder.split()[1].split("/")[0]
        for name in ("fargate-reap.service", "fargate-warm.service"):
            unit = extract(f"lib/systemd/system/{name}").decode()
            self.assertEqual(re.findall(r"(?m)^User=(.*)$", unit), [owner], name)


class Contents(unittest.TestCase):
    def test_the_tarball_is_one_folder_with_both_programs(self):
        with tarfile.open(made.tarball()) as tar:
            names = tar.getnames()
            top = made.tarball().name.removesuffix(".tar.gz")
            self.assertEqual({name.split("/")[0] for name in names}, {top})
            self.assertEqual(names, sorted(names))
            for name in ("fargate", "fargate-agent"):
                self.assertEqual(tar.getmember(f"{top}/{name}").mode, 0o755)
            for name in ("LICENSE", "THIRD-PARTY-NOTICES", "completions/_fargate", "man/fargate-try.1"):
                self.assertTrue(tar.getmember(f"{top}/{name}").size > 100, name)
            owners = {(file.uid, file.gid, file.mtime) for file in tar.getmembers()}
            self.assertEqual(owners, {(0, 0, int(made.DATE))})

    def notices(self):
        with tarfile.open(made.tarball()) as tar:
            top = made.tarball().name.removesuffix(".tar.gz")
            return tar.extractfile(f"{top}/THIRD-PARTY-NOTICES").read().decode()

    def linked(self):
        """Libraries whose source files the programs name in messages of panics."""
        path = re.compile(rb"/registry/src/[^/]+/([A-Za-z0-9_-]+?)-(\d[^/\x00]*)/")
        found = set()
        for name in ("fargate", "fargate-agent"):
            program = (made.programs() / name).read_bytes()
            found |= {(crate.decode(), version.decode()) for crate, version in path.findall(program)}
        self.assertGreater(len(found), 50)
        return found

    def test_the_notices_name_each_library_in_the_programs(self):
        notices = self.notices()
        for crate, version in self.linked():
            self.assertRegex(notices, rf"(?m)^- {re.escape(crate)} {re.escape(version)}: \S")
        # A text below names each of them once more.
        listed = re.findall(r"(?m)^- (\S+ \S+): ", notices)
        _, texts = notices.split("\n- the Rust standard library", 1)
        for library in listed:
            self.assertIn(library, texts)
        # The licence of ring asks for its text (ISC), and that of the AWS SDK for Apache's.
        self.assertIn("Permission to use, copy, modify, and/or distribute this software", texts)
        self.assertIn("Apache License", texts)

    def test_the_list_of_parts_is_cyclonedx(self):
        (file,) = made.packages().glob("*.cdx.json")
        fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(file.read_text())
        self.assertIsNone(fault, fault)
        document = json.loads(file.read_text())
        parts = {(part["name"], part["version"]) for part in document["components"]}
        self.assertLessEqual(self.linked(), parts)
        references = {part["bom-ref"] for part in document["components"]}
        product = document["metadata"]["component"]["bom-ref"]
        edges = {edge["ref"]: edge["dependsOn"] for edge in document["dependencies"]}
        self.assertEqual(set(edges), references | {product})
        reached, waiting = set(), [product]
        while waiting:
            part = waiting.pop()
            if part not in reached:
                reached.add(part)
                waiting += edges[part]
        self.assertEqual(reached, references | {product})

    def test_manual_pages_are_compressed_without_a_name_and_a_time(self):
        packed = extract("usr/share/man/man1/fargate.1.gz")
        # RFC 1952: no flags (a name would be one), and the time 0.
        self.assertEqual(packed[3:8], bytes(5))
        page = gzip.decompress(packed)
        self.assertIn(b".TH fargate 1", page)


def extract(name):
    """A file of the .deb."""
    folder = made.folder / "extracted"
    if not folder.exists():
        run("dpkg-deb", "--extract", made.deb(), folder)
    return (folder / name).read_bytes()


if __name__ == "__main__":
    unittest.main()
