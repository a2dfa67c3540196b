//! The page of a job in GitLab, from the address of its project's repository.

/// The page of this job, where the address is one that can be shown: GitLab puts the job's token into it.
///
/// GitLab serves a job of `GROUP/PROJECT` at `GROUP/PROJECT/-/jobs/ID`, and its repository at `GROUP/PROJECT.git`.
pub(super) fn job_page(repository: &str, id: u64) -> Option<String> {
    let (scheme, rest) = repository.split_once("://")?;
    let (authority, path) = rest.split_once('/')?;
    let host = authority
        .rsplit_once('@')
        .map_or(authority, |(_token, host)| host);
    let project = path.strip_suffix(".git").unwrap_or(path);
    let is_host =
        |character: char| character.is_ascii_alphanumeric() || ".-:[]".contains(character);
    let is_path = |character: char| character.is_ascii_alphanumeric() || "._-/".contains(character);
    let is_plain = matches!(scheme, "http" | "https")
        && !host.is_empty()
        && host.chars().all(is_host)
        && !project.is_empty()
        && project.chars().all(is_path);
    is_plain.then(|| format!("{scheme}://{host}/{project}/-/jobs/{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_no_token_and_nothing_that_a_terminal_obeys() {
        for (repository, page) in [
            (
                "https://gitlab-ci-token:glcbt-64_x@gitlab.example.com/acme/shop.git",
                Some("https://gitlab.example.com/acme/shop/-/jobs/7"),
            ),
            (
                "http://127.0.0.1:8080/git/a/b_c.d-e",
                Some("http://127.0.0.1:8080/git/a/b_c.d-e/-/jobs/7"),
            ),
            ("https://[::1]/a/b.git", Some("https://[::1]/a/b/-/jobs/7")),
            // A token with an @ in it.
            ("https://u:p@q@host/a.git", Some("https://host/a/-/jobs/7")),
            ("git@gitlab.example.com:acme/shop.git", None),
            ("ssh://git@gitlab.example.com/acme/shop.git", None),
            ("https://host/a\u{1b}[31m.git", None),
            ("https://host/a b.git", None),
            ("https://host/a?token=x", None),
            ("https://ho\\st/a.git", None),
            ("https:///a.git", None),
            ("https://host/.git", None),
            ("https://host", None),
            ("", None),
        ] {
            assert_eq!(job_page(repository, 7).as_deref(), page, "{repository}");
        }
    }
}
