use std::collections::BTreeMap;

use super::{Kv, KvError, MAX_BYTES, MAX_KEY, MAX_KEYS, MAX_VALUE};

#[test]
fn a_value_is_there_until_its_end() {
    let kv = Kv::default();
    assert_eq!(kv.get("a", 0), None);
    kv.put("a", b"1".to_vec(), 10, 100).expect("room");
    kv.put("b", b"2".to_vec(), 0, 100).expect("room");
    assert_eq!(kv.get("a", 109).as_deref(), Some(&b"1"[..]));
    assert_eq!(kv.get("a", 110), None);
    assert_eq!(kv.get("b", u64::MAX - 1).as_deref(), Some(&b"2"[..]));
}

#[test]
fn a_time_beyond_counting_is_no_overflow() {
    let kv = Kv::default();
    kv.put("a", b"1".to_vec(), u64::MAX, u64::MAX - 1).expect("room");
    assert!(kv.get("a", u64::MAX - 1).is_some());
}

#[test]
fn keys_and_values_have_bounds() {
    let kv = Kv::default();
    let put = |key: &str, value: usize| kv.put(key, vec![0; value], 0, 0);
    assert_eq!(put("", 1), Err(KvError::TooLarge));
    assert_eq!(put(&"k".repeat(MAX_KEY + 1), 1), Err(KvError::TooLarge));
    assert_eq!(put("k", MAX_VALUE + 1), Err(KvError::TooLarge));
    assert!(kv.all().is_empty());
    put(&"k".repeat(MAX_KEY), MAX_VALUE).expect("at the bounds");
    assert_eq!(kv.all().len(), 1);
}

#[test]
fn counting_starts_at_nothing_and_keeps_the_first_end() {
    let kv = Kv::default();
    assert_eq!(kv.add("n", 2, 10, 100), Ok(2));
    assert_eq!(kv.add("n", -5, 1000, 105), Ok(-3));
    assert_eq!(kv.get("n", 109).as_deref(), Some(&b"-3"[..]));
    assert_eq!(kv.add("n", 1, 10, 110), Ok(1), "the old count has ended");
    kv.put("text", b"seven".to_vec(), 0, 0).expect("room");
    assert_eq!(kv.add("text", 1, 0, 0), Ok(1));
    assert_eq!(kv.add("top", i64::MAX, 0, 0), Ok(i64::MAX));
    assert_eq!(kv.add("top", 1, 0, 0), Ok(i64::MAX));
    assert_eq!(kv.add("", 1, 0, 0), Err(KvError::TooLarge));
}

#[test]
fn the_quota_of_keys_counts_new_ones_only() {
    let kv = Kv::default();
    for n in 0..MAX_KEYS {
        kv.put(&n.to_string(), Vec::new(), 0, 0).expect("room");
    }
    assert_eq!(kv.put("one more", Vec::new(), 0, 0), Err(KvError::Quota));
    assert_eq!(kv.add("one more", 1, 0, 0), Err(KvError::Quota));
    kv.put("0", b"again".to_vec(), 0, 0).expect("it is known");
    assert_eq!(kv.all().len(), MAX_KEYS);
}

#[test]
fn the_quota_of_bytes_counts_keys_and_gives_back_what_is_replaced() {
    let kv = Kv::default();
    let full = MAX_BYTES / MAX_VALUE;
    for n in 0..full - 1 {
        kv.put(&format!("{n:02}"), vec![0; MAX_VALUE], 0, 0).expect("room");
    }
    let left = MAX_VALUE - 2 * (full - 1);
    assert_eq!(kv.put("zz", vec![0; left - 1], 0, 0), Err(KvError::Quota));
    kv.put("zz", vec![0; left - 2], 0, 0).expect("to the last byte");
    kv.put("zz", vec![1; left - 2], 0, 0).expect("in place of the same");
    assert_eq!(kv.put("y", Vec::new(), 0, 0), Err(KvError::Quota));
    kv.put("00", Vec::new(), 0, 0).expect("less than it was");
    kv.put("y", Vec::new(), 0, 0).expect("there is room again");
}

#[test]
fn what_has_ended_makes_room_also_for_itself() {
    let kv = Kv::default();
    for n in 0..MAX_KEYS {
        kv.put(&n.to_string(), Vec::new(), 10, 0).expect("room");
    }
    assert_eq!(kv.put("new", Vec::new(), 0, 9), Err(KvError::Quota));
    kv.put("new", Vec::new(), 0, 10).expect("all others have ended");
    assert_eq!(kv.all().len(), 1);
    for n in 0..MAX_BYTES / MAX_VALUE - 1 {
        kv.put(&n.to_string(), vec![0; MAX_VALUE], 10, 0).expect("room");
    }
    kv.put("0", vec![0; MAX_VALUE - 1], 0, 10).expect("it has ended itself");
    kv.put("1", vec![0; MAX_VALUE - 1], 0, 10).expect("so has this");
    assert_eq!(kv.get("0", 11).map(|value| value.len()), Some(MAX_VALUE - 1));
}

#[test]
fn replacing_forgets_what_was_there() {
    let kv = Kv::default();
    kv.put("old", b"1".to_vec(), 0, 0).expect("room");
    let all = BTreeMap::from([("new".to_owned(), b"2".to_vec())]);
    kv.replace(&all);
    assert_eq!(kv.all(), all);
    assert_eq!(kv.get("old", 0), None);
}

#[test]
fn what_lives_is_put_back_with_the_time_that_it_has_left() {
    let kv = Kv::default();
    kv.put("ever", b"1".to_vec(), 0, 100).expect("room");
    kv.put("soon", b"2".to_vec(), 10, 100).expect("room");
    kv.put("over", b"3".to_vec(), 5, 100).expect("room");
    let living = kv.living(105);
    assert_eq!(living, [("ever".into(), b"1".to_vec(), 0), ("soon".into(), b"2".to_vec(), 5)]);

    let other = Kv::default();
    other.put("old", b"4".to_vec(), 0, 0).expect("room");
    other.restore(living, 1000);
    assert_eq!(other.get("soon", 1004).as_deref(), Some(&b"2"[..]));
    assert_eq!(other.get("soon", 1005), None);
    assert_eq!(other.get("ever", u64::MAX - 1).as_deref(), Some(&b"1"[..]));
    assert_eq!((other.get("over", 1000), other.get("old", 1000)), (None, None));
}
