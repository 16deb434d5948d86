#![cfg_attr(target_arch = "wasm32", no_std)]
#![doc = include_str!("README.md")]

mod rules;
mod scan;
#[cfg(test)]
mod tests;

use stockade_policy::files;
use stockade_policy::fmt::cut;
use stockade_policy::glob;
use stockade_policy::prelude::*;

use rules::Rule;
use scan::{Found, Scanner};

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretScan {
    #[serde(default)]
    skip_rules: Vec<Rule>,
    #[serde(default)]
    skip_paths: Vec<String>,
    #[serde(default)]
    skip_digests: Vec<String>,
    #[serde(default = "default_max_bytes")]
    max_bytes: u64,
    #[serde(default)]
    on_secret: Reaction,
    #[serde(default)]
    on_unscanned: Reaction,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Reaction {
    #[default]
    Deny,
    Warn,
}

fn default_max_bytes() -> u64 {
    16 << 20
}

impl Policy for SecretScan {
    fn check(&self) -> Vec<SettingsError> {
        let mut errors = Vec::new();
        for (i, digest) in self.skip_digests.iter().enumerate() {
            let good = digest.strip_prefix("sha256:").is_some_and(|hex| {
                hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
            });
            if !good {
                errors.push(SettingsError::new(
                    format!("/skip_digests/{i}"),
                    "is not `sha256:` and 64 hexadecimal digits",
                ));
            }
        }
        if Rule::ALL.iter().all(|rule| self.skip_rules.contains(rule)) {
            errors.push(SettingsError::new("/skip_rules", "skips every rule"));
        }
        errors
    }
}

impl Validate for SecretScan {
    fn validate(&self, job: &Job) -> Verdict {
        let scanner = Scanner::new(&self.skip_rules);
        let mut notes = Notes::new();
        if job.commands_may_contain(&scanner.beginnings) {
            notes = self.scan_commands(&scanner, job, notes)?;
        }
        // What is looked through there is never too large for a usual `max_bytes`.
        if self.max_bytes >= files::MAX_LOOK && !files::may_contain(&scanner.beginnings) {
            return Ok(notes);
        }
        self.scan_files(&scanner, job, notes)
    }
}

impl SecretScan {
    fn scan_commands(&self, scanner: &Scanner, job: &Job, mut notes: Notes) -> Verdict {
        for step in job.steps() {
            notes = self.scan_words(scanner, step, &step.command(), "/command", notes)?;
            for (i, case) in step.cases().iter().enumerate() {
                notes = self.scan_words(scanner, step, &case.args, &format!("/cases/{i}/args"), notes)?;
                let checker = format!("/cases/{i}/expect/checker/command");
                notes = self.scan_words(scanner, step, &case.checker, &checker, notes)?;
            }
        }
        Ok(notes)
    }

    fn scan_words(
        &self,
        scanner: &Scanner,
        step: Step,
        words: &[String],
        at: &str,
        mut notes: Notes,
    ) -> Verdict {
        for (i, word) in words.iter().enumerate() {
            if let Some(found) = scanner.first(word.as_bytes()) {
                let message = format!("a command of step `{}` holds {}", step.name(), found.rule.what());
                notes = self.found(&found, message, step.pointer(&format!("{at}/{i}")), notes)?;
            }
        }
        Ok(notes)
    }

    fn scan_files(&self, scanner: &Scanner, job: &Job, mut notes: Notes) -> Verdict {
        let mut left = self.max_bytes;
        for (i, file) in job.files().iter().enumerate() {
            if self.is_skipped(job, &file.path) {
                continue;
            }
            let pointer = format!("/files/{i}");
            if file.bytes > left {
                let message = format!(
                    "file `{}` was not searched: the files together have more than {} bytes",
                    cut(&file.path, 256),
                    self.max_bytes
                );
                notes = react(self.on_unscanned, "file-not-scanned", message, pointer, notes)?;
                continue;
            }
            left -= file.bytes;
            if let Some(found) = scanner.first_in_file(&file.path) {
                let message = format!(
                    "file `{}` line {} holds {}",
                    cut(&file.path, 256),
                    found.line,
                    found.rule.what()
                );
                notes = self.found(&found, message, pointer, notes)?;
            }
        }
        Ok(notes)
    }

    fn is_skipped(&self, job: &Job, path: &str) -> bool {
        glob::matches_any(&self.skip_paths, path)
            || (!self.skip_digests.is_empty()
                && job.file_digest(path).is_some_and(|digest| self.skip_digests.contains(&digest)))
    }

    /// The secret itself is never repeated: the answer goes into logs.
    fn found(&self, found: &Found, message: String, pointer: String, notes: Notes) -> Verdict {
        react(
            self.on_secret,
            "secret-found",
            message,
            pointer,
            notes.annotation("secret-scan.rule", found.rule.name()),
        )
    }
}

fn react(reaction: Reaction, code: &str, message: String, pointer: String, notes: Notes) -> Verdict {
    match reaction {
        Reaction::Deny => Err(Denial::new(code, message).field(pointer).notes(notes)),
        Reaction::Warn => Ok(notes.warning(message)),
    }
}

stockade_policy::export!(SecretScan: validation);
stockade_policy::no_std!();
