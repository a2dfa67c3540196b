//! Cancelling a job, as GitLab has it: the first request lets `after_script` run, a second one aborts the job.

use tokio::sync::watch;

/// Requests that a job be cancelled.
#[derive(Debug)]
pub struct Canceler(watch::Sender<u32>);

impl Canceler {
    /// Cancels the job, or aborts it where it is being cancelled already.
    pub fn cancel(&self) {
        self.0
            .send_modify(|requests| *requests = requests.saturating_add(1));
    }
}

/// The requests to cancel a job. Clones see the same ones.
#[derive(Debug, Clone)]
pub struct Cancellation(watch::Receiver<u32>);

impl Cancellation {
    /// A cancellation without requests so far, and the way to make them.
    pub fn new() -> (Canceler, Self) {
        let (sender, receiver) = watch::channel(0);
        (Canceler(sender), Self(receiver))
    }

    /// Returns at the first request: GitLab's `Job-Status: canceling`.
    pub(crate) async fn canceling(&self) {
        self.requested(1).await;
    }

    /// Returns at the second request: GitLab's `Job-Status: canceled`.
    pub(crate) async fn aborted(&self) {
        self.requested(2).await;
    }

    async fn requested(&self, times: u32) {
        let mut requests = self.0.clone();
        if requests.wait_for(|count| *count >= times).await.is_err() {
            // Nobody is left to make a request.
            std::future::pending::<()>().await;
        }
    }
}
