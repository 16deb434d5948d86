//! A case that knows how it is kept from the base.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use support::{Case, Daemon, Who, cases, compiled};

use super::{STATE, outputs, statuses, tested};

pub(super) fn cases() -> Vec<Case> {
    cases![leaves_the_base_alone, has_no_marks_of_the_base]
}

fn leaves_the_base_alone(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let program = STANDARD.encode(compiled("attack", include_str!("attack.c")));
    let build =
        "echo a > a; echo b > b; echo c > c; mkdir -p d/inner deep/er; echo b > deep/er/b; echo l > locked";
    let look = "for name in a b c d/inner; do stat -c '%n %i %Y %s' $name; done; cat a b c";
    let state = format!("{STATE}; {look}");
    let job = daemon.run(&json!({
        "files": [{"path": "attack", "base64": program, "mode": "0755"}],
        "steps": [
            {"name": "build", "command": ["sh", "-c", build]},
            {"name": "before", "command": ["sh", "-c", state]},
            {"name": "test", "command": ["./attack"], "parallel": 2, "cases": [{}, {}, {}]},
            {"name": "after", "command": ["sh", "-c", state]},
        ]
    }));
    assert_eq!(outputs(tested(&job)), [""; 3], "{job}");
    assert_eq!(statuses(tested(&job)), ["succeeded"; 3], "{job}");
    assert_eq!(job["steps"][1]["stdout"], job["steps"][3]["stdout"], "{job}");
}

/// What a step writes into the attributes that an overlay uses is for this job's own cases to see, and no way out.
fn has_no_marks_of_the_base(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mark = "import os\nos.makedirs('d'); open('d/x', 'w').close(); open('r', 'w').close()\n\
        for path, name, value in [('d', 'opaque', b'x'), ('d/x', 'whiteout', b''), ('r', 'redirect', b'/../../tmp/secret'),\n\
                                  ('r', 'metacopy', b''), ('d', 'origin', b'x' * 8), ('.', 'opaque', b'y')]:\n\
        \x20   try: os.setxattr(path, 'user.overlay.' + name, value)\n\
        \x20   except OSError: pass\n";
    let job = daemon.run(&json!({"steps": [
        {"name": "build", "command": ["sh", "-c", format!("echo secret > /tmp/secret; perl -e 1 || true; python3 -c \"{mark}\" || true")]},
        {"name": "test", "command": ["sh", "-c", "cat r 2>&1; ls -R . > /dev/null; echo x >> r; rm -rf d; mkdir d; ls d; true"],
            "cases": [{}, {}]},
        {"name": "after", "command": ["sh", "-c", "test ! -e r || test ! -s r"]},
    ]}));
    assert_eq!(job["status"], "succeeded", "{job}");
    assert!(outputs(tested(&job)).iter().all(|text| !text.contains("secret\n")), "{job}");
}
