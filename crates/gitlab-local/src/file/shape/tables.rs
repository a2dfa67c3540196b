//! The keys of jobs, of `default:` and of the top level, with their shapes.

use super::form::{Shape, attribute, entry};
use super::parts::{
    ARTIFACTS, CACHES, DURATION, ENVIRONMENT, EXIT_CODES, EXPIRY, GLOBAL_VARIABLES, HOOKS,
    ID_TOKENS, IMAGE, INHERIT, NEEDS, PARALLEL, POLICY, RELEASE, RETRY, RULES, SERVICES, SWITCH,
    TEXT, TEXT_OR_TEXTS, TEXTS, VARIABLES,
};
use super::values as accepts;

/// Keys of a job (`Entry::Job`, `Entry::Processable` and their enterprise parts).
pub(in crate::file) const JOB: Shape = Shape::Hash(&[
    entry("after_script", Shape::Commands),
    entry(
        "allow_failure",
        Shape::HashOr {
            keys: &[attribute("exit_codes", EXIT_CODES)],
            accepts: accepts::is_switch,
            fault: "should be a hash or a boolean value",
        },
    ),
    entry("artifacts", ARTIFACTS),
    entry("before_script", Shape::Commands),
    entry("cache", CACHES),
    entry(
        "coverage",
        Shape::Value {
            accepts: accepts::is_regex,
            fault: "must be a regular expression with re2 syntax between slashes",
        },
    ),
    entry("dast_configuration", Shape::Any),
    attribute("dependencies", TEXTS),
    entry("environment", ENVIRONMENT),
    entry("except", POLICY),
    attribute("extends", TEXT_OR_TEXTS),
    entry("hooks", HOOKS),
    entry("id_tokens", ID_TOKENS),
    entry("identity", Shape::OneOf(&["google_cloud"])),
    entry("image", IMAGE),
    entry("inherit", INHERIT),
    entry("inputs", Shape::Named(&Shape::Any)),
    entry("interruptible", SWITCH),
    attribute("manual_confirmation", TEXT),
    entry("needs", NEEDS),
    entry("only", POLICY),
    entry(
        "pages",
        Shape::HashOr {
            keys: &[
                attribute("path_prefix", TEXT),
                attribute("expire_in", EXPIRY),
                attribute("publish", TEXT),
            ],
            accepts: accepts::is_switch,
            fault: "should be a hash or a boolean value",
        },
    ),
    entry("parallel", PARALLEL),
    entry("publish", TEXT),
    entry("release", RELEASE),
    attribute("resource_group", TEXT),
    entry("retry", RETRY),
    entry("rules", RULES),
    entry("run", Shape::Any),
    entry("script", Shape::Commands),
    entry("secrets", Shape::Named(&Shape::Any)),
    entry("services", SERVICES),
    entry("stage", TEXT),
    attribute("start_in", DURATION),
    entry("tags", TEXTS),
    entry("timeout", DURATION),
    entry("trigger", Shape::Any),
    entry("variables", VARIABLES),
    attribute("when", WHEN),
]);

const WHEN: Shape = Shape::OneOf(&["on_success", "on_failure", "always", "manual", "delayed"]);

/// Keys of `default:` (`Entry::Default`).
const DEFAULT: Shape = Shape::Hash(&[
    entry("after_script", Shape::Commands),
    entry("artifacts", ARTIFACTS),
    entry("before_script", Shape::Commands),
    entry("cache", CACHES),
    entry("hooks", HOOKS),
    entry("id_tokens", ID_TOKENS),
    entry("identity", Shape::OneOf(&["google_cloud"])),
    entry("image", IMAGE),
    entry("interruptible", SWITCH),
    entry("retry", RETRY),
    entry("services", SERVICES),
    entry("tags", TEXTS),
    entry("timeout", DURATION),
]);

const STAGES: Shape = Shape::Value {
    accepts: accepts::is_nested_texts,
    fault: "should be an array of strings or a nested array of strings up to 10 levels deep",
};

/// Keywords of the top level (`Entry::Root`) that jobs have a share in.
pub(in crate::file) const GLOBAL: &[(&str, Shape)] = &[
    ("after_script", Shape::Commands),
    ("before_script", Shape::Commands),
    ("cache", CACHES),
    ("default", DEFAULT),
    ("image", IMAGE),
    ("services", SERVICES),
    ("stages", STAGES),
    ("variables", GLOBAL_VARIABLES),
    (
        "workflow",
        Shape::Hash(&[
            entry("rules", Shape::Any),
            attribute("name", TEXT),
            entry(
                "auto_cancel",
                Shape::Hash(&[
                    attribute(
                        "on_new_commit",
                        Shape::OneOf(&["conservative", "interruptible", "none"]),
                    ),
                    attribute("on_job_failure", Shape::OneOf(&["none", "all"])),
                ]),
            ),
        ]),
    ),
];
