//! Which policy an error is about, where the text is no bundle: found by its lines.

const POLICY: &str = "[[policy]]";

/// The name in the entry that stands there.
pub(super) fn entry_at(text: &str, at: usize) -> Option<String> {
    let before = &text[..text.floor_char_boundary(at + POLICY.len())];
    let begin = before.rfind(POLICY).filter(|begin| !before[*begin..].contains("\n[tables"))?;
    let name = |line: &str| {
        let value = line.trim().strip_prefix("name")?.trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        value[1..].split_once(quote).map(|(name, _)| name.to_owned())
    };
    text[begin..].lines().skip(1).take_while(|line| !line.trim_start().starts_with('[')).find_map(name)
}
