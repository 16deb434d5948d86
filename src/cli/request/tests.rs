use clap::Parser;
use model::Limits;

use super::*;
use crate::args::{Args, Verb};

fn parse(line: &[&str]) -> Result<Box<RunArgs>, clap::Error> {
    let words = ["stockade", "run"].iter().chain(line);
    match Args::try_parse_from(words)?.verb {
        Verb::Run(args) => Ok(args),
        other => panic!("not run: {other:?}"),
    }
}

fn host() -> HostPolicy {
    let defaults = Limits::defaults();
    let caps = Limits { memory_bytes: 1 << 30, ..defaults.clone() };
    HostPolicy { defaults, caps, profiles: vec!["default".into(), "strict".into()] }
}

fn requested(line: &[&str]) -> JobRequest {
    let args = parse(line).expect("the line is well-formed");
    let ours = |name: &str| (name == "LANG").then(|| "C.UTF-8".to_owned());
    job_request(&args.job, &args.command, ours).expect("files can be read")
}

fn complaint(line: &[&str]) -> String {
    let args = parse(line).expect("the line is well-formed");
    let failure = check(requested(line), &args, &host(), None).expect_err("refused");
    format!("{failure:?}")
}

#[test]
fn options_become_a_request() {
    let line = "--profile strict --network none -m 256m --cpus 0.5 --pids 64 --wall 10s --cpu-time 1500ms --disk 64m \
                --output-limit 1k -w /tmp -u 7 -i --ulimit nofile=16 --ulimit fsize=1m --ulimit nofile=32 \
                --require landlock -- echo -n --wall";
    let line: Vec<_> = line.split(' ').collect();
    let request = requested(&line);
    assert_eq!(request.command.as_deref(), Some(&["echo", "-n", "--wall"].map(String::from)[..]));
    assert_eq!(
        request.limits,
        LimitsRequest {
            cpu_time_ms: Some(1500),
            wall_time_ms: Some(10_000),
            memory_bytes: Some(256 << 20),
            pids: Some(64),
            output_bytes: Some(1024),
            disk_bytes: Some(64 << 20),
            open_files: Some(32),
            file_bytes: Some(1 << 20),
            stack_bytes: None,
            cpus: Some(0.5),
        }
    );
    assert_eq!(request.profile.as_deref(), Some("strict"));
    assert_eq!((request.user.as_deref(), request.workdir.as_deref()), (Some("7"), Some("/tmp")));
    assert_eq!(request.require, ["landlock"]);
}

#[test]
fn the_command_needs_no_dashes_before_it() {
    let request = requested(&["-it", "sh", "-c", "exit 3"]);
    assert_eq!(request.command.as_deref(), Some(&["sh", "-c", "exit 3"].map(String::from)[..]));
}

#[test]
fn variables_are_set_copied_or_left_out() {
    let request = requested(&["-e", "A=b=c", "-e", "LANG", "-e", "UNSET", "-e", "EMPTY=", "true"]);
    let expected = [("A", "b=c"), ("EMPTY", ""), ("LANG", "C.UTF-8")];
    assert_eq!(request.env, expected.map(|(k, v)| (k.to_owned(), v.to_owned())).into());
}

#[test]
fn files_keep_name_and_permission_bits() {
    let source = std::env::temp_dir().join(format!("stockade-file-{}", std::process::id()));
    fs::write(&source, b"\xff\n").expect("a temporary file");
    fs::set_permissions(&source, fs::Permissions::from_mode(0o750)).expect("permissions");
    let shown = source.to_str().expect("a plain path");
    let named = format!("{shown}:src/a.bin");
    let request = requested(&["--file", shown, "--file", &named, "true"]);
    let args = parse(&["true"]).expect("the line is well-formed");
    let spec = check(request, &args, &host(), None).expect("accepted");
    fs::remove_file(&source).expect("removed");
    let name = source.file_name().expect("a name").to_string_lossy();
    assert_eq!([spec.files[0].path.as_str(), spec.files[1].path.as_str()], [&*name, "src/a.bin"]);
    assert_eq!((spec.files[0].mode, &*spec.files[0].contents), (0o750, &b"\xff\n"[..]));
}

#[test]
fn complaints_name_the_option() {
    assert!(complaint(&["-m", "2g", "true"]).contains("--memory: this host allows at most 1073741824"));
    assert!(complaint(&["-u", "root", "true"]).contains("--user: "));
    assert!(complaint(&["-e", "=x", "true"]).contains("--env: "));
    assert!(complaint(&["--profile", "none", "true"]).contains("--profile: no such profile"));
    let both = complaint(&["-w", "src", "--pids", "0", "true"]);
    assert!(both.contains("--workdir: ") && both.contains("--pids-limit: "), "{both}");
}

#[test]
fn what_cannot_be_had_is_refused_by_name() {
    for line in [
        &["--network", "host", "true"][..],
        &["-m", "much", "true"],
        &["--wall", "10", "true"],
        &[],
        &["-t", "--json", "sh"],
    ] {
        assert!(parse(line).is_err(), "{line:?}");
    }
}
