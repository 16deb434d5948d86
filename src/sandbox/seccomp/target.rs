//! Which rules of a profile are meant for this host.

use super::document::{Filter, RuleDocument};
use super::error::RuleError;
use super::table::Arch;

/// What decides whether a rule counts. Capabilities are not in it: a job has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) arch: Arch,
    /// Major and minor, as Docker compares them.
    pub(super) kernel: (u32, u32),
}

impl Target {
    /// This machine. A release that cannot be read counts as older than every `minKernel`.
    pub(super) fn host() -> Self {
        let release = nix::sys::utsname::uname().ok().and_then(|name| version(name.release().to_str()?));
        Self { arch: Arch::NATIVE, kernel: release.unwrap_or_default() }
    }

    /// Docker's reading of `includes` and `excludes`, for a job without capabilities.
    pub(super) fn wants(self, rule: &RuleDocument) -> Result<bool, RuleError> {
        let includes = match &rule.includes {
            None => true,
            Some(Filter { caps, arches, min_kernel }) => {
                let arches = arches.as_deref().unwrap_or_default();
                caps.as_ref().is_none_or(Vec::is_empty)
                    && (arches.is_empty() || self.is_one_of(arches))
                    && self.is_at_least(min_kernel.as_deref())?.unwrap_or(true)
            }
        };
        let excludes = match &rule.excludes {
            None => false,
            Some(Filter { caps: _, arches, min_kernel }) => {
                self.is_one_of(arches.as_deref().unwrap_or_default())
                    || self.is_at_least(min_kernel.as_deref())?.unwrap_or(false)
            }
        };
        Ok(includes && !excludes)
    }

    fn is_one_of(self, arches: &[String]) -> bool {
        arches.iter().any(|name| name == self.arch.docker_name())
    }

    fn is_at_least(self, wanted: Option<&str>) -> Result<Option<bool>, RuleError> {
        let Some(wanted) = wanted.filter(|wanted| !wanted.is_empty()) else { return Ok(None) };
        let version = version(wanted).ok_or_else(|| RuleError::KernelVersion(wanted.to_owned()))?;
        Ok(Some(self.kernel >= version))
    }
}

/// The first two numbers of `6.18.44-generic`.
fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
