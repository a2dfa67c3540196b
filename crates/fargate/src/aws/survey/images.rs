//! ECR: an image and its processors.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::client::Aws;
use super::super::error::AwsError;
use super::super::signed;

/// The name of an image in ECR, in its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ImageName {
    /// The account of the registry.
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) repository: String,
    /// Tag or digest, as ECR's calls take it.
    id: (&'static str, String),
}

/// An image.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    pub(crate) bytes: u64,
    /// `ACTIVE`, or another where it cannot be pulled.
    pub(crate) status: String,
    /// Processors of an index; empty where the image is a single one.
    pub(crate) architectures: Vec<String>,
}

impl ImageName {
    /// The parts of a name like `111122223333.dkr.ecr.eu-west-1.amazonaws.com/ci/ruby:3`; nothing for other registries.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (host, path) = name.split_once('/')?;
        let (account, rest) = host.split_once(".dkr.ecr.")?;
        let (region, _) = rest.split_once('.')?;
        let (repository, id) = match (path.split_once('@'), path.rsplit_once(':')) {
            (Some((named, digest)), _) => {
                let repository = named.split_once(':').map_or(named, |(path, _)| path);
                (repository, ("imageDigest", digest.to_owned()))
            }
            (None, Some((repository, tag))) => (repository, ("imageTag", tag.to_owned())),
            (None, None) => (path, ("imageTag", "latest".to_owned())),
        };
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            repository: repository.to_owned(),
            id,
        })
    }

    /// The ARN of its repository.
    pub(crate) fn repository_arn(&self, partition: &str) -> String {
        format!(
            "arn:{partition}:ecr:{}:{}:repository/{}",
            self.region, self.account, self.repository
        )
    }

    fn parameters(&self) -> Value {
        let (kind, value) = &self.id;
        json!({
            "registryId": self.account, "repositoryName": self.repository, "imageIds": [{ *kind: value }],
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct DescribeImagesResponse {
    image_details: Vec<ImageDetail>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ImageDetail {
    image_size_in_bytes: u64,
    image_status: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BatchGetImageResponse {
    images: Vec<Manifest>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Manifest {
    image_manifest: String,
}

/// The media types of indexes (OCI image specification; Docker image manifest version 2).
const INDEXES: [&str; 2] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
];

impl Aws {
    /// The host of an account's registry in this Region.
    pub(crate) fn registry_host(&self, account: &str) -> String {
        let region = self.region();
        format!("{account}.dkr.ecr.{region}.{}", signed::domain(region))
    }

    /// An image in ECR; nothing where the repository or the image does not exist, with AWS's words.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn image(&self, name: &ImageName) -> Result<Result<Image, String>, AwsError> {
        let ecr = signed::Client::new(&self.in_region(&name.region).shared, &signed::ECR);
        let described = ecr.call("ecr:DescribeImages", name.parameters()).await;
        let described: DescribeImagesResponse = match described {
            Err(refusal) if refusal.has_code("RepositoryNotFoundException") => {
                return Ok(Err(refusal.into_message()));
            }
            Err(refusal) if refusal.has_code("ImageNotFoundException") => {
                return Ok(Err(refusal.into_message()));
            }
            reply => reply?,
        };
        let detail = described
            .image_details
            .into_iter()
            .next()
            .unwrap_or_default();
        let mut parameters = name.parameters();
        if let Some(members) = parameters.as_object_mut() {
            members.insert("acceptedMediaTypes".to_owned(), json!(INDEXES));
        }
        // Without it the image is known, and its processors are not.
        let manifests = ecr.call("ecr:BatchGetImage", parameters).await;
        let manifests: BatchGetImageResponse = manifests.unwrap_or_default();
        let first = manifests.images.first();
        Ok(Ok(Image {
            bytes: detail.image_size_in_bytes,
            status: detail.image_status.unwrap_or_else(|| "ACTIVE".to_owned()),
            architectures: first
                .map(|image| architectures(&image.image_manifest))
                .unwrap_or_default(),
        }))
    }
}

/// The processors that an index has images for; empty for a single image.
fn architectures(manifest: &str) -> Vec<String> {
    let manifest: Value = serde_json::from_str(manifest).unwrap_or_default();
    let images = manifest.get("manifests").and_then(Value::as_array);
    let named = images.into_iter().flatten().filter_map(|image| {
        let architecture = image.get("platform")?.get("architecture")?.as_str()?;
        // Attestations are of no processor.
        (architecture != "unknown").then(|| architecture.to_owned())
    });
    named.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_ecr_are_taken_apart() {
        let parts = |name| {
            let name = ImageName::parse(name)?;
            Some((
                name.account.clone(),
                name.region.clone(),
                name.repository.clone(),
                name.id,
            ))
        };
        let tagged = parts("111122223333.dkr.ecr.eu-west-1.amazonaws.com/ci/ruby:3").unwrap();
        assert_eq!(
            tagged,
            (
                "111122223333".into(),
                "eu-west-1".into(),
                "ci/ruby".into(),
                ("imageTag", "3".into())
            )
        );
        let bare = parts("1.dkr.ecr.cn-north-1.amazonaws.com.cn/ruby").unwrap();
        assert_eq!(bare.3, ("imageTag", "latest".into()));
        let pinned = parts("1.dkr.ecr.eu-west-1.amazonaws.com/ruby:3@sha256:ab").unwrap();
        assert_eq!(
            (pinned.2.as_str(), pinned.3),
            ("ruby", ("imageDigest", "sha256:ab".into()))
        );
        assert_eq!(parts("registry.example.com/ruby:3"), None);
        assert_eq!(parts("ruby"), None);
    }
}
