use std::env;
use std::fs;
use std::path::PathBuf;

use hyper::header::HeaderValue;

use super::Server;
use crate::output::Failure;

const TOKEN: &str = "STOCKADE_TOKEN";

/// Which server is asked, and as whom. A token is never an argument: ps(1) shows those to everybody.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Server")]
pub(crate) struct ServerArgs {
    /// Where `stockade serve` listens: http://HOST:PORT, https://HOST:PORT or unix:/PATH
    #[arg(long, env = "STOCKADE_SERVER", value_name = "URL", default_value = "http://127.0.0.1:7070")]
    pub(crate) server: Server,
    /// Certificates to trust instead of the system's, as PEM
    #[arg(long, env = "STOCKADE_CACERT", value_name = "FILE")]
    pub(crate) cacert: Option<PathBuf>,
    /// File that holds the token [default: the variable STOCKADE_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}

impl ServerArgs {
    /// The header that says who asks; `None` without a token.
    pub(crate) fn authorization(&self) -> Result<Option<HeaderValue>, Failure> {
        let (token, origin) = match &self.token_file {
            Some(file) => {
                let origin = format!("--token-file {}", file.display());
                let text = fs::read_to_string(file).map_err(|error| {
                    Failure::caused(&origin, &error).hint("name a file that this user can read")
                })?;
                (text, origin)
            }
            None => (env::var(TOKEN).unwrap_or_default(), TOKEN.to_owned()),
        };
        match token.trim() {
            "" if self.token_file.is_none() => Ok(None),
            "" => Err(Failure::new(format!("{origin}: there is no token in it"))),
            token => header(token).map(Some).ok_or_else(|| {
                Failure::new(format!("{origin}: not a token: it is one line of visible ASCII characters"))
            }),
        }
    }
}

fn header(token: &str) -> Option<HeaderValue> {
    let visible = token.bytes().all(|byte| byte.is_ascii_graphic());
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).ok().filter(|_| visible)?;
    value.set_sensitive(true);
    Some(value)
}
