use std::collections::HashMap;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::Temp;

/// A C program compiled on the host, once, as the bytes of its executable.
pub fn compiled(name: &str, source: &str) -> Vec<u8> {
    static DONE: OnceLock<Mutex<HashMap<String, Vec<u8>>>> = OnceLock::new();
    let mut done = DONE.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    done.entry(name.to_owned()).or_insert_with(|| compile(source)).clone()
}

fn compile(source: &str) -> Vec<u8> {
    let temp = Temp::new();
    let (from, to): (PathBuf, PathBuf) = (temp.file("program.c", source), temp.path().join("program"));
    let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
    let made = Command::new(compiler).args(["-O1", "-Wall", "-o"]).arg(&to).arg(&from).output();
    let made = made.expect("a C compiler is installed");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    std::fs::read(to).expect("the compiler made a program")
}

/// The entry of `files` for the program `./load`, which uses up whatever it is told to: see `load.c`.
pub fn load() -> Value {
    let bytes = compiled("load", include_str!("load.c"));
    json!({"path": "load", "base64": STANDARD.encode(bytes), "mode": "0755"})
}
