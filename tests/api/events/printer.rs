use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use support::Random;

/// In pieces of 1 to 4000 bytes, so that characters are cut anywhere, with a pause after each.
const PROGRAM: &str = "
import os, time
data, at, number = open('data', 'rb').read(), 0, 1
while at < len(data):
    number = (number * 1103515245 + 12345) % 2**31
    at += os.write(1, data[at:at + 1 + number // 65536 % 4000])
    time.sleep(0.0005)
";

/// A job that prints these bytes, of which `kept` may be kept.
pub(super) fn printing(data: &[u8], kept: u64) -> Value {
    json!({"files": [{"path": "data", "base64": STANDARD.encode(data)}],
        "command": ["/usr/bin/python3", "-S", "-c", PROGRAM], "limits": {"output_bytes": kept, "wall_time_ms": 30_000}})
}

/// Characters of one to four bytes.
pub(super) fn text(random: &mut Random, bytes: usize) -> String {
    const PARTS: [&str; 9] = ["a", "plain words ", "é", "ß", "漢", "€", "😀", "\n", "\t\"\\"];
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        text.push_str(PARTS[random.below(PARTS.len())]);
    }
    text
}

pub(super) fn binary(random: &mut Random, bytes: usize) -> Vec<u8> {
    (0..bytes.div_ceil(8)).flat_map(|_| random.any().to_le_bytes()).take(bytes).collect()
}
