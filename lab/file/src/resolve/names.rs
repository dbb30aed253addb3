//! Looking up names, with the nearest known name as a hint.

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{Decoder, Named};

/// The names of one section.
#[derive(Debug)]
pub(crate) struct Names {
    kind: &'static str,
    known: BTreeSet<String>,
}

impl Names {
    /// The names that a section declares; none when the file has no such section.
    pub(crate) fn declared<T>(kind: &'static str, section: Option<&Named<T>>) -> Self {
        let entries = section
            .map(|named| named.entries.as_slice())
            .unwrap_or_default();
        Self {
            kind,
            known: entries.iter().map(|entry| entry.name.clone()).collect(),
        }
    }

    /// Names from elsewhere.
    pub(crate) fn of(kind: &'static str, names: impl IntoIterator<Item = String>) -> Self {
        Self {
            kind,
            known: names.into_iter().collect(),
        }
    }

    /// Whether the name exists; reports it if not.
    pub(crate) fn check(&self, name: &str, span: Span, decoder: &mut Decoder<'_>) -> bool {
        if self.known.contains(name) {
            return true;
        }
        let message = format!("there is no {} `{name}`", self.kind);
        let diagnostic = Diagnostic::error(Rule::UnknownName, span, message);
        decoder.sink.report(diagnostic.hint(self.hint(name)));
        false
    }

    fn hint(&self, name: &str) -> String {
        let all: Vec<&str> = self.known.iter().map(String::as_str).collect();
        let shown = all.iter().take(12).copied().collect::<Vec<_>>().join(", ");
        let more = if all.len() > 12 { ", ..." } else { "" };
        match nearest(name, all.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if all.is_empty() => format!("the file declares no {}", self.kind),
            None => format!("declared: {shown}{more}"),
        }
    }
}
