//! Who may call: tokens, their roles and ends, tenants, and what may be listened on.

mod tls;
mod unix;
mod wire;

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::json;
use support::{Case, Client, Daemon, Response, State, Who, cases, eventually, run, token};

use crate::problem;

pub(crate) fn cases() -> Vec<Case> {
    let here = cases![
        anybody_until_there_is_a_token,
        what_is_no_token_is_refused,
        roles_are_held_to,
        a_token_ends,
        a_changed_file_counts_at_once,
        a_broken_file_changes_nothing,
        tenants_do_not_see_each_other,
        listening_beyond_loopback,
        tokens_by_hand,
    ];
    [here, tls::cases(), unix::cases()].concat()
}

const TRUE: &str = r#"{"command": ["true"]}"#;

fn state_args(state: &State) -> [&str; 2] {
    ["--state-dir", state.path().to_str().expect("a temporary path is text")]
}

/// `stockade token …` on this daemon's tokens.
fn stockade_token(who: Who, state: &State, words: &[&str]) -> support::Ran {
    run(who, &[&["token"], words, &state_args(state)].concat())
}

fn with(daemon: &Daemon, token: &str) -> Client {
    daemon.client().bearing(token)
}

fn status(daemon: &Daemon, token: &str) -> u16 {
    with(daemon, token).get("/capabilities").status
}

fn anybody_until_there_is_a_token(who: Who) {
    let daemon = Daemon::start(who, &[]);
    assert_eq!(daemon.run(&json!({"command": ["true"]}))["tenant"], "default");
    let token = token(who, daemon.state(), "acme", "submit,read");
    problem(&daemon.client().get("/capabilities"), 401, "unauthorized");
    for path in ["/healthz", "/readyz", "/version"] {
        assert_eq!(daemon.client().get(path).status, 200, "{path}");
    }
    let job = with(&daemon, &token).post("/jobs?wait=true", &json!({"command": ["true"]}));
    assert_eq!(job.json()["tenant"], "acme", "{}", job.text());
    // The last one goes, and the server does not open again.
    let revoked = stockade_token(who, daemon.state(), &["revoke", "acme-submit-read"]);
    assert_eq!(revoked.code, 0, "{revoked:?}");
    problem(&daemon.client().get("/capabilities"), 401, "unauthorized");
    problem(&with(&daemon, &token).get("/capabilities"), 401, "invalid_token");
}

fn what_is_no_token_is_refused(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let token = token(who, daemon.state(), "acme", "read");
    let good = format!("Bearer {token}");
    let asked = |values: &[&str]| {
        let headers: Vec<_> = values.iter().map(|value| ("authorization", *value)).collect();
        daemon.client().request("GET", "/capabilities", &headers, b"")
    };
    let challenge = |answer: &Response| answer.header("www-authenticate").unwrap_or_default().to_owned();
    assert_eq!(asked(&[&good]).status, 200);
    assert_eq!(asked(&[&good.replace("Bearer", "bearer")]).status, 200);
    for values in [&[][..], &["Basic eDp5"], &["Bearer"], &[&token]] {
        let answer = asked(values);
        problem(&answer, 401, "unauthorized");
        assert_eq!(challenge(&answer), r#"Bearer realm="stockade""#);
    }
    let (short, long) = (&good[..good.len() - 1], format!("{good}A"));
    let huge = format!("Bearer stk_{}", "A".repeat(30_000));
    for values in
        [&["Bearer stk_x"][..], &[short], &[&long], &[&huge], &[&good, &good], &[&good, "Basic eDp5"]]
    {
        let answer = asked(values);
        problem(&answer, 401, "invalid_token");
        assert_eq!(challenge(&answer), r#"Bearer realm="stockade", error="invalid_token""#);
    }
    let start = Instant::now();
    let mut client = daemon.client();
    for _ in 0..500 {
        client.request("GET", "/capabilities", &[("authorization", "Bearer stk_x")], b"");
    }
    let seconds = usize::try_from(start.elapsed().as_secs()).expect("a short time");
    let lines = daemon.log().matches("caller refused").count();
    assert!(lines <= seconds + 4, "{lines} lines in {seconds} s");
    assert!(!daemon.log().contains("stk_x") && !daemon.log().contains(&token));
}

fn roles_are_held_to(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let job = json!({"command": ["true"]});
    let [reader, submitter, admin] =
        ["read", "submit", "admin"].map(|role| with(&daemon, &token(who, daemon.state(), "acme", role)));
    for (mut client, read, submit, admin) in
        [(reader, 200, 403, 403), (submitter, 403, 200, 403), (admin, 200, 200, 200)]
    {
        let held = |answer: &Response, expected: u16| match expected {
            403 => drop(problem(answer, 403, "forbidden")),
            // Nothing is loaded that could be loaded again; that is for a caller who may ask.
            _ => assert_ne!(answer.status, 403, "{}", answer.text()),
        };
        held(&client.get("/policies"), read);
        held(&client.get("/jobs/0190a0a0-0000-7000-8000-000000000000"), read);
        held(&client.post("/jobs?wait=true", &job), submit);
        held(&client.post("/policies/reload", &json!({})), admin);
    }
}

fn a_token_ends(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let made = stockade_token(who, daemon.state(), &["new", "--tenant", "acme", "--expires", "5s"]);
    let token = made.text().trim().to_owned();
    assert_eq!(status(&daemon, &token), 200, "{made:?}");
    eventually(Duration::from_secs(20), "the token expires", || {
        (status(&daemon, &token) == 401).then_some(())
    });
    let listed = stockade_token(who, daemon.state(), &["ls"]).text();
    assert!(listed.contains("(expired)") && !listed.contains("stk_"), "{listed}");
}

/// Neither a signal nor a pause between the change and the request.
fn a_changed_file_counts_at_once(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let keeper = token(who, daemon.state(), "keeper", "read");
    let mut kept = with(&daemon, &keeper);
    for round in 0..10 {
        let tenant = format!("t{round}");
        let token = token(who, daemon.state(), &tenant, "read");
        assert_eq!(status(&daemon, &token), 200);
        stockade_token(who, daemon.state(), &["revoke", &format!("{tenant}-read")]);
        assert_eq!(status(&daemon, &token), 401);
        assert_eq!(kept.get("/capabilities").status, 200, "on a connection that was there before");
    }
}

fn a_broken_file_changes_nothing(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let token = token(who, daemon.state(), "acme", "read");
    let file = daemon.state().path().join("tokens.toml");
    let good = std::fs::read_to_string(&file).expect("a file");
    assert!(!good.contains(&token), "only its hash is kept");
    assert_eq!((status(&daemon, &token), status(&daemon, "stk_x")), (200, 401));
    // In place, as an editor may.
    std::fs::write(&file, format!("{good}\n[[token]]\nname = 5\n")).expect("root may write");
    assert_eq!((status(&daemon, &token), status(&daemon, "stk_x")), (200, 401));
    assert_eq!(daemon.log().matches("tokens not read").count(), 1, "told once");
    daemon.signal(Signal::SIGHUP);
    let twice = || (daemon.log().matches("tokens not read").count() == 2).then_some(());
    eventually(Duration::from_secs(5), "SIGHUP reads the tokens", twice);
    assert_eq!(status(&daemon, &token), 200);
    std::fs::write(&file, "").expect("root may write");
    assert_eq!(status(&daemon, &token), 401);
}

fn tenants_do_not_see_each_other(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let client = |tenant, roles| with(&daemon, &token(who, daemon.state(), tenant, roles));
    let (mut one, mut other) = (client("one", "submit,read"), client("other", "submit,read"));
    let mut admin = client("third", "admin");
    let job = one.post("/jobs?wait=true", &json!({"command": ["true"]})).json();
    let id = job["id"].as_str().expect("an id");
    assert_eq!(job["tenant"], "one");
    let path = format!("/jobs/{id}");
    assert_eq!((one.get(&path).status, admin.get(&path).status), (200, 200));
    let nothing = other.get("/jobs/0190a0a0-0000-7000-8000-000000000000");
    // Like one that never was, in every word but its name.
    for path in [path.clone(), format!("{path}/events"), format!("{path}/steps/run/stdout")] {
        let answer = other.get(&path);
        problem(&answer, 404, "job_not_found");
        assert_eq!(answer.json()["detail"], nothing.json()["detail"]);
    }
    for (method, path) in [("POST", format!("{path}/cancel")), ("DELETE", path.clone())] {
        problem(&other.request(method, &path, &[], b""), 404, "job_not_found");
    }
    let listed = |client: &mut Client| client.get("/jobs").json()["items"].as_array().map_or(0, Vec::len);
    assert_eq!((listed(&mut one), listed(&mut other)), (1, 0));
    assert_eq!(one.get(&path).status, 200, "it is still there");
}

fn listening_beyond_loopback(who: Who) {
    let state = State::new(who);
    let serve = |more: &[&str]| {
        run(who, &[&["serve", "--listen", "0.0.0.0:0"][..], &state_args(&state), more].concat())
    };
    for plaintext in [&[][..], &["--allow-plaintext"]] {
        let ran = serve(plaintext);
        assert!(ran.code != 0 && ran.stderr.contains("there are no tokens"), "{ran:?}");
        assert!(ran.stderr.contains("hint: ") && !ran.stderr.contains("listening on"), "{ran:?}");
    }
    let token = token(who, &state, "acme", "read");
    let ran = serve(&[]);
    assert!(ran.code != 0 && ran.stderr.contains("without TLS"), "{ran:?}");
    assert!(ran.stderr.contains("hint: ") && ran.stderr.contains("allow_plaintext"), "{ran:?}");
    let far = ["--listen", "0.0.0.0:0", "--allow-plaintext"];
    let daemon = Daemon::start(who, &[&far[..], &state_args(&state)].concat());
    assert_eq!((status(&daemon, &token), status(&daemon, "stk_x")), (200, 401));
}

fn tokens_by_hand(who: Who) {
    let state = State::new(who);
    let ok = |words: &[&str]| {
        let ran = stockade_token(who, &state, words);
        assert_eq!(ran.code, 0, "{ran:?}");
        ran
    };
    let made = ok(&["new", "--tenant", "acme"]);
    let text = made.text();
    assert!(text.starts_with("stk_") && text.trim_end().len() == 47 && text.lines().count() == 1, "{made:?}");
    assert!(made.stderr.contains("acme") && !made.stderr.contains("stk_"), "{made:?}");
    ok(&["new", "--tenant", "acme", "--role", "admin,read", "--expires", "30d"]);
    let listed = ok(&["ls", "--json"]).json();
    assert_eq!((&listed[0]["name"], &listed[1]["name"]), (&json!("acme"), &json!("acme-2")));
    assert_eq!(listed[1]["roles"], json!(["read", "admin"]));
    assert!(listed[1]["expires_at"].is_string() && listed[0]["expires_at"].is_null(), "{listed}");
    let refused: [(&[&str], &str); 6] = [
        (&["new", "--tenant", "acme", "--name", "acme"], "already"),
        (&["new", "--tenant", "a b"], "a tenant is"),
        (&["new", "--tenant", "a", "--role", "root"], "root"),
        (&["new", "--tenant", "a", "--expires", "30"], "lifetime"),
        (&["new"], "--tenant"),
        (&["revoke", "nobody"], "there is no token `nobody`"),
    ];
    for (words, expected) in refused {
        let ran = stockade_token(who, &state, words);
        assert!(
            ran.code != 0 && ran.stdout.is_empty() && ran.stderr.contains(expected),
            "{words:?}: {ran:?}"
        );
    }
    ok(&["revoke", "acme"]);
    assert_eq!(ok(&["ls", "--json"]).json().as_array().map_or(0, Vec::len), 1);
}
