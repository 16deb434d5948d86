//! The face of the store.

use std::sync::Arc;

use crate::registry::Client;
use crate::store::Store;
use crate::worker::Tool;
use crate::{Error, Freed, OpenError, Options, Volumes, Worker};

mod arrive;
mod commit;
mod export;
mod import;
mod look;
mod pull;
mod push;
mod remove;
mod resolve;
mod scratch;

pub use commit::Changes;
pub use look::{Details, Info, LayerInfo, Scope, Stored};
pub use pull::Pull;
pub use push::Push;
pub use remove::Removed;
pub use resolve::Resolved;

/// Images and volumes of one state directory. Several processes may have it open at one time.
#[derive(Clone, Debug)]
pub struct Images(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    options: Options,
    store: Store,
    tool: Tool,
    registries: Client,
    volumes: Volumes,
}

impl Images {
    /// Blocks.
    pub fn open(options: Options, worker: Arc<dyn Worker>) -> Result<Self, OpenError> {
        let (store, tool) = (Store::open(&options)?, Tool::new(worker));
        let registries = Client::new(options.registries.clone())?;
        let volumes = Volumes::new(store.clone(), tool.clone(), options.volume_bytes);
        Ok(Self(Arc::new(Inner { options, store, tool, registries, volumes })))
    }

    pub fn volumes(&self) -> &Volumes {
        &self.0.volumes
    }

    /// Removes what no name, job or volume refers to.
    pub async fn gc(&self) -> Result<Freed, Error> {
        let alone = self.0.store.sweeping().await?;
        self.0.store.sweep(&self.0.tool, alone).await
    }
}
