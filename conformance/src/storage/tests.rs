//! The suite under test: its own tables, and addresses.

use std::collections::BTreeSet;

use super::action::{Action, Victim};
use super::answer::{REGISTRATIONS_PREEMPTED, Want};
use super::bench::{Role, TYPES};
use super::expect::{Standing, outcome};
use super::{Address, Harm, all, conflicts, list};

#[test]
fn every_case_has_its_own_id_a_sentence_and_a_section() {
    let mut ids = BTreeSet::new();
    for case in all() {
        assert!(ids.insert(case.id.clone()), "{} stands twice", case.id);
        assert!(case.id.starts_with("storage/"), "{}", case.id);
        assert!(case.title.starts_with(char::is_uppercase), "{}", case.title);
        assert!(!case.section.is_empty(), "{}", case.id);
    }
}

#[test]
fn each_type_meets_each_action_of_each_role() {
    for kind in TYPES {
        for action in super::action::all() {
            for role in ["holder", "registrant", "outsider"] {
                let id = format!("storage/type-{kind}/{}-by-the-{role}", action.1);
                assert_eq!(
                    list(Some(&id)).iter().filter(|one| one.id == id).count(),
                    1,
                    "{id}"
                );
            }
        }
    }
}

#[test]
fn little_is_done_without_being_allowed() {
    let harmless = all().into_iter().filter(|case| case.harm == Harm::None);
    let ids: Vec<String> = harmless.map(|case| case.id).collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
}

#[test]
fn every_line_of_the_conflict_table_is_read() {
    let lines = include_str!("conflicts.txt").lines();
    let lines = lines.filter(|line| !line.starts_with('#')).count();
    assert_eq!(conflicts::table().len(), lines);
    for line in conflicts::table() {
        let length = match line.cdb[0] >> 5 {
            0 => 6,
            1 | 2 => 10,
            4 => 16,
            _ => 12,
        };
        assert_eq!(line.cdb.len(), length, "{}", line.name);
        assert!(
            line.cells.iter().all(|cell| "ACV-".contains(*cell)),
            "{}",
            line.name
        );
    }
}

#[test]
fn a_preempt_of_the_holder_takes_the_reservation_and_tells_the_victim() {
    let preempt = Action::Preempt {
        abort: false,
        victim: Victim::Role(Role::Holder),
    };
    let wanted = outcome(preempt, Role::Registrant, Some(1));
    assert_eq!((wanted.answer, wanted.counted), (Want::Good, Some(1)));
    let standing = Standing {
        keys: [0, Role::Registrant.key(), 0],
        held: Some((Role::Registrant, 5)),
    };
    assert_eq!(wanted.standing, Some(standing));
    assert_eq!(wanted.told, [Some(REGISTRATIONS_PREEMPTED), None, None]);
}

#[test]
fn addresses_are_read_or_refused_with_a_reason() {
    let whole: Address = "iscsi://me%secret@[::1]:860/iqn.2024-01.a:b/3"
        .parse()
        .unwrap();
    assert_eq!(whole.to_string(), "iscsi://[::1]:860/iqn.2024-01.a:b/3");
    assert_eq!(whole.credentials, Some(("me".into(), "secret".into())));
    let short: Address = "iscsi://host/iqn.a/0".parse().unwrap();
    assert_eq!(short.to_string(), "iscsi://host:3260/iqn.a/0");
    for text in [
        "host/iqn.a/0",
        "iscsi://",
        "iscsi:///iqn.a/0",
        "iscsi://host/iqn.a",
        "iscsi://host/iqn.a/x",
        "iscsi://host/iqn.a/99999",
        "iscsi://host:0/iqn.a/0",
        "iscsi://me@host/iqn.a/0",
        "iscsi://host/iqn.a/0/1",
    ] {
        let error = text.parse::<Address>().unwrap_err().to_string();
        assert!(error.contains("write iscsi://"), "{error}");
    }
    let error = "iscsi://me%secret@/iqn.a/0".parse::<Address>().unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}
