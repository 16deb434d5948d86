//! What is looked at when it is asked for: the state of the stages.

use image::Images;
use journal::Journal;
use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;
use schedule::Queue;
use supervise::Supervisor;

#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) queue: Queue,
    pub(crate) supervisor: Supervisor,
    pub(crate) journal: Journal,
    pub(crate) images: Images,
}

impl Figures {
    /// Asked by a thread that nobody else waits for: it may read.
    pub(super) fn register(self, meter: &Meter) {
        let Self { queue, supervisor, journal, images } = self;
        meter
            .u64_observable_gauge("stockade.jobs")
            .with_description("Jobs that have not ended")
            .with_callback(move |seen| {
                let total = queue.load().total;
                for (state, jobs) in [("queued", total.queued), ("running", total.running)] {
                    seen.observe(u64::from(jobs), &[KeyValue::new("stockade.state", state)]);
                }
            })
            .build();
        meter
            .u64_observable_gauge("stockade.sandboxes")
            .with_description("Sandboxes that jobs and their cases have")
            .with_callback(move |seen| seen.observe(supervisor.sandboxes(), &[]))
            .build();
        let writes = journal.clone();
        meter
            .u64_observable_counter("stockade.journal.writes")
            .with_description("Writes that the journal was given")
            .with_callback(move |seen| seen.observe(writes.written().writes, &[]))
            .build();
        meter
            .u64_observable_counter("stockade.journal.commits")
            .with_description("Transactions that those were written in")
            .with_callback(move |seen| seen.observe(journal.written().commits, &[]))
            .build();
        meter
            .u64_observable_gauge("stockade.images.size")
            .with_unit("By")
            .with_description("Of the store of images, by what it is: blobs as they came, trees unpacked")
            .with_callback(move |seen| {
                let Some(stored) = images.stored() else { return };
                for (kind, bytes) in [("blobs", stored.blobs), ("trees", stored.trees)] {
                    seen.observe(bytes, &[KeyValue::new("stockade.kind", kind)]);
                }
            })
            .build();
    }
}
