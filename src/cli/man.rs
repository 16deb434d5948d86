//! Manual pages, made of what `--help` says.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::Args;
use crate::output::{self, Failure};

/// Write the manual pages
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// Write the pages of all verbs into this folder, in the place of stockade(1) to stdout
    dir: Option<PathBuf>,
}

pub(crate) fn man(args: &ManArgs) -> Result<ExitCode, Failure> {
    if let Some(dir) = &args.dir {
        let failed = |error| Failure::caused(&format!("cannot write to {}", dir.display()), &error);
        fs::create_dir_all(dir).map_err(failed)?;
        clap_mangen::generate_to(Args::command(), dir).map_err(failed)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut page = Vec::new();
    let failed = |error| Failure::caused("cannot make the page", &error);
    clap_mangen::Man::new(Args::command()).render(&mut page).map_err(failed)?;
    output::data(&String::from_utf8_lossy(&page))?;
    Ok(ExitCode::SUCCESS)
}
