//! The receipt, held against what the kernel says about the running job.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases, cgroup_of, figure, running, status_of};

pub(crate) fn cases() -> Vec<Case> {
    let everyone =
        cases![fields, matches_the_kernel, seen_from_inside].into_iter().map(|case| case.only(&Who::ALL));
    everyone.chain(cases![requirements, requirements_through_run, degraded_is_told]).collect()
}

const NAMESPACES: [&str; 7] = ["user", "pid", "mount", "network", "ipc", "uts", "cgroup"];
/// Where the kernel has it.
const TIME: &str = "time";

fn fields(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job =
        daemon.run(&json!({"steps": [{"command": ["true"]}, {"command": ["true"], "profile": "strict"}]}));
    assert_eq!(job["status"], "succeeded", "{job}");
    let receipt = &job["isolation"];
    let host = daemon.client().get("/capabilities").json()["host"].clone();
    let time = host["time_namespace"].as_bool().expect("a flag").then_some(TIME);
    assert_eq!(receipt["namespaces"], json!(NAMESPACES.into_iter().chain(time).collect::<Vec<_>>()));
    let kind = if who.shares_one_id() { "single" } else { "per_slot" };
    assert_eq!(receipt["id_map"]["kind"], kind, "{receipt}");
    let host_uid =
        receipt["id_map"]["host_uid"].as_u64().and_then(|uid| u32::try_from(uid).ok()).expect("an id");
    assert!(host_uid != 0 && who.job_ids().contains(&host_uid), "{receipt}");
    assert_eq!((&receipt["capabilities"], &receipt["no_new_privs"]), (&json!([]), &json!(true)), "{receipt}");
    assert_eq!(receipt["nested_user_namespaces"], false, "{receipt}");
    let profiles: Vec<_> =
        receipt["seccomp"].as_array().expect("a list").iter().map(|one| &one["profile"]).collect();
    assert_eq!(profiles, ["default", "strict"]);
    assert!(receipt["seccomp"][0]["digest"].as_str().is_some_and(|text| text.len() == 71), "{receipt}");
    assert_eq!(
        (&receipt["network"], &receipt["root_filesystem"]),
        (&json!("none"), &json!("host")),
        "{receipt}"
    );
    assert_eq!((&receipt["swap"], &receipt["degraded"]), (&json!("off"), &json!([])), "{receipt}");
    assert_eq!(receipt["landlock_abi"], host["landlock_abi"]);
    assert_eq!(receipt["cgroup"]["version"], host["cgroup"]["version"]);
    for controller in ["memory", "pids", "cpu"] {
        assert!(
            receipt["cgroup"]["controllers"].as_array().is_some_and(|all| all.contains(&json!(controller)))
        );
    }
    figure(format!("{}: {}", who.name(), receipt["cgroup"]));
}

/// A job that waits, its process as the host sees it, and the job when it has ended.
fn observed<T>(daemon: &Daemon, look: impl FnOnce(u32) -> T) -> (T, Value) {
    let cookie = format!("96{}", daemon.pid());
    let id = daemon.submit(&json!({"command": ["sleep", cookie], "user": "7"}));
    let pids = running(&cookie);
    let [pid] = pids.as_slice() else { panic!("one process, not {pids:?}") };
    let seen = look(*pid);
    (seen, daemon.cancel(&id))
}

fn matches_the_kernel(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let launcher = daemon.launcher();
    let (seen, job) = observed(&daemon, |pid| {
        let status = |name: &str| status_of(pid, name).unwrap_or_default();
        for (name, expected) in [("Seccomp", "2"), ("NoNewPrivs", "1"), ("Groups", "")] {
            // The caller's groups cannot be left with a single id; the suite's own user has none.
            assert_eq!(status(name), expected, "{name}");
        }
        for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
            assert_eq!(status(set).trim_start_matches('0'), "", "{set}");
        }
        let kinds = ["user", "pid", "mnt", "net", "ipc", "uts", "cgroup", TIME];
        let kinds =
            kinds.into_iter().filter(|kind| std::path::Path::new("/proc/self/ns").join(kind).exists());
        let namespaces: Vec<_> = kinds
            .map(|name| {
                let of = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/{name}")).ok();
                let own = of(&pid.to_string());
                (name, own.is_some() && own != of("self") && own != of(&launcher.to_string()))
            })
            .collect();
        let map = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let (users, groups) = (map("uid_map"), map("gid_map"));
        (status("Uid"), status("Gid"), namespaces, users, groups, cgroup_of(pid))
    });
    let (uid, gid, namespaces, users, groups, cgroup) = seen;
    // Only root may look into another user's namespaces; the suite as a user is the job's owner by name alone.
    if nix::unistd::geteuid().is_root() {
        assert!(namespaces.iter().all(|(_, own)| *own), "a namespace is shared: {namespaces:?}");
    }
    let claimed = &job["isolation"]["id_map"];
    let host_uid = claimed["host_uid"].to_string();
    let words = |text: &str| text.split_whitespace().map(String::from).collect::<Vec<_>>();
    assert_eq!(words(&uid), [host_uid.as_str(); 4], "all four user ids are the receipt's");
    assert_eq!(words(&users), ["7", &host_uid, "1"], "uid_map");
    assert_eq!(words(&groups), ["7", &words(&gid)[0], "1"], "gid_map");
    assert!(words(&gid).iter().all(|id| id != "0"), "{gid}");
    let group = format!("/stockade-{}/", daemon.pid());
    for controller in ["memory", "pids", "cpu"] {
        let line = cgroup.lines().find(|line| {
            let mut fields = line.split(':');
            let unified = fields.next() == Some("0") && job["isolation"]["cgroup"]["version"] == "v2";
            unified || fields.next().is_some_and(|names| names.split(',').any(|name| name == controller))
        });
        assert!(
            line.is_some_and(|line| line.contains(&group)),
            "{controller} does not hold the job: {cgroup}"
        );
    }
}

fn seen_from_inside(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let script = "grep -E '^(Seccomp|NoNewPrivs|Cap...|Groups):' /proc/self/status; cat /proc/self/uid_map; ls /proc/self/fd; \
                  cat /proc/sys/kernel/hostname; ls /sys | wc -l; grep -c : /proc/net/dev; cat /proc/self/cgroup | cut -d: -f3";
    let job = daemon.run(&json!({"command": ["sh", "-c", script]}));
    let text = job["steps"][0]["stdout"]["text"].as_str().expect("text").replace('\t', " ");
    for line in
        ["Seccomp: 2", "NoNewPrivs: 1", "CapEff: 0000000000000000", "CapBnd: 0000000000000000", "stockade"]
    {
        assert!(text.lines().any(|seen| seen.trim() == line), "{line} is not in {text}");
    }
    // ls holds a third descriptor for the folder it lists.
    assert!(text.contains("\n0\n1\n2\n3\nstockade\n2\n1\n"), "descriptors, /sys, interfaces: {text}");
    let groups: BTreeSet<_> = text.lines().filter(|line| line.starts_with('/')).collect();
    assert!(groups.iter().all(|group| !group.contains("stockade")), "the host's groups show: {groups:?}");
}

fn requirements(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let met = json!([
        "cgroup.memory",
        "cgroup.pids",
        "cgroup.cpu",
        "landlock>=1",
        "landlock",
        "seccomp",
        "namespaces",
        "no_new_privs",
        "capabilities.none",
        "network.none",
        "cgroup"
    ]);
    let job = daemon.run(&json!({"command": ["true"], "require": met}));
    assert_eq!(job["status"], "succeeded", "{job}");
    let mut unmet = vec!["landlock>=999", "gpu", "landlock>=x", ""];
    if who.shares_one_id() {
        unmet.push("id_map.per_slot");
    }
    for layer in unmet {
        let answer =
            daemon.client().post("/jobs", &json!({"command": ["true"], "require": ["seccomp", layer]}));
        assert_eq!(answer.status, 422, "{layer}: {}", answer.text());
        let problem = answer.json();
        assert_eq!(problem["type"], "urn:stockade:problem:unsupported_layer", "{problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/require/1", "{problem}");
    }
}

fn requirements_through_run(who: Who) {
    assert_eq!(support::run(who, &["run", "--require", "cgroup.memory", "--", "true"]).code, 0);
    let refused = support::run(who, &["run", "--require", "landlock>=999", "--", "true"]);
    assert_eq!(refused.code, 125, "{refused:?}");
    assert!(refused.stderr.contains("landlock>=999") && refused.stderr.contains("hint:"), "{refused:?}");
}

/// Allowed to be missing is not the same as missing: what the host has is still in force.
fn degraded_is_told(who: Who) {
    let daemon = Daemon::start(who, &["--allow-degraded", "landlock"]);
    let job = daemon.run(&json!({"command": ["true"]}));
    let missing = job["isolation"]["landlock_abi"].is_null();
    let told = job["isolation"]["degraded"].as_array().is_some_and(|all| all.contains(&json!("landlock")));
    assert_eq!(missing, told, "{job}");
    let refused = support::run(who, &["run", "--allow-degraded", "seccomp", "--", "true"]);
    assert_eq!(refused.code, 125, "seccomp is never optional: {refused:?}");
}
