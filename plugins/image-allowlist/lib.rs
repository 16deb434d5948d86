#![cfg_attr(target_arch = "wasm32", no_std)]
#![doc = include_str!("README.md")]

mod reference;
#[cfg(test)]
mod tests;

use stockade_policy::fmt::{cut, pointer};
use stockade_policy::prelude::*;

use reference::Reference;

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageAllowlist {
    images: Vec<String>,
    #[serde(default)]
    tenants: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    forbidden: Vec<String>,
    #[serde(default)]
    require_digest: bool,
}

impl Policy for ImageAllowlist {
    fn check(&self) -> Vec<SettingsError> {
        let lists = [("images", &self.images), ("forbidden", &self.forbidden)];
        let mut errors = Vec::new();
        for (name, list) in lists {
            check_patterns(&pointer(&[name]), list, &mut errors);
        }
        for (tenant, list) in &self.tenants {
            check_patterns(&pointer(&["tenants", tenant]), list, &mut errors);
        }
        errors
    }
}

fn check_patterns(at: &str, list: &[String], errors: &mut Vec<SettingsError>) {
    for (i, pattern) in list.iter().enumerate() {
        if pattern.is_empty() || pattern.contains(char::is_whitespace) {
            errors.push(SettingsError::new(
                format!("{at}/{i}"),
                "is empty or holds white space, so it matches no image",
            ));
        }
    }
}

impl Validate for ImageAllowlist {
    fn validate(&self, job: &Job) -> Verdict {
        let text = job.image();
        let image = Reference::parse(&text);
        if self.forbidden.iter().any(|pattern| image.matches(pattern)) {
            return Err(deny("image-forbidden", format!("image `{}` is forbidden here", cut(&text, 256))));
        }
        let of_tenant = if self.tenants.is_empty() { None } else { self.tenants.get(&job.tenant()) };
        let mut allowed = self.images.iter().chain(of_tenant.into_iter().flatten());
        if !allowed.any(|pattern| image.matches(pattern)) {
            return Err(deny(
                "image-not-allowed",
                format!("image `{}` is not on the list of allowed images", cut(&text, 256)),
            ));
        }
        if self.require_digest && !image.is_pinned() {
            let message =
                format!("image `{}` must be named by its digest, as `name@sha256:…`", cut(&text, 256));
            return Err(deny("image-digest-required", message));
        }
        Ok(Notes::default())
    }
}

fn deny(code: &str, message: String) -> Denial {
    Denial::new(code, message).field("/image")
}

stockade_policy::export!(ImageAllowlist: validation);
stockade_policy::no_std!();
