//! Rule: the wiring tables at the heads of the router's files list every output of every manager
//! exactly once, and nothing that is not an output.
//!
//! A row reads `//! | quorum WitnessNeeded | rcm: bring the witness disk online |`; its first cell
//! may name several variants with commas. Rows are compared with the variants of each manager's
//! `enum Output`, and with the patterns `manager::Output::Variant` of the arms. Not checked here:
//! that every variant has an arm, which the compiler sees to.

use super::source::{Source, Sources};
use super::{Config, Problem};
use crate::tree::Tree;
use std::collections::BTreeMap;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Where an output is named, by `manager Variant`.
type Places = BTreeMap<String, (String, usize)>;

pub(super) fn check(tree: &Tree, sources: &Sources<'_>, config: &Config) -> Vec<Problem> {
    if !tree.has(&config.router) {
        return Vec::new();
    }
    let mut rows = Places::new();
    let mut arms = Arms::default();
    let mut found = Vec::new();
    for (path, _, source) in sources.below(&config.router) {
        for (output, line) in file_rows(source.text) {
            let place = (path.to_owned(), line);
            if rows.insert(output.clone(), place).is_some() {
                let text = format!("`{output}` has a second table row");
                found.push(Problem::new(path, line, "wiring", text));
            }
        }
        arms.visit(path, source);
    }
    let outputs = outputs(sources, config);
    found.extend(not_in(
        &outputs,
        &rows,
        "has no row in the router's wiring tables",
    ));
    found.extend(not_in(&arms.found, &rows, "has an arm but no table row"));
    found.extend(not_in(
        &rows,
        &outputs,
        "has a table row but no manager says it",
    ));
    found
}

fn not_in(named: &Places, known: &Places, what: &str) -> Vec<Problem> {
    let missing = named
        .iter()
        .filter(|(output, _)| !known.contains_key(*output));
    missing
        .map(|(output, (path, line))| {
            Problem::new(path, *line, "wiring", format!("`{output}` {what}"))
        })
        .collect()
}

/// Outputs in the table of a file's head, with their lines.
fn file_rows(text: &str) -> Vec<(String, usize)> {
    let head = text
        .lines()
        .enumerate()
        .take_while(|(_, line)| line.starts_with("//!"));
    let mut rows = Vec::new();
    for (index, line) in head {
        let row = line.trim_start_matches("//!").trim().strip_prefix('|');
        let cell = row
            .and_then(|row| row.split('|').next())
            .unwrap_or_default();
        let cell = cell.replace("::", " ").replace(['`', ','], " ");
        let mut words = cell.split_whitespace().filter(|word| *word != "Output");
        if let Some(manager) = words.next()
            && manager != "output"
        {
            rows.extend(words.map(|variant| (format!("{manager} {variant}"), index + 1)));
        }
    }
    rows
}

/// Variants of every `enum Output` of a manager.
fn outputs(sources: &Sources<'_>, config: &Config) -> Places {
    let mut outputs = Places::new();
    for tier in &config.tiers {
        for (path, rest, source) in sources.below(&tier.src) {
            let manager = rest
                .split('/')
                .next()
                .unwrap_or(&rest)
                .trim_end_matches(".rs");
            for item in &source.file.items {
                let syn::Item::Enum(item) = item else {
                    continue;
                };
                if item.ident != "Output" {
                    continue;
                }
                for variant in &item.variants {
                    let line = variant.ident.span().start().line;
                    let output = format!("{manager} {}", variant.ident);
                    outputs.insert(output, (path.to_owned(), line));
                }
            }
        }
    }
    outputs
}

/// Outputs named by patterns.
#[derive(Default)]
struct Arms {
    path: String,
    found: Places,
}

impl Arms {
    fn visit(&mut self, path: &str, source: &Source<'_>) {
        path.clone_into(&mut self.path);
        self.visit_file(&source.file);
    }

    fn add(&mut self, path: &syn::Path) {
        let parts: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        let Some(at) = parts.iter().position(|part| part == "Output") else {
            return;
        };
        let (Some(manager), Some(variant)) = (at.checked_sub(1), parts.get(at + 1)) else {
            return;
        };
        let output = format!("{} {variant}", parts[manager]);
        let place = (self.path.clone(), path.span().start().line);
        self.found.entry(output).or_insert(place);
    }
}

impl<'ast> Visit<'ast> for Arms {
    fn visit_pat(&mut self, pattern: &'ast syn::Pat) {
        match pattern {
            syn::Pat::TupleStruct(tuple) => self.add(&tuple.path),
            syn::Pat::Struct(fields) => self.add(&fields.path),
            syn::Pat::Path(path) => self.add(&path.path),
            _ => {}
        }
        visit::visit_pat(self, pattern);
    }
}
