use super::*;

#[test]
fn ranges_are_read() {
    assert_eq!(parse_range("bytes 5-9/10"), Some((5, Some(10))));
    assert_eq!(parse_range("bytes 5-9/*"), Some((5, None)));
    for text in
        ["", "bytes", "bytes */10", "5-9/10", "bytes -9/10", "bytes 5/10", "bytes 99999999999999999999-1/2"]
    {
        assert_eq!(parse_range(text), None, "{text}");
    }
}

#[test]
fn a_trickle_is_no_transfer() {
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    let slowest = Slowest { bytes: 100, within: Duration::from_secs(10) };
    let pace = || Pace { least: slowest, since: start, bytes: 0 };
    let mut trickle = pace();
    assert!((1..10).all(|second| trickle.holds(1, at(second))));
    assert!(!trickle.holds(1, at(10)));
    let mut enough = pace();
    assert!((1..100).all(|second| enough.holds(20, at(second))));
}
