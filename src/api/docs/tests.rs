use super::*;
use crate::docs::text::{line, paragraphs};

#[test]
fn nothing_is_loaded_and_nothing_can_run() {
    let page = std::str::from_utf8(&PAGE.body).expect("text");
    for word in ["<script", "src=", "<link", "url(", "@import", "javascript:", " onclick", " style="] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(PAGE.policy.starts_with("default-src 'none'; style-src 'sha256-"), "{}", PAGE.policy);
    // The browser hashes what is between the tags.
    let style =
        page.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>")).map(|(style, _)| style);
    assert_eq!(style, Some(STYLE));
}

#[test]
fn every_link_leads_somewhere() {
    let page = std::str::from_utf8(&PAGE.body).expect("text");
    let targets = page.split("href=\"#").skip(1).filter_map(|rest| rest.split('"').next());
    let mut count = 0;
    for target in targets {
        let known = page.contains(&format!("id=\"{target}\"")) || page.contains(&format!("id={target}>"));
        assert!(known, "{target}");
        count += 1;
    }
    assert!(count > 100, "{count} links");
}

#[test]
fn text_is_never_markup() {
    assert_eq!(line("a `<b>` & \"c\""), "a <code>&lt;b&gt;</code> &amp; &quot;c&quot;");
    assert_eq!(paragraphs("a\n\n- `b`: c"), "<p>a</p><p class=item><code>b</code>: c</p>");
}
