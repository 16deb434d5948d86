use std::collections::BTreeSet;
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use support::{Client, Daemon, State, Temp, Who, eventually};

use super::collector::{Collector, Manner};

const DASHBOARD: &str = include_str!("../../../src/daemon/telemetry/grafana.json");
const SETTINGS: &str = "[telemetry]\nprometheus = \"127.0.0.1:0\"\n";

fn address(daemon: &Daemon) -> SocketAddr {
    let log = daemon.log();
    let url = log.lines().find_map(|line| line.strip_prefix("metrics on http://")).expect("it says where");
    url.trim_end_matches("/metrics").parse().expect("an address with a port")
}

pub(super) fn metrics(daemon: &Daemon) -> String {
    let answer = Client::new(address(daemon)).get("/metrics");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

pub(super) fn nothing_but_metrics(who: Who) {
    let daemon = Daemon::configured(who, SETTINGS);
    let mut client = Client::new(address(&daemon));
    for other in ["/", "/jobs", "/healthz", "/metrics/", "/docs"] {
        assert_eq!(client.get(other).status, 404, "{other}");
    }
    assert_eq!(client.post("/metrics", &json!({})).status, 405);
    // A page in a browser could come by another name.
    let rebound = client.request("GET", "/metrics", &[("host", "evil.example")], b"");
    assert_eq!(rebound.status, 421, "{}", rebound.text());
    assert_eq!(daemon.client().get("/metrics").status, 404, "not beside the API");
}

pub(super) fn an_orderly_stop_drops_what_the_figures_are_read_from(who: Who) {
    let state = State::new(who);
    let daemon = Daemon::resumed(who, &state, SETTINGS);
    daemon.run(&json!({"command": ["true"]}));
    metrics(&daemon);
    let log = state.path().join("journal.sqlite3-wal");
    let length = || log.metadata().map_or(0, |log| log.len());
    assert!(length() > 0);
    assert_eq!(daemon.stop().code(), Some(0));
    // It is cut off by who closes the journal.
    assert_eq!(length(), 0, "the journal was still open when the process ended");
}

pub(super) fn prometheus_has_what_the_dashboard_shows(who: Who) {
    let policy = "[[policy]]\nname = \"limits\"\nplugin = \"builtin:resource-limits\"\ntimeout_ms = 5000\ngrants = [\"patch\"]\n\
                  settings = { max = { memory_bytes = 1073741824 } }\n";
    let collector = Collector::new(Manner::Takes);
    let settings = format!("{SETTINGS}otlp_endpoint = \"http://{}\"\n", collector.address);
    let folder = support::policy_folder(&settings, policy, &[]);
    let daemon = Daemon::of_folder(who, folder);
    for command in [["true"], ["false"]] {
        daemon.client().post("/jobs?wait=true", &json!({"command": command}));
    }
    lint(&metrics(&daemon));
    let prometheus = Prometheus::start(address(&daemon));
    let ended = r#"sum by (stockade_status) (stockade_jobs_ended_total{stockade_tenant="default"})"#;
    let ended = eventually(Duration::from_mins(1), "it has scraped both jobs", || {
        let found = prometheus.ask(ended);
        (found.len() == 2).then_some(found)
    });
    for (status, series) in ["failed", "succeeded"].iter().zip(&ended) {
        assert_eq!(series["metric"]["stockade_status"], *status, "{ended:?}");
        assert_eq!(series["value"][1], "1", "{ended:?}");
    }
    let known = prometheus.names();
    // Where the kernel tells of it, the daemon's own walls let it look.
    let pressure = std::fs::read("/proc/pressure/cpu").is_ok();
    for expression in expressions() {
        prometheus.ask(&expression);
        for name in names(&expression).into_iter().filter(|name| pressure || !name.contains("pressure")) {
            assert!(known.contains(&name), "`{name}` in `{expression}` is not among {known:#?}");
        }
    }
    // The same goes to a collector, the last of it when the server stops.
    assert!(daemon.stop().success());
    let told = collector.got().metrics;
    let told: Vec<_> = told.iter().map(|metric| (metric.name.as_str(), metric.unit.as_str())).collect();
    for metric in
        [("stockade.jobs.ended", ""), ("stockade.job.run.duration", "s"), ("stockade.images.size", "By")]
    {
        assert!(told.contains(&metric), "{metric:?} is not among {told:?}");
    }
}

/// As promtool(1) would have metrics.
fn lint(text: &str) {
    let mut promtool = Command::new("promtool");
    let promtool = promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.stdout(Stdio::piped()).spawn().expect("promtool is installed");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    let checked = child.wait_with_output().expect("an own child");
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(checked.status.success() && said.is_empty(), "{said}\n{text}");
}

/// Below those that the kernel gives to whoever asks for any (ip(7), `ip_local_port_range`): nobody takes it meanwhile.
fn port() -> SocketAddr {
    let free = (20_000..30_000).find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok());
    free.and_then(|free| free.local_addr().ok()).expect("a port")
}

struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: Temp,
}

impl Prometheus {
    fn start(target: SocketAddr) -> Self {
        let folder = Temp::new();
        let scrape = format!(
            "scrape_configs:\n- job_name: stockade\n  scrape_interval: 1s\n  static_configs:\n  - targets: [\"{target}\"]\n"
        );
        let config = folder.file("prometheus.yml", scrape);
        let address = port();
        let mut command = Command::new("prometheus");
        command.arg(format!("--config.file={}", config.display()));
        command.arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()));
        command.arg(format!("--web.listen-address={address}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("prometheus is installed");
        let prometheus = Self { child, address, _folder: folder };
        eventually(Duration::from_mins(1), "prometheus answers", || {
            let ready = Client::connect(address)?.get("/-/ready").status;
            (ready == 200).then_some(())
        });
        prometheus
    }

    fn get(&self, target: &str) -> Value {
        let answer = Client::new(self.address).get(target);
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["status"], "success", "{answer}");
        answer["data"].clone()
    }

    fn ask(&self, expression: &str) -> Vec<Value> {
        let found = self.get(&format!("/api/v1/query?query={}", escaped(expression)));
        let mut found = found["result"].as_array().expect("a list").clone();
        found.sort_by_key(|series| series["metric"].to_string());
        found
    }

    fn names(&self) -> BTreeSet<String> {
        let names = self.get("/api/v1/label/__name__/values");
        names.as_array().expect("a list").iter().filter_map(|name| name.as_str().map(str::to_owned)).collect()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn escaped(text: &str) -> String {
    text.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"))
}

/// Of every panel, with Grafana's own interval written out.
fn expressions() -> Vec<String> {
    fn walk(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("expr").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| walk(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, found)),
            _ => (),
        }
    }
    let mut found = Vec::new();
    walk(&serde_json::from_str(DASHBOARD).expect("JSON"), &mut found);
    assert!(found.len() > 10, "{found:?}");
    found.into_iter().map(|expression| expression.replace("$__rate_interval", "1m")).collect()
}

/// The metrics that an expression is about.
fn names(expression: &str) -> Vec<String> {
    let words = expression.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
    let named = ["stockade_", "http_server_", "process_"];
    let labels = [
        "status", "tenant", "policy", "hook", "mode", "verdict", "state", "kind", "resource", "share",
        "reason", "end",
    ];
    let is_label = |word: &str| word.strip_prefix("stockade_").is_some_and(|word| labels.contains(&word));
    let metrics = words.filter(|word| named.iter().any(|start| word.starts_with(start)) && !is_label(word));
    metrics.map(str::to_owned).collect()
}
