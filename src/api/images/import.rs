//! `POST /images/import`: images from an archive, which is on disk before anybody looks into it.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use image::{Error, Silent};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{List, Places, owner};
use crate::caller::{Caller, Submitter};
use crate::problem::Problem;
use crate::query::Query;
use crate::receive::{ReceiveError, Sink, check, receive};

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Parameters {
    /// What the image is called, where the archive does not say it: `app:1`.
    name: Option<String>,
    /// Whose it becomes: for admins, who otherwise make everybody's.
    tenant: Option<String>,
}

pub(crate) async fn import(
    State(places): State<Places>,
    Submitter(caller): Submitter,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    take(&places, &caller, parameters, &headers, body).await.unwrap_or_else(|problem| {
        // Of the body something may be left, and then hyper closes: a client should know before its next request.
        let close = [(header::CONNECTION, HeaderValue::from_static("close"))];
        (close, problem).into_response()
    })
}

async fn take(
    places: &Places,
    caller: &Caller,
    Parameters { name, tenant }: Parameters,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let images = &places.images;
    let tenant = owner(caller, tenant)?;
    let most = images.archive_bytes();
    check(headers, &body, most).map_err(|error| Problem::from(&error))?;
    let _place = places.take(&caller.tenant)?;
    let archive = receive(images.scratch().await?, body, most).await?;
    let items = images.import(archive, name.as_deref(), tenant.as_deref(), Arc::new(Silent)).await?;
    Ok((StatusCode::CREATED, Json(List { items })).into_response())
}

impl Sink for File {
    type Error = Problem;

    fn put(&mut self, bytes: &[u8]) -> Result<(), Problem> {
        Ok(self.write_all(bytes).map_err(Error::from)?)
    }
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        Self::from(&error)
    }
}
