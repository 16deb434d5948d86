//! The jobs that are sent, and how each must end when nothing comes between.

use serde_json::{Value, json};
use support::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    True,
    Short,
    Long,
    Printing,
    Failing,
    Cases,
}

const LINES: u32 = 2000;

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::True, Self::Short, Self::Long, Self::Printing, Self::Failing, Self::Cases];

    pub(crate) fn any(random: &mut Random) -> Self {
        // Mostly short ones, so that many are in every state when the daemon is killed.
        match random.below(20) {
            0..6 => Self::True,
            6..11 => Self::Short,
            11..13 => Self::Long,
            13..16 => Self::Printing,
            16..19 => Self::Failing,
            _ => Self::Cases,
        }
    }

    /// `cookie` goes with the processes that would be seen if they stayed.
    pub(crate) fn request(self, cookie: &str) -> Value {
        let sleep = |seconds: &str| json!(["sleep", format!("{seconds}{cookie}")]);
        match self {
            Self::True => json!({"command": ["true"]}),
            Self::Short => json!({"command": sleep("0.05")}),
            Self::Long => json!({"command": sleep("0.6")}),
            Self::Printing => json!({"command": ["seq", LINES.to_string()], "artifacts": ["*"],
                "files": [{"path": "kept", "text": "a file"}]}),
            Self::Failing => json!({"command": ["sh", "-c", "echo no >&2; exit 3"]}),
            Self::Cases => json!({"steps": [{"name": "judge", "command": ["cat"], "parallel": 2,
                "cases": [{"stdin": {"text": "1"}, "expect": {"stdout": "1"}},
                          {"stdin": {"text": "2"}, "expect": {"stdout": "3"}}]}]}),
        }
    }

    pub(crate) fn status(self) -> &'static str {
        match self {
            Self::Failing => "failed",
            Self::Cases => "wrong_output",
            _ => "succeeded",
        }
    }

    /// Whether a job that ended by itself has all of what it printed.
    pub(crate) fn is_whole(self, job: &Value) -> bool {
        let step = &job["steps"][0];
        match self {
            Self::Printing => {
                let printed = step["stdout"]["text"].as_str().unwrap_or_default();
                let expected = (1..=LINES).map(|number| number.to_string());
                printed.lines().map(String::from).eq(expected) && job["artifacts"][0]["path"] == "kept"
            }
            Self::Failing => step["stderr"]["text"] == "no\n" && step["exit_code"] == 3,
            Self::Cases => {
                step["cases"][0]["status"] == "succeeded" && step["cases"][1]["status"] == "wrong_output"
            }
            _ => step["exit_code"] == 0,
        }
    }
}
