//! Images that the stand-in makes itself: each holds one program, and nothing else.

use anyhow::Context;
use bollard::errors::Error;
use bollard::query_parameters::CreateImageOptions;
use futures_util::TryStreamExt;

use super::client::Engine;

impl Engine {
    /// Makes an image of a program at an absolute path, unless the engine has one of this name, and returns its ID.
    pub(crate) async fn import(
        &self,
        name: &str,
        path: &str,
        program: &[u8],
    ) -> anyhow::Result<String> {
        if let Some(id) = self.id(name).await? {
            return Ok(id);
        }
        let options = CreateImageOptions {
            from_src: Some("-".to_owned()),
            // The name with its tag: the parameter `tag` is for pulls.
            repo: Some(name.to_owned()),
            ..Default::default()
        };
        let body = bollard::body_full(archive(path, program)?.into());
        self.docker
            .create_image(Some(options), Some(body), None)
            .try_for_each(|_| async { Ok(()) })
            .await?;
        self.id(name)
            .await?
            .context("the engine does not have it after the import")
    }

    async fn id(&self, name: &str) -> anyhow::Result<Option<String>> {
        match self.docker.inspect_image(name).await {
            Ok(image) => Ok(image.id),
            Err(Error::DockerResponseServerError {
                status_code: 404, ..
            }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

fn archive(path: &str, program: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_size(u64::try_from(program.len()).unwrap_or_default());
    header.set_mode(0o755);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, path.trim_start_matches('/'), program)?;
    archive.into_inner()
}
