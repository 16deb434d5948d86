//! The policies of one process: loaded, swapped as a whole, and asked.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use model::{Decision, Decisions, Failure, Hook, HostPolicy, JobId, JobSpec};
use wasmtime::Engine;

use crate::About;
use crate::ahead::{self, Maker};
use crate::cache::Cache;
use crate::call::{Aside, Caller, aside};
use crate::chain::Chain;
use crate::engine::{self, Clock, Place, Places};
use crate::events::Pending;
use crate::kv::Kv;
use crate::lifecycle::{Follower, exhausted};
use crate::policy::{Asked, Policy, Set};
use crate::record::Fill;
use crate::recorder::{Memories, Recorded, Recorder, recordable};
use crate::stats::Stats;
use crate::told::warnings;
use crate::verdict::{Additions, Denial, Verdict};

/// A job with more bytes is decided aside.
const LARGE: usize = 256 << 10;
/// Lifecycle hooks that are called at one time.
const FOLLOWERS: usize = 2;
/// How long a job waits for a place to be decided in.
const PATIENCE: Duration = Duration::from_secs(2);
const FOLLOWER_PATIENCE: Duration = Duration::from_mins(1);

#[derive(Clone, Debug)]
pub struct Options {
    /// What no policy can widen.
    pub host: HostPolicy,
    /// Where compiled policies are kept; without it they are compiled at every start.
    pub cache: Option<PathBuf>,
    /// Where admissions are recorded, one JSON document a line; see [`crate::Recorded`].
    pub record: Option<PathBuf>,
    /// Calls at one time.
    pub places: usize,
    /// Whether a policy's answer is given again, without a call, where the policy would ask the same as before and be
    /// answered the same. The verdict is the same; the decision says that it was remembered.
    pub recalls: bool,
    /// What may take long on the thread of the call goes through this: it has to do what it is given, once, and may before
    /// that see to it that nobody waits for the thread.
    pub aside: fn(&mut dyn FnMut()),
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the policy engine cannot be started: {0}")]
    Start(String),
    #[error("admissions cannot be recorded in {}: {source}", path.display())]
    Record { path: PathBuf, source: std::io::Error },
}

/// Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Admission {
    pub(crate) core: Arc<Core>,
}

type Sink = Box<dyn Fn(JobId, Additions) + Send + Sync>;

pub(crate) struct Core {
    pub(crate) engine: Engine,
    clock: Clock,
    pub(crate) maker: Maker,
    places: Places,
    /// Of their own, so that nobody who follows jobs is in the way of one.
    followers: Places,
    pub(crate) recalls: bool,
    aside: Aside,
    pub(crate) host: HostPolicy,
    pub(crate) cache: Option<Cache>,
    pub(crate) current: ArcSwap<Set>,
    /// One load at a time. Holds the bundle's name for the next reload.
    loading: Mutex<Option<String>>,
    /// Of every policy name there has been, so that a reload forgets nothing.
    memories: Mutex<HashMap<String, Memory>>,
    pub(crate) pending: Pending,
    recorder: Option<Recorder>,
    sink: OnceLock<Sink>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) stats: Arc<Stats>,
    pub(crate) kv: Arc<Kv>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("set", &self.current.load().generation).finish_non_exhaustive()
    }
}

impl Admission {
    /// Without policies, until [`Admission::load`].
    pub fn open(options: Options) -> Result<Self, EngineError> {
        let failed = |error: &dyn std::fmt::Display| EngineError::Start(error.to_string());
        let places = options.places.max(1);
        let engine =
            engine::caller(places + FOLLOWERS, ahead::MOST).map_err(|error| failed(&format!("{error:#}")))?;
        let maker = Maker::new();
        let clock = Clock::start(&engine, maker.bell()).map_err(|error| failed(&error))?;
        let cache = options.cache.as_deref().and_then(|folder| {
            let opened = Cache::open(folder);
            opened.inspect_err(|error| tracing::debug!("no cache for compiled policies: {error}")).ok()
        });
        let recorder = options
            .record
            .map(|path| Recorder::open(&path).map_err(|source| EngineError::Record { path, source }));
        let core = Core {
            recorder: recorder.transpose()?,
            engine,
            clock,
            places: Places::new(places),
            followers: Places::new(FOLLOWERS),
            recalls: options.recalls,
            aside: options.aside,
            host: options.host,
            cache,
            current: ArcSwap::from_pointee(Set::empty(&maker)),
            maker,
            loading: Mutex::new(None),
            memories: Mutex::default(),
            pending: Pending::default(),
            sink: OnceLock::new(),
        };
        Ok(Self { core: Arc::new(core) })
    }

    /// Whether a verdict costs nothing.
    pub fn is_empty(&self) -> bool {
        self.core.current.load().policies.is_empty()
    }

    /// The one way to an [`crate::Admitted`]. Blocks for as long as the policies take, which is bounded by their timeouts.
    pub fn admit(&self, spec: JobSpec, about: About) -> Verdict {
        self.decide(spec, about, self.core.recorder.as_ref())
    }

    /// The same for a job that is not to run: it is not recorded.
    pub fn preview(&self, spec: JobSpec, about: About) -> Verdict {
        self.decide(spec, about, None)
    }

    fn decide(&self, spec: JobSpec, about: About, recorder: Option<&Recorder>) -> Verdict {
        let set = self.core.current.load_full();
        let asked = Asked::of(&set, &spec, &about.tenant);
        let (about, since, spec) = (Arc::new(about), Instant::now(), Arc::new(spec));
        let follower = |spec: &Arc<JobSpec>| Follower {
            asked,
            core: Arc::clone(&self.core),
            set: Arc::clone(&set),
            about: Arc::clone(&about),
            since,
            spec: Arc::clone(spec),
        };
        if judges(&set, asked).next().is_none() {
            let follower = follower(&spec);
            return Verdict::Admitted(crate::Admitted::new(spec, Decisions::default(), Vec::new(), follower));
        }
        set.stock.job();
        let is_large = spec.bytes() > LARGE;
        let judge = || {
            let Some(_place) = self.core.place() else {
                return out_of_places(&set, asked, &spec, follower);
            };
            let chain = Chain::new(self.core.caller(&set), &set, &self.core.host, Arc::clone(&about), asked);
            let (chain, judged) = recorded(recorder, chain, spec);
            let follower = judged.as_ref().ok().map(follower);
            chain.verdict(judged, follower)
        };
        // To record takes long, and so may what the host does for a policy, which no clock interrupts.
        if is_large || recorder.is_some() { aside(self.core.aside, judge) } else { judge() }
    }

    /// Who is told of what lifecycle hooks add to a job's record. Once, before the first job.
    pub fn on_additions(&self, sink: impl Fn(JobId, Additions) + Send + Sync + 'static) {
        // A second one would be a mistake of ours, and changes nothing.
        self.core.sink.set(Box::new(sink)).ok();
    }

    /// Waits for lifecycle hooks that are still to be called; whether none was left.
    pub fn flush(&self, patience: Duration) -> bool {
        self.core.pending.wait(patience)
    }

    /// After the last admission: waits until all of them are recorded.
    pub fn close(&self) {
        self.core.recorder.as_ref().map(Recorder::close);
    }

    /// A policy's memory, for whoever tries one out.
    pub fn memory(&self, policy: &str) -> BTreeMap<String, Vec<u8>> {
        self.core.memory(policy).kv.all()
    }

    pub fn set_memory(&self, policy: &str, all: &BTreeMap<String, Vec<u8>>) {
        self.core.memory(policy).kv.replace(all);
    }
}

impl Core {
    /// For those who wait for the answer.
    pub(crate) fn caller<'a>(&'a self, set: &'a Set) -> Caller<'a> {
        Caller { stock: Some(&set.stock), ..self.patient() }
    }

    /// For the others, who leave what is ready to those.
    pub(crate) fn patient(&self) -> Caller<'_> {
        let began = Instant::now();
        Caller { clock: &self.clock, stock: None, recalls: self.recalls, began, aside: self.aside }
    }

    pub(crate) fn place(&self) -> Option<Place<'_>> {
        self.places.take(PATIENCE, self.aside)
    }

    /// For what comes later there is time.
    pub(crate) fn follower_place(&self) -> Option<Place<'_>> {
        self.followers.take(FOLLOWER_PATIENCE, self.aside)
    }

    pub(crate) fn memory(&self, policy: &str) -> Memory {
        let mut memories = self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        memories.entry(policy.to_owned()).or_default().clone()
    }

    pub(crate) fn add(&self, id: JobId, additions: Additions) {
        if let Some(sink) = self.sink.get()
            && additions != Additions::default()
        {
            sink(id, additions);
        }
    }
}

/// Lets the chain decide, and has it recorded.
fn recorded<'a>(
    recorder: Option<&Recorder>,
    chain: Chain<'a>,
    spec: Arc<JobSpec>,
) -> (Chain<'a>, Result<Arc<JobSpec>, ()>) {
    let before = recorder.map(|_| (recordable(&spec), Memories::of(chain.set, chain.about.now)));
    let (chain, judged) = chain.decide(spec);
    if let (Some(recorder), Some(((job, partial), memories))) = (recorder, before) {
        recorder.record(Recorded {
            about: About::clone(&chain.about),
            job,
            partial,
            memories,
            admitted: judged.is_ok(),
            decisions: chain.decisions.iter().map(|decision| Decision::clone(decision)).collect(),
        });
    }
    (chain, judged)
}

/// Who is asked whether the job may run.
fn judges(set: &Set, asked: Asked) -> impl Iterator<Item = (&Arc<Policy>, Hook)> {
    [Hook::Mutation, Hook::Validation].into_iter().flat_map(move |hook| {
        set.at(hook).filter(move |policy| asked.has(policy)).map(move |policy| (policy, hook))
    })
}

/// None of them has an answer. That counts as any failure of each does: those that are not enforced change nothing.
fn out_of_places(
    set: &Set,
    asked: Asked,
    spec: &Arc<JobSpec>,
    follower: impl Fn(&Arc<JobSpec>) -> Follower,
) -> Verdict {
    let decision = |(policy, hook): (&Arc<Policy>, Hook)| {
        policy.stats.fail(Failure::PoolExhausted);
        let mut decision = set.decision_of(policy, hook);
        decision.fail(&exhausted());
        decision
    };
    let decisions: Vec<_> = judges(set, asked).map(decision).collect();
    if decisions.iter().any(Decision::denies) {
        return Verdict::Denied(Denial::from_decisions(decisions));
    }
    let warnings = warnings(&decisions);
    Verdict::Admitted(crate::Admitted::new(Arc::clone(spec), decisions.into(), warnings, follower(spec)))
}

mod reload;
#[cfg(test)]
mod tests;
