//! Rules on the shape of Rust files: length, function length, module heads, banned words.

use super::source::{Source, Sources};
use super::{Config, Problem};
use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

pub(super) fn check(sources: &Sources<'_>, config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    for (path, source) in sources.iter() {
        found.extend(file_length(path, source, config));
        found.extend(function_lengths(path, source, config));
        found.extend(module_head(path, source));
        banned_words(path, source.tokens.clone(), config, &mut found);
    }
    found.extend(stale_exceptions(sources, config));
    found
}

fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn file_length(path: &str, source: &Source<'_>, config: &Config) -> Option<Problem> {
    let lines = source.text.lines().count();
    let exception = config.long_files.iter().find(|long| long.path == path);
    let limit = exception.map_or(config.file_lines, |long| long.lines);
    if lines <= limit || is_test_file(path) {
        return None;
    }
    let text = format!("{lines} lines, limit {limit}; split it by sub-duty");
    Some(Problem::new(path, limit + 1, "file-length", text))
}

/// The list of long files is a ratchet: an entry that is no longer needed must go.
fn stale_exceptions(sources: &Sources<'_>, config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    for long in &config.long_files {
        let lines = sources
            .find(&long.path)
            .map_or(0, |source| source.text.lines().count());
        if lines <= config.file_lines {
            let text = format!("is {lines} lines now; remove it from long-files");
            found.push(Problem::new(&long.path, 1, "file-length", text));
        }
        if long.reason.trim().is_empty() {
            found.push(Problem::new(
                &long.path,
                1,
                "file-length",
                "long-files entry says no reason",
            ));
        }
    }
    found
}

fn module_head(path: &str, source: &Source<'_>) -> Option<Problem> {
    let has_head = source
        .file
        .attrs
        .iter()
        .any(|attr| attr.path().is_ident("doc"));
    let text = "no `//!` head: say the module's duty in one sentence, and what it does not do";
    (!has_head && !is_test_file(path)).then(|| Problem::new(path, 1, "module-head", text))
}

fn function_lengths(path: &str, source: &Source<'_>, config: &Config) -> Vec<Problem> {
    let mut functions = Functions::default();
    functions.visit_file(&source.file);
    let long = functions
        .0
        .into_iter()
        .filter(|function| function.lines > config.function_lines);
    let problem = |function: Function| {
        let Function { name, line, lines } = function;
        let text = format!(
            "fn {name} has {lines} lines, limit {}",
            config.function_lines
        );
        Problem::new(path, line, "function-length", text)
    };
    long.map(problem).collect()
}

struct Function {
    name: String,
    line: usize,
    lines: usize,
}

#[derive(Default)]
struct Functions(Vec<Function>);

impl Functions {
    fn add(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let line = signature.span().start().line;
        let lines = body.span().end().line + 1 - line;
        self.0.push(Function {
            name: signature.ident.to_string(),
            line,
            lines,
        });
    }
}

impl<'ast> Visit<'ast> for Functions {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// Looks for `word!` and for the attribute that hides a test, in code and inside macro calls.
fn banned_words(path: &str, tokens: TokenStream, config: &Config, found: &mut Vec<Problem>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1);
        match token {
            TokenTree::Ident(word) if next.is_some_and(|next| is_punct(next, '!')) => {
                if let Some(instead) = config.banned_macros.get(&word.to_string()) {
                    found.push(banned(path, word.span(), &format!("{word}!: {instead}")));
                }
            }
            TokenTree::Punct(hash) if hash.as_char() == '#' && next.is_some_and(hides_a_test) => {
                let why = "an ignored test proves nothing; fix it or delete it";
                found.push(banned(path, hash.span(), why));
            }
            TokenTree::Group(group) => banned_words(path, group.stream(), config, found),
            _ => {}
        }
    }
}

fn banned(path: &str, span: Span, text: &str) -> Problem {
    Problem::new(path, span.start().line, "banned-word", text)
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn hides_a_test(attribute: &TokenTree) -> bool {
    let TokenTree::Group(group) = attribute else {
        return false;
    };
    let first = group.stream().into_iter().next();
    group.delimiter() == Delimiter::Bracket
        && matches!(first, Some(TokenTree::Ident(word)) if word == "ignore")
}
