//! The feature flags of GitLab Runner 19.4 (`helpers/featureflags/flags.go`), which a job may set.

use crate::variables::{Variables, go_bool};

/// A flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FeatureFlag {
    pub(super) name: &'static str,
    pub(super) default: bool,
    /// Whether a job that sets it gets something else than in CI.
    warns: bool,
}

/// One that is followed, or changes nothing in a trial: `tests/runner_variables.txt` says which.
const fn flag(name: &'static str, default: bool) -> FeatureFlag {
    FeatureFlag {
        name,
        default,
        warns: false,
    }
}

/// One that a trial does not follow, though a job could tell.
const fn not_followed(name: &'static str, default: bool) -> FeatureFlag {
    FeatureFlag {
        name,
        default,
        warns: true,
    }
}

/// All flags, with the runner's defaults. Scripts export them, and drivers get them.
pub(super) const FEATURE_FLAGS: &[FeatureFlag] = &[
    not_followed("FF_CLEAN_UP_FAILED_CACHE_EXTRACT", false),
    flag("FF_CONCRETE", false),
    flag("FF_DISABLE_AUTOMATIC_TOKEN_ROTATION", false),
    flag("FF_DISABLE_POWERSHELL_STDIN", false),
    flag("FF_DISABLE_UMASK_FOR_DOCKER_EXECUTOR", false),
    flag("FF_DISABLE_UMASK_FOR_KUBERNETES_EXECUTOR", false),
    flag("FF_ENABLE_BASH_EXIT_CODE_CHECK", false),
    flag("FF_ENABLE_JOB_CLEANUP", false),
    flag("FF_ENABLE_JOB_INPUTS_INTERPOLATION", true),
    flag("FF_EXPORT_HIGH_CARDINALITY_METRICS", false),
    not_followed("FF_GIT_URLS_WITHOUT_TOKENS", false),
    flag("FF_HASH_CACHE_KEYS", false),
    flag("FF_KUBERNETES_HONOR_ENTRYPOINT", false),
    flag("FF_LOG_IMAGES_CONFIGURED_FOR_JOB", false),
    flag("FF_MASK_ALL_DEFAULT_TOKENS", true),
    not_followed("FF_NETWORK_PER_BUILD", false),
    flag("FF_POSIXLY_CORRECT_ESCAPES", false),
    flag("FF_PRINT_POD_EVENTS", false),
    flag("FF_RESOLVE_FULL_TLS_CHAIN", false),
    flag("FF_SCRIPT_SECTIONS", false),
    flag("FF_SCRIPT_TO_STEP_MIGRATION", false),
    flag("FF_SECRET_RESOLVING_FAILS_IF_MISSING", true),
    flag("FF_SET_PERMISSIONS_BEFORE_CLEANUP", true),
    not_followed("FF_SKIP_NOOP_BUILD_STAGES", true),
    flag("FF_SUSPENDABLE_ENVIRONMENTS", false),
    flag("FF_TEST_FEATURE", false),
    flag("FF_TIMESTAMPS", true),
    flag("FF_USE_ADAPTIVE_REQUEST_CONCURRENCY", true),
    flag("FF_USE_ADVANCED_POD_SPEC_CONFIGURATION", false),
    flag("FF_USE_DIRECT_DOWNLOAD", true),
    flag("FF_USE_DOCKER_AUTOSCALER_DIAL_STDIO", true),
    flag("FF_USE_DUMB_INIT_WITH_KUBERNETES_EXECUTOR", false),
    flag("FF_USE_DYNAMIC_TRACE_FORCE_SEND_INTERVAL", false),
    flag("FF_USE_EXPONENTIAL_BACKOFF_STAGE_RETRY", true),
    flag("FF_USE_FASTZIP", false),
    flag("FF_USE_FLEETING_ACQUIRE_HEARTBEATS", false),
    flag("FF_USE_GITALY_CORRELATION_ID", true),
    flag("FF_USE_GIT_BUNDLE_URIS", true),
    flag("FF_USE_GIT_NATIVE_CLONE", false),
    flag("FF_USE_GIT_PROACTIVE_AUTH", false),
    flag("FF_USE_INIT_WITH_DOCKER_EXECUTOR", false),
    flag("FF_USE_JOB_ROUTER", false),
    flag("FF_USE_LEGACY_BASH_EVAL", false),
    flag("FF_USE_LEGACY_GCS_CACHE_ADAPTER", false),
    flag("FF_USE_LEGACY_KUBERNETES_EXECUTION_STRATEGY", false),
    flag("FF_USE_LEGACY_S3_CACHE_ADAPTER", false),
    flag("FF_USE_NATIVE_CONTAINER_STOP", false),
    flag("FF_USE_NEW_BASH_EVAL_STRATEGY", false),
    flag("FF_USE_PARALLEL_ARTIFACT_TRANSFER", false),
    flag("FF_USE_PARALLEL_CACHE_TRANSFER", false),
    flag("FF_USE_POD_ACTIVE_DEADLINE_SECONDS", true),
    flag("FF_USE_POWERSHELL_PATH_RESOLVER", false),
    flag("FF_USE_WINDOWS_JOB_OBJECT", false),
    flag("FF_USE_WINDOWS_LEGACY_PROCESS_STRATEGY", false),
    flag("FF_WAIT_FOR_POD_TO_BE_REACHABLE", false),
];

/// A line for each flag that a job sets and that is not followed: the runner's words for a value that is none.
pub(super) fn warnings(variables: &Variables) -> Vec<String> {
    let warning = |flag: &FeatureFlag| {
        let FeatureFlag { name, default, .. } = flag;
        match (variables.value(name), go_bool(variables.value(name))) {
            ("", _) => None,
            (value, None) => Some(format!(
                "{name}: could not parse feature flag, expected bool, got {value}"
            )),
            (_, Some(value)) => (flag.warns && value != *default)
                .then(|| format!("`{name}` is not followed in a trial")),
        }
    };
    FEATURE_FLAGS.iter().filter_map(warning).collect()
}
