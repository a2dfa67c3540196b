//! All checks. docs/doctor.md has a paragraph about each.

use super::check::Subject;
use crate::cli::Category;

macro_rules! catalog {
    ($($category:ident { $($constant:ident = $id:literal: $name:literal,)* })*) => {
        $($(
            pub(super) static $constant: Subject = Subject {
                id: $id,
                name: $name,
                category: Category::$category,
            };
        )*)*

        /// Every subject, in the order of the report.
        #[cfg(test)]
        pub(super) static ALL: &[&Subject] = &[$($(&$constant,)*)*];
    };
}

catalog! {
    Machine {
        METADATA_FOLDER = "metadata-folder": "metadata folder",
        METADATA_OWNER = "metadata-owner": "its owner and rights",
        METADATA_FILESYSTEM = "metadata-filesystem": "its file system",
        METADATA_FORMAT = "metadata-format": "its format",
        CERTIFICATES = "certificates": "CA certificates",
        MEMORY = "memory": "memory",
    }
    Configuration {
        CONFIG_FILE = "config-file": "fargate.toml",
        CONFIG_KEYS = "config-keys": "its keys",
        CONFIG_REMARKS = "config-remarks": "its values",
        KEPT_TASKS = "kept-tasks": "kept tasks",
    }
    Runner {
        RUNNER_CONFIG = "runner-config": "config.toml",
        RUNNER_CALLS = "runner-calls": "runners that call fargate",
        RUNNER_PROGRAMS = "runner-programs": "programs it calls",
        RUNNER_ARGUMENTS = "runner-arguments": "their arguments",
        RUNNER_FOLDERS = "runner-folders": "builds_dir, cache_dir",
        RUNNER_SHELL = "runner-shell": "shell",
        RUNNER_CONCURRENT = "runner-concurrent": "concurrent jobs",
        RUNNER_START_TIMEOUT = "runner-start-timeout": "time for a start",
        RUNNER_CLEANUP_TIMEOUT = "runner-cleanup-timeout": "time for a cleanup",
        RUNNER_SHUTDOWN = "runner-shutdown": "time for a shutdown",
        RUNNER_KILL = "runner-kill-timeouts": "time for the end of calls",
        RUNNER_OUTPUT = "runner-output-limit": "limit of job logs",
        RUNNER_TOKEN = "runner-token": "url, token",
        RUNNER_LINT = "runner-lint": "gitlab-runner lint",
    }
    Identity {
        CREDENTIALS = "credentials": "credentials",
        CLOCK = "clock": "clock",
        ACCOUNT = "account": "account",
        INSTANCE = "instance": "instance metadata",
        PERMISSIONS = "permissions": "permissions",
        EXECUTION_ROLE = "execution-role": "execution role",
        TASK_ROLE = "task-role": "task role",
        SERVICE_ROLE = "service-linked-role": "service-linked role",
    }
    Cluster {
        CLUSTER = "cluster": "cluster",
        STRATEGY = "capacity-strategy": "capacity strategy",
        PROVIDERS = "capacity-providers": "capacity providers",
    }
    Task {
        DEFINITION = "task-definition": "task definition",
        DEFINITION_FARGATE = "task-fargate": "made for Fargate",
        DEFINITION_CONTAINER = "task-container": "container for scripts",
        DEFINITION_PORT = "task-port": "port of its SSH server",
        DEFINITION_ROLE = "task-execution-role": "role that it needs",
    }
    Network {
        SUBNETS = "subnets": "subnets",
        SUBNETS_VPC = "subnets-vpc": "their VPC",
        ZONES = "zones": "their zones",
        ADDRESSES = "addresses": "free addresses",
        INTERNET_BLOCK = "internet-block": "blocked public access",
        VPC_DNS = "vpc-dns": "DNS",
        WAY_OUT = "way-out": "way out",
        ENDPOINTS = "endpoints": "endpoints",
        GROUPS = "security-groups": "security groups",
        SSH_IN = "ssh-in": "who may connect",
        OPEN_TO_ALL = "ssh-open-to-all": "open to everybody",
        DEFAULT_GROUP = "default-group": "default group",
        OUTGOING = "outgoing": "outgoing rules",
    }
    Quotas {
        VCPU_QUOTA = "vcpu-quota": "vCPUs on demand",
        SPOT_QUOTA = "spot-quota": "vCPUs of Spot",
        QUOTA_USE = "quota-in-use": "vCPUs in use",
    }
    Images {
        IMAGES = "images": "images",
        ARCHITECTURE = "image-architecture": "their processors",
        AGENT_VERSION = "agent-version": "agent's version",
        LOG_GROUPS = "log-group": "log groups",
        REGISTRY_SECRETS = "registry-secret": "registry secrets",
        PULLS = "image-pulls": "time of pulls",
        START_TIMEOUT = "start-timeout": "StartTimeout",
    }
    Start {
        START_TASK = "start-task": "a task for a job",
        START_SCRIPTS = "start-scripts": "its scripts",
        START_END = "start-end": "its end",
        CLAIM_MISSING = "claim-missing": "MISSING of a new task",
        CLAIM_HOSTS = "claim-hosts-file": "one hosts file per task",
        CLAIM_VOLUME = "claim-volume-programs": "programs in a volume",
        CLAIM_ENVIRONMENT = "claim-environment": "container's environment",
        CLAIM_PULLS = "claim-pulls-first": "pulls before starts",
        CLAIM_GROUP = "claim-group": "/ in a group",
        CLAIM_TAGS = "claim-tags": "/ in tags",
        CLAIM_STOP = "claim-stop-code": "code of a stop",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_every_check_and_no_other() {
        let page = include_str!("../../../../../docs/doctor.md");
        let documented: Vec<_> = page
            .lines()
            .filter_map(|line| line.strip_prefix("### "))
            .collect();
        let ids: Vec<_> = ALL.iter().map(|subject| subject.id).collect();
        assert_eq!(documented, ids);
        assert!(ALL.is_sorted_by_key(|subject| subject.category));
        let mut once = ids.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), ids.len());
    }
}
