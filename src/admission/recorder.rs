//! Admissions on disk, one JSON document a line, so that another bundle can be held against them (`stockade policy diff`).
//!
//! A line has the whole job as it was sent, secrets included: a replay that lacks what the policies read proves nothing. The
//! file is its owner's alone, and there is none unless the operator names one.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use model::{Content, Decision, JobSpec};
use serde::{Deserialize, Serialize};

use crate::About;

mod memories;

pub use memories::Memories;

const MAX_WAITING: usize = 1024;
/// Of all that waits. One alone may be larger.
const MAX_WAITING_BYTES: usize = 64 << 20;
/// Then the file becomes `FILE.1`, in place of an earlier one.
const MAX_FILE: u64 = 256 << 20;
/// Of a job's files and inputs together; a job with more is recorded without them.
const MAX_CONTENTS: usize = 1 << 20;

/// One recorded admission.
#[derive(Debug, Serialize, Deserialize)]
pub struct Recorded {
    pub about: About,
    /// Before any policy changed it.
    pub job: JobSpec,
    /// Files and inputs were too large to record: what policies say that read them cannot be repeated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Before any policy was asked.
    #[serde(flatten)]
    pub memories: Memories,
    pub admitted: bool,
    pub decisions: Vec<Decision>,
}

#[derive(Debug)]
pub(crate) struct Recorder {
    lines: Mutex<Option<SyncSender<Recorded>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    waiting: Arc<AtomicUsize>,
    pub(crate) dropped: AtomicU64,
}

impl Recorded {
    fn bytes(&self) -> usize {
        let of = |memory: &BTreeMap<String, String>| -> usize {
            memory.iter().map(|(key, value)| key.len() + value.len()).sum()
        };
        self.job.bytes() + self.memories.kv.values().map(of).sum::<usize>()
    }
}

/// The job as it can be recorded, and whether that is not the whole of it.
pub(crate) fn recordable(spec: &JobSpec) -> (JobSpec, bool) {
    if spec.contents().map(|content| content.len()).sum::<usize>() <= MAX_CONTENTS {
        return (spec.clone(), false);
    }
    let mut spec = spec.clone();
    spec.contents_mut().for_each(|content| *content = Content::default());
    (spec, true)
}

impl Recorder {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = Lines::open(path)?;
        let (lines, inbox) = sync_channel(MAX_WAITING);
        let waiting = Arc::new(AtomicUsize::new(0));
        let written = Arc::clone(&waiting);
        let writer = thread::Builder::new()
            .name("admission-log".into())
            .spawn(move || file.write_all(&inbox, &written))?;
        let (lines, writer) = (Mutex::new(Some(lines)), Mutex::new(Some(writer)));
        Ok(Self { lines, writer, waiting, dropped: AtomicU64::new(0) })
    }

    /// Never waits: a line too many is dropped and counted.
    pub(crate) fn record(&self, recorded: Recorded) {
        let bytes = recorded.bytes();
        // Under the lock nobody else adds to it.
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.waiting.fetch_add(bytes, Relaxed);
        let fits = before == 0 || before + bytes <= MAX_WAITING_BYTES;
        if !fits || lines.as_ref().is_none_or(|lines| lines.try_send(recorded).is_err()) {
            self.waiting.fetch_sub(bytes, Relaxed);
            self.dropped.fetch_add(1, Relaxed);
        }
    }

    /// Waits until every line is written, and takes no more.
    pub(crate) fn close(&self) {
        drop(self.lines.lock().unwrap_or_else(PoisonError::into_inner).take());
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A writer that panicked has been reported by the panic.
        writer.map(JoinHandle::join);
    }
}

struct Lines {
    path: PathBuf,
    file: BufWriter<File>,
    bytes: u64,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let bytes = file.metadata()?.len();
        Ok(Self { path: path.into(), file: BufWriter::new(file), bytes })
    }

    fn write_all(mut self, inbox: &Receiver<Recorded>, waiting: &AtomicUsize) {
        let put = |lines: &mut Self, recorded: &Recorded| {
            let written = lines.write(recorded);
            waiting.fetch_sub(recorded.bytes(), Relaxed);
            written
        };
        // Told once, tried again with the next one: a full disk does not stay full.
        let mut failing = false;
        while let Ok(recorded) = inbox.recv() {
            let mut written = put(&mut self, &recorded);
            // What else waits already goes out with it.
            while let (Ok(()), Ok(recorded)) = (&written, inbox.try_recv()) {
                written = put(&mut self, &recorded);
            }
            let written = written.and_then(|()| self.file.flush());
            if let Err(error) = &written
                && !failing
            {
                tracing::error!("admissions are not recorded: {}: {error}", self.path.display());
            }
            failing = written.is_err();
        }
    }

    fn write(&mut self, recorded: &Recorded) -> io::Result<()> {
        let mut line = serde_json::to_vec(recorded)?;
        line.push(b'\n');
        if self.bytes > 0 && self.bytes + line.len() as u64 > MAX_FILE {
            self.file.flush()?;
            fs::rename(&self.path, self.path.with_added_extension("1"))?;
            *self = Self::open(&self.path)?;
        }
        self.bytes += line.len() as u64;
        self.file.write_all(&line)
    }
}

#[cfg(test)]
mod tests;
