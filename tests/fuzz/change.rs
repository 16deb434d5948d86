//! Inputs made of other inputs.

use serde_json::{Value, json};
use support::Random;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Bytes,
    Lines,
    Json,
    /// Its headers have a sum over themselves: with a wrong one nothing else is read.
    Tar,
}

pub(crate) fn change(form: Form, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) -> Vec<u8> {
    let mut input = random.pick(corpus).clone();
    for _ in 0..=random.below(6) {
        match form {
            Form::Json if !random.once_in(5) => values(&mut input, corpus, words, random),
            Form::Lines if !random.once_in(3) => lines(&mut input, corpus, words, random),
            _ => bytes(&mut input, corpus, words, random),
        }
    }
    if form == Form::Tar && !random.once_in(8) {
        sums(&mut input);
    }
    input
}

fn bytes(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let (start, end) = range(input.len(), random);
    match random.below(8) {
        0 if start < input.len() => input[start] ^= 1 << random.below(8),
        1 if start < input.len() => {
            input[start] = *random.pick(&[0, 1, 0x7f, 0x80, 0xff, b'0', b'7', b'/', b'"']);
        }
        2 => drop(input.drain(start..end)),
        3 => input.splice(start..start, input[start..end].to_vec()).for_each(drop),
        4 => {
            let other = random.pick(corpus);
            let (from, to) = range(other.len(), random);
            input.splice(start..end, other[from..to].iter().copied()).for_each(drop);
        }
        5 if !words.is_empty() => {
            let word = random.pick(words).bytes();
            let end = if random.once_in(2) { start } else { (start + word.len()).min(input.len()) };
            input.splice(start..end, word).for_each(drop);
        }
        6 => input.truncate(start),
        _ => input[start..end].fill(*random.pick(&[0, b' ', b'9', 0xff])),
    }
}

/// A short one, mostly.
fn range(length: usize, random: &mut Random) -> (usize, usize) {
    let start = random.below(length + 1);
    let most = if random.once_in(8) { length - start } else { (length - start).min(16) };
    (start, start + random.below(most + 1))
}

fn lines(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let mut all: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = random.below(all.len());
    match random.below(5) {
        0 => drop(all.remove(at)),
        1 => all.insert(at, all[random.below(all.len())].clone()),
        2 => {
            let other: Vec<&[u8]> = random.pick(corpus).split(|byte| *byte == b'\n').collect();
            all.insert(at, random.pick(&other).to_vec());
        }
        3 if !words.is_empty() => all.insert(at, random.pick(words).as_bytes().to_vec()),
        _ => {
            let kept = all[at].iter().position(|byte| *byte == b'=').map_or(0, |equals| equals + 1);
            all[at].truncate(kept);
            let values =
                ["-1", "[]", "{}", "\"\"", "1e400", "99999999999999999999", "true", "[\"\\u0000\"]", "0.1"];
            all[at].extend(random.pick(&values).bytes());
        }
    }
    *input = all.join(&b'\n');
}

fn values(input: &mut Vec<u8>, corpus: &[Vec<u8>], words: &[&str], random: &mut Random) {
    let Ok(mut document) = serde_json::from_slice::<Value>(input) else {
        return bytes(input, corpus, words, random);
    };
    let other = match random.below(4) {
        0 => serde_json::from_slice(random.pick::<Vec<u8>>(corpus)).unwrap_or(Value::Null),
        1 if !words.is_empty() => json!(random.pick(words)),
        _ => odd(random),
    };
    let other = if random.once_in(3) { other } else { part(other, random) };
    let place = place(&mut document, random);
    match (random.below(4), &mut *place) {
        (0, Value::Object(fields)) => {
            let name = if words.is_empty() { "" } else { random.pick(words) };
            fields.insert(name.into(), other);
        }
        (0, Value::Array(entries)) => entries.push(other),
        (1, Value::Object(fields)) if !fields.is_empty() => {
            let name = fields.keys().nth(random.below(fields.len())).cloned().unwrap_or_default();
            fields.remove(&name);
        }
        (1, Value::Array(entries)) => entries.extend_from_within(..),
        (2, Value::String(text)) => {
            text.push_str(random.pick::<&str>(&["\0", "/", "..", "\u{202e}", "🦀", "\n", " ", "%00"]));
        }
        (2, Value::Number(number)) => {
            let by = *random.pick(&[-1, 1, 1 << 31, i64::MAX]);
            *place = json!(number.as_i64().unwrap_or(0).wrapping_add(by));
        }
        _ => *place = other,
    }
    *input = document.to_string().into_bytes();
}

/// Itself, or something within.
fn place<'a>(document: &'a mut Value, random: &mut Random) -> &'a mut Value {
    let length = match document {
        Value::Array(entries) => entries.len(),
        Value::Object(fields) => fields.len(),
        _ => 0,
    };
    if length == 0 || random.once_in(4) {
        return document;
    }
    let at = random.below(length);
    let inner = match document {
        Value::Array(entries) => &mut entries[at],
        Value::Object(fields) => fields.values_mut().nth(at).expect("a field of so many"),
        scalar => return scalar,
    };
    place(inner, random)
}

fn part(mut document: Value, random: &mut Random) -> Value {
    place(&mut document, random).take()
}

fn odd(random: &mut Random) -> Value {
    let odd = [
        json!(null),
        json!(true),
        json!(""),
        json!([]),
        json!({}),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(1.5),
        json!(1e308),
        json!("a".repeat(5000)),
        json!([[[[[[[[]]]]]]]]),
        json!("/../../etc"),
        json!("\0"),
        json!({"": ""}),
        json!(vec![json!("x"); 300]),
    ];
    random.pick(&odd).clone()
}

/// Of every header that says it is one (tar(5), "ustar").
fn sums(input: &mut [u8]) {
    for header in input.chunks_exact_mut(512).filter(|block| block[257..262] == *b"ustar") {
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}
