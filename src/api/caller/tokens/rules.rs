//! What an entry must be like. The names end up in logs, policies and rows of a terminal.

use super::Token;
use crate::digest::from_hex;

const LONGEST: usize = 64;

/// Why this is no name of a tenant.
pub fn tenant_fault(text: &str) -> Option<&'static str> {
    fault(
        text,
        "a tenant is 1 to 64 of the letters a-z, A-Z, 0-9, `.`, `_` and `-`, and starts with a letter or digit",
    )
}

/// Why this is no name of a token.
pub fn name_fault(text: &str) -> Option<&'static str> {
    fault(
        text,
        "a name is 1 to 64 of the letters a-z, A-Z, 0-9, `.`, `_` and `-`, and starts with a letter or digit",
    )
}

/// No `:` in it: `uid:0` is nobody's token.
fn fault(text: &str, rule: &'static str) -> Option<&'static str> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let starts = text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    (!(plain && starts && text.len() <= LONGEST)).then_some(rule)
}

pub(super) fn check(token: &Token) -> Result<(), &'static str> {
    let Token { name, tenant, roles, sha256, created_at: _, expires_at: _ } = token;
    if let Some(fault) = name_fault(name).or_else(|| tenant_fault(tenant)) {
        return Err(fault);
    }
    if roles.is_empty() {
        return Err("there is no role in `roles`");
    }
    if from_hex(sha256).is_none() {
        return Err("`sha256` is not 64 hexadecimal digits in lower case");
    }
    Ok(())
}
