//! Language runtimes size themselves by the job's limits, each in the way that it has of finding them.

use support::{Case, Needs, Who, cases, figure, job};

pub(crate) fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let mut with = |cases: Vec<Case>, missing: fn() -> Option<&'static str>| {
        all.extend(cases.into_iter().map(|case| case.only(&Who::ALL).needs(Needs::Host(missing))));
    };
    with(cases![python], || lacks("/usr/bin/python3", "there is no /usr/bin/python3"));
    with(cases![java], || {
        lacks("/usr/bin/java", "there is no /usr/bin/java (Debian: openjdk-17-jre-headless)")
    });
    with(cases![node], || lacks("/usr/bin/node", "there is no /usr/bin/node (Debian: nodejs)"));
    all
}

/// Jobs see the host's own folders, so a runtime elsewhere does not count.
fn lacks(program: &str, reason: &'static str) -> Option<&'static str> {
    (!std::path::Path::new(program).exists()).then_some(reason)
}

fn python(who: Who) {
    let ask = "import os; print(os.cpu_count(), len(os.sched_getaffinity(0)), os.sched_getaffinity(0) == {int(n) for n in open('/sys/devices/system/cpu/online').read().split('-')})";
    assert_eq!(job(who, &["--cpus", "1", "/usr/bin/python3", "-c", ask]), "1 1 True\n");
}

/// A quarter of the memory is the default, half where there is little: in no case the host's.
fn java(who: Who) {
    for (memory, mib, most) in [("256m", 256, 129), ("1g", 1024, 257)] {
        let command = format!(
            "exec java -Xshare:auto -XX:+PrintFlagsFinal -XshowSettings:system -version 2>&1; # {mib}"
        );
        let text = job(
            who,
            &["-m", memory, "--cpus", "1", "--wall", "60s", "--cpu-time", "60s", "sh", "-c", &command],
        );
        let word = |line: &str, after: &str| {
            let found =
                text.lines().find(|seen| seen.contains(line)).unwrap_or_else(|| panic!("no {line}: {text}"));
            found.split(after).nth(1).and_then(|rest| rest.split_whitespace().next()).map(String::from)
        };
        let heap: u64 = word(" MaxHeapSize ", "=").and_then(|heap| heap.parse().ok()).expect("a size");
        assert!(heap >> 20 < most, "{heap} bytes of heap in {memory}");
        assert_eq!(word("Effective CPU Count", ":").as_deref(), Some("1"), "{text}");
        let limit = word("Memory Limit:", ":").expect("a limit");
        assert!(limit == "256.00M" || limit == "1.00G", "{limit}");
        figure(format!("{}: a JVM in {memory} takes a heap of {} MiB", who.name(), heap >> 20));
    }
}

fn node(who: Who) {
    let ask = "const os = require('os'), heap = require('v8').getHeapStatistics().heap_size_limit; \
               console.log(os.availableParallelism?.() ?? os.cpus().length, os.cpus().length, os.totalmem(), heap)";
    let limits = ["-m", "1g", "--cpus", "1", "--wall", "60s", "--cpu-time", "60s", "--pids", "64"];
    let text = job(who, &[&limits[..], &["/usr/bin/node", "-e", ask]].concat());
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [parallelism, cpus, memory, heap] = numbers.as_slice() else { panic!("four numbers: {text}") };
    assert_eq!((*parallelism, *cpus, *memory), (1, 1, 1 << 30), "{text}");
    assert!(*heap < 1 << 30, "the heap fits into the limit: {text}");
}
