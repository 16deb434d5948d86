use std::fmt::Write;

use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    #[serde(rename = "check")]
    pub(crate) name: &'static str,
    pub(crate) status: Status,
    /// What was seen.
    pub(crate) detail: String,
    /// What mends it.
    pub(crate) remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Pass,
    /// Works, with less: the detail says what.
    Caution,
    Fail,
}

impl Check {
    pub(crate) fn pass(name: &'static str, detail: impl Into<String>) -> Self {
        Self { name, status: Status::Pass, detail: detail.into(), remedy: None }
    }

    pub(crate) fn caution(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, status: Status::Caution, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    pub(crate) fn fail(name: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { name, status: Status::Fail, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    /// A failure that the operator allowed is only worth a caution.
    pub(crate) fn or_caution(self, allowed: bool) -> Self {
        if allowed && self.status == Status::Fail { Self { status: Status::Caution, ..self } } else { self }
    }
}

impl Status {
    fn word(self) -> (&'static str, Style) {
        match self {
            Self::Pass => ("PASS", AnsiColor::Green.on_default()),
            Self::Caution => ("CAUTION", AnsiColor::Yellow.on_default()),
            Self::Fail => ("FAIL", AnsiColor::Red.on_default().bold()),
        }
    }
}

/// One line per check, its remedy indented below it, and a last line that sums up.
pub(crate) fn table(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Check { name, status, detail, remedy } in checks {
        let (word, style) = status.word();
        // Writing to a string cannot fail, here and below.
        writeln!(text, "{style}{word:<7}{style:#}  {name:<width$}  {detail}").ok();
        if let Some(remedy) = remedy {
            let indent = " ".repeat(9 + width + 2);
            writeln!(text, "{indent}remedy: {}", remedy.replace('\n', &format!("\n{indent}        "))).ok();
        }
    }
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    let (pass, caution, fail) = (count(Status::Pass), count(Status::Caution), count(Status::Fail));
    writeln!(text, "\n{pass} passed, {caution} with caution, {fail} failed").ok();
    text
}

#[cfg(test)]
mod tests {
    use super::{Check, table};

    #[test]
    fn columns_line_up_and_remedies_are_below() {
        let checks = [Check::pass("kernel", "6.1"), Check::fail("seccomp", "off", "boot\nanother")];
        let plain = anstream::adapter::strip_str(&table(&checks)).to_string();
        let expected = "PASS     kernel   6.1\n\
                        FAIL     seccomp  off\n                  remedy: boot\n                          another\n\n\
                        1 passed, 0 with caution, 1 failed\n";
        assert_eq!(plain, expected);
    }

    #[test]
    fn json_has_the_four_fields() {
        let json = serde_json::to_string(&Check::pass("kernel", "6.1")).expect("plain data");
        assert_eq!(json, r#"{"check":"kernel","status":"PASS","detail":"6.1","remedy":null}"#);
    }
}
