//! ECS: the names of clusters.

use super::super::client::Aws;
use super::super::error::AwsError;

impl Aws {
    /// The names of the Region's clusters, at most a hundred.
    ///
    /// # Errors
    ///
    /// With AWS's refusal.
    pub(crate) async fn cluster_names(&self) -> Result<Vec<String>, AwsError> {
        let call = self.ecs.list_clusters().max_results(100);
        let reply = call
            .send()
            .await
            .map_err(|error| AwsError::from_sdk("ecs:ListClusters", &error))?;
        let arns = reply.cluster_arns.unwrap_or_default().into_iter();
        let names = arns.filter_map(|arn| Some(arn.rsplit_once('/')?.1.to_owned()));
        Ok(names.collect())
    }
}
