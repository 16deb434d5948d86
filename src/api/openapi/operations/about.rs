//! The server itself.

use admission::Summary;
use utoipa::openapi::path::HttpMethod;

use super::super::answer::Answer;
use super::super::operation::Operation;
use super::super::parameter::if_none_match;
use super::SERVER;
use super::one_job::unchanged;
use crate::caller::Role;
use crate::capabilities::Capabilities;
use crate::health::{Health, Readiness, Version};
use crate::problem::Code;
use crate::usage;

const RELOAD: &str = "Loads the policies again\n\nAll of the bundle or none of it: where anything is wrong, the policies in force stay.";

pub(super) fn operations() -> Vec<Operation> {
    vec![
        get(
            "/capabilities",
            "capabilities",
            "Answers what this host enforces\n\nWith default limits, caps, and profiles.",
        )
        .role(Role::Read)
        .answer(Answer::new("200", "The same for as long as the server runs.").json::<Capabilities>()),
        get("/policies", "policies", "Answers the policies in force, with their counters")
            .role(Role::Read)
            .answer(Answer::new("200", "In the order in which they are asked.").json::<Summary>()),
        reload(),
        usage(),
        get("/healthz", "healthz", "Answers whether this process is of any use")
            .answer(Answer::new("200", "It is.").json::<Health>())
            .refused(&[Code::LauncherGone]),
        get("/readyz", "readyz", "Answers whether a job that is sent now would be decided and run")
            .answer(Answer::new("200", "It would.").json::<Readiness>())
            .refused(&[Code::LauncherGone, Code::NotReady]),
        get("/version", "version", "Answers name and version")
            .answer(Answer::new("200", "Of the program.").json::<Version>()),
        openapi(),
        get("/docs", "docs", "This document for people\n\nOne page, without scripts.")
            .answer(Answer::new("200", "HTML.").text("text/html; charset=utf-8", "").headers(&["ETag"]))
            .parameter(if_none_match())
            .answer(unchanged()),
    ]
}

fn get(path: &'static str, name: &'static str, about: &'static str) -> Operation {
    Operation::new(HttpMethod::Get, path, SERVER, name, about)
}

fn reload() -> Operation {
    Operation::new(HttpMethod::Post, "/policies/reload", SERVER, "reload_policies", RELOAD)
        .role(Role::Admin)
        .answer(Answer::new("200", "The policies in force from now on.").json::<Summary>())
        .refused(&[Code::PoliciesRefused, Code::ReloadInProgress])
}

fn usage() -> Operation {
    get("/usage", "usage", "Answers what a tenant has and may have")
        .role(Role::Read)
        .query::<usage::Parameters>()
        .answer(Answer::new("200", "Now.").json::<usage::Usage>())
}

fn openapi() -> Operation {
    let document = Answer::new("200", "OpenAPI 3.1, with JSON Schema 2020-12.").object();
    get("/openapi.json", "openapi", "This document")
        .parameter(if_none_match())
        .answer(document.headers(&["ETag", "Cache-Control"]))
        .answer(unchanged())
}
