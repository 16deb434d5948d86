//! `/blobs`.

use serde_json::json;
use utoipa::openapi::path::HttpMethod;

use super::super::answer::{Answer, Next};
use super::super::operation::Operation;
use super::super::parameter::{digest, if_none_match, if_range, in_header, range};
use super::BLOBS;
use super::one_job::{pieces, unchanged};
use crate::blobs::Uploaded;
use crate::caller::Role;
use crate::problem::Code;

const UPLOAD: &str = "Uploads bytes\n\n\
    Kept for the tenant under their digest, for jobs to name in `blob`: a second upload of the same bytes is known already.";

const NEXT: [Next; 2] = [
    ("get_blob", &[("digest", "$response.body#/digest")]),
    ("head_blob", &[("digest", "$response.body#/digest")]),
];

pub(super) fn operations() -> Vec<Operation> {
    vec![upload(), download(), head()]
}

fn upload() -> Operation {
    let about = "What the bytes must come to: `sha-256=:…:` (RFC 9530). Others are refused and not kept.";
    let expected = json!({ "type": "string" });
    let answer = |status, about| {
        Answer::new(status, about).json::<Uploaded<'static>>().headers(&["Location"]).leads_to(&NEXT)
    };
    Operation::new(HttpMethod::Post, "/blobs", BLOBS, "upload_blob", UPLOAD)
        .role(Role::Submit)
        .bytes("Of any type, as they are; written to disk while they come.")
        .parameter(in_header("Content-Digest", about, expected.clone()))
        .parameter(in_header("Repr-Digest", about, expected))
        .answer(answer("200", "It was there already."))
        .answer(answer("201", "It is new."))
        .refused(&[Code::DigestMismatch, Code::QuotaExceeded, Code::StorageFull, Code::UnsupportedMediaType])
}

fn of_blob(method: HttpMethod, name: &'static str, about: &'static str, all: Answer) -> Operation {
    Operation::new(method, "/blobs/{digest}", BLOBS, name, about)
        .role(Role::Read)
        .parameter(digest())
        .parameter(if_none_match())
        .answer(all)
        .answer(unchanged())
        .refused(&[Code::BlobNotFound])
}

fn download() -> Operation {
    let [all, part] = pieces();
    of_blob(HttpMethod::Get, "get_blob", "Answers a blob", all)
        .parameter(range())
        .parameter(if_range())
        .answer(part)
        .refused(&[Code::RangeNotSatisfiable])
}

fn head() -> Operation {
    let about = "Answers whether a blob is there\n\nThe headers of `GET`, and no body.";
    let [all, _] = pieces();
    of_blob(HttpMethod::Head, "head_blob", about, all)
}
