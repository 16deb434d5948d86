use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;

use super::Images;
use crate::Error;
use crate::store::aside;

impl Images {
    /// For an archive on its way in or out: a file on the disk of the images that has no name, and goes with its last descriptor.
    pub async fn scratch(&self) -> Result<File, Error> {
        let scratch = self.0.store.holder().await?.scratch();
        aside(move || {
            let mut how = File::options();
            Ok(how.read(true).write(true).create_new(true).mode(0o600).open(scratch.path())?)
        })
        .await
    }

    /// The most that an archive may have.
    pub fn archive_bytes(&self) -> u64 {
        self.0.options.caps.bytes
    }

    /// The same store, for whom registries are asked with this password. Their mirrors are not told.
    #[must_use]
    pub fn logged_in(&self, user: String, password: String) -> Self {
        let super::Inner { options, store, tool, registries, volumes } = &*self.0;
        Self(std::sync::Arc::new(super::Inner {
            options: options.clone(),
            store: store.clone(),
            tool: tool.clone(),
            registries: registries.logged_in(user, password),
            volumes: volumes.clone(),
        }))
    }
}
