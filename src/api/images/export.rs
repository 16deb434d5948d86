//! `GET /images/export`: an image as an archive. It is written to disk first: an error is still an answer then, the length is
//! known, and no thread waits for a slow reader.

use std::fs::File;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use image::{Error, Format, Images};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Places;
use crate::caller::Reader;
use crate::contents::Contents;
use crate::problem::Problem;
use crate::query::Query;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Parameters {
    /// By name, `name@sha256:…`, or the digest of its manifest.
    reference: String,
    #[serde(default)]
    format: Form,
    /// Another than the caller's own: for admins.
    tenant: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Form {
    /// An OCI image layout as a tar.
    #[default]
    OciArchive,
    /// What `docker load` reads.
    DockerArchive,
}

pub(crate) async fn export(
    State(places): State<Places>,
    Reader(caller): Reader,
    Query(Parameters { reference, format, tenant }): Query<Parameters>,
) -> Result<Response, Problem> {
    let tenant = caller.tenant_or(tenant)?;
    let place = places.take(&caller.tenant)?;
    let (file, bytes) = write(&places.images, &tenant, &reference, format).await?;
    let about = [
        (header::CONTENT_TYPE, "application/x-tar"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"image.tar\""),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    let contents = Contents::new(Arc::new(file), 0..bytes).with(place);
    Ok((about, Body::new(contents)).into_response())
}

async fn write(images: &Images, tenant: &str, reference: &str, format: Form) -> Result<(File, u64), Error> {
    let format = match format {
        Form::OciArchive => Format::Oci,
        Form::DockerArchive => Format::Docker,
    };
    let file = images.scratch().await?;
    images.export(Some(tenant), reference, format, file.try_clone()?).await?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}
