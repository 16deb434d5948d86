//! Asks systemd for a cgroup of this process's own, for a user to whom none is delegated.
//!
//! What `systemd-run --scope -p Delegate=yes` does, for a process that runs already: a transient scope with this process
//! in it. systemd then leaves everything below the scope alone, and removes it when the last process is gone.
//!
//! Invariant: when [`ask_systemd`] returns, none of its threads is left, because the caller forks next.

use std::{future::poll_fn, pin::Pin, time::Duration};

use tokio::{runtime, time::timeout};
use zbus::{
    Connection, MatchRule, MessageStream, OwnedObjectPath, Variant,
    connection::Builder,
    export::futures_core::Stream,
    message::{Message, Type},
};

const MANAGER: &str = "org.freedesktop.systemd1";
const PATH: &str = "/org/freedesktop/systemd1";
const INTERFACE: &str = "org.freedesktop.systemd1.Manager";

/// systemd answers in milliseconds; a bus that starts it on demand may take longer.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, thiserror::Error)]
pub enum DelegateError {
    #[error("cannot run a D-Bus client: {0}")]
    Runtime(#[source] std::io::Error),
    /// Without a login session there is no bus: `loginctl enable-linger USER` starts one.
    #[error("no D-Bus to reach systemd on: {0}")]
    NoBus(#[source] zbus::Error),
    #[error("systemd does not make a delegated scope: {0}")]
    Refused(#[source] zbus::Error),
    #[error("systemd could not start {scope}: {result}")]
    Failed { scope: String, result: String },
    #[error("systemd did not answer within {} s", PATIENCE.as_secs())]
    Silent,
}

/// Moves this process into a new delegated scope: of the user's systemd, or of the system's when run as root.
///
/// For a process with one thread.
pub fn ask_systemd() -> Result<(), DelegateError> {
    let runtime =
        runtime::Builder::new_current_thread().enable_all().build().map_err(DelegateError::Runtime)?;
    // Dropping the runtime joins whatever thread it had to start.
    runtime.block_on(async {
        timeout(PATIENCE, start_scope(std::process::id())).await.unwrap_or(Err(DelegateError::Silent))
    })
}

async fn start_scope(pid: u32) -> Result<(), DelegateError> {
    let bus = if nix::unistd::geteuid().is_root() { Builder::system() } else { Builder::session() };
    let connection = bus.build().await.map_err(DelegateError::NoBus)?;
    let scope = format!("stockade-{pid}.scope");
    // Before the call: the job may be done before its answer is read.
    let mut removed = removed_jobs(&connection).await.map_err(DelegateError::Refused)?;
    let job = start_unit(&connection, &scope, pid).await.map_err(DelegateError::Refused)?;
    let result = result_of(&mut removed, &job).await.map_err(DelegateError::Refused)?;
    drop(removed);
    connection.graceful_shutdown().await;
    if result == "done" { Ok(()) } else { Err(DelegateError::Failed { scope, result }) }
}

async fn removed_jobs(connection: &Connection) -> zbus::Result<MessageStream> {
    let rule = MatchRule::builder().msg_type(Type::Signal).sender(MANAGER).interface(INTERFACE);
    let rule = rule.member("JobRemoved").build()?;
    let stream = MessageStream::for_match_rule(rule, connection, None).await?;
    connection.call_method(Some(MANAGER), PATH, Some(INTERFACE), "Subscribe", &()).await?;
    Ok(stream)
}

async fn start_unit(connection: &Connection, scope: &str, pid: u32) -> zbus::Result<OwnedObjectPath> {
    let properties: Vec<(&str, Variant<'_>)> = vec![
        ("Description", "Stockade and its jobs".into()),
        ("PIDs", vec![pid].into()),
        ("Delegate", true.into()),
        // Otherwise a failed scope would stay, and with it the name.
        ("CollectMode", "inactive-or-failed".into()),
    ];
    let others: Vec<(&str, Vec<(&str, Variant<'_>)>)> = Vec::new();
    let body = (scope, "fail", properties, others);
    let reply =
        connection.call_method(Some(MANAGER), PATH, Some(INTERFACE), "StartTransientUnit", &body).await?;
    reply.body().deserialize()
}

/// The word for how `job` ended: `done`, or `failed`, `timeout`, `dependency` and others.
async fn result_of(removed: &mut MessageStream, job: &OwnedObjectPath) -> zbus::Result<String> {
    while let Some(signal) = next(removed).await {
        let (_id, path, _unit, result): (u32, OwnedObjectPath, String, String) =
            signal?.body().deserialize()?;
        if path == *job {
            return Ok(result);
        }
    }
    // The bus closed the connection.
    Err(zbus::Error::InvalidReply)
}

async fn next(stream: &mut MessageStream) -> Option<zbus::Result<Message>> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

#[cfg(test)]
mod tests;
