//! Refusals, answers of proxies, and replies that are broken or too long.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::server::{Behavior, Server, answer, log_page, public_ip, wait_for};
use crate::aws::Aws;
use crate::aws::http::Http;

#[test]
fn refusals_in_json_are_understood() {
    let id = ("x-amzn-requestid", "11111111-2222".to_owned());
    for (headers, body) in [
        (
            vec![],
            r#"{"__type":"AccessDeniedException","message":"no"}"#,
        ),
        (
            vec![],
            r#"{"__type":"com.amazonaws.logs#AccessDeniedException","Message":"no"}"#,
        ),
        (
            vec![],
            r#"{"__type":"com.amazonaws.logs#AccessDeniedException:http://internal.amazon.com/x#y","message":"no"}"#,
        ),
        (
            vec![],
            r#"{"code":"AccessDeniedException","errorMessage":"no"}"#,
        ),
        (
            vec![(
                "x-amzn-errortype",
                "AccessDeniedException:http://internal.amazon.com/coral/".to_owned(),
            )],
            r#"{"message":"no"}"#,
        ),
    ] {
        let headers = headers.into_iter().chain([id.clone()]).collect();
        let server = Server::new([Behavior::Answer(400, headers, body.to_owned())]);
        assert_eq!(
            log_page(&server).unwrap_err().to_string(),
            "AWS refused logs:GetLogEvents: AccessDeniedException: no (request 11111111-2222)",
            "{body}"
        );
    }
    let missing = r#"{"__type":"ResourceNotFoundException","message":"The specified log stream does not exist."}"#;
    let server = Server::new([answer(400, missing)]);
    assert!(log_page(&server).unwrap_err().knows_no_stream());
}

#[test]
fn refusals_in_xml_are_understood() {
    let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x --><Response><Errors><Error><Code>UnauthorizedOperation</Code>\
                <Message>You are not &lt;authorized&gt; &#x26; so on</Message></Error></Errors><RequestID>r-1</RequestID></Response>";
    let server = Server::new([answer(403, body)]);
    assert_eq!(
        public_ip(&server).unwrap_err().to_string(),
        "AWS refused ec2:DescribeNetworkInterfaces: UnauthorizedOperation: You are not <authorized> & so on (request r-1)"
    );
    let gone = "<Response><Errors><Error><Code>InvalidNetworkInterfaceID.NotFound</Code><Message>m</Message></Error></Errors></Response>";
    assert_eq!(public_ip(&Server::new([answer(400, gone)])).unwrap(), None);
}

#[test]
fn answers_of_others_are_named() {
    let html = vec![("content-type", "text/html; charset=utf-8".to_owned())];
    for body in [
        "<html><body>Blocked by policy</body></html>",
        "",
        "<Response>",
        "{}",
        "{\"__type\": 7}",
        "<Error><Code>X</Code></Error>",
    ] {
        let proxy = Behavior::Answer(403, html.clone(), body.to_owned());
        for error in [
            public_ip(&Server::new([proxy.clone()])).unwrap_err(),
            log_page(&Server::new([proxy.clone()])).unwrap_err(),
        ] {
            assert!(!error.may_pass(), "{body}");
            let message = error.to_string();
            let expected =
                "the answer is not one of AWS's (HTTP status 403, text/html; charset=utf-8)";
            assert!(message.ends_with(expected), "{message}");
        }
    }
}

#[test]
fn replies_that_are_no_replies_are_refused() {
    let root = "DescribeNetworkInterfacesResponse";
    for body in [
        String::new(),
        "plain".to_owned(),
        "{}".to_owned(),
        "<html><networkInterfaceSet/></html>".to_owned(),
        "<DescribeInstancesResponse/>".to_owned(),
        format!("<{root}>"),
        format!("<{root}><networkInterfaceSet><item></networkInterfaceSet></{root}>"),
        format!(
            "<!DOCTYPE x [<!ENTITY a \"b\">]><{root}><networkInterfaceSet>&a;</networkInterfaceSet></{root}>"
        ),
    ] {
        let message = public_ip(&Server::new([answer(200, &body)]))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("no answer from AWS to ec2:DescribeNetworkInterfaces: "),
            "{body}: {message}"
        );
    }
    for (body, address) in [
        (format!("<{root}/>"), None),
        (format!("<{root}><networkInterfaceSet/></{root}>"), None),
        (
            format!(
                "<{root}><networkInterfaceSet><item/><item><association/></item></networkInterfaceSet></{root}>"
            ),
            None,
        ),
        (
            format!(
                "<x:{root} xmlns:x='y'><networkInterfaceSet><item><association><publicIp>2001:db8::7</publicIp></association></item></networkInterfaceSet></x:{root}>"
            ),
            Some("2001:db8::7".to_owned()),
        ),
    ] {
        let found = public_ip(&Server::new([answer(200, &body)]));
        assert_eq!(
            found.unwrap_or_else(|error| panic!("{body}: {error}")),
            address
        );
    }
    for body in [
        "",
        "[]",
        "7",
        "{\"events\": 7}",
        "{\"events\": [",
        "<html/>",
    ] {
        let message = log_page(&Server::new([answer(200, body)]))
            .unwrap_err()
            .to_string();
        assert!(
            message.starts_with("no answer from AWS to logs:GetLogEvents: "),
            "{body}: {message}"
        );
    }
    for body in [
        "{}",
        "{\"authorizationData\": null}",
        "{\"authorizationData\": [{}]}",
    ] {
        let aws = Server::new([answer(200, body)]).account("eu-west-1", None);
        let message = wait_for(aws.registry_token()).unwrap_err().to_string();
        assert!(message.ends_with("the reply holds no token"), "{message}");
    }
}

/// A server that answers each call with a page of one long event.
fn server_with_long_replies(length: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (before, after) = (r#"{"events":[{"message":""#, r#""}]}"#);
    let body = [before, &"x".repeat(length), after].concat();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // The request fits into one piece.
            let _read = stream.read(&mut [0; 8192]).unwrap();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            // The client leaves before the end of a reply that is too long.
            let _cut = stream.write_all(&[head.as_bytes(), body.as_bytes()].concat());
        }
    });
    url
}

#[test]
fn replies_are_read_up_to_a_bound() {
    let read = |length| {
        let shared = Server::new([Behavior::Break])
            .config("eu-west-1", None)
            .to_builder()
            .http_client(Http::new())
            .endpoint_url(server_with_long_replies(length))
            .build();
        let ecs = aws_sdk_ecs::Client::new(&shared);
        wait_for(Aws { shared, ecs }.logs("/ci/jobs").read("s", None))
    };
    let page = read(6 << 20).unwrap();
    assert_eq!(page.events[0].message.len(), 6 << 20);
    let message = read(8 << 20).unwrap_err().to_string();
    assert!(message.contains("length limit exceeded"), "{message}");
}

/// A server whose replies never end.
fn endless_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let _read = stream.read(&mut [0; 8192]).unwrap();
                let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
                let mut sent = stream.write_all(head.as_bytes());
                // Until the client leaves.
                while sent.is_ok() {
                    sent = stream.write_all(chunk.as_bytes());
                }
            });
        }
    });
    url
}

#[test]
fn a_reply_without_end_is_cut_for_the_sdks_own_client_too() {
    let shared = Server::new([Behavior::Break])
        .config("eu-west-1", None)
        .to_builder()
        .http_client(Http::new())
        .endpoint_url(endless_server())
        .build();
    let ecs = aws_sdk_ecs::Client::new(&shared);
    let aws = Aws { shared, ecs };
    let refusal = wait_for(aws.stop_task("ci", "task", "over")).unwrap_err();
    assert!(
        refusal.to_string().contains("length limit exceeded"),
        "{refusal}"
    );
}
