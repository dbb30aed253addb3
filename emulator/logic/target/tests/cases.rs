//! Plays every case in `testdata/cases`: plain text, one array a case.
//!
//! A case starts with `# its sentence`; each further line is `who command -> what comes back`.

mod common;

use std::fs;
use std::path::Path;

/// Plays one file; returns how many cases it holds and what differed.
fn play(name: &str, text: &str) -> (usize, Vec<String>) {
    let (mut cases, mut differences) = (0, Vec::new());
    let (mut title, mut lab) = ("", common::Lab::new());
    for (number, line) in text.lines().enumerate() {
        if let Some(sentence) = line.strip_prefix("# ") {
            (title, lab) = (sentence, common::Lab::new());
            cases += 1;
        } else if let Some((command, expected)) = line.split_once("->") {
            let actual = lab.play(command);
            if actual != expected.trim() {
                let at = format!("{name}:{} ({title})", number + 1);
                let expected = expected.trim();
                differences.push(format!(
                    "{at}\n  {command}\n  expected {expected}\n  actual   {actual}"
                ));
            }
        } else {
            assert!(
                line.trim().is_empty(),
                "{name}:{}: no arrow: {line}",
                number + 1
            );
        }
    }
    (cases, differences)
}

#[test]
fn every_case_comes_out_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    let (mut cases, mut differences) = (0, Vec::new());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let (played, different) = play(&name, &fs::read_to_string(&file).unwrap());
        cases += played;
        differences.extend(different);
    }
    assert!(cases > 50, "only {cases} cases were found");
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

#[test]
fn a_wrong_expectation_is_noticed() {
    let (cases, differences) = play("planted", "# Planted\nn1 register 0 a -> conflict\n");
    assert_eq!((cases, differences.len()), (1, 1));
}

/// What the lab file's faults on reservations do.
#[test]
fn an_outsider_takes_or_clears_what_a_node_holds() {
    for (clears, expected) in [(false, "6f75747369646572*"), (true, "")] {
        let mut lab = common::Lab::new();
        let outsider = lab.nexus("n9");
        lab.play("n1 register 0 a");
        lab.play("n1 reserve a wero");
        let outcome = if clears {
            lab.array
                .intrude(outsider, common::LUN, target::Intrusion::Clear)
        } else {
            lab.array
                .intrude(outsider, common::LUN, target::Intrusion::Preempt)
        };
        assert_eq!(outcome.good(), Some(&[][..]));
        assert_eq!(
            lab.play("n1 write"),
            if clears {
                "attention 2a/03"
            } else {
                "attention 2a/05"
            }
        );
        assert!(
            lab.play("state").contains(expected),
            "{}",
            lab.play("state")
        );
        assert_eq!(
            lab.play("n1 write"),
            if clears { "good" } else { "conflict" }
        );
    }
}

/// In a cluster of 2003 nobody is registered.
#[test]
fn an_outsider_resets_and_reserves_where_a_node_has_reserved() {
    for (intrusion, expected) in [
        (target::Intrusion::Preempt, "conflict"),
        (target::Intrusion::Reserve, "conflict"),
        (target::Intrusion::Clear, "good"),
    ] {
        let mut lab = common::Lab::new();
        let outsider = lab.nexus("n9");
        lab.play("n1 reserve6");
        let outcome = lab.array.intrude(outsider, common::LUN, intrusion);
        assert_eq!(outcome.good(), Some(&[][..]), "{intrusion:?}");
        assert_eq!(lab.play("n1 write"), "attention 29/03", "{intrusion:?}");
        assert_eq!(lab.play("n1 reserve6"), expected, "{intrusion:?}");
    }
}
