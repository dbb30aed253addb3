//! Rules on lines of text: columns, spaces at the end, paths of one machine, registry hosts.

use super::{Config, Problem};
use crate::tree::Tree;

const CODE: [&str; 4] = [".rs", ".sh", "justfile", ".ci/run"];

pub(super) fn check(tree: &Tree, config: &Config) -> Vec<Problem> {
    let ours = |path: &str| {
        !config
            .not_ours
            .iter()
            .any(|part| path.contains(part.as_str()))
    };
    let mut found = Vec::new();
    for (path, text) in tree.iter().filter(|(path, _)| ours(path)) {
        for (index, line) in text.lines().enumerate() {
            found.extend(line_problems(path, index + 1, line, config));
        }
    }
    found
}

fn line_problems(path: &str, number: usize, line: &str, config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut add = |rule, text: String| found.push(Problem::new(path, number, rule, text));
    let columns = line.chars().count();
    if columns > config.columns && CODE.iter().any(|end| path.ends_with(end)) && !is_link(line) {
        add(
            "columns",
            format!("{columns} columns; break the line at {}", config.columns),
        );
    }
    if line.ends_with([' ', '\t', '\r']) {
        add("trailing-space", "space at the end of the line".into());
    }
    if let Some(root) = config
        .machine_roots
        .iter()
        .find(|root| names_root(line, root))
    {
        add(
            "machine-path",
            format!("/{root}/ exists on one machine only; use a relative path"),
        );
    }
    let hosts = config.registry_hosts.iter().map(|parts| parts.join("."));
    if let Some(host) = hosts.into_iter().find(|host| line.contains(host.as_str())) {
        add(
            "registry-host",
            format!("{host}: let cargo or apt find their registry themselves"),
        );
    }
    found
}

/// A comment that is one long link cannot be broken.
fn is_link(line: &str) -> bool {
    let words = line.trim_start().trim_start_matches(['/', '!', '#', ' ']);
    line.trim_start().starts_with(['/', '#']) && words.contains("://") && !words.contains(' ')
}

/// True when the root stands where an absolute path begins, not inside a longer one.
fn names_root(line: &str, root: &str) -> bool {
    let needle = format!("/{root}/");
    line.match_indices(&needle).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "_.-/{}".contains(c))
    })
}
