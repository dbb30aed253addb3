//! The Rust files of the workspace, parsed once for all rules.

use super::Problem;
use crate::tree::Tree;
use proc_macro2::TokenStream;
use std::collections::BTreeMap;
use std::str::FromStr;

/// One parsed Rust file.
pub(super) struct Source<'a> {
    pub text: &'a str,
    pub file: syn::File,
    /// The same file as raw tokens: reaches into macro calls, which the parsed form leaves closed.
    pub tokens: TokenStream,
}

/// Rust files by path; files that do not parse are kept apart as problems.
pub(super) struct Sources<'a> {
    files: BTreeMap<&'a str, Source<'a>>,
    refused: Vec<(&'a str, String)>,
}

impl<'a> Sources<'a> {
    pub(super) fn parse(tree: &'a Tree) -> Self {
        let mut sources = Self {
            files: BTreeMap::new(),
            refused: Vec::new(),
        };
        // What a tool generated is for the tool to shape.
        let ours = tree
            .ending(".rs")
            .filter(|(path, _)| !path.contains("/generated/"));
        for (path, text) in ours {
            match (syn::parse_file(text), TokenStream::from_str(text)) {
                (Ok(file), Ok(tokens)) => {
                    sources.files.insert(path, Source { text, file, tokens });
                }
                (Err(error), _) => sources.refused.push((path, error.to_string())),
                (_, Err(error)) => sources.refused.push((path, error.to_string())),
            }
        }
        sources
    }

    pub(super) fn refused(&self) -> Vec<Problem> {
        let problem = |(path, why): &(&str, String)| {
            Problem::new(
                path,
                1,
                "parses",
                format!("is not Rust that tidy can read: {why}"),
            )
        };
        self.refused.iter().map(problem).collect()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &Source<'a>)> {
        self.files.iter().map(|(path, source)| (*path, source))
    }

    pub(super) fn find(&self, path: &str) -> Option<&Source<'a>> {
        self.files.get(path)
    }

    /// Files below a folder, with the rest of their path.
    pub(super) fn below<'s>(
        &'s self,
        folder: &str,
    ) -> impl Iterator<Item = (&'a str, String, &'s Source<'a>)> {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        self.files.iter().filter_map(move |(path, source)| {
            let rest = path.strip_prefix(&prefix)?;
            Some((*path, rest.to_owned(), source))
        })
    }
}
