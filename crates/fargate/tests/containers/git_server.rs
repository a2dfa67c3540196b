//! A repository that is served over HTTP, by git's own server in a container beside the tasks.

use std::net::{IpAddr, TcpStream};

use testing::wait_until;

use crate::images::{GIT_SERVER, engine};

pub(crate) struct GitServer {
    container: String,
    address: IpAddr,
}

impl GitServer {
    pub(crate) fn start() -> Self {
        let container = engine().run(&["run", "--detach", "--rm", GIT_SERVER]);
        let container = container.trim().to_owned();
        let address = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
        let address = engine().run(&["inspect", "--format", address, &container]);
        let server = Self {
            container,
            address: address.trim().parse().unwrap(),
        };
        wait_until("the git server listens", || {
            TcpStream::connect((server.address, 80)).is_ok()
        });
        server
    }

    /// Where tasks find the repository.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/cgi-bin/git/shop.git", self.address)
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        engine().run(&["rm", "--force", &self.container]);
    }
}
