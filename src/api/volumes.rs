//! The routes below `/volumes`. Each tenant has its own.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use image::{Error, Images, Scope, Volume};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::caller::{Reader, Submitter};
use crate::images::OfTenant;
use crate::json;
use crate::problem::Problem;
use crate::query::Query;
use crate::segment::segment;

/// Volumes by their names.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "VolumeList")]
pub(crate) struct List {
    items: Vec<Volume>,
}

/// A volume to be made.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewVolume")]
pub(crate) struct New {
    #[schemars(regex(pattern = "^[a-z0-9][a-z0-9_.-]{0,63}$"))]
    name: String,
    /// The operator's limit when left out.
    size_limit_bytes: Option<u64>,
}

pub(crate) async fn list(
    State(images): State<Images>,
    Reader(caller): Reader,
    Query(OfTenant { tenant }): Query<OfTenant>,
) -> Result<Json<List>, Problem> {
    let tenant = caller.tenant_or(tenant)?;
    Ok(Json(List { items: images.volumes().list(Scope::Tenant(tenant)).await? }))
}

pub(crate) async fn create(
    State(images): State<Images>,
    Submitter(caller): Submitter,
    json::Json { value: New { name, size_limit_bytes }, .. }: json::Json<New>,
) -> Result<Response, Problem> {
    let made = images.volumes().create(&caller.tenant, &name, size_limit_bytes).await;
    let volume = made.map_err(|error| {
        let field = if matches!(error, Error::AboveCap(_)) { "size_limit_bytes" } else { "name" };
        Problem::of_image(error, field)
    })?;
    let location = [(header::LOCATION, format!("/volumes/{}", volume.name))];
    Ok((StatusCode::CREATED, location, Json(volume)).into_response())
}

pub(crate) async fn inspect(
    State(images): State<Images>,
    Reader(caller): Reader,
    ThisVolume(name): ThisVolume,
    Query(OfTenant { tenant }): Query<OfTenant>,
) -> Result<Json<Volume>, Problem> {
    let tenant = caller.tenant_or(tenant)?;
    Ok(Json(images.volumes().inspect(&tenant, &name).await?))
}

pub(crate) async fn remove(
    State(images): State<Images>,
    Submitter(caller): Submitter,
    ThisVolume(name): ThisVolume,
    Query(OfTenant { tenant }): Query<OfTenant>,
) -> Result<StatusCode, Problem> {
    let tenant = caller.tenant_or(tenant)?;
    images.volumes().remove(&tenant, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The `{name}` of a route.
#[derive(Debug)]
pub(crate) struct ThisVolume(String);

impl<S: Send + Sync> FromRequestParts<S> for ThisVolume {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // What is no text is no name. Of one that is endless, enough is told.
        let named = segment(parts, "name").await.filter(|name| name.len() <= 100);
        Ok(Self(named.ok_or_else(|| Error::VolumeNotFound("of this name".into()))?))
    }
}
