//! A policy's folder: `policy.toml` and what it names.

use std::fs;
use std::path::{Path, PathBuf};

use admission::component::metadata::Metadata;
use serde::Deserialize;

use crate::output::Failure;

pub(crate) const FILE: &str = "policy.toml";

#[derive(Debug)]
pub(crate) struct Project {
    pub(crate) dir: PathBuf,
    pub(crate) language: Language,
    pub(crate) metadata: Metadata,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Language {
    Rust,
    Js,
    Python,
}

/// `policy.toml` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    version: String,
    description: String,
    language: Language,
    homepage: Option<String>,
    #[serde(default)]
    metrics: Vec<String>,
    settings_schema: Option<PathBuf>,
}

impl Project {
    pub(crate) fn load(dir: &Path) -> Result<Self, Failure> {
        let path = dir.join(FILE);
        let wrong = |error: String| Failure::new(format!("{}: {error}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| {
            wrong(error.to_string())
                .hint("name a policy's folder; `stockade policy new NAME --lang rust` makes one")
        })?;
        let file: File = toml::from_str(&text).map_err(|error| wrong(error.to_string().trim_end().into()))?;
        let metadata = Metadata {
            name: file.name,
            version: file.version,
            description: file.description,
            homepage: file.homepage,
            metrics: file.metrics,
            settings_schema: file.settings_schema.map(|schema| json(&dir.join(schema))).transpose()?,
        };
        metadata.check().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { dir: dir.into(), language: file.language, metadata })
    }

    /// Where the built component stands, beside its source.
    pub(crate) fn component(&self) -> PathBuf {
        self.dir.join(&self.metadata.name).with_extension("wasm")
    }
}

fn json(path: &Path) -> Result<serde_json::Value, Failure> {
    let text = fs::read(path)
        .map_err(|error| Failure::caused(&format!("cannot read {}", path.display()), &error))?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::caused(&format!("{} is not JSON", path.display()), &error))
}

#[cfg(test)]
mod tests;
