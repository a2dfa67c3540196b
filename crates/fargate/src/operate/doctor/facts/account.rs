//! The AWS account.

use tokio::time::{Instant, timeout_at};

use super::host::Facts;
use crate::aws::{Aws, AwsError, Identity};

/// An answer of AWS's.
pub(in super::super) type Answer<T> = Result<T, AwsError>;

/// What AWS shows.
#[derive(Debug)]
pub(in super::super) struct Account {
    /// The caller; nothing where no Region is known.
    pub(in super::super) identity: Option<Answer<Identity>>,
}

/// The Region where there is no configuration yet, as for other AWS tools.
const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

impl Facts {
    /// Asks AWS. What has not answered by the deadline counts as unanswered.
    pub(in super::super) async fn of_account(&self, deadline: Instant) -> Account {
        let config = self.configuration.whole.as_ref().ok();
        let fargate = config.map(|config| &config.fargate);
        let of_environment = || {
            REGIONS
                .into_iter()
                .find_map(|name| std::env::var(name).ok())
        };
        let region = fargate.map(|fargate| fargate.region.clone());
        let Some(region) = region.or_else(of_environment) else {
            return Account { identity: None };
        };
        let endpoint = fargate.and_then(|fargate| fargate.endpoint.as_deref());
        let aws = Aws::connect(&region, endpoint).await;
        let identity = timeout_at(deadline, aws.identity()).await;
        let identity =
            identity.unwrap_or_else(|_| Err(AwsError::abandoned("sts:GetCallerIdentity")));
        Account {
            identity: Some(identity),
        }
    }
}
