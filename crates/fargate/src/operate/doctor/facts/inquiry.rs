//! Questions to AWS, by category of checks.

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::account::{Account, Named};
use super::ask::{Answer, Ask};
use super::host::Facts;
use super::once::Once;
use crate::aws::{Aws, instance, region_of_environment};
use crate::cli::Category;

/// The questions of one call of doctor to AWS.
#[derive(Debug)]
pub(in super::super) struct Inquiry<'a> {
    facts: &'a Facts,
    deadline: Instant,
    /// Whether calls that show permissions and cannot do anything are made, too.
    probe: bool,
    aws: OnceCell<Aws>,
    once: Once,
}

impl<'a> Inquiry<'a> {
    /// One whose calls count as unanswered after the deadline.
    pub(in super::super) fn until(deadline: Instant, facts: &'a Facts, probe: bool) -> Self {
        Self {
            facts,
            deadline,
            probe,
            aws: OnceCell::new(),
            once: Once::default(),
        }
    }

    /// What AWS shows of these categories. It waits for no answer that they do not need.
    pub(in super::super) async fn about(&self, categories: &[Category]) -> Account {
        let is_of_manager = categories
            .iter()
            .any(|one| matches!(one, Category::Identity | Category::Network));
        let Some(aws) = self.aws().await else {
            let mut account = Account::default();
            if is_of_manager {
                account.instance = instance().await;
            }
            return account;
        };
        let ask = Ask::until(self.deadline, aws, &self.once, categories);
        let is_of_identity = categories.contains(&Category::Identity);
        let caller = async {
            match is_of_identity {
                true => {
                    let (identity, ecs) = tokio::join!(ask.identity(), self.ecs(&ask));
                    (Some(identity), Some(ecs))
                }
                false => (None, None),
            }
        };
        let instance = async {
            match is_of_manager {
                true => ask.own_machine().await,
                false => None,
            }
        };
        let ((identity, ecs), instance, named) = tokio::join!(caller, instance, self.named(&ask));
        Account {
            identity: identity.or_else(|| self.once.known_identity()),
            ecs,
            instance,
            named,
        }
    }

    /// Asks whether AWS answers these credentials. That ECS does is enough.
    pub(in super::super) async fn ask_for_credentials(&self) {
        if let Some(aws) = self.aws().await {
            let ask = Ask::until(self.deadline, aws, &self.once, &[]);
            let ecs = self.ecs(&ask).await;
            if ecs.is_err_and(|refusal| !refusal.is_answer()) {
                ask.identity().await.ok();
            }
        }
    }

    /// The knowledge of the credentials so far.
    pub(in super::super) fn known_credentials(&self) -> Account {
        Account {
            identity: self.once.known_identity(),
            ecs: self.once.known_ecs(),
            ..Account::default()
        }
    }

    /// The APIs of the configuration's Region, or of the environment's.
    async fn aws(&self) -> Option<&Aws> {
        let config = self.facts.configuration.whole.as_ref().ok();
        let fargate = config.map(|config| &config.fargate);
        let region = fargate.map(|fargate| fargate.region.clone());
        let region = region.or_else(region_of_environment)?;
        let endpoint = fargate.and_then(|fargate| fargate.endpoint.as_deref());
        let connect = || Aws::connect(&region, endpoint);
        Some(self.aws.get_or_init(connect).await)
    }

    async fn ecs(&self, ask: &Ask<'_>) -> Answer<()> {
        let config = self.facts.configuration.whole.as_ref().ok();
        ask.any_cluster(config).await.map(|_cluster| ())
    }

    /// What the configuration names; nothing without one. Without credentials every call would say the same.
    async fn named(&self, ask: &Ask<'_>) -> Option<Named> {
        let config = self.facts.configuration.whole.as_ref().ok()?;
        let refused = async {
            match ask.identity().await {
                Err(refusal) if refusal.is_about_credentials() => {}
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = refused => None,
            named = ask.named(config, self.probe) => Some(named),
        }
    }
}
