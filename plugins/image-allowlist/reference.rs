//! Image references: `python`, `python:3.13`, `ghcr.io/acme/tool@sha256:…`, and `host`.

use stockade_policy::glob;
use stockade_policy::prelude::*;

const HOST: &str = "host";

/// A reference in its parts.
#[derive(Debug)]
pub(crate) struct Reference<'a> {
    name: &'a str,
    /// The name with its registry, where the reference leaves it out; the same image.
    full_name: String,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Reference<'a> {
    pub(crate) fn parse(text: &'a str) -> Self {
        let (name, tag, digest) = split(text);
        // An image by its digest has no tag that counts, one by neither has `latest`.
        let tag = tag.or((digest.is_none() && name != HOST).then_some("latest"));
        Self { name, full_name: full_name(name), tag, digest }
    }

    /// A pattern without tag is for all tags, one without digest for all digests.
    pub(crate) fn matches(&self, pattern: &str) -> bool {
        let (name, tag, digest) = split(pattern);
        let part = |wanted: Option<&str>, found: Option<&str>| {
            wanted.is_none_or(|wanted| found.is_some_and(|found| glob::matches(wanted, found)))
        };
        let host = self.name == HOST || name == HOST;
        // `host` is no image: neither `*` nor `docker.io/library/host` is meant for it.
        let same = if host { self.name == name } else { self.matches_name(name) };
        same && part(tag, self.tag) && part(digest, self.digest)
    }

    fn matches_name(&self, pattern: &str) -> bool {
        [(pattern, self.name), (pattern, &self.full_name), (&full_name(pattern), &self.full_name)]
            .into_iter()
            .any(|(pattern, name)| glob::matches(pattern, name))
    }

    /// What runs is what was named: a digest, or the operator's own machine.
    pub(crate) fn is_pinned(&self) -> bool {
        self.name == HOST || self.digest.is_some_and(|digest| digest.starts_with("sha256:"))
    }
}

fn split(text: &str) -> (&str, Option<&str>, Option<&str>) {
    let (rest, digest) = text.split_once('@').map_or((text, None), |(rest, digest)| (rest, Some(digest)));
    let last = rest.rfind('/').map_or(0, |slash| slash + 1);
    match rest[last..].find(':') {
        // A colon further left is a port: `localhost:5000/tool`.
        Some(colon) => (&rest[..last + colon], Some(&rest[last + colon + 1..]), digest),
        None => (rest, None, digest),
    }
}

fn full_name(name: &str) -> String {
    match name.split_once('/') {
        None => format!("docker.io/library/{name}"),
        Some((first, _)) if first == "localhost" || first.contains(['.', ':']) => name.to_owned(),
        Some(_) => format!("docker.io/{name}"),
    }
}
