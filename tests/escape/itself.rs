//! The harness itself: what it must notice, it notices. Without this a suite that checks nothing would pass as well.

use std::net::{TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use serde_json::{Value, json};
use support::eventually;

use crate::attack::{Attack, Variant};
use crate::bait::Bait;
use crate::golden;
use crate::judge::{self, Outcome};
use crate::stage::survivors;

pub(crate) fn trials() -> Vec<Trial> {
    let checks: [(&str, fn()); 5] = [
        ("header_refuses_mistakes", header_refuses_mistakes),
        ("judge_sees_failures", judge_sees_failures),
        ("bait_is_felt", bait_is_felt),
        ("survivors_are_found", survivors_are_found),
        ("golden_sees_differences", golden_sees_differences),
    ];
    let trial = |(name, check): (&str, fn())| {
        Trial::test(format!("harness::{name}"), move || {
            check();
            Ok(())
        })
    };
    checks.into_iter().map(trial).collect()
}

/// The parser refuses what it must.
fn header_refuses_mistakes() {
    let least = "// attack: a\n// expect: refused\n";
    assert!(Attack::parse("a", least).is_ok(), "the least there can be");
    let prose = format!("{least}//\n// note: not of the header\n");
    assert!(Attack::parse("a", &prose).is_ok(), "a line of prose ends the header");
    let mistakes = [
        "// expct: refused",
        "// expect: refused",
        "// profile: defualt",
        "// limits: memory=1",
        "// limits: pids=many",
        "// env: HOST_NOTHING",
        "// file: name 0799 text",
        "// stdin: much",
        "// expect-artifact: out/a",
        "// expect-artifact-error: out/a too_large|perhaps",
        "// gone:",
    ];
    for mistake in mistakes {
        let read = Attack::parse("a", &format!("{least}{mistake}\n"));
        assert!(read.is_err(), "accepted: {mistake}");
    }
    for wrong in ["// attack: a\n", "// expect: refused\n", "// attack: a\n// expect: status succeeded\n"] {
        assert!(Attack::parse("a", wrong).is_err(), "accepted: {wrong}");
    }
}

const ATTACK: &str = "// attack: a\n// expect: refused or status timed_out\n// limits: pids=4\n\
                      // expect-artifact: out/a 5\n// expect-artifact-error: out/b not_regular|absent\n";

/// A job of `ATTACK` as it should be.
fn held() -> Value {
    json!({
        "status": "succeeded",
        "steps": [{"exit_code": 0, "usage": {"memory_peak_bytes": 1, "pids_peak": 4},
            "stdout": {"text": "a: EPERM\nrefused\n", "encoding": "utf-8"}, "stderr": {"text": "", "encoding": "utf-8"}}],
        "artifacts": [{"path": "out/a", "bytes": 5}],
        "artifact_errors": [{"path": "out/b", "code": "not_regular"}],
        "isolation": {"degraded": []},
    })
}

fn judge_sees_failures() {
    let attack = Attack::parse("a", ATTACK).unwrap_or_else(|error| panic!("{error}"));
    let variant = Variant { attack: &attack, profile: "default", arg: None };
    let bait = Bait::new();
    let judge = |changes: &[(&str, Value)]| {
        let mut job = held();
        for (pointer, value) in changes {
            *job.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value.clone();
        }
        judge::job(variant, &bait, &job)
    };
    let stdout = "/steps/0/stdout/text";
    assert_eq!(judge(&[]), Ok(Outcome::Held));
    assert_eq!(judge(&[("/status", "timed_out".into()), (stdout, "".into())]), Ok(Outcome::Held));
    assert_eq!(judge(&[("/artifact_errors", json!([]))]), Ok(Outcome::Held));
    let skipped = [("/steps/0/exit_code", 77.into()), (stdout, "skipped: no kernel\n".into())];
    assert_eq!(judge(&skipped), Ok(Outcome::Skipped("no kernel".into())));

    let secret = std::fs::read_to_string(bait.value("HOST_FILE")).unwrap_or_default();
    let failures = [
        ("/status", json!("failed")),
        ("/status", json!("internal_error")),
        (stdout, json!("a: EPERM\n")),
        (stdout, json!("ESCAPED: a: worked\nrefused\n")),
        ("/steps/0/stderr/text", json!("ESCAPED: a: worked\n")),
        (stdout, json!(format!("{secret}refused\n"))),
        ("/steps/0/usage/pids_peak", json!(5)),
        ("/steps/0/usage/memory_peak_bytes", json!(1_u64 << 30)),
        ("/artifacts", json!([])),
        ("/artifacts/0/bytes", json!(6)),
        ("/artifacts/0/path", json!("out/b")),
        ("/artifact_errors/0/code", json!("unreadable")),
        ("/isolation/degraded", json!(["cgroup"])),
    ];
    for failure in failures {
        let judged = judge(std::slice::from_ref(&failure));
        assert!(judged.is_err(), "passed: {failure:?}");
    }
}

fn bait_is_felt() {
    let bait = Bait::new();
    assert_eq!(bait.bitten(), Vec::<String>::new());
    let port: u16 = bait.value("HOST_PORT").parse().expect("a port");
    drop(TcpStream::connect(("127.0.0.1", port)).expect("it listens"));
    assert_eq!(bait.bitten().len(), 1);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    socket.send_to(b"x", ("127.0.0.1", port)).expect("it is sent");
    assert_eq!(bait.bitten().len(), 1);
    drop(UnixStream::connect(bait.value("HOST_SOCKET")).expect("it listens"));
    assert_eq!(bait.bitten().len(), 1);
    let name = SocketAddr::from_abstract_name(bait.value("HOST_ABSTRACT")).expect("a short name");
    drop(UnixStream::connect_addr(&name).expect("it listens"));
    assert_eq!(bait.bitten().len(), 1);
    let (file, token) = (bait.value("HOST_FILE"), bait.value("HOST_SECRET_NAME"));
    for secret in
        [std::fs::read(&file).expect("it is there"), std::env::var(token).expect("it is set").into()]
    {
        assert!(bait.found_in(&[b"before ", &secret[..], b" after"].concat()).is_some());
    }
    std::fs::write(file, "changed").expect("an own file");
    assert_eq!(bait.bitten().len(), 1);
}

fn survivors_are_found() {
    let own = nix::unistd::geteuid().as_raw();
    let mut child = Command::new("sleep").arg("60").spawn().expect("sleep runs");
    let names = ["sleep".to_owned()];
    let found = || survivors(&(own..=own), &names).contains(&format!("{} sleep", child.id()));
    eventually(Duration::from_secs(5), "the child is found", || found().then_some(()));
    assert_eq!(survivors(&(own..=own), &["other".to_owned()]), Vec::<String>::new());
    assert_eq!(survivors(&(own + 1..=own + 1), &names), Vec::<String>::new());
    child.kill().and_then(|()| child.wait()).expect("an own child ends");
}

/// A difference is seen, and one between kernels is not.
fn golden_sees_differences() {
    let read = |text: &str| golden::table(text.lines()).unwrap_or_else(|error| panic!("{error}"));
    let before = read("1 write EBADF\n2 open EFAULT\n3 close EPERM\n4 stat SIGSYS");
    assert_eq!(golden::compare(&before, &before, true), "");
    assert_eq!(
        golden::compare(&before, &read("1 write ok\n2 open ENOSYS\n3 close EPERM\n4 stat SIGSYS"), false),
        ""
    );
    let now = read("1 write EBADF\n2 open ENOSYS\n3 close ok\n4 stat EPERM\n5 fstat ok");
    let seen = "- 2 open other\n+ 2 open ENOSYS\n- 3 close EPERM\n+ 3 close other\n- 4 stat SIGSYS\n+ 4 stat EPERM\n\
                + 5 fstat other\n";
    assert_eq!(golden::compare(&before, &now, true), seen);
    assert!(golden::table(["1 write"].into_iter()).is_err());
}
