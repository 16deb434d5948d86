//! From one registry to another, through two daemons: pulled, run, changed, committed, pushed, pulled and run again.

use serde_json::{Value, json};
use support::{Case, Daemon, Needs, Who, cases};

use crate::support::served::{printed, pull, shell};
use crate::support::{Docker, Layout};

pub(crate) fn cases() -> Vec<Case> {
    let needs = |case: Case| {
        ["docker-registry", "skopeo", "umoci", "busybox", "htpasswd"]
            .into_iter()
            .fold(case, |case, need| case.needs(Needs::Program(need)))
    };
    let who = [Who::Root, Who::User, Who::UserWithSubuid];
    cases![there_and_elsewhere, without_a_password].into_iter().map(|case| needs(case).only(&who)).collect()
}

const PASSWORD: &str = "hunter2";
const UNAUTHORIZED: &str = "urn:stockade:problem:registry_unauthorized";

fn there_and_elsewhere(who: Who) {
    let (open, closed, layout) = (Docker::open(), Docker::closed(PASSWORD), Layout::new());
    open.fill(&layout, "busybox:latest", &[]);
    let daemon = Daemon::start(who, &[]);
    let answer = pull(&daemon, &json!({"reference": open.image("busybox")}));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let base = answer.json();
    let digest = base["digest"].as_str().expect("a digest");
    let by_digest = open.image(&format!("busybox@{digest}"));
    let answer = pull(&daemon, &json!({"reference": by_digest}));
    assert_eq!((answer.status, &answer.json()["digest"]), (201, &base["digest"]), "{}", answer.text());
    runs(&daemon, &open.image("busybox:latest"), digest);
    runs(&daemon, &by_digest, digest);

    let committed = commit(&daemon, &by_digest, &closed.image("team/app:2"));
    let push = json!({"reference": committed["reference"], "username": "me", "password": PASSWORD});
    let answer = daemon.client().post("/images/push", &push);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["digest"], committed["digest"]);
    // It knows neither the first daemon nor its state.
    let elsewhere = Daemon::start(who, &[]);
    let to = closed.image("team/app:2");
    let answer = pull(&elsewhere, &json!({"reference": to, "username": "me", "password": PASSWORD}));
    assert_eq!((answer.status, &answer.json()["digest"]), (201, &committed["digest"]), "{}", answer.text());
    let script =
        "cat /etc/motd /opt/new; test ! -e /usr/share/noise && test ! -e /workspace/draft && echo gone";
    let (job, text) = printed(&elsewhere, &shell(&to, script));
    assert_eq!(text, "two layers\nmade by a job\ngone\n");
    assert_eq!(job["isolation"]["image"]["digest"], committed["digest"]);
    // With the config of what it was made over.
    let (_, text) =
        printed(&elsewhere, &json!({"image": to, "command": ["sh", "-c", "echo $GREETING; id -u"]}));
    assert_eq!(text, "hello\n65534\n");
}

/// As its config has it: the user, the environment; and the receipt names what it stood on.
fn runs(daemon: &Daemon, image: &str, digest: &str) {
    let script = "id -u; echo $GREETING; cat /etc/motd; ls -l /usr/share/noise | wc -l";
    let (job, text) = printed(daemon, &json!({"image": image, "command": ["sh", "-c", script]}));
    assert_eq!(text, "65534\nhello\ntwo layers\n1\n", "{image}");
    let receipt = &job["isolation"]["image"];
    assert_eq!(receipt["digest"], digest, "{receipt}");
    assert_eq!(receipt["layers"].as_array().map(Vec::len), Some(2), "{receipt}");
    // By its entrypoint and command, a shell that has nothing to read.
    printed(daemon, &json!({"image": image}));
}

fn commit(daemon: &Daemon, image: &str, name: &str) -> Value {
    let script =
        "mkdir /opt && echo made by a job > /opt/new && rm /usr/share/noise && echo no > /workspace/draft";
    let mut request = shell(image, script);
    request["commit"] = json!({"image": name});
    let (job, _) = printed(daemon, &request);
    let committed = job["committed"].clone();
    assert_eq!(committed["reference"], name, "{job}");
    let (_, text) = printed(daemon, &shell(name, "cat /opt/new"));
    assert_eq!(text, "made by a job\n");
    // What it was made over is as it was.
    printed(daemon, &shell(image, "test ! -e /opt/new && test -e /usr/share/noise"));
    committed
}

fn without_a_password(who: Who) {
    let (closed, layout) = (Docker::closed(PASSWORD), Layout::new());
    closed.fill(&layout, "busybox:latest", &[]);
    let daemon = Daemon::start(who, &[]);
    let image = closed.image("busybox");
    for login in [json!({}), json!({"username": "me", "password": "hunter3"})] {
        let mut request = login.clone();
        request["reference"] = json!(image);
        let answer = pull(&daemon, &request);
        let problem = answer.json();
        assert_eq!(problem["type"], UNAUTHORIZED, "{login}: {problem}");
        assert!(!answer.text().contains("hunter"), "{problem}");
        let refused = daemon.client().post("/jobs", &json!({"image": image, "command": ["true"]}));
        assert!(refused.text().contains("image_not_found"), "{}", refused.text());
    }
    let answer = pull(&daemon, &json!({"reference": image, "username": "me", "password": PASSWORD}));
    assert_eq!(answer.status, 201, "{}", answer.text());
    printed(&daemon, &json!({"image": image, "command": ["true"]}));
    // A password is for the request that has it.
    let again = pull(&daemon, &json!({"reference": closed.image("other")}));
    assert_eq!(again.json()["type"], UNAUTHORIZED, "{}", again.text());
    assert!(!daemon.log().contains(PASSWORD));
}
