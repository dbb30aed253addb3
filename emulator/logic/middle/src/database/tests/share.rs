//! A witness share knows of every update before its holder agrees to it.

use base::QuorumState;

use super::rig::{FIRST, Rig, moved, set, tag_after};
use crate::database::{Input, Output};

fn remembers(rig: &mut Rig, tag: base::PaxosTag) {
    rig.tell(Input::ShareRemembers { tag: Some(tag) });
}

#[test]
fn agreement_waits_until_the_share_has_the_tag_that_it_leads_to() {
    let mut rig = Rig::seeded();
    remembers(&mut rig, FIRST);
    rig.prepare(&set(1, 7));
    rig.run_all();
    assert_eq!(rig.facts.promised_tag(), tag_after(1));
    assert!(!rig.said(&Output::Prepared { number: 1 }));
    remembers(&mut rig, tag_after(1));
    assert!(rig.said(&Output::Prepared { number: 1 }));
}

#[test]
fn an_update_that_moves_no_tag_waits_for_no_share() {
    let mut rig = Rig::seeded();
    remembers(&mut rig, FIRST);
    rig.prepare(&moved(1));
    assert!(rig.said(&Output::Prepared { number: 1 }));
}

#[test]
fn a_node_that_lost_the_share_and_quorum_with_it_agrees_to_nothing() {
    let mut rig = Rig::seeded();
    remembers(&mut rig, FIRST);
    rig.prepare(&set(1, 7));
    rig.run_all();
    rig.facts.quorum = QuorumState::Arbitrating;
    rig.tell(Input::ShareRemembers { tag: None });
    rig.expire();
    assert!(!rig.said(&Output::Prepared { number: 1 }));
    rig.facts.quorum = QuorumState::Held;
    rig.expire();
    assert!(rig.said(&Output::Prepared { number: 1 }), "quorum is back");
}
