use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use support::Sent;

/// What one listener has heard, over all of its connections.
#[derive(Debug, Default)]
pub(super) struct Book {
    pub(super) events: Vec<Value>,
}

impl Book {
    /// The number of the last event, to go on after it.
    pub(super) fn last(&self) -> Option<u64> {
        self.events.last().and_then(|event| event["seq"].as_u64())
    }

    pub(super) fn take(&mut self, heard: &[Sent]) {
        for Sent { id, name, data } in heard {
            assert_eq!(
                (data["seq"].as_u64(), &data["type"]),
                (Some(*id), &Value::from(name.as_str())),
                "{data}"
            );
            self.add(data.clone());
        }
    }

    pub(super) fn add(&mut self, event: Value) {
        let due = self.last().unwrap_or(0) + 1;
        assert_eq!(event["seq"], due, "events are numbered without gap, and none comes twice");
        self.events.push(event);
    }

    pub(super) fn is_over(&self) {
        let last = self.events.last().expect("there are events");
        assert_eq!(last["type"], "ended", "the last is the end: {last}");
    }

    /// What one stream printed, where nothing of it was dropped.
    pub(super) fn bytes(&self, stream: &str) -> Vec<u8> {
        let (head, tail) = self.parts(stream);
        assert!(tail.is_empty(), "nothing was to be dropped");
        head
    }

    /// Before and after what was dropped.
    pub(super) fn parts(&self, stream: &str) -> (Vec<u8>, Vec<u8>) {
        let (mut head, mut tail, mut from) = (Vec::new(), Vec::new(), None);
        let of_stream = |event: &&Value| event["type"] == "output" && event["stream"] == stream;
        for event in self.events.iter().filter(of_stream) {
            let text = event["text"].as_str().expect("text");
            let bytes = match event["encoding"].as_str() {
                Some("utf-8") => text.as_bytes().to_vec(),
                Some("base64") => STANDARD.decode(text).expect("base64"),
                other => panic!("an encoding: {other:?}"),
            };
            assert!(!bytes.is_empty(), "an event without output: {event}");
            let offset = event["offset"].as_u64().and_then(|at| usize::try_from(at).ok()).expect("an offset");
            if from.is_none() && offset == head.len() {
                head.extend(bytes);
                continue;
            }
            let start = *from.get_or_insert(offset);
            assert_eq!(offset, start + tail.len(), "one gap at most: {} of {stream}", head.len());
            assert!(start > head.len(), "offsets do not go back");
            tail.extend(bytes);
        }
        (head, tail)
    }
}
