//! The routes below `/images`. A tenant has its own images and everybody's, which only administrators change.

pub(crate) mod export;
pub(crate) mod import;
mod places;
mod progress;
pub(crate) mod pull;
pub(crate) mod push;

use axum::Json;
use axum::extract::{FromRef, FromRequestParts, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use image::{Details, Error, Freed, Images, Info, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::{Admin, Caller, Reader, Submitter, tokens};
use crate::problem::Problem;
use crate::query::{Query, QueryError};
use crate::router::App;
use crate::segment::segment;
pub(crate) use places::Places;

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct OfTenant {
    /// Another than the caller's own: for admins.
    pub(crate) tenant: Option<String>,
}

/// Images by their names.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ImageList")]
pub(crate) struct List {
    /// One with several names is there for each.
    pub(crate) items: Vec<Info>,
}

impl FromRef<App> for Images {
    fn from_ref(app: &App) -> Self {
        app.images.clone()
    }
}

pub(crate) async fn list(
    State(images): State<Images>,
    Reader(caller): Reader,
    Query(OfTenant { tenant }): Query<OfTenant>,
) -> Result<Json<List>, Problem> {
    let scope = match tenant {
        None if caller.roles.admin => Scope::All,
        named => Scope::Tenant(caller.tenant_or(named)?),
    };
    Ok(Json(List { items: images.list(scope).await? }))
}

pub(crate) async fn inspect(
    State(images): State<Images>,
    Reader(caller): Reader,
    ThisImage(reference): ThisImage,
    Query(OfTenant { tenant }): Query<OfTenant>,
) -> Result<Json<Details>, Problem> {
    let tenant = caller.tenant_or(tenant)?;
    Ok(Json(images.inspect(Some(&tenant), &reference).await?))
}

/// A tenant's own name comes before everybody's, as it does for jobs.
pub(crate) async fn remove(
    State(images): State<Images>,
    Submitter(caller): Submitter,
    ThisImage(reference): ThisImage,
    Query(OfTenant { tenant }): Query<OfTenant>,
) -> Result<StatusCode, Problem> {
    let only = tenant.is_some();
    let tenant = caller.tenant_or(tenant)?;
    match images.remove(Some(&tenant), &reference, false).await {
        Err(Error::ImageNotFound(_)) if !only => (),
        removed => return Ok(removed.map(|_| StatusCode::NO_CONTENT)?),
    }
    if !caller.roles.admin {
        images.inspect(Some(&tenant), &reference).await?;
        caller.admin()?;
    }
    images.remove(None, &reference, false).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn gc(State(images): State<Images>, _: Admin) -> Result<Json<Freed>, Problem> {
    Ok(Json(images.gc().await?))
}

/// Whose images are made: the caller's own; for administrators everybody's, or those of the tenant that they name.
fn owner(caller: &Caller, named: Option<String>) -> Result<Option<String>, Problem> {
    if named.is_none() && caller.roles.admin {
        return Ok(None);
    }
    let tenant = caller.tenant_or(named)?;
    match tokens::tenant_fault(&tenant) {
        None => Ok(Some(tenant)),
        Some(fault) => Err(QueryError::Syntax(format!("`tenant`: {fault}")).into()),
    }
}

/// The `{*reference}` of a route.
#[derive(Debug)]
pub(crate) struct ThisImage(String);

impl<S: Send + Sync> FromRequestParts<S> for ThisImage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let named = segment(parts, "reference").await;
        // What is no text is no name.
        Ok(Self(named.ok_or_else(|| Error::ImageNotFound("of this name".into()))?))
    }
}
