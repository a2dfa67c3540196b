//! Calls that fail for a while are repeated, others are not.

use super::server::{Behavior, Server, answer, interfaces, log_page, public_ip, wait_for};

#[test]
fn passing_trouble_is_waited_out() {
    let ec2 = |code: &str| {
        format!(
            "<Response><Errors><Error><Code>{code}</Code><Message>m</Message></Error></Errors><RequestID>r</RequestID></Response>"
        )
    };
    for trouble in [
        answer(503, &ec2("RequestLimitExceeded")),
        answer(400, &ec2("Throttling")),
        answer(500, &ec2("InternalError")),
        answer(502, "<html>Bad Gateway</html>"),
        Behavior::Break,
    ] {
        let server = Server::new([trouble.clone(), trouble.clone(), interfaces()]);
        let found = public_ip(&server).unwrap_or_else(|error| panic!("{trouble:?}: {error}"));
        assert_eq!(found.as_deref(), Some("203.0.113.7"));
        assert_eq!(server.calls(), 3, "{trouble:?}");

        let server = Server::new([trouble.clone()]);
        assert!(public_ip(&server).unwrap_err().may_pass(), "{trouble:?}");
        assert_eq!(server.calls(), 4, "{trouble:?}");
    }
}

#[test]
fn hopeless_calls_are_made_once() {
    for hopeless in [
        answer(
            400,
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>",
        ),
        answer(403, "<html>Forbidden</html>"),
        answer(302, ""),
        answer(200, "<html/>"),
        answer(200, "<DescribeNetworkInterfacesResponse><networkInter"),
    ] {
        let server = Server::new([hopeless.clone()]);
        assert!(public_ip(&server).is_err(), "{hopeless:?}");
        assert_eq!(server.calls(), 1, "{hopeless:?}");
    }
}

#[test]
fn a_wrong_clock_is_corrected() {
    // An hour after the time of the vectors.
    let date = ("date", "Fri, 02 Jan 2026 04:04:05 GMT".to_owned());
    let skewed = |code: &str| {
        let body = format!(
            r#"{{"__type":"{code}","message":"Signature expired: 20260102T030405Z is now earlier than 20260102T034905Z"}}"#
        );
        Behavior::Answer(403, vec![date.clone()], body)
    };
    for code in [
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "RequestTimeTooSkewed",
    ] {
        let well = Behavior::Answer(200, vec![date.clone()], "{}".to_owned());
        let server = Server::new([skewed(code), well]);
        let logs = server.account("eu-west-1", None).logs("/ci/jobs");
        wait_for(async {
            logs.read("s", None).await.unwrap();
            logs.read("s", None).await.unwrap();
        });
        let requests = server.requests.lock().unwrap();
        let dates: Vec<_> = requests
            .iter()
            .map(|request| request.headers().get("x-amz-date").unwrap())
            .collect();
        // The next call knows.
        let times = ["20260102T030405Z", "20260102T040405Z", "20260102T040405Z"];
        assert_eq!(dates, times, "{code}");
    }
    // A clock that is right: the key is wrong.
    let date = ("date", "Fri, 02 Jan 2026 03:04:07 GMT".to_owned());
    let wrong = r#"{"__type":"InvalidSignatureException","message":"m"}"#.to_owned();
    let server = Server::new([Behavior::Answer(403, vec![date], wrong)]);
    log_page(&server).unwrap_err();
    assert_eq!(server.calls(), 1);
}
