//! Jobs that run at one time know nothing of each other.

use serde_json::json;
use support::{Case, Daemon, Needs, Who, cases, running, status_of};

pub(crate) fn cases() -> Vec<Case> {
    let cases = cases![do_not_see_each_other].into_iter().map(|case| case.needs(Needs::Program("ipcmk")));
    let everyone = cases![have_ids_of_their_own].into_iter().map(|case| case.only(&Who::ALL));
    cases.chain(everyone).chain(cases![run_at_one_time]).collect()
}

fn do_not_see_each_other(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let cookie = format!("95{}", daemon.pid());
    let hide = format!(
        "echo secret > /tmp/secret; echo secret > /dev/shm/secret; echo secret > own; \
                        ipcmk -M 4096 -Q -S 1 >/dev/null; cat /proc/sysvipc/shm | wc -l; exec sleep {cookie}"
    );
    let first = daemon.submit(&json!({"command": ["sh", "-c", hide]}));
    running(&cookie);
    let look = "ls -A /tmp /dev/shm /workspace; tail -qn +2 /proc/sysvipc/shm /proc/sysvipc/msg /proc/sysvipc/sem; \
                cat /proc/[0-9]*/cmdline | tr '\\0' ' '";
    let second = daemon.run(&json!({"command": ["sh", "-c", look]}));
    let text = second["steps"][0]["stdout"]["text"].as_str().expect("text").to_owned();
    let first = daemon.cancel(&first);
    let made = first["steps"][0]["stdout"]["text"].as_str().expect("text");
    assert_eq!(made.trim(), "2", "the first job did make shared memory: {first}");
    assert!(!text.contains("secret") && !text.contains(&cookie), "{text}");
    assert!(text.starts_with("/dev/shm:\n\n/tmp:\n\n/workspace:\n"), "{text}");
    let ipc = text
        .lines()
        .filter(|line| line.split_whitespace().next().is_some_and(|key| key.parse::<i64>().is_ok()));
    assert_eq!(ipc.count(), 0, "{text}");
}

fn have_ids_of_their_own(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 4");
    let cookies: Vec<_> = (0..4).map(|i| format!("94{i}{}", daemon.pid())).collect();
    let ids: Vec<_> =
        cookies.iter().map(|cookie| daemon.submit(&json!({"command": ["sleep", cookie]}))).collect();
    let mut uids: Vec<_> = cookies
        .iter()
        .map(|cookie| status_of(running(cookie)[0], "Uid").expect("the job runs"))
        .map(|line| line.split_whitespace().next().and_then(|id| id.parse::<u32>().ok()).expect("an id"))
        .collect();
    for id in &ids {
        daemon.cancel(id);
    }
    assert!(uids.iter().all(|uid| *uid != 0 && who.job_ids().contains(uid)), "{uids:?}");
    uids.sort_unstable();
    uids.dedup();
    assert_eq!(uids.len(), if who.shares_one_id() { 1 } else { 4 }, "{uids:?}");
}

/// `max_running` of them, and no more.
fn run_at_one_time(who: Who) {
    let daemon = Daemon::configured(who, "max_running = 2");
    let cookies: Vec<_> = (0..3).map(|i| format!("93{i}{}", daemon.pid())).collect();
    let ids: Vec<_> =
        cookies.iter().map(|cookie| daemon.submit(&json!({"command": ["sleep", cookie]}))).collect();
    running(&cookies[0]);
    running(&cookies[1]);
    let status = |i: usize| daemon.job(&ids[i])["status"].clone();
    assert_eq!([status(0), status(1), status(2)], ["running", "running", "queued"]);
    daemon.cancel(&ids[0]);
    running(&cookies[2]);
    let waited = daemon.cancel(&ids[2])["timing"]["queue_us"].as_u64().expect("measured");
    assert!(waited > 0, "the third one waited");
    daemon.cancel(&ids[1]);
}
