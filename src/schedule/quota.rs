use std::collections::BTreeMap;

/// What one tenant may have of the host. `None` is no limit of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Its further jobs wait, whatever room there is.
    pub max_running: Option<u32>,
    /// Its further jobs are refused, unless they start at once.
    pub max_queued: Option<u32>,
    /// Jobs taken in during any minute; further ones are refused.
    pub max_per_minute: Option<u32>,
    /// Its share of a host that all want, beside the weights of the others. 0 is taken for 1.
    pub weight: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { max_running: None, max_queued: None, max_per_minute: None, weight: 1 }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quotas {
    /// For tenants that are not named.
    pub default: Quota,
    pub tenants: BTreeMap<String, Quota>,
}

impl Quotas {
    pub fn of(&self, tenant: &str) -> Quota {
        self.tenants.get(tenant).copied().unwrap_or(self.default)
    }
}
