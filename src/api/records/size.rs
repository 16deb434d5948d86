//! What a finished job costs: all that a caller or a policy can make large.

use std::collections::BTreeMap;
use std::io;

use model::{Decision, Job};

use super::Snapshot;

/// What a record costs beside the bytes that are counted one by one.
pub(super) const OVERHEAD: usize = 2048;

pub(super) fn size(snapshot: &Snapshot) -> usize {
    let job = &snapshot.job;
    let outputs: usize = job.steps.iter().map(|s| s.stdout.text.len() + s.stderr.text.len()).sum();
    let contents: usize = snapshot.contents.iter().map(|(path, bytes)| 2 * path.len() + bytes.len()).sum();
    let errors: usize = job.artifact_errors.iter().map(|e| e.path.len() + e.detail.len()).sum();
    let warnings: usize = job.warnings.iter().map(String::len).sum();
    OVERHEAD + outputs + contents + errors + warnings + notes(job) + decisions(&job.policy)
}

/// The part that policies can still add to.
pub(super) fn notes(job: &Job) -> usize {
    let texts = |map: &BTreeMap<String, String>| map.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
    texts(&job.labels) + texts(&job.annotations)
}

/// As JSON they take about as much as in memory.
fn decisions(decisions: &[Decision]) -> usize {
    let mut count = Count(0);
    // Texts and numbers into a counter: nothing there can fail.
    let _ = decisions.iter().try_for_each(|decision| serde_json::to_writer(&mut count, decision));
    count.0
}

struct Count(usize);

impl io::Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
