//! The workspace as a plain map from path to text, so that every rule is a function of data.
//!
//! Read by walking folders, not by asking git: the checks also run from an unpacked archive.

use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Text files of the workspace by path relative to its root, with `/` between parts.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, String>,
}

impl Tree {
    /// Everything below the workspace root that git would track: `.gitignore` names are skipped.
    pub(crate) fn of_workspace() -> Result<Self> {
        let root = root();
        let ignored = Ignored::read(&root)?;
        let mut tree = Self::default();
        tree.walk(&root, &root, &ignored)?;
        Ok(tree)
    }

    fn walk(&mut self, root: &Path, folder: &Path, ignored: &Ignored) -> Result<()> {
        let entries = fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let relative = relative(root, &path);
            if ignored.covers(&relative) {
                continue;
            }
            if path.is_dir() {
                self.walk(root, &path, ignored)?;
            } else if let Ok(text) = fs::read_to_string(&path) {
                // What is not text has no lines to judge.
                self.files.insert(relative, text);
            }
        }
        Ok(())
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path).map(String::as_str)
    }

    /// True for a file, and for a folder that holds one.
    pub(crate) fn has(&self, path: &str) -> bool {
        let below = format!("{}/", path.trim_end_matches('/'));
        self.files.contains_key(path) || self.files.keys().any(|known| known.starts_with(&below))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// Files whose path ends so, for example `.rs` or `/Cargo.toml`.
    pub(crate) fn ending<'a>(
        &'a self,
        end: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> + 'a {
        self.iter().filter(move |(path, _)| path.ends_with(end))
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Tree {
    fn from(files: [(&str, &str); N]) -> Self {
        let own = |(path, text): (&str, &str)| (path.to_owned(), text.to_owned());
        Self {
            files: files.into_iter().map(own).collect(),
        }
    }
}

/// Patterns of `.gitignore`, in the shapes this repository uses: `name`, `/name`, and one `*`.
#[derive(Debug)]
struct Ignored(Vec<String>);

impl Ignored {
    fn read(root: &Path) -> Result<Self> {
        let text = fs::read_to_string(root.join(".gitignore")).context("read .gitignore")?;
        let lines = text.lines().map(str::trim);
        let patterns = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        Ok(Self(
            patterns.map(str::to_owned).chain([".git".into()]).collect(),
        ))
    }

    /// A leading `/` ties a pattern to the root: `/target` leaves `emulator/logic/target` alone.
    fn covers(&self, path: &str) -> bool {
        let last = path.rsplit('/').next().unwrap_or(path);
        self.0.iter().any(|pattern| {
            let (subject, pattern) = match pattern.strip_prefix('/') {
                Some(anchored) => (path, anchored),
                None => (last, pattern.as_str()),
            };
            match pattern.trim_end_matches('/').split_once('*') {
                None => subject == pattern.trim_end_matches('/'),
                Some((start, end)) => {
                    subject.starts_with(start) && subject.ends_with(end) && !subject.contains('/')
                }
            }
        })
    }
}

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

fn relative(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    let parts = below.iter().map(|part| part.to_string_lossy());
    parts.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_names_cover_folders_and_patterns_but_not_lookalikes() {
        let ignored = Ignored(["/target", "/target-*", "*.tmp"].map(String::from).to_vec());
        assert!(
            ignored.covers("target") && ignored.covers("target-x") && ignored.covers("a/b.tmp")
        );
        assert!(!ignored.covers("emulator/logic/target") && !ignored.covers("a/b.rs"));
    }

    #[test]
    fn a_folder_exists_when_a_file_lies_below_it() {
        let tree = Tree::from([("docs/adr/0001.md", "")]);
        assert!(tree.has("docs/adr") && tree.has("docs/adr/0001.md"));
        assert!(!tree.has("docs/ad"));
    }

    #[test]
    fn the_workspace_tree_holds_its_own_manifest_and_no_build_output() {
        let tree = Tree::of_workspace().unwrap();
        assert!(
            tree.text("Cargo.toml")
                .is_some_and(|text| text.contains("[workspace]"))
        );
        assert!(tree.iter().all(|(path, _)| !path.starts_with("target/")));
    }
}
