//! A `.gitlab-ci.yml`, as `fargate try` reads it.

/// Reads a file. The same file has the same jobs or the same fault each time, and a fault has words.
///
/// How long that may take is up to the fuzzer's `-timeout`.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    if let Err(problem) = gitlab_local::fuzzing::count(&text) {
        assert!(!problem.to_string().is_empty());
    }
    if input.len() < 10_000 {
        let first = gitlab_local::fuzzing::read(&text);
        assert_eq!(first, gitlab_local::fuzzing::read(&text));
    }
}
