//! What came out of a job, held against what must.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use support::{Client, Response};

use crate::attack::{Expect, Variant};
use crate::bait::Bait;
use crate::golden;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Held,
    /// The kernel lacks what is attacked.
    Skipped(String),
}

/// The exit code of `skipped` in `attack.h`.
const SKIPPED: i64 = 77;

pub(crate) fn answer(variant: Variant<'_>, bait: &Bait, answer: &Response) -> Result<Outcome, String> {
    if let Some(secret) = bait.found_in(&answer.body) {
        return Err(format!("the answer has {secret}: {}", answer.text()));
    }
    match answer.status {
        200 => job(variant, bait, &answer.json()),
        // For what it says, not for when it came: 429 would be a full queue.
        400 | 422 if variant.attack.expect.contains(&Expect::Rejected) => Ok(Outcome::Held),
        status => Err(format!("answered with {status}: {}", answer.text())),
    }
}

pub(crate) fn job(variant: Variant<'_>, bait: &Bait, job: &Value) -> Result<Outcome, String> {
    let step = &job["steps"][0];
    let (stdout, stderr) = (printed(&step["stdout"]), printed(&step["stderr"]));
    let shown = || {
        let mut text = format!("{} {} (exit code {})", job["status"], job["cause"], step["exit_code"]);
        let worth = |line: &&str| line.starts_with("ESCAPED") || line.starts_with("UNCLEAR");
        for line in stdout.lines().filter(worth).chain(stdout.lines().rev().take(1)).take(20) {
            write!(text, "\n  {line}").ok();
        }
        text + "\n  stderr: " + &stderr.chars().take(500).collect::<String>()
    };
    for (name, output) in [("stdout", &stdout), ("stderr", &stderr)] {
        if let Some(secret) = bait.found_in(output.as_bytes()) {
            return Err(format!("{name} has {secret}"));
        }
        if output.lines().any(|line| line.starts_with("ESCAPED")) {
            return Err(shown());
        }
    }
    within_limits(variant, job)?;
    artifacts(variant, job)?;
    let last = stdout.lines().last().unwrap_or_default();
    if step["exit_code"] == SKIPPED
        && let Some(why) = last.strip_prefix("skipped: ")
    {
        return Ok(Outcome::Skipped(why.into()));
    }
    let mut golden_error = None;
    let mut fits = |expect: &Expect| match expect {
        Expect::Refused => job["status"] == "succeeded" && last == "refused",
        Expect::Status(word) => job["status"] == word.as_str(),
        Expect::Golden if job["status"] == "succeeded" => {
            golden_error = golden::check(variant.profile, &stdout).err();
            golden_error.is_none()
        }
        Expect::Golden | Expect::Rejected => false,
    };
    if variant.attack.expect.iter().any(&mut fits) {
        Ok(Outcome::Held)
    } else {
        Err(golden_error.unwrap_or_else(|| format!("expected {:?}: {}", variant.attack.expect, shown())))
    }
}

/// An output as it was printed, bytes that are no text aside.
fn printed(output: &Value) -> String {
    let text = output["text"].as_str().unwrap_or_default();
    if output["encoding"] == "base64" {
        let bytes = STANDARD.decode(text).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    } else {
        text.into()
    }
}

/// The daemon's own figures may not say that a job had more than it was allowed.
fn within_limits(variant: Variant<'_>, job: &Value) -> Result<(), String> {
    let usage = &job["steps"][0]["usage"];
    // What stands in for a limit that the header leaves out: the defaults of a daemon without settings.
    let defaults = [("memory_bytes", "memory_peak_bytes", 512 << 20), ("pids", "pids_peak", 128)];
    for (limit, peak, default) in defaults {
        let allowed = variant.attack.limits.get(limit).copied().unwrap_or(default);
        if let Some(used) = usage[peak].as_u64().filter(|used| *used > allowed) {
            return Err(format!("{peak} is {used}, {limit} was {allowed}"));
        }
    }
    match job["isolation"]["degraded"].as_array() {
        Some(missing) if !missing.is_empty() => Err(format!("ran without {missing:?}")),
        _ => Ok(()),
    }
}

fn artifacts(variant: Variant<'_>, job: &Value) -> Result<(), String> {
    let list = |name: &str| job[name].as_array().cloned().unwrap_or_default();
    let (collected, errors) = (list("artifacts"), list("artifact_errors"));
    let of = |list: &[Value], path: &str| list.iter().find(|entry| entry["path"] == path).cloned();
    for (path, bytes) in &variant.attack.collected {
        if of(&collected, path).is_none_or(|artifact| artifact["bytes"] != *bytes) {
            return Err(format!("{path} of {bytes} bytes was not collected: {collected:?} {errors:?}"));
        }
    }
    for wanted in &variant.attack.uncollected {
        if let Some(artifact) = of(&collected, &wanted.path) {
            return Err(format!("collected: {artifact}"));
        }
        match of(&errors, &wanted.path) {
            Some(error) if error["code"] == wanted.code.as_str() => {}
            None if wanted.or_absent => {}
            other => return Err(format!("{}: not reported as {}: {other:?}", wanted.path, wanted.code)),
        }
    }
    Ok(())
}

/// What was collected is also served, and none of it is the host's.
pub(crate) fn served(client: &mut Client, bait: &Bait, job: &Value) -> Result<(), String> {
    for artifact in job["artifacts"].as_array().into_iter().flatten() {
        let path = artifact["path"].as_str().unwrap_or_default();
        let id = job["id"].as_str().unwrap_or_default();
        let answer = client.get(&format!("/jobs/{id}/artifacts/{}", escaped(path)));
        if answer.status != 200 {
            return Err(format!("{path} was collected and not served: {}", answer.text()));
        }
        if let Some(secret) = bait.found_in(&answer.body) {
            return Err(format!("artifact {path} has {secret}"));
        }
    }
    Ok(())
}

/// A path as it stands in a URL.
fn escaped(path: &str) -> String {
    path.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").ok();
        }
        text
    })
}
