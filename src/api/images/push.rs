//! `POST /images/push`: for administrators, as [`super::pull`] is.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use image::{Error, Images, Push, Silent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pull::logged_in;
use crate::caller::{Admin, Caller};
use crate::json;
use crate::problem::Problem;

/// What to send to a registry.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImagePush")]
pub(crate) struct Wanted {
    /// An image of this server.
    reference: String,
    /// Whose it is; the caller's own, or everybody's, when left out.
    tenant: Option<String>,
    /// Under another name than its own.
    to: Option<String>,
    /// For the registry; the server's own credentials when left out.
    username: Option<String>,
    password: Option<String>,
}

/// What is at the registry now.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ImagePushed")]
pub(crate) struct Pushed {
    /// Of the manifest.
    digest: String,
}

pub(crate) async fn push(
    State(images): State<Images>,
    _: Admin,
    caller: Caller,
    json::Json { value: wanted, .. }: json::Json<Wanted>,
) -> Result<Json<Pushed>, Problem> {
    let Wanted { reference, tenant, to, username, password } = wanted;
    let images = logged_in(images, username, password);
    let push = Push { reference, tenant: Some(caller.tenant_or(tenant)?), to: to.clone() };
    let digest = images.push(push, Arc::new(Silent)).await;
    let digest = digest.map_err(|error| {
        let of_to =
            matches!(&error, Error::InvalidReference { reference, .. } if Some(reference) == to.as_ref());
        Problem::of_image(error, if of_to { "to" } else { "reference" })
    })?;
    Ok(Json(Pushed { digest }))
}
