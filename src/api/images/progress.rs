//! How far a pull is, for one listener: of each stage of a blob the last that is worth telling, however slowly they listen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use image::tool::Expected;
use image::{Progress, Stage};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Notify;

/// Parts of a blob that are told one by one.
const PARTS: u64 = 50;
const SMALLEST_PART: u64 = 256 << 10;

/// How far a blob of an image is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "ImageProgress")]
pub(crate) struct Told {
    /// Of the blob.
    digest: String,
    #[schemars(extend("enum" = ["waiting", "there", "fetching", "fetched", "unpacking", "unpacked"]))]
    stage: &'static str,
    /// Bytes of this stage.
    done: u64,
    total: u64,
}

#[derive(Debug, Default)]
pub(super) struct Heard {
    blobs: Mutex<Blobs>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Blobs {
    /// By digest.
    last: BTreeMap<String, Told>,
    /// Not told yet.
    fresh: VecDeque<Told>,
}

impl Heard {
    pub(super) fn next(&self) -> Option<Told> {
        self.blobs().fresh.pop_front()
    }

    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }

    fn blobs(&self) -> MutexGuard<'_, Blobs> {
        self.blobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Heard {
    fn told(&self, blob: &Expected, stage: Stage) {
        let told = told(blob, stage);
        let mut blobs = self.blobs();
        if blobs.last.get(&told.digest).is_some_and(|last| !worth(last, &told)) {
            return;
        }
        match blobs.fresh.iter_mut().rfind(|fresh| fresh.digest == told.digest) {
            Some(fresh) if fresh.stage == told.stage => *fresh = told.clone(),
            _ => blobs.fresh.push_back(told.clone()),
        }
        blobs.last.insert(told.digest.clone(), told);
        drop(blobs);
        self.changed.notify_one();
    }
}

fn told(blob: &Expected, stage: Stage) -> Told {
    let (stage, done) = match stage {
        Stage::Waiting => ("waiting", 0),
        Stage::There => ("there", blob.size),
        Stage::Fetching { done } => ("fetching", done),
        Stage::Fetched => ("fetched", blob.size),
        Stage::Unpacking { done } => ("unpacking", done),
        Stage::Unpacked => ("unpacked", blob.size),
        Stage::Pushing { done } => ("pushing", done),
        Stage::Pushed => ("pushed", blob.size),
    };
    Told { digest: blob.digest.clone(), stage, done, total: blob.size }
}

fn worth(last: &Told, now: &Told) -> bool {
    let part = (now.total / PARTS).max(SMALLEST_PART);
    // Less than before: a download that began anew.
    last.stage != now.stage || now.done >= last.done.saturating_add(part) || now.done < last.done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_each_blob_in_few_words() {
        let heard = Heard::default();
        let [one, two] =
            ["sha256:1", "sha256:2"].map(|digest| Expected { digest: digest.into(), size: 100 << 20 });
        heard.told(&one, Stage::Waiting);
        heard.told(&two, Stage::There);
        heard.told(&two, Stage::Unpacked);
        for done in 0..=1000 {
            heard.told(&one, Stage::Fetching { done: done << 10 });
        }
        let next = || heard.next().map(|told| (told.digest, told.stage, told.done));
        assert_eq!(next(), Some(("sha256:1".into(), "waiting", 0)));
        assert_eq!(
            next(),
            Some(("sha256:2".into(), "there", 100 << 20)),
            "whatever is told of it afterwards"
        );
        assert_eq!(next(), Some(("sha256:2".into(), "unpacked", 100 << 20)));
        assert_eq!(next(), Some(("sha256:1".into(), "fetching", 0)), "less than a part has come");
        assert_eq!(next(), None);
        let mut told = 0;
        for done in 0..=(100 << 10) {
            heard.told(&one, Stage::Fetching { done: done << 10 });
            told += u64::from(next().is_some());
        }
        assert_eq!(told, PARTS);
        heard.told(&one, Stage::Fetched);
        heard.told(&one, Stage::Unpacking { done: 5 });
        assert_eq!(next(), Some(("sha256:1".into(), "fetched", 100 << 20)));
        assert_eq!(next(), Some(("sha256:1".into(), "unpacking", 5)));
        heard.told(&one, Stage::Fetching { done: 0 });
        assert_eq!(next(), Some(("sha256:1".into(), "fetching", 0)), "once more from the start");
    }

    #[tokio::test]
    async fn what_was_told_before_is_heard() {
        let heard = Heard::default();
        heard.told(&Expected { digest: "sha256:1".into(), size: 1 }, Stage::Waiting);
        heard.changed().await;
        assert!(heard.next().is_some());
    }
}
