//! Lab files: their types, parser, static rules and JSON Schema.
//!
//! A lab file goes through three shapes: text, a syntax tree that mirrors the file word for word,
//! and the resolved [`model`] that the simulator, the conformance suite and the lab run.
//! [`check`] does all of it. Nothing here builds or runs a lab.

mod depends;
pub mod diagnostic;
pub mod model;
mod nearest;
pub mod position;
mod read;
pub mod render;
mod resolve;
mod rule;
pub mod schema;
pub mod settings;
mod source;
mod support;
mod syntax;
mod template;
mod variables;
pub mod words;
mod yaml;

use std::io::{self, Read};
use std::path::Path;

pub use diagnostic::{Diagnostic, Severity};
pub use position::Position;
pub use read::FILE_BYTES_MAX;
pub use resolve::SCHEMA_VERSION;
pub use rule::Rule;
pub use source::{Source, Span};
pub use syntax::span_words;
pub use yaml::{DEPTH_MAX, VALUES_MAX};

use model::Lab;
use syntax::{Decode, Decoder, LabFile};

/// What [`check`] found.
#[derive(Debug)]
pub struct Checked {
    /// The file.
    pub source: Source,
    /// What is wrong with it, in file order.
    pub diagnostics: Vec<Diagnostic>,
    /// Findings beyond [`diagnostic::DIAGNOSTICS_MAX`].
    pub omitted: usize,
    /// The lab; `None` when there is an error.
    pub lab: Option<Lab>,
}

impl Checked {
    /// Whether the file can be run.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.lab.is_some()
    }
}

/// Checks a lab file and resolves it. Stops at the first syntax error; everything else is found at
/// once. Time and memory are bounded whatever the bytes are.
#[must_use]
pub fn check(name: &str, bytes: &[u8]) -> Checked {
    let (source, root) = parse(name, bytes);
    match root {
        Ok(root) => check_tree(source, &root),
        Err(problem) => Checked {
            source,
            diagnostics: vec![problem],
            omitted: 0,
            lab: None,
        },
    }
}

/// The tree of a file, or the first thing that makes it no YAML.
fn parse(name: &str, bytes: &[u8]) -> (Source, Result<yaml::Node, Diagnostic>) {
    let (source, problem) = read::read(name, bytes);
    let root = match problem {
        Some(problem) => Err(problem),
        None => yaml::parse(&source),
    };
    (source, root)
}

/// Reads and checks a lab file.
///
/// # Errors
/// When the file cannot be read at all. Whatever is wrong with what was read is a diagnostic.
pub fn check_path(path: &Path) -> io::Result<Checked> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(FILE_BYTES_MAX)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    std::fs::File::open(path)?
        .take(limit)
        .read_to_end(&mut bytes)?;
    Ok(check(&path.display().to_string(), &bytes))
}

fn check_tree(source: Source, root: &yaml::Node) -> Checked {
    let mut decoder = Decoder::new(&source);
    let root = variables::fill(root, &mut decoder);
    let file = LabFile::decode(&root, &mut decoder);
    let lab = file.map(|file| resolve::resolve(&file, &mut decoder));
    let good = !decoder.sink.has_errors();
    let (diagnostics, omitted) = decoder.sink.finish();
    Checked {
        source,
        diagnostics,
        omitted,
        lab: lab.filter(|_| good),
    }
}
