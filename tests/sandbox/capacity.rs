//! What a job is told about the machine is its limits, by whatever way a program asks.

mod runtimes;

use serde_json::{Value, json};
use support::{Case, Daemon, Needs, Who, cases, figure, job};

pub(crate) fn cases() -> Vec<Case> {
    let everyone = cases![
        files_and_calls_agree,
        groups_are_where_runtimes_look,
        processors_by_step,
        a_job_of_the_whole_machine
    ];
    let mut all: Vec<Case> = everyone.into_iter().map(|case| case.only(&Who::ALL)).collect();
    all.extend(cases![clocks_begin_with_the_job].into_iter().map(|case| {
        let has_time =
            || (!std::path::Path::new("/proc/self/ns/time").exists()).then_some("no time namespaces");
        case.only(&Who::ALL).needs(Needs::Host(has_time))
    }));
    all.extend(cases![jobs_side_by_side_are_spread].into_iter().map(Case::alone));
    all.extend(runtimes::cases());
    all
}

/// Of the machine, for this process.
fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// One `NAME VALUE` a line.
const ASK: &str = r"
echo nproc $(nproc)
echo online $(getconf _NPROCESSORS_ONLN)
echo cpuinfo $(grep -c ^processor /proc/cpuinfo)
echo stat $(grep -c '^cpu[0-9]' /proc/stat)
echo total $(awk '/^MemTotal:/ { print $2 * 1024 }' /proc/meminfo)
echo free $(free -b | awk '/^Mem:/ { print $2 }')
echo swap $(free -b | awk '/^Swap:/ { print $2 }')
echo load $(cut -d' ' -f1-3 /proc/loadavg)
echo affinity $(awk '/^Cpus_allowed_list:/ { print $2 }' /proc/self/status)
echo list $(cat /sys/devices/system/cpu/online)
echo present $(cat /sys/devices/system/cpu/present)
echo numbers $(awk '/^processor/ { print $3 }' /proc/cpuinfo | paste -sd,)
";

fn asked(text: &str, name: &str) -> String {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no {name} in {text}")).to_owned()
}

fn files_and_calls_agree(who: Who) {
    for (memory, bytes, cpus) in [("64m", 64 << 20, "0.3"), ("96m", 96 << 20, "1")] {
        let text = job(who, &["-m", memory, "--cpus", cpus, "sh", "-c", ASK]);
        for name in ["nproc", "online", "cpuinfo", "stat"] {
            assert_eq!(asked(&text, name), "1", "{name}: {text}");
        }
        for name in ["total", "free"] {
            assert_eq!(asked(&text, name), u64::to_string(&bytes), "{name}: {text}");
        }
        assert_eq!((asked(&text, "swap").as_str(), asked(&text, "load").as_str()), ("0", "0.00 0.00 0.00"));
        // The true numbers, so that getcpu(2) says no other.
        for name in ["affinity", "present", "numbers"] {
            assert_eq!(asked(&text, name), asked(&text, "list"), "{name}: {text}");
        }
    }
}

/// The path of `/proc/self/cgroup` below the hierarchy's mount, which shows the namespace's root: so the JVM, libuv and Go do it.
fn groups_are_where_runtimes_look(who: Who) {
    let script = r"
if [ -e /sys/fs/cgroup/memory ]; then name=memory file=memory.limit_in_bytes; else name= file=memory.max; fi
path=$(awk -F: -v name=$name '$2 == name { print $3 }' /proc/self/cgroup)
echo path $path
echo limit $(cat /sys/fs/cgroup/$name$path/$file)
echo root $(awk -v mount=/sys/fs/cgroup${name:+/$name} '$5 == mount { print $4 }' /proc/self/mountinfo)";
    let text = job(who, &["-m", "64m", "sh", "-c", script]);
    let told = ["path", "limit", "root"].map(|name| asked(&text, name));
    assert_eq!(told, ["/step-0", &u64::to_string(&(64 << 20)), "/"], "{text}");
}

/// The view is that of the largest step, a program's affinity its own step's.
fn processors_by_step(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let ask = json!(["sh", "-c", "nproc; grep -c ^processor /proc/cpuinfo; grep MemTotal /proc/meminfo"]);
    let job = daemon.run(&json!({"limits": {"memory_bytes": 64 << 20}, "steps": [
        {"command": ask, "limits": {"cpus": 1}},
        {"command": ask, "limits": {"cpus": 1.5, "memory_bytes": 128 << 20}},
    ]}));
    let text = |step: usize| job["steps"][step]["stdout"]["text"].as_str().unwrap_or_default().to_owned();
    let two = processors().min(2);
    assert_eq!(text(0), format!("1\n{two}\nMemTotal:         131072 kB\n"), "{job}");
    assert_eq!(text(1), format!("{two}\n{two}\nMemTotal:         131072 kB\n"), "{job}");
}

fn a_job_of_the_whole_machine(who: Who) {
    let all = processors();
    let text = job(who, &["--cpus", &all.to_string(), "sh", "-c", ASK]);
    for name in ["nproc", "online", "cpuinfo", "stat"] {
        assert_eq!(asked(&text, name), all.to_string(), "{name}: {text}");
    }
}

fn clocks_begin_with_the_job(who: Who) {
    let script = "cut -d' ' -f1 /proc/uptime; sleep 0.3; cut -d' ' -f1 /proc/uptime; \
                  awk '/^btime/ { print $2 }' /proc/stat; date +%s; cut -d' ' -f22 /proc/self/stat; grep -c . /proc/self/timens_offsets";
    let text = job(who, &["sh", "-c", script]);
    let numbers: Vec<f64> = text.lines().filter_map(|line| line.parse().ok()).collect();
    let [first, second, booted, now, ticks, _] = numbers.as_slice() else { panic!("six numbers: {text}") };
    assert!(*first < 30.0, "counts from the job's start: {text}");
    assert!((0.28..30.0).contains(&(second - first)), "goes on: {text}");
    assert!((0.0..60.0).contains(&(now - booted)), "ps(1) adds this to the ticks: {text}");
    assert!(*ticks < 3000.0, "a process began when the job had: {text}");
}

/// As many jobs of one processor as there are, each busy: none waits for another while a processor is idle.
fn jobs_side_by_side_are_spread(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let ask = json!({"command": ["sh", "-c", "cat /sys/devices/system/cpu/online; sleep 5"], "limits": {"cpus": 1}});
    let ids: Vec<String> = (0..processors()).map(|_| daemon.submit(&ask)).collect();
    let jobs: Vec<Value> = ids.iter().map(|id| daemon.ended(id)).collect();
    let mut seen: Vec<&str> =
        jobs.iter().filter_map(|job| job["steps"][0]["stdout"]["text"].as_str()).collect();
    seen.sort_unstable();
    figure(format!("{}: {} jobs at once are on {seen:?}", who.name(), ids.len()));
    seen.dedup();
    assert_eq!(seen.len(), ids.len(), "{jobs:?}");
}
