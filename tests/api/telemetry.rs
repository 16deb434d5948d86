//! Traces and metrics of a running daemon, as those get them that they are for: a collector, and Debian's Prometheus.

mod collector;
mod scraped;

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use serde_json::{Value, json};
use support::{Case, Daemon, Deaf, Needs, Who, cases, eventually, figure};

use collector::{Collector, Manner, attribute, hex, micros};

pub(crate) fn cases() -> Vec<Case> {
    let traced = cases![a_restart_keeps_the_trace, passed_on_without_an_exporter];
    let timed = cases![a_jobs_trace_adds_up, a_slow_journal].into_iter().map(Case::alone);
    let alone = cases![no_collector_holds_a_job].into_iter().map(|case| case.only(&[Who::User]).alone());
    let scraped = cases![scraped::prometheus_has_what_the_dashboard_shows].into_iter();
    let scraped =
        scraped.map(|case| case.needs(Needs::Program("prometheus")).needs(Needs::Program("promtool")));
    let listener =
        cases![scraped::nothing_but_metrics, scraped::an_orderly_stop_drops_what_the_figures_are_read_from];
    traced.into_iter().chain(timed).chain(alone).chain(listener).chain(scraped).collect()
}

const SECRET: &str = "hunter2";
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn traced(who: Who, collector: &Collector) -> Daemon {
    let endpoint = format!("[telemetry]\notlp_endpoint = \"http://{}\"\n", collector.address);
    Daemon::configured(who, &endpoint)
}

fn post(daemon: &Daemon, target: &str, request: &Value) -> Value {
    let headers = [("content-type", "application/json"), ("traceparent", PARENT)];
    let answer = daemon.client().request("POST", target, &headers, request.to_string().as_bytes());
    assert!(matches!(answer.status, 200 | 202), "{}", answer.text());
    answer.json()
}

fn below<'a>(spans: &'a [Span], above: &Span) -> Vec<&'a Span> {
    let mut below: Vec<_> = spans.iter().filter(|span| span.parent_span_id == above.span_id).collect();
    below.sort_by_key(|span| span.start_time_unix_nano);
    below
}

fn tree(spans: &[Span], span: &Span, first: u64, depth: usize) -> String {
    let from = (span.start_time_unix_nano - first) / 1000;
    let what = ["stockade.step.name", "stockade.case.name", "stockade.init.step", "stockade.policy"];
    let what = what.into_iter().find_map(|name| attribute(span, name)).unwrap_or_default();
    let line = format!("{:indent$}{} {what} {from}+{} us\n", "", span.name, micros(span), indent = 2 * depth);
    below(spans, span).iter().fold(line, |text, span| text + &tree(spans, span, first, depth + 1))
}

fn a_jobs_trace_adds_up(who: Who) {
    let collector = Collector::new(Manner::Takes);
    let daemon = traced(who, &collector);
    let secret = json!({"text": SECRET});
    let sleep = json!({"name": "one", "command": ["sh", "-c", "sleep 0.05", SECRET], "stdin": secret});
    let cases = json!([{"args": ["0.01"]}, {"args": ["0.02"]}]);
    let cased = json!({"name": "two", "command": ["sleep"], "cases": cases});
    let request = json!({"steps": [sleep, cased], "env": {"TOKEN": SECRET}, "labels": {"note": SECRET}});
    let jobs = [(); 10].map(|()| {
        let start = Instant::now();
        let job = post(&daemon, "/jobs?wait=true", &request);
        assert_eq!(job["status"], "succeeded", "{job}");
        (u64::try_from(start.elapsed().as_micros()).expect("a short time"), job)
    });
    assert!(daemon.stop().success());
    let spans = collector.got().spans;
    let root = |job: &Value| {
        let own = |span: &&Span| attribute(span, "stockade.job.id").as_deref() == job["id"].as_str();
        spans.iter().find(own).unwrap_or_else(|| panic!("no trace of {job}: {spans:#?}"))
    };
    let traced = jobs.iter().map(|(by_sender, job)| Traced::new(*by_sender, job, root(job), &spans));
    // The least disturbed one: each of these clocks also runs while others have its processor.
    let least = traced.min_by_key(Traced::off).expect("ten");
    let Traced { job, root, stages, .. } = &least;
    figure(format!("one job's trace:\n{}", tree(&spans, root, root.start_time_unix_nano, 0)));

    assert!(!format!("{spans:?}").contains(SECRET), "what a job is given is its own: {spans:#?}");
    assert!(spans.iter().all(|span| hex(&span.trace_id) == PARENT[3..35]), "one trace, the sender's");
    assert_eq!(hex(&root.parent_span_id), PARENT[36..52]);
    let own = format!("00-{}-{}-01", hex(&root.trace_id), hex(&root.span_id));
    assert_eq!(job["traceparent"], own, "{job}");
    assert_eq!(attribute(root, "stockade.job.id"), job["id"].as_str().map(str::to_owned));

    let names: Vec<_> = stages.iter().map(|span| span.name.as_str()).collect();
    // The first where the journal takes longer than the sandbox.
    let (first, last) = (["admit", "queue", "setup"], ["step", "step", "collect", "record"]);
    assert!(
        names == [&first[..], &last].concat() || names == [&first[..], &["record"], &last].concat(),
        "{names:?}"
    );
    follow_each_other(stages);
    let whole = micros(root);
    assert!(whole <= least.by_sender, "{whole} of {} us", least.by_sender);
    for (what, one, other) in least.pairs() {
        let near = within(one, other) || what == "run" && one.abs_diff(other) <= whole / 10;
        assert!(near, "{what}: {one} and {other} of {whole} us: {job}");
    }
    let cased = stages.iter().rfind(|span| span.name == "step").expect("two");
    assert_eq!(below(&spans, cased).iter().filter(|span| span.name == "case").count(), 2);
    assert!(below(&spans, stages[2]).iter().any(|span| span.name == "init"), "init's own steps");
}

/// A job's trace, and how long its sender waited, in microseconds.
struct Traced<'a> {
    by_sender: u64,
    job: &'a Value,
    root: &'a Span,
    stages: Vec<&'a Span>,
}

impl<'a> Traced<'a> {
    fn new(by_sender: u64, job: &'a Value, root: &'a Span, spans: &'a [Span]) -> Self {
        Self { by_sender, job, root, stages: below(spans, root) }
    }

    /// What is to be nearly the same: as the trace has it, and as it is known otherwise.
    fn pairs(&self) -> [(&'static str, u64, u64); 4] {
        let timing = |name: &str| self.job["timing"][name].as_u64().expect("a number");
        let of = |name: &str| -> u64 {
            self.stages.iter().filter(|span| span.name == name).map(|span| micros(span)).sum()
        };
        let (whole, sum) = (micros(self.root), self.stages.iter().map(|span| micros(span)).sum());
        // On a busy machine the daemon may hear that the sandbox stands when the program runs already, so that both have
        // that time.
        [
            ("sum", sum, whole),
            ("sent", whole, self.by_sender),
            ("setup", of("setup"), timing("setup_us")),
            ("run", of("step"), timing("run_us")),
        ]
    }

    fn off(&self) -> u64 {
        self.pairs().into_iter().map(|(_, one, other)| one.abs_diff(other)).max().unwrap_or(0)
    }
}

fn follow_each_other(stages: &[&Span]) {
    for pair in stages.windows(2) {
        assert!(
            pair[1].start_time_unix_nano >= pair[0].end_time_unix_nano,
            "they follow each other: {pair:#?}"
        );
    }
}

/// Whatever the journal takes is neither the sandbox's nor the program's.
fn a_slow_journal(who: Who) {
    let collector = Collector::new(Manner::Takes);
    let daemon = traced(who, &collector);
    let locked = daemon.state().locked();
    // Of the 5 s that the journal waits.
    let held = Duration::from_secs(3);
    let job = std::thread::scope(|scope| {
        let sent = scope.spawn(|| post(&daemon, "/jobs?wait=true", &json!({"command": ["true"]})));
        std::thread::sleep(held);
        drop(locked);
        sent.join().expect("answered")
    });
    assert!(daemon.stop().success());
    let spans = collector.got().spans;
    let own = |span: &&Span| attribute(span, "stockade.job.id").as_deref() == job["id"].as_str();
    let stages = below(&spans, spans.iter().find(own).expect("its trace"));
    let names: Vec<_> = stages.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["admit", "queue", "setup", "record", "step", "collect", "record"]);
    follow_each_other(&stages);
    let waited = Duration::from_micros(micros(stages[3]));
    assert!(waited > held / 2, "{waited:?} of {held:?}: {stages:#?}");
}

/// Or closer than half a millisecond, which is a task's wait for its turn on a busy machine.
fn within(part: u64, whole: u64) -> bool {
    part.abs_diff(whole) <= (whole / 20).max(500)
}

fn a_restart_keeps_the_trace(who: Who) {
    let collector = Collector::new(Manner::Takes);
    let settings =
        format!("max_running = 1\n[telemetry]\notlp_endpoint = \"http://{}\"\n", collector.address);
    let daemon = Daemon::configured(who, &settings);
    let cookie = format!("83{}", daemon.pid());
    post(&daemon, "/jobs", &json!({"command": ["sleep", cookie]}));
    let waiting = post(&daemon, "/jobs", &json!({"command": ["true"]}));
    let state = daemon.state().clone();
    daemon.kill();
    let daemon = Daemon::resumed(who, &state, &settings);
    let id = waiting["id"].as_str().expect("an id");
    assert_eq!(daemon.ended(id)["status"], "succeeded");
    assert!(daemon.stop().success());
    let spans = collector.got().spans;
    let resumed = |span: &&Span| attribute(span, "stockade.job.id").as_deref() == Some(id);
    let root = spans.iter().find(resumed).unwrap_or_else(|| panic!("{spans:#?}"));
    assert_eq!(attribute(root, "stockade.job.resumed").as_deref(), Some("true"));
    let own = hex(&root.parent_span_id);
    assert_eq!(
        waiting["traceparent"].as_str().map(|text| &text[36..52]),
        Some(&*own),
        "below the span that was lost"
    );
}

/// What is on the way to others reaches them, whether we add to it or not.
fn passed_on_without_an_exporter(who: Who) {
    let hook = TcpListener::bind("127.0.0.1:0").expect("a port");
    hook.set_nonblocking(true).expect("an option");
    let url = format!("http://{}/", hook.local_addr().expect("an address"));
    let daemon = Daemon::configured(who, "callback_allow = [\"127.0.0.1/32\"]\n");
    let request = json!({"command": ["true"], "callback": {"url": url, "secret": format!("whsec_{}", "MfKQ".repeat(8))}});
    let job = post(&daemon, "/jobs?wait=true", &request);
    assert_eq!(job["traceparent"], PARENT, "{job}");
    let (stream, _) = eventually(Duration::from_secs(30), "it calls back", || hook.accept().ok());
    stream.set_nonblocking(false).expect("an option");
    let head: Vec<_> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    assert!(head.contains(&format!("traceparent: {PARENT}")), "{head:?}");
    let job = daemon.run(&json!({"command": ["true"]}));
    assert_eq!(job.get("traceparent"), None, "{job}");
}

/// Neither one that is not there, nor one that does not answer, nor one that answers without end.
fn no_collector_holds_a_job(who: Who) {
    let deaf = Deaf::new();
    let nobody = deaf.address();
    let collectors = [Manner::Silent, Manner::Floods].map(Collector::new);
    for address in collectors.iter().map(|collector| collector.address).chain([nobody]) {
        let settings =
            format!("[telemetry]\notlp_endpoint = \"http://{address}\"\nprometheus = \"127.0.0.1:0\"\n");
        let daemon = Daemon::configured(who, &settings);
        let before = support::rss_kib(daemon.pid());
        let threads: Vec<_> = (0..2)
            .map(|_| {
                let mut client = daemon.client();
                std::thread::spawn(move || {
                    (0..300).fold(Duration::ZERO, |slowest, _| {
                        let start = Instant::now();
                        let answer = client.post("/jobs?wait=true", &json!({"command": ["true"]}));
                        assert_eq!(answer.json()["status"], "succeeded", "{}", answer.text());
                        slowest.max(start.elapsed())
                    })
                })
            })
            .collect();
        let slowest = threads.into_iter().map(|thread| thread.join().expect("jobs run")).max();
        let slowest = slowest.expect("two threads");
        // A collector is given ten.
        assert!(slowest < Duration::from_secs(5), "a job took {slowest:?}");
        let dropped = eventually(Duration::from_secs(30), "what was dropped is counted", || {
            let text = scraped::metrics(&daemon);
            let lines = text.lines().filter(|line| line.starts_with("stockade_telemetry_dropped_total{"));
            let sum: f64 = lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
            (sum > 0.0).then_some(sum)
        });
        let grown = support::rss_kib(daemon.pid()).saturating_sub(before);
        figure(format!("600 jobs, {dropped} spans dropped, slowest {slowest:?}, {grown} KiB more"));
        assert!(grown < 64 << 10, "{grown} KiB");
        let (log, start) = (daemon.log(), Instant::now());
        // Once for each signal, not for each attempt.
        assert!(log.matches("the collector takes nothing").count() <= 2, "{log}");
        assert!(address != nobody || log.contains("Connection refused"), "{log}");
        assert!(daemon.stop().success());
        assert!(start.elapsed() < Duration::from_secs(8), "it stops in time: {:?}", start.elapsed());
    }
    assert!(collectors.iter().all(|collector| !collector.got().asked.is_empty()));
}
