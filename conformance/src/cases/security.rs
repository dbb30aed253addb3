//! Host manager and security manager: who is connected, and how words travel.

use super::frames::of_some_changes;
use super::{SAMPLE, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use crate::observation::{Event, Observation, Protection};
use base::{NodeId, Notice};
use std::collections::BTreeMap;

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_connection_passes_host_security_netft_and_membership(),
        nothing_is_said_before_the_connection_is_secured(),
        words_between_members_are_signed_by_default(),
        nothing_between_nodes_is_a_certificate(),
    ]
}

fn numbers(seen: &Observation) -> BTreeMap<NodeId, String> {
    let nodes = seen.nodes.iter();
    nodes.map(|(name, node)| (node.id, name.clone())).collect()
}

/// Places of the four steps of a connection in what one node says of another.
fn steps(events: &[Event], node: &str, other: NodeId) -> [Option<usize>; 4] {
    let own = || events.iter().filter(|event| event.node == node);
    let place = |is: &dyn Fn(&Notice) -> bool| own().position(|event| is(&event.notice));
    [
        place(&|it| *it == Notice::ConnectionAccepted { peer: other }),
        place(&|it| *it == Notice::ConnectionSecured { peer: other }),
        place(&|it| matches!(it, Notice::RouteUp { peer, .. } if *peer == other)),
        place(&|it| *it == Notice::PeerFound { peer: other }),
    ]
}

fn a_connection_passes_host_security_netft_and_membership() -> Case {
    Case {
        id: "security/a-connection-passes-host-security-netft-and-membership".into(),
        title: "A connection is accepted, then secured, then gets a route, then is a peer".into(),
        clauses: &["HM-1", "HM-3", "HM-6", "HM-7", "MM-9", "SEC-7"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            let events = trial.events(0, |_| true);
            let numbers = numbers(trial.seen());
            let mut accepted = 0;
            for name in numbers.values() {
                for (other, _) in numbers.iter().filter(|(_, it)| *it != name) {
                    let steps = steps(&events, name, *other);
                    accepted += usize::from(steps[0].is_some());
                    let reached = steps[1..].iter().all(Option::is_some);
                    trial.check("the other node is secured and reached", reached)?;
                    trial.check("step by step in that order", steps.is_sorted())?;
                }
            }
            trial.equal("the number of connections that were accepted", accepted, 3)
        }),
    }
}

fn nothing_is_said_before_the_connection_is_secured() -> Case {
    Case {
        id: "security/nothing-is-said-before-the-connection-is-secured".into(),
        title: "A node that comes back says nothing to a member before its connection is secured"
            .into(),
        clauses: &["HM-4", "SEC-7"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            let (mark, frame_mark) = (trial.mark(), trial.frame_mark());
            trial.fault("{ node: n3, do: power-off, for: 60s }")?;
            trial.run(secs(60));
            trial.needs(secs(300), "the node is back", |seen| seen.up("n3"))?;
            let numbers = numbers(trial.seen());
            let secured = trial.events(mark, |it| matches!(it, Notice::ConnectionSecured { .. }));
            let frames = trial.frames(frame_mark)?;
            for (number, name) in numbers.iter().filter(|(_, name)| *name != "n3") {
                let step = Notice::ConnectionSecured { peer: *number };
                let mut own = secured.iter().filter(|it| it.node == "n3");
                let at = own.find(|it| it.notice == step).map(|it| it.at);
                let words = frames.iter().filter(|it| it.from == "n3" && it.to == *name);
                let mut words = words.filter(|it| !matches!(it.service, "host" | "security"));
                trial.check("the connection was secured", at.is_some())?;
                let later = words.all(|it| Some(it.at) >= at);
                trial.check("all words came after that", later)?;
            }
            Ok(())
        }),
    }
}

fn words_between_members_are_signed_by_default() -> Case {
    Case {
        id: "security/words-between-members-are-signed-by-default".into(),
        title: "Unless told otherwise, every word between members is signed, readable, and has \
                its sender's node name inside"
            .into(),
        clauses: &["SEC-1", "SEC-2", "SEC-3", "SEC-6", "HM-4", "HM-5"],
        source: &[("6.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let frames = of_some_changes(trial)?;
            let words = frames.iter();
            let words: Vec<_> = words
                .filter(|it| !matches!(it.service, "host" | "security"))
                .collect();
            trial.check("the members spoke", words.len() > 20)?;
            let signed = words
                .iter()
                .all(|it| it.protection == Some(Protection::Signed));
            trial.check("every word is signed and not encrypted", signed)?;
            let named = words.iter().all(|it| it.is_named);
            trial.check("every word has its sender's node name inside", named)
        }),
    }
}

fn nothing_between_nodes_is_a_certificate() -> Case {
    Case {
        id: "security/nothing-between-nodes-is-a-certificate".into(),
        title: "Nodes form, join and change things signed, and no frame of theirs carries a \
                certificate"
            .into(),
        clauses: &["SEC-5"],
        source: &[("6.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            of_some_changes(trial)?;
            trial.fault("{ node: n3, do: power-off, for: 60s }")?;
            trial.run(secs(60));
            trial.needs(secs(300), "the node has joined again", |seen| seen.up("n3"))?;
            let frames = trial.frames(0)?;
            let of = |service| {
                frames
                    .iter()
                    .filter(move |it| it.service == service)
                    .count()
            };
            trial.check("connections were secured", of("security") > 0)?;
            let signed = |it: &&crate::Frame| it.protection == Some(Protection::Signed);
            let signed = frames.iter().filter(signed).count();
            trial.check("words were signed", signed > 20)?;
            let with = frames.iter().filter(|it| it.has_certificate).count();
            trial.equal("frames with a certificate", with, 0)
        }),
    }
}
