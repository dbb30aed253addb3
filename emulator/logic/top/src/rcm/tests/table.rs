//! The decision table of placement: every small case, decided by the real rules and by a second,
//! naive version, and written down for people in `fixtures/placement.txt`.
//!
//! Facts: reference section 3.1, every row. The naive version walks the sentences of the reference
//! one after the other with lists and knows nothing of the code that it is compared with.
//! `UPDATE_GOLDEN=1` writes the table anew.

use std::collections::BTreeSet;
use std::fmt::Write;

use base::{NodeId, Rng};

use super::world::{node, nodes};
use crate::rcm::placement::{Question, Reason, choose};

/// Draws per case; enough that a random choice among four shows each.
const DRAWS: u64 = 16;

/// One case, as numbers.
#[derive(Clone, Debug)]
struct Case {
    reason: Reason,
    preferred: Vec<u8>,
    available: Vec<u8>,
    avoided: Vec<u8>,
    enforced: bool,
    in_node_order: bool,
    /// Where the group was last, where the generation remembers that.
    last: Option<u8>,
}

fn decided(case: &Case) -> BTreeSet<Option<u8>> {
    let preferred: Vec<NodeId> = case.preferred.iter().copied().map(node).collect();
    let question = Question {
        reason: case.reason,
        preferred: &preferred,
        available: nodes(&case.available),
        avoided: nodes(&case.avoided),
        enforced: case.enforced,
        in_node_order: case.in_node_order,
        default_owner: case.last.map(node),
    };
    let draw = |seed| choose(&question, &mut Rng::new(seed, 1)).map(NodeId::number);
    (0..DRAWS).map(draw).collect()
}

/// The rules again, naively.
fn expected(case: &Case) -> BTreeSet<Option<u8>> {
    let owner = match case.reason {
        Reason::Start { .. } => None,
        Reason::ResourceFailed { owner }
        | Reason::NodeFailed { owner }
        | Reason::BestPossible { owner } => Some(owner.number()),
    };
    let mut able = case.available.clone();
    able.retain(|number| Some(*number) != owner);
    let (apart, together): (Vec<u8>, Vec<u8>) = able
        .iter()
        .partition(|number| !case.avoided.contains(number));
    let must_have_one = matches!(
        case.reason,
        Reason::Start { .. } | Reason::NodeFailed { .. }
    );
    let able = match (apart.is_empty(), case.enforced && !must_have_one) {
        (false, _) => apart,
        (true, true) => Vec::new(),
        (true, false) => together,
    };
    let one = |found: Option<u8>| BTreeSet::from([found]);
    let mut list = case.preferred.clone();
    list.extend((1..=64).filter(|number| !case.preferred.contains(number)));
    let any = |able: &[u8]| match able {
        [] => one(None),
        some => some.iter().map(|number| Some(*number)).collect(),
    };
    match (case.reason, case.preferred.is_empty()) {
        (Reason::Start { leader }, true) => {
            let last = case.last.filter(|last| able.contains(last));
            one(last.or_else(|| round(&list, leader.number(), true, &able)))
        }
        (Reason::Start { .. } | Reason::BestPossible { .. }, false) => one(top(&list, &able)),
        (Reason::ResourceFailed { owner } | Reason::NodeFailed { owner }, false)
        | (Reason::ResourceFailed { owner }, true) => {
            one(round(&list, owner.number(), false, &able))
        }
        (Reason::NodeFailed { owner }, true) if case.in_node_order => {
            one(round(&list, owner.number(), false, &able))
        }
        (Reason::BestPossible { .. }, true) if case.in_node_order => one(top(&list, &able)),
        (Reason::NodeFailed { .. } | Reason::BestPossible { .. }, true) => any(&able),
    }
}

fn top(list: &[u8], able: &[u8]) -> Option<u8> {
    list.iter().find(|number| able.contains(number)).copied()
}

/// Goes down the list from a place, then on from its top.
fn round(list: &[u8], from: u8, inclusive: bool, able: &[u8]) -> Option<u8> {
    let mut order = Vec::new();
    let mut seen = false;
    for number in list {
        if *number == from {
            seen = true;
            if !inclusive {
                continue;
            }
        }
        if seen {
            order.push(*number);
        }
    }
    order.extend(list);
    top(&order, able)
}

/// Every ordered list of different numbers up to `count`, the empty one first.
fn lists(count: u8) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = vec![Vec::new()];
    let mut at = 0;
    while let Some(list) = all.get(at).cloned() {
        at += 1;
        for number in (1..=count).filter(|number| !list.contains(number)) {
            let mut longer = list.clone();
            longer.push(number);
            all.push(longer);
        }
    }
    all
}

/// Every set of numbers up to `count`.
fn subsets(count: u8) -> Vec<Vec<u8>> {
    (0_u32..1 << count)
        .map(|bits| {
            (1..=count)
                .filter(|it| bits & (1 << (it - 1)) != 0)
                .collect()
        })
        .collect()
}

fn reasons(count: u8) -> Vec<Reason> {
    let each = (1..=count).map(node).flat_map(|owner| {
        let leader = owner;
        [
            Reason::Start { leader },
            Reason::ResourceFailed { owner },
            Reason::NodeFailed { owner },
            Reason::BestPossible { owner },
        ]
    });
    each.collect()
}

/// All cases of so many nodes: who is preferred, who is up, who is avoided, and why.
fn cases(count: u8) -> Vec<Case> {
    cases_with(count, &variants(count))
}

fn cases_with(count: u8, variants: &[(Vec<u8>, bool, bool)]) -> Vec<Case> {
    let mut all = Vec::new();
    for reason in reasons(count) {
        for preferred in lists(count) {
            for available in subsets(count) {
                if !makes_sense(reason, &available) {
                    continue;
                }
                for (avoided, enforced, in_node_order) in variants {
                    all.push(Case {
                        reason,
                        preferred: preferred.clone(),
                        available: available.clone(),
                        avoided: avoided.clone(),
                        enforced: *enforced,
                        in_node_order: *in_node_order,
                        last: None,
                    });
                }
            }
        }
    }
    all
}

fn makes_sense(reason: Reason, available: &[u8]) -> bool {
    match reason {
        Reason::NodeFailed { owner } => !available.contains(&owner.number()),
        Reason::Start { leader: node }
        | Reason::ResourceFailed { owner: node }
        | Reason::BestPossible { owner: node } => available.contains(&node.number()),
    }
}

fn variants(count: u8) -> Vec<(Vec<u8>, bool, bool)> {
    let sets = subsets(count);
    let soft = sets.iter().map(|avoided| (avoided.clone(), false, false));
    let hard = sets.iter().filter(|avoided| !avoided.is_empty());
    let hard = hard.map(|avoided| (avoided.clone(), true, false));
    soft.chain(hard)
        .chain([(Vec::new(), false, true)])
        .collect()
}

fn row(case: &Case) -> String {
    let reason = match case.reason {
        Reason::Start { leader } => format!("cluster forms on n{leader}"),
        Reason::ResourceFailed { owner } => format!("resource fails on n{owner}"),
        Reason::NodeFailed { owner } => format!("n{owner} is lost"),
        Reason::BestPossible { owner } => format!("moved off n{owner}"),
    };
    let list = |numbers: &[u8]| match numbers {
        [] => "-".to_owned(),
        some => some
            .iter()
            .map(|it| format!("n{it}"))
            .collect::<Vec<_>>()
            .join(" "),
    };
    let to: Vec<String> = decided(case)
        .iter()
        .map(|it| it.map_or("stays".to_owned(), |number| format!("n{number}")))
        .collect();
    let mut row = format!(
        "{reason:<20} | {:<9} | {:<9} | {:<9} | {}",
        list(&case.preferred),
        list(&case.available),
        list(&case.avoided),
        to.join(" or ")
    );
    if case.enforced {
        row.push_str(" (enforced)");
    }
    if case.in_node_order {
        row.push_str(" (node order)");
    }
    if let Some(last) = case.last {
        row.push_str(&format!(" (last on n{last})"));
    }
    row
}

#[test]
fn every_small_case_is_decided_as_the_reference_says() {
    let mut count = 0;
    for nodes in 1..=3 {
        for case in cases(nodes) {
            assert_eq!(decided(&case), expected(&case), "{}", row(&case));
            count += 1;
        }
    }
    assert!(count > 5_000, "{count} cases");
}

/// The cases of forming and losing again, for a group that was last on each of the nodes.
fn remembered(count: u8) -> Vec<Case> {
    let mut all = Vec::new();
    for case in cases_with(count, &[(Vec::new(), false, false)]) {
        all.extend((1..=count).map(|last| Case {
            last: Some(last),
            ..case.clone()
        }));
    }
    all
}

#[test]
fn where_a_group_was_last_counts_when_the_cluster_forms_and_never_else() {
    for case in remembered(3) {
        assert_eq!(decided(&case), expected(&case), "{}", row(&case));
    }
}

#[test]
fn four_nodes_are_decided_as_the_reference_says_where_nobody_is_avoided() {
    for case in cases_with(4, &[(Vec::new(), false, false)]) {
        assert_eq!(decided(&case), expected(&case), "{}", row(&case));
    }
}

/// What people should read: everything without avoided nodes; with one, only what all nodes and
/// no preferred owners, or all of them, make of it.
fn is_for_people(case: &Case) -> bool {
    match (case.avoided.len(), case.preferred.len()) {
        (0, preferred) => preferred != 1 && (!case.in_node_order || preferred == 0),
        (1, 0 | 3) => case.available.len() >= 2,
        _ => false,
    }
}

#[test]
fn the_table_is_the_committed_one() {
    let mut table = String::from(
        "# Where a group goes in a cluster of three nodes, decided by resource control.\n\
         # Several nodes: one of them at random.\n\
         # why                | prefers   | can take  | avoided   | goes to\n",
    );
    let forms = |case: &Case| matches!(case.reason, Reason::Start { .. });
    let last = remembered(3).into_iter().filter(forms);
    let last = last.filter(|case| case.preferred.is_empty() || case.preferred.len() == 3);
    let cases = cases(3).into_iter().filter(is_for_people).chain(last);
    for case in cases {
        writeln!(table, "{}", row(&case)).expect("a string takes everything");
    }
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../fixtures/placement.txt"
    );
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &table).expect("the table can be written");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    for (line, (now, then)) in table.lines().zip(committed.lines()).enumerate() {
        assert_eq!(now, then, "line {} of fixtures/placement.txt", line + 1);
    }
    assert_eq!(table.lines().count(), committed.lines().count());
}

#[test]
fn the_naive_version_catches_a_planted_mistake() {
    // Going up the preferred list instead of down would be the easiest mistake to make.
    let case = Case {
        reason: Reason::ResourceFailed { owner: node(1) },
        preferred: vec![3, 1, 2],
        available: vec![1, 2, 3],
        avoided: vec![],
        enforced: false,
        in_node_order: false,
        last: None,
    };
    let mut wrong = case.clone();
    wrong.preferred.reverse();
    assert_ne!(decided(&wrong), expected(&case));
}
