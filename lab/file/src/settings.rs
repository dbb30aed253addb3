//! A YAML file of settings that is not a lab: what `looksalive target` takes instead of flags.
//!
//! Values are text under their path of keys, as in [`crate::words`], with their places, so that
//! whoever knows what they mean can refuse them by file, line and column. What is refused is
//! collected and shown together.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use crate::diagnostic::{Diagnostic, Sink};
use crate::nearest::nearest;
use crate::rule::Rule;
use crate::source::{Source, Span};
use crate::yaml::{self, Node, Value};
use crate::{Checked, FILE_BYTES_MAX, read, render};

/// Text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The text.
    pub text: String,
    /// Where.
    pub span: Span,
}

/// One setting: a path of keys, and one value or those of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The keys from the outermost on, the last one with its place.
    pub path: Vec<String>,
    /// Where the last key stands.
    pub span: Span,
    /// What stands there.
    pub values: Vec<Placed>,
}

/// A file of settings, and what is wrong with it.
#[derive(Debug)]
pub struct Settings {
    source: Source,
    sink: Sink,
    /// The settings in file order.
    pub settings: Vec<Setting>,
}

impl Settings {
    /// Reads a file.
    ///
    /// # Errors
    /// When the file cannot be read at all. Whatever is wrong with its text is found by
    /// [`Self::finish`].
    pub fn read(path: &Path) -> io::Result<Self> {
        let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        File::open(path)?
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)?;
        Ok(Self::parse(&path.display().to_string(), &bytes))
    }

    /// Reads text.
    #[must_use]
    pub fn parse(name: &str, bytes: &[u8]) -> Self {
        let (source, problem) = read::read(name, bytes);
        let root = match problem {
            Some(problem) => Err(problem),
            None => yaml::parse(&source),
        };
        let mut all = Self {
            source,
            sink: Sink::default(),
            settings: Vec::new(),
        };
        match root {
            Ok(root) => all.collect_root(&root),
            Err(problem) => all.sink.report(problem),
        }
        all
    }

    fn collect_root(&mut self, root: &Node) {
        match &root.value {
            Value::Map(_) => self.collect(&[], root.span, root),
            _ => {
                let what = format!("settings are a mapping, and this is {}", root.describe());
                self.sink.error(Rule::WrongType, root.span, what);
            }
        }
    }

    /// The depth is bounded by the parser.
    fn collect(&mut self, path: &[String], span: Span, node: &Node) {
        let placed = |node: &Node| match &node.value {
            Value::Scalar { text, .. } if !node.is_null() => Some(Placed {
                text: text.clone(),
                span: node.span,
            }),
            _ => None,
        };
        let values = match &node.value {
            Value::Map(entries) => {
                for (at, (key, value)) in entries.iter().enumerate() {
                    if entries[..at].iter().any(|other| other.0.text == key.text) {
                        let what = format!("`{}` stands here twice", key.text);
                        self.sink.error(Rule::DuplicateKey, key.span, what);
                    }
                    self.collect(
                        &[path, std::slice::from_ref(&key.text)].concat(),
                        key.span,
                        value,
                    );
                }
                return;
            }
            Value::List(items) => items.iter().map(placed).collect(),
            Value::Scalar { .. } => placed(node).map(|value| vec![value]),
        };
        match values {
            Some(values) => self.settings.push(Setting {
                path: path.to_vec(),
                span,
                values,
            }),
            None => self.refuse(node.span, "here stands a single value, or a list of them"),
        }
    }

    /// A value is not what its place needs.
    pub fn refuse(&mut self, span: Span, why: impl Into<String>) {
        self.sink.error(Rule::BadValue, span, why);
    }

    /// A key is not one that its place knows.
    pub fn unknown(&mut self, setting: &Setting, known: &[&str]) {
        let key = setting.path.last().map_or("", String::as_str);
        let what = format!("`{key}` is not known here");
        let hint = match nearest(key, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", known.join(", ")),
        };
        let problem = Diagnostic::error(Rule::UnknownKey, setting.span, what);
        self.sink.report(problem.hint(hint));
    }

    /// Everything that is wrong, ready to print; nothing when all is well.
    #[must_use]
    pub fn finish(self, colour: bool) -> Option<String> {
        let (diagnostics, omitted) = self.sink.finish();
        let checked = Checked {
            source: self.source,
            diagnostics,
            omitted,
            lab: None,
        };
        (!checked.diagnostics.is_empty()).then(|| render::render(&checked, colour))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_text_under_their_keys() {
        let all = Settings::parse("a.yaml", b"listen: [a, b]\nluns:\n  0: { size: 1GiB }\n");
        let told: Vec<(String, Vec<&str>)> = all
            .settings
            .iter()
            .map(|one| {
                let values = one.values.iter().map(|value| value.text.as_str());
                (one.path.join("."), values.collect())
            })
            .collect();
        let wanted = [
            ("listen".to_owned(), vec!["a", "b"]),
            ("luns.0.size".to_owned(), vec!["1GiB"]),
        ];
        assert_eq!(told, wanted);
        assert_eq!(all.finish(false), None);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let mut all = Settings::parse("a.yaml", b"stat: x\nlisten: {}\nlisten: [[a]]\n");
        let setting = all.settings[0].clone();
        all.unknown(&setting, &["state", "listen"]);
        all.refuse(setting.values[0].span, "this is no folder");
        let told = all.finish(false).unwrap();
        for part in [
            "a.yaml:1:1",
            "`state`",
            "a.yaml:1:7",
            "no folder",
            "a.yaml:3:1",
            "a.yaml:3:9",
        ] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        for text in ["[a]", "a", "", "{a: ", "\u{0}"] {
            let told = Settings::parse("b.yaml", text.as_bytes()).finish(false);
            assert!(told.is_some_and(|told| told.contains("b.yaml:1")), "{text}");
        }
    }
}
