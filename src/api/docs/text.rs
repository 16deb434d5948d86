//! From the document's text to HTML.

/// Safe between tags and in a quoted attribute.
pub(super) fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}

/// One line, with what is between backticks as code.
pub(super) fn line(text: &str) -> String {
    let parts = text.split('`').enumerate();
    parts.fold(String::new(), |line, (i, part)| {
        let part = escaped(part);
        if i % 2 == 1 { line + "<code>" + &part + "</code>" } else { line + &part }
    })
}

/// Paragraphs, and lists of lines that begin with `- `.
pub(super) fn paragraphs(text: &str) -> String {
    let parts = text.split("\n\n").filter(|part| !part.trim().is_empty());
    parts.fold(String::new(), |html, part| match part.strip_prefix("- ") {
        Some(item) => html + "<p class=item>" + &line(item) + "</p>",
        None => html + "<p>" + &line(part) + "</p>",
    })
}
