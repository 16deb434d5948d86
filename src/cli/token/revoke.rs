use std::process::ExitCode;

use crate::output::{self, Failure};

use super::WhereArgs;

/// Take a token away; the server refuses it from its next request on
#[derive(Debug, clap::Args)]
pub(super) struct RevokeArgs {
    /// As `stockade token ls` lists it
    name: String,
    #[command(flatten)]
    place: WhereArgs,
}

pub(super) fn revoke(args: &RevokeArgs) -> Result<ExitCode, Failure> {
    let name = &args.name;
    let left = args.place.store()?.change(|file| {
        let before = file.tokens.len();
        file.tokens.retain(|token| token.name != *name);
        if file.tokens.len() == before {
            let failure = Failure::new(format!("there is no token `{name}`"));
            return Err(failure.hint("`stockade token ls` lists them"));
        }
        Ok(file.tokens.len())
    })?;
    output::note(format!("token `{name}` is revoked"));
    if left == 0 {
        // It must not open the server to everybody.
        output::note("no token is left: the server refuses every caller who needs one");
    }
    Ok(ExitCode::SUCCESS)
}
