//! The same for each of several.

use std::process::ExitCode;

use super::{Call, Client, ServerArgs, block_on, find};
use crate::exit;
use crate::output::{self, Failure};

#[derive(Debug, clap::Args)]
pub(crate) struct Each {
    /// Ids of jobs, or enough of their beginning or end
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Prints the id of each job for which it was done.
pub(crate) fn each(args: &Each, call: impl Fn(&str) -> Call) -> Result<ExitCode, Failure> {
    let client = Client::new(&args.server)?;
    for_each(&args.ids, &async |text: &str| one(&client, text, &call).await)
}

/// Prints what is told of each; one that fails does not keep the others from it.
pub(crate) fn for_each(
    names: &[String],
    work: &impl AsyncFn(&str) -> Result<String, Failure>,
) -> Result<ExitCode, Failure> {
    block_on(async {
        let mut code = ExitCode::SUCCESS;
        for name in names {
            match work(name).await {
                Ok(told) => output::data(&(told + "\n"))?,
                Err(failure) => {
                    output::failure(&failure);
                    code = ExitCode::from(exit::ERROR);
                }
            }
        }
        Ok(code)
    })
}

async fn one(client: &Client, text: &str, call: &impl Fn(&str) -> Call) -> Result<String, Failure> {
    let id = find(client, text).await?.to_string();
    client.send(call(&id)).await?;
    Ok(id)
}
