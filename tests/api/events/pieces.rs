use support::{Daemon, Who};

use super::printer::{printing, text};
use super::{ALL, BYTES, random};

/// Range by range (RFC 9110 §14), the whole.
pub(super) fn of_the_output(who: Who) {
    let daemon = Daemon::start(who, &[]);
    let mut random = random("pieces_of_the_output");
    let data = text(&mut random, BYTES);
    let id = daemon.submit(&printing(data.as_bytes(), ALL));
    assert_eq!(daemon.ended(&id)["status"], "succeeded");
    let (target, mut client) = (format!("/jobs/{id}/steps/run/stdout"), daemon.client());
    let mut all: Vec<u8> = Vec::new();
    let mut requests = 0;
    while all.len() < data.len() {
        let (from, to) = (all.len(), all.len() + random.below(200_000));
        let piece = client.request("GET", &target, &[("range", &format!("bytes={from}-{to}"))], b"");
        assert_eq!(piece.status, 206, "{}", piece.text());
        let last = to.min(data.len() - 1);
        let range = format!("bytes {from}-{last}/{}", data.len());
        assert_eq!(piece.header("content-range"), Some(range.as_str()));
        assert_eq!(piece.body.len(), last - from + 1);
        all.extend(piece.body);
        requests += 1;
    }
    assert!(all == data.as_bytes(), "{requests} pieces are not the whole");
    let tail = client.request("GET", &target, &[("range", "bytes=-100")], b"");
    assert_eq!((tail.status, tail.body == data.as_bytes()[data.len() - 100..]), (206, true));
    let beyond = client.request("GET", &target, &[("range", &format!("bytes={}-", data.len()))], b"");
    assert_eq!(beyond.status, 416, "{}", beyond.text());
    assert_eq!(beyond.header("content-range"), Some(format!("bytes */{}", data.len()).as_str()));
}
