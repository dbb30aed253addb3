//! Each rule is shown a planted fault and must name it; the workspace itself must be tidy.

use super::config::Config;
use super::source::Sources;
use super::{Problem, manifests, markdown, purity, rules};
use crate::tree::Tree;

fn config() -> Config {
    let tree = Tree::of_workspace().unwrap();
    let mut config = Config::read(&tree).unwrap();
    config.long_files.clear();
    config
}

/// The rules broken by one file at a path where only its own content matters.
fn broken(path: &str, text: &str) -> Vec<&'static str> {
    let tree = Tree::from([(path, text), ("a/src/lib.rs", "//! Head.\nmod planted;\n")]);
    rules(&tree, &config())
        .iter()
        .map(|problem| problem.rule)
        .collect()
}

fn planted(text: &str) -> Vec<&'static str> {
    broken("a/src/planted.rs", text)
}

fn lines(problems: &[Problem]) -> Vec<(&str, usize)> {
    problems
        .iter()
        .map(|problem| (problem.rule, problem.line))
        .collect()
}

#[test]
fn the_workspace_is_tidy() {
    let problems = super::problems(&Tree::of_workspace().unwrap()).unwrap();
    let shown: Vec<String> = problems.iter().map(Problem::to_string).collect();
    assert!(shown.is_empty(), "\n{}", shown.join("\n"));
}

#[test]
fn a_clean_file_breaks_no_rule() {
    let none: [&str; 0] = [];
    assert_eq!(
        planted("//! Head.\n\nfn short() {\n    let todo = 1;\n}\n"),
        none
    );
}

#[test]
fn a_line_over_the_limit_is_named_but_a_long_link_is_not() {
    let long = "x".repeat(101);
    assert_eq!(planted(&format!("//! Head.\n// {long}\n")), ["columns"]);
    let none: [&str; 0] = [];
    assert_eq!(planted(&format!("//! Head.\n// https://{long}\n")), none);
}

#[test]
fn spaces_at_the_end_of_a_line_are_named() {
    assert_eq!(planted("//! Head. \n"), ["trailing-space"]);
}

#[test]
fn paths_of_one_machine_are_named_but_relative_ones_are_not() {
    let root = "root";
    assert_eq!(
        broken("notes.md", &format!("see /{root}/x\n")),
        ["machine-path"]
    );
    let none: [&str; 0] = [];
    assert_eq!(
        broken("notes.md", &format!("see docs/{root}/x and ./{root}/x\n")),
        none
    );
}

#[test]
fn registry_hosts_are_named() {
    let host = ["pypi", "org"].join(".");
    assert_eq!(
        broken("notes.md", &format!("from {host}\n")),
        ["registry-host"]
    );
}

#[test]
fn a_file_without_a_head_is_named() {
    assert_eq!(planted("fn short() {}\n"), ["module-head"]);
}

#[test]
fn a_function_of_71_lines_is_named_and_one_of_70_is_not() {
    let function =
        |lines: usize| format!("//! H.\nfn f() {{\n{}}}\n", "    a();\n".repeat(lines - 2));
    assert_eq!(planted(&function(71)), ["function-length"]);
    let none: [&str; 0] = [];
    assert_eq!(planted(&function(70)), none);
}

#[test]
fn a_file_over_500_lines_is_named_and_a_stale_exception_too() {
    let text = format!("//! Head.\n{}", "// line\n".repeat(500));
    assert_eq!(planted(&text), ["file-length"]);
    let mut config = config();
    let long = r#"path = "a/src/lib.rs"
        lines = 600
        reason = " ""#;
    config.long_files.push(toml::from_str(long).unwrap());
    let tree = Tree::from([("a/src/lib.rs", "//! Head.\n")]);
    let found = rules(&tree, &config);
    assert_eq!(lines(&found), [("file-length", 1), ("file-length", 1)]);
}

#[test]
fn banned_words_are_named_in_code_and_inside_macro_calls_but_not_in_comments() {
    let none: [&str; 0] = [];
    assert_eq!(
        planted("//! Head: todo!() and #[ignore].\n// dbg!(x)\n"),
        none
    );
    let word = "todo";
    assert_eq!(
        planted(&format!("//! Head.\nfn f() {{ {word}!() }}\n")),
        ["banned-word"]
    );
    let nested = format!("//! Head.\nfn f() {{ assert!({{ {word}!() }}) }}\n");
    assert_eq!(planted(&nested), ["banned-word"]);
    let attribute = "ignore";
    let hidden = format!("//! Head.\n#[{attribute}]\nfn f() {{}}\n");
    assert_eq!(planted(&hidden), ["banned-word"]);
}

#[test]
fn a_file_that_no_mod_names_is_dead() {
    let tree = Tree::from([
        ("a/src/lib.rs", "//! Head.\nmod b;\n"),
        ("a/src/b/mod.rs", "//! Head.\nmod c;\n"),
        ("a/src/b/c.rs", "//! Head.\n"),
        ("a/src/b/d.rs", "//! Head.\n"),
        ("a/tests/whole.rs", "//! Head.\nmod common;\n"),
        ("a/tests/common/mod.rs", "//! Head.\n"),
    ]);
    let found = rules(&tree, &config());
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].rule, found[0].path.as_str()),
        ("dead-file", "a/src/b/d.rs")
    );
}

#[test]
fn a_file_that_is_not_rust_is_named() {
    assert_eq!(planted("//! Head.\nfn {\n"), ["parses"]);
}

/// What the rule says about this file of the global update manager.
fn tier(gum: &str) -> Vec<(usize, String)> {
    let manager = "//! Head.\nimpl Manager for M {}\nmod messages;\n";
    let gum = format!("{manager}{gum}");
    let tree: Vec<(String, &str)> = [
        ("lib.rs", "//! Head.\nmod facts; mod gum; mod quorum;\n"),
        ("gum/mod.rs", gum.as_str()),
        ("quorum/mod.rs", manager),
        ("quorum/messages.rs", "//! Head.\npub struct Vote;\n"),
        ("facts.rs", "//! Head.\n"),
    ]
    .map(|(path, text)| (format!("emulator/logic/middle/src/{path}"), text))
    .to_vec();
    let tree: [(&str, &str); 5] = std::array::from_fn(|at| (tree[at].0.as_str(), tree[at].1));
    let tree = Tree::from(tree);
    let found = super::tiers::check(&Sources::parse(&tree), &config());
    found
        .into_iter()
        .map(|problem| (problem.line, problem.text))
        .collect()
}

#[test]
fn a_sibling_import_is_named_however_it_is_written() {
    for line in [
        "use crate::quorum::Quorum;",
        "use crate::{facts::Facts, quorum::*};",
        "use crate::quorum;",
        "use super::quorum::Quorum;",
        "fn f(q: crate::quorum::Quorum) {}",
        "mod inner { use super::super::quorum::Quorum; }",
    ] {
        let found = tier(line);
        assert_eq!(found.len(), 1, "{line}: {found:?}");
        assert_eq!(found[0].0, 4);
        assert!(found[0].1.contains("`quorum"), "{found:?}");
    }
}

#[test]
fn open_data_facts_and_own_parts_may_be_imported() {
    for line in [
        "use crate::quorum::messages::Vote;",
        "use crate::quorum::Vote;",
        "use crate::facts::Facts;",
        "use crate::View;",
        "use crate::gum::lock::Lock;",
        "mod inner { use super::quorum; }",
    ] {
        assert_eq!(tier(line), [], "{line}");
    }
}

/// What the wiring rule says of a router whose file `up` has these table rows.
fn wired(rows: &str) -> Vec<String> {
    let table = format!("//! Head.\n//!\n//! | output | goes to |\n//! | --- | --- |\n{rows}");
    let up =
        format!("{table}fn f(o: O) {{ match o {{ quorum::Output::Needed {{ .. }} => {{}} }} }}\n");
    let tree = Tree::from([
        ("emulator/logic/node/src/route/up.rs", up.as_str()),
        (
            "emulator/logic/middle/src/quorum/messages.rs",
            "//! Head.\npub enum Output { Needed { why: u8 }, Halt }\n",
        ),
    ]);
    let found = super::wiring::check(&tree, &Sources::parse(&tree), &config());
    found.into_iter().map(|problem| problem.text).collect()
}

#[test]
fn the_wiring_table_lists_every_output_and_nothing_else() {
    assert_eq!(
        wired("//! | `quorum::Output::Needed` | rcm |\n//! | quorum Halt | node |\n"),
        [""; 0]
    );
    assert_eq!(wired("//! | quorum Needed, Halt | rcm |\n"), [""; 0]);
    let missing = wired("//! | quorum Halt | node |\n");
    assert_eq!(
        missing,
        [
            "`quorum Needed` has no row in the router's wiring tables",
            "`quorum Needed` has an arm but no table row"
        ]
    );
    let extra = wired("//! | quorum Needed, Halt | rcm |\n//! | gum Apply | database |\n");
    assert_eq!(
        extra,
        ["`gum Apply` has a table row but no manager says it"]
    );
    let twice = wired("//! | quorum Needed, Halt | rcm |\n//! | quorum Halt | node |\n");
    assert_eq!(twice, ["`quorum Halt` has a second table row"]);
}

#[test]
fn an_arrow_that_the_table_does_not_list_is_named() {
    let package = |name: &str, deps: &str| {
        format!("[package]\nname = \"{name}\"\n[dependencies]\n{deps}\n[lints]\nworkspace = true\n")
    };
    let check = |middle: &str| {
        let (base, middle) = (package("base", ""), package("middle", middle));
        let top = package("top", "");
        let tree = Tree::from([
            ("b/Cargo.toml", base.as_str()),
            ("m/Cargo.toml", middle.as_str()),
            ("t/Cargo.toml", top.as_str()),
            ("ARCHITECTURE.md", "| `b` | |\n| `m` | |\n| `t` | |\n"),
        ]);
        manifests::check(&tree, &config())
            .into_iter()
            .map(|p| p.text)
            .collect::<Vec<_>>()
    };
    assert_eq!(check("base.workspace = true\nserde = \"1\""), [""; 0]);
    let found = check("top.workspace = true");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].contains("`middle` may not import `top`"),
        "{found:?}"
    );
}

#[test]
fn a_package_without_arrows_lints_or_place_on_the_map_is_named() {
    let tree = Tree::from([("n/Cargo.toml", "[package]\nname = \"newcomer\"\n")]);
    assert_eq!(manifests::check(&tree, &config()).len(), 3);
}

/// `cargo metadata` of a pure package that links `link` and tests with `test`.
fn metadata(link: &str, test: &str) -> String {
    let package = |name: &str, path: &str| {
        format!(r#"{{"id":"{name}","name":"{name}","manifest_path":"{path}/Cargo.toml"}}"#)
    };
    let dep =
        |name: &str, kind: &str| format!(r#"{{"pkg":"{name}","dep_kinds":[{{"kind":{kind}}}]}}"#);
    let names = ["helper", "tokio", "serde"].map(|name| package(name, "elsewhere"));
    let packages = [&[package("node", "x/emulator/logic/node")], &names[..]]
        .concat()
        .join(",");
    let edges = [dep("helper", "null"), dep(test, r#""dev""#)].join(",");
    format!(
        r#"{{"packages":[{packages}],"resolve":{{"nodes":[
            {{"id":"node","deps":[{edges}]}},{{"id":"helper","deps":[{}]}}]}}}}"#,
        dep(link, "null")
    )
}

#[test]
fn io_reachable_from_a_pure_package_is_named_unless_only_tests_use_it() {
    let found = purity::impure(&metadata("tokio", "serde"), &config()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].text, "pure package `node` reaches `tokio`");
    assert_eq!(
        purity::impure(&metadata("serde", "tokio"), &config()).unwrap(),
        []
    );
}

#[test]
fn what_a_macro_needs_is_not_reached_from_a_pure_package() {
    let plain = metadata("tokio", "serde");
    let of_macro = plain.replace(
        r#""name":"helper""#,
        r#""name":"helper","targets":[{"kind":["proc-macro"]}]"#,
    );
    assert_ne!(plain, of_macro);
    assert_eq!(purity::impure(&of_macro, &config()).unwrap(), []);
}

#[test]
fn purity_of_no_package_at_all_is_an_error_not_a_pass() {
    let empty = r#"{"packages":[],"resolve":{"nodes":[]}}"#;
    assert!(purity::impure(empty, &config()).is_err());
}

#[test]
fn links_that_lead_nowhere_are_named() {
    let text = "[a](b.md) [c](../d.md#part)\n[x](gone.md)\n[y](../../out.md) `[z](code.md)`\n\
        ```\n[q](fenced.md)\n```\n[w](https://example.invalid/a) [h](#here)\n";
    let tree = Tree::from([("docs/a.md", text), ("docs/b.md", ""), ("d.md", "")]);
    assert_eq!(lines(&markdown::check(&tree)), [("links", 2), ("links", 3)]);
}
