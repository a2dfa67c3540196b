//! GitLab's keywords, and what becomes of each here: the table that docs/try.md shows and warnings are made of.

/// A keyword of GitLab's reference ("CI/CD YAML syntax reference").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keyword {
    /// The keyword within those around it: `artifacts:paths`. One of the top level that is no job's begins with `^`.
    pub path: &'static str,
    /// How far it is followed.
    pub treatment: Treatment,
    /// What happens.
    pub effect: &'static str,
}

/// How far a keyword is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// As GitLab and its runner do.
    Followed,
    /// As far as `effect` says.
    Partly,
    /// Not at all, and it would change the job: a trial says so.
    NotFollowed,
    /// Not at all, and it changes nothing of a single job.
    Meaningless,
}

impl Treatment {
    /// The word in the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Followed => "followed",
            Self::Partly => "partly",
            Self::NotFollowed | Self::Meaningless => "not",
        }
    }
}

const fn keyword(path: &'static str, treatment: Treatment, effect: &'static str) -> Keyword {
    Keyword {
        path,
        treatment,
        effect,
    }
}

const fn followed(path: &'static str, effect: &'static str) -> Keyword {
    keyword(path, Treatment::Followed, effect)
}

const fn partly(path: &'static str, effect: &'static str) -> Keyword {
    keyword(path, Treatment::Partly, effect)
}

const fn unfollowed(path: &'static str, effect: &'static str) -> Keyword {
    keyword(path, Treatment::NotFollowed, effect)
}

const fn meaningless(path: &'static str, effect: &'static str) -> Keyword {
    keyword(path, Treatment::Meaningless, effect)
}

/// All keywords, those of the top level first.
pub const KEYWORDS: &[Keyword] = &[
    followed(
        "^spec:inputs",
        "inputs take the include's values or their defaults; one without is an error",
    ),
    followed("^spec:inputs:default", "an input with one may be left out"),
    meaningless("^spec:inputs:description", "no form shows it"),
    followed("^spec:inputs:options", "any other value is an error"),
    followed(
        "^spec:inputs:regex",
        "a value that does not match is an error",
    ),
    followed(
        "^spec:inputs:rules",
        "the first that holds gives options and default",
    ),
    followed(
        "^spec:inputs:type",
        "a text is read as JSON for other types; another value is an error",
    ),
    unfollowed("^spec:include", "an error"),
    unfollowed("^spec:component", "`$[[ component.… ]]` is an error"),
    followed("^default", "jobs inherit its keywords"),
    followed("^include:local", "paths and patterns, 150 files at most"),
    partly(
        "^include:project",
        "found in the folder of `--include-dir`; `ref` is not looked at",
    ),
    partly("^include:remote", "found in the folder of `--include-dir`"),
    partly(
        "^include:template",
        "found in the folder of `--include-dir`",
    ),
    partly(
        "^include:component",
        "found in the folder of `--include-dir`; its version is not looked at",
    ),
    unfollowed(
        "^include:artifact",
        "a file that another job makes is not here",
    ),
    partly(
        "^include:rules",
        "`if` and `exists` decide, and `changes` as far as git knows; else it is taken for true",
    ),
    followed(
        "^include:inputs",
        "they fill in the included file's `spec:inputs`",
    ),
    meaningless("^include:integrity", "the folder's own file is taken"),
    meaningless("^include:cache", "the folder's own file is taken"),
    followed(
        "^stages",
        "an unknown stage is an error; `.pre` and `.post` exist",
    ),
    followed("^variables", "of all jobs"),
    followed("^variables:value", "the variable's value"),
    meaningless("^variables:description", "no form shows it"),
    meaningless("^variables:options", "no form shows them"),
    followed("^variables:expand", "`false`: references stay as they are"),
    partly(
        "^workflow:rules",
        "a pipeline that GitLab would not make is told",
    ),
    followed("^workflow:rules:variables", "set in all jobs"),
    meaningless("^workflow:rules:auto_cancel", "a trial has one pipeline"),
    meaningless("^workflow:name", "a trial has no pipeline page"),
    meaningless(
        "^workflow:auto_cancel:on_new_commit",
        "a trial has one pipeline",
    ),
    meaningless("^workflow:auto_cancel:on_job_failure", "other jobs go on"),
    followed("^image", "as in `default:`"),
    followed("^services", "as in `default:`"),
    followed("^before_script", "as in `default:`"),
    followed("^after_script", "as in `default:`"),
    followed("^cache", "as in `default:`"),
    followed("after_script", "a shell of its own, also after a failure"),
    partly(
        "allow_failure",
        "with `--needs` and `--all` the trial goes on",
    ),
    partly(
        "allow_failure:exit_codes",
        "with `--needs` and `--all` the trial goes on",
    ),
    followed("artifacts:paths", "reach later jobs of the trial"),
    followed(
        "artifacts:exclude",
        "reach later jobs of the trial without them",
    ),
    followed(
        "artifacts:untracked",
        "all files that did not come with the sources",
    ),
    followed("artifacts:when", "after a failure, too"),
    partly("artifacts:name", "reaches the driver; no page shows it"),
    partly(
        "artifacts:expire_in",
        "reaches the driver; artifacts end with the trial",
    ),
    meaningless("artifacts:expose_as", "a trial has no merge request"),
    meaningless("artifacts:public", "no page shows them"),
    meaningless("artifacts:access", "no page shows them"),
    partly("artifacts:reports", "only GitLab shows them; see `dotenv`"),
    followed("artifacts:reports:dotenv", "sets variables of later jobs"),
    followed("before_script", "before `script`, in the same shell"),
    followed(
        "cache:paths",
        "wait for the next trial in a folder of this machine",
    ),
    followed("cache:key", "with variables"),
    followed(
        "cache:key:files",
        "two at most, which count by what is in them",
    ),
    partly(
        "cache:key:files_commits",
        "as `files`: by what is in them, not by commits",
    ),
    followed("cache:key:prefix", "before the hash of the files"),
    followed(
        "cache:untracked",
        "all files that did not come with the sources",
    ),
    meaningless("cache:unprotect", "a trial has no protected branches"),
    followed("cache:when", "after a failure, too"),
    followed("cache:policy", "variables, too"),
    followed("cache:fallback_keys", "and `CACHE_FALLBACK_KEY`"),
    meaningless("coverage", "the job log shows what the job prints"),
    unfollowed("dast_configuration", "its settings are in GitLab"),
    partly("dependencies", "with `--needs` and `--all`"),
    partly(
        "environment",
        "its variables are set; nothing is deployed by GitLab",
    ),
    partly("environment:name", "its variables are set"),
    partly("environment:url", "its variable is set"),
    partly("environment:action", "its variable is set"),
    partly(
        "environment:on_stop",
        "GitLab's refusal of a job that does not fit is told",
    ),
    meaningless("environment:auto_stop_in", "a trial has no environments"),
    partly("environment:deployment_tier", "its variable is set"),
    unfollowed(
        "environment:kubernetes",
        "no agent gives access to a cluster",
    ),
    followed("extends", "several, 11 levels, with GitLab's deep merge"),
    followed(
        "hooks:pre_get_sources_script",
        "its commands run before the files come",
    ),
    unfollowed("identity", "no cloud knows this job"),
    unfollowed("id_tokens", "its variables are missing"),
    followed("image:name", "with `--containers` or JobImage mode"),
    followed("image:entrypoint", "with `--containers` or JobImage mode"),
    followed("image:docker", "`platform` and `user` reach the driver"),
    followed("image:kubernetes", "`user` reaches the driver"),
    followed("image:pull_policy", "it reaches the driver"),
    followed("inherit:default", "true, false or a list"),
    followed("inherit:variables", "true, false or a list"),
    unfollowed("inputs", "a job's inputs are missing"),
    meaningless("interruptible", "a trial has one pipeline"),
    meaningless("manual_confirmation", "you named the job"),
    partly("needs", "with `--needs` and `--all`"),
    partly("needs:artifacts", "with `--needs` and `--all`"),
    partly("needs:optional", "with `--needs` and `--all`"),
    partly("needs:parallel:matrix", "with `--needs` and `--all`"),
    unfollowed("needs:project", "another project's artifacts are missing"),
    unfollowed("needs:pipeline", "another pipeline's artifacts are missing"),
    unfollowed(
        "needs:pipeline:job",
        "another pipeline's artifacts are missing",
    ),
    partly(
        "only",
        "told in one line; a job that you name runs all the same",
    ),
    partly(
        "only:refs",
        "as `only`; the project after `@` is taken for this one",
    ),
    partly("only:variables", "as `only`"),
    partly("only:changes", "as far as git knows; else taken for true"),
    partly("only:kubernetes", "taken for true, which is told"),
    partly(
        "except",
        "told in one line; a job that you name runs all the same",
    ),
    partly("except:refs", "as `except`"),
    partly("except:variables", "as `except`"),
    partly(
        "except:changes",
        "as far as git knows; else taken for false",
    ),
    partly("except:kubernetes", "taken for false, which is told"),
    partly(
        "pages",
        "the folder is among the artifacts; nothing is published",
    ),
    followed("pages:publish", "the folder is among the artifacts"),
    meaningless("pages:path_prefix", "nothing is published"),
    meaningless("pages:expire_in", "nothing is published"),
    followed("parallel", "each instance is a job of its own: `job 1/3`"),
    followed(
        "parallel:matrix",
        "each instance is a job of its own: `job: [a, b]`",
    ),
    followed("publish", "the old form of `pages:publish`"),
    unfollowed("release", "no release is made"),
    unfollowed("release:tag_name", "no release is made"),
    unfollowed("release:tag_message", "no release is made"),
    unfollowed("release:name", "no release is made"),
    unfollowed("release:description", "no release is made"),
    unfollowed("release:ref", "no release is made"),
    unfollowed("release:milestones", "no release is made"),
    unfollowed("release:released_at", "no release is made"),
    unfollowed("release:assets:links", "no release is made"),
    meaningless("resource_group", "a trial has one pipeline"),
    unfollowed("retry", "the job runs once"),
    unfollowed("retry:max", "the job runs once"),
    unfollowed("retry:when", "the job runs once"),
    unfollowed("retry:exit_codes", "the job runs once"),
    followed("rules:if", "with the variables that a trial has"),
    partly("rules:changes", "as far as git knows; else taken for true"),
    partly(
        "rules:changes:paths",
        "as far as git knows; else taken for true",
    ),
    partly(
        "rules:changes:compare_to",
        "as far as git knows; else taken for true",
    ),
    followed("rules:exists", "looks at the project's files"),
    followed("rules:exists:paths", "looks at the project's files"),
    partly("rules:exists:project", "taken for true"),
    partly(
        "rules:when",
        "told in one line; a job that you name runs all the same",
    ),
    partly(
        "rules:allow_failure",
        "with `--needs` and `--all` the trial goes on",
    ),
    partly("rules:needs", "with `--needs` and `--all`"),
    followed("rules:variables", "set over the job's"),
    meaningless("rules:interruptible", "a trial has one pipeline"),
    meaningless("rules:start_in", "a trial does not wait"),
    unfollowed("run", "only jobs with a `script:` run"),
    followed("script", "texts, lists and lists within lists"),
    unfollowed("secrets", "its variables are missing"),
    unfollowed("secrets:vault", "its variables are missing"),
    unfollowed("secrets:gcp_secret_manager", "its variables are missing"),
    unfollowed("secrets:azure_key_vault", "its variables are missing"),
    unfollowed("secrets:aws_secrets_manager", "its variables are missing"),
    unfollowed("secrets:file", "its variables are missing"),
    unfollowed("secrets:token", "its variables are missing"),
    followed("services:name", "with `--containers` or JobImage mode"),
    followed("services:alias", "with `--containers` or JobImage mode"),
    followed(
        "services:entrypoint",
        "with `--containers` or JobImage mode",
    ),
    followed("services:command", "with `--containers` or JobImage mode"),
    followed("services:variables", "with `--containers` or JobImage mode"),
    followed("services:docker", "`platform` and `user` reach the driver"),
    followed("services:kubernetes", "`user` reaches the driver"),
    followed("services:pull_policy", "it reaches the driver"),
    followed("stage", "an unknown one is an error"),
    meaningless("start_in", "a trial does not wait"),
    meaningless("tags", "a trial's runner takes every job"),
    followed("timeout", "the job ends"),
    partly(
        "trigger",
        "no pipeline starts; what waits for the job goes on",
    ),
    partly("trigger:project", "no pipeline starts"),
    partly("trigger:include", "no pipeline starts"),
    partly("trigger:inputs", "no pipeline starts"),
    partly("trigger:include:inputs", "no pipeline starts"),
    partly("trigger:strategy", "no pipeline starts"),
    partly("trigger:forward", "no pipeline starts"),
    followed("variables", "over the file's"),
    followed("variables:value", "the variable's value"),
    followed("variables:expand", "`false`: references stay as they are"),
    partly(
        "when",
        "with `--needs` and `--all`; a job that you name runs at once",
    ),
];

/// What becomes of a job's keyword; none for a word that GitLab's reference does not have.
///
/// A keyword that has only parts in the table, such as `cache`, is as its first part.
pub(super) fn job_keyword(name: &str) -> Option<&'static Keyword> {
    let whole = KEYWORDS.iter().find(|keyword| keyword.path == name);
    whole.or_else(|| KEYWORDS.iter().find(|keyword| is_part(keyword.path, name)))
}

/// Whether the keyword of `path` is a part of the keyword `whole`, as `cache:key` of `cache`.
pub(super) fn is_part(path: &str, whole: &str) -> bool {
    path.strip_prefix(whole)
        .is_some_and(|rest| rest.starts_with(':'))
}
