//! The check of the `Host` header.

use ecs_local::Options;

use crate::cluster::Cluster;

#[test]
fn a_request_for_a_name_that_resolves_here_is_refused() {
    let local = Cluster::start(Options::default());
    let status = |path: &str, host: &str| {
        let headers = format!("Host: {host}\r\n");
        let reply = local.http_at_any_host("GET", path, &headers, "");
        reply.unwrap().status
    };
    for path in ["/_local/tasks", "/_local/stats"] {
        assert_eq!(status(path, "pages.example.com:4566"), 421);
        assert_eq!(status(path, "localhost:4566"), 200);
    }
    assert_eq!(status("/", "pages.example.com"), 421);
}
