//! YAML text to a tree of values that remember where they stand.
//!
//! The parser reports syntax; this module adds what lab files forbid (tags, keys that are not
//! text, several documents) and the limits that keep hostile input small: depth, number of values,
//! expansion of aliases. Duplicate keys are kept for the decoder to report.

use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError};

use crate::diagnostic::Diagnostic;
use crate::rule::Rule;
use crate::source::{Source, Span};

/// Lists and mappings inside each other.
pub const DEPTH_MAX: usize = 48;
/// Values of a file, each alias counted with everything that it stands for.
pub const VALUES_MAX: usize = 100_000;

/// Long text counts as several values, one for so many bytes.
const BYTES_PER_VALUE: usize = 32;

/// A value with its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What a YAML value can be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Text, a number, a word; `quoted` tells `"1"` from `1`.
    Scalar { text: String, quoted: bool },
    /// A list.
    List(Vec<Node>),
    /// A mapping in file order.
    Map(Vec<(Key, Node)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Node {
    /// What the value is, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match &self.value {
            Value::Scalar { .. } if self.is_null() => "nothing",
            Value::Scalar { .. } => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }

    /// How much of [`VALUES_MAX`] the value uses.
    pub(crate) fn weight(&self) -> usize {
        match &self.value {
            Value::Scalar { text, .. } => 1 + text.len() / BYTES_PER_VALUE,
            Value::List(items) => 1 + items.iter().map(Self::weight).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|(_, node)| node.weight()).sum::<usize>(),
        }
    }

    /// Whether a key was written without a value.
    pub(crate) fn is_null(&self) -> bool {
        match &self.value {
            Value::Scalar {
                text,
                quoted: false,
            } => {
                matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }
}

/// A finished value with the figures that the limits need.
#[derive(Clone)]
struct Built {
    node: Arc<Node>,
    values: usize,
    depth: usize,
}

/// A list or mapping that is still open.
struct Open {
    start: usize,
    anchor: usize,
    values: usize,
    depth: usize,
    content: OpenContent,
}

enum OpenContent {
    List(Vec<Node>),
    Map {
        entries: Vec<(Key, Node)>,
        key: Option<Key>,
    },
}

/// Builds the tree of a file. Stops at the first error, as everything after it is guesswork.
pub(crate) fn parse(source: &Source) -> Result<Node, Diagnostic> {
    let mut builder = Builder {
        source,
        open: Vec::new(),
        anchors: Vec::new(),
        values: 0,
        root: None,
    };
    let mut options = Options::default();
    options.flow_nesting_limit = DEPTH_MAX;
    options.block_nesting_limit = DEPTH_MAX;
    for next in Parser::new_from_str_with_options(source.text(), options) {
        let (event, span) = next.map_err(|error| syntax_error(source, &error))?;
        let start = span.start.byte_offset().unwrap_or_default();
        let end = span.end.byte_offset().unwrap_or(start);
        builder.take(event, Span { start, end })?;
    }
    builder.finish()
}

struct Builder<'s> {
    source: &'s Source,
    open: Vec<Open>,
    anchors: Vec<Option<Built>>,
    values: usize,
    root: Option<Node>,
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        if event.tag().is_some() {
            return Err(
                Diagnostic::error(Rule::YamlTag, span, "lab files use no YAML tags")
                    .hint("remove the word that starts with `!`, or quote the text"),
            );
        }
        match event {
            Event::DocumentStart(..) => self.start_document(span),
            Event::Scalar(text, style, anchor, _) => {
                let quoted = style != ScalarStyle::Plain;
                let weight = 1 + text.len() / BYTES_PER_VALUE;
                let value = Value::Scalar {
                    text: text.into_owned(),
                    quoted,
                };
                self.close_value(Node { span, value }, anchor, weight, 0)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.push(span, anchor, OpenContent::List(Vec::new()))
            }
            Event::MappingStart(_, anchor, _) => self.push(
                span,
                anchor,
                OpenContent::Map {
                    entries: Vec::new(),
                    key: None,
                },
            ),
            Event::SequenceEnd | Event::MappingEnd => self.pop(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn start_document(&mut self, span: Span) -> Result<(), Diagnostic> {
        if self.root.is_some() {
            return Err(Diagnostic::error(
                Rule::ManyDocuments,
                span,
                "a lab file holds one YAML document, here a second one starts",
            )
            .hint("remove the `---` line, or put the second lab into a file of its own"));
        }
        Ok(())
    }

    fn push(&mut self, span: Span, anchor: usize, content: OpenContent) -> Result<(), Diagnostic> {
        if self.expects_key() {
            return Err(complex_key(span));
        }
        self.count(1, span)?;
        self.open.push(Open {
            start: span.start,
            anchor,
            values: 1,
            depth: 1,
            content,
        });
        Ok(())
    }

    fn pop(&mut self, span: Span) -> Result<(), Diagnostic> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.content {
            OpenContent::List(items) => Value::List(items),
            OpenContent::Map { entries, .. } => Value::Map(entries),
        };
        // The end of a block collection lies where the next token starts.
        let text = self.source.slice(Span {
            start: open.start,
            end: span.end.max(open.start),
        });
        let span = Span {
            start: open.start,
            end: open.start + text.trim_end().len(),
        };
        self.close_counted(Node { span, value }, open.anchor, open.values, open.depth)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Diagnostic> {
        let Some(built) = self.anchors.get(anchor).cloned().flatten() else {
            return Err(Diagnostic::error(
                Rule::AliasLoop,
                span,
                "this alias stands inside the very value that its anchor names",
            ));
        };
        self.close_value(Node::clone(&built.node), 0, built.values, built.depth)
    }

    fn close_value(
        &mut self,
        node: Node,
        anchor: usize,
        values: usize,
        depth: usize,
    ) -> Result<(), Diagnostic> {
        self.count(values, node.span)?;
        self.close_counted(node, anchor, values, depth)
    }

    /// Puts a finished value into what is open around it, or makes it the root.
    fn close_counted(
        &mut self,
        node: Node,
        anchor: usize,
        values: usize,
        depth: usize,
    ) -> Result<(), Diagnostic> {
        if self.open.len() + depth > DEPTH_MAX {
            return Err(too_deep(node.span));
        }
        self.remember(anchor, &node, values, depth);
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.values += values;
        open.depth = open.depth.max(depth + 1);
        match &mut open.content {
            OpenContent::List(items) => items.push(node),
            OpenContent::Map { entries, key } => match key.take() {
                Some(key) => entries.push((key, node)),
                None => *key = Some(key_of(node)?),
            },
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node, values: usize, depth: usize) {
        if anchor == 0 {
            return;
        }
        if self.anchors.len() <= anchor {
            self.anchors.resize(anchor + 1, None);
        }
        if let Some(slot) = self.anchors.get_mut(anchor) {
            *slot = Some(Built {
                node: Arc::new(node.clone()),
                values,
                depth,
            });
        }
    }

    fn count(&mut self, values: usize, span: Span) -> Result<(), Diagnostic> {
        self.values += values;
        if self.values > VALUES_MAX {
            return Err(Diagnostic::error(
                Rule::TooManyValues,
                span,
                format!("the file stands for more than {VALUES_MAX} values"),
            )
            .hint("an alias counts with everything that it stands for, long text by its length"));
        }
        Ok(())
    }

    fn expects_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                content: OpenContent::Map { key: None, .. },
                ..
            })
        )
    }

    fn finish(self) -> Result<Node, Diagnostic> {
        match self.root {
            Some(node) if !node.is_null() => Ok(node),
            _ => Err(
                Diagnostic::error(Rule::EmptyFile, Span::default(), "the file holds no lab").hint(
                    "a lab file starts with `lab: 1` and `name: ...`; see the topologies folder",
                ),
            ),
        }
    }
}

fn key_of(node: Node) -> Result<Key, Diagnostic> {
    match node.value {
        Value::Scalar { text, .. } => Ok(Key {
            text,
            span: node.span,
        }),
        Value::List(_) | Value::Map(_) => Err(complex_key(node.span)),
    }
}

fn complex_key(span: Span) -> Diagnostic {
    Diagnostic::error(
        Rule::Syntax,
        span,
        "a key must be a word, not a list or a mapping",
    )
    .hint("quote keys and values that start with `[` or `{`")
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::error(
        Rule::TooDeep,
        span,
        format!("lists and mappings are nested more than {DEPTH_MAX} deep"),
    )
    .hint("no lab needs that; look for a bracket that is opened again and again and never closed")
}

fn syntax_error(source: &Source, error: &ScanError) -> Diagnostic {
    let start = error.marker().byte_offset().unwrap_or(source.text().len());
    let start = source.boundary(start);
    let end = source.text()[start..]
        .chars()
        .next()
        .map_or(start, |next| start + next.len_utf8());
    let span = Span { start, end };
    match error.kind() {
        ErrorKind::RecursionLimitExceeded => too_deep(span),
        kind => Diagnostic::error(Rule::Syntax, span, format!("not valid YAML: {kind}"))
            .maybe_hint(range_hint(source, span).or_else(|| syntax_hint(kind))),
    }
}

/// Names such as `n[1-3]` are plain text in a block and not inside `{ }`, which surprises people.
fn range_hint(source: &Source, span: Span) -> Option<String> {
    let before = source.text()[..span.start].chars().next_back()?;
    let name = before.is_alphanumeric() || matches!(before, '-' | '_');
    (name && source.text()[span.start..].starts_with('['))
        .then(|| "inside `{ }` a name with a range wants quotes, as in \"n[1-3]\"".to_owned())
}

/// What usually lies behind a message of the parser.
fn syntax_hint(kind: &ErrorKind) -> Option<String> {
    let hint = match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar => "indent with spaces, YAML allows no tabs there",
        ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::UnexpectedEofImplicitFlowMapping => "a `{` has no `}`, or a `,` is missing",
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::ExpectedFlowSequenceSeparator
        | ErrorKind::UnclosedFlowCollection { .. } => "a `[` has no `]`, or a `,` is missing",
        ErrorKind::UnclosedQuotedScalar => "a quotation mark has no partner",
        ErrorKind::UnknownAnchor => "an alias (`*word`) needs an anchor (`&word`) above it",
        ErrorKind::UnexpectedCharacter { .. } => "quote text that starts with a special character",
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::MappingKeyNotAllowed => {
            "look at the indentation here and one line above, and for a missing `:` or space"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}
