//! Clients that send jobs for as long as the storm goes on, and what each of them was told.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, Random, Response};

use crate::work::Kind;

/// Where the daemon is at the moment, if anywhere.
#[derive(Debug)]
pub(crate) struct Stage {
    address: RwLock<Option<SocketAddr>>,
    over: AtomicBool,
    /// Statuses that put a client off.
    off: &'static [u16],
}

impl Stage {
    pub(crate) fn new(off: &'static [u16]) -> Self {
        Self { address: RwLock::default(), over: AtomicBool::new(false), off }
    }

    pub(crate) fn listens(&self, at: Option<SocketAddr>) {
        *self.address.write().unwrap_or_else(PoisonError::into_inner) = at;
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    fn client(&self) -> Option<Client> {
        let at = *self.address.read().unwrap_or_else(PoisonError::into_inner);
        at.and_then(Client::connect)
    }
}

/// One job as its client knows it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) label: String,
    pub(crate) kind: Kind,
    pub(crate) max_attempts: u64,
    /// With a key it was sent until it was answered.
    pub(crate) keyed: bool,
    /// Of each answer: its id, and its status. More than one where it was sent again with its key.
    pub(crate) told: Vec<(String, String)>,
    /// Answers that said they were of a job sent before.
    pub(crate) replayed: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) known: Vec<Known>,
    /// Connections that broke before the answer.
    pub(crate) broken: usize,
    /// Answers that put the client off: 429, 409 while the first request with the key was under way, or what the stage has besides.
    pub(crate) put_off: BTreeMap<u16, usize>,
}

/// Ends the clients when it goes: a scope that fails would wait for them for ever.
pub(crate) struct Ending<'a>(pub(crate) &'a Stage);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// One client for each seed.
pub(crate) fn begin<'scope>(
    scope: &'scope Scope<'scope, '_>,
    stage: &'scope Stage,
    cookie: &'scope str,
    seeds: Vec<u64>,
) -> Vec<ScopedJoinHandle<'scope, Heard>> {
    let client = |(name, seed)| scope.spawn(move || send(stage, name, cookie, Random::new(seed)));
    seeds.into_iter().enumerate().map(client).collect()
}

pub(crate) fn all_heard(sending: Vec<ScopedJoinHandle<'_, Heard>>) -> Vec<Heard> {
    sending.into_iter().map(|client| client.join().expect("a client")).collect()
}

/// How many connections broke, and how often a client was put off.
pub(crate) fn told_otherwise(heard: &[Heard]) -> (usize, usize) {
    let broken = heard.iter().map(|heard| heard.broken).sum();
    (broken, heard.iter().flat_map(|heard| heard.put_off.values()).sum())
}

/// One client's whole life.
fn send(stage: &Stage, name: usize, cookie: &str, mut random: Random) -> Heard {
    let mut heard = Heard::default();
    let mut client = None;
    for number in 0.. {
        if stage.is_over() {
            break;
        }
        let mut known = Known {
            label: format!("{name}-{number}"),
            // Each of them once, however little time there is.
            kind: Kind::ALL.get(number).copied().unwrap_or_else(|| Kind::any(&mut random)),
            max_attempts: if random.once_in(2) { 3 } else { 1 },
            keyed: random.once_in(2),
            told: Vec::new(),
            replayed: 0,
        };
        let mut body = known.kind.request(cookie);
        body["labels"] = json!({"k": known.label});
        body["retry"] = json!({"max_attempts": known.max_attempts});
        body["priority"] = json!(random.below(3));
        let target = *random.pick(&["/jobs", "/jobs", "/jobs?wait=true", "/jobs?wait=40ms"]);
        // A client that lost count of what it has heard asks once more.
        let times = if known.keyed && random.once_in(8) { 2 } else { 1 };
        for _ in 0..times {
            heard.one(stage, &mut client, target, &body, &mut known);
        }
        heard.known.push(known);
    }
    heard
}

impl Heard {
    fn one(
        &mut self,
        stage: &Stage,
        client: &mut Option<Client>,
        target: &str,
        body: &Value,
        known: &mut Known,
    ) {
        let start = Instant::now();
        loop {
            assert!(start.elapsed() < Duration::from_mins(1), "{} is never answered", known.label);
            match post(stage, client, target, body, known) {
                Some(answer) if matches!(answer.status, 200 | 202) => {
                    known.replayed += usize::from(answer.header("idempotent-replayed") == Some("true"));
                    let job = answer.json();
                    let text = |field: &str| job[field].as_str().expect("a job has it").to_owned();
                    return known.told.push((text("id"), text("status")));
                }
                Some(answer) => {
                    assert!(
                        stage.off.contains(&answer.status),
                        "{}: {} {}",
                        known.label,
                        answer.status,
                        answer.text()
                    );
                    *self.put_off.entry(answer.status).or_default() += 1;
                    // Not a job of this server's, so it may be sent again as it is.
                    if stage.is_over() && !known.keyed {
                        return;
                    }
                    thread::sleep(Duration::from_millis(20));
                }
                // Nobody listens at the moment.
                None if client.is_none() => {
                    if stage.is_over() && !known.keyed {
                        return;
                    }
                    thread::sleep(Duration::from_millis(5));
                }
                None => {
                    self.broken += 1;
                    *client = None;
                    // Nobody knows whether it was taken; without a key it must not be sent again.
                    if !known.keyed {
                        return;
                    }
                }
            }
        }
    }
}

fn post(
    stage: &Stage,
    client: &mut Option<Client>,
    target: &str,
    body: &Value,
    known: &Known,
) -> Option<Response> {
    if client.is_none() {
        *client = stage.client();
    }
    let mut headers = vec![("content-type", "application/json")];
    if known.keyed {
        headers.push(("idempotency-key", known.label.as_str()));
    }
    client.as_mut()?.attempt("POST", target, &headers, body.to_string().as_bytes())
}
