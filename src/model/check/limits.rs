//! What a job asks to be held to, within what this host gives.

use super::Errors;
use crate::{Limits, LimitsRequest};

impl Errors {
    pub(super) fn limits(
        &mut self,
        at: &[&str],
        asked: &LimitsRequest,
        base: &Limits,
        caps: &Limits,
    ) -> Limits {
        let mut check = |name: &str, value: Option<u64>, least: u64, most: u64| {
            let place = [at, &[name]].concat();
            match value {
                Some(v) if v < least => self.add(&place, "invalid", format!("at least {least}")),
                Some(v) if v > most => {
                    self.add(&place, "above_cap", format!("this host allows at most {most}"));
                }
                _ => (),
            }
        };
        check("cpu_time_ms", asked.cpu_time_ms, 1, caps.cpu_time_ms);
        check("wall_time_ms", asked.wall_time_ms, 1, caps.wall_time_ms);
        check("memory_bytes", asked.memory_bytes, 1 << 20, caps.memory_bytes);
        check("pids", asked.pids, 1, caps.pids);
        check("output_bytes", asked.output_bytes, 0, caps.output_bytes);
        check("disk_bytes", asked.disk_bytes, 64 << 10, caps.disk_bytes);
        check("open_files", asked.open_files, 4, caps.open_files);
        check("file_bytes", asked.file_bytes, 0, caps.file_bytes);
        check("stack_bytes", asked.stack_bytes, 64 << 10, caps.stack_bytes);
        match asked.cpus {
            Some(cpus) if !cpus.is_finite() || cpus < 0.01 => {
                self.add(&[at, &["cpus"]].concat(), "invalid", "at least 0.01");
            }
            Some(cpus) if cpus > caps.cpus => {
                let detail = format!("this host allows at most {}", caps.cpus);
                self.add(&[at, &["cpus"]].concat(), "above_cap", detail);
            }
            _ => (),
        }
        asked.over(base)
    }
}
