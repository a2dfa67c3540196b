//! Services of which callers read a resource or two: ECR, Service Quotas, Secrets Manager.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::account::ACCOUNT;
use crate::error::ApiError;
use crate::json::parse;
use crate::resources::{Members, Resources};
use crate::service::AwsService;

/// The prefixes of `X-Amz-Target`.
pub(crate) const TARGETS: [(&str, AwsService); 3] = [
    ("AmazonEC2ContainerRegistry_V20150921.", AwsService::Ecr),
    ("ServiceQuotasV20190624.", AwsService::Quotas),
    ("secretsmanager.", AwsService::Secrets),
];

/// Answers one call.
pub(crate) fn call(
    resources: &Resources,
    region: &str,
    operation: &str,
    body: &[u8],
) -> Result<String, ApiError> {
    let reply = match operation {
        "DescribeImages" => images(resources, &parse(body)?)?,
        "BatchGetImage" => manifests(resources, &parse(body)?)?,
        "GetServiceQuota" | "GetAWSDefaultServiceQuota" => quota(resources, region, &parse(body)?)?,
        "DescribeSecret" => described(secret(resources, &parse(body)?)?),
        "GetSecretValue" => value_of(secret(resources, &parse(body)?)?)?,
        _ => {
            return Err(ApiError::new(
                400,
                "UnknownOperationException",
                "The requested operation is not recognized by the service.",
            ));
        }
    };
    Ok(reply.to_string())
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImagesInput {
    registry_id: Option<String>,
    #[serde(default)]
    repository_name: String,
    #[serde(default)]
    image_ids: Vec<ImageId>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ImageId {
    #[serde(skip_serializing_if = "Option::is_none")]
    image_tag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_digest: Option<String>,
}

impl ImagesInput {
    /// The images of its repository, which has to exist.
    fn repository<'a>(&self, resources: &'a Resources) -> Result<Vec<&'a Members>, ApiError> {
        let registry = self.registry_id.as_deref().unwrap_or(ACCOUNT);
        let name = &self.repository_name;
        let is_of = |image: &&Members| {
            text(image, "repositoryName") == name && text(image, "registryId") == registry
        };
        let found: Vec<_> = resources.images.iter().filter(is_of).collect();
        if found.is_empty() {
            let message = format!(
                "The repository with name '{name}' does not exist in the registry with id '{registry}'"
            );
            return Err(ApiError::new(400, "RepositoryNotFoundException", message));
        }
        Ok(found)
    }
}

impl ImageId {
    fn is_of(&self, image: &Members) -> bool {
        let tags = image.get("imageTags").and_then(Value::as_array);
        let has_tag = |tag: &String| tags.is_some_and(|tags| tags.iter().any(|one| one == tag));
        self.image_tag.as_ref().is_none_or(has_tag)
            && self
                .image_digest
                .as_ref()
                .is_none_or(|digest| text(image, "imageDigest") == digest)
    }
}

fn images(resources: &Resources, input: &ImagesInput) -> Result<Value, ApiError> {
    let all = input.repository(resources)?;
    let mut found = Vec::new();
    for id in &input.image_ids {
        let image = all.iter().find(|image| id.is_of(image)).ok_or_else(|| {
            let quoted = |part: &Option<String>| match part {
                Some(part) => format!("'{part}'"),
                None => "'null'".to_owned(),
            };
            let message = format!(
                "The image with imageId {{imageDigest:{}, imageTag:{}}} does not exist within the repository with name '{}' in the \
                 registry with id '{}'",
                quoted(&id.image_digest),
                quoted(&id.image_tag),
                input.repository_name,
                input.registry_id.as_deref().unwrap_or(ACCOUNT)
            );
            ApiError::new(400, "ImageNotFoundException", message)
        })?;
        let mut image = (*image).clone();
        image.remove("imageManifest");
        found.push(image);
    }
    Ok(json!({ "imageDetails": found }))
}

fn manifests(resources: &Resources, input: &ImagesInput) -> Result<Value, ApiError> {
    let all = input.repository(resources)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for id in &input.image_ids {
        match all.iter().find(|image| id.is_of(image)) {
            Some(image) => found.push(json!({
                "registryId": text(image, "registryId"), "repositoryName": input.repository_name,
                "imageId": ImageId {
                    image_tag: id.image_tag.clone(),
                    image_digest: Some(text(image, "imageDigest").to_owned()),
                },
                "imageManifest": text(image, "imageManifest"),
                "imageManifestMediaType": text(image, "imageManifestMediaType"),
            })),
            None => failures.push(json!({
                "imageId": id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found",
            })),
        }
    }
    Ok(json!({ "images": found, "failures": failures }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QuotaInput {
    #[serde(default)]
    service_code: String,
    #[serde(default)]
    quota_code: String,
}

fn quota(resources: &Resources, region: &str, input: &QuotaInput) -> Result<Value, ApiError> {
    let code = &input.quota_code;
    let value = resources
        .quotas
        .get(code)
        .filter(|_| input.service_code == "fargate");
    let value = value.ok_or_else(|| {
        ApiError::new(
            400,
            "NoSuchResourceException",
            "The request failed because the specified service quota does not exist.",
        )
    })?;
    let name = match code.as_str() {
        "L-3032A538" => "Fargate On-Demand vCPU resource count",
        _ => "Fargate Spot vCPU resource count",
    };
    Ok(json!({ "Quota": {
        "ServiceCode": "fargate", "ServiceName": "AWS Fargate", "QuotaCode": code, "QuotaName": name,
        "QuotaArn": format!("arn:aws:servicequotas:{region}:{ACCOUNT}:fargate/{code}"),
        "Value": value, "Unit": "None", "Adjustable": true, "GlobalQuota": false,
    } }))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SecretInput {
    #[serde(default)]
    secret_id: String,
}

fn secret<'a>(resources: &'a Resources, input: &SecretInput) -> Result<&'a Members, ApiError> {
    let id = &input.secret_id;
    let mut secrets = resources.secrets.iter();
    let found =
        secrets.find(|secret| [text(secret, "ARN"), text(secret, "Name")].contains(&id.as_str()));
    found.ok_or_else(|| {
        ApiError::new(
            400,
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret.",
        )
    })
}

fn described(secret: &Members) -> Value {
    let mut secret = secret.clone();
    secret.remove("SecretString");
    Value::Object(secret)
}

fn value_of(secret: &Members) -> Result<Value, ApiError> {
    let value = secret.get("SecretString").ok_or_else(|| {
        ApiError::new(
            400,
            "ResourceNotFoundException",
            "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT",
        )
    })?;
    let mut reply = Members::new();
    for name in ["ARN", "Name", "CreatedDate"] {
        reply.extend(
            secret
                .get(name)
                .map(|value| (name.to_owned(), value.clone())),
        );
    }
    reply.insert("SecretString".to_owned(), value.clone());
    reply.insert("VersionStages".to_owned(), json!(["AWSCURRENT"]));
    let versions = secret.get("VersionIdsToStages").and_then(Value::as_object);
    if let Some(version) = versions.and_then(|versions| versions.keys().next()) {
        reply.insert("VersionId".to_owned(), version.as_str().into());
    }
    Ok(Value::Object(reply))
}

fn text<'a>(members: &'a Members, name: &str) -> &'a str {
    members
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
