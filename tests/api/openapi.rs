//! The OpenAPI document: what it says is what the router has, what is answered is what it says, and no change of it goes
//! unseen. `STOCKADE_BLESS=1` writes the snapshot anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use support::{Case, Daemon, Who, cases};

const ROUTER: &str = include_str!("../../src/api/router.rs");

pub(crate) fn cases() -> Vec<Case> {
    cases![the_snapshot, every_route_and_no_other, answers_have_no_field_untold, documents_for_everybody]
        .into_iter()
        // The same for every user of the machine.
        .map(|case| case.only(&[Who::User]))
        .collect()
}

fn document(daemon: &Daemon) -> Value {
    let answer = daemon.client().get("/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    answer.json()
}

fn the_snapshot(who: Who) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("api/openapi.json");
    let told = Daemon::start(who, &[]).client().get("/openapi.json").text();
    if std::env::var_os("STOCKADE_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(&path, &told).expect("the snapshot can be written");
        return;
    }
    let known = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = |(line, (was, is)): (usize, (&str, &str))| {
        (was != is).then(|| format!("{}:{}:\n- {was}\n+ {is}", path.display(), line + 1))
    };
    let first = known.lines().zip(told.lines()).enumerate().find_map(differs);
    assert!(
        known == told,
        "STOCKADE_BLESS=1 writes it anew. {}",
        first.unwrap_or_else(|| "One is longer.".into())
    );
}

/// The paths are compared with the router's text, the methods with what the router answers.
fn every_route_and_no_other(who: Who) {
    let routes = ROUTER.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next());
    let routes: BTreeSet<String> = routes.map(|route| route.replace("{*", "{")).collect();
    let daemon = Daemon::start(who, &[]);
    let document = document(&daemon);
    let paths = document["paths"].as_object().expect("an object");
    assert_eq!(paths.keys().cloned().collect::<BTreeSet<_>>(), routes);
    for (path, item) in paths {
        let methods = item.as_object().expect("an object").keys().map(|method| method.to_uppercase());
        let mut told: BTreeSet<String> = methods.collect();
        // RFC 9110 §9.1: whatever has GET has HEAD.
        if told.contains("GET") {
            told.insert("HEAD".into());
        }
        let target = path.replace(['{', '}'], "");
        let refused = daemon.client().request("OPTIONS", &target, &[], b"");
        assert_eq!(refused.status, 405, "{path}: {}", refused.text());
        let allowed = refused.header("allow").unwrap_or_default();
        let allowed: BTreeSet<String> = allowed.split(',').map(|method| method.trim().to_owned()).collect();
        assert_eq!(told, allowed, "{path}");
    }
}

fn answers_have_no_field_untold(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let document = document(&daemon);
    let check = |path: &str, status: &str, answer: &Value| {
        let place = path.replace('~', "~0").replace('/', "~1");
        let (method, path) = place.split_once(' ').expect("a method and a path");
        let pointer = format!("/paths/{path}/{method}/responses/{status}/content");
        let contents = document.pointer(&pointer).unwrap_or_else(|| panic!("{pointer} is not told"));
        let content = contents.as_object().and_then(|kinds| kinds.values().next()).expect("a body");
        let untold = untold(&document, &content["schema"], answer, "");
        assert_eq!(untold, Vec::<String>::new(), "{answer}");
    };
    let request = json!({
        "files": [{"path": "in/a", "text": "a"}],
        "steps": [{"name": "one", "command": ["cat", "in/a"]}, {"name": "two", "command": ["sh", "-c", "exit 3"]}, {"command": ["true"]}],
        "artifacts": ["in/*"], "labels": {"a": "b"},
    });
    let job = daemon.run(&request);
    assert_eq!(job["status"], "failed", "{job}");
    check("post /jobs", "200", &job);
    let id = job["id"].as_str().expect("an id");
    let limited = daemon.run(&json!({"command": ["sleep", "9"], "limits": {"wall_time_ms": 50}}));
    check("post /jobs", "200", &limited);
    let mut client = daemon.client();
    check("get /jobs/{id}", "200", &client.get(&format!("/jobs/{id}")).json());
    check("get /jobs", "200", &client.get("/jobs").json());
    check("get /jobs/{id}/events", "200", &client.get(&format!("/jobs/{id}/events")).json());
    let preview = client.post("/jobs?dry_run=true", &request).json();
    assert_eq!(preview["verdict"], "admit", "{preview}");
    check("post /jobs", "200", &preview);
    check("post /jobs", "422", &client.post("/jobs", &json!({"command": [""], "user": "root"})).json());
    for path in ["/capabilities", "/policies", "/usage", "/healthz", "/readyz", "/version"] {
        check(&format!("get {path}"), "200", &client.get(path).json());
    }
}

/// Pointers of fields that the schema does not have.
fn untold(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    match value {
        Value::Array(items) => {
            let mut schemas = forms(document, schema).into_iter().filter_map(|form| form.get("items"));
            let schema = schemas.next_back().unwrap_or(&Value::Null);
            let items = items.iter().enumerate();
            items.flat_map(|(i, item)| untold(document, schema, item, &format!("{at}/{i}"))).collect()
        }
        Value::Object(fields) => {
            let forms = forms(document, schema);
            let mut known = BTreeMap::<&str, Vec<&Value>>::new();
            for (name, field) in forms.iter().filter_map(|form| form["properties"].as_object()).flatten() {
                known.entry(name).or_default().push(field);
            }
            let free = forms.iter().any(|form| form["additionalProperties"] == true);
            let any =
                forms.iter().find_map(|form| form.get("additionalProperties").filter(|any| any.is_object()));
            let of_field = |(name, value): (&String, &Value)| {
                let at = format!("{at}/{name}");
                match (known.get(name.as_str()), any) {
                    // A field of several forms is told by one of them.
                    (Some(schemas), _) => {
                        let tries = schemas.iter().map(|schema| untold(document, schema, value, &at));
                        tries.min_by_key(Vec::len).unwrap_or_default()
                    }
                    (None, Some(schema)) => untold(document, schema, value, &at),
                    (None, None) if free => Vec::new(),
                    (None, None) => vec![at],
                }
            };
            fields.iter().flat_map(of_field).collect()
        }
        _ => Vec::new(),
    }
}

/// A schema and all that it refers to.
fn forms<'a>(document: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut all = vec![schema];
    let reference = schema["$ref"].as_str().and_then(|path| document.pointer(path.trim_start_matches('#')));
    let choices = ["anyOf", "oneOf"].into_iter().filter_map(|key| schema[key].as_array()).flatten();
    for form in reference.into_iter().chain(choices) {
        all.extend(forms(document, form));
    }
    all
}

fn documents_for_everybody(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut client = daemon.client();
    for path in ["/openapi.json", "/docs"] {
        let answer = client.get(path);
        assert_eq!(answer.status, 200, "{path}");
        let tag = answer.header("etag").expect("a validator").to_owned();
        let again = client.request("GET", path, &[("if-none-match", &tag)], b"");
        assert_eq!((again.status, again.text().as_str()), (304, ""), "{path}");
    }
    let page = client.get("/docs");
    let policy = page.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    let text = page.text();
    for path in document(&daemon)["paths"].as_object().expect("an object").keys() {
        assert!(text.contains(path.as_str()), "{path} is not on the page");
    }
    assert!(!text.contains("<script") && !text.contains("src="), "the page loads something");
}
