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
        RUNNER_LINT = "runner-lint": "gitlab-runner lint",
    }
    Identity {
        CREDENTIALS = "credentials": "credentials",
        CLOCK = "clock": "clock",
        ACCOUNT = "account": "account",
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
