use std::env;

use serde_json::Value as Json;

use super::*;
use crate::settings::SettingsFile;

const MACHINE: Machine = Machine { memory_bytes: 64 << 30, cpus: 8, open_files: 4096, stack_bytes: u64::MAX };

/// As if the file had been read from there.
fn layers(text: &str, variables: &[(&str, &str)], flags: Settings) -> Layers {
    let path = env::temp_dir().join(format!("stockade-shown-{}-{}.toml", std::process::id(), text.len()));
    std::fs::write(&path, text).expect("a temporary file");
    let file = SettingsFile::read(path.clone());
    std::fs::remove_file(&path).expect("removed");
    let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let (environment, unknown) = Settings::from_env(variables).expect("variables");
    Layers { file: Some(file.expect("a settings file")), environment, flags, unknown }
}

fn of(all: &[Shown], key: &str) -> (Option<String>, String) {
    let found = all.iter().find(|shown| shown.key == key);
    let found = found.unwrap_or_else(|| panic!("{key} is missing of {all:?}"));
    let origin = found.origin.to_string();
    let origin = origin.rsplit_once(':').map_or(origin.clone(), |(_, line)| format!("line {line}"));
    (found.value.as_ref().map(ToString::to_string), origin)
}

#[test]
fn every_value_tells_where_it_is_from() {
    let text = "max_running = 3\nlisten = 'unix:/s'\n\n[limits.cap]\n\npids = 9\ncpus = 1.5\n\n[tenants.'a.b']\nweight = 2\n";
    let variables = [("STOCKADE_LIMITS_CAP_CPUS", "2"), ("STOCKADE_RETENTION_MAX_BYTES", "5")];
    let flags = Settings { max_running: Some(4), ..Settings::default() };
    let all = of_layers(&layers(text, &variables, flags), &MACHINE).expect("settings");
    let some = |value: &str, origin: &str| (Some(value.to_owned()), origin.to_owned());
    assert_eq!(of(&all, "max_running"), some("4", "flag"));
    assert_eq!(of(&all, "listen"), some("[\"unix:/s\"]", "line 2"));
    assert_eq!(of(&all, "limits.cap.pids"), some("9", "line 6"));
    assert_eq!(of(&all, "limits.cap.cpus"), some("2.0", "environment STOCKADE_LIMITS_CAP_CPUS"));
    assert_eq!(of(&all, "retention.max_bytes"), some("5", "environment STOCKADE_RETENTION_MAX_BYTES"));
    assert_eq!(of(&all, "tenants.\"a.b\".weight"), some("2", "line 10"));
    // Follows the lower cap, and is built in all the same.
    assert_eq!(of(&all, "limits.default.pids"), some("9", "default"));
    assert_eq!(of(&all, "durability"), some("\"process\"", "default"));
    assert_eq!(of(&all, "policies"), (None, "default".into()));
}

#[test]
fn what_is_shown_is_what_is_in_force() {
    let nothing = layers("", &[], Settings::default());
    let all = of_layers(&nothing, &MACHINE).expect("settings");
    let lines =
        all.iter().filter_map(|Shown { key, value, .. }| Some(format!("{key} = {}\n", value.as_ref()?)));
    let again = lines.collect::<String>();
    let again = Config::resolve(toml::from_str(&again).expect("settings"), &MACHINE).expect("accepted");
    let config = Config::resolve(Settings::default(), &MACHINE).expect("accepted");
    // The one default that is filled in later, where it is needed.
    let state_dir = state_dir_name(&config).ok();
    assert_eq!(format!("{again:?}"), format!("{:?}", Config { state_dir, ..config }));
    let keys: BTreeSet<_> = all.iter().map(|shown| shown.key.split('.').next().unwrap_or_default()).collect();
    let schema = schema();
    let known: BTreeSet<_> =
        schema.get("properties").and_then(Json::as_object).expect("keys").keys().collect();
    assert!(known.iter().all(|key| keys.contains(key.as_str())), "{known:?} are not all of {keys:?}");
}

#[test]
fn secrets_are_covered() {
    let path = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
    assert_eq!(covered(&path(&["telemetry", "otlp_headers"]), &"k=v".into()), "***".into());
    let mirrors = Value::from(vec!["https://me:pw@mirror.example/x@y", "https://mirror.example"]);
    let shown = covered(&path(&["registries", "docker.io", "mirrors"]), &mirrors).to_string();
    assert_eq!(shown, "[\"https://***@mirror.example/x@y\", \"https://mirror.example\"]");
    assert_eq!(covered(&path(&["tls_key"]), &"/k.pem".into()), "/k.pem".into());
}

/// What a schema of ours can say; a word that is not known here fails.
fn fits(schema: &Json, root: &Json, value: &Json) -> Result<(), String> {
    if let Some(place) = schema["$ref"].as_str() {
        let target = root.pointer(place.trim_start_matches('#')).ok_or(format!("no {place}"))?;
        return fits(target, root, value);
    }
    if let Some(any) = schema["anyOf"].as_array() {
        let fitting = any.iter().any(|schema| fits(schema, root, value).is_ok());
        return fitting.then_some(()).ok_or(format!("{value} fits none of {any:?}"));
    }
    let kinds: Vec<_> = match &schema["type"] {
        Json::Array(all) => all.iter().filter_map(Json::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let kind = match value {
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.is_u64() => "integer",
        _ => "number",
    };
    let whole = kind == "integer" && kinds.contains(&"number");
    if !whole && !kinds.contains(&kind) {
        return Err(format!("{value} is not {kinds:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{value} is none of {words:?}"));
    }
    for value in value.as_array().into_iter().flatten() {
        fits(&schema["items"], root, value)?;
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(property), _) => fits(property, root, value)?,
            (None, Json::Object(rest)) => fits(&rest.clone().into(), root, value)?,
            _ => return Err(format!("there is no `{key}`")),
        }
    }
    Ok(())
}

/// By the schema, and by what reads the file.
fn both(text: &str) -> (Result<(), String>, Result<(), String>) {
    let root = schema().to_value();
    let value: Table = text.parse().expect("TOML");
    let value = serde_json::to_value(value).expect("TOML without dates is JSON");
    let read = toml::from_str::<Settings>(text).map(drop).map_err(|error| error.to_string());
    (fits(&root, &root, &value), read)
}

#[test]
fn examples_fit_the_schema() {
    let readme = include_str!("../../../../README.md");
    // Bundles are TOML too, and have a schema of their own.
    let blocks = readme.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut examples: Vec<_> =
        blocks.filter(|block| !block.contains("[[policy]]")).map(String::from).collect();
    assert!(examples.len() >= 2, "the README shows settings");
    let package = include_str!("../../../cli/package/stockade.toml");
    // What is commented out as well: it is there to be uncommented.
    let setting = |line: &&str| line.contains(" = ") || line.starts_with('[');
    let lines = package.lines().map(|line| line.strip_prefix("# ").filter(setting).unwrap_or(line));
    let whole = lines.collect::<Vec<_>>().join("\n");
    assert!(whole.contains("\n[limits.cap]"), "{whole}");
    examples.extend([package.to_owned(), whole]);
    for example in examples {
        assert_eq!(both(&example), (Ok(()), Ok(())), "{example}");
    }
}

#[test]
fn schema_and_reader_refuse_the_same() {
    for text in [
        "lissten = 'x'",
        "[limits.cap]\nram = 1",
        "[registries.\"docker.io\"]\nmirror = []",
        "listen = 5",
        "max_running = 'many'",
        "log_format = 'xml'",
        "[tenants.a]\nmax_runing = 1",
    ] {
        let (schema, reader) = both(text);
        assert!(schema.is_err() && reader.is_err(), "{text}: {schema:?}, {reader:?}");
    }
}
