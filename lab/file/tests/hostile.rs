//! Input that nobody means well: every one ends in a located error, none in a panic, an endless
//! loop or an eaten-up memory.

use file::{FILE_BYTES_MAX, Rule, Severity, check, render};
use proptest::prelude::*;

const GOOD: &str = include_str!("../../../fixtures/labs/good/everything.lab.yaml");

/// The rule that the bytes break; makes sure that the message can be shown and is not huge.
fn broken(bytes: &[u8]) -> Rule {
    let checked = check("hostile", bytes);
    assert!(checked.lab.is_none(), "hostile input became a lab");
    let text = render::render(&checked, false);
    assert!(text.contains("hostile:"), "not located: {text}");
    assert!(text.len() < 1_000_000, "{} bytes of messages", text.len());
    checked
        .diagnostics
        .first()
        .expect("something is wrong")
        .rule
}

#[test]
fn ten_megabytes_of_open_brackets_are_too_deep() {
    for bracket in ["[", "{", "- ", "? ", "[{", "a: [", "!a [", "&a ["] {
        let text = bracket.repeat(10 * 1024 * 1024 / bracket.len());
        let rule = broken(text.as_bytes());
        let expected = [Rule::TooDeep, Rule::Syntax, Rule::YamlTag];
        assert!(expected.contains(&rule), "{bracket}: {rule}");
    }
}

#[test]
fn nesting_by_indentation_is_too_deep() {
    let deep: String = (0..2_000)
        .map(|level| format!("{}a:\n", " ".repeat(level)))
        .collect();
    assert_eq!(broken(deep.as_bytes()), Rule::TooDeep);
}

#[test]
fn aliases_cannot_multiply() {
    let mut wide = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    let mut deep = "a0: &a0 [x]\n".to_owned();
    for level in 1..60 {
        let before = level - 1;
        let ten = vec![format!("*a{before}"); 10].join(", ");
        wide.push_str(&format!("a{level}: &a{level} [{ten}]\n"));
        deep.push_str(&format!("a{level}: &a{level} [*a{before}]\n"));
    }
    assert_eq!(broken(wide.as_bytes()), Rule::TooManyValues);
    assert_eq!(broken(deep.as_bytes()), Rule::TooDeep);
}

#[test]
fn long_text_cannot_multiply_through_aliases() {
    let long = "x".repeat(100_000);
    let text = format!("a: &a {long}\nb: [{}]\n", vec!["*a"; 5_000].join(", "));
    assert_eq!(broken(text.as_bytes()), Rule::TooManyValues);
}

#[test]
fn name_ranges_cannot_multiply() {
    let inner = "\"l[1-64]\": { size: 1GiB }";
    let ranges = (0..64).map(|i| format!("s{i}x[1-64]: {{ kind: iscsi, luns: {{ {inner} }} }}"));
    let storage = ranges.collect::<Vec<_>>().join("\n  ");
    let text = format!("lab: 1\nstorage:\n  {storage}\n");
    let checked = check("hostile", text.as_bytes());
    assert!(
        checked
            .diagnostics
            .iter()
            .any(|one| one.rule == Rule::TooManyValues)
    );
}

#[test]
fn files_that_are_no_text_are_refused_with_their_place() {
    assert_eq!(broken(b"lab: 1\nname: \xff\xfe\n"), Rule::Encoding);
    assert_eq!(broken(b"lab: 1\nname: a\0b\n"), Rule::ControlCharacter);
    assert_eq!(broken(b"\x7fELF\x02\x01\x01\0\0\0"), Rule::ControlCharacter);
    let utf16: Vec<u8> = "lab: 1\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_eq!(broken(&utf16), Rule::ControlCharacter);
    let checked = check("x", b"lab: 1\nname: a\0b\n");
    let place = checked.source.position(checked.diagnostics[0].span.start);
    assert_eq!(place.to_string(), "2:8");
}

#[test]
fn empty_files_say_so() {
    for text in [
        "",
        "\n\n",
        "# only a comment\n",
        "---\n",
        "---\n...\n",
        "~\n",
        "\u{feff}",
    ] {
        assert_eq!(broken(text.as_bytes()), Rule::EmptyFile, "{text:?}");
    }
}

#[test]
fn files_beyond_the_limit_are_refused() {
    let text = "#".repeat(FILE_BYTES_MAX + 1);
    assert_eq!(broken(text.as_bytes()), Rule::TooLarge);
}

#[test]
fn very_many_mistakes_are_counted_and_not_all_shown() {
    let keys: String = (0..20_000).map(|i| format!("key{i}: 1\n")).collect();
    let checked = check("hostile", keys.as_bytes());
    assert_eq!(checked.diagnostics.len() + checked.omitted, 20_001);
    assert!(render::render(&checked, false).contains("more"));
}

#[test]
fn a_byte_order_mark_does_no_harm() {
    let text = format!("\u{feff}{GOOD}");
    assert!(check("x", text.as_bytes()).lab.is_some());
    let windows = GOOD.replace('\n', "\r\n");
    assert!(check("x", windows.as_bytes()).lab.is_some());
}

#[test]
fn escapes_cannot_reach_the_terminal() {
    let text = GOOD.replacen("is: online", "is: \"\\e[31mred\\a\"", 1);
    let checked = check("x", text.as_bytes());
    let shown = render::render(&checked, false);
    assert!(checked.lab.is_none() && !shown.contains('\u{1b}') && !shown.contains('\u{7}'));
}

/// Whatever the bytes are: no panic, every finding inside the text, and a lab exactly when there is
/// no error.
fn holds_up(bytes: &[u8]) {
    let checked = check("hostile", bytes);
    for one in &checked.diagnostics {
        assert!(one.span.start <= checked.source.text().len(), "{one:?}");
        assert!(one.span.start <= one.span.end, "{one:?}");
        assert!(
            checked.source.text().is_char_boundary(one.span.start),
            "{one:?}"
        );
    }
    let has_error = checked
        .diagnostics
        .iter()
        .any(|one| one.severity == Severity::Error);
    assert_eq!(checked.lab.is_none(), has_error);
    let _ = render::render(&checked, true);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        holds_up(&bytes);
    }

    #[test]
    fn arbitrary_words_of_the_language_never_panic(
        words in prop::collection::vec(prop::sample::select(WORDS), 0..60),
    ) {
        holds_up(words.concat().as_bytes());
    }

    #[test]
    fn a_good_lab_with_bytes_replaced_never_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (index, byte) in edits {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        holds_up(&bytes);
    }

    #[test]
    fn a_good_lab_with_words_exchanged_never_panics(
        edits in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let mut words: Vec<&str> = GOOD.split_inclusive([' ', '\n']).collect();
        for (left, right) in edits {
            let (left, right) = (left.index(words.len()), right.index(words.len()));
            words.swap(left, right);
        }
        holds_up(words.concat().as_bytes());
    }

    #[test]
    fn a_good_lab_with_lines_removed_never_panics(
        removed in prop::collection::vec(any::<prop::sample::Index>(), 1..10),
    ) {
        let mut lines: Vec<&str> = GOOD.split_inclusive('\n').collect();
        for index in removed {
            let index = index.index(lines.len());
            lines.remove(index);
        }
        holds_up(lines.concat().as_bytes());
    }
}

const WORDS: &[&str] = &[
    "lab: 1\n",
    "name: x\n",
    "nodes:\n",
    "  n[1-3]: ",
    "networks: ",
    "cluster:\n",
    "scenario:\n",
    "{ ",
    " }",
    "[",
    "]",
    ", ",
    ": ",
    "- ",
    "  ",
    "\n",
    "group: ",
    "fs1",
    "expect: ",
    "fault: ",
    "do: ",
    "all",
    "any 2",
    "owner-of(fs1)",
    "&a ",
    "*a",
    "!t ",
    "\"",
    "'",
    "|\n",
    ">\n",
    "# x\n",
    "---\n",
    "${var.x}",
    "{i}",
    "60s",
    "10.1.0.0/24",
    "true",
    "~",
    "? ",
    "<<: ",
    "%YAML 1.2\n",
    "\t",
    "ü",
    "\u{feff}",
];
