//! What is wrong with a lab file: one finding, and the list that collects them.

use crate::rule::Rule;
use crate::source::Span;

/// More findings than this help nobody; the rest is only counted.
pub const DIAGNOSTICS_MAX: usize = 200;

/// Longest message and longest hint in characters.
const TEXT_CHARACTERS_MAX: usize = 400;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The file cannot mean what it says; exit code 64.
    Error,
    /// The file can be run, but probably does not show what it was written for.
    Warning,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The rule that was broken; its name is stable.
    pub rule: Rule,
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error.
    #[must_use]
    pub fn error(rule: Rule, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            rule,
            span,
            message: printable(&message.into()),
            hint: None,
        }
    }

    /// A warning.
    #[must_use]
    pub fn warning(rule: Rule, span: Span, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(rule, span, message)
        }
    }

    /// The same with advice.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(printable(&hint.into())),
            ..self
        }
    }

    /// The same with advice if there is any.
    #[must_use]
    pub fn maybe_hint(self, hint: Option<String>) -> Self {
        Self {
            hint: hint.map(|hint| printable(&hint)).or(self.hint),
            ..self
        }
    }
}

/// Text of the file may be long and may hold control characters behind escapes; a terminal gets
/// neither.
fn printable(text: &str) -> String {
    let safe = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = text.chars().take(TEXT_CHARACTERS_MAX).map(safe).collect();
    if text.chars().nth(TEXT_CHARACTERS_MAX).is_some() {
        shown.push_str("...");
    }
    shown
}

/// Collects findings; the same one twice (from the members of a range, say) counts once.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    found: Vec<Diagnostic>,
    omitted: usize,
    reports: usize,
}

impl Sink {
    /// Takes a finding.
    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.reports += 1;
        let known =
            |seen: &Diagnostic| seen.rule == diagnostic.rule && seen.span == diagnostic.span;
        if self.found.iter().any(known) {
            return;
        }
        if self.found.len() < DIAGNOSTICS_MAX {
            self.found.push(diagnostic);
        } else {
            self.omitted += 1;
        }
    }

    /// Shorthand for an error without advice.
    pub(crate) fn error(&mut self, rule: Rule, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::error(rule, span, message));
    }

    /// Something is wrong again that was reported before.
    pub(crate) fn note_repetition(&mut self) {
        self.reports += 1;
    }

    /// How often something was reported, repetitions included.
    pub(crate) fn reports(&self) -> usize {
        self.reports
    }

    /// Whether an error was reported.
    pub(crate) fn has_errors(&self) -> bool {
        self.found
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The findings in file order, and how many more there were.
    pub(crate) fn finish(mut self) -> (Vec<Diagnostic>, usize) {
        self.found
            .sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.severity));
        (self.found, self.omitted)
    }
}
