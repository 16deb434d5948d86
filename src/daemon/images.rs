//! The store of images and volumes, as whatever uses it opens it.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use image::{Images, OpenError};
use supervise::Supervisor;

use crate::Config;

/// Of the state directory `folder`, by the user that it belongs to. Without a supervisor for who makes, changes and removes
/// no tree.
pub fn images(config: &Config, folder: &Path, supervisor: Option<Supervisor>) -> Result<Images, OpenError> {
    Images::open(config.images(folder), Arc::new(Tools(supervisor)))
}

/// What works on trees, through the launcher.
struct Tools(Option<Supervisor>);

impl image::Worker for Tools {
    fn start(&self, task: Vec<u8>, fds: &[BorrowedFd<'_>]) -> io::Result<OwnedFd> {
        let supervisor = self.0.as_ref().ok_or_else(|| io::Error::other("there is no launcher"))?;
        supervisor.tool(task, fds)
    }
}
