//! What comes along with a job: files, and bytes wherever they stand.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Errors, MAX_FILES, MAX_NAME, MAX_PATH};
use crate::{Content, FileRequest, FileSpec, Input};

impl Errors {
    pub(super) fn files(&mut self, files: &[FileRequest]) -> Vec<FileSpec> {
        self.count(&["files"], files.len(), MAX_FILES);
        let mut seen = BTreeSet::new();
        let files = files.iter().take(MAX_FILES).enumerate();
        files
            .map(|(i, file)| {
                let index = i.to_string();
                let at = ["files", &index];
                self.path(&[at[0], at[1], "path"], &file.path);
                self.no_clash(&[at[0], at[1], "path"], &file.path, &seen);
                seen.insert(file.path.as_str());
                let (text, base64, blob) = (file.text.clone(), file.base64.clone(), file.blob.clone());
                let input = Input { text, base64, blob };
                FileSpec {
                    path: file.path.clone(),
                    mode: self.mode(&[at[0], at[1], "mode"], file.mode.as_deref()),
                    contents: self.input(&at, &input),
                }
            })
            .collect()
    }

    pub(super) fn fit(&mut self, files: &[FileSpec], room: u64) {
        let bytes: u64 = files.iter().map(|file| file.contents.len() as u64).sum();
        if bytes > room {
            self.add(&["files"], "too_large", "the files do not fit into `disk_bytes` and `memory_bytes`");
        }
    }

    /// A name is one file, or a folder of others.
    fn no_clash(&mut self, at: &[&str], path: &str, seen: &BTreeSet<&str>) {
        let folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        let below = format!("{path}/");
        let is_folder = seen.range(below.as_str()..).next().is_some_and(|other| other.starts_with(&below));
        if seen.contains(path) {
            self.add(at, "duplicate", "another file has this path already");
        } else if is_folder || folders.into_iter().any(|folder| seen.contains(folder)) {
            self.add(at, "conflict", "another file's path makes a file and a folder of the same name");
        }
    }

    fn mode(&mut self, at: &[&str], mode: Option<&str>) -> u32 {
        let Some(text) = mode else { return 0o644 };
        match u32::from_str_radix(text, 8) {
            Ok(bits) if bits <= 0o777 && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit()) => bits,
            _ => {
                self.add(
                    at,
                    "invalid",
                    "permission bits in octal, such as `0644`, without setuid, setgid or sticky",
                );
                0o644
            }
        }
    }

    pub(super) fn input(&mut self, at: &[&str], input: &Input) -> Content {
        match (&input.text, &input.base64, &input.blob) {
            (Some(text), None, None) => text.clone().into_bytes().into(),
            (None, None, Some(digest)) => self.blob(&[at, &["blob"]].concat(), digest),
            (None, Some(text), None) => STANDARD.decode(text).map_or_else(
                |e| {
                    self.add(
                        &[at, &["base64"]].concat(),
                        "invalid",
                        format!("not base64 (RFC 4648 section 4): {e}"),
                    );
                    Content::default()
                },
                Content::from,
            ),
            _ => {
                self.add(at, "required", "exactly one of `text`, `base64` and `blob`");
                Content::default()
            }
        }
    }

    /// A path that stays below `/workspace` whatever it is joined to.
    pub(super) fn path(&mut self, at: &[&str], path: &str) {
        let problem = if path.is_empty() {
            "must not be empty"
        } else if path.starts_with('/') {
            "must be relative to /workspace"
        } else if path.contains('\0') {
            "must not contain NUL"
        } else if path.len() > MAX_PATH || path.split('/').any(|part| part.len() > MAX_NAME) {
            "at most 4095 bytes, and 255 for each name in it"
        } else if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            "must not have an empty, `.` or `..` part"
        } else {
            return;
        };
        self.add(at, "invalid", problem);
    }
}
