//! Rule: the wiring table at the head of each router file lists exactly the outputs of its arms.
//!
//! A table row reads `//! | quorum WitnessNeeded | rcm: bring the witness disk online |`.
//! An arm counts when its pattern names `manager::Output::Variant`.

use super::source::{Source, Sources};
use super::{Config, Problem};
use crate::tree::Tree;
use std::collections::BTreeMap;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

pub(super) fn check(tree: &Tree, sources: &Sources<'_>, config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    if tree.has(&config.router) && sources.below(&config.router).next().is_none() {
        let text = "the router's folder holds no Rust file; tidy.toml names the wrong one";
        found.push(Problem::new(&config.router, 1, "wiring", text));
    }
    for (path, _, source) in sources.below(&config.router) {
        found.extend(file_problems(path, source));
    }
    found
}

fn file_problems(path: &str, source: &Source<'_>) -> Vec<Problem> {
    let rows = rows(source.text);
    let mut arms = Arms::default();
    arms.visit_file(&source.file);
    let missing = arms
        .0
        .iter()
        .filter(|(output, _)| !rows.contains_key(*output));
    let stale = rows
        .iter()
        .filter(|(output, _)| !arms.0.contains_key(*output));
    let no_row = missing.map(|(output, line)| (line, format!("arm `{output}` has no table row")));
    let no_arm = stale.map(|(output, line)| (line, format!("table row `{output}` has no arm")));
    no_row
        .chain(no_arm)
        .map(|(line, text)| Problem::new(path, *line, "wiring", text))
        .collect()
}

/// First cells of the table in the file's head, as `manager Variant`, with their lines.
fn rows(text: &str) -> BTreeMap<String, usize> {
    let head = text
        .lines()
        .enumerate()
        .take_while(|(_, line)| line.starts_with("//!"));
    let cells = head.filter_map(|(index, line)| {
        let row = line.trim_start_matches("//!").trim().strip_prefix('|')?;
        Some((normal(row.split('|').next()?), index + 1))
    });
    cells
        .filter(|(cell, _)| !cell.starts_with("output") && !cell.starts_with("--"))
        .collect()
}

/// `quorum::Output::WitnessNeeded`, in backticks or not, becomes `quorum WitnessNeeded`.
fn normal(cell: &str) -> String {
    let words = cell.replace("::", " ").replace('`', " ");
    words
        .split_whitespace()
        .filter(|word| *word != "Output")
        .collect::<Vec<_>>()
        .join(" ")
}

#[derive(Default)]
struct Arms(BTreeMap<String, usize>);

impl Arms {
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
        self.0.entry(output).or_insert(path.span().start().line);
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
