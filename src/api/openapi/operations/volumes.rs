//! `/volumes`.

use image::Volume;
use serde_json::json;
use utoipa::openapi::path::{HttpMethod, Parameter};

use super::super::answer::{Answer, Next};
use super::super::operation::Operation;
use super::super::parameter::in_path;
use super::VOLUMES;
use crate::caller::Role;
use crate::images::OfTenant;
use crate::problem::Code;
use crate::volumes::{List, New};

const CREATE: &str =
    "Makes a volume\n\nNot needed before a job names it: it is made then, with the operator's limit.";
const NEXT: [Next; 2] = [
    ("get_volume", &[("name", "$response.body#/name")]),
    ("remove_volume", &[("name", "$response.body#/name")]),
];

pub(super) fn operations() -> [Operation; 4] {
    [list(), create(), inspect(), remove()]
}

fn new(method: HttpMethod, path: &'static str, name: &'static str, about: &'static str) -> Operation {
    Operation::new(method, path, VOLUMES, name, about)
}

fn name() -> Parameter {
    in_path("name", "Of the volume.", json!({ "type": "string" }))
}

fn list() -> Operation {
    new(HttpMethod::Get, "/volumes", "list_volumes", "Lists a tenant's volumes")
        .role(Role::Read)
        .query::<OfTenant>()
        .answer(Answer::new("200", "By their names.").json::<List>())
}

fn create() -> Operation {
    let example = json!({ "name": "pip-cache", "size_limit_bytes": 1_u64 << 30 });
    new(HttpMethod::Post, "/volumes", "create_volume", CREATE)
        .role(Role::Submit)
        .json::<New>(vec![("volume", example)])
        .answer(Answer::new("201", "It is empty.").json::<Volume>().headers(&["Location"]).leads_to(&NEXT))
        .refused(&[Code::InvalidJob, Code::InvalidName, Code::NameTaken, Code::AboveCap, Code::StorageFull])
}

fn inspect() -> Operation {
    new(HttpMethod::Get, "/volumes/{name}", "get_volume", "Answers a volume")
        .role(Role::Read)
        .parameter(name())
        .query::<OfTenant>()
        .answer(
            Answer::new("200", "As it was last measured: after the last job that could write to it.")
                .json::<Volume>(),
        )
        .refused(&[Code::VolumeNotFound])
}

fn remove() -> Operation {
    new(HttpMethod::Delete, "/volumes/{name}", "remove_volume", "Removes a volume\n\nWith all that is in it.")
        .role(Role::Submit)
        .parameter(name())
        .query::<OfTenant>()
        .answer(Answer::new("204", "It is gone."))
        .refused(&[Code::VolumeNotFound, Code::VolumeInUse])
}
