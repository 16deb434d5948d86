//! The bytes of the blobs that a job names, put into the job.

use std::collections::BTreeMap;
use std::sync::Arc;

use journal::{BlobError, Blobs};
use model::{Content, FieldError, JobRequest, JobSpec, pointer};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::spawn_blocking;

use super::BlobsError;
use crate::json::JsonError;
use crate::problem::Problem;
use crate::store::Store;

/// Of one job's blobs together: they are in memory for as long as the job, and there are others.
const MOST: u64 = 128 << 20;

/// How the request was written, which says where its `stdin` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// With `command` in place of `steps`.
    Short,
    Steps,
}

/// A blob and the place that names it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Named {
    pointer: String,
    digest: String,
    is_file: bool,
}

impl Form {
    pub(crate) fn of(request: &JobRequest) -> Self {
        if request.command.is_some() || request.steps.is_empty() { Self::Short } else { Self::Steps }
    }
}

/// `room` is that of the request's body: it grows by the bytes that come in, and is to be kept for as long as the job.
/// Blobs that the tenant has none of are complained about all at once.
pub(crate) async fn fill(
    spec: &mut JobSpec,
    form: Form,
    store: &Store,
    tenant: &str,
    room: &mut OwnedSemaphorePermit,
) -> Result<(), Problem> {
    let named = named(spec, form);
    if named.is_empty() {
        return Ok(());
    }
    let sizes = sizes(named.clone(), store, Some(tenant.to_owned())).await??;
    fit(spec, &named, &sizes).map_err(|error| Problem::from(vec![error]))?;
    let bytes = named.iter().map(|named| size(&sizes, named)).sum();
    room.merge(more(room, bytes)?);
    read(spec, named, sizes, store).await
}

/// For a job that was taken in before: it has its blobs, whatever became of the tenant's own claim to them.
pub(crate) async fn refill(spec: &mut JobSpec, store: &Store) -> Result<(), Problem> {
    let named = named(spec, Form::Steps);
    if named.is_empty() {
        return Ok(());
    }
    let sizes = sizes(named.clone(), store, None).await??;
    read(spec, named, sizes, store).await
}

type Sizes = BTreeMap<String, u64>;

/// Or what is wrong with some of them.
async fn sizes(
    named: Vec<Named>,
    store: &Store,
    tenant: Option<String>,
) -> Result<Result<Sizes, Vec<FieldError>>, BlobsError> {
    let journal = store.journal.clone();
    Ok(spawn_blocking(move || look(journal.blobs(), &named, tenant.as_deref())).await??)
}

fn look(
    blobs: &Blobs,
    named: &[Named],
    tenant: Option<&str>,
) -> Result<Result<Sizes, Vec<FieldError>>, BlobError> {
    let mut sizes = BTreeMap::new();
    for Named { digest, .. } in named {
        if sizes.contains_key(digest) {
            continue;
        }
        let visible = tenant.map_or(Ok(true), |tenant| blobs.visible_to(tenant, digest))?;
        let size = if visible { blobs.open(digest)?.map(|(_, bytes)| bytes) } else { None };
        sizes.insert(digest.clone(), size);
    }
    let unknown = named.iter().filter(|named| sizes.get(&named.digest).copied().flatten().is_none());
    let errors: Vec<_> = unknown.map(Named::unknown).collect();
    let known = sizes.into_iter().filter_map(|(digest, size)| Some((digest, size?))).collect();
    Ok(if errors.is_empty() { Ok(known) } else { Err(errors) })
}

impl Named {
    fn unknown(&self) -> FieldError {
        let detail = format!("there is no blob `{}`; upload it with `POST /blobs` first", self.digest);
        FieldError { pointer: self.pointer.clone(), code: "unknown_blob", detail }
    }
}

fn size(sizes: &Sizes, named: &Named) -> u64 {
    sizes.get(&named.digest).copied().unwrap_or(0)
}

/// For the files the rule of [`JobRequest::check`], which did not know their sizes yet.
fn fit(spec: &JobSpec, named: &[Named], sizes: &Sizes) -> Result<(), FieldError> {
    let sum = |some: &dyn Fn(&&Named) -> bool| -> u64 {
        named.iter().filter(some).map(|named| size(sizes, named)).fold(0, u64::saturating_add)
    };
    let memory = spec.steps.first().map_or(0, |step| step.limits.memory_bytes);
    let written: u64 = spec.files.iter().map(|file| file.contents.len() as u64).sum();
    let too_large = |pointer, detail| Err(FieldError { pointer, code: "too_large", detail });
    if sum(&|named| named.is_file).saturating_add(written) > spec.disk_bytes.min(memory) {
        let detail = "the files do not fit into `disk_bytes` and `memory_bytes`";
        return too_large(pointer(["files"]), detail.to_owned());
    }
    match sum(&|_| true) {
        bytes if bytes > MOST => too_large(
            String::new(),
            format!("the blobs of a job have at most {MOST} bytes together, these {bytes}"),
        ),
        _ => Ok(()),
    }
}

/// From where the room of its body is.
fn more(room: &OwnedSemaphorePermit, bytes: u64) -> Result<OwnedSemaphorePermit, JsonError> {
    let bytes = u32::try_from(bytes).map_err(|_| JsonError::NoRoom)?;
    Arc::clone(room.semaphore()).try_acquire_many_owned(bytes).map_err(|_| JsonError::NoRoom)
}

async fn read(spec: &mut JobSpec, named: Vec<Named>, sizes: Sizes, store: &Store) -> Result<(), Problem> {
    let journal = store.journal.clone();
    let read = spawn_blocking(move || {
        let one = |named: &Named| match journal.blobs().read(&named.digest, size(&sizes, named)) {
            // Swept between the look and now.
            Err(BlobError::Unknown(_)) => Ok(Err(named.unknown())),
            read => read.map(Ok),
        };
        named.iter().map(one).collect::<Result<Result<Vec<_>, _>, _>>()
    });
    let read = read.await.map_err(BlobsError::from)?.map_err(BlobsError::from)?;
    let read = read.map_err(|error| Problem::from(vec![error]))?;
    let blobs = spec.contents_mut().filter(|content| content.digest().is_some());
    blobs.zip(read).for_each(|(content, bytes)| content.fill(bytes));
    Ok(())
}

/// In the order of [`JobSpec::contents_mut`].
fn named(spec: &JobSpec, form: Form) -> Vec<Named> {
    let mut all = Vec::new();
    let mut add = |content: &Content, parts: &[&str]| {
        let Some(digest) = content.digest() else { return };
        let is_file = parts.first() == Some(&"files");
        all.push(Named { pointer: pointer(parts), digest: digest.to_owned(), is_file });
    };
    for (i, file) in spec.files.iter().enumerate() {
        add(&file.contents, &["files", &i.to_string(), "blob"]);
    }
    for (i, step) in spec.steps.iter().enumerate() {
        let index = i.to_string();
        match form {
            Form::Short => add(&step.stdin, &["stdin", "blob"]),
            Form::Steps => add(&step.stdin, &["steps", &index, "stdin", "blob"]),
        }
        for (j, case) in step.cases.iter().enumerate() {
            let at = ["steps", &index, "cases", &j.to_string()];
            if let Some(stdin) = &case.stdin {
                add(stdin, &[&at[..], &["stdin", "blob"]].concat());
            }
            if let Some(expect) = &case.expect {
                add(&expect.stdout, &[&at[..], &["expect", "stdout_blob"]].concat());
            }
        }
    }
    all
}

#[cfg(test)]
mod tests;
