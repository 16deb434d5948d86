//! An attack as its header describes it: `README.md` has the words. Read strictly, so that a mistyped word is a failure
//! and not an expectation that nobody holds the attack to.

mod header;
mod program;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What may come out; one of several is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expect {
    /// Exit code 0, and `refused` as the last line.
    Refused,
    /// The job ends with this status.
    Status(String),
    /// The request itself is refused.
    Rejected,
    /// Standard output is the profile's golden table.
    Golden,
}

/// One more file in `/workspace`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extra {
    pub(crate) name: String,
    pub(crate) mode: String,
    pub(crate) text: String,
}

/// A path among the artifacts that must not be collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Uncollected {
    pub(crate) path: String,
    pub(crate) code: String,
    /// It may also go unmentioned.
    pub(crate) or_absent: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Attack {
    pub(crate) name: String,
    pub(crate) source: PathBuf,
    pub(crate) expect: Vec<Expect>,
    pub(crate) profiles: Vec<String>,
    pub(crate) limits: BTreeMap<String, u64>,
    pub(crate) args: Vec<String>,
    pub(crate) cflags: Vec<String>,
    /// `None` is for the harness to supply.
    pub(crate) env: Vec<(String, Option<String>)>,
    pub(crate) files: Vec<Extra>,
    pub(crate) command: Option<String>,
    pub(crate) workdir: Option<String>,
    pub(crate) stdin: usize,
    pub(crate) pair: Option<String>,
    pub(crate) alone: bool,
    pub(crate) artifacts: Vec<String>,
    pub(crate) collected: Vec<(String, u64)>,
    pub(crate) uncollected: Vec<Uncollected>,
    pub(crate) gone: Vec<String>,
    program: OnceLock<Result<Vec<u8>, String>>,
}

/// One job of an attack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant<'a> {
    pub(crate) attack: &'a Attack,
    pub(crate) profile: &'a str,
    pub(crate) arg: Option<&'a str>,
}

impl Attack {
    /// Of every profile each argument.
    pub(crate) fn variants(&self) -> Vec<Variant<'_>> {
        let args: Vec<Option<&str>> = match self.args.as_slice() {
            [] => vec![None],
            args => args.iter().map(|arg| Some(arg.as_str())).collect(),
        };
        let of = |profile| args.iter().map(move |&arg| Variant { attack: self, profile, arg });
        self.profiles.iter().flat_map(|profile| of(profile.as_str())).collect()
    }

    /// The names that its processes go by on the host.
    pub(crate) fn comms(&self) -> Vec<String> {
        // The kernel keeps fifteen characters.
        let name = self.name.chars().take(15).collect();
        [vec![name], self.gone.clone()].concat()
    }
}

impl std::fmt::Display for Variant<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.attack.name, self.profile)?;
        self.arg.map_or(Ok(()), |arg| write!(f, " {arg}"))
    }
}

/// All attacks by name, each with the reason where its header is wrong.
pub(crate) fn all() -> Vec<(String, Result<Attack, String>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("escape/attacks");
    let entries = std::fs::read_dir(&folder).expect("the attacks lie beside the harness");
    let files = entries.map(|entry| entry.expect("a folder can be listed").path());
    let mut sources: Vec<PathBuf> = files.filter(|file| file.extension() == Some("c".as_ref())).collect();
    sources.sort();
    let name = |file: &Path| file.file_stem().and_then(|stem| stem.to_str()).map(String::from);
    let names: Vec<String> = sources.iter().filter_map(|file| name(file)).collect();
    let read = |file: &Path, own: &str| {
        let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
        let attack = Attack { source: file.into(), ..Attack::parse(own, &text)? };
        match &attack.pair {
            Some(pair) if !names.contains(pair) => Err(format!("pair: there is no attack `{pair}`")),
            _ => Ok(attack),
        }
    };
    sources.iter().zip(&names).map(|(file, own)| (own.clone(), read(file, own))).collect()
}
