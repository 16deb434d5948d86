//! `policy bench`: a row of figures for each hook that a policy has.

use support::{Case, Temp, Who, cases, run};

pub(crate) fn cases() -> Vec<Case> {
    // Nothing of it depends on who asks.
    cases![every_hook_has_its_row].into_iter().map(|case| case.only(&[Who::User])).collect()
}

const CALLS: &str = "10";

/// What a plugin's folder has for this command, its settings, and each hook with what it says of `true`.
type Plugin = (
    &'static str,
    &'static str,
    &'static str,
    &'static [u8],
    &'static str,
    &'static [(&'static str, &'static str)],
);

macro_rules! plugin {
    ($name:literal, $settings:literal, $hooks:expr) => {
        (
            $name,
            include_str!(concat!("../../plugins/", $name, "/policy.toml")),
            include_str!(concat!("../../plugins/", $name, "/settings.schema.json")),
            include_bytes!(concat!("../../plugins/", $name, "/", $name, ".wasm")),
            $settings,
            &$hooks,
        )
    };
}

/// One that only follows jobs, and one that only admits them.
fn every_hook_has_its_row(who: Who) {
    let plugins: [Plugin; 2] = [
        plugin!("audit-log", "{}", [("on_started", "allow"), ("on_exited", "allow")]),
        plugin!(
            "label-defaults",
            r#"{"defaults": {"team": "red"}}"#,
            [("mutation", "mutate"), ("validation", "allow")]
        ),
    ];
    for (name, metadata, schema, component, settings, hooks) in plugins {
        // Not the clone's, which may lie in a folder only its owner can enter.
        let folder = Temp::new();
        folder.file("policy.toml", metadata);
        folder.file("settings.schema.json", schema);
        folder.file(&format!("{name}.wasm"), component);
        let dir = folder.path().to_str().expect("a path of text");

        let bench = ["policy", "bench", dir, "--calls", CALLS, "--settings", settings];
        let told = run(who, &[&bench[..], &["--json"]].concat());
        assert_eq!(told.code, 0, "{name}: {told:?}");
        let all = told.json();
        let rows = all.as_array().expect("a list");
        let word = |row: &serde_json::Value, key: &str| row[key].as_str().expect("a word").to_owned();
        let words: Vec<_> = rows.iter().map(|row| (word(row, "hook"), word(row, "verdict"))).collect();
        let wanted: Vec<_> = hooks.iter().map(|(hook, said)| (hook.to_string(), said.to_string())).collect();
        assert_eq!(words, wanted, "{name}: {all}");
        for row in rows {
            assert_eq!(row["calls"], 10, "{row}");
            let figure = |key: &str| row[key].as_f64().unwrap_or_else(|| panic!("no {key}: {row}"));
            assert!(figure("p50_us") > 0.0 && figure("p50_us") <= figure("p99_us"), "{row}");
            assert!(figure("p99_us") <= figure("max_us"), "{row}");
        }

        let table = run(who, &bench);
        let lines: Vec<_> = table.text().lines().map(str::to_owned).collect();
        assert_eq!((table.code, lines.len()), (0, 1 + hooks.len()), "{name}: {table:?}");
        for (line, (hook, _)) in lines.iter().skip(1).zip(hooks) {
            let cells: Vec<_> = line.split_whitespace().collect();
            assert!(cells.first() == Some(hook) && cells.len() == 7, "{line}");
            let positive = |cell: &&str| cell.parse::<f64>().is_ok_and(|figure| figure > 0.0);
            assert!(cells.iter().skip(3).all(positive), "{line}");
        }
    }
}
