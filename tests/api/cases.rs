//! One program, many cases: every way in which one can go wrong is told apart, whatever runs beside it.

mod mix;

use std::time::Instant;

use serde_json::{Value, json};
use support::{Case, Daemon, Listening, Needs, Sent, Who, cases, figure};

use mix::{Mix, build};

pub(crate) fn cases() -> Vec<Case> {
    let compiled =
        cases![a_thousand_cases, parallel_changes_nothing, told_as_they_end, fail_fast, a_checker_decides];
    let compiled = compiled.into_iter().map(|case| case.needs(Needs::Program("g++")));
    compiled.chain(cases![how_outputs_are_compared, flooding_what_is_expected]).collect()
}

const CASES: usize = 1000;

fn statuses(step: &Value) -> Vec<&str> {
    let cases = step["cases"].as_array().expect("a step with cases");
    cases.iter().map(|case| case["status"].as_str().expect("a status")).collect()
}

fn a_thousand_cases(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mix = Mix::of(CASES);
    let start = Instant::now();
    let job = daemon.run(&mix.request(2));
    let took = start.elapsed();
    let built = &job["steps"][0];
    assert_eq!(built["status"], "succeeded", "{built}");
    let step = &job["steps"][1];
    mix.is_told_apart(step);
    let wrong = mix.first_wrong().expect("there are wrong ones");
    assert_eq!(job["status"], wrong.status(), "the first that is not right decides");
    assert_eq!(
        (&step["status"], &step["cause"]["kind"]),
        (&job["status"], &json!("case")),
        "{}",
        step["cause"]
    );
    assert_eq!(job["cause"]["step"], "judge", "{}", job["cause"]);
    let ran = took.saturating_sub(micros(&built["usage"]["wall_time_us"]));
    // Those that are to be slow, or to burn time, are known to take it; two do at a time.
    let others = ran.saturating_sub(mix.known_time() / 2);
    let each = others / u32::try_from(CASES).expect("a number of cases");
    figure(format!(
        "{}: {CASES} cases in {:.1} s, two at a time: {:.2} ms each without those that must run into a time limit; {}",
        who.name(),
        ran.as_secs_f64(),
        each.as_secs_f64() * 1000.0,
        mix.count()
    ));
}

fn micros(value: &Value) -> std::time::Duration {
    std::time::Duration::from_micros(value.as_u64().expect("a time"))
}

fn parallel_changes_nothing(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mix = Mix::of(96);
    let mut verdicts = Vec::new();
    let mut times = Vec::new();
    for parallel in [1, 2] {
        let start = Instant::now();
        let job = daemon.run(&mix.request(parallel));
        times.push(start.elapsed().as_millis());
        mix.is_told_apart(&job["steps"][1]);
        let step = job["steps"][1].clone();
        verdicts
            .push((job["status"].clone(), statuses(&step).into_iter().map(String::from).collect::<Vec<_>>()));
    }
    assert_eq!(verdicts[0], verdicts[1]);
    figure(format!(
        "{}: 96 cases one by one in {} ms, two at a time in {} ms",
        who.name(),
        times[0],
        times[1]
    ));
}

fn told_as_they_end(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mix = Mix::of(96);
    let id = daemon.submit(&mix.request(1));
    let mut listening = Listening::to(daemon.address, &id, None);
    let early = listening.read_until("case_ended");
    let first = early.last().expect("an event").data.clone();
    assert_eq!((&first["type"], &first["step"]), (&json!("case_ended"), &json!("judge")), "{first}");
    let now = daemon.job(&id);
    assert_eq!(now["status"], "running", "the first case is told before the last ends");
    let so_far = now["steps"][1]["cases"].as_array().map_or(0, Vec::len);
    assert!((1..96).contains(&so_far), "{so_far} of 96 cases are known");
    let mut all = early;
    all.extend(listening.read_all());
    let job = daemon.ended(&id);
    let told = ended_cases(&all);
    assert!(told.iter().map(|(index, _)| *index).eq(0..96), "one at a time they end in their order");
    answered_as_told(&job, told);
    // Two at a time in whichever order they end, each with its place.
    let id = daemon.submit(&mix.request(2));
    let told = ended_cases(&Listening::to(daemon.address, &id, None).read_all());
    answered_as_told(&daemon.ended(&id), told);
}

fn ended_cases(events: &[Sent]) -> Vec<(u64, Value)> {
    let ended = events.iter().filter(|event| event.name == "case_ended").map(|event| &event.data);
    ended.map(|data| (data["index"].as_u64().expect("a place"), data["case"].clone())).collect()
}

fn answered_as_told(job: &Value, mut told: Vec<(u64, Value)>) {
    told.sort_by_key(|(index, _)| *index);
    let told: Vec<Value> = told.into_iter().map(|(_, case)| case).collect();
    assert_eq!(job["steps"][1]["cases"], json!(told), "the job has just what was told");
}

fn fail_fast(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mix = Mix::of(96);
    let mut request = mix.request(1);
    request["steps"][1]["fail_fast"] = json!(true);
    let job = daemon.run(&request);
    let first = mix.first_wrong_place();
    let told = statuses(&job["steps"][1]);
    assert_eq!(told.len(), 96);
    assert!(told[..first].iter().all(|status| *status == "succeeded"), "{told:?}");
    assert_eq!(told[first], mix.first_wrong().expect("there are wrong ones").status());
    assert!(told[first + 1..].iter().all(|status| *status == "skipped"), "{told:?}");
    assert_eq!(job["status"], told[first], "{}", job["cause"]);
}

fn a_checker_decides(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let split = "#include <iostream>\nint main(int n, char **a) { long long s; std::cin >> s; std::string w = n > 1 ? a[1] : \"\";\n\
        if (w == \"wrong\") std::cout << s << ' ' << 1 << '\\n'; else if (w == \"few\") std::cout << s << '\\n';\n\
        else std::cout << s - 7 << ' ' << 7 << '\\n'; }";
    let case = |args: Value, sum: &str, answer: &str| json!({"args": args, "stdin": {"text": sum}, "expect": {"stdout": answer, "checker": {"command": ["./checker"]}}});
    let cases = [
        (case(json!([]), "40", "40"), "succeeded", "right"),
        (case(json!(["wrong"]), "40", "40"), "wrong_output", "40 + 1 is not 40"),
        (case(json!(["few"]), "40", "40"), "wrong_output", "two numbers are needed"),
        // Exit code 3 is the checker's own failure, not the program's.
        (case(json!([]), "40", "41"), "failed", "the answer is not the input's"),
    ];
    let list: Vec<&Value> = cases.iter().map(|(case, _, _)| case).collect();
    let job = daemon.run(&json!({
        "files": [{"path": "split.cpp", "text": split}, {"path": "checker.cpp", "text": include_str!("cases/checker.cpp")}],
        "steps": [build("split.cpp", "split"), build("checker.cpp", "checker"),
                  {"name": "judge", "command": ["./split"], "cases": list}]
    }));
    let step = &job["steps"][2];
    for (told, (_, status, said)) in step["cases"].as_array().expect("cases").iter().zip(&cases) {
        assert_eq!(told["status"], *status, "{told}");
        assert_eq!(told["checker"].as_str().map(str::trim), Some(*said), "{told}");
        let kind = if *status == "succeeded" { &Value::Null } else { &json!("checker") };
        assert_eq!(&told["cause"]["kind"], kind, "{told}");
    }
    assert_eq!(job["status"], "wrong_output", "{}", job["cause"]);
}

fn how_outputs_are_compared(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let table = [
        ("exact", "a b\n", "a b\n", true),
        ("exact", "a b\n", "a b", false),
        ("exact", "a b\r\n", "a b\n", false),
        ("trim", "a b  \n\n\n", "a b", true),
        ("trim", "a b\r\n", "a b\n", true),
        ("trim", "a  b\n", "a b\n", false),
        ("trim", " a\n", "a\n", false),
        ("trim", "a\n\nb\n", "a\nb\n", false),
        ("tokens", " a\n\n  b\tc ", "a b c", true),
        ("tokens", "a bc", "a b c", false),
        ("tokens", "a b", "a b c", false),
        ("float", "0.33333334 text 1e3", "0.33333333 text 1000", true),
        ("float", "0.3334", "0.3333", false),
        ("float", "1000000.5", "1000000.0", true),
        ("float", "nan", "1", false),
        ("float", "text 1", "other 1", false),
    ];
    let cases: Vec<Value> = table
        .iter()
        .map(|(how, printed, expected, _)| {
            json!({"stdin": {"text": printed}, "expect": {"stdout": expected, "compare": how}})
        })
        .collect();
    let job =
        daemon.run(&json!({"steps": [{"name": "judge", "command": ["cat"], "cases": cases, "parallel": 2}]}));
    let told = job["steps"][0]["cases"].as_array().expect("cases");
    assert_eq!(told.len(), table.len(), "{job}");
    for (told, (how, printed, expected, right)) in told.iter().zip(&table) {
        let status = if *right { "succeeded" } else { "wrong_output" };
        assert_eq!(told["status"], status, "{how}: {printed:?} for {expected:?}: {told}");
        if !right {
            assert_eq!(told["cause"]["kind"], "output", "{told}");
            assert!(told["cause"]["detail"].as_str().is_some_and(|detail| detail.len() > 10), "{told}");
        }
    }
}

/// What is only partly kept cannot be told to be right, unless the limit itself ends it.
fn flooding_what_is_expected(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let case = json!({"stdin": {"text": "y\n"}, "expect": {"stdout": "y\n"}});
    let request = |on_limit: &str| {
        json!({"on_output_limit": on_limit, "limits": {"output_bytes": 1000},
            "steps": [{"name": "judge", "command": ["head", "-c", "5000", "/dev/zero"], "cases": [case]}]})
    };
    let cut = daemon.run(&request("truncate"));
    let told = &cut["steps"][0]["cases"][0];
    assert_eq!(
        (&told["status"], &told["cause"]["kind"]),
        (&json!("wrong_output"), &json!("output")),
        "{told}"
    );
    assert_eq!(
        (&told["stdout"]["bytes"], &told["stdout"]["truncated"]),
        (&json!(5000), &json!(true)),
        "{told}"
    );
    let ended = daemon.run(&request("kill"));
    assert_eq!(ended["steps"][0]["cases"][0]["status"], "output_exceeded", "{ended}");
}
