//! Archives take disk and time. One tenant has a few under way, and the others theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use image::Images;

use crate::problem::{Code, Problem};
use crate::router::App;

/// Archives of one tenant that come or go at one time.
const AT_ONCE: u32 = 4;

/// Where archives come from and go to.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(super) images: Images,
    taken: Arc<Mutex<HashMap<String, u32>>>,
}

/// Given back when dropped.
#[derive(Debug)]
pub(super) struct Place {
    taken: Arc<Mutex<HashMap<String, u32>>>,
    tenant: String,
}

impl Places {
    pub(crate) fn new(images: Images) -> Self {
        Self { images, taken: Arc::default() }
    }

    pub(super) fn take(&self, tenant: &str) -> Result<Place, Problem> {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = all.entry(tenant.to_owned()).or_default();
        if *taken >= AT_ONCE {
            let detail = format!(
                "{AT_ONCE} archives of this tenant are under way; try again when one of them is done"
            );
            return Err(Problem::new(Code::QuotaExceeded, detail));
        }
        *taken += 1;
        Ok(Place { taken: Arc::clone(&self.taken), tenant: tenant.to_owned() })
    }
}

impl axum::extract::FromRef<App> for Places {
    fn from_ref(app: &App) -> Self {
        app.places.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = all.get_mut(&self.tenant) {
            *taken -= 1;
            if *taken == 0 {
                all.remove(&self.tenant);
            }
        }
    }
}
