//! Chore: the clause register against the conformance cases.
//!
//! A case declares what it shows as `clauses: &["GUM-4", …]` in `conformance/src/cases`. The
//! declaration is read from Rust tokens, so a clause that is only mentioned in a comment or in a
//! string does not count. Whether each case also runs, and whether the cases exist that the rows of
//! the reference name, are tests of the conformance package.

use crate::flags;
use crate::reference::Reference;
use crate::register::{Clause, Register, Scope, Status};
use crate::tree::Tree;
use anyhow::{Context, Result, bail};
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

const REGISTER: &str = "conformance/clauses.toml";
const REFERENCE: &str = "conformance/reference.toml";
const CASES: &str = "conformance/src/cases/";

/// Cases per clause id.
type Coverage = BTreeMap<String, usize>;

/// Checks the register and prints its coverage.
pub(crate) fn command(args: &[String]) -> Result<()> {
    flags::none(args)?;
    let tree = Tree::of_workspace()?;
    let text = tree
        .text(REGISTER)
        .with_context(|| format!("{REGISTER} is missing"))?;
    let register = Register::parse(text).with_context(|| format!("read {REGISTER}"))?;
    let coverage = coverage(&tree)?;
    print!("{}", table(&register, &coverage));
    let mut problems = problems(&register, &coverage);
    let text = tree.text(REFERENCE);
    let text = text.with_context(|| format!("{REFERENCE} is missing"))?;
    let reference = Reference::parse(text).with_context(|| format!("read {REFERENCE}"))?;
    print!("\n{}", reference.table());
    problems.extend(reference.problems());
    for problem in &problems {
        println!("{problem}");
    }
    if !problems.is_empty() {
        bail!("{} problems", problems.len());
    }
    Ok(())
}

fn coverage(tree: &Tree) -> Result<Coverage> {
    let mut coverage = Coverage::new();
    for (path, text) in tree
        .ending(".rs")
        .filter(|(path, _)| path.starts_with(CASES))
    {
        let tokens = TokenStream::from_str(text)
            .ok()
            .with_context(|| format!("read {path}"))?;
        declared(tokens, &mut coverage);
    }
    Ok(coverage)
}

/// Counts every `clauses: &["…"]` in these tokens and in the groups inside them.
fn declared(tokens: TokenStream, coverage: &mut Coverage) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for window in tokens.windows(4) {
        if let [
            TokenTree::Ident(name),
            TokenTree::Punct(colon),
            TokenTree::Punct(and),
            TokenTree::Group(list),
        ] = window
            && name == "clauses"
            && (colon.as_char(), and.as_char()) == (':', '&')
        {
            for token in list.stream() {
                let text = token.to_string();
                if let Some(id) = text
                    .strip_prefix('"')
                    .and_then(|text| text.strip_suffix('"'))
                {
                    *coverage.entry(id.to_owned()).or_default() += 1;
                }
            }
        }
    }
    for token in tokens {
        if let TokenTree::Group(group) = token {
            declared(group.stream(), coverage);
        }
    }
}

fn problems(register: &Register, coverage: &Coverage) -> Vec<String> {
    let mut found = Vec::new();
    let mut known = BTreeSet::new();
    for clause in &register.clause {
        if !known.insert(clause.id.as_str()) {
            found.push(format!(
                "{}: this id stands twice in the register",
                clause.id
            ));
        }
        let cases = coverage.get(&clause.id).copied().unwrap_or(0);
        found.extend(clause_problem(clause, cases).map(|text| format!("{}: {text}", clause.id)));
    }
    let unknown = coverage.keys().filter(|id| !known.contains(id.as_str()));
    found.extend(unknown.map(|id| format!("{id}: a case names it, the register does not know it")));
    found
}

fn clause_problem(clause: &Clause, cases: usize) -> Option<&'static str> {
    let explained = clause
        .why
        .as_deref()
        .is_some_and(|why| !why.trim().is_empty());
    match (clause.scope, clause.status) {
        _ if !is_id(&clause.id) => Some("an id is capital letters and a number, as in GUM-4"),
        _ if !["000", "001"].contains(&clause.seed.as_str()) => Some("seed is 000 or 001"),
        _ if clause.text.trim().is_empty() || clause.place.trim().is_empty() => {
            Some("text and place say what the clause is and where it stands")
        }
        _ if clause
            .correction
            .as_ref()
            .is_some_and(|text| text.trim().is_empty()) =>
        {
            Some("an empty correction corrects nothing")
        }
        (Scope::Out, Some(_)) => Some("out of scope has no status"),
        (Scope::Out, None) if !explained => Some("out of scope needs a why"),
        (Scope::Out, None) => (cases > 0).then_some("out of scope, yet a case names it"),
        (Scope::In, None) => Some("in scope needs status = \"now\" or \"later\""),
        (Scope::In, Some(Status::Later)) if !explained => Some("later needs a why"),
        (Scope::In, Some(Status::Later)) => (cases > 0).then_some("has a case; its status is now"),
        (Scope::In, Some(Status::Now)) => (cases == 0).then_some("in scope, but no case shows it"),
    }
}

/// `GUM-4`, `CHK-DISK-1`: capital words, then a number.
fn is_id(id: &str) -> bool {
    let capital = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase());
    id.rsplit_once('-').is_some_and(|(words, number)| {
        words.split('-').all(capital) && number.parse::<u16>().is_ok()
    })
}

/// One row per component: clauses, in scope, shown by a case, cases, later, out.
fn table(register: &Register, coverage: &Coverage) -> String {
    let mut rows: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for clause in &register.clause {
        let component = clause
            .id
            .rsplit_once('-')
            .map_or(clause.id.as_str(), |(words, _)| words);
        let cases = coverage.get(&clause.id).copied().unwrap_or(0);
        let later = clause.status == Some(Status::Later);
        let out = clause.scope == Scope::Out;
        let add = [
            1,
            usize::from(cases > 0),
            cases,
            usize::from(later),
            usize::from(out),
        ];
        let row = rows.entry(component).or_default();
        row.iter_mut().zip(add).for_each(|(sum, more)| *sum += more);
    }
    let mut all = [0; 5];
    let mut text = row(
        "component",
        ["clauses", "shown", "by cases", "later", "out"],
    );
    for (component, counts) in rows {
        all.iter_mut()
            .zip(counts)
            .for_each(|(sum, more)| *sum += more);
        text += &row(component, counts.map(|count| count.to_string()));
    }
    text + &row("all", all.map(|count| count.to_string()))
}

fn row<T: std::fmt::Display>(name: &str, cells: [T; 5]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>9}")).collect();
    format!("{name:<12}{}\n", cells.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clause(rest: &str) -> String {
        format!("[[clause]]\nseed = \"001\"\nplace = \"p\"\ntext = \"t\"\n{rest}\n")
    }

    fn check(clauses: &[&str], cases: &str) -> Vec<String> {
        let text: String = clauses.iter().map(|rest| clause(rest)).collect();
        let tree = Tree::from([("conformance/src/cases/quorum.rs", cases)]);
        problems(&Register::parse(&text).unwrap(), &coverage(&tree).unwrap())
    }

    const NOW: &str = "id = \"QRM-1\"\nscope = \"in\"\nstatus = \"now\"";
    const CASE: &str = "static CASES: &[Case] = &[Case { clauses: &[\"QRM-1\"] }];";

    #[test]
    fn a_clause_with_a_case_is_covered() {
        assert_eq!(check(&[NOW], CASE), [""; 0]);
        assert_eq!(
            check(&[NOW], "cases!(Case { clauses: &[\"QRM-1\"] })"),
            [""; 0]
        );
    }

    #[test]
    fn a_clause_without_a_case_is_named_and_comments_and_strings_do_not_count() {
        for cases in [
            "",
            "// clauses: &[\"QRM-1\"]",
            "/// clauses: &[\"QRM-1\"]\nfn f() {}",
            "const S: &str = r#\"clauses: &[\"QRM-1\"]\"#;",
        ] {
            assert_eq!(
                check(&[NOW], cases),
                ["QRM-1: in scope, but no case shows it"],
                "{cases}"
            );
        }
    }

    #[test]
    fn a_case_for_an_unknown_clause_is_named() {
        assert_eq!(
            check(&[], CASE),
            ["QRM-1: a case names it, the register does not know it"]
        );
    }

    #[test]
    fn a_clause_that_stands_twice_is_named() {
        assert_eq!(
            check(&[NOW, NOW], CASE),
            ["QRM-1: this id stands twice in the register"]
        );
    }

    #[test]
    fn what_is_out_or_later_must_say_why_and_has_no_case() {
        let out = "id = \"QRM-1\"\nscope = \"out\"";
        let later = "id = \"QRM-1\"\nscope = \"in\"\nstatus = \"later\"";
        let why = "\nwhy = \"needs a second site\"";
        assert_eq!(check(&[out], "").len(), 1);
        assert_eq!(check(&[later], "").len(), 1);
        assert_eq!(check(&[&format!("{out}{why}")], ""), [""; 0]);
        assert_eq!(check(&[&format!("{later}{why}")], ""), [""; 0]);
        assert_eq!(check(&[&format!("{later}{why}")], CASE).len(), 1);
        assert_eq!(check(&[&format!("{out}{why}")], CASE).len(), 1);
    }

    #[test]
    fn a_malformed_id_is_named() {
        assert_eq!(
            check(
                &["id = \"qrm1\"\nscope = \"in\"\nstatus = \"later\"\nwhy = \"x\""],
                ""
            )
            .len(),
            1
        );
    }

    #[test]
    fn the_table_counts_clauses_and_cases_per_component() {
        let register = Register::parse(&clause(NOW)).unwrap();
        let shown = table(&register, &Coverage::from([("QRM-1".to_owned(), 3)]));
        let row: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row, ["QRM", "1", "1", "3", "0", "0"]);
    }
}
