use std::sync::Arc;
use std::time::{Duration, Instant};

use model::{CaseSpec, Hook, JobId, JobSpec};
use serde_json::{Value, json};

use super::{MAX_BYTES, MAX_STEPS, Steps, View};
use crate::bindings::{call, facts, job, job_env, job_files, kv, log, metrics, patch};
use crate::draft::Draft;
use crate::host::State;
use crate::policy::Policy;
use crate::{About, engine, testing};

fn policy() -> Arc<Policy> {
    testing::validator(&engine::caller(1, 0).expect("an engine"))
}

/// A job that has something of everything.
fn body() -> Value {
    json!({
        "steps": [{ "name": "build", "command": ["make"], "env": { "A": "1" }, "workdir": "/workspace" }],
        "files": [{ "path": "Makefile", "text": "all:" }],
        "artifacts": ["out"],
        "labels": { "team": "a" },
        "priority": 1,
        "retry": { "max_attempts": 2 },
        "require": ["landlock"],
    })
}

fn spec() -> JobSpec {
    testing::job(body())
}

fn view(policy: &Arc<Policy>, hook: Hook, spec: JobSpec, about: About) -> View {
    View::new(policy, &Arc::new(about), hook, Draft::new(Arc::new(spec)))
}

/// What a call notes that asks this.
fn noted(policy: &Arc<Policy>, hook: Hook, ask: impl FnOnce(&mut State)) -> Option<Steps> {
    let mut state = State::witnessed(view(policy, hook, spec(), testing::about()), true);
    ask(&mut state);
    state.witness.into_parts().1
}

fn again(steps: &Steps, view: &mut View) -> bool {
    steps.again(view, Instant::now() + Duration::from_mins(1))
}

type Ask = fn(&mut State);
type Change = fn(&mut JobSpec, &mut About);

fn case() -> CaseSpec {
    case_of(&json!({ "name": "c", "args": ["b"] }))
}

fn case_of(case: &Value) -> CaseSpec {
    testing::job(json!({ "steps": [{ "command": ["a"], "cases": [case] }] })).steps.remove(0).cases.remove(0)
}

fn in_words(s: &mut State) -> bool {
    job::Host::commands_may_contain(s, vec!["xyzzy".into()])
}

fn in_files(s: &mut State) -> bool {
    job_files::Host::may_contain(s, vec!["xyzzy".into()])
}

/// What a policy may ask about a job, each with a job that it is not the same for.
const ASKS: [(&str, Ask, Change); 40] = [
    ("tenant", |s| drop(job::Host::tenant(s)), |_, a| a.tenant.push('x')),
    ("submitter", |s| drop(job::Host::submitter(s)), |_, a| a.submitter.push('x')),
    ("image", |s| drop(job::Host::image(s)), |j, _| j.image.push('x')),
    ("digest", |s| drop(job::Host::image_digest(s)), |j, _| j.image_digest = Some(String::new())),
    ("steps", |s| assert_eq!(job::Host::step_count(s), 1), |j, _| j.steps.push(j.steps[0].clone())),
    ("name", |s| drop(job::Host::step_name(s, 0)), |j, _| j.steps[0].name.push('x')),
    ("command", |s| drop(job::Host::step_command(s, 0)), |j, _| j.steps[0].command.push("x".into())),
    ("cases", |s| drop(job::Host::step_cases(s, 0)), |j, _| j.steps[0].cases.push(case())),
    ("a word", |s| assert!(!in_words(s)), |j, _| j.steps[0].command.push("is xyzzy".into())),
    (
        "a word of another step",
        |s| assert!(!in_words(s)),
        |j, _| {
            j.steps.push(testing::job(json!({ "command": ["xyzzy"] })).steps.remove(0));
        },
    ),
    (
        "a checker's word",
        |s| assert!(!in_words(s)),
        |j, _| {
            j.steps[0]
                .cases
                .push(case_of(&json!({ "name": "c", "expect": { "checker": { "command": ["xyzzy"] } } })));
        },
    ),
    (
        "a case's word",
        |s| assert!(!in_words(s)),
        |j, _| {
            j.steps[0].cases.push(CaseSpec { args: vec!["xyzzy".into()], ..case() });
        },
    ),
    (
        "a file's text",
        |s| assert!(!in_files(s)),
        |j, _| j.files[0].contents = model::Content::from(b"is xyzzy".to_vec()),
    ),
    ("workdir", |s| drop(job::Host::step_workdir(s, 0)), |j, _| j.steps[0].workdir.push('x')),
    ("profile", |s| drop(job::Host::step_profile(s, 0)), |j, _| j.steps[0].profile.push('x')),
    ("no step", |s| assert_eq!(job::Host::step_name(s, 1), None), |j, _| j.steps.push(j.steps[0].clone())),
    (
        "step limit",
        |s| assert!(job::Host::step_limit(s, 0, "pids".into()).is_some()),
        |j, _| j.steps[0].limits.pids += 1,
    ),
    ("cpu", |s| assert!(job::Host::cpu_time_ms(s) > 0), |j, _| j.steps[0].limits.cpu_time_ms += 1),
    ("wall", |s| assert!(job::Host::wall_time_ms(s) > 0), |j, _| j.steps[0].limits.wall_time_ms += 1),
    ("memory", |s| assert!(job::Host::memory_bytes(s) > 0), |j, _| j.steps[0].limits.memory_bytes += 1),
    ("pids", |s| assert!(job::Host::pids(s) > 0), |j, _| j.steps[0].limits.pids += 1),
    ("output", |s| assert!(job::Host::output_bytes(s) > 0), |j, _| j.steps[0].limits.output_bytes += 1),
    ("disk", |s| assert!(job::Host::disk_bytes(s) > 0), |j, _| j.disk_bytes += 1),
    ("open files", |s| assert!(job::Host::open_files(s) > 0), |j, _| j.steps[0].limits.open_files += 1),
    ("file bytes", |s| assert!(job::Host::file_bytes(s) > 0), |j, _| j.steps[0].limits.file_bytes += 1),
    ("stack", |s| assert!(job::Host::stack_bytes(s) > 0), |j, _| j.steps[0].limits.stack_bytes += 1),
    ("cpus", |s| assert!(job::Host::cpu_millis(s) > 0), |j, _| j.steps[0].limits.cpus /= 2.0),
    (
        "env names",
        |s| drop(job::Host::env_names(s)),
        |j, _| drop(j.steps[0].env.insert("B".into(), String::new())),
    ),
    ("files", |s| drop(job::Host::files(s)), |j, _| j.files[0].mode ^= 1),
    (
        "volumes",
        |s| drop(job::Host::volumes(s)),
        |j, _| j.volumes.push(model::VolumeSpec { name: "v".into(), path: "/v".into(), read_only: true }),
    ),
    ("user", |s| assert!(job::Host::user(s) < u32::MAX), |j, _| j.user += 1),
    ("artifacts", |s| drop(job::Host::artifacts(s)), |j, _| j.artifacts.push("x".into())),
    ("labels", |s| drop(job::Host::labels(s)), |j, _| drop(j.labels.insert("b".into(), "c".into()))),
    (
        "label",
        |s| assert!(job::Host::label(s, "team".into()).is_some()),
        |j, _| drop(j.labels.insert("team".into(), "b".into())),
    ),
    ("priority", |s| assert_eq!(job::Host::priority(s), 1), |j, _| j.priority += 1),
    ("attempts", |s| assert_eq!(job::Host::max_attempts(s), 2), |j, _| j.max_attempts += 1),
    ("requirements", |s| drop(job::Host::requirements(s)), |j, _| j.require.clear()),
    (
        "running",
        |s| assert_eq!(facts::Host::running_jobs(s, "acme".into()), 0),
        |_, a| a.facts.running_jobs = [("acme".into(), 1)].into(),
    ),
    (
        "reserved",
        |s| assert_eq!(facts::Host::reserved_memory_bytes(s, "acme".into()), 0),
        |_, a| a.facts.reserved_memory_bytes = [("acme".into(), 1)].into(),
    ),
    (
        "queued",
        |s| assert_eq!(facts::Host::queued_jobs(s, "acme".into()), 0),
        |_, a| a.facts.queued_jobs = [("acme".into(), 1)].into(),
    ),
];

#[test]
fn whatever_was_asked_must_be_the_same() {
    let policy = policy();
    for (name, ask, change) in ASKS {
        let steps = noted(&policy, Hook::Validation, ask).unwrap_or_else(|| panic!("{name}: no notes"));
        let same = |change: Change| {
            let (mut spec, mut about) = (spec(), About { id: JobId::new(), ..testing::about() });
            change(&mut spec, &mut about);
            again(&steps, &mut view(&policy, Hook::Validation, spec, about))
        };
        assert!(same(|_, _| ()), "{name}: the same job again");
        assert!(!same(change), "{name}: a job that differs in it");
        let others = ASKS.iter().filter(|(other, ..)| *other == "submitter" && *other != name);
        others.for_each(|(_, _, change)| {
            assert!(same(*change), "{name}: a job that differs in something else");
        });
    }
}

#[test]
fn what_the_host_looks_for_is_all_that_counts() {
    let policy = policy();
    let look = |s: &mut State| assert!(!in_words(s) && !in_files(s));
    let steps = noted(&policy, Hook::Validation, look).expect("notes");
    let other = json!({ "command": ["other", "words"], "files": [{ "path": "b", "text": "other text" }] });
    assert!(again(&steps, &mut view(&policy, Hook::Validation, testing::job(other), testing::about())));
}

#[test]
fn what_is_never_the_same_or_secret_is_not_noted() {
    let policy = policy();
    let asks: [(&str, Ask); 8] = [
        ("id", |s| drop(job::Host::id(s))),
        ("request", |s| drop(call::Host::request_id(s))),
        ("time", |s| assert_eq!(call::Host::now_unix_ms(s), 0)),
        ("document", |s| drop(job::Host::json(s, "/image".into()))),
        ("a file's digest", |s| drop(job::Host::file_digest(s, "Makefile".into()))),
        ("values of variables", |s| assert!(job_env::Host::values(s, 0).is_some())),
        ("contents", |s| assert!(job_files::Host::read(s, "Makefile".into(), 0, 9).is_some())),
        ("memory", |s| assert!(kv::Host::add(s, "n".into(), 1, 0).is_err())),
    ];
    for (name, ask) in asks {
        assert!(noted(&policy, Hook::Validation, ask).is_none(), "{name}");
    }
}

#[test]
fn a_policys_memory_counts() {
    let policy = policy();
    let ask = |s: &mut State| drop(kv::Host::get(s, "n".into()));
    let steps = noted(&policy, Hook::Validation, ask).expect("notes");
    let same = || again(&steps, &mut view(&policy, Hook::Validation, spec(), testing::about()));
    assert!(same());
    policy.kv.put("n", b"1".to_vec(), 0, 0).expect("room");
    assert!(!same());
}

#[test]
fn changes_are_made_again_or_not_at_all() {
    let policy = policy();
    let mutate = |s: &mut State| {
        assert_eq!(patch::Host::set_label(s, "team".into(), "b".into()), Ok(()));
        assert_eq!(patch::Host::set_pids(s, 1), Ok(()));
    };
    let steps = noted(&policy, Hook::Mutation, mutate).expect("notes");
    let mut same = view(&policy, Hook::Mutation, spec(), testing::about());
    assert!(again(&steps, &mut same));
    assert_eq!((&*same.spec().labels["team"], same.spec().steps[0].limits.pids), ("b", 1));
    assert_eq!(same.draft.patch().0.len(), 2);

    // The second of them would loosen this one.
    let mut tight = spec();
    tight.steps[0].limits.pids = 0;
    let mut other = view(&policy, Hook::Mutation, tight, testing::about());
    assert!(!again(&steps, &mut other));
    assert_eq!((&*other.spec().labels["team"], other.spec().steps[0].limits.pids), ("a", 0));
    let (changes, refused) = other.draft.patch();
    assert!(changes.is_empty() && refused.is_empty(), "as if nobody had tried");
    assert!(
        !again(&steps, &mut view(&policy, Hook::Validation, spec(), testing::about())),
        "not the place to change"
    );
}

#[test]
fn what_nobody_answers_is_done_again() {
    let policy = policy();
    let tell = |s: &mut State| {
        metrics::Host::increment(s, "unknown".into(), 1);
        (0..66).for_each(|_| log::Host::log(s, log::Level::Debug, "hello".into()));
    };
    let steps = noted(&policy, Hook::Validation, tell).expect("notes");
    let dropped = || {
        let stats = policy.stats.now();
        (stats.dropped_metrics, stats.dropped_log_lines)
    };
    assert_eq!(dropped(), (1, 2));
    let mut same = view(&policy, Hook::Validation, spec(), testing::about());
    assert!(again(&steps, &mut same));
    assert_eq!(dropped(), (1, 2), "not before it is known that all is the same");
    steps.tell(&same);
    assert_eq!(dropped(), (2, 4));
}

/// Texts that are looked for, however short, and that are too many to be kept when they are asked for so often.
const MANY: usize = 64;
const OFTEN: usize = MAX_BYTES / (MANY * size_of::<String>()) + 1;

#[test]
fn a_call_without_end_is_not_noted_to_its_end() {
    let policy = policy();
    let asks = |count: usize| {
        noted(&policy, Hook::Validation, |s| (0..count).for_each(|_| assert!(job::Host::user(s) < u32::MAX)))
    };
    assert!(asks(MAX_STEPS).is_some());
    assert!(asks(MAX_STEPS + 1).is_none());
    let logs = |s: &mut State| {
        (0..=MAX_BYTES / 1000).for_each(|_| log::Host::log(s, log::Level::Debug, "x".repeat(1001)));
    };
    assert!(noted(&policy, Hook::Validation, logs).is_none());
    let questions: [Ask; 5] = [
        |s| (0..OFTEN).for_each(|_| assert!(job::Host::commands_may_contain(s, vec![String::new(); MANY]))),
        |s| (0..OFTEN).for_each(|_| assert!(job_files::Host::may_contain(s, vec![String::new(); MANY]))),
        |s| drop(job::Host::label(s, "x".repeat(MAX_BYTES))),
        |s| assert!(job::Host::step_limit(s, 0, "x".repeat(MAX_BYTES)).is_none()),
        |s| assert!(patch::Host::json_op(s, "x".repeat(MAX_BYTES)).is_err()),
    ];
    for ask in questions {
        assert!(noted(&policy, Hook::Mutation, ask).is_none());
    }
}

#[test]
fn what_was_refused_is_refused_again() {
    let policy = policy();
    let mutate = |s: &mut State| {
        assert!(patch::Host::set_pids(s, u64::MAX).is_err());
    };
    let steps = noted(&policy, Hook::Mutation, mutate).expect("notes");
    let mut same = view(&policy, Hook::Mutation, spec(), testing::about());
    assert!(again(&steps, &mut same));
    let (changes, refused) = same.draft.patch();
    assert_eq!((changes.len(), refused.len()), (0, 1));
}

#[test]
fn it_ends_when_its_time_is_over() {
    let policy = policy();
    let mutate = |s: &mut State| assert_eq!(patch::Host::set_pids(s, 1), Ok(()));
    let steps = noted(&policy, Hook::Mutation, mutate).expect("notes");
    let mut late = view(&policy, Hook::Mutation, spec(), testing::about());
    assert!(!steps.again(&mut late, Instant::now()));
    assert!(!late.draft.is_changed());
}
