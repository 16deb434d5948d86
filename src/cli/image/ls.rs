use image::Scope;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Call, block_on, query};
use crate::list::{self, List, ListArgs, Listed};
use crate::output::Failure;
use crate::place::{Place, Reach, value};
use crate::policy::table::plain;
use crate::progress::short;
use crate::units::{age, bytes};

#[derive(Debug, Deserialize)]
struct Item {
    name: String,
    #[serde(default)]
    tenant: Option<String>,
    digest: String,
    layers: u64,
    bytes: u64,
    added_at: Timestamp,
}

pub(super) fn ls(args: &ListArgs) -> Result<(), Failure> {
    let (place, tenant) = (args.place.open(Reach::Records)?, args.place.tenant.as_deref());
    list::print::<Item>(args, block_on(images(&place, tenant))?)
}

/// All that there are, or those that the tenant can use.
pub(crate) async fn images(place: &Place, tenant: Option<&str>) -> Result<Vec<Value>, Failure> {
    match place {
        Place::Here(images) => {
            let scope = tenant.map_or(Scope::All, |tenant| Scope::Tenant(tenant.to_owned()));
            images.list(scope).await?.into_iter().map(value).collect()
        }
        Place::There(client) => {
            let call = Call::get(query("/images", tenant.map(|tenant| ("tenant", tenant))));
            Ok(client.json::<List>(call).await?.items)
        }
    }
}

impl Listed for Item {
    fn name(&self) -> &str {
        &self.name
    }

    /// Whose they are only where they are not all everybody's.
    fn rows(items: &[Self], now: Timestamp) -> Vec<Vec<String>> {
        let tenants = items.iter().any(|item| item.tenant.is_some());
        let mut head = vec!["NAME", "DIGEST", "LAYERS", "SIZE", "AGE"];
        head.extend(tenants.then_some("TENANT"));
        let head = head.into_iter().map(String::from).collect();
        let row = |item: &Self| {
            let mut row = vec![
                plain(&item.name),
                plain(short(&item.digest)),
                item.layers.to_string(),
                bytes(item.bytes),
                age(item.added_at, now),
            ];
            row.extend(tenants.then(|| plain(item.tenant.as_deref().unwrap_or_default())));
            row
        };
        std::iter::once(head).chain(items.iter().map(row)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Item, Listed as _, Timestamp};

    fn item(name: &str, tenant: Option<&str>) -> Item {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let (name, tenant) = (name.to_owned(), tenant.map(str::to_owned));
        Item { name, tenant, digest, layers: 2, bytes: 1536, added_at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn whose_it_is_shows_where_it_matters() {
        let now = Timestamp::constant(120, 0);
        let all = Item::rows(&[item("a:1", None)], now);
        assert_eq!(all[0], ["NAME", "DIGEST", "LAYERS", "SIZE", "AGE"]);
        assert_eq!(all[1], ["a:1", "abababababab", "2", "1.5 KiB", "2m"]);
        let all = Item::rows(&[item("a:1", None), item("\u{1b}b", Some("ci"))], now);
        assert_eq!(all.iter().map(|row| row[5].as_str()).collect::<Vec<_>>(), ["TENANT", "", "ci"]);
        assert_eq!(all[2][0], "\u{fffd}b");
    }
}
