use super::*;

fn same(how: Compare, expected: &str, got: &str) -> bool {
    compare(how, 1e-6, expected.as_bytes(), got.as_bytes()).is_ok()
}

fn told(how: Compare, expected: &str, got: &str) -> String {
    compare(how, 1e-6, expected.as_bytes(), got.as_bytes()).expect_err("they differ").to_string()
}

#[test]
fn exact_is_byte_for_byte() {
    assert!(same(Compare::Exact, "a\n", "a\n") && same(Compare::Exact, "", ""));
    for got in ["a", "a\n\n", "a \n", "a\r\n", "A\n", ""] {
        assert!(!same(Compare::Exact, "a\n", got), "{got:?}");
    }
}

#[test]
fn trim_forgives_white_space_at_the_end_of_lines_and_empty_lines_at_the_end_alone() {
    for got in ["a b\nc", "a b\nc\n", "a b  \nc\t\n\n \n\n", "a b\r\nc\r\n", "a b\x0b\x0c\nc"] {
        assert!(same(Compare::Trim, "a b\nc\n", got), "{got:?}");
        assert!(same(Compare::Trim, got, "a b\nc\n"), "{got:?}");
    }
    for got in ["a  b\nc", " a b\nc", "a b\n\nc", "\na b\nc", "a b c", "a b", "a b\nc\nd", "a b\rc", ""] {
        assert!(!same(Compare::Trim, "a b\nc\n", got), "{got:?}");
    }
    assert!(same(Compare::Trim, "", " \n\r\n") && same(Compare::Trim, "\n", ""));
    assert!(!same(Compare::Trim, "", "\n\nx"));
}

#[test]
fn tokens_forgive_all_white_space() {
    for got in ["1 2 3", "1\n2\n3\n", "  1\t2\r\n\n3  ", "1\x0b2\x0c3"] {
        assert!(same(Compare::Tokens, "1 2\n3\n", got), "{got:?}");
    }
    for got in ["12 3", "1 2", "1 2 3 4", "1 2 3.0", "1 2 \u{a0}3", ""] {
        assert!(!same(Compare::Tokens, "1 2\n3\n", got), "{got:?}");
    }
    assert!(same(Compare::Tokens, "", " \n "));
}

#[test]
fn floats_may_differ_by_epsilon_absolute_or_relative() {
    for (expected, got) in [
        ("1", "1.0000005"),
        ("1000000", "1000000.9"),
        ("0", "1e-6"),
        ("0", "-0"),
        ("-0.0", "+0"),
        ("3.5", "35e-1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("x 1 y", "x 1.0 y"),
        ("nan", "NaN"),
        ("inf", "Infinity"),
        ("-inf", "-INF"),
        ("1e309", "1e309"),
        ("1e-400", "0"),
        ("0x10", "0x10"),
    ] {
        assert!(same(Compare::Float, expected, got), "{expected} {got}");
    }
    for (expected, got) in [
        ("1", "1.00001"),
        ("0", "1.1e-6"),
        ("1", "nan"),
        ("nan", "1"),
        ("nan", "inf"),
        ("inf", "-inf"),
        ("inf", "1e308"),
        ("inf", "1e309"),
        ("1e309", "2e309"),
        ("1", "inf"),
        ("1.7e308", "-1.7e308"),
        ("16", "0x10"),
        ("0x10", "0x11"),
        ("1", "1f"),
        ("1", "1,0"),
        ("1", "1 1"),
        ("yes", "YES"),
        ("1", ""),
    ] {
        assert!(!same(Compare::Float, expected, got), "{expected} {got}");
    }
    let zero =
        |expected: &str, got: &str| compare(Compare::Float, 0.0, expected.as_bytes(), got.as_bytes()).is_ok();
    assert!(zero("1", "1.0") && !zero("1", "1.0000000001"));
}

#[test]
fn a_difference_is_shown_where_it_is() {
    assert_eq!(
        told(Compare::Exact, "one\ntwo\n", "one\ntwi\n"),
        "byte 6, line 2: expected `o\\n`, got `i\\n`"
    );
    assert_eq!(told(Compare::Trim, "one\ntwo\n", "one\r\ntwo\nthree\n"), {
        "byte 9, line 3: expected the end, got `three`"
    });
    assert_eq!(told(Compare::Tokens, "1 2 3", "1\n2\n"), "byte 4, line 3: expected `3`, got the end");
    assert_eq!(told(Compare::Float, "1 2", "1\n2.5 x"), "byte 2, line 2: expected `2`, got `2.5 x`");
    // Bytes that are no text, and no more than 64 of them.
    let long = told(Compare::Exact, "", &"é".repeat(1000));
    assert_eq!(long.matches("\\xc3").count(), EXCERPT / 2);
    assert!(compare(Compare::Exact, 0.0, b"\0", b"\xff").is_err());
}

#[test]
fn the_place_of_a_difference_is_within_both_streams() {
    let pieces = ["", "\n", " ", "a", "a\n", "\r\n", "a b", "1.0", "1", "\n\na", "a\n\nb", "\x0b"];
    for how in [Compare::Exact, Compare::Trim, Compare::Tokens, Compare::Float] {
        for expected in pieces {
            for got in pieces {
                let there = compare(how, 1e-6, expected.as_bytes(), got.as_bytes());
                let back = compare(how, 1e-6, got.as_bytes(), expected.as_bytes());
                assert_eq!(there.is_ok(), back.is_ok(), "{how:?} {expected:?} {got:?}");
                if let Err(difference) = there {
                    assert!(difference.offset <= got.len(), "{how:?} {expected:?} {got:?}");
                    assert_ne!(difference.expected, difference.got, "{how:?} {expected:?} {got:?}");
                }
            }
        }
    }
}

#[test]
fn many_words_and_one_long_one() {
    let many = "1 ".repeat(1 << 20);
    assert!(same(Compare::Float, &many, &many.replace(' ', "\n")));
    assert!(!same(Compare::Tokens, &many, &many[2..]));
    let long = "9".repeat(1 << 20);
    assert!(same(Compare::Float, &long, &long));
    assert!(!same(Compare::Float, &long, &long[1..]));
}
