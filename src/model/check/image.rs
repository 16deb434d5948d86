//! What a job takes from its image.

use std::collections::BTreeMap;

use super::Errors;
use crate::image::Account;
use crate::{CommitRequest, CommitSpec, Image, JobRequest};

/// What every program finds set, unless the image or the job sets it otherwise.
const DEFAULT_ENV: [(&str, &str); 2] =
    [("LANG", "C.UTF-8"), ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")];
const MAX_REFERENCE: usize = 512;
const DEFAULT_USER: u32 = 1000;
/// The overflow id (`user_namespaces(7)`) stands for every unmapped id, so it cannot be a job's own.
const LARGEST_USER: u32 = 65_533;

impl JobRequest {
    /// What it leaves open is as the image's config has it.
    pub(super) fn filled_in(mut self, image: &Image) -> Self {
        if self.command.is_none() && self.steps.is_empty() {
            self.command = Some(image.whole_command()).filter(|command| !command.is_empty());
        }
        if self.workdir.is_none() && !image.workdir.is_empty() {
            self.workdir = Some(image.workdir.clone());
        }
        for (name, value) in &image.env {
            self.env.entry(name.clone()).or_insert_with(|| value.clone());
        }
        self
    }
}

pub(super) fn default_env(home: String) -> BTreeMap<String, String> {
    let rest = DEFAULT_ENV.map(|(name, value)| (name.to_owned(), value.to_owned()));
    std::iter::once(("HOME".to_owned(), home)).chain(rest).collect()
}

impl Errors {
    pub(super) fn known(&mut self, request: &JobRequest, image: Option<&Image>) {
        if request.image().is_some() && image.is_none() {
            self.add(&["image"], "unsupported", "the only image of this host is `host`");
        }
    }

    pub(super) fn account(&mut self, user: Option<&str>, image: Option<&Image>) -> Account {
        let account = match (user, image) {
            (None, None) => Ok(host_account(DEFAULT_USER, DEFAULT_USER)),
            (Some(user), None) => on_host(user).ok_or_else(|| {
                format!("on `host` a number from 0 to {LARGEST_USER}, or two as `USER:GROUP`")
            }),
            (None, Some(image)) if image.user.is_empty() => image.account("0"),
            (None, Some(image)) => image.account(&image.user),
            (Some(user), Some(image)) => image.account(user),
        };
        match account {
            // In an image that id has files of its own: `nobody`.
            Ok(account) if account.user.max(account.group) <= LARGEST_USER + u32::from(image.is_some()) => {
                account
            }
            Ok(_) => self.no_account(&format!("ids are numbers from 0 to {LARGEST_USER}")),
            Err(detail) => self.no_account(&detail),
        }
    }

    pub(super) fn commit(
        &mut self,
        commit: Option<&CommitRequest>,
        image: Option<&Image>,
    ) -> Option<CommitSpec> {
        let commit = commit?;
        if image.is_none() {
            self.add(&["commit"], "conflict", "`host` is no image that a layer could be added to");
        }
        if commit.image.is_empty() || commit.image.len() > MAX_REFERENCE {
            self.add(&["commit", "image"], "invalid", format!("a name of 1 to {MAX_REFERENCE} bytes"));
        }
        Some(CommitSpec { image: commit.image.clone(), workspace: commit.workspace })
    }

    fn no_account(&mut self, detail: &str) -> Account {
        self.add(&["user"], "invalid", detail);
        host_account(DEFAULT_USER, DEFAULT_USER)
    }
}

fn host_account(user: u32, group: u32) -> Account {
    Account { user, group, home: "/tmp".into() }
}

fn on_host(text: &str) -> Option<Account> {
    let (user, group) = text.split_once(':').unwrap_or((text, text));
    // As it is written back to whoever asks: no sign, no zeroes before it.
    let number = |text: &str| text.parse::<u32>().ok().filter(|id| id.to_string() == text);
    Some(host_account(number(user)?, number(group)?))
}
