//! `stockade policy new`: a project that builds and passes its tests as it is.

mod template;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use admission::component::metadata::is_policy_name;

use super::project::Language;
use crate::output::{self, Failure};
use template::File;

/// Start a policy: a folder with source, tests and what is needed to build it
///
/// The example denies jobs above `max_memory_bytes`. Nothing that exists is overwritten.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: stockade policy new memory-cap --lang rust")]
pub(crate) struct NewArgs {
    /// Its name: a-z, 0-9 and -, at most 64 characters
    name: String,
    /// Language to write it in
    #[arg(long, value_enum)]
    lang: Language,
    /// Folder to make; one that exists must be empty [default: NAME]
    dir: Option<PathBuf>,
}

pub(crate) fn new(args: &NewArgs) -> Result<ExitCode, Failure> {
    if !is_policy_name(&args.name) {
        return Err(Failure::new(format!("`{}` cannot be a policy's name", args.name.escape_debug()))
            .hint("a-z, 0-9 and -, 1 to 64 characters"));
    }
    let dir = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let failed = |error: &io::Error| Failure::caused(&format!("cannot make {}", dir.display()), error);
    fs::create_dir_all(&dir).map_err(|error| failed(&error))?;
    if fs::read_dir(&dir).map_err(|error| failed(&error))?.next().is_some() {
        return Err(Failure::new(format!("{} is not empty", dir.display()))
            .hint("name another folder: `stockade policy new NAME --lang LANG DIR`"));
    }
    for file in template::files(args.lang, &args.name) {
        write(&dir, &file).map_err(|error| failed(&error))?;
    }
    output::data(&format!("{}\n", next_steps(&dir)))?;
    Ok(ExitCode::SUCCESS)
}

/// Never over a file that is there.
fn write(dir: &Path, file: &File) -> io::Result<()> {
    let path = dir.join(&file.path);
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(file.text.as_bytes())
}

/// To be typed as they stand.
fn next_steps(dir: &Path) -> String {
    let dir = dir.display().to_string();
    let bare = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let dir = if dir.chars().all(bare) { dir } else { format!("'{}'", dir.replace('\'', r"'\''")) };
    format!("cd {dir}\nstockade policy build\nstockade policy test")
}

#[cfg(test)]
mod tests;
