//! Patterns: `*` is any run of characters but `/`, `**` any run, `?` one character but `/`; anything else is itself.

/// Whether the whole of `text` is as `pattern` says.
pub fn matches(pattern: &str, text: &str) -> bool {
    matches_bytes(pattern.as_bytes(), text.as_bytes())
}

/// Whether one of `patterns` matches; never where there are none.
pub fn matches_any<S: AsRef<str>>(patterns: impl IntoIterator<Item = S>, text: &str) -> bool {
    patterns.into_iter().any(|pattern| matches(pattern.as_ref(), text))
}

/// Takes time in proportion to the two lengths for each star: it goes back to the last star only, and to the last double one
/// where that fails, which finds a match if there is one.
fn matches_bytes(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on after the star, and how much of the text that star has taken.
    let mut single: Option<(usize, usize)> = None;
    let mut double: Option<(usize, usize)> = None;
    loop {
        match (pattern.get(p), text.get(t)) {
            (Some(b'*'), _) => {
                let stars = pattern[p..].iter().take_while(|byte| **byte == b'*').count();
                p += stars;
                if stars > 1 {
                    (single, double) = (None, Some((p, t)));
                } else {
                    single = Some((p, t));
                }
                continue;
            }
            (None, None) => return true,
            (Some(b'?'), Some(c)) if *c != b'/' => {
                // A character of several bytes is one `?`.
                p += 1;
                t += 1;
                while text.get(t).is_some_and(|byte| byte & 0xc0 == 0x80) {
                    t += 1;
                }
                continue;
            }
            (Some(a), Some(b)) if a == b && *a != b'?' => {
                p += 1;
                t += 1;
                continue;
            }
            _ => {}
        }
        if let Some((after, taken)) = single
            && text.get(taken).is_some_and(|byte| *byte != b'/')
        {
            (p, t, single) = (after, taken + 1, Some((after, taken + 1)));
        } else if let Some((after, taken)) = double
            && taken < text.len()
        {
            (p, t, single, double) = (after, taken + 1, None, Some((after, taken + 1)));
        } else {
            return false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stop_at_slashes_and_double_ones_do_not() {
        for (pattern, text, wanted) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "abc", true),
            ("*", "a/b", false),
            ("**", "a/b", true),
            ("a*c", "abbc", true),
            ("a*c", "abb", false),
            ("*.example.org", "a.b.example.org", true),
            ("*.example.org", "example.org", false),
            ("*.example.org", "a.example.org.evil", false),
            ("ghcr.io/acme/*", "ghcr.io/acme/x", true),
            ("ghcr.io/acme/*", "ghcr.io/acme/x/y", false),
            ("ghcr.io/acme/**", "ghcr.io/acme/x/y", true),
            ("**/b/*c", "a/b/a/b/xc", true),
            ("a?c", "aéc", true),
            ("a?c", "a/c", false),
            ("a*b*c*d", "axbxbxcxd", true),
            ("**a*/b", "xa/a/ab/c", false),
            ("**a*/b", "xa/a/axx/b", true),
        ] {
            assert_eq!(matches(pattern, text), wanted, "{pattern} {text}");
        }
    }

    #[test]
    fn no_pattern_matches_nothing() {
        assert!(!matches_any::<&str>([], ""));
        assert!(matches_any(["b", "a*"], "ax"));
    }

    #[test]
    fn a_hostile_text_takes_no_longer() {
        let started = std::time::Instant::now();
        assert!(!matches(&"*a".repeat(50), &"a".repeat(49)));
        assert!(!matches(&"**a".repeat(200), &format!("{}b", "a".repeat(20_000))));
        assert!(started.elapsed().as_secs() < 5);
    }
}
