//! Texts that every policy needs.

use alloc::string::String;

/// A JSON pointer (RFC 6901) from its parts: `["labels", "a/b"]` is `/labels/a~1b`.
pub fn pointer(parts: &[&str]) -> String {
    let mut text = String::new();
    for part in parts {
        text.push('/');
        push_escaped(&mut text, part);
    }
    text
}

pub(crate) fn push_escaped(text: &mut String, part: &str) {
    for c in part.chars() {
        match c {
            '~' => text.push_str("~0"),
            '/' => text.push_str("~1"),
            c => text.push(c),
        }
    }
}

/// At most `max` bytes of `text`, never half a character; for values of unknown length in messages.
pub fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_escapes_its_parts() {
        assert_eq!(pointer(&["labels", "a/b~c"]), "/labels/a~1b~0c");
        assert_eq!(pointer(&[]), "");
    }

    #[test]
    fn a_cut_keeps_whole_characters() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(cut("aé", 9), "aé");
    }
}
