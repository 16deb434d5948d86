//! The sources of settings, before they are one: the file, the environment and the flags.

use std::env;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::{ConfigError, PREFIX, Settings, line_of};

/// Where a setting has its value from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Default,
    File { path: PathBuf, line: usize },
    Variable(String),
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "environment {name}"),
            Self::Flag => f.write_str("flag"),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Layers {
    pub(crate) file: Option<SettingsFile>,
    pub(crate) environment: Settings,
    pub(crate) flags: Settings,
    /// `STOCKADE_…` variables that are no setting.
    pub(crate) unknown: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct SettingsFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) settings: Settings,
}

impl Layers {
    /// The file is `--config`'s, else that of `STOCKADE_CONFIG`.
    pub(crate) fn read(file: Option<&Path>, flags: &Settings) -> Result<Self, ConfigError> {
        let path = file.map(PathBuf::from).or_else(|| env::var_os("STOCKADE_CONFIG").map(PathBuf::from));
        let file = path.map(SettingsFile::read).transpose()?;
        // A variable that is not UTF-8 cannot be one of ours.
        let variables =
            env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)));
        let (environment, unknown) =
            Settings::from_env(variables.filter(|(name, _)| name != "STOCKADE_CONFIG"))?;
        Ok(Self { file, environment, flags: flags.clone(), unknown })
    }

    pub(crate) fn merged(&self) -> Settings {
        let none = Settings::default();
        let file = self.file.as_ref().map_or(&none, |file| &file.settings);
        self.flags.over(&self.environment.over(file))
    }

    /// Of the value at this path of keys.
    pub(crate) fn origin(&self, path: &[String]) -> Origin {
        if says(&self.flags, path) {
            return Origin::Flag;
        }
        if says(&self.environment, path) {
            return Origin::Variable(format!("{PREFIX}{}", path.join("_").to_uppercase()));
        }
        match &self.file {
            Some(file) if says(&file.settings, path) => {
                Origin::File { path: file.path.clone(), line: file.line(path) }
            }
            _ => Origin::Default,
        }
    }
}

impl SettingsFile {
    pub(crate) fn read(path: PathBuf) -> Result<Self, ConfigError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(source) => return Err(ConfigError::Read { path, source }),
        };
        let settings = Settings::from_text(&path, &text)?;
        Ok(Self { path, text, settings })
    }

    /// Of the key, or of what comes nearest above it.
    fn line(&self, path: &[String]) -> usize {
        let place = DeTable::parse(&self.text).ok().and_then(|table| find(table.get_ref(), path));
        line_of(&self.text, place.map_or(0, |place| place.start))
    }
}

fn find(table: &DeTable<'_>, path: &[String]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref() == first)?;
    let below = match value.get_ref() {
        DeValue::Table(table) => find(table, rest),
        _ => None,
    };
    below.or_else(|| Some(key.span()))
}

/// Whether these settings have something at the path.
fn says(settings: &Settings, path: &[String]) -> bool {
    let Ok(table) = Table::try_from(settings) else { return false };
    let all = Value::Table(table);
    path.iter().try_fold(&all, |value, key| value.get(key.as_str())).is_some()
}
