//! Where this process keeps what it can make again.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use nix::unistd::geteuid;

/// `None` for a user without a home.
pub(crate) fn policy_cache() -> Option<PathBuf> {
    cache(geteuid().is_root(), |name| env::var_os(name)).map(|cache| cache.join("stockade/policies"))
}

/// By the XDG base directory specification, which ignores relative paths; for root where services have theirs.
fn cache(root: bool, variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if root {
        return Some("/var/cache".into());
    }
    let path = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    path("XDG_CACHE_HOME").or_else(|| path("HOME").map(|home| home.join(".cache")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_users_cache_is_the_users() {
        let of = |root, variables: &[(&str, &str)]| {
            let found = |name: &str| variables.iter().find(|(known, _)| *known == name);
            cache(root, |name| found(name).map(|(_, value)| value.into()))
        };
        let both = [("XDG_CACHE_HOME", "/c"), ("HOME", "/home/u")];
        assert_eq!(of(false, &both), Some("/c".into()));
        assert_eq!(of(false, &both[1..]), Some("/home/u/.cache".into()));
        assert_eq!(of(false, &[("XDG_CACHE_HOME", "c"), ("HOME", "/h")]), Some("/h/.cache".into()));
        assert_eq!(of(false, &[("HOME", "")]), None);
        assert_eq!(of(true, &both), Some("/var/cache".into()));
    }
}
