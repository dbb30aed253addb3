//! Rule: managers of one tier do not import each other; only the router brings them together.

use super::config::Tier;
use super::source::Sources;
use super::{Config, Problem};
use std::collections::BTreeSet;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

pub(super) fn check(sources: &Sources<'_>, config: &Config) -> Vec<Problem> {
    config
        .tiers
        .iter()
        .flat_map(|tier| tier_problems(sources, tier))
        .collect()
}

fn tier_problems(sources: &Sources<'_>, tier: &Tier) -> Vec<Problem> {
    let managers = managers(sources, tier);
    let mut found = Vec::new();
    for (path, rest, source) in sources.below(&tier.src) {
        let own = first_part(&rest).to_owned();
        if !managers.contains(&own) {
            continue;
        }
        let mut imports = Imports::new(depth(&rest));
        imports.visit_file(&source.file);
        for (line, import) in imports.found {
            if let Some(sibling) = sibling(&import, &own, &managers, tier) {
                let text = format!("imports its sibling `{sibling}`; let the router carry it");
                found.push(Problem::new(path, line, "siblings", text));
            }
        }
    }
    found
}

/// Top modules of the tier, without those that belong to the tier as a whole.
fn managers(sources: &Sources<'_>, tier: &Tier) -> BTreeSet<String> {
    let tops = sources
        .below(&tier.src)
        .map(|(_, rest, _)| first_part(&rest).to_owned());
    tops.filter(|name| name != "lib" && name != "main" && !tier.shared.contains(name))
        .collect()
}

fn first_part(rest: &str) -> &str {
    rest.split('/')
        .next()
        .unwrap_or(rest)
        .trim_end_matches(".rs")
}

/// How many `super` lead from this file's module to the crate root.
fn depth(rest: &str) -> usize {
    let folders = rest.matches('/').count();
    if rest.ends_with("/mod.rs") {
        folders
    } else {
        folders + 1
    }
}

/// The sibling that this path reaches into, unless it stays in the sibling's open data.
fn sibling<'a>(
    import: &'a [String],
    own: &str,
    managers: &BTreeSet<String>,
    tier: &Tier,
) -> Option<&'a str> {
    let first = import.first()?;
    let open = import
        .get(1)
        .is_some_and(|second| tier.open.contains(second));
    (first != own && managers.contains(first) && !open).then_some(first)
}

/// Collects every path that starts at the crate root, with its line.
struct Imports {
    depth: usize,
    found: Vec<(usize, Vec<String>)>,
}

impl Imports {
    fn new(depth: usize) -> Self {
        Self {
            depth,
            found: Vec::new(),
        }
    }

    /// Keeps what follows `crate::` or the right number of `super::`.
    fn add(&mut self, line: usize, path: &[String]) {
        let supers = path.iter().take_while(|part| *part == "super").count();
        let below = match path.first().map(String::as_str) {
            Some("crate") => &path[1..],
            Some("super") if supers >= self.depth => &path[supers..],
            _ => return,
        };
        self.found.push((line, below.to_vec()));
    }

    fn add_tree(&mut self, line: usize, prefix: &[String], tree: &syn::UseTree) {
        let joined = |name: &syn::Ident| [prefix, &[name.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.add_tree(line, &joined(&path.ident), &path.tree),
            syn::UseTree::Name(name) => self.add(line, &joined(&name.ident)),
            syn::UseTree::Rename(rename) => self.add(line, &joined(&rename.ident)),
            syn::UseTree::Glob(_) => self.add(line, prefix),
            syn::UseTree::Group(group) => {
                group
                    .items
                    .iter()
                    .for_each(|item| self.add_tree(line, prefix, item));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(item.span().start().line, &[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        self.add(path.span().start().line, &parts);
        visit::visit_path(self, path);
    }

    /// One `super` more leads out of an inline module, typically `mod tests`.
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.depth += 1;
        visit::visit_item_mod(self, item);
        self.depth -= 1;
    }
}
