//! The header's lines, `// word: value`.

use super::{Attack, Expect, Extra, Uncollected};

/// The profiles that come with Stockade.
const PROFILES: [&str; 3] = ["default", "build", "strict"];

const LIMITS: [&str; 9] = [
    "cpu_time_ms",
    "wall_time_ms",
    "memory_bytes",
    "pids",
    "output_bytes",
    "disk_bytes",
    "open_files",
    "file_bytes",
    "stack_bytes",
];

/// What a job can end with that is an expectation: `succeeded` proves nothing, and `internal_error` is our fault.
const STATUSES: [&str; 7] = [
    "failed",
    "signaled",
    "timed_out",
    "memory_exceeded",
    "output_exceeded",
    "disk_exceeded",
    "security_violation",
];

/// Values that only the harness has.
pub(crate) const SUPPLIED: [&str; 7] = [
    "HOST_PORT",
    "HOST_ADDRESS",
    "HOST_ABSTRACT",
    "HOST_SOCKET",
    "HOST_FILE",
    "HOST_STATE",
    "HOST_NAMESPACES",
];
/// The same, but the name of a variable: its value is what must not be seen.
pub(crate) const SECRET_NAME: &str = "HOST_SECRET_NAME";

const REPEATABLE: [&str; 3] = ["file", "expect-artifact", "expect-artifact-error"];

impl Attack {
    pub(crate) fn parse(name: &str, source: &str) -> Result<Self, String> {
        let mut attack = Self { name: name.into(), ..Self::default() };
        let mut seen: Vec<&str> = Vec::new();
        for (word, value) in source.lines().map_while(line) {
            if seen.contains(&word) && !REPEATABLE.contains(&word) {
                return Err(format!("`{word}` stands there twice"));
            }
            seen.push(word);
            attack.set(word, value).map_err(|detail| format!("{word}: {detail}"))?;
        }
        if let Some(missing) = ["attack", "expect"].iter().find(|word| !seen.contains(word)) {
            return Err(format!("there is no `{missing}`"));
        }
        if attack.profiles.is_empty() {
            attack.profiles.push("default".into());
        }
        Ok(attack)
    }

    fn set(&mut self, word: &str, value: &str) -> Result<(), String> {
        if value.is_empty() {
            return Err("nothing follows".into());
        }
        match word {
            "attack" => {}
            "expect" => self.expect = value.split(" or ").map(expect).collect::<Result<_, _>>()?,
            "profile" => self.profiles = known(value, &PROFILES)?,
            "limits" => self.limits = value.split_whitespace().map(limit).collect::<Result<_, _>>()?,
            "args" => self.args = words(value),
            "cflags" => self.cflags = words(value),
            "env" => self.env = value.split_whitespace().map(variable).collect::<Result<_, _>>()?,
            "file" => self.files.push(extra(value)?),
            "command" => self.command = Some(value.into()),
            "workdir" => self.workdir = Some(value.into()),
            "stdin" => self.stdin = number(value)?,
            "pair" => self.pair = Some(value.into()),
            "alone" => self.alone = true,
            "artifacts" => self.artifacts = words(value),
            "expect-artifact" => {
                let (path, bytes) = pair(value)?;
                self.collected.push((path.into(), number(bytes)?));
            }
            "expect-artifact-error" => self.uncollected.push(uncollected(value)?),
            "gone" => self.gone = words(value),
            _ => return Err("no such word".into()),
        }
        Ok(())
    }
}

/// `None` where the header ends.
fn line(line: &str) -> Option<(&str, &str)> {
    let (word, value) = line.strip_prefix("// ")?.split_once(':')?;
    let plain = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    plain.then(|| (word, value.trim()))
}

fn words(value: &str) -> Vec<String> {
    value.split_whitespace().map(String::from).collect()
}

fn known(value: &str, list: &[&str]) -> Result<Vec<String>, String> {
    let words = words(value);
    match words.iter().find(|word| !list.contains(&word.as_str())) {
        None => Ok(words),
        Some(word) => Err(format!("`{word}` is none of {}", list.join(", "))),
    }
}

fn pair(value: &str) -> Result<(&str, &str), String> {
    value.rsplit_once(' ').ok_or_else(|| format!("`{value}` is not two words"))
}

fn number<T: std::str::FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("`{value}` is no number"))
}

fn expect(value: &str) -> Result<Expect, String> {
    match value.split_once(' ') {
        None if value == "refused" => Ok(Expect::Refused),
        None if value == "rejected" => Ok(Expect::Rejected),
        None if value == "golden" => Ok(Expect::Golden),
        Some(("status", word)) if STATUSES.contains(&word) => Ok(Expect::Status(word.into())),
        _ => Err(format!("`{value}` is no expectation")),
    }
}

fn limit(value: &str) -> Result<(String, u64), String> {
    let (name, amount) = value.split_once('=').ok_or_else(|| format!("`{value}` is not NAME=NUMBER"))?;
    let name = known(name, &LIMITS)?.concat();
    Ok((name, number(amount)?))
}

fn variable(value: &str) -> Result<(String, Option<String>), String> {
    match value.split_once('=') {
        Some((name, given)) => Ok((name.into(), Some(given.into()))),
        None if value == SECRET_NAME || SUPPLIED.contains(&value) => Ok((value.into(), None)),
        None => Err(format!("`{value}` is nothing that the harness supplies")),
    }
}

fn extra(value: &str) -> Result<Extra, String> {
    let parts: Vec<&str> = value.splitn(3, ' ').collect();
    let [name, mode, text] = parts[..] else { return Err("not NAME MODE TEXT".into()) };
    u32::from_str_radix(mode, 8).map_err(|_| format!("`{mode}` is no mode"))?;
    Ok(Extra { name: name.into(), mode: mode.into(), text: format!("{text}\n") })
}

fn uncollected(value: &str) -> Result<Uncollected, String> {
    let (path, code) = pair(value)?;
    let (code, or_absent) = match code.split_once('|') {
        None => (code, false),
        Some((code, "absent")) => (code, true),
        Some(_) => return Err(format!("`{code}` is neither CODE nor CODE|absent")),
    };
    Ok(Uncollected { path: path.into(), code: code.into(), or_absent })
}
