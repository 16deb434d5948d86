use std::process::ExitCode;

use clap::CommandFactory;

use crate::args::{Args, CompletionArgs};
use crate::output::{self, Failure};

pub(crate) fn completion(args: &CompletionArgs) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "stockade", &mut script);
    output::data(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
