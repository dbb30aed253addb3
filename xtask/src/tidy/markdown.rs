//! Rule: relative links in Markdown lead to a file or folder of the workspace.

use super::Problem;
use crate::tree::Tree;

pub(super) fn check(tree: &Tree) -> Vec<Problem> {
    let mut found = Vec::new();
    for (path, text) in tree.ending(".md") {
        for (line, target) in links(text) {
            let place = resolve(path, target);
            if !place
                .as_deref()
                .is_some_and(|place| place.is_empty() || tree.has(place))
            {
                let text = format!("link to `{target}` leads nowhere");
                found.push(Problem::new(path, line, "links", text));
            }
        }
    }
    found
}

/// Targets of relative links with their line, outside code.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            let outside_code = line.split('`').step_by(2);
            let targets = outside_code.flat_map(|part| part.split("](").skip(1));
            let targets = targets.filter_map(|rest| rest.split([')', ' ', '#']).next());
            let relative = targets.filter(|target| !target.contains("://") && !target.is_empty());
            found.extend(relative.map(|target| (index + 1, target)));
        }
    }
    found
}

/// The path from the workspace root, or nothing when the link climbs out of it.
fn resolve(from: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}
