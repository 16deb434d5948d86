use image::Scope;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::client::{Call, block_on, query};
use crate::list::{self, List, ListArgs, Listed};
use crate::output::Failure;
use crate::place::{Place, Reach, TENANT, value};
use crate::policy::table::plain;
use crate::units::{age, bytes};

#[derive(Debug, Deserialize)]
struct Item {
    name: String,
    tenant: String,
    size_limit_bytes: u64,
    used_bytes: u64,
    used_at: Timestamp,
}

pub(super) fn ls(args: &ListArgs) -> Result<(), Failure> {
    let (place, tenant) = (args.place.open(Reach::Records)?, args.place.tenant.as_deref());
    list::print::<Item>(args, block_on(volumes(&place, tenant))?)
}

pub(crate) async fn volumes(place: &Place, tenant: Option<&str>) -> Result<Vec<Value>, Failure> {
    match place {
        Place::Here(images) => {
            let scope = tenant.map_or(Scope::All, |tenant| Scope::Tenant(tenant.to_owned()));
            images.volumes().list(scope).await?.into_iter().map(value).collect()
        }
        Place::There(client) => {
            let call = Call::get(query("/volumes", tenant.map(|tenant| ("tenant", tenant))));
            Ok(client.json::<List>(call).await?.items)
        }
    }
}

impl Listed for Item {
    fn name(&self) -> &str {
        &self.name
    }

    /// Whose they are only where there are others than this machine's user.
    fn rows(items: &[Self], now: Timestamp) -> Vec<Vec<String>> {
        let tenants = items.iter().any(|item| item.tenant != TENANT);
        let mut head = vec!["NAME", "USED", "SIZE", "LAST USED"];
        head.extend(tenants.then_some("TENANT"));
        let head = head.into_iter().map(String::from).collect();
        let row = |item: &Self| {
            let used = age(item.used_at, now);
            let mut row = vec![plain(&item.name), bytes(item.used_bytes), bytes(item.size_limit_bytes), used];
            row.extend(tenants.then(|| plain(&item.tenant)));
            row
        };
        std::iter::once(head).chain(items.iter().map(row)).collect()
    }
}
