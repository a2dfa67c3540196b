//! Requests that AWS refuses, with AWS's codes and words.

use serde_json::{Value, json};

use crate::cluster::{CLUSTER, Cluster, request};

const INVALID: &str = "InvalidParameterException";

/// A request without launch type.
fn on_cluster_default(platform_version: Option<&str>, public: &str) -> Value {
    let mut order = request("job");
    order.as_object_mut().unwrap().remove("launchType");
    order["networkConfiguration"]["awsvpcConfiguration"]["assignPublicIp"] = public.into();
    if let Some(version) = platform_version {
        order["platformVersion"] = version.into();
    }
    order
}

#[test]
fn a_cluster_without_default_strategy_has_three_refusals() {
    let local = Cluster::with_faults(&json!([]));
    local.register_job("sleep 1000");
    let cases = [
        (
            Some("1.4.0"),
            "ENABLED",
            "The platform version must be null when specifying an EC2 launch type.",
        ),
        (
            Some("LATEST"),
            "DISABLED",
            "The platform version must be null when specifying an EC2 launch type.",
        ),
        (
            None,
            "ENABLED",
            "Assign public IP is not supported for this launch type.",
        ),
        (
            None,
            "DISABLED",
            "No Container Instances were found in your cluster.",
        ),
    ];
    for (version, public, text) in cases {
        let mut order = on_cluster_default(version, public);
        let refused = (400, INVALID.to_owned(), text.to_owned());
        assert_eq!(local.refusal("RunTask", &order), refused);
        // The same for the launch type that AWS falls back to.
        order["launchType"] = "EC2".into();
        assert_eq!(local.refusal("RunTask", &order), refused);
        order["launchType"] = "FARGATE".into();
        assert_eq!(local.ecs("RunTask", &order).unwrap().status, 200);
    }
}

#[test]
fn refused_tags_start_nothing() {
    let local = Cluster::with_faults(&json!([]));
    local.register_job("sleep 1000");
    let mut order = request("job");
    order["tags"] = json!([{ "key": "job-name", "value": "परीक्षण" }]);
    let text = "Some tags contain invalid characters. Valid characters: UTF-8 letters, spaces, numbers and _ . / = + - : @.";
    assert_eq!(
        local.refusal("RunTask", &order),
        (400, INVALID.to_owned(), text.to_owned())
    );
    assert_eq!(local.task_histories(), [Value::Null; 0]);
    order["tags"][0]["value"] = "тест テスト 1½/=".into();
    assert_eq!(local.ecs("RunTask", &order).unwrap().status, 200);
}

#[test]
fn an_old_platform_version_cannot_do_everything() {
    let local = Cluster::with_faults(&json!([]));
    let definition = |family: &str, more: Value| {
        let mut definition = json!({ "family": family, "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
            "cpu": "256", "memory": "512", "containerDefinitions": [{ "name": "job", "image": "ci:1" }] });
        let members = definition.as_object_mut().unwrap();
        members.extend(more.as_object().unwrap().clone());
        local.call("RegisterTaskDefinition", &definition);
    };
    definition("plain", json!({}));
    definition(
        "arm",
        json!({ "runtimePlatform": { "cpuArchitecture": "ARM64" } }),
    );
    definition("disk", json!({ "ephemeralStorage": { "sizeInGiB": 50 } }));
    definition("large", json!({ "cpu": "8192", "memory": "16384" }));
    definition(
        "shared",
        json!({ "volumes": [{ "name": "efs", "efsVolumeConfiguration": { "fileSystemId": "fs-1" } }] }),
    );
    for family in ["arm", "disk", "large", "shared"] {
        let mut order = request(family);
        order["platformVersion"] = "1.3.0".into();
        let text = "One or more of the requested capabilities are not supported.";
        assert_eq!(
            local.refusal("RunTask", &order),
            (
                400,
                "PlatformTaskDefinitionIncompatibilityException".to_owned(),
                text.to_owned()
            ),
            "{family}"
        );
        order["platformVersion"] = "1.4.0".into();
        assert_eq!(
            local.ecs("RunTask", &order).unwrap().status,
            200,
            "{family}"
        );
    }
    let mut order = request("plain");
    order["platformVersion"] = "1.3.0".into();
    assert_eq!(local.ecs("RunTask", &order).unwrap().status, 200);
    order["cluster"] = CLUSTER.into();
    order["overrides"] = json!({ "ephemeralStorage": { "sizeInGiB": 50 } });
    assert_eq!(
        local.refusal("RunTask", &order).1,
        "PlatformTaskDefinitionIncompatibilityException"
    );
}

#[test]
fn an_image_has_the_models_characters() {
    let local = Cluster::with_faults(&json!([]));
    let definition = |image: &str| {
        json!({ "family": "job", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256",
            "memory": "512", "containerDefinitions": [{ "name": "job", "image": image }] })
    };
    for image in ["ruby:3?", "$X/y", "ruby:3 ", "ruby@sha256:00"] {
        assert_eq!(
            local.refusal("RegisterTaskDefinition", &definition(image)),
            (
                400,
                "ClientException".to_owned(),
                "Container.image contains invalid characters.".to_owned()
            ),
            "{image}"
        );
    }
    local.call("RegisterTaskDefinition", &definition("ruby:3.3"));
}
