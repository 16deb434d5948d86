use super::*;

fn host() -> HostPolicy {
    let defaults = Limits::defaults();
    let caps = Limits { memory_bytes: 1 << 30, cpus: 2.0, ..defaults.clone() };
    HostPolicy { defaults, caps, profiles: vec!["default".into(), "strict".into()] }
}

/// The pointers that `body` is refused for.
fn refused(body: &str) -> Vec<String> {
    let request: JobRequest = serde_json::from_str(body).expect("the body is well-formed");
    match request.check(&host()) {
        Ok(spec) => panic!("accepted: {spec:?}"),
        Err(errors) => errors.into_iter().map(|e| e.pointer).collect(),
    }
}

#[test]
fn a_command_becomes_one_step_named_run() {
    let request: JobRequest =
        serde_json::from_str(r#"{"command":["true"],"stdin":{"base64":"aGk="}}"#).expect("json");
    let spec = request.check(&host()).expect("accepted");
    assert_eq!(spec.steps.len(), 1);
    assert_eq!((spec.steps[0].name.as_str(), &*spec.steps[0].stdin), ("run", &b"hi"[..]));
    assert_eq!(spec.user, 1000);
}

#[test]
fn every_bad_field_is_named() {
    assert_eq!(refused("{}"), ["/command"]);
    assert_eq!(refused(r#"{"command":[]}"#), ["/command"]);
    assert_eq!(refused(r#"{"command":[""]}"#), ["/command"]);
    assert_eq!(refused(r#"{"command":["a\u0000b"]}"#), ["/command/0"]);
    assert_eq!(refused(r#"{"command":["x"],"steps":[{"command":["y"]}]}"#), ["/command"]);
    assert_eq!(refused(r#"{"command":["x"],"image":"debian"}"#), ["/image"]);
    assert_eq!(refused(r#"{"command":["x"],"user":"root"}"#), ["/user"]);
    assert_eq!(refused(r#"{"command":["x"],"user":"01"}"#), ["/user"]);
    assert_eq!(refused(r#"{"command":["x"],"profile":"none"}"#), ["/profile"]);
    assert_eq!(refused(r#"{"command":["x"],"workdir":"src"}"#), ["/workdir"]);
    assert_eq!(refused(r#"{"command":["x"],"env":{"A=B":"c"}}"#), ["/env/A=B"]);
    assert_eq!(
        refused(r#"{"command":["x"],"limits":{"memory_bytes":1073741825,"cpus":3}}"#),
        ["/limits/memory_bytes", "/limits/cpus"]
    );
    assert_eq!(refused(r#"{"steps":[{"command":["x"],"limits":{"pids":0}}]}"#), ["/steps/0/limits/pids"]);
    assert_eq!(
        refused(r#"{"steps":[{"command":["x"],"limits":{"disk_bytes":65536}}]}"#),
        ["/steps/0/limits/disk_bytes"]
    );
    assert_eq!(
        refused(r#"{"steps":[{"name":"a","command":["x"]},{"name":"a","command":["y"]}]}"#),
        ["/steps/1/name"]
    );
}

#[test]
fn paths_cannot_leave_the_workspace() {
    for path in ["/etc/passwd", "..", "a/../b", "a//b", "./a", "", "a\\u0000b"] {
        let body =
            format!(r#"{{"command":["x"],"files":[{{"path":"{path}","text":""}}],"artifacts":["{path}"]}}"#);
        assert_eq!(refused(&body), ["/artifacts/0", "/files/0/path"], "{path}");
    }
}

#[test]
fn a_file_needs_one_source_and_plain_mode_bits() {
    assert_eq!(refused(r#"{"command":["x"],"files":[{"path":"a"}]}"#), ["/files/0"]);
    assert_eq!(refused(r#"{"command":["x"],"files":[{"path":"a","text":"","base64":""}]}"#), ["/files/0"]);
    assert_eq!(refused(r#"{"command":["x"],"files":[{"path":"a","base64":"%"}]}"#), ["/files/0/base64"]);
    assert_eq!(
        refused(r#"{"command":["x"],"files":[{"path":"a","text":"","mode":"4755"}]}"#),
        ["/files/0/mode"]
    );
    assert_eq!(
        refused(r#"{"command":["x"],"files":[{"path":"a","text":""},{"path":"a","text":""}]}"#),
        ["/files/1/path"]
    );
    for (first, second) in [("a", "a/b"), ("a/b", "a"), ("a/b/c", "a/b")] {
        let file = |path: &str| format!(r#"{{"path":"{path}","text":""}}"#);
        let body = format!(r#"{{"command":["x"],"files":[{},{}]}}"#, file(first), file(second));
        assert_eq!(refused(&body), ["/files/1/path"], "{first} {second}");
    }
}

#[test]
fn cases_take_from_their_step_what_they_do_not_say() {
    let request = r#"{"env":{"A":"1"},"steps":[{"command":["./main","-v"],"env":{"B":"2"},"limits":{"wall_time_ms":300},"parallel":2,
        "cases":[{"args":["x"],"stdin":{"text":"1\n"},"env":{"B":"3"},"expect":{"stdout":"2\n"}},
                 {"name":"big","limits":{"wall_time_ms":90},"expect":{"checker":{"command":["./check"]}}}]}]}"#;
    let request: JobRequest = serde_json::from_str(request).expect("json");
    let spec = request.check(&host()).expect("accepted");
    let step = &spec.steps[0];
    let [first, second] = &step.cases[..] else { panic!("two cases") };
    let by = |case: &crate::CaseSpec| case.expect.clone().expect("expects").by;
    assert_eq!(by(first), crate::Judge::Compare { how: crate::Compare::Trim, epsilon: 1e-6 });
    assert!(matches!(by(second), crate::Judge::Checker { .. }));
    let (first, second) = (step.of_case(first), step.of_case(second));
    assert_eq!(
        (first.name.as_str(), &first.command[..]),
        ("case-0", &["./main", "-v", "x"].map(String::from)[..])
    );
    assert_eq!((first.env["A"].as_str(), first.env["B"].as_str()), ("1", "3"));
    assert_eq!((first.limits.wall_time_ms, second.limits.wall_time_ms), (300, 90));
}

#[test]
fn what_is_wrong_with_a_case_is_named() {
    let steps = |case: &str| format!(r#"{{"steps":[{{"command":["x"],"cases":[{case}]}}]}}"#);
    assert_eq!(refused(&steps(r#"{"expect":{}}"#)), ["/steps/0/cases/0/expect/stdout"]);
    assert_eq!(
        refused(&steps(r#"{"expect":{"stdout":"","epsilon":2}}"#)),
        ["/steps/0/cases/0/expect/epsilon"]
    );
    assert_eq!(refused(&steps(r#"{"name":"a"},{"name":"a"}"#)), ["/steps/0/cases/1/name"]);
    let more = r#"{"limits":{"memory_bytes":9000000000,"disk_bytes":65536}}"#;
    assert_eq!(
        refused(&steps(more)),
        ["/steps/0/cases/0/limits/disk_bytes", "/steps/0/cases/0/limits/memory_bytes"]
    );
    assert_eq!(refused(&steps(r#"{"stdin":{"blob":"sha256:12"}}"#)), ["/steps/0/cases/0/stdin/blob"]);
    assert_eq!(refused(r#"{"steps":[{"command":["x"],"parallel":2}]}"#), ["/steps/0/parallel"]);
}

#[test]
fn what_is_asked_of_the_service_has_bounds() {
    let with = |more: &str| format!(r#"{{"command":["true"],{more}}}"#);
    assert_eq!(refused(&with(r#""priority":101"#)), ["/priority"]);
    assert_eq!(refused(&with(r#""retry":{"max_attempts":0}"#)), ["/retry/max_attempts"]);
    assert_eq!(refused(&with(r#""queue_timeout_ms":0"#)), ["/queue_timeout_ms"]);
    let callback =
        |url: &str, secret: &str| with(&format!(r#""callback":{{"url":"{url}","secret":"{secret}"}}"#));
    let secret = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(refused(&callback("ftp://x/", secret)), ["/callback/url"]);
    assert_eq!(refused(&callback("https:///x", secret)), ["/callback/url"]);
    assert_eq!(refused(&callback("https://x/", "short")), ["/callback/secret"]);
}

fn python() -> Image {
    Image {
        reference: "docker.io/library/python:3".into(),
        digest: "sha256:00".into(),
        env: vec![("PATH".into(), "/usr/local/bin:/bin".into()), ("LANG".into(), "C".into())],
        user: "app".into(),
        workdir: "/srv".into(),
        entrypoint: vec!["python3".into()],
        command: vec!["-V".into()],
        passwd: "app:x:7:8::/home/app:/bin/sh\n".into(),
        group: String::new(),
    }
}

#[test]
fn an_image_fills_in_what_the_job_leaves_open() {
    let request = JobRequest { image: Some("python:3".into()), ..JobRequest::default() };
    let spec = request.check_over(&host(), Some(&python())).expect("accepted");
    assert_eq!((spec.image.as_str(), spec.user, spec.group), ("docker.io/library/python:3", 7, 8));
    assert_eq!(spec.image_digest.as_deref(), Some("sha256:00"));
    let step = &spec.steps[0];
    assert_eq!((step.workdir.as_str(), step.command.join(" ")), ("/srv", "python3 -V".into()));
    let env = |name: &str| step.env.get(name).map(String::as_str);
    assert_eq!((env("PATH"), env("LANG")), (Some("/usr/local/bin:/bin"), Some("C")));
    assert_eq!(env("HOME"), Some("/home/app"));
}

#[test]
fn what_the_job_says_wins_over_its_image() {
    let request = JobRequest {
        image: Some("python:3".into()),
        command: Some(vec!["sh".into()]),
        user: Some("0".into()),
        workdir: Some("/tmp".into()),
        env: BTreeMap::from([("LANG".into(), "de".into())]),
        ..JobRequest::default()
    };
    let spec = request.check_over(&host(), Some(&python())).expect("accepted");
    let step = &spec.steps[0];
    assert_eq!(
        (spec.user, spec.group, step.workdir.as_str(), &step.command[..]),
        (0, 0, "/tmp", &["sh".into()][..])
    );
    assert_eq!(step.env["LANG"], "de");
}

#[test]
fn an_image_that_is_not_there_and_a_user_that_it_has_not_are_told() {
    let request = |user: &str| JobRequest {
        image: Some("python:3".into()),
        command: Some(vec!["true".into()]),
        user: Some(user.into()),
        ..JobRequest::default()
    };
    let errors = request("0").check(&host()).expect_err("no such image");
    assert_eq!(errors[0].pointer, "/image");
    for user in ["nobody", "65535", "7:70000", "-1"] {
        let errors = request(user).check_over(&host(), Some(&python())).expect_err(user);
        assert_eq!(errors[0].pointer, "/user", "{user}");
    }
}

#[test]
fn an_image_without_a_command_needs_one() {
    let bare = Image { entrypoint: Vec::new(), command: Vec::new(), ..python() };
    let request = JobRequest { image: Some("python:3".into()), ..JobRequest::default() };
    let errors = request.check_over(&host(), Some(&bare)).expect_err("nothing to run");
    assert_eq!((errors[0].pointer.as_str(), errors[0].code), ("/command", "required"));
}

#[test]
fn volumes_have_names_and_places_of_their_own() {
    let volume = |name: &str, path: &str| crate::VolumeRequest {
        name: name.into(),
        path: path.into(),
        read_only: false,
    };
    let job = |volumes| JobRequest { command: Some(vec!["true".into()]), volumes, ..JobRequest::default() };
    let good =
        vec![volume("pip-cache", "/cache"), volume("data.1", "/workspace/data"), volume("a", "/mnt/a")];
    assert_eq!(job(good).check(&host()).expect("accepted").volumes.len(), 3);
    for (name, path, pointer) in [
        ("Cache", "/cache", "/volumes/0/name"),
        ("../x", "/cache", "/volumes/0/name"),
        ("", "/cache", "/volumes/0/name"),
        ("a", "cache", "/volumes/0/path"),
        ("a", "/cache/../etc", "/volumes/0/path"),
        ("a", "/", "/volumes/0/path"),
        ("a", "/opt", "/volumes/0/path"),
        ("a", "/workspace", "/volumes/0/path"),
        ("a", "/proc/1", "/volumes/0/path"),
        ("a", "/etc", "/volumes/0/path"),
    ] {
        let errors = job(vec![volume(name, path)]).check(&host()).expect_err(path);
        assert_eq!(errors[0].pointer, pointer, "{name} {path}");
    }
    let errors =
        job(vec![volume("a", "/cache/x"), volume("b", "/cache")]).check(&host()).expect_err("over it");
    assert_eq!((errors[0].pointer.as_str(), errors[0].code), ("/volumes/1/path", "conflict"));
    let over_image = JobRequest { image: Some("python:3".into()), ..job(vec![volume("a", "/opt/models")]) };
    assert!(over_image.check_over(&host(), Some(&python())).is_ok());
}
