//! What policies remember when a job is decided, to be put back when it is decided again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Admission;
use crate::about::unix_ms;
use crate::bundle::Grant;
use crate::policy::Set;

/// By policy and key; those that are text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memories {
    pub kv: BTreeMap<String, BTreeMap<String, String>>,
    /// What is left of each key that has an end. Older lines do not tell: all that they have is there for ever.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub kv_ttl_ms: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Memories {
    /// Of the policies that have one, as a job finds them that is decided now.
    pub(crate) fn of(set: &Set, now: Timestamp) -> Self {
        let mut all = Self::default();
        for policy in set.policies.iter().filter(|policy| policy.grants.contains(&Grant::Kv)) {
            let (mut values, mut ttls) = (BTreeMap::new(), BTreeMap::new());
            for (key, value, ttl) in policy.kv.living(unix_ms(now)) {
                let Ok(text) = String::from_utf8(value) else { continue };
                if ttl > 0 {
                    ttls.insert(key.clone(), ttl);
                }
                values.insert(key, text);
            }
            all.kv.insert(policy.name.to_string(), values);
            if !ttls.is_empty() {
                all.kv_ttl_ms.insert(policy.name.to_string(), ttls);
            }
        }
        all
    }
}

impl Admission {
    /// In place of all that the policies in force remember.
    pub fn restore(&self, memories: &Memories, now: Timestamp) {
        for policy in &self.core.current.load().policies {
            let ttls = memories.kv_ttl_ms.get(&*policy.name);
            let ttl = |key: &String| ttls.and_then(|all| all.get(key)).copied().unwrap_or(0);
            let all = memories.kv.get(&*policy.name).into_iter().flatten();
            let entries = all.map(|(key, value)| (key.clone(), value.clone().into_bytes(), ttl(key)));
            policy.kv.restore(entries, unix_ms(now));
        }
    }
}

#[cfg(test)]
mod tests;
