use std::collections::BTreeMap;

use model::{CaseRequest, HostPolicy, IdMapKind, JobRequest, Limits, LimitsRequest, StepRequest};

use super::*;
use crate::host::CgroupCaps;

fn host(controllers: &[&str], landlock_abi: Option<u32>) -> HostCaps {
    let version = if controllers.is_empty() { "none" } else { "v2" };
    HostCaps {
        kernel: "6.1".into(),
        architecture: "x86_64".into(),
        landlock_abi,
        cgroup: CgroupCaps {
            version: version.into(),
            controllers: controllers.iter().map(|c| (*c).into()).collect(),
            kill: true,
            freeze: true,
        },
        id_map: IdMapKind::PerSlot,
        slots: 10,
        overlay: true,
        host_paths: Vec::new(),
    }
}

fn full_host() -> HostCaps {
    host(&["memory", "pids", "cpu", "swap"], Some(7))
}

fn spec(request: JobRequest) -> JobSpec {
    let defaults = Limits::defaults();
    let policy = HostPolicy { caps: defaults.clone(), defaults, profiles: Profiles::builtin().names() };
    request.check(&policy).expect("a good request")
}

fn job(require: &[&str]) -> JobSpec {
    let require = require.iter().map(|layer| (*layer).into()).collect();
    spec(JobRequest { command: Some(vec!["true".into()]), require, ..JobRequest::default() })
}

fn planned(job: &JobSpec, host: &HostCaps, allowed: &[&str]) -> Result<LaunchPlan, PlanError> {
    plan(job, host, &Profiles::builtin(), &allowed.iter().map(|layer| (*layer).into()).collect())
}

#[test]
fn a_full_host_gives_every_layer() {
    let plan =
        planned(&job(&["cgroup.memory", "landlock>=4", "seccomp"]), &full_host(), &[]).expect("a plan");
    assert_eq!(plan.degraded, Vec::<String>::new());
    assert_eq!(plan.landlock.as_ref().map(|l| l.abi), Some(7));
    let step = &plan.steps[0];
    assert_eq!(step.cgroup.memory_bytes, Some(Limits::defaults().memory_bytes));
    assert_eq!(step.cgroup.pids, Some(128));
    assert_eq!(plan.cgroup.memory_bytes, step.cgroup.memory_bytes);
    assert!(!plan.nested_user_namespaces);
}

#[test]
fn a_missing_layer_is_refused_by_name_unless_allowed_by_name() {
    for (host, layer) in [
        (host(&["memory", "pids", "swap"], Some(7)), "cgroup.cpu"),
        (host(&["pids", "cpu", "swap"], Some(7)), "cgroup.memory"),
        (host(&["memory", "pids", "cpu"], Some(7)), "cgroup.swap"),
        (host(&[], Some(7)), "cgroup"),
        (host(&["memory", "pids", "cpu", "swap"], None), "landlock"),
    ] {
        let error = planned(&job(&[]), &host, &[]).expect_err(layer);
        assert_eq!(error.layer, layer);
        assert!(error.remedy.contains(&format!("--allow-degraded={layer}")), "{}", error.remedy);
        let plan = planned(&job(&[]), &host, &[layer]).expect(layer);
        assert_eq!(plan.degraded, [layer]);
        assert_eq!(plan.receipt(&host, 5).degraded, [layer]);
        let refused = planned(&job(&[layer]), &host, &[layer]).expect_err("required all the same");
        assert_eq!((refused.layer.as_str(), refused.require_index), (layer, Some(0)));
    }
}

#[test]
fn an_unknown_or_unmet_requirement_names_its_place() {
    for bad in ["landlock>=99", "landlock>=x", "selinux", ""] {
        let error = planned(&job(&["seccomp", bad]), &full_host(), &[]).expect_err(bad);
        assert_eq!((error.layer.as_str(), error.require_index), (bad, Some(1)));
    }
}

#[test]
fn the_receipt_says_swap_is_off_only_where_it_is() {
    let without = host(&["pids", "cpu", "swap"], Some(7));
    let plan = planned(&job(&[]), &without, &["cgroup.memory"]).expect("a plan");
    assert_eq!(plan.receipt(&without, 7).swap, "unlimited");
    let unaccounted = host(&["memory", "pids", "cpu"], Some(7));
    let plan = planned(&job(&[]), &unaccounted, &["cgroup.swap"]).expect("a plan");
    assert_eq!(plan.receipt(&unaccounted, 7).swap, "unlimited");
    let plan = planned(&job(&[]), &full_host(), &[]).expect("a plan");
    assert_eq!(plan.receipt(&full_host(), 7).swap, "off");
}

#[test]
fn a_plan_survives_the_wire_and_prints_as_json() {
    let mut request = JobRequest { command: Some(vec!["a".into(), "b".into()]), ..JobRequest::default() };
    request.env = BTreeMap::from([("K".into(), "V".into())]);
    let plan = planned(&spec(request), &full_host(), &[]).expect("a plan");
    let bytes = postcard::to_stdvec(&plan).expect("encoded");
    assert_eq!(postcard::from_bytes::<LaunchPlan>(&bytes).expect("decoded"), plan);
    let json = serde_json::to_value(&plan).expect("json");
    assert_eq!(json["steps"][0]["command"], serde_json::json!(["a", "b"]));
    assert!(json["seccomp"][0]["program"]["instructions"].as_u64().is_some_and(|n| n > 50), "{json}");
    assert!(json["steps"][0]["env"].as_array().is_some_and(|env| env.contains(&"K=V".into())));
}

#[test]
fn one_profile_is_sent_once() {
    let step = |profile: &str| model::StepRequest {
        command: vec!["true".into()],
        profile: Some(profile.into()),
        ..model::StepRequest::default()
    };
    let steps = vec![step("strict"), step("default"), step("strict")];
    let plan =
        planned(&spec(JobRequest { steps, ..JobRequest::default() }), &full_host(), &[]).expect("a plan");
    assert_eq!(plan.seccomp.len(), 2);
    assert_eq!(plan.steps.iter().map(|s| s.seccomp).collect::<Vec<_>>(), [0, 1, 0]);
}

fn job_with_cases() -> JobSpec {
    let limits = LimitsRequest { memory_bytes: Some(1 << 20), ..LimitsRequest::default() };
    let cases = vec![
        CaseRequest::default(),
        CaseRequest { args: vec!["x".into()], limits, ..CaseRequest::default() },
    ];
    let command = |word: &str| vec![word.into()];
    let build = StepRequest { command: command("cc"), ..StepRequest::default() };
    let test = StepRequest { command: command("./a.out"), cases, ..StepRequest::default() };
    spec(JobRequest { steps: vec![build, test], ..JobRequest::default() })
}

#[test]
fn a_job_with_cases_lends_its_workspace_and_a_case_is_over_it() {
    let (job, host) = (job_with_cases(), full_host());
    assert_eq!(planned(&job, &host, &[]).expect("a plan").workspace, Workspace::Lent);
    let case = job.steps[1].of_case(&job.steps[1].cases[1]);
    let plan = plan_case(&job, &case, &host, &Profiles::builtin(), &BTreeSet::new()).expect("a plan");
    assert_eq!((plan.workspace, plan.steps.len()), (Workspace::Over, 1));
    assert_eq!(plan.steps[0].command, ["./a.out", "x"]);
    assert_eq!(plan.cgroup.memory_bytes, Some(1 << 20));
}

#[test]
fn without_overlays_only_jobs_with_cases_are_refused() {
    let host = HostCaps { overlay: false, ..full_host() };
    assert_eq!(planned(&job_with_cases(), &host, &[]).expect_err("it cannot be run").layer, "overlay");
    assert_eq!(planned(&job(&[]), &host, &[]).expect("a plan").workspace, Workspace::Own);
    let required = planned(&job(&["overlay"]), &host, &[]).expect_err("it was required");
    assert_eq!((required.layer.as_str(), required.require_index), ("overlay", Some(0)));
}
