//! What the parser takes and refuses.

use super::interpret::Call;
use super::{HOST, decide};
use crate::seccomp::rules::{Action, Rules};
use crate::seccomp::{Profiles, Program};

fn profile(rules: &str) -> String {
    format!(r#"{{ "defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{rules}] }}"#)
}

fn error(json: &str) -> String {
    Rules::parse(json, HOST).expect_err("refused").to_string()
}

fn allowed(json: &str, nr: u32) -> bool {
    let rules = Rules::parse(json, HOST).expect("a profile");
    let call = Call { nr, arch: HOST.arch.audit(), args: [0; 6] };
    decide(&rules, HOST, &call) == libc::SECCOMP_RET_ALLOW
}

#[test]
fn errors_name_the_place() {
    let read = |rest: &str| profile(&format!(r#"{{ "names": ["read"], {rest} }}"#));
    let arg = |arg: &str| read(&format!(r#""action": "SCMP_ACT_ALLOW", "args": [{arg}]"#));
    for (json, expected) in [
        (read(r#""action": "SCMP_ACT_NOTIFY""#), "syscalls[0]: SCMP_ACT_NOTIFY needs"),
        (read(r#""action": "SCMP_ACT_TRACE""#), "syscalls[0]: SCMP_ACT_TRACE needs"),
        (read(r#""action": "SCMP_ACT_ALOW""#), "unknown variant `SCMP_ACT_ALOW`"),
        (read(r#""action": "SCMP_ACT_ALLOW", "arg": []"#), "unknown field `arg`"),
        (read(r#""action": "SCMP_ACT_ALLOW", "errnoRet": 1"#), "an errno goes with SCMP_ACT_ERRNO only"),
        (read(r#""action": "SCMP_ACT_ERRNO", "errnoRet": 0"#), "0 is not an errno"),
        (read(r#""action": "SCMP_ACT_ERRNO", "errnoRet": 4096"#), "4096 is not an errno"),
        (read(r#""action": "SCMP_ACT_ERRNO", "errno": "EINVAL""#), "`EINVAL` needs its number"),
        (read(r#""action": "SCMP_ACT_ALLOW", "name": "write""#), "give `names` or `name`"),
        (
            read(r#""action": "SCMP_ACT_ALLOW", "includes": {"minKernel": "new"}"#),
            "`new` is not a kernel version",
        ),
        (profile(r#"{ "names": [], "action": "SCMP_ACT_ALLOW" }"#), "give `names` or `name`"),
        (arg(r#"{"index": 6, "value": 1, "op": "SCMP_CMP_EQ"}"#), "arguments 0 to 5, not 6"),
        (arg(r#"{"index": 0, "value": 1, "valueTwo": 2, "op": "SCMP_CMP_MASKED_EQ"}"#), "outside the mask"),
        (
            arg(
                r#"{"index": 0, "value": 1, "op": "SCMP_CMP_GE"}, {"index": 0, "value": 9, "op": "SCMP_CMP_LE"}"#,
            ),
            "argument 0 is compared twice",
        ),
        (
            r#"{ "defaultAction": "SCMP_ACT_ALLOW", "architectures": [], "archMap": [] }"#.to_owned(),
            "`architectures` or `archMap`, not both",
        ),
    ] {
        let error = error(&json);
        assert!(error.contains(expected), "{json}\ngave `{error}`\nnot `{expected}`");
    }
}

#[test]
fn rules_for_others_do_not_count() {
    let with =
        |filter: &str| profile(&format!(r#"{{ "names": ["read"], "action": "SCMP_ACT_ALLOW", {filter} }}"#));
    for (filter, expected) in [
        (r#""includes": {}, "excludes": {}"#, true),
        (r#""includes": { "arches": ["amd64", "x32"] }"#, true),
        (r#""includes": { "arches": ["arm64"] }"#, false),
        (r#""includes": { "caps": ["CAP_SYS_ADMIN"] }"#, false),
        (r#""includes": { "minKernel": "4.8" }"#, true),
        (r#""includes": { "minKernel": "6.18" }"#, true),
        (r#""includes": { "minKernel": "6.19" }"#, false),
        (r#""excludes": { "caps": ["CAP_SYS_ADMIN"] }"#, true),
        (r#""excludes": { "arches": ["amd64"] }"#, false),
        (r#""excludes": { "minKernel": "4.8" }"#, false),
        (r#""excludes": { "caps": ["CAP_SYS_ADMIN"], "arches": ["s390", "s390x"] }"#, true),
    ] {
        assert_eq!(allowed(&with(filter), 0), expected, "{filter}");
    }
}

/// The forms found in profiles of Docker and Podman, old and new.
#[test]
fn docker_and_podman_forms() {
    let json = r#"{
        "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "defaultErrno": "ENOSYS",
        "archMap": [{ "architecture": "SCMP_ARCH_RISCV64", "subArchitectures": null }],
        "flags": ["SECCOMP_FILTER_FLAG_LOG"],
        "syscalls": [
            { "name": "read", "action": "SCMP_ACT_ALLOW", "args": null },
            { "names": ["_llseek", "write", "writte", "arm_fadvise64_64"], "action": "SCMP_ACT_ALLOW", "args": [],
              "comment": "", "includes": {}, "excludes": {} },
            { "names": ["bdflush"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "errno": "EPERM" }
        ] }"#;
    let rules = Rules::parse(json, HOST).expect("a profile");
    assert_eq!(rules.default, Action::errno(38));
    assert!(allowed(json, 0) && allowed(json, 1));
    assert_eq!(Vec::from_iter(&rules.skipped), ["writte"]);
}

#[test]
fn the_first_rule_that_holds_decides() {
    let order = |first: &str, second: &str| {
        profile(&format!(
            r#"{{ "names": ["read"], "action": "{first}" }}, {{ "names": ["read"], "action": "{second}" }}"#
        ))
    };
    assert!(allowed(&order("SCMP_ACT_ALLOW", "SCMP_ACT_KILL"), 0));
    assert!(!allowed(&order("SCMP_ACT_KILL", "SCMP_ACT_ALLOW"), 0));
}

#[test]
fn programs_travel() {
    let profiles = Profiles::builtin();
    let program = &profiles.get("default").expect("shipped").program;
    let bytes = postcard::to_allocvec(program).expect("serialised");
    assert_eq!(postcard::from_bytes::<Program>(&bytes).expect("read back"), *program);
    let json = serde_json::to_value(program).expect("serialised");
    assert_eq!(json, serde_json::json!({ "instructions": program.len() }));
    assert!(serde_json::from_value::<Program>(json).is_err());
    assert!(postcard::from_bytes::<Program>(&[0]).is_err(), "an empty program filters nothing");
}

#[test]
fn digests_are_of_the_json() {
    let mut profiles = Profiles::builtin();
    profiles.add("own", r#"{"defaultAction":"SCMP_ACT_ALLOW"}"#).expect("a profile");
    let own = profiles.get("own").expect("added");
    assert_eq!(own.digest.len(), 71);
    assert!(own.digest.starts_with("sha256:"));
    assert_eq!(profiles.names(), ["build", "default", "own", "strict"]);
}
