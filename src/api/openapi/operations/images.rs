//! `/images`.

use image::{Details, Freed, Info};
use serde_json::json;
use utoipa::openapi::path::{HttpMethod, Parameter};

use super::super::answer::Answer;
use super::super::operation::Operation;
use super::super::parameter::in_path;
use super::IMAGES;
use crate::caller::Role;
use crate::images::{List, OfTenant, export, import, pull, push};
use crate::problem::Code;

const PULL: &str = "Fetches an image from a registry\n\n\
    Layers that are there already are not fetched again, and an interrupted pull is gone on with by the next. Whoever hangs up \
    ends it. With `Accept: text/event-stream` as server-sent events (WHATWG HTML §9.2): `progress` with an `ImageProgress`, and at \
    the end `image` with the `ImageInfo` or `problem` with the `Problem`.";
const IMPORT: &str = "Takes in images from an archive\n\n\
    What `docker save` writes, an OCI image layout as a tar, or a root filesystem as a tar, which needs a `name`.";
const REMOVE: &str = "Takes a name away\n\n\
    By a digest, all names that the tenant has for it. What no name is left for goes. Everybody's images are for admins.";
const INSPECT: &str = "Answers all about an image\n\n\
    A name that is one of the other routes' last words is asked for in full: `docker.io/library/export:latest`.";
const EXPORT: &str =
    "Answers an image as an archive\n\nManifest, config and layers are byte for byte those that came in.";

/// Whatever is wrong with what a registry or an archive has.
const CONTENT: [Code; 5] = [
    Code::ArchiveRefused,
    Code::DigestMismatch,
    Code::SizeMismatch,
    Code::ImageUnsupported,
    Code::NoPlatform,
];
const REGISTRY: [Code; 4] =
    [Code::RegistryRefused, Code::RegistryUnauthorized, Code::RegistryUnreachable, Code::RegistryUntrusted];

pub(super) fn operations() -> Vec<Operation> {
    vec![list(), inspect(), remove(), pull(), push(), import(), export(), gc()]
}

fn new(method: HttpMethod, path: &'static str, name: &'static str, about: &'static str) -> Operation {
    Operation::new(method, path, IMAGES, name, about)
}

fn reference() -> Parameter {
    let about = "A name, `name@sha256:…`, or the digest of a manifest; it may have slashes in it.";
    in_path("reference", about, json!({ "type": "string" }))
}

fn list() -> Operation {
    new(HttpMethod::Get, "/images", "list_images", "Lists images by their names\n\nAll of them for admins.")
        .role(Role::Read)
        .query::<OfTenant>()
        .answer(Answer::new("200", "The tenant's own and everybody's.").json::<List>())
}

fn inspect() -> Operation {
    new(HttpMethod::Get, "/images/{reference}", "get_image", INSPECT)
        .role(Role::Read)
        .parameter(reference())
        .query::<OfTenant>()
        .answer(Answer::new("200", "It is there.").json::<Details>())
        .refused(&[Code::ImageNotFound, Code::InvalidReference])
}

fn remove() -> Operation {
    new(HttpMethod::Delete, "/images/{reference}", "remove_image", REMOVE)
        .role(Role::Submit)
        .parameter(reference())
        .query::<OfTenant>()
        .answer(Answer::new("204", "It is gone."))
        .refused(&[Code::ImageNotFound, Code::InvalidReference, Code::ImageInUse])
}

fn pull() -> Operation {
    let answer = Answer::new("201", "It is there.").json::<Info>().headers(&["Location"]);
    let events = Answer::new("200", "Server-sent events: what happens, to the end.")
        .text("text/event-stream", "Each event has the fields `event` and `data`.")
        .headers(&["Cache-Control"]);
    let example = json!({ "reference": "busybox:1.36" });
    new(HttpMethod::Post, "/images/pull", "pull_image", PULL)
        .role(Role::Admin)
        .json::<pull::Wanted>(vec![("pull", example)])
        .answer(answer)
        .answer(events)
        .refused(&[Code::InvalidJob, Code::ImageNotFound, Code::InvalidReference])
        .refused(&[Code::TooLarge, Code::StorageFull])
        .refused(&CONTENT)
        .refused(&REGISTRY)
}

fn push() -> Operation {
    let example = json!({ "reference": "app:1", "to": "registry.example/team/app:1" });
    new(HttpMethod::Post, "/images/push", "push_image", "Sends an image to a registry")
        .role(Role::Admin)
        .json::<push::Wanted>(vec![("push", example)])
        .answer(Answer::new("200", "It is there.").json::<push::Pushed>())
        .refused(&[Code::InvalidJob, Code::ImageNotFound, Code::InvalidReference])
        .refused(&REGISTRY)
}

fn import() -> Operation {
    new(HttpMethod::Post, "/images/import", "import_images", IMPORT)
        .role(Role::Submit)
        .query::<import::Parameters>()
        .bytes("The archive, plain or compressed with gzip or zstd; written to disk while it comes.")
        .answer(Answer::new("201", "They are there.").json::<List>())
        .refused(&[Code::InvalidReference, Code::MalformedRequest, Code::UnsupportedMediaType])
        .refused(&[Code::QuotaExceeded, Code::TooLarge, Code::StorageFull])
        .refused(&CONTENT)
}

fn export() -> Operation {
    let archive = Answer::new("200", "The archive.").tar().headers(&["Cache-Control", "Content-Disposition"]);
    new(HttpMethod::Get, "/images/export", "export_image", EXPORT)
        .role(Role::Read)
        .query::<export::Parameters>()
        .answer(archive)
        .refused(&[Code::ImageNotFound, Code::InvalidReference, Code::QuotaExceeded, Code::StorageFull])
}

fn gc() -> Operation {
    let about = "Removes what nothing refers to\n\nImages without a name that no job uses, their layers and blobs, and what was interrupted.";
    new(HttpMethod::Post, "/images/gc", "sweep_images", about)
        .role(Role::Admin)
        .answer(Answer::new("200", "What was removed.").json::<Freed>())
}
