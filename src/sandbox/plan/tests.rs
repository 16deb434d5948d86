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
        image_ids: 61_440,
        overlay: true,
        time_namespace: true,
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
    planned_over(job, host, allowed, &Sources::default())
}

fn planned_over(
    job: &JobSpec,
    host: &HostCaps,
    allowed: &[&str],
    sources: &Sources,
) -> Result<LaunchPlan, PlanError> {
    let allowed = &allowed.iter().map(|layer| (*layer).into()).collect();
    Planner { host, profiles: &Profiles::builtin(), allowed, sources }.plan(job)
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
    let (profiles, allowed, sources) = (&Profiles::builtin(), &BTreeSet::new(), &Sources::default());
    let plan = Planner { host: &host, profiles, allowed, sources }.plan_case(&job, &case).expect("a plan");
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

fn image() -> Sources {
    let layer = |id: &str| ImageLayer { id: id.into(), digest: format!("sha256:{id}") };
    let layers = vec![layer("top"), layer("base")];
    let (reference, digest) = ("docker.io/library/a:1".into(), "sha256:00".into());
    Sources { image: Some(ImageRoot { reference, digest, layers }), volumes: Vec::new() }
}

#[test]
fn a_job_over_an_image_has_the_ids_of_images_and_says_so() {
    let (spec, host) = (job(&[]), full_host());
    let plan = planned_over(&spec, &host, &[], &image()).expect("a plan");
    assert_eq!(plan.ids, Ids { user: 1000, group: 1000, map: IdMap::Image });
    assert_eq!(plan.landlock.as_ref().map(|rules| rules.full.clone()), Some(vec!["/".into()]));
    let receipt = plan.receipt(&host, 5);
    assert_eq!((receipt.id_map.kind, receipt.root_filesystem.as_str()), (IdMapKind::Image, "image"));
    let layers = receipt.image.expect("an image").layers;
    assert_eq!(layers, ["sha256:base", "sha256:top"]);
    let single = HostCaps { id_map: IdMapKind::Single, image_ids: 1, ..full_host() };
    let plan = planned_over(&spec, &single, &[], &image()).expect("a plan");
    assert_eq!(plan.receipt(&single, 5).id_map.kind, IdMapKind::Single);
}

#[test]
fn a_user_that_this_host_has_no_id_for_is_refused() {
    let host = HostCaps { image_ids: 960, ..full_host() };
    let of = |user| JobSpec { user, group: 0, ..job(&[]) };
    for user in [0, 958, 65_534] {
        assert!(planned_over(&of(user), &host, &[], &image()).is_ok(), "{user}");
        // Without an image no id but its own is needed.
        assert!(planned(&of(user), &host, &[]).is_ok(), "{user}");
    }
    for user in [959, 1000, 65_533] {
        assert_eq!(
            planned_over(&of(user), &host, &[], &image()).expect_err("no id").layer,
            "id_map",
            "{user}"
        );
    }
}

#[test]
fn a_job_with_volumes_has_the_ids_of_their_files() {
    let volume = |name: &str, path: &str, read_only| model::VolumeSpec {
        name: name.into(),
        path: path.into(),
        read_only,
    };
    let spec =
        JobSpec { volumes: vec![volume("a", "/cache", false), volume("b", "/mnt/b", true)], ..job(&[]) };
    let sources = Sources { image: None, volumes: vec!["x".into(), "y".into()] };
    let plan = planned_over(&spec, &full_host(), &[], &sources).expect("a plan");
    assert_eq!(plan.ids.map, IdMap::Image);
    let full = plan.landlock.as_ref().map(|rules| rules.full.clone()).unwrap_or_default();
    assert!(full.contains(&"/cache".to_owned()) && !full.contains(&"/mnt/b".to_owned()), "{full:?}");
    let receipt = plan.receipt(&full_host(), 5);
    assert_eq!(
        receipt.volumes.iter().map(|v| (&*v.name, v.read_only)).collect::<Vec<_>>(),
        [("a", false), ("b", true)]
    );
    assert_eq!(planned(&spec, &full_host(), &[]).expect_err("nowhere to take them from").layer, "volumes");
}
