//! Where the manager runs: on an EC2 instance, as an ECS task, or elsewhere.

use super::ask::{Answer, Ask};
use crate::aws::{AwsError, Instance, OwnInterface, OwnTask, instance};

impl Ask<'_> {
    /// The manager as the network sees it, if it is on AWS. A task has no metadata of an instance.
    pub(super) async fn manager(&self) -> Option<Instance> {
        match OwnTask::find().await {
            None => instance().await,
            Some(task) => {
                let interface = self.interface(&task).await;
                Some(task.with(interface))
            }
        }
    }

    /// The interface of a task. The metadata know neither groups nor public address.
    async fn interface(&self, task: &OwnTask) -> Answer<OwnInterface> {
        const DESCRIBE: &str = "ecs:DescribeTasks";
        let call = self.aws.describe_task(&task.cluster, &task.arn);
        let described = self.bounded(DESCRIBE, call).await?;
        let interface = described.and_then(|task| task.interface.id);
        let Some(id) = interface else {
            let words = "the manager's own task has no network interface there";
            return Err(AwsError::unusable_reply(DESCRIBE, words));
        };
        let call = self.aws.own_interface(&id);
        self.bounded("ec2:DescribeNetworkInterfaces", call).await
    }
}
