use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use crate::registry::secret::Secret;

const LARGEST: u64 = 1 << 20;

/// The part of Docker's `config.json` and of containers-auth.json(5) that is about registries.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct AuthFile {
    auths: BTreeMap<String, Login>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Login {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Password { user: String, password: Secret },
    Refresh(Secret),
    Bearer(Secret),
    Helper(String),
}

pub(super) fn read(path: &Path) -> io::Result<AuthFile> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    // Its place alone: the text of serde's error could have a part of a password in it.
    serde_json::from_slice(&bytes).map_err(|error| {
        io::Error::other(format!("no good JSON at line {}, column {}", error.line(), error.column()))
    })
}

impl AuthFile {
    /// The most specific one: containers-auth.json(5) has entries for namespaces and repositories too.
    pub(super) fn entry(&self, registry: &str, repository: &str) -> Option<Entry> {
        let mut wanted = format!("{registry}/{repository}");
        loop {
            let known = |key: &&str| normal(key) == wanted;
            if let Some(key) = self.cred_helpers.keys().map(String::as_str).find(known) {
                return Some(Entry::Helper(self.cred_helpers[key].clone()));
            }
            if let Some(key) = self.auths.keys().map(String::as_str).find(known) {
                // Docker leaves an empty entry behind for what is in the store.
                let stored = || self.creds_store.clone().map(Entry::Helper);
                return self.auths[key].entry().or_else(stored);
            }
            let shorter = wanted.rfind('/')?;
            wanted.truncate(shorter);
        }
    }
}

impl Login {
    fn entry(&self) -> Option<Entry> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if let Some(token) = given(&self.registrytoken) {
            return Some(Entry::Bearer(Secret::new(token)));
        }
        if let Some(token) = given(&self.identitytoken) {
            return Some(Entry::Refresh(Secret::new(token)));
        }
        let decoded = given(&self.auth).and_then(|auth| decode(&auth));
        let (user, password) = decoded.or_else(|| Some((given(&self.username)?, given(&self.password)?)))?;
        Some(Entry::Password { user, password: Secret::new(password) })
    }
}

/// RFC 7617: the first colon ends the user's name.
fn decode(auth: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(auth.trim()).ok()?).ok()?;
    // Docker once padded with NUL.
    let (user, password) = text.trim_end_matches('\0').split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Keys have been host names, URLs and, for the Hub, the address of an API that is long gone.
fn normal(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let key = key.trim_end_matches('/');
    let key = key.strip_suffix("/v1").or_else(|| key.strip_suffix("/v2")).unwrap_or(key);
    match key {
        "index.docker.io" | "registry-1.docker.io" => "docker.io",
        key => key,
    }
}
