//! Columns of plain text.

use std::fmt::Write;

/// The first row is the head. Nothing is written after the last filled column of a row.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // Writing to a string cannot fail.
            write!(line, "{cell:<width$}  ").ok();
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `a, b`, and a word for nothing.
pub(crate) fn list<T: AsRef<str>>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".into();
    }
    items.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(", ")
}

/// What a stranger wrote, on one line and without what a terminal would obey.
pub(crate) fn plain(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::{list, plain, table};

    fn row(cells: &[&str]) -> Vec<String> {
        cells.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn columns_line_up_without_trailing_space() {
        let rows = [row(&["KEY", "TYPE", "NOTE"]), row(&["größe", "n", ""]), row(&["a"])];
        assert_eq!(table(&rows), "KEY    TYPE  NOTE\ngröße  n\na\n");
        assert_eq!(table(&[]), "");
    }

    #[test]
    fn a_list_of_nothing_has_a_word() {
        assert_eq!(list::<&str>(&[]), "none");
        assert_eq!(list(&["patch", "kv"]), "patch, kv");
    }

    #[test]
    fn a_strangers_text_cannot_drive_the_terminal() {
        assert_eq!(plain("a \n b\u{1b}[31mred\u{9b}x"), "a b\u{fffd}[31mred\u{fffd}x");
    }
}
