//! The text of a lab file, and how byte offsets become lines and columns.

use crate::position::Position;

/// A range of bytes of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte.
    pub end: usize,
}

/// A lab file as text.
#[derive(Debug, Clone)]
pub struct Source {
    name: String,
    text: String,
    /// Offsets of the first byte of every line; never empty.
    line_starts: Vec<usize>,
}

impl Source {
    /// A file of this name with this text.
    #[must_use]
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Self {
        let text = text.into();
        let after_breaks = text.match_indices('\n').map(|(offset, _)| offset + 1);
        let line_starts = std::iter::once(0).chain(after_breaks).collect();
        Self {
            name: name.into(),
            text,
            line_starts,
        }
    }

    /// Name of the file as the user gave it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset; past the end means the end.
    #[must_use]
    pub fn position(&self, offset: usize) -> Position {
        let offset = self.boundary(offset);
        let line = self.line_index(offset);
        let before = self
            .text
            .get(self.line_start(line)..offset)
            .unwrap_or_default();
        Position {
            line: saturating_u32(line + 1),
            column: saturating_u32(before.chars().count() + 1),
        }
    }

    /// The range of the line that the offset lies in, without its line break.
    #[must_use]
    pub fn line_span(&self, offset: usize) -> Span {
        let line = self.line_index(self.boundary(offset));
        let start = self.line_start(line);
        let rest = self.text.get(start..).unwrap_or_default();
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        Span {
            start,
            end: start + length,
        }
    }

    /// From a position to the end of its line.
    pub(crate) fn line_from(&self, position: Position) -> Span {
        let line = usize::try_from(position.line)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let whole = self.line_span(self.line_start(line));
        let column = usize::try_from(position.column)
            .unwrap_or(usize::MAX)
            .saturating_sub(1);
        let skipped = self
            .slice(whole)
            .char_indices()
            .nth(column)
            .map_or(0, |(offset, _)| offset);
        Span {
            start: whole.start + skipped,
            end: whole.end,
        }
    }

    /// The text of a range; empty when the range is not one.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.start..span.end).unwrap_or_default()
    }

    /// The nearest character boundary at or before the offset.
    pub(crate) fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    fn line_index(&self, offset: usize) -> usize {
        self.line_starts
            .partition_point(|&start| start <= offset)
            .saturating_sub(1)
    }

    fn line_start(&self, line: usize) -> usize {
        self.line_starts.get(line).copied().unwrap_or_default()
    }
}

fn saturating_u32(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let source = Source::new("x", "äb\nc");
        assert_eq!(source.position(0).to_string(), "1:1");
        assert_eq!(source.position(2).to_string(), "1:2");
        assert_eq!(source.position(4).to_string(), "2:1");
        assert_eq!(source.position(99).to_string(), "2:2");
    }

    #[test]
    fn a_line_ends_before_its_break() {
        let source = Source::new("x", "one\r\ntwo");
        assert_eq!(source.slice(source.line_span(1)), "one");
        assert_eq!(source.slice(source.line_span(6)), "two");
    }
}
