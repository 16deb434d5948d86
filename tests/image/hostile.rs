//! Images that were made to reach the host: a job over one starts harmlessly or is refused, and a folder of the host that
//! everybody may write to is as it was.

use serde_json::{Value, json};
use support::{Case, Daemon, Needs, Who, cases};
use tar::EntryType;

use crate::support::served::{import, printed, shell};
use crate::support::{Canary, Rootfs, probe};

pub(crate) fn cases() -> Vec<Case> {
    let all = cases![
        places_that_are_links,
        etc_files_that_are_links,
        places_that_are_files,
        rights_of_programs,
        devices,
        accounts_by_a_link,
        volumes_by_a_link,
        folders_that_change_places,
    ];
    let needs = |case: Case| case.needs(Needs::Program("busybox")).needs(Needs::Program("cc"));
    all.into_iter().map(needs).collect()
}

/// What the sandbox itself mounts something on, or writes into.
const PLACES: [&str; 6] = ["proc", "sys", "dev", "etc", "tmp", "workspace"];
const WRITES: &str = "for to in /proc /sys /dev /etc /tmp /workspace; do
    for name in canary hosts resolv.conf null new; do echo written > $to/$name; done; rm -rf $to/inner; done 2>/dev/null
    echo done";

fn is_harmless(daemon: &Daemon, image: &str, canary: &Canary) -> Value {
    let (job, text) = printed(daemon, &shell(image, WRITES));
    assert!(text.ends_with("done\n"), "{image}: {job}");
    canary.is_untouched(image);
    job
}

/// The job ends before its program, with a reason that is no fault of the host; or it runs and harms nobody.
fn starts_or_is_refused(daemon: &Daemon, image: &str, canary: &Canary) {
    let answer = daemon.client().post("/jobs?wait=true", &shell(image, WRITES));
    let job = answer.json();
    canary.is_untouched(image);
    if job["status"] == "succeeded" {
        return;
    }
    let told = job["cause"]["detail"].as_str().or(job["detail"].as_str()).unwrap_or_default();
    assert!(!told.is_empty(), "{image}: refused without a word: {}", answer.text());
    support::figure(format!("{image}: {}: {told}", answer.status));
}

fn places_that_are_links(who: Who) {
    let (daemon, canary) = (Daemon::start(who, &[]), Canary::new());
    let up = "../".repeat(12);
    let targets = [
        ("absolute", canary.path().to_owned()),
        ("relative", format!("{up}{}", canary.path().trim_start_matches('/'))),
        ("dangling", "/nowhere/at/all".to_owned()),
        ("own", "/bin".to_owned()),
        ("through-proc", "/proc/1/root".to_owned()),
        ("loop", "/loop".to_owned()),
    ];
    for (kind, target) in &targets {
        let all = PLACES.iter().fold(Rootfs::bare(), |root, place| root.link(place, target));
        import(&daemon, &format!("all:{kind}"), &all.link("loop", "loop").tar());
        starts_or_is_refused(&daemon, &format!("all:{kind}"), &canary);
    }
    // Each alone too: what is refused for one of them hides the others.
    for place in PLACES {
        let root = Rootfs::bare().link(place, &targets[0].1).tar();
        import(&daemon, &format!("{place}:absolute"), &root);
        starts_or_is_refused(&daemon, &format!("{place}:absolute"), &canary);
    }
}

fn etc_files_that_are_links(who: Who) {
    let (daemon, canary) = (Daemon::start(who, &[]), Canary::new());
    let mut root = Rootfs::bare();
    for name in ["hosts", "resolv.conf", "hostname", "passwd", "group"] {
        root = root.link(&format!("etc/{name}"), &format!("{}/{name}", canary.path()));
    }
    import(&daemon, "etc:links", &root.tar());
    is_harmless(&daemon, "etc:links", &canary);
    // Nothing of the host's is read either.
    let (_, text) =
        printed(&daemon, &shell("etc:links", "cat /etc/passwd /etc/hosts /etc/resolv.conf 2>&1; true"));
    assert!(!text.contains("canary:"), "{text}");
}

fn places_that_are_files(who: Who) {
    let (daemon, canary) = (Daemon::start(who, &[]), Canary::new());
    for place in PLACES {
        let root = Rootfs::bare().file(place, 0o777, b"a file");
        let image = format!("{place}:file");
        import(&daemon, &image, &root.tar());
        starts_or_is_refused(&daemon, &image, &canary);
    }
}

/// VFS_CAP_REVISION_2, effective, with all capabilities permitted and inheritable (capabilities(7)).
const EVERY_CAPABILITY: [u8; 20] =
    [1, 0, 0, 2, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 255, 1, 0, 0];

fn rights_of_programs(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let root = Rootfs::whole()
        .file("bin/plain", 0o755, probe())
        .file("bin/setuid", 0o6755, probe())
        .attribute("security.capability", &EVERY_CAPABILITY)
        .file("bin/capable", 0o755, probe());
    import(&daemon, "rights:1", &root.tar());
    // Where one id is all there is, nobody else than root is there inside.
    let users: &[&str] = if who.shares_one_id() { &["0:0"] } else { &["0:0", "65534:65534"] };
    for user in users {
        let told = |program: &str| {
            let request = json!({"image": "rights:1", "user": user, "command": [format!("/bin/{program}")]});
            printed(&daemon, &request).1
        };
        let plain = told("plain");
        let id = user.split(':').next().unwrap_or_default();
        assert!(plain.starts_with(&format!("euid {id} egid {id}\n")), "{plain}");
        assert!(plain.contains("CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"), "{plain}");
        assert_eq!(told("setuid"), plain, "{user}");
        assert_eq!(told("capable"), plain, "{user}");
    }
}

fn devices(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let root = Rootfs::whole()
        .folder("devices", 0o777)
        .device("devices/kmsg", EntryType::Char, (1, 11))
        .device("devices/mem", EntryType::Char, (1, 1))
        .device("devices/disk", EntryType::Block, (254, 0))
        .device("dev/disk", EntryType::Block, (254, 0));
    let image = import(&daemon, "devices:1", &root.tar());
    let details = daemon.client().get("/images/devices:1").json();
    assert_eq!(details["layer"][0]["skipped"], 4, "{image} {details}");
    let (_, text) = printed(&daemon, &shell("devices:1", "ls /devices; test ! -e /dev/disk && echo none"));
    assert_eq!(text, "none\n");
}

fn accounts_by_a_link(who: Who) {
    let (daemon, canary) = (Daemon::start(who, &[]), Canary::new());
    let passwd = format!("{}/passwd", canary.path());
    import(&daemon, "accounts:1", &Rootfs::bare().link("etc/passwd", &passwd).tar());
    // The host's file has a user `root`; the image has none.
    let request = json!({"image": "accounts:1", "user": "root", "command": ["/bin/true"]});
    let answer = daemon.client().post("/jobs?wait=true", &request);
    assert_eq!(answer.status, 422, "{}", answer.text());
    assert!(answer.text().contains("no user `root`"), "{}", answer.text());
    printed(&daemon, &shell("accounts:1", "true"));
    canary.is_untouched("a passwd that is a link");
}

fn volumes_by_a_link(who: Who) {
    let (daemon, canary) = (Daemon::start(who, &[]), Canary::new());
    let up = format!("{}{}", "../".repeat(12), canary.path().trim_start_matches('/'));
    let root = Rootfs::whole().link("absolute", canary.path()).link("relative", &up).link("own", "/etc");
    import(&daemon, "volumes:1", &root.tar());
    for path in ["/absolute", "/absolute/inner", "/relative", "/relative/inner/new", "/own/inner"] {
        let mut request = shell("volumes:1", &format!("echo {path} > {path}/written; cat {path}/written"));
        request["volumes"] = json!([{"name": "kept", "path": path}]);
        let answer = daemon.client().post("/jobs?wait=true", &request);
        canary.is_untouched(path);
        let job = answer.json();
        if job["status"] != "succeeded" {
            // A link into nothing is no folder: said, and nothing is made outside.
            let told = job["cause"]["detail"].as_str().or(job["detail"].as_str()).unwrap_or_default();
            assert!(!told.is_empty(), "{path}: {}", answer.text());
            support::figure(format!("a volume at {path}: {}: {told}", answer.status));
            continue;
        }
        let mut reading = shell("volumes:1", "cat /kept/written");
        reading["volumes"] = json!([{"name": "kept", "path": "/kept", "read_only": true}]);
        assert_eq!(printed(&daemon, &reading).1, format!("{path}\n"));
    }
}

/// CVE-2021-30465: what a job's start and its end look up inside a volume, which another job changes meanwhile between a
/// folder and a link. A mount point there is refused at once.
fn folders_that_change_places(who: Who) {
    const FLIPS: usize = 200_000;
    let (daemon, canary) = (Daemon::start(who, &[]), Canary::new());
    import(&daemon, "flip:1", &Rootfs::whole().file("bin/probe", 0o755, probe()).tar());
    let mut nested = shell("flip:1", "true");
    nested["volumes"] = json!([{"name": "a", "path": "/shared"}, {"name": "b", "path": "/shared/a/inner"}]);
    let refused = daemon.client().post("/jobs", &nested);
    assert_eq!(refused.json()["errors"][0]["pointer"], "/volumes/1/path", "{}", refused.text());

    let to = canary.path();
    let script = format!(
        "cd /shared; mkdir -p a/inner; echo own > a/inner/file; ln -s {to} b; probe flip a b {FLIPS}"
    );
    let mut flipping = shell("flip:1", &script);
    flipping["volumes"] = json!([{"name": "shared", "path": "/shared"}]);
    let id = daemon.submit(&flipping);
    let mut request = shell("flip:1", "pwd; echo written > written; true");
    request["volumes"] = json!([{"name": "shared", "path": "/workspace/shared"}]);
    request["workdir"] = json!("/workspace/shared/a/inner");
    request["artifacts"] = json!(["shared/**"]);
    let (mut started, mut refused) = (0, 0);
    while matches!(daemon.job(&id)["status"].as_str(), Some("queued" | "running")) {
        let job = daemon.run(&request);
        canary.is_untouched("a folder that changed places");
        let collected = job["artifacts"].to_string();
        assert!(!collected.contains("canary") && !collected.contains("resolv.conf"), "{job}");
        if job["status"] == "succeeded" {
            started += 1;
        } else {
            assert!(job["cause"]["detail"].as_str().is_some_and(|told| !told.is_empty()), "{job}");
            refused += 1;
        }
    }
    let job = daemon.ended(&id);
    assert_eq!(job["steps"][0]["stdout"]["text"], format!("{FLIPS}\n"), "{job}");
    // After an even number of flips it is the folder again.
    assert_eq!(daemon.run(&request)["status"], "succeeded", "what was looked up is there");
    support::figure(format!("{}: {started} jobs started, {refused} refused meanwhile", who.name()));
    assert!(started > 0, "nothing was ever looked up");
}
