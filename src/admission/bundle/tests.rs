use std::path::{Path, PathBuf};
use std::{env, fs};

use model::{Hook, Mode};

use super::{Bundle, BundleError, Document, Entry, Grant};
use crate::shipped;

fn parse(text: &str) -> Result<Bundle, BundleError> {
    Bundle::parse("b.toml", Path::new("/somewhere"), text)
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn what_is_left_out_has_its_default() {
    let bundle = parse("[[policy]]\nname = \"a\"\nplugin = \"a.wasm\"\n").expect("valid");
    let [entry] = &bundle.policies[..] else { panic!("one policy") };
    let Entry { digest, order, mode, grants, hooks, timeout_ms, memory_bytes, .. } = entry;
    assert_eq!(
        (digest, *order, *mode, grants.as_slice(), hooks),
        (&None, 100, Mode::Enforce, &[][..], &None)
    );
    assert_eq!((*timeout_ms, *memory_bytes), (1000, 16_777_216));
    assert_eq!((entry.settings_json().as_str(), entry.line), ("{}", 1));
    assert!(bundle.tables.is_empty());
}

#[test]
fn everything_can_be_said() {
    let text = r#"
        [[policy]]
        name = "limits"
        plugin = "builtin:resource-limits"
        digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        order = -5
        mode = "audit"
        grants = ["patch", "job-env", "job-files", "metrics", "facts", "kv", "loosen", "override"]
        hooks = ["mutation", "validation", "pre_start", "on_started", "on_exited", "connection"]
        timeout_ms = 5000
        memory_bytes = 268435456
        match = { tenants = ["a*"], images = ["*"], profiles = ["strict"], networks = ["none"], labels = { x = "1" }, unless_labels = { y = "2" } }
        settings = { z = 1, a = { b = [true, 1.5, "t"] } }
        [tables.blocked]
        "x" = "why"
    "#;
    let bundle = parse(text).expect("valid");
    let entry = &bundle.policies[0];
    assert_eq!((entry.order, entry.mode), (-5, Mode::Audit));
    assert_eq!(entry.grants, Grant::ALL);
    assert_eq!(entry.hooks.as_ref().map(Vec::len), Some(6));
    assert_eq!(entry.hooks.as_ref().expect("given")[2], Hook::PreStart);
    assert_eq!(entry.matcher.unless_labels["y"], "2");
    assert_eq!(entry.settings_json(), r#"{"a":{"b":[true,1.5,"t"]},"z":1}"#);
    assert_eq!(bundle.tables["blocked"]["x"], "why");
}

#[test]
fn policies_stand_by_order_and_ties_by_name() {
    let entry = |name: &str, order: i32| {
        format!("[[policy]]\nname = \"{name}\"\nplugin = \"p.wasm\"\norder = {order}\n")
    };
    let text = [entry("b", 1), entry("c", -1), entry("a", 1), entry("d", 0)].concat();
    let bundle = parse(&text).expect("valid");
    let names: Vec<&str> = bundle.policies.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["c", "d", "a", "b"]);
    let lines: Vec<usize> = bundle.policies.iter().map(|entry| entry.line).collect();
    assert_eq!(lines, [5, 13, 9, 1], "where each is in the file");
}

#[test]
fn every_refusal_names_the_line_the_policy_and_what_mends_it() {
    let long = format!("settings = {{ a = \"{}\" }}", "x".repeat(256 << 10));
    for (key, detail, remedy) in [
        ("name = \"A\"", "no name", "a-z"),
        ("name = \"\"", "no name", "a-z"),
        ("plugin = \"\"", "neither a path", "builtin:NAME"),
        ("plugin = \"https://x/y.wasm\"", "neither a path", "builtin:NAME"),
        ("digest = \"md5:00\"", "no digest", "64 hexadecimal"),
        ("timeout_ms = 0", "timeout_ms is 0", "1 to 5000"),
        ("timeout_ms = 5001", "timeout_ms is 5001", "1 to 5000"),
        ("memory_bytes = 65535", "memory_bytes is 65535", "64 KiB"),
        ("memory_bytes = 268435457", "memory_bytes is 268435457", "256 MiB"),
        ("hooks = []", "no hook", "leave `hooks` out"),
        ("match = { tenants = [] }", "`match.tenants` is empty", "leave it out"),
        ("match = { images = [] }", "`match.images` is empty", "leave it out"),
        ("match = { profiles = [] }", "`match.profiles` is empty", "leave it out"),
        ("match = { networks = [] }", "`match.networks` is empty", "leave it out"),
        ("match = { networks = [\"open\"] }", "would never match", "`none`, `allow`, `full`"),
        (long.as_str(), "too large", "256 KiB"),
    ] {
        let word = key.split(' ').next().unwrap_or_default();
        let rest = [("name", "name = \"p\""), ("plugin", "plugin = \"p.wasm\"")];
        let rest: Vec<&str> =
            rest.iter().filter(|(given, _)| *given != word).map(|(_, line)| *line).collect();
        let text = format!("\n\n[[policy]]\n{key}\n{}\n", rest.join("\n"));
        let error = parse(&text).expect_err(key);
        assert_eq!((error.line, error.code), (3, "bundle"), "{key}");
        assert!(error.policy.is_some(), "{key}");
        assert!(error.to_string().starts_with("b.toml:3: policy `"), "{error}");
        assert!(error.detail.contains(detail) && error.remedy.contains(remedy), "{error}; {}", error.remedy);
    }
}

#[test]
fn what_the_grammar_lacks_is_refused_at_its_line() {
    for (text, line, policy) in [
        ("x = 1", 1, None),
        ("[[policy]]\nname = \"a\"\nplugin = \"p\"\nnmae = \"b\"", 4, Some("a")),
        ("[[policy]]\nname = \"a\"\nplugin = \"p\"\nmode = \"on\"", 4, Some("a")),
        ("[[policy]]\nname = \"a\"\nplugin = \"p\"\ngrants = [\"network\"]", 4, Some("a")),
        ("[[policy]]\nname = \"a\"\nplugin = \"p\"\nhooks = [\"configuration\"]", 4, Some("a")),
        ("[[policy]]\nname = \"a\"\nplugin = \"p\"\nmatch = { users = [\"x\"] }", 4, Some("a")),
        ("\n[[policy]]\nname = ", 3, None),
        ("[tables]\na = { b = 1 }", 2, None),
        ("[[policy]]\nname = \"a\"\nplugin = \"p\"\n[tables]\na = { b = 1 }", 5, None),
        ("[[policy]]\nname = \"b\"\nplugin = \"p\"\n[[policy]]\nmode = \"on\"\nname = 'a'", 5, Some("a")),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!((error.line, error.code), (line, "bundle"), "{text}: {error}");
        assert_eq!(error.policy.as_deref(), policy, "{text}: {error}");
        assert!(error.remedy.contains("stockade policy schema"), "{error:?}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    let error = parse("\n[[policy]]\nname = \"a\"\n").expect_err("no plugin");
    assert!(error.detail.contains("plugin") && error.line == 2, "{error}");
    assert_eq!(error.policy.as_deref(), Some("a"));
}

#[test]
fn hooks_have_their_names_of_the_contract_too() {
    let of = |hooks: &str| {
        let text = format!("[[policy]]\nname = \"a\"\nplugin = \"p\"\nhooks = [{hooks}]");
        parse(&text).expect("a bundle").policies[0].hooks.clone()
    };
    let all = Some(vec![Hook::PreStart, Hook::OnStarted, Hook::OnExited]);
    assert_eq!(of(r#""pre-start", "on-started", "on-exited""#), all);
    assert_eq!(of(r#""pre_start", "on_started", "on_exited""#), all);
}

#[test]
fn a_bundle_without_a_policy_is_refused() {
    for text in ["", "# nothing\n", "[tables.blocked]\nx = \"why\""] {
        let error = parse(text).expect_err(text);
        assert_eq!((error.line, error.code), (0, "bundle"));
        assert!(error.detail.contains("no policy") && !error.remedy.is_empty(), "{error}");
    }
}

#[test]
fn names_are_unique_and_policies_not_too_many() {
    let entry = |n: usize| format!("[[policy]]\nname = \"p{n}\"\nplugin = \"p.wasm\"\n");
    let error = parse(&[entry(1), entry(2), entry(1)].concat()).expect_err("twice");
    assert!(error.detail.contains("another policy") && !error.remedy.is_empty(), "{error}");
    parse(&(0..64).map(entry).collect::<String>()).expect("at the bound");
    let error = parse(&(0..65).map(entry).collect::<String>()).expect_err("one more");
    assert!(error.detail.contains("more than 64"), "{error}");
}

#[test]
fn a_file_that_is_not_there_is_told_with_what_is() {
    let error = Bundle::read("/no/such.toml").expect_err("not there");
    assert_eq!((error.line, error.code), (0, "bundle"));
    assert!(error.to_string().starts_with("/no/such.toml: cannot be read"), "{error}");
    assert!(error.remedy.contains("default"), "{}", error.remedy);
}

#[test]
fn every_shipped_bundle_is_valid_and_names_plugins_that_are_there() {
    for name in shipped::bundle_names() {
        let bundle = Bundle::read(name).unwrap_or_else(|error| panic!("{error}"));
        assert!(!bundle.policies.is_empty(), "{name}");
        for entry in &bundle.policies {
            let plugin =
                entry.plugin.strip_prefix("builtin:").expect("a shipped bundle names shipped plugins");
            assert!(shipped::plugin(plugin).is_some(), "{name}: {plugin}");
        }
    }
}

#[test]
fn every_example_of_the_plugins_is_valid() {
    for name in shipped::plugin_names() {
        let path = repository().join("plugins").join(name).join("README.md");
        let text = fs::read_to_string(&path).expect("every plugin has one");
        let example = text.split_once("## In a bundle").and_then(|(_, rest)| rest.split_once("```toml\n"));
        let (example, _) = example.and_then(|(_, rest)| rest.split_once("```")).expect("an example");
        let bundle = parse(example).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(bundle.policies.iter().any(|entry| entry.plugin == format!("builtin:{name}")), "{name}");
    }
}

/// `STOCKADE_BLESS=1 cargo test -p admission` writes it anew.
#[test]
fn the_schema_is_that_of_the_types() {
    let path = repository().join("policies/bundle.schema.json");
    let schema = schemars::schema_for!(Document);
    let generated = serde_json::to_string_pretty(&schema).expect("plain data") + "\n";
    if env::var_os("STOCKADE_BLESS").is_some() {
        fs::write(&path, &generated).expect("a checkout of ours");
    }
    let file = fs::read_to_string(&path).unwrap_or_default();
    assert!(file == generated, "{} is not what the types say; run with STOCKADE_BLESS=1", path.display());
}
