//! The conflict table in `testdata/conflicts.txt`, row by row, under every type and for everyone.
//!
//! That no command is missing is asked of the target itself, by REPORT SUPPORTED OPERATION CODES.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use common::{LUN, Lab};
use scsi::Outcome;

#[derive(Debug)]
struct Row {
    name: String,
    /// Whether an outsider conflicts; absent where other rules decide.
    write_exclusive: Option<bool>,
    exclusive_access: Option<bool>,
    reserved: Option<bool>,
    cdb: Vec<u8>,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/conflicts.txt");
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(row)
        .collect()
}

fn row(line: &str) -> Row {
    let (name, rest) = line.split_at(31);
    let words: Vec<&str> = rest.split_whitespace().collect();
    let conflicts = |word: &str| match word {
        "A" => Some(false),
        "C" => Some(true),
        "-" => None,
        other => panic!("{other}? in {line}"),
    };
    let byte = |word: &&str| u8::from_str_radix(word, 16).unwrap();
    Row {
        name: name.trim().to_owned(),
        write_exclusive: conflicts(words[0]),
        exclusive_access: conflicts(words[1]),
        reserved: conflicts(words[2]),
        cdb: words[3..].iter().map(byte).collect(),
    }
}

/// More data than any of the commands wants, all zeros.
fn conflicts(lab: &mut Lab, who: &str, row: &Row) -> bool {
    let id = lab.nexus(who);
    let outcome = lab.array.send(id, LUN, &row.cdb, &[0; 1024]);
    assert!(!outcome.is_unit_attention(), "{}: {outcome:?}", row.name);
    outcome == Outcome::ReservationConflict
}

/// `n1` holds a reservation, `n2` is registered, `n3` is an outsider.
fn reserved(kind: &str) -> Lab {
    let mut lab = Lab::new();
    for line in [
        "n1 register 0 a",
        "n2 register 0 b",
        "n3 tur",
        &format!("n1 reserve a {kind}"),
    ] {
        assert_eq!(lab.play(line), "good");
    }
    lab
}

#[test]
fn outsiders_meet_the_table_under_every_type() {
    for (kind, is_write_exclusive) in [
        ("we", true),
        ("wero", true),
        ("wear", true),
        ("ea", false),
        ("earo", false),
        ("eaar", false),
    ] {
        for row in rows() {
            let told = if is_write_exclusive {
                row.write_exclusive
            } else {
                row.exclusive_access
            };
            let Some(expected) = told else { continue };
            let mut lab = reserved(kind);
            assert_eq!(
                conflicts(&mut lab, "n3", &row),
                expected,
                "{} under {kind}",
                row.name
            );
        }
    }
}

/// PERSISTENT RESERVE has rules of its own for those who are registered.
fn is_plain(row: &Row) -> bool {
    row.cdb[0] != 0x5f
}

#[test]
fn holders_pass_everything() {
    for kind in ["we", "ea", "wero", "earo", "wear", "eaar"] {
        for row in rows().iter().filter(|row| is_plain(row)) {
            let mut lab = reserved(kind);
            assert!(!conflicts(&mut lab, "n1", row), "{} under {kind}", row.name);
        }
    }
}

#[test]
fn registrants_pass_everything_under_types_5_to_8_and_are_outsiders_otherwise() {
    for (kind, admitted) in [
        ("we", false),
        ("ea", false),
        ("wero", true),
        ("earo", true),
        ("wear", true),
        ("eaar", true),
    ] {
        for row in rows().iter().filter(|row| is_plain(row)) {
            let mut lab = reserved(kind);
            let outside = conflicts(&mut reserved(kind), "n3", row);
            let expected = !admitted && outside;
            assert_eq!(
                conflicts(&mut lab, "n2", row),
                expected,
                "{} under {kind}",
                row.name
            );
        }
    }
}

#[test]
fn reserve_of_spc_2_stops_what_the_table_says() {
    for row in rows() {
        let mut lab = Lab::new();
        lab.play("n3 tur");
        assert_eq!(lab.play("n1 reserve6"), "good");
        assert_eq!(
            Some(conflicts(&mut lab, "n3", &row)),
            row.reserved,
            "{}",
            row.name
        );
    }
}

#[test]
fn a_conflict_touches_nothing() {
    for row in rows() {
        let mut lab = reserved("ea");
        let id = lab.nexus("n1");
        let write = |lab: &mut Lab| lab.play("n1 write");
        assert_eq!(write(&mut lab), "good");
        let before = lab.array.picture(LUN);
        if conflicts(&mut lab, "n3", &row) {
            let read = [0x28, 0, 0, 0, 0, 8, 0, 0, 1, 0];
            let data = lab.array.send(id, LUN, &read, &[]);
            assert_eq!(data, Outcome::Good(vec![7; 512]), "{}", row.name);
            assert_eq!(lab.array.picture(LUN), before, "{}", row.name);
        }
    }
}

#[test]
fn every_command_of_the_target_is_in_the_table() {
    let mut lab = Lab::new();
    let id = lab.nexus("n1");
    let report = [0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0];
    let Outcome::Good(data) = lab.array.send(id, LUN, &report, &[]) else {
        panic!("no report")
    };
    let told: BTreeSet<(u8, u8)> = data[4..]
        .chunks_exact(8)
        .map(|it| (it[0], if it[5] & 1 == 1 { it[3] } else { 0 }))
        .collect();
    let with_action = [0x48, 0x5e, 0x5f, 0x83, 0x84, 0x9e, 0xa3, 0xa4];
    let action = |cdb: &[u8]| {
        if with_action.contains(&cdb[0]) {
            cdb[1] & 0x1f
        } else {
            0
        }
    };
    let table: BTreeSet<(u8, u8)> = rows()
        .iter()
        .map(|it| (it.cdb[0], action(&it.cdb)))
        .collect();
    assert_eq!(told, table);
}
