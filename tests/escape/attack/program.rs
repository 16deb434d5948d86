//! Compiling an attack, and the request that runs it.

use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use support::Temp;

use super::{Attack, Variant};
use crate::bait::Bait;

impl Attack {
    /// Its executable, made on the host: the source is ours, only what it does is hostile.
    pub(crate) fn program(&self) -> Result<&[u8], String> {
        let made = self.program.get_or_init(|| {
            let temp = Temp::new();
            let to = temp.path().join(&self.name);
            let mut gcc = Command::new("gcc");
            gcc.args(["-O1", "-Wall", "-Wextra", "-Werror"]).args(&self.cflags);
            let made = gcc.arg("-o").arg(&to).arg(&self.source).output();
            let made = made.map_err(|error| format!("gcc: {error}"))?;
            if !made.status.success() {
                return Err(String::from_utf8_lossy(&made.stderr).into_owned());
            }
            std::fs::read(&to).map_err(|error| error.to_string())
        });
        made.as_deref().map_err(Clone::clone)
    }
}

impl Variant<'_> {
    pub(crate) fn request(&self, bait: &Bait) -> Result<Value, String> {
        let attack = self.attack;
        let program = STANDARD.encode(attack.program()?);
        let mut files = vec![json!({"path": attack.name, "base64": program, "mode": "0755"})];
        let extra = attack.files.iter();
        files.extend(extra.map(|file| json!({"path": file.name, "text": file.text, "mode": file.mode})));
        let env = attack.env.iter().map(|(name, value)| {
            let value = value.clone().unwrap_or_else(|| bait.value(name));
            (name.clone(), Value::from(value))
        });
        Ok(json!({
            "files": files,
            "command": self.command(),
            "workdir": self.filled(attack.workdir.as_deref().unwrap_or("/workspace")),
            "env": env.collect::<Map<String, Value>>(),
            "stdin": {"base64": STANDARD.encode(vec![b'x'; attack.stdin])},
            "limits": attack.limits,
            "profile": self.profile,
            "artifacts": attack.artifacts,
        }))
    }

    fn command(&self) -> Vec<String> {
        let own = format!("./{}", self.attack.name);
        let pattern = self.attack.command.as_deref().unwrap_or(&own);
        let mut words: Vec<String> = pattern.split_whitespace().map(|word| self.filled(word)).collect();
        let workdir = self.attack.workdir.as_deref().unwrap_or_default();
        if !pattern.contains("{}") && !workdir.contains("{}") {
            words.extend(self.arg.map(String::from));
        }
        words
    }

    fn filled(&self, pattern: &str) -> String {
        pattern.replace("{}", self.arg.unwrap_or_default())
    }
}
