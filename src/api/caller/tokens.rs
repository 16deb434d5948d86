//! `tokens.toml`: the tokens that are taken, each by its hash.
//!
//! A plain SHA-256 is right for these, where a password would need a slow hash: a token is 256 random bits, so there is
//! nothing to guess from a stolen file, and a hash that takes long would only be a way to keep the server busy.

mod rules;

use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Caller, Role, Roles};
use crate::digest::from_hex;

/// Below the state directory.
pub const FILE: &str = "tokens.toml";
/// What every token starts with, so that one that leaked is found by who searches for it.
pub const PREFIX: &str = "stk_";
/// Of who names none.
pub const DEFAULT_TENANT: &str = "default";

#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}:{line}: {detail}", path.display())]
    Parse { path: PathBuf, line: usize, detail: String },
    #[error("{}: token `{name}`: {detail}", path.display())]
    Token { path: PathBuf, name: String, detail: &'static str },
}

/// The file as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    #[serde(default, rename = "token", skip_serializing_if = "Vec::is_empty")]
    pub tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What its jobs have as submitter, and what it is revoked by.
    pub name: String,
    pub tenant: String,
    pub roles: Vec<Role>,
    /// Of the whole token, `stk_` included, in lower-case hexadecimal.
    pub sha256: String,
    pub created_at: Timestamp,
    /// From then on it is refused. For ever when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// What a token is known by.
pub fn sha256(token: &[u8]) -> [u8; 32] {
    Sha256::digest(token).into()
}

impl TokenFile {
    /// What the bytes of `path` say, held to the rules.
    pub fn parse(path: &Path, text: &str) -> Result<Self, TokensError> {
        let file: Self = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = text.bytes().take(start).filter(|&b| b == b'\n').count() + 1;
            let detail = error.message().split_whitespace().collect::<Vec<_>>().join(" ");
            TokensError::Parse { path: path.into(), line, detail }
        })?;
        file.check(path)?;
        Ok(file)
    }

    /// `None` where there is no such file.
    pub fn read(path: &Path) -> Result<Option<Self>, TokensError> {
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(path, &text).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(TokensError::Read { path: path.into(), source }),
        }
    }

    fn check(&self, path: &Path) -> Result<(), TokensError> {
        let (mut names, mut digests) = (HashSet::new(), HashSet::new());
        for token in &self.tokens {
            let refused = |detail| TokensError::Token { path: path.into(), name: token.name.clone(), detail };
            rules::check(token).map_err(refused)?;
            if !(names.insert(&token.name) && digests.insert(&token.sha256)) {
                return Err(refused("another token has this name or this `sha256`"));
            }
        }
        Ok(())
    }
}

/// The same, as requests need it.
#[derive(Debug, Default)]
pub(super) struct TokenSet(HashMap<[u8; 32], Known>);

#[derive(Debug)]
struct Known {
    caller: Caller,
    expires_at: Option<Timestamp>,
}

impl TokenSet {
    pub(super) fn new(file: &TokenFile) -> Self {
        let known = file.tokens.iter().filter_map(|token| {
            let roles = Roles::of(&token.roles);
            let caller = Caller { tenant: token.tenant.clone(), submitter: token.name.clone(), roles };
            Some((from_hex(&token.sha256)?, Known { caller, expires_at: token.expires_at }))
        });
        Self(known.collect())
    }

    /// Takes the same time however much of a wrong token is right: what is compared are hashes, and nobody can choose a
    /// token by its hash.
    pub(super) fn find(&self, token: &[u8], now: Timestamp) -> Option<&Caller> {
        let known = self.0.get(&sha256(token))?;
        known.expires_at.is_none_or(|end| now < end).then_some(&known.caller)
    }

    /// Those that are still taken.
    pub(super) fn usable(&self, now: Timestamp) -> usize {
        self.0.values().filter(|known| known.expires_at.is_none_or(|end| now < end)).count()
    }
}

pub use crate::digest::hex;
pub use rules::{name_fault, tenant_fault};

#[cfg(test)]
mod tests;
