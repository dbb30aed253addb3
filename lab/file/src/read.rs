//! Bytes to text: size limit, encoding, control characters.

use crate::diagnostic::Diagnostic;
use crate::rule::Rule;
use crate::source::{Source, Span};

/// Largest lab file in bytes; the largest one worth writing has a few ten thousand.
pub const FILE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The text of a file, or the first thing that makes it no text.
/// The source is returned in both cases, for the message; bytes that are no UTF-8 end it.
pub(crate) fn read(name: &str, bytes: &[u8]) -> (Source, Option<Diagnostic>) {
    let in_bounds = bytes.get(..FILE_BYTES_MAX).unwrap_or(bytes);
    let (text, mut problem) = match std::str::from_utf8(in_bounds) {
        Ok(text) => (text, None),
        Err(error) => decode_prefix(in_bounds, error.valid_up_to()),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some((offset, character)) = text.char_indices().find(|&(_, c)| is_forbidden(c)) {
        problem = Some(control_character(offset, character));
    }
    if bytes.len() > FILE_BYTES_MAX {
        problem = Some(too_large());
    }
    (Source::new(name, text), problem)
}

fn decode_prefix(bytes: &[u8], valid: usize) -> (&str, Option<Diagnostic>) {
    let text = bytes
        .get(..valid)
        .and_then(|prefix| std::str::from_utf8(prefix).ok());
    let span = Span {
        start: valid,
        end: valid,
    };
    let problem = Diagnostic::error(
        Rule::Encoding,
        span,
        format!(
            "the file is not UTF-8 text: byte {} cannot be read",
            valid + 1
        ),
    )
    .hint("save the file as UTF-8; is it a lab file at all?");
    (text.unwrap_or_default(), Some(problem))
}

fn is_forbidden(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r' | '\u{85}')
}

fn control_character(offset: usize, character: char) -> Diagnostic {
    let span = Span {
        start: offset,
        end: offset + character.len_utf8(),
    };
    let code = u32::from(character);
    Diagnostic::error(
        Rule::ControlCharacter,
        span,
        format!("the file contains the control character U+{code:04X}"),
    )
    .hint("a lab file is plain text in UTF-8; is it a lab file at all?")
}

fn too_large() -> Diagnostic {
    let mebibytes = FILE_BYTES_MAX / (1024 * 1024);
    Diagnostic::error(
        Rule::TooLarge,
        Span::default(),
        format!("the file is larger than {mebibytes} MiB"),
    )
}
