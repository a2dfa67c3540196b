//! The images of a task. Fargate pulls all of them before it starts any container (aws/containers-roadmap#2076), except
//! those that it loads lazily.

use std::sync::Arc;

use tokio::sync::watch;

/// The pulls of one task's images.
#[derive(Clone, Debug)]
pub(super) struct Pulls {
    /// The number of images that are there.
    done: Arc<watch::Sender<usize>>,
    /// The number of images that a container waits for.
    awaited: usize,
}

impl Pulls {
    /// The pulls of so many images. With `lazy`, no container waits for the image of another.
    pub(super) fn new(images: usize, lazy: bool) -> Self {
        Self {
            done: Arc::new(watch::Sender::new(0)),
            awaited: if lazy { 0 } else { images },
        }
    }

    /// Counts an image that is there, and waits for those of the other containers. A pull that fails ends the task, and
    /// this wait with it.
    pub(super) async fn pulled(&self) {
        self.done.send_modify(|done| *done += 1);
        let mut done = self.done.subscribe();
        if done.wait_for(|done| *done >= self.awaited).await.is_err() {
            tracing::debug!("the pulls of a task are gone");
        }
    }
}
