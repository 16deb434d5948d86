//! Who calls which image what.

use oci_spec::distribution::Reference;
use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{Hex, now};
use crate::Error;

/// Longer than any name, tag and digest together may be.
const LONGEST: usize = 512;

/// What a caller may have meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meant {
    /// `docker.io/library/busybox:latest`, or with a digest in place of the tag.
    Named { name: String, repository: String, digest: Option<String> },
    /// A manifest, or an index that it was chosen from.
    Digest(String),
}

impl Meant {
    pub(crate) fn parse(reference: &str) -> Result<Self, Error> {
        if reference.starts_with("sha256:") {
            let hex = Hex::parse(reference).map_err(|_| invalid(reference, "sha256: and 64 digits"))?;
            return Ok(Self::Digest(hex.digest()));
        }
        let parsed = normal(reference)?;
        let repository = format!("{}/{}", parsed.registry(), parsed.repository());
        // With a digest, a tag says nothing.
        let digest = parsed.digest().map(str::to_owned);
        let name = digest.as_ref().map_or_else(|| parsed.whole(), |digest| format!("{repository}@{digest}"));
        Ok(Self::Named { name, repository, digest })
    }

    /// Whether a name, of the image that was found, is among those that were meant.
    pub(crate) fn covers(&self, other: &str) -> bool {
        match self {
            Self::Named { name, digest: None, .. } => name == other,
            Self::Named { repository, .. } => {
                let rest = other.strip_prefix(repository.as_str());
                rest.is_some_and(|rest| rest.starts_with([':', '@']))
            }
            Self::Digest(_) => true,
        }
    }

    /// What an image can be called: a digest alone is no name.
    pub(crate) fn name(reference: &str) -> Result<String, Error> {
        match Self::parse(reference)? {
            Self::Named { name, .. } => Ok(name),
            Self::Digest(_) => Err(invalid(reference, "a digest is not a name")),
        }
    }
}

/// With registry and tag.
pub(crate) fn normal(reference: &str) -> Result<Reference, Error> {
    if reference.len() > LONGEST {
        return Err(invalid(reference, "it is too long"));
    }
    // The parser takes letters of any script in a tag; the distribution specification takes ASCII.
    if !reference.is_ascii() {
        return Err(invalid(reference, "it has characters that are not ASCII"));
    }
    let parsed: Reference = reference.parse().map_err(|error| invalid(reference, &format!("{error}")))?;
    if let Some(digest) = parsed.digest() {
        Hex::parse(digest).map_err(|_| invalid(reference, "only SHA-256 is known"))?;
    }
    Ok(parsed)
}

fn invalid(reference: &str, why: &str) -> Error {
    Error::InvalidReference { reference: format!("{reference:.100}"), why: why.to_owned() }
}

/// A name to be given.
#[derive(Clone, Debug)]
pub(crate) struct NewName {
    /// `None`: everybody's.
    pub(crate) tenant: Option<String>,
    pub(crate) name: String,
    /// What it stood for where it came from; see `names.source`.
    pub(crate) source: String,
}

pub(super) fn give(change: &Transaction<'_>, new: &NewName, manifest: &str) -> Result<(), Error> {
    change.execute(
        "INSERT INTO names (tenant, name, manifest, source, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET manifest = ?3, source = ?4, at = ?5",
        params![new.tenant.as_deref().unwrap_or_default(), new.name, manifest, new.source, now()],
    )?;
    Ok(())
}

/// The manifest's digest. A tenant's own names come before everybody's.
pub(crate) fn find(db: &Connection, tenant: Option<&str>, meant: &Meant) -> Result<Option<String>, Error> {
    let tenants = [tenant.unwrap_or_default(), ""];
    for tenant in &tenants[usize::from(tenant.is_none())..] {
        if let Some(found) = find_own(db, tenant, meant)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// In the tenant's own names alone; everybody's are those of the empty one.
pub(crate) fn find_own(db: &Connection, tenant: &str, meant: &Meant) -> Result<Option<String>, Error> {
    let (name, prefix, digest) = match meant {
        Meant::Named { name, repository, digest } => (name.as_str(), repository.as_str(), digest.as_deref()),
        Meant::Digest(digest) => ("", "", Some(digest.as_str())),
    };
    let mut exact = db.prepare_cached("SELECT manifest FROM names WHERE tenant = ? AND name = ?")?;
    let found = exact.query_row([tenant, name], |row| row.get(0)).optional()?;
    let (None, Some(digest)) = (&found, digest) else { return Ok(found) };
    let mut by_digest = db.prepare_cached(
        "SELECT manifest FROM names WHERE tenant = ?1 AND (manifest = ?2 OR source = ?2)
             AND (?3 = '' OR substr(name, 1, length(?3) + 1) IN (?3 || ':', ?3 || '@'))
         ORDER BY name LIMIT 1",
    )?;
    Ok(by_digest.query_row([tenant, digest, prefix], |row| row.get(0)).optional()?)
}
