use std::fmt::Display;
use std::io;

use hyper::StatusCode;

use super::Server;
use super::problem::{Naming, Problem};
use crate::output::{Failure, chain};

/// Why there is no answer, or none that is of use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("cannot connect to {server}")]
    Connect { server: Server, source: io::Error },
    #[error("no TLS connection to {server}")]
    Tls { server: Server, source: io::Error },
    #[error("{server} broke off")]
    Broken { server: Server, source: hyper::Error },
    /// Before the end of what it tells.
    #[error("{server} closed the connection")]
    Ended { server: Server },
    #[error("cannot read what {server} answers: {detail}")]
    Unreadable { server: Server, detail: String },
    #[error("cannot be asked")]
    Unsendable { source: hyper::http::Error },
    #[error("{0}")]
    Refused(Box<Problem>),
}

impl CallError {
    pub(crate) fn unreadable(server: &Server, detail: &impl Display) -> Self {
        Self::Unreadable { server: server.clone(), detail: detail.to_string() }
    }

    /// By the last event of an answer whose status was good.
    pub(crate) fn told(problem: &str) -> Self {
        let document: serde_json::Value = serde_json::from_str(problem).unwrap_or_default();
        let status = document["status"]
            .as_u64()
            .and_then(|status| StatusCode::from_u16(u16::try_from(status).ok()?).ok());
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self::Refused(Problem::read(status, None, problem.as_bytes()).into())
    }

    /// Whether the same call may do better later, without anybody mending anything.
    pub(crate) fn passes(&self) -> bool {
        match self {
            Self::Connect { .. } | Self::Broken { .. } | Self::Ended { .. } => true,
            Self::Refused(problem) => problem.passes(),
            Self::Tls { .. } | Self::Unreadable { .. } | Self::Unsendable { .. } => false,
        }
    }

    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Refused(problem) => Some(problem.status),
            _ => None,
        }
    }

    /// The seconds after which the server wants to be asked again, where it said so.
    pub(crate) fn again_in(&self) -> Option<u64> {
        match self {
            Self::Refused(problem) => problem.retry_after,
            _ => None,
        }
    }

    /// For whoever typed options where the server saw JSON.
    pub(crate) fn named(&self, naming: Naming) -> Failure {
        let failure = match self {
            Self::Refused(problem) => Failure::new(problem.lines(naming)),
            _ => Failure::new(chain(self)),
        };
        match self.remedy() {
            Some(remedy) => failure.hint(remedy),
            None => failure,
        }
    }

    fn remedy(&self) -> Option<String> {
        match self {
            Self::Connect { source, .. } => Some(match source.kind() {
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
                    "is `stockade serve` running there? `--server` or STOCKADE_SERVER names another one"
                        .into()
                }
                io::ErrorKind::PermissionDenied => "the socket belongs to another user or group".into(),
                _ => "`--server` or STOCKADE_SERVER says which server is asked".into(),
            }),
            Self::Tls { .. } => Some("`--cacert FILE` trusts the certificates in that file".into()),
            Self::Broken { source, .. } if source.is_parse() => {
                Some("it does not speak HTTP: is it an https:// address?".into())
            }
            Self::Refused(problem) => problem.remedy(),
            Self::Broken { .. } | Self::Ended { .. } | Self::Unreadable { .. } | Self::Unsendable { .. } => {
                None
            }
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        error.named(Naming::Pointers)
    }
}
