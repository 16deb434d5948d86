//! Who sent a request, and what they may do. [`authenticate`] finds it out once, before any handler; a handler says in
//! its arguments what it needs: [`Caller`] for anybody who is known, [`Reader`], [`Submitter`] or [`Admin`] for a role.
//!
//! Invariant: a route is public only by name (see `gate`); every other one has a caller, or was answered with 401.

mod credential;
mod failures;
mod gate;
mod live;
pub mod tokens;

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};

use crate::problem::{Code, Problem};

pub use gate::Callers;
pub(crate) use gate::authenticate;

/// An extension of every request that is not for a public route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub(crate) tenant: String,
    /// The token's name, `uid:N` on a unix socket, `anonymous` where nobody says who they are.
    pub(crate) submitter: String,
    pub(crate) roles: Roles,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Roles {
    pub(crate) submit: bool,
    pub(crate) read: bool,
    /// What the others may and, beyond it, policies and every tenant's jobs.
    pub(crate) admin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Send jobs, and steer those of the tenant.
    Submit,
    /// See the tenant's jobs, and what this server has and enforces.
    Read,
    /// Everything, for all tenants.
    Admin,
}

/// Whoever may see jobs.
#[derive(Clone, Debug)]
pub(crate) struct Reader(pub(crate) Caller);

/// Whoever may send jobs, and steer those of the tenant.
#[derive(Clone, Debug)]
pub(crate) struct Submitter(pub(crate) Caller);

/// Whoever may change the server, and see what is not their tenant's.
#[derive(Clone, Debug)]
pub(crate) struct Admin;

impl Role {
    pub const ALL: [Self; 3] = [Self::Submit, Self::Read, Self::Admin];

    pub fn word(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

impl Roles {
    pub(crate) const ALL: Self = Self { submit: true, read: true, admin: true };

    fn of(roles: &[Role]) -> Self {
        let has = |role| roles.contains(&role);
        Self { submit: has(Role::Submit), read: has(Role::Read), admin: has(Role::Admin) }
    }

    fn allow(self, role: Role) -> bool {
        self.admin
            || match role {
                Role::Submit => self.submit,
                Role::Read => self.read,
                Role::Admin => false,
            }
    }
}

impl Caller {
    /// Where there are no tokens, whoever can reach the server.
    pub(crate) fn anonymous() -> Self {
        Self { tenant: tokens::DEFAULT_TENANT.into(), submitter: "anonymous".into(), roles: Roles::ALL }
    }

    /// Whether jobs of that tenant exist for this caller. Where not, the answer is that there is no such job: a 403 would
    /// tell that there is one.
    pub(crate) fn sees(&self, tenant: &str) -> bool {
        self.roles.admin || self.tenant == tenant
    }

    /// What only an administrator may ask for.
    pub(crate) fn admin(&self) -> Result<(), Problem> {
        self.clone().must_be(Role::Admin).map(drop)
    }

    /// Whose things are asked for: the caller's own, unless an administrator names another.
    pub(crate) fn tenant_or(&self, named: Option<String>) -> Result<String, Problem> {
        match named {
            Some(other) if other != self.tenant => self.admin().map(|()| other),
            _ => Ok(self.tenant.clone()),
        }
    }

    fn must_be(self, role: Role) -> Result<Self, Problem> {
        if self.roles.allow(role) {
            return Ok(self);
        }
        Err(Problem::new(
            Code::Forbidden,
            format!("this needs the role `{role}`, which the token does not have"),
        ))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let known = parts.extensions.get::<Self>().cloned();
        // Only on a route that was made public by mistake.
        known.ok_or_else(|| {
            Problem::internal("a route that needs a caller does not pass `authenticate`".into())
        })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(Caller::from_request_parts(parts, state).await?.must_be(Role::Read)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Submitter {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self(Caller::from_request_parts(parts, state).await?.must_be(Role::Submit)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Caller::from_request_parts(parts, state).await?.must_be(Role::Admin)?;
        Ok(Self)
    }
}

#[cfg(test)]
mod tests;
