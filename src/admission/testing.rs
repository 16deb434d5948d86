//! What several tests of this crate need.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use model::{HostPolicy, JobId, JobRequest, JobSpec, Limits, Mode};
use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre};

use crate::bundle::Matcher;
use crate::component::metadata;
use crate::draft::Rights;
use crate::hooks::Hooks;
use crate::host::{State, linker};
use crate::policy::{Policy, Set};
use crate::{About, Admission, Facts};

mod components;

pub(crate) use components::*;

pub(crate) fn host() -> HostPolicy {
    let profiles = ["strict", "default", "build", "extra"].map(String::from).to_vec();
    HostPolicy { defaults: Limits::defaults(), caps: Limits::defaults(), profiles }
}

/// The job that a body of `POST /jobs` asks for.
pub(crate) fn job(body: serde_json::Value) -> JobSpec {
    let request: JobRequest = serde_json::from_value(body).expect("a request");
    request.check(&host()).expect("a job")
}

pub(crate) fn about() -> About {
    About {
        id: JobId::new(),
        tenant: "acme".into(),
        submitter: "ci".into(),
        request_id: "r-1".into(),
        now: Timestamp::UNIX_EPOCH,
        facts: Facts::default(),
    }
}

/// It traps when it is asked.
pub(crate) fn validator(engine: &Engine) -> Arc<Policy> {
    let component = Component::new(engine, policy("validator")).expect("a component");
    let pre = linker(engine, &[]).and_then(|linker| linker.instantiate_pre(&component)).expect("it links");
    let hooks = Hooks::of(&pre);
    Arc::new(loaded(pre, hooks, Matcher::default()))
}

/// It alone is asked from now on.
pub(crate) fn put_in_force(admission: &Admission, policy: Arc<Policy>) {
    let set = Set { generation: 1, policies: vec![policy], ..Set::empty(&admission.core.maker) };
    admission.core.current.store(Arc::new(set));
}

/// The only policy of its bundle.
pub(crate) fn loaded(pre: InstancePre<State>, hooks: Hooks, matcher: Matcher) -> Policy {
    let name: Arc<str> = "p".into();
    Policy {
        name: Arc::clone(&name),
        place: 0,
        plugin: "p.wasm".into(),
        digest: String::new(),
        order: 100,
        mode: Mode::Enforce,
        grants: Vec::new(),
        timeout: Duration::from_secs(5),
        memory: 1 << 20,
        matcher,
        settings: "{}".into(),
        rights: Rights { policy: name, loosen: false, overrides: false, profiles: Arc::from([]) },
        tables: Arc::default(),
        metrics: BTreeSet::new(),
        pre,
        hooks,
        stats: Arc::default(),
        kv: Arc::default(),
        queue: crate::events::Queue::default(),
        judged: crate::recall::Recall::default(),
        added: crate::recall::Recall::default(),
    }
}
