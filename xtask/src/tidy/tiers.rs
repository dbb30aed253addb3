//! Rule: managers of one tier do not import each other; only the router brings them together.
//!
//! A top module is a manager once something in it implements `Manager`. Its siblings may import
//! the plain data that its open modules declare, and nothing else of it.

use super::config::Tier;
use super::source::Sources;
use super::{Config, Problem};
use std::collections::{BTreeMap, BTreeSet};
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
        if !managers.contains_key(&own) {
            continue;
        }
        let mut imports = Imports::new(depth(&rest));
        imports.visit_file(&source.file);
        for (line, import) in imports.found {
            if let Some(sibling) = sibling(&import, &own, &managers) {
                let text = format!("imports `{sibling}` of its sibling; let the router carry it");
                found.push(Problem::new(path, line, "siblings", text));
            }
        }
    }
    found
}

/// Managers of the tier, each with what its siblings may import: its open modules and their items.
fn managers(sources: &Sources<'_>, tier: &Tier) -> BTreeMap<String, BTreeSet<String>> {
    let mut managers = BTreeMap::new();
    for (_, rest, source) in sources.below(&tier.src) {
        if implements_manager(&source.file) {
            let open: BTreeSet<String> = tier.open.iter().cloned().collect();
            managers.entry(first_part(&rest).to_owned()).or_insert(open);
        }
    }
    for (_, rest, source) in sources.below(&tier.src) {
        let parts: Vec<&str> = rest.trim_end_matches(".rs").split('/').collect();
        if let [manager, module, ..] = parts[..]
            && let Some(open) = managers.get_mut(manager)
            && tier.open.iter().any(|name| name == module)
        {
            open.extend(source.file.items.iter().filter_map(item_name));
        }
    }
    managers
}

fn implements_manager(file: &syn::File) -> bool {
    file.items.iter().any(|item| {
        let syn::Item::Impl(item) = item else {
            return false;
        };
        let last = item
            .trait_
            .as_ref()
            .and_then(|(path, _)| path.segments.last());
        last.is_some_and(|last| last.ident == "Manager")
    })
}

/// Name of an item that holds plain data.
fn item_name(item: &syn::Item) -> Option<String> {
    let name = match item {
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Const(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
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

/// What this path takes from a sibling, unless it is the sibling's open data.
fn sibling(
    import: &[String],
    own: &str,
    managers: &BTreeMap<String, BTreeSet<String>>,
) -> Option<String> {
    let first = import.first()?;
    let open = managers.get(first)?;
    let allowed = import.get(1).is_some_and(|second| open.contains(second));
    (first != own && !allowed).then(|| import.join("::"))
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
