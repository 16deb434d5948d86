use serde::{Deserialize, Serialize};

/// The root filesystem that needs no image: a read-only view of the machine's own `/usr`.
pub const HOST_IMAGE: &str = "host";

/// What a job takes from its image: the image's config (OCI image specification, config.md) and accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// Its whole name, such as `docker.io/library/python:3.13`.
    pub reference: String,
    /// `sha256:…` of its manifest.
    pub digest: String,
    pub env: Vec<(String, String)>,
    /// `USER` or `USER:GROUP`, names or numbers; empty: root.
    pub user: String,
    /// Empty: the job's own, `/workspace`.
    pub workdir: String,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    /// Its `/etc/passwd` and `/etc/group`.
    pub passwd: String,
    pub group: String,
}

/// Who a job's programs are inside its sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
    pub(crate) home: String,
}

/// Of who has none.
const NO_HOME: &str = "/tmp";

impl Image {
    /// What `USER[:GROUP]` means in this image, as `USER` of its config does: without a group it is the account's own, root's
    /// for a number without an account.
    pub(crate) fn account(&self, text: &str) -> Result<Account, String> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let entry = entries(&self.passwd).find(|entry| is(entry, user));
        let id = number(user).or_else(|| entry.as_ref()?.id);
        let user = id.ok_or_else(|| format!("the image has no user `{user}`"))?;
        let group = match group {
            None => entry.as_ref().and_then(|entry| entry.group).unwrap_or(0),
            Some(group) => number(group)
                .or_else(|| entries(&self.group).find(|entry| is(entry, group))?.id)
                .ok_or_else(|| format!("the image has no group `{group}`"))?,
        };
        let home =
            entry.map(|entry| entry.home).filter(|home| home.starts_with('/')).unwrap_or(NO_HOME).to_owned();
        Ok(Account { user, group, home })
    }

    /// What its config would have run.
    pub(crate) fn whole_command(&self) -> Vec<String> {
        [&self.entrypoint[..], &self.command].concat()
    }
}

/// A line of passwd(5) or group(5).
struct Entry<'a> {
    name: &'a str,
    id: Option<u32>,
    group: Option<u32>,
    home: &'a str,
}

fn entries(file: &str) -> impl Iterator<Item = Entry<'_>> {
    file.lines().map(|line| {
        let fields: Vec<&str> = line.splitn(7, ':').collect();
        let field = |i: usize| fields.get(i).copied().unwrap_or_default();
        Entry { name: field(0), id: number(field(2)), group: number(field(3)), home: field(5) }
    })
}

/// As docker does it: what is a number is one, even where an account has it for a name.
fn is(entry: &Entry<'_>, user: &str) -> bool {
    number(user).map_or(entry.name == user && !user.is_empty(), |id| entry.id == Some(id))
}

/// Digits alone: `+5` is a name.
fn number(text: &str) -> Option<u32> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{Account, Image};

    fn image() -> Image {
        Image {
            passwd:
                "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1001::/home/node:/bin/sh\nbroken\nodd:x:no:5\n"
                    .into(),
            group: "root:x:0:\nstaff:x:50:node\n".into(),
            ..Image::default()
        }
    }

    #[test]
    fn names_and_numbers_mean_what_the_image_says() {
        for (text, user, group) in [
            ("root", 0, 0),
            ("node", 1000, 1001),
            ("1000", 1000, 1001),
            ("7", 7, 0),
            ("node:staff", 1000, 50),
            ("7:8", 7, 8),
            ("0:staff", 0, 50),
        ] {
            let Account { user: got, group: of, .. } = image().account(text).expect(text);
            assert_eq!((got, of), (user, group), "{text}");
        }
    }

    #[test]
    fn home_is_where_the_account_has_it() {
        for (text, home) in [("node", "/home/node"), ("0", "/root"), ("7", "/tmp")] {
            assert_eq!(image().account(text).expect(text).home, home, "{text}");
        }
    }

    #[test]
    fn what_is_not_there_is_said() {
        for text in ["", "nobody", "node:wheel", "+1", "4294967296", "odd", "broken", "node:", ":"] {
            assert!(image().account(text).is_err(), "{text}");
        }
    }
}
