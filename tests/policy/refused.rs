//! What no daemon starts with, and no running one takes: the file, the line, the policy, what is wrong and what mends it.

use serde_json::{Value, json};
use support::{BUNDLE, Case, Daemon, Ran, Who, cases, policy_folder, stockade};

use crate::kit::{fragment, hostile, policy};
use crate::stage::{denied, entry, generation, job, send};

pub(crate) fn cases() -> Vec<Case> {
    cases![at_start, at_reload, by_signal, files_of_the_wrong_size, a_directory]
}

/// A bundle that is refused: at which line, because of which policy, with which words, the remedy's among them.
struct Refused {
    name: &'static str,
    bundle: String,
    line: u64,
    policy: Option<&'static str>,
    words: &'static [&'static str],
}

/// One with a policy `good` before it, so that lines and names are those of the second.
fn second(name: &'static str, plugin: &str, more: &str, words: &'static [&'static str]) -> Refused {
    let bundle = entry("good", "allow", "") + &entry("bad", plugin, more);
    Refused { name, bundle, line: 6, policy: Some("bad"), words }
}

fn all() -> Vec<Refused> {
    let other = |name, bundle: &str, line, policy, words| Refused {
        name,
        bundle: bundle.into(),
        line,
        policy,
        words,
    };
    let digest = format!("digest = \"sha256:{}\"", "0".repeat(64));
    vec![
        second("a core module", "core", "", &["core module", "stockade policy build"]),
        second("cut off", "truncated", "", &["damaged", "build it again"]),
        second("bytes changed", "corrupt", "", &["truncated.wasm", "build it again"][1..]),
        second("no wasm", "text", "", &["not WebAssembly", "policy build"]),
        second("an empty file", "empty", "", &["not WebAssembly", "policy build"]),
        second("not granted", "label", "", &["asks for patch", "grants = [\"patch\"]"]),
        second(
            "one of two not granted",
            "not-now",
            "grants = [\"kv\"]",
            &["asks for patch", "\"kv\", \"patch\""],
        ),
        second("wasi", "wasi", "", &["wasi:clocks/wall-clock@0.2.0", "no WASI"]),
        second("somebody else's", "other", "", &["other:thing/box@1.0.0", "sdk/wit"]),
        second(
            "settings that it refuses",
            "picky",
            "settings = { most = 1 }",
            &["/most", "there is no such setting"],
        ),
        second(
            "settings for one that takes none",
            "spin",
            "settings = { most = 1 }",
            &["takes none", "leave `settings` out"],
        ),
        second("a file that is not there", "nowhere", "", &["nowhere.wasm", "relative path"]),
        second("a hook that it does not have", "allow", "hooks = [\"mutation\"]", &["no hook", "it has"]),
        second("no hook at all", "no-hook", "", &["no hook", "validation"]),
        second("a hook of another type", "other-type", "", &["expected `result`", "build it again"]),
        second("another digest", "allow", &digest, &["sha256:0000", "pin the new digest"]),
        second("no digest", "allow", "digest = \"md5:1\"", &["no digest", "sha256:"]),
        second("spins as it starts", "start", "", &["does not start", "timeout"]),
        second("spins over its settings", "spin-settings", "", &["settings", "timeout"]),
        second(
            "more memory than it may have",
            "allow",
            "memory_bytes = 65536",
            &["does not start", "memory_bytes"],
        ),
        second("no time", "allow", "timeout_ms = 0", &["timeout_ms is 0", "1 to 5000"]),
        second(
            "a list that matches nothing",
            "allow",
            "match = { tenants = [] }",
            &["match.tenants", "mode = \"off\""],
        ),
        second("an unknown grant", "allow", "grants = [\"root\"]", &["root", "patch"]).on(9),
        second("an unknown key", "allow", "sandbox = true", &["sandbox", "policy schema"]).on(9),
        second("an unknown mode", "allow", "mode = \"maybe\"", &["maybe", "enforce"]).on(9),
        second("off, and broken", "core", "mode = \"off\"", &["core module"]),
        other(
            "two of one name",
            &(entry("bad", "allow", "") + &entry("bad", "label", "")),
            6,
            Some("bad"),
            &["this name"],
        ),
        other(
            "a bad name",
            "[[policy]]\nname = \"Bad One\"\nplugin = \"allow.wasm\"\n",
            1,
            Some("Bad One"),
            &["Bad One", "a-z"],
        ),
        other("no TOML", "[[policy]]\nname = \"good\"\nplugin = \n", 3, Some("good"), &["policy schema"]),
        other("no plugin", "[[policy]]\nname = \"bad\"\n", 1, Some("bad"), &["plugin"]),
        other(
            "one in a registry",
            "[[policy]]\nname = \"bad\"\nplugin = \"ghcr.io/x/p@sha256:00\"\n",
            1,
            Some("bad"),
            &["registry", "digest"],
        ),
        other(
            "no such builtin",
            "[[policy]]\nname = \"bad\"\nplugin = \"builtin:none\"\n",
            1,
            Some("bad"),
            &["built-in", "resource-limits"],
        ),
        other(
            "a web address",
            "[[policy]]\nname = \"bad\"\nplugin = \"https://x/y.wasm\"\n",
            1,
            Some("bad"),
            &["path"],
        ),
    ]
}

impl Refused {
    fn on(self, line: u64) -> Self {
        Self { line, ..self }
    }
}

fn files() -> Vec<(&'static str, Vec<u8>)> {
    let allow = policy("allow", &[], &["validation"]);
    let mut corrupt = allow.clone();
    let middle = corrupt.len() / 2;
    corrupt[middle..middle + 64].fill(0xff);
    let wants = |interface| policy("hostile/stranger", &[("INTERFACE", interface)], &["validation"]);
    let spins = hostile("spin", &["configuration", "validation"]);
    let number = fragment("hostile/other_type", &[])
        .under("package stockade:policy@0.1.0;\ninterface validation { validate: func() -> u32; }");
    vec![
        ("core.wasm", fragment("allow", &[]).core_module()),
        ("truncated.wasm", allow[..allow.len() - 100].to_vec()),
        ("corrupt.wasm", corrupt),
        ("text.wasm", b"(component)".to_vec()),
        ("empty.wasm", Vec::new()),
        ("allow.wasm", allow),
        ("label.wasm", policy("label", &[("KEY", "a"), ("VALUE", "b")], &["mutation"])),
        ("not-now.wasm", hostile("not_now", &["validation"])),
        ("wasi.wasm", wants("wasi:clocks/wall-clock@0.2.0")),
        ("other.wasm", wants("other:thing/box@1.0.0")),
        ("picky.wasm", policy("picky", &[], &["validation"])),
        ("no-hook.wasm", hostile("no_hook", &[])),
        ("other-type.wasm", number.component()),
        ("spin.wasm", hostile("spin", &["validation"])),
        ("start.wasm", hostile("start", &["validation"])),
        ("spin-settings.wasm", spins),
    ]
}

/// `serve`, which must not come so far as to listen.
fn serve(who: Who, folder: &std::path::Path) -> Ran {
    let mut command = who.command("timeout");
    command.args(["20", stockade().to_str().expect("a path of text"), "serve", "--listen", "127.0.0.1:0"]);
    command.arg("--config").arg(folder.join("stockade.toml"));
    let output = command.output().expect("timeout runs");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: std::time::Duration::ZERO,
    }
}

fn at_start(who: Who) {
    let files = files();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, wasm)| (*name, wasm.as_slice())).collect();
    let folder = policy_folder("", "", &files);
    for Refused { name, bundle, line, policy, words } in all() {
        folder.file(BUNDLE, &bundle);
        let ran = serve(who, folder.path());
        assert_eq!(ran.code, 2, "{name}: {ran:?}");
        assert!(!ran.stderr.contains("listening"), "{name}: {ran:?}");
        assert!(ran.stderr.contains(&format!("{BUNDLE}:{line}: ")), "{name}: {ran:?}");
        assert!(ran.stderr.contains("hint: "), "{name}: {ran:?}");
        let policy = policy.map(|policy| format!("policy `{policy}`: "));
        for word in words.iter().copied().chain(policy.as_deref()) {
            assert!(ran.stderr.contains(word), "{name}: no {word}: {ran:?}");
        }
    }
}

/// A running daemon that denies jobs with the label `case = "no"`, and the other files beside its bundle.
fn guarded(who: Who, files: &[(&str, &[u8])]) -> Daemon {
    let deny = policy("deny", &[("CODE", "no"), ("RETRYABLE", "0")], &["validation"]);
    let bundle = entry("guard", "guard", &crate::stage::only("no"));
    Daemon::with_policies(who, &bundle, &[files, &[("guard.wasm", &deny)]].concat())
}

fn still_guarded(daemon: &Daemon, generation_was: u64) {
    assert_eq!(generation(daemon), generation_was);
    let problem = denied(&send(daemon, &job("no")), 403, "policy_denied");
    assert_eq!(problem["policy"][0]["generation"], generation_was, "{problem}");
    assert_eq!(send(daemon, &job("yes")).json()["status"], "succeeded");
}

fn at_reload(who: Who) {
    let files = files();
    let files: Vec<(&str, &[u8])> = files.iter().map(|(name, wasm)| (*name, wasm.as_slice())).collect();
    let daemon = guarded(who, &files);
    let before = generation(&daemon);
    for Refused { name, bundle, line, policy, words } in all() {
        daemon.rewrite(BUNDLE, &bundle);
        let problem = denied(&daemon.client().post("/policies/reload", &json!({})), 422, "policies_refused");
        let told = format!("{} {}", problem["detail"], problem["remedy"]).replace("\\\"", "\"");
        assert_eq!(problem["line"], line, "{name}: {problem}");
        assert_eq!(problem["policy"], policy.map_or(Value::Null, Value::from), "{name}: {problem}");
        assert!(problem["bundle"].as_str().is_some_and(|path| path.ends_with(BUNDLE)), "{name}: {problem}");
        assert!(problem["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "{name}: {problem}");
        for word in words {
            assert!(told.contains(word), "{name}: no {word}: {problem}");
        }
    }
    still_guarded(&daemon, before);
    assert_eq!(daemon.client().get("/readyz").status, 200);
    // What was right before is right again.
    daemon.rewrite(BUNDLE, entry("guard", "guard", &crate::stage::only("no")));
    assert_eq!(daemon.client().post("/policies/reload", &json!({})).status, 200);
    still_guarded(&daemon, before + 1);
}

fn by_signal(who: Who) {
    let daemon = guarded(who, &[]);
    let before = generation(&daemon);
    daemon.rewrite(BUNDLE, entry("gone", "gone", ""));
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    support::eventually(std::time::Duration::from_secs(10), "the log says why", || {
        let log = daemon.log();
        (log.contains("gone.wasm") && log.contains("relative path")).then_some(())
    });
    still_guarded(&daemon, before);
    daemon.rewrite(BUNDLE, entry("guard", "guard", &crate::stage::only("another")));
    daemon.signal(nix::sys::signal::Signal::SIGHUP);
    support::eventually(std::time::Duration::from_secs(10), "the new set is in force", || {
        (generation(&daemon) == before + 1).then_some(())
    });
    assert_eq!(send(&daemon, &job("no")).json()["status"], "succeeded");
}

fn files_of_the_wrong_size(who: Who) {
    let folder = policy_folder("", &entry("big", "big", ""), &[]);
    let big = std::fs::File::create(folder.path().join("big.wasm")).expect("a file in an own folder");
    big.set_len(40 << 20).expect("a sparse file");
    let ran = serve(who, folder.path());
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("larger than 32 MiB") && ran.stderr.contains("policy `big`"), "{ran:?}");
}

fn a_directory(who: Who) {
    let folder = policy_folder("", &entry("folder", "folder", ""), &[]);
    std::fs::create_dir(folder.path().join("folder.wasm")).expect("a folder of our own");
    let ran = serve(who, folder.path());
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains("is not a file") && ran.stderr.contains("policy `folder`"), "{ran:?}");
    // In the bundle's own place, too.
    std::fs::remove_file(folder.path().join(BUNDLE)).expect("an own file");
    std::fs::create_dir(folder.path().join(BUNDLE)).expect("a folder of our own");
    let ran = serve(who, folder.path());
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.stderr.contains(BUNDLE) && ran.stderr.contains("hint: "), "{ran:?}");
}
