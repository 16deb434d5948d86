//! Files handed out after the last program has ended.
//!
//! The whole tree below `/workspace` was written by the job, so every name in it is hostile: it is walked by descriptor
//! with no symlink followed, only regular files are opened, and the daemon gets descriptors, never names to open
//! (CVE-2018-15664, CVE-2024-28185, go-judge issue 176).

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::stat::{SFlag, fstat};

use super::{Job, mounts};
use crate::protocol::Report;
use crate::wire;

/// Deeper trees are not walked: each level holds a descriptor.
const MOST_DEPTH: usize = 64;
/// Names looked at, matching or not: bounds the walk of a tree made to be endless.
const MOST_ENTRIES: u32 = 1 << 20;

pub(crate) fn collect(job: &Job, workspace: &OwnedFd, patterns: &[String], most_files: u32) {
    let mut walk = Walk { job, patterns, files_left: most_files, entries_left: MOST_ENTRIES };
    walk.folder(workspace.as_fd(), "", 0);
    job.tell(&Report::Collected);
}

struct Walk<'a> {
    job: &'a Job,
    patterns: &'a [String],
    files_left: u32,
    entries_left: u32,
}

impl Walk<'_> {
    fn folder(&mut self, folder: BorrowedFd<'_>, path: &str, depth: usize) {
        let opened = mounts::resolve(folder, c".", OFlag::O_RDONLY | OFlag::O_DIRECTORY);
        let Ok(mut entries) = opened.and_then(|fd| Ok(Dir::from_fd(fd)?)) else {
            return self.refuse(path, "unreadable", Errno::last_raw());
        };
        let mut names: Vec<(CString, Option<Type>)> = Vec::new();
        for entry in entries.iter().flatten() {
            let name = entry.file_name();
            if name != c"." && name != c".." && self.entries_left > 0 {
                self.entries_left -= 1;
                names.push((name.to_owned(), entry.file_type()));
            }
        }
        names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        for (name, kind) in names {
            let text = name.to_string_lossy();
            let path = if path.is_empty() { text.clone().into_owned() } else { format!("{path}/{text}") };
            if name.to_str().is_ok() {
                self.entry(folder, &name, kind, &path, depth);
            } else if self.matches(&path) {
                // The answer is JSON, which cannot name it.
                self.refuse(&path, "not_utf8", 0);
            }
        }
    }

    fn entry(&mut self, folder: BorrowedFd<'_>, name: &CStr, kind: Option<Type>, path: &str, depth: usize) {
        let matches = self.matches(path);
        match kind {
            Some(Type::Directory) if depth < MOST_DEPTH && self.may_hold_matches(path) => {
                match mounts::resolve(folder, name, OFlag::O_RDONLY | OFlag::O_DIRECTORY) {
                    Ok(inner) => self.folder(inner.as_fd(), path, depth + 1),
                    Err(error) => self.refuse(path, "unreadable", error.raw_os_error().unwrap_or(0)),
                }
            }
            Some(Type::File) if matches => self.file(folder, name, path),
            Some(Type::Directory) => (),
            _ if matches => self.refuse(path, "not_regular", 0),
            _ => (),
        }
    }

    fn matches(&self, path: &str) -> bool {
        self.patterns.iter().any(|pattern| glob_match::glob_match(pattern, path))
    }

    /// A tree that no pattern can match in is not walked.
    fn may_hold_matches(&self, folder: &str) -> bool {
        self.patterns.iter().any(|pattern| matches_below(pattern, folder))
    }

    fn file(&mut self, folder: BorrowedFd<'_>, name: &CStr, path: &str) {
        if self.files_left == 0 {
            return self.refuse(path, "too_many", 0);
        }
        match open_regular(folder, name) {
            Ok((file, bytes)) => {
                self.files_left -= 1;
                let report = Report::Artifact { path: path.into(), bytes };
                if let Err(error) = wire::send(self.job.daemon.as_fd(), &report, &[file.as_fd()]) {
                    self.refuse(path, "unreadable", error.raw_os_error().unwrap_or(0));
                }
            }
            Err(error) => self.refuse(path, "unreadable", error.raw_os_error().unwrap_or(0)),
        }
    }

    fn refuse(&self, path: &str, code: &str, errno: i32) {
        self.job.tell(&Report::ArtifactRefused { path: path.into(), code: code.into(), errno });
    }
}

fn matches_below(pattern: &str, folder: &str) -> bool {
    let mut parts = pattern.split('/');
    for name in folder.split('/') {
        match parts.next() {
            Some("**") => return true,
            Some(part) if glob_match::glob_match(part, name) => (),
            _ => return false,
        }
    }
    parts.next().is_some()
}

fn open_regular(folder: BorrowedFd<'_>, name: &CStr) -> io::Result<(OwnedFd, u64)> {
    // O_NONBLOCK: opening a fifo must not wait for its other end.
    let file = mounts::resolve(folder, name, OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW)?;
    let stat = fstat(&file)?;
    if SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT != SFlag::S_IFREG {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    Ok((file, u64::try_from(stat.st_size).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::matches_below;

    #[test]
    fn only_folders_that_can_hold_a_match_are_walked() {
        assert!(matches_below("out/**", "out"));
        assert!(matches_below("out/**", "out/deep/er"));
        assert!(matches_below("**/*.log", "any"));
        assert!(matches_below("a/*/c", "a/b"));
        assert!(!matches_below("a/*/c", "a/b/d"));
        assert!(!matches_below("out/*.txt", "other"));
        assert!(!matches_below("out", "out"));
    }
}
