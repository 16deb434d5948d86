//! Files by their digest.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _};

use super::{Holder, Store};
use crate::Error;
use crate::tool::Expected;

/// A manifest, an index, a config.
pub(crate) const LARGEST_DOCUMENT: u64 = 4 << 20;

/// A SHA-256 in lower-case hexadecimal digits, and nothing else: it is used as a file's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hex(String);

impl Hex {
    pub(crate) fn of(hash: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |half: u8| char::from(DIGITS[usize::from(half)]);
        Self(hash.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
    }

    /// Of `sha256:…`.
    pub(crate) fn parse(digest: &str) -> Result<Self, Error> {
        let hex = digest.strip_prefix("sha256:").and_then(Self::named);
        hex.ok_or_else(|| Error::malformed(format!("{digest:.100?} is no SHA-256")))
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        let fits = name.len() == 64 && name.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn digest(&self) -> String {
        format!("sha256:{}", self.0)
    }
}

impl Store {
    pub(super) fn blob_path(&self, hex: &Hex) -> PathBuf {
        self.images().join("blobs/sha256").join(hex.as_str())
    }

    pub(super) fn partial_path(&self, hex: &Hex) -> PathBuf {
        self.images().join("incoming").join(hex.as_str())
    }

    /// To be read by whoever has pinned it, or holds an image that has it.
    pub(crate) fn blob(&self, digest: &str) -> Result<File, Error> {
        Ok(File::open(self.blob_path(&Hex::parse(digest)?))?)
    }

    pub(crate) fn document(&self, digest: &str) -> Result<Vec<u8>, Error> {
        read_document(self.blob(digest)?, digest)
    }
}

impl Holder {
    /// It stays as long as this holder does.
    pub(super) fn has_now(&self, blob: &Expected) -> Result<bool, Error> {
        Hex::parse(&blob.digest)?;
        let found = self.store().db().write(|change| {
            self.pin(change, &blob.digest)?;
            bytes_of(change, &blob.digest)
        })?;
        match found {
            Some(bytes) if bytes != blob.size => Err(Error::SizeMismatch {
                what: format!("the blob {}", blob.digest),
                expected: blob.size,
                found: bytes,
            }),
            found => Ok(found.is_some()),
        }
    }
}

pub(crate) fn read_document(file: File, what: &str) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    file.take(LARGEST_DOCUMENT + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_DOCUMENT {
        return Err(Error::TooLarge { what: what.to_owned(), allowed: LARGEST_DOCUMENT });
    }
    Ok(bytes)
}

fn bytes_of(db: &Connection, digest: &str) -> Result<Option<u64>, Error> {
    let mut finding = db.prepare_cached("SELECT bytes FROM blobs WHERE digest = ?")?;
    let bytes: Option<i64> = finding.query_row([digest], |row| row.get(0)).optional()?;
    Ok(bytes.map(i64::unsigned_abs))
}

/// Every file in a folder of the store, by name.
pub(super) fn names_in(folder: &std::path::Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}
