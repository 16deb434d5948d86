//! The same for each of several jobs.

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

/// Prints the id of each job for which it was done; one that fails does not keep the others from it.
pub(crate) fn each(args: &Each, call: impl Fn(&str) -> Call) -> Result<ExitCode, Failure> {
    let client = Client::new(&args.server)?;
    block_on(async {
        let mut code = ExitCode::SUCCESS;
        for text in &args.ids {
            match one(&client, text, &call).await {
                Ok(id) => output::data(&(id + "\n"))?,
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
