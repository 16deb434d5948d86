//! The one `unsafe` of this crate: taking machine code for what it says it is.

#![expect(unsafe_code, reason = "wasmtime cannot check machine code that it did not just make")]

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::compile::Compiled;

/// Wasmtime refuses code of another version, another CPU or other settings by itself; it cannot see forged code.
pub(crate) fn load(engine: &Engine, code: &Compiled) -> wasmtime::Result<Component> {
    // SAFETY: a `Compiled` is made in two places: from the pipe of a compiler process, which is this very binary started by
    // us, and from a cache file whose HMAC was made with a key that only this user can read. Nobody else wrote these bytes.
    unsafe { Component::deserialize(engine, code.bytes()) }
}
