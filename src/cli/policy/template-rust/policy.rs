//! Denies a job of which a step asks for more memory than `max_memory_bytes`.

use stockade_policy::{Denial, Job, Notes, Policy, SettingsError, Validate, Verdict};

/// The settings, as the bundle gives them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct MemoryCap {
    max_memory_bytes: u64,
}

impl Policy for MemoryCap {
    fn check(&self) -> Vec<SettingsError> {
        match self.max_memory_bytes {
            0 => vec![SettingsError::new("/max_memory_bytes", "with 0 no job could run")],
            _ => vec![],
        }
    }
}

impl Validate for MemoryCap {
    fn validate(&self, job: &Job) -> Verdict {
        let Some(step) = job.steps().find(|step| step.memory_bytes() > self.max_memory_bytes) else {
            return Ok(Notes::default());
        };
        let (asked, most) = (step.memory_bytes(), self.max_memory_bytes);
        let message = format!("step `{}` asks for {asked} bytes of memory; {most} are allowed", step.name());
        Err(Denial::new("too-much-memory", message).field(step.pointer("/limits/memory_bytes")))
    }
}

stockade_policy::export!(MemoryCap: validation);

#[cfg(test)]
mod tests {
    use stockade_policy::testing;

    use super::MemoryCap;

    const SETTINGS: &str = r#"{ "max_memory_bytes": 1073741824 }"#;

    #[test]
    fn a_job_at_the_cap_is_allowed() {
        let job = testing::Job::new().memory_bytes(1 << 30);
        testing::validate::<MemoryCap>(&job, SETTINGS).allowed();
    }

    #[test]
    fn a_job_above_it_is_denied() {
        let job = testing::Job::new().memory_bytes((1 << 30) + 1);
        let run = testing::validate::<MemoryCap>(&job, SETTINGS);
        assert_eq!(run.denial().code(), "too-much-memory");
    }
}
