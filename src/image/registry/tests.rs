mod mirrors;
mod names;
mod pushes;
mod server;
mod transfers;

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest as _, Sha256};

use super::*;
use crate::Options;
use crate::store::{Hex, Holder, Store};
use crate::tool::Expected;
use server::{Answer, Asked, Server};

/// A store, and the file that credentials are read from; removed with the test.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("image-registry-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a folder of its own");
        let place = Self(path);
        place.logins("{}");
        place
    }

    fn logins(&self, auths: &str) {
        fs::write(self.0.join("auth.json"), format!(r#"{{"auths": {auths}}}"#)).expect("an own file");
    }

    fn login(&self, registry: &str) {
        // `printf 'me:hunter2' | base64`
        self.logins(&format!(r#"{{"{registry}": {{"auth": "bWU6aHVudGVyMg=="}}}}"#));
    }

    fn settings(&self) -> Settings {
        Settings { registry_auth_file: Some(self.0.join("auth.json")), ..Settings::default() }
    }

    fn client(&self) -> Client {
        Client::new(self.settings()).expect("good settings")
    }

    fn store(&self) -> Store {
        Store::open(&Options::new(self.0.join("state"))).expect("a new store")
    }

    async fn holder(&self) -> Holder {
        self.store().holder().await.expect("a new holder")
    }

    /// What is left of this blob's download.
    fn partial(&self, blob: &Expected) -> PathBuf {
        self.0.join("state/images/incoming").join(&blob.digest["sha256:".len()..])
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn digest(bytes: &[u8]) -> String {
    Hex::of(&Sha256::digest(bytes)).digest()
}

fn blob_of(bytes: &[u8]) -> Expected {
    Expected { digest: digest(bytes), size: bytes.len() as u64 }
}

/// Bytes that do not repeat themselves soon.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(length).collect()
}

const MANIFEST: &[u8] = br#"{"schemaVersion": 2}"#;

fn manifest() -> Answer {
    Answer::new(200, MANIFEST)
        .with("content-type", "application/vnd.oci.image.manifest.v1+json; charset=utf-8")
}

fn is_manifest(asked: &Asked) -> bool {
    asked.path.contains("/manifests/")
}

async fn find(client: &Client, server: &Server) -> Result<(Route, Sent), Error> {
    client.find(&format!("{}/app:1", server.name()).parse().expect("a reference")).await
}
