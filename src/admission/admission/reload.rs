//! One set of policies in place of another: whole, or not at all.

use std::sync::{Arc, PoisonError, TryLockError};

use super::Admission;
use crate::bundle::{Bundle, BundleError};
use crate::load::Loader;
use crate::summary::Summary;

impl Admission {
    /// Builds the set of `source`, a path or a shipped bundle's name, beside the one in force and swaps them. On any error
    /// the one in force stays. Jobs already admitted keep theirs.
    pub fn load(&self, source: &str) -> Result<Summary, BundleError> {
        let mut loading = self.core.loading.lock().unwrap_or_else(PoisonError::into_inner);
        let bundle = Bundle::read(source)?;
        self.swap(&bundle)?;
        *loading = Some(source.to_owned());
        drop(loading);
        Ok(self.summary())
    }

    /// The same for a bundle that is no file.
    pub fn load_bundle(&self, bundle: &Bundle) -> Result<Summary, BundleError> {
        let loading = self.core.loading.lock().unwrap_or_else(PoisonError::into_inner);
        self.swap(bundle)?;
        drop(loading);
        Ok(self.summary())
    }

    /// What was loaded last, from its source again. Nothing where nothing was loaded.
    pub fn reload(&self) -> Result<Summary, BundleError> {
        let source = self.core.loading.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.load_again(source)
    }

    /// As [`Admission::reload`], but `None` where a load is under way already.
    pub fn try_reload(&self) -> Option<Result<Summary, BundleError>> {
        let source = match self.core.loading.try_lock() {
            Ok(loading) => loading.clone(),
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner().clone(),
            Err(TryLockError::WouldBlock) => return None,
        };
        Some(self.load_again(source))
    }

    fn load_again(&self, source: Option<String>) -> Result<Summary, BundleError> {
        source.map_or_else(|| Ok(self.summary()), |source| self.load(&source))
    }

    fn swap(&self, bundle: &Bundle) -> Result<(), BundleError> {
        let current = self.core.current.load_full();
        let set = Loader { core: &self.core, current: &current }.build(bundle)?;
        tracing::info!(
            bundle = bundle.name,
            generation = set.generation,
            policies = set.policies.len(),
            "policies loaded"
        );
        self.core.maker.serve(&set.stock);
        self.core.current.swap(Arc::new(set)).stock.close();
        Ok(())
    }
}
