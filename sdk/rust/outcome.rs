use alloc::string::String;

use crate::host::outcome;

/// How the job ended, in the hook `on_exited`.
#[derive(Debug)]
pub struct Outcome {
    _current: (),
}

impl Outcome {
    pub(crate) fn current() -> Self {
        Self { _current: () }
    }

    /// As `GET /jobs/{id}` gives it: `succeeded`, `failed`, `timed_out`, …
    pub fn status(&self) -> String {
        outcome::status()
    }

    /// The kind of its cause, such as `limit`; none where it needs no explanation.
    pub fn cause(&self) -> Option<String> {
        outcome::cause()
    }

    /// Of the step that decided the job.
    pub fn exit_code(&self) -> Option<i32> {
        outcome::exit_code()
    }

    /// Such as `SIGSEGV`.
    pub fn signal(&self) -> Option<String> {
        outcome::signal()
    }

    /// Of all steps together.
    pub fn wall_time_us(&self) -> u64 {
        outcome::wall_time_us()
    }

    /// Of all steps together.
    pub fn cpu_time_us(&self) -> u64 {
        outcome::cpu_time_us()
    }

    /// The largest of any step; 0 where nothing could count it.
    pub fn memory_peak_bytes(&self) -> u64 {
        outcome::memory_peak_bytes()
    }

    /// The result without outputs, or the value at a JSON pointer into it, as JSON text.
    pub fn json(&self, pointer: &str) -> Option<String> {
        outcome::json(pointer)
    }
}
