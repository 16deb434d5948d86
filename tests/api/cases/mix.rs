use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

/// Of the slow ones alone: a busy host may not let the others have their CPU time for long.
const WALL_MS: u64 = 300;
const CPU_MS: u64 = 100;
const LONG_MS: u64 = 20_000;

/// What a case of the mix does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Right,
    Lie,
    Slow,
    Burn,
    Crash,
    Flood,
    Eat,
    Exit,
}

const WRONG: [What; 7] = [What::Lie, What::Slow, What::Burn, What::Crash, What::Flood, What::Eat, What::Exit];

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Right => "right",
            Self::Lie => "lie",
            Self::Slow => "slow",
            Self::Burn => "burn",
            Self::Crash => "crash",
            Self::Flood => "flood",
            Self::Eat => "eat",
            Self::Exit => "exit",
        }
    }

    pub(super) fn status(self) -> &'static str {
        match self {
            Self::Right => "succeeded",
            Self::Lie => "wrong_output",
            Self::Slow | Self::Burn => "timed_out",
            Self::Crash => "signaled",
            Self::Flood => "output_exceeded",
            Self::Eat => "memory_exceeded",
            Self::Exit => "failed",
        }
    }

    /// The limit that ended it, its signal, and its exit code.
    fn marks(self) -> (Value, Value, Value) {
        let limit = |name: &str| json!(name);
        match self {
            Self::Right | Self::Lie => (Value::Null, Value::Null, json!(0)),
            Self::Slow => (limit("wall_time_ms"), Value::Null, Value::Null),
            Self::Burn => (limit("cpu_time_ms"), Value::Null, Value::Null),
            Self::Crash => (Value::Null, json!("SIGSEGV"), Value::Null),
            Self::Flood => (limit("output_bytes"), Value::Null, Value::Null),
            Self::Eat => (limit("memory_bytes"), Value::Null, Value::Null),
            Self::Exit => (Value::Null, Value::Null, json!(3)),
        }
    }
}

/// Mostly right cases, with the others at known places.
#[derive(Debug)]
pub(super) struct Mix(Vec<What>);

impl Mix {
    /// A wrong one at every 31st place: all kinds, in front, behind, and beside each other's neighbours.
    pub(super) fn of(cases: usize) -> Self {
        const FIRST: usize = 5;
        // Few enough of each in a short mix, and every kind in it.
        let apart = if cases < 500 { 13 } else { 31 };
        let what = |place: usize| {
            let wrong = place >= FIRST && (place - FIRST).is_multiple_of(apart);
            if wrong { WRONG[(place - FIRST) / apart % WRONG.len()] } else { What::Right }
        };
        Self((0..cases).map(what).collect())
    }

    pub(super) fn request(&self, parallel: u32) -> Value {
        let case = |(place, what): (usize, &What)| {
            let (a, b) = (place as u64 * 7919, 1_000_000_007_u64);
            let limits = if *what == What::Slow { json!({"wall_time_ms": WALL_MS}) } else { json!({}) };
            json!({"name": format!("{}-{place}", what.word()), "limits": limits,
                "stdin": {"text": format!("{} {a} {b}\n", what.word())},
                "expect": {"stdout": format!("{}\n", a + b)}})
        };
        let cases: Vec<Value> = self.0.iter().enumerate().map(case).collect();
        json!({"files": [{"path": "solution.cpp", "text": include_str!("solution.cpp")}], "on_output_limit": "kill",
            "steps": [build("solution.cpp", "solution"),
                {"name": "judge", "command": ["./solution"], "cases": cases, "parallel": parallel,
                 "limits": {"wall_time_ms": LONG_MS, "cpu_time_ms": CPU_MS, "memory_bytes": 64 << 20, "output_bytes": 64 << 10}}]})
    }

    pub(super) fn is_told_apart(&self, step: &Value) {
        let told = step["cases"].as_array().expect("a step with cases");
        assert_eq!(told.len(), self.0.len(), "{}", step["cause"]);
        for (place, (told, what)) in told.iter().zip(&self.0).enumerate() {
            assert_eq!(told["name"], format!("{}-{place}", what.word()), "results keep their order");
            assert_eq!(told["status"], what.status(), "{told}");
            let (limit, signal, code) = what.marks();
            assert_eq!(told["cause"]["limit"], limit, "{told}");
            if !signal.is_null() {
                assert_eq!(told["signal"], signal, "{told}");
            }
            if !code.is_null() {
                assert_eq!(told["exit_code"], code, "{told}");
            }
        }
    }

    fn wrong(&self) -> impl Iterator<Item = (usize, What)> {
        self.0.iter().copied().enumerate().filter(|(_, what)| *what != What::Right)
    }

    pub(super) fn first_wrong_place(&self) -> usize {
        self.wrong().next().map_or(self.0.len(), |(place, _)| place)
    }

    pub(super) fn first_wrong(&self) -> Option<What> {
        self.wrong().next().map(|(_, what)| what)
    }

    /// What limits of time let pass.
    pub(super) fn known_time(&self) -> Duration {
        let of = |what: What| match what {
            What::Slow => WALL_MS,
            What::Burn => CPU_MS,
            _ => 0,
        };
        Duration::from_millis(self.wrong().map(|(_, what)| of(what)).sum())
    }

    pub(super) fn count(&self) -> String {
        let mut count: BTreeMap<What, usize> = BTreeMap::new();
        for what in &self.0 {
            *count.entry(*what).or_default() += 1;
        }
        let parts: Vec<_> = count.iter().map(|(what, count)| format!("{count} {}", what.word())).collect();
        parts.join(", ")
    }
}

pub(super) fn build(from: &str, to: &str) -> Value {
    json!({"name": format!("build-{to}"), "command": ["g++", "-O1", "-o", to, from], "profile": "build",
        "limits": {"memory_bytes": 1_u64 << 30, "wall_time_ms": 60_000, "cpu_time_ms": 60_000}})
}
