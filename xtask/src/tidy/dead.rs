//! Rule: every Rust file is named by a `mod` of its parent, or is the root of a build target.

use super::Problem;
use super::source::{Source, Sources};
use syn::visit::{self, Visit};

pub(super) fn check(sources: &Sources<'_>) -> Vec<Problem> {
    let dead = sources
        .iter()
        .filter(|(path, _)| !is_root(path) && !is_named(path, sources));
    let text = "no `mod` names this file, so nothing compiles it; name it or delete it";
    dead.map(|(path, _)| Problem::new(path, 1, "dead-file", text))
        .collect()
}

/// Files that Cargo finds by their place.
fn is_root(path: &str) -> bool {
    let parts: Vec<&str> = path.rsplit('/').collect();
    let folder = parts.get(1).copied().unwrap_or("");
    let above = parts.get(2).copied().unwrap_or("");
    match parts[0] {
        "lib.rs" | "main.rs" => folder == "src" || ["tests", "bin", "benches"].contains(&above),
        "build.rs" => folder != "src",
        _ => matches!(
            folder,
            "tests" | "benches" | "examples" | "bin" | "fuzz_targets"
        ),
    }
}

fn is_named(path: &str, sources: &Sources<'_>) -> bool {
    let stem = path.trim_end_matches(".rs").trim_end_matches("/mod");
    let Some((folder, name)) = stem.rsplit_once('/') else {
        return false;
    };
    let parents = [
        format!("{folder}/mod.rs"),
        format!("{folder}/lib.rs"),
        format!("{folder}/main.rs"),
        format!("{folder}.rs"),
    ];
    let above = parents.iter().filter_map(|parent| sources.find(parent));
    // Each file of `tests` is a root of its own and may name modules beside it.
    let beside = sources
        .below(folder)
        .filter(|(path, rest, _)| !rest.contains('/') && is_root(path));
    above
        .chain(beside.map(|(_, _, root)| root))
        .any(|parent| names(parent, name))
}

fn names(parent: &Source<'_>, name: &str) -> bool {
    let mut search = Search { name, found: false };
    search.visit_file(&parent.file);
    search.found
}

struct Search<'a> {
    name: &'a str,
    found: bool,
}

impl<'ast> Visit<'ast> for Search<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.found |= item.content.is_none() && item.ident == self.name;
        visit::visit_item_mod(self, item);
    }
}
