//! One case, from its text to what the policy answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admission::component::describe;
use admission::{About, Additions, Admission, Bundle, BundleError, Entry, Follower, Grant, Verdict};
use jiff::Timestamp;
use model::{Decision, Hook, JobId, JobRequest, JobSpec, PatchOp, Ruling};

use super::case::{Asked, Case};
use super::given;
use crate::output::Failure;

/// Made alike whatever was asked.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) verdict: &'static str,
    pub(crate) code: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) retryable: bool,
    pub(crate) patch: Vec<PatchOp>,
    pub(crate) warnings: Vec<String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) kv: BTreeMap<String, String>,
    pub(crate) duration_us: u64,
}

/// 2026-01-01T00:00:00Z
const NOW_UNIX_MS: i64 = 1_767_225_600_000;
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) fn ask(case: &Case, name: &str, component: &Path) -> Result<Answer, Failure> {
    let admission = super::admission()?;
    let bundle = bundle(case, name, component)?;
    if let Err(error) = admission.load_bundle(&bundle) {
        return Ok(refused(error));
    }
    if case.hook == Asked::Configuration {
        return Ok(Answer { verdict: "allow", ..Answer::default() });
    }
    let memory = case.kv.iter().map(|(key, value)| (key.clone(), value.clone().into_bytes())).collect();
    admission.set_memory(name, &memory);
    let (spec, about) = (job(case)?, about(case)?);
    let mut answer = match (case.hook, admission.admit(spec, about)) {
        (Asked::One(hook), Verdict::Admitted(admitted))
            if hook != Hook::Mutation && hook != Hook::Validation =>
        {
            later(case, hook, &admission, admitted.follower())?
        }
        (_, Verdict::Admitted(admitted)) => decided(admitted.decisions()),
        (_, Verdict::Denied(denial)) => decided(&denial.decisions),
    };
    let text = |(key, value): (String, Vec<u8>)| (key, String::from_utf8_lossy(&value).into_owned());
    answer.kv = admission.memory(name).into_iter().map(text).collect();
    Ok(answer)
}

fn bundle(case: &Case, name: &str, component: &Path) -> Result<Bundle, Failure> {
    let path = component.canonicalize().unwrap_or_else(|_| component.into());
    let mut entry = Entry::new(name, &path.to_string_lossy());
    entry.settings.clone_from(&case.settings);
    entry.grants = match &case.grants {
        Some(grants) => grants.clone(),
        None => wanted(component)?,
    };
    // Interpreters need as much, and a case is about what is answered.
    (entry.timeout_ms, entry.memory_bytes) = (5000, 256 << 20);
    entry.hooks = match case.hook {
        Asked::One(hook) => Some(vec![hook]),
        Asked::Admission | Asked::Configuration => None,
    };
    Bundle::of(entry, case.facts.tables.clone()).map_err(Failure::from)
}

/// What the component imports; a file that is no component is the loader's to refuse.
pub(crate) fn wanted(component: &Path) -> Result<Vec<Grant>, Failure> {
    let wasm = std::fs::read(component)
        .map_err(|error| Failure::caused(&format!("cannot read {}", component.display()), &error))?;
    let names = describe(&wasm).map(|described| described.grants).unwrap_or_default();
    Ok(Grant::ALL.into_iter().filter(|grant| names.contains(&grant.word())).collect())
}

fn job(case: &Case) -> Result<JobSpec, Failure> {
    let command = || JobRequest { command: Some(vec!["true".into()]), ..JobRequest::default() };
    let request = case.request.clone().unwrap_or_else(command);
    let host = super::host();
    request.check(&host).map_err(|errors| {
        let all = errors.iter().map(|error| format!("{}: {}", error.pointer, error.detail));
        Failure::new(format!(
            "case `{}`: its request is no job: {}",
            case.name,
            all.collect::<Vec<_>>().join("; ")
        ))
    })
}

fn about(case: &Case) -> Result<About, Failure> {
    let now = Timestamp::from_millisecond(case.now_unix_ms.unwrap_or(NOW_UNIX_MS));
    let mut about = About::local(JobId::new());
    about.now =
        now.map_err(|error| Failure::caused(&format!("case `{}`: now_unix_ms", case.name), &error))?;
    about.tenant = case.tenant.clone().unwrap_or(about.tenant);
    about.submitter = case.submitter.clone().unwrap_or(about.submitter);
    about.facts = case.facts.facts();
    Ok(about)
}

/// Hooks of a job that was admitted.
fn later(case: &Case, hook: Hook, admission: &Admission, follower: &Follower) -> Result<Answer, Failure> {
    let unfit =
        |error: serde_json::Error| Failure::caused(&format!("case `{}`: {}", case.name, hook.word()), &error);
    let receipt = Arc::new(given::receipt(&case.container).map_err(unfit)?);
    match (hook, &case.connection) {
        (Hook::PreStart, _) => Ok(decided(&follower.pre_start(&receipt).decisions)),
        (Hook::Connection, Some(to)) => Ok(decided(&follower.connect(&to.host, to.port).decisions)),
        (Hook::Connection, None) => Err(Failure::new(format!("case `{}` has no `connection`", case.name))),
        _ => {
            let all = collect(admission);
            if hook == Hook::OnStarted {
                follower.started(&receipt);
            } else {
                let ended = given::job(&case.outcome, case.tenant.as_deref(), &receipt);
                follower.exited(&ended.map_err(unfit)?);
            }
            admission.flush(PATIENCE);
            Ok(added(admission, &all))
        }
    }
}

fn collect(admission: &Admission) -> Arc<Mutex<Additions>> {
    let all = Arc::new(Mutex::new(Additions::default()));
    let sink = Arc::clone(&all);
    admission.on_additions(move |_, more| *sink.lock().unwrap_or_else(PoisonError::into_inner) = more);
    all
}

fn added(admission: &Admission, all: &Mutex<Additions>) -> Answer {
    let Additions { labels, annotations } =
        std::mem::take(&mut *all.lock().unwrap_or_else(PoisonError::into_inner));
    // The counters are those of this one call.
    let stats = admission.summary().policies.into_iter().next().map(|policy| policy.stats);
    let (error, duration_us) =
        stats.map_or((None, 0), |stats| (stats.errors.keys().next().copied(), stats.total_us));
    let verdict = if error.is_some() { "error" } else { "allow" };
    Answer { verdict, code: error.map(String::from), labels, annotations, duration_us, ..Answer::default() }
}

/// One answer of all decisions: the first that is no allow gives the words, changes and notes are put together.
fn decided(decisions: &[Decision]) -> Answer {
    let mut answer = Answer { verdict: "allow", ..Answer::default() };
    for decision in decisions {
        let verdict = match decision.verdict {
            Ruling::Allow => "allow",
            Ruling::Mutate => "mutate",
            Ruling::Deny => "deny",
            Ruling::Error => "error",
        };
        if matches!(answer.verdict, "allow" | "mutate") && verdict != "allow" {
            answer.verdict = verdict;
            answer.code.clone_from(&decision.code);
            answer.message.clone_from(&decision.reason);
            answer.field.clone_from(&decision.field);
            answer.retryable = decision.retryable;
        }
        answer.patch.extend(decision.patch.iter().cloned());
        answer.warnings.extend(decision.warnings.iter().cloned());
        answer.annotations.extend(decision.annotations.clone());
        answer.duration_us += decision.duration_us;
    }
    answer
}

fn refused(error: BundleError) -> Answer {
    let BundleError { code, detail, pointer, .. } = error;
    Answer {
        verdict: "error",
        code: Some(code.into()),
        message: Some(detail.into()),
        field: pointer.map(Into::into),
        ..Answer::default()
    }
}
