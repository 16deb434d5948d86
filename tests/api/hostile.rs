//! Bodies made wrong at random, from a fixed seed: never a 5xx, and the daemon works on.

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases, figure};

pub(crate) fn cases() -> Vec<Case> {
    cases![mutated_bodies, mutated_values]
}

/// xorshift64*, so that a failure comes again.
struct Random(u64);

impl Random {
    fn next(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).expect("31 bits") % below.max(1)
    }
}

fn valid() -> Value {
    json!({"image": "host", "files": [{"path": "a/b", "text": "x", "mode": "0644"}, {"path": "c", "base64": "AAEC"}],
        "env": {"A": "1"}, "steps": [{"name": "one", "command": ["true"], "stdin": {"text": "in"}, "limits": {"pids": 5}}],
        "limits": {"wall_time_ms": 10_000, "memory_bytes": 16_777_216, "cpus": 0.5}, "network": {"mode": "none"},
        "artifacts": ["out/**"], "profile": "default", "user": "1000", "workdir": "/workspace", "labels": {"k": "v"},
        "require": ["seccomp"], "on_output_limit": "truncate"})
}

fn survives(daemon: &Daemon, bodies: impl Iterator<Item = Vec<u8>>) {
    let mut counts = std::collections::BTreeMap::new();
    let mut client = daemon.client();
    for body in bodies {
        let answer =
            client.request("POST", "/jobs?wait=true", &[("content-type", "application/json")], &body);
        let shown = String::from_utf8_lossy(&body);
        assert!(
            matches!(answer.status, 200 | 400 | 413 | 422),
            "{}: {shown}: {}",
            answer.status,
            answer.text()
        );
        if answer.status == 200 {
            let job = answer.json();
            assert_ne!(job["status"], "internal_error", "{shown}: {job}");
        }
        *counts.entry(answer.status).or_insert(0) += 1;
    }
    figure(format!("{}: answers to broken bodies: {counts:?}", daemon.who.name()));
    assert!(counts.len() >= 2, "the seed makes both good and bad bodies: {counts:?}");
    assert_eq!(daemon.run(&valid())["status"], "succeeded");
    assert!(!daemon.log().contains("panicked"), "{}", daemon.log());
}

fn mutated_bodies(who: Who) {
    let daemon = Daemon::start(who, &[]);
    assert_eq!(daemon.run(&valid())["status"], "succeeded", "what is mutated is valid");
    let mut random = Random(0x5eed);
    let text = valid().to_string().into_bytes();
    let bodies = (0..200).map(|_| {
        let mut body = text.clone();
        for _ in 0..=random.next(3) {
            let at = random.next(body.len());
            match random.next(5) {
                0 => body[at] = u8::try_from(random.next(256)).expect("a byte"),
                1 => drop(body.remove(at)),
                2 => body.insert(at, b"{}[],:\"\\0-"[random.next(10)]),
                3 => body.truncate(at),
                _ => {
                    let from = random.next(text.len());
                    let copied = &text[from..from + random.next(text.len() - from)];
                    body.splice(at..at, copied.iter().copied()).for_each(drop);
                }
            }
            if body.is_empty() {
                body.push(b'{');
            }
        }
        body
    });
    survives(&daemon, bodies.collect::<Vec<_>>().into_iter());
}

/// Well-formed, with odd values at every place there is.
fn mutated_values(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1e308),
        json!(u64::MAX),
        json!(""),
        json!("\u{0}"),
        json!("../../x"),
        json!("/"),
        json!("\u{202e}\u{1f4a9}"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"": ""}),
        json!("*".repeat(300)),
        json!(["**/".repeat(50)]),
        json!({"a": {"b": {}}}),
    ];
    let mut pointers = Vec::new();
    collect(&valid(), String::new(), &mut pointers);
    let bodies = pointers.iter().flat_map(|pointer| odd.iter().map(move |value| (pointer, value)));
    let bodies = bodies.map(|(pointer, value)| {
        let mut body = valid();
        *body.pointer_mut(pointer).expect("a place in it") = value.clone();
        body.to_string().into_bytes()
    });
    survives(&daemon, bodies.collect::<Vec<_>>().into_iter());
}

fn collect(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| collect(member, format!("{at}/{name}"), pointers));
        }
        Value::Array(entries) => {
            entries.iter().enumerate().for_each(|(i, entry)| collect(entry, format!("{at}/{i}"), pointers));
        }
        _ => (),
    }
    pointers.push(at);
}
