//! Shapes that several keywords share, and those of keywords with many parts.

use super::form::{Shape, attribute, entry, required};
use super::values::{self as accepts, integer};
use crate::yaml::{Node, Value};

pub(super) const TEXT: Shape = Shape::Value {
    accepts: accepts::is_text,
    fault: "should be a string",
};

pub(super) const SWITCH: Shape = Shape::Value {
    accepts: accepts::is_switch,
    fault: "should be a boolean value",
};

pub(super) const TEXTS: Shape = Shape::Value {
    accepts: accepts::is_texts,
    fault: "should be an array of strings",
};

pub(super) const TEXT_OR_TEXTS: Shape = Shape::Value {
    accepts: |node| accepts::is_text(node) || accepts::is_texts(node),
    fault: "should be an array of strings or a string",
};

pub(super) const DURATION: Shape = Shape::Value {
    accepts: accepts::is_duration,
    fault: "should be a duration such as `1h 30m`",
};

/// `expire_in`, which may be `never`, too (`Ci::Build::DurationParser`).
pub(super) const EXPIRY: Shape = Shape::Value {
    accepts: |node| {
        accepts::is_duration(node)
            || node
                .scalar()
                .is_some_and(|text| text.eq_ignore_ascii_case("never"))
    },
    fault: "should be a duration such as `1 week`, or `never`",
};

/// `array_of_integers_or_integer`
pub(super) const EXIT_CODES: Shape = Shape::Value {
    accepts: |node| {
        let items = node.as_list().unwrap_or(std::slice::from_ref(node));
        items.iter().all(|item| integer(item).is_some())
    },
    fault: "should be an array of integers or an integer",
};

pub(super) const KEEP_WHEN: Shape = Shape::OneOf(&["on_success", "on_failure", "always"]);

/// Keys of `variables:` of the top level.
pub(super) const GLOBAL_VARIABLES: Shape =
    Shape::Variables(&["value", "description", "expand", "options"]);

pub(super) const VARIABLES: Shape = Shape::Variables(&["value", "expand"]);

/// `Entry::PullPolicy`
pub(super) const PULL_POLICY: Shape = Shape::SomeOf(&["always", "never", "if-not-present"]);

pub(super) const DOCKER: Shape =
    Shape::Hash(&[attribute("platform", TEXT), attribute("user", TEXT)]);

/// A user's number is a text, too (`schemas/imageable/executor_opts.json`).
pub(super) const KUBERNETES: Shape = Shape::Hash(&[attribute(
    "user",
    Shape::Value {
        accepts: |node| accepts::is_text(node) || integer(node).is_some(),
        fault: "should be a string or a number",
    },
)]);

pub(super) const IMAGE: Shape = Shape::HashOr {
    keys: &[
        required("name", TEXT),
        attribute("entrypoint", TEXTS),
        entry("docker", DOCKER),
        entry("kubernetes", KUBERNETES),
        entry("pull_policy", PULL_POLICY),
    ],
    accepts: accepts::is_name,
    fault: "should be a hash or a string",
};

pub(super) const SERVICES: Shape = Shape::List {
    name: "service",
    item: &Shape::HashOr {
        keys: &[
            required("name", TEXT),
            attribute("entrypoint", TEXTS),
            entry("command", Shape::Commands),
            attribute("alias", TEXT),
            entry("variables", VARIABLES),
            entry("docker", DOCKER),
            entry("kubernetes", KUBERNETES),
            entry("pull_policy", PULL_POLICY),
        ],
        accepts: accepts::is_name,
        fault: "should be a hash or a string",
    },
};

pub(super) const CACHES: Shape = Shape::Several {
    item: &Shape::Hash(&[
        entry(
            "key",
            Shape::HashOr {
                keys: &[
                    entry("files", TEXTS),
                    entry("files_commits", TEXTS),
                    entry("prefix", TEXT),
                ],
                accepts: accepts::is_cache_key,
                fault: "should be a hash, or a string without `/`",
            },
        ),
        entry("paths", TEXTS),
        entry("untracked", SWITCH),
        attribute("when", KEEP_WHEN),
        attribute("policy", TEXT),
        entry("unprotect", SWITCH),
        entry("fallback_keys", TEXTS),
    ]),
    most: 4,
    fault: "can only be a Hash or an Array",
};

pub(super) const REPORTS: Shape = Shape::Hash(&[
    attribute("accessibility", TEXT_OR_TEXTS),
    attribute("annotations", TEXT_OR_TEXTS),
    attribute("api_fuzzing", TEXT_OR_TEXTS),
    attribute("browser_performance", TEXT_OR_TEXTS),
    attribute("cluster_image_scanning", TEXT_OR_TEXTS),
    attribute("codequality", TEXT_OR_TEXTS),
    attribute("container_scanning", TEXT_OR_TEXTS),
    attribute("coverage_fuzzing", TEXT_OR_TEXTS),
    entry(
        "coverage_report",
        Shape::Hash(&[
            required("coverage_format", Shape::OneOf(&["cobertura", "jacoco"])),
            required("path", TEXT),
        ]),
    ),
    attribute("cyclonedx", TEXT_OR_TEXTS),
    attribute("dast", TEXT_OR_TEXTS),
    attribute("dependency_scanning", TEXT_OR_TEXTS),
    attribute("dotenv", TEXT_OR_TEXTS),
    attribute("junit", TEXT_OR_TEXTS),
    attribute("license_management", TEXT_OR_TEXTS),
    attribute("license_scanning", TEXT_OR_TEXTS),
    attribute("load_performance", TEXT_OR_TEXTS),
    attribute("lsif", TEXT_OR_TEXTS),
    attribute("metrics", TEXT_OR_TEXTS),
    attribute("performance", TEXT_OR_TEXTS),
    attribute("repository_xray", TEXT_OR_TEXTS),
    attribute("requirements", TEXT_OR_TEXTS),
    attribute("requirements_v2", TEXT_OR_TEXTS),
    attribute("sarif", TEXT_OR_TEXTS),
    attribute("sast", TEXT_OR_TEXTS),
    attribute("secret_detection", TEXT_OR_TEXTS),
    attribute("scip", TEXT_OR_TEXTS),
    attribute("terraform", TEXT_OR_TEXTS),
]);

pub(super) const ARTIFACTS: Shape = Shape::Hash(&[
    attribute("name", TEXT),
    attribute("untracked", SWITCH),
    attribute("paths", TEXTS),
    entry("reports", REPORTS),
    attribute("when", KEEP_WHEN),
    attribute("expire_in", EXPIRY),
    attribute("expose_as", TEXT),
    attribute("exclude", TEXTS),
    attribute("public", SWITCH),
    attribute(
        "access",
        Shape::OneOf(&["none", "developer", "maintainer", "all"]),
    ),
]);

/// `Entry::Retry`; a job may be retried twice.
pub(super) const RETRY: Shape = Shape::HashOr {
    keys: &[
        attribute("max", Shape::Integer(0, 2)),
        attribute("when", TEXT_OR_TEXTS),
        attribute("exit_codes", EXIT_CODES),
    ],
    accepts: |node| matches!(integer(node), Some(0..=2)),
    fault: "has to be either an integer from 0 to 2 or a hash",
};

pub(super) const ID_TOKENS: Shape = Shape::Named(&Shape::Hash(&[required("aud", TEXT_OR_TEXTS)]));

pub(super) const ENVIRONMENT: Shape = Shape::HashOr {
    keys: &[
        required("name", ENVIRONMENT_NAME),
        attribute("url", TEXT),
        attribute(
            "action",
            Shape::OneOf(&["start", "stop", "prepare", "verify", "access"]),
        ),
        attribute("on_stop", TEXT),
        attribute("auto_stop_in", AUTO_STOP),
        entry("kubernetes", Shape::Any),
        attribute(
            "deployment_tier",
            Shape::OneOf(&["production", "staging", "testing", "development", "other"]),
        ),
    ],
    accepts: accepts::is_environment_name,
    fault: "name can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, but it cannot start or end with '/'",
};

pub(super) const ENVIRONMENT_NAME: Shape = Shape::Value {
    accepts: accepts::is_environment_name,
    fault: "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, but it cannot start or end with '/'",
};

/// A variable is expanded later.
const AUTO_STOP: Shape = Shape::Value {
    accepts: |node| {
        let is_later = |text: String| text.contains('$') || text.eq_ignore_ascii_case("never");
        accepts::is_duration(node) || node.scalar().is_some_and(is_later)
    },
    fault: "should be a duration such as `1 day`",
};

pub(super) const RELEASE: Shape = Shape::Hash(&[
    required("tag_name", TEXT),
    attribute("tag_message", TEXT),
    attribute("name", TEXT),
    required("description", TEXT),
    attribute("ref", TEXT),
    attribute("released_at", TEXT),
    attribute("milestones", TEXT_OR_TEXTS),
    entry("assets", Shape::Any),
]);

pub(super) const HOOKS: Shape = Shape::Hash(&[entry("pre_get_sources_script", Shape::Commands)]);

/// `Entry::Inherit::Default`
pub(super) const INHERIT: Shape = Shape::Hash(&[
    entry("default", INHERITED_KEYWORDS),
    entry("variables", INHERITED_VARIABLES),
]);

/// Keywords that jobs inherit from `default:` (`Entry::Default`).
pub(in crate::file) const DEFAULTS: &[&str] = &[
    "after_script",
    "artifacts",
    "before_script",
    "cache",
    "hooks",
    "id_tokens",
    "identity",
    "image",
    "interruptible",
    "retry",
    "services",
    "tags",
    "timeout",
];

pub(super) const INHERITED_KEYWORDS: Shape = Shape::Value {
    accepts: |node| {
        let is_keyword = |item: &Node| {
            matches!(&item.value, Value::Text(text)
                if DEFAULTS.contains(&&**text))
        };
        let items = node.as_list();
        accepts::is_switch(node) || items.is_some_and(|items| items.iter().all(is_keyword))
    },
    fault: "should be a bool or an array of keywords that `default:` may have",
};

pub(super) const INHERITED_VARIABLES: Shape = Shape::Value {
    accepts: |node| accepts::is_switch(node) || accepts::is_texts(node),
    fault: "should be a bool or array of strings",
};

/// `Entry::Rules::Rule::Changes`
pub(super) const CHANGES: Shape = Shape::HashOr {
    keys: &[
        attribute("paths", TEXTS),
        attribute("compare_to", TEXT),
        attribute("regexp", TEXT),
    ],
    accepts: accepts::is_nested_texts,
    fault: "should be an array of strings or a hash",
};

/// `Entry::Rules::Rule::Exists`
pub(super) const EXISTS: Shape = Shape::HashOr {
    keys: &[
        attribute("paths", TEXTS),
        attribute("project", TEXT),
        attribute("ref", TEXT),
        attribute("regexp", TEXT),
    ],
    accepts: |node| accepts::is_text(node) || accepts::is_nested_texts(node),
    fault: "should be an array of strings or a hash",
};

/// `Entry::Rules::Rule`; what reads the rules checks `if` and `when`.
pub(super) const RULES: Shape = Shape::Maps {
    name: "rule",
    keys: &[
        attribute("if", Shape::Any),
        entry("changes", CHANGES),
        entry("exists", EXISTS),
        attribute("when", Shape::Any),
        attribute("start_in", DURATION),
        attribute("allow_failure", SWITCH),
        entry("variables", VARIABLES),
        entry("needs", NEEDS),
        entry("interruptible", SWITCH),
    ],
};

/// `Entry::Policy`
pub(super) const POLICY: Shape = Shape::HashOr {
    keys: &[
        attribute("refs", TEXTS),
        attribute("kubernetes", Shape::OneOf(&["active"])),
        attribute("variables", TEXTS),
        attribute("changes", TEXTS),
    ],
    accepts: accepts::is_texts,
    fault: "should be an array of strings or a hash",
};

/// `Entry::Need`, and the trigger's `needs:pipeline`.
pub(super) const NEEDS: Shape = Shape::Maps {
    name: "need",
    keys: &[
        attribute("job", TEXT),
        attribute("artifacts", SWITCH),
        attribute("optional", SWITCH),
        entry("parallel", PARALLEL),
        attribute("project", TEXT),
        attribute("ref", TEXT),
        attribute("pipeline", TEXT),
    ],
};

/// `Entry::Product::Parallel`; what reads it checks the number and the matrix.
pub(super) const PARALLEL: Shape = Shape::HashOr {
    keys: &[entry("matrix", Shape::Any)],
    accepts: |_| true,
    fault: "should be an integer or a hash",
};
