//! Findings for people: file, line, column, the snippet with a mark under it, and advice.

use std::fmt;

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents,
    SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use crate::Checked;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{Source, Span};

/// Bytes shown on each side of a mark in a line too long to show.
const CONTEXT_BYTES: usize = 60;
/// Longest mark in bytes.
const MARK_BYTES_MAX: usize = 80;
/// Width that text is wrapped at.
const WIDTH_COLUMNS: usize = 100;

/// All findings of a file as text; empty when there is none.
#[must_use]
pub fn render(checked: &Checked, colour: bool) -> String {
    let styles = if colour {
        ThemeStyles::ansi()
    } else {
        ThemeStyles::none()
    };
    let theme = GraphicalTheme {
        characters: ThemeCharacters::unicode(),
        styles,
    };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH_COLUMNS);
    let handler = handler.with_context_lines(0).with_links(false);
    let mut text = String::new();
    for diagnostic in &checked.diagnostics {
        let finding = Finding::new(diagnostic, &checked.source);
        // Writing to a string cannot fail, and an excerpt is always readable.
        let _ = handler.render_report(&mut text, &finding);
    }
    if checked.omitted > 0 {
        text.push_str(&format!("... and {} more\n", checked.omitted));
    }
    text
}

/// A finding in the form that the renderer takes.
#[derive(Debug)]
struct Finding<'a> {
    diagnostic: &'a Diagnostic,
    excerpt: Excerpt<'a>,
}

impl<'a> Finding<'a> {
    fn new(diagnostic: &'a Diagnostic, source: &'a Source) -> Self {
        let line = source.line_span(diagnostic.span.start);
        let start = diagnostic.span.start.min(line.end);
        let end = diagnostic
            .span
            .end
            .min(line.end)
            .min(start + MARK_BYTES_MAX);
        let mark = Span {
            start,
            end: source.boundary(end).max(start),
        };
        let shown = Span {
            start: source.boundary(line.start.max(start.saturating_sub(CONTEXT_BYTES * 2))),
            end: source.boundary(line.end.min(mark.end + CONTEXT_BYTES)),
        };
        let text = without_controls(source.slice(shown));
        Self {
            diagnostic,
            excerpt: Excerpt {
                text,
                source,
                shown,
                mark,
            },
        }
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Finding<'_> {}

impl miette::Diagnostic for Finding<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(self.diagnostic.rule))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.diagnostic.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let hint = self.diagnostic.hint.as_ref()?;
        Some(Box::new(hint))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.excerpt)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Span { start, end } = self.excerpt.mark;
        Some(Box::new(std::iter::once(LabeledSpan::new(
            None,
            start,
            end - start,
        ))))
    }
}

/// The same text with control characters replaced, byte for byte, so that marks stay in place.
fn without_controls(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\t' {
            safe.extend(std::iter::repeat_n('?', character.len_utf8()));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// The part of a line around a mark, so that a line of megabytes stays readable.
#[derive(Debug)]
struct Excerpt<'a> {
    text: String,
    source: &'a Source,
    shown: Span,
    mark: Span,
}

impl SourceCode for Excerpt<'_> {
    fn read_span<'a>(
        &'a self,
        _: &SourceSpan,
        _: usize,
        _: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let position = self.source.position(self.mark.start);
        let line = usize::try_from(position.line)
            .unwrap_or(1)
            .saturating_sub(1);
        let column = usize::try_from(position.column)
            .unwrap_or(1)
            .saturating_sub(1);
        Ok(Box::new(MietteSpanContents::new_named(
            self.source.name().to_owned(),
            self.text.as_bytes(),
            (self.shown.start, self.shown.end - self.shown.start).into(),
            line,
            column,
            1,
        )))
    }
}
