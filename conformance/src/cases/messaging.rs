//! Messaging: how nodes speak to each other, seen in the frames between them.

use super::frames::{of_some_changes, saying};
use super::{EVENTUALLY, SAMPLE, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::observation::{Frame, Observation};
use crate::trial::Trial;
use base::{NodeId, Notice, PaxosTag, ViewId};
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn cases() -> Vec<Case> {
    vec![
        every_word_of_a_manager_goes_through_messaging(),
        an_update_is_a_round_of_requests_and_replies(),
        only_the_owner_of_the_lock_sends_updates(),
        the_lock_changes_hands_by_causal_multicast(),
        the_outcome_of_an_update_is_a_numbered_multicast(),
        a_word_to_several_nodes_is_a_word_to_each(),
        what_a_bad_network_loses_is_sent_again(),
        a_lost_round_is_repaired_by_good_enough_multicast(),
        survivors_have_delivered_the_same_multicasts(),
        a_command_goes_to_the_owner_of_its_object(),
        gossip_goes_round_before_a_view_is_proposed(),
    ]
}

/// Requests by round: who asked, and whom.
fn rounds(frames: &[Frame]) -> BTreeMap<(String, u64), BTreeSet<String>> {
    let mut rounds: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for frame in saying(frames, "gum prepare").filter(|it| it.service == "request") {
        if let Some(request) = frame.request {
            let asked = rounds.entry((frame.from.clone(), request)).or_default();
            asked.insert(frame.to.clone());
        }
    }
    rounds
}

fn an_update_is_a_round_of_requests_and_replies() -> Case {
    Case {
        id: "messaging/an-update-is-a-round-of-requests-and-replies".into(),
        title: "Every update asks each other member and is answered by each with its request id"
            .into(),
        clauses: &["GUM-8", "GUM-11", "MSG-3", "MSG-18"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let frames = of_some_changes(trial)?;
            let rounds = rounds(&frames);
            trial.check("there were several rounds", rounds.len() >= 5)?;
            for ((asker, request), asked) in rounds {
                let replies = saying(&frames, "gum prepared");
                let replies = replies.filter(|it| it.to == asker && it.request == Some(request));
                let answered: BTreeSet<_> = replies.map(|it| it.from.clone()).collect();
                trial.equal("the number of members asked", asked.len(), 2)?;
                trial.equal("the members that answered", answered, asked)?;
            }
            Ok(())
        }),
    }
}

fn only_the_owner_of_the_lock_sends_updates() -> Case {
    Case {
        id: "messaging/only-the-owner-of-the-lock-sends-updates".into(),
        title: "A node that sends an update says before that it owns the lock".into(),
        clauses: &["GUM-9"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let frames = of_some_changes(trial)?;
            let owners = trial.events(0, |it| matches!(it, Notice::LockOwner { .. }));
            let numbers: BTreeMap<String, NodeId> = {
                let nodes = trial.seen().nodes.iter();
                nodes.map(|(name, node)| (name.clone(), node.id)).collect()
            };
            let requests = saying(&frames, "gum prepare").filter(|it| it.service == "request");
            let mut senders = BTreeSet::new();
            for request in requests {
                senders.insert(request.from.clone());
                let mut own = owners.iter().filter(|it| it.node == request.from);
                let last = own.rfind(|it| it.at <= request.at);
                let owner = last.and_then(|event| match event.notice {
                    Notice::LockOwner { owner } => Some(owner),
                    _ => None,
                });
                let expected = numbers.get(&request.from).copied();
                trial.equal("the owner of the lock", owner, expected)?;
            }
            trial.check("several nodes sent updates", senders.len() >= 2)
        }),
    }
}

fn the_lock_changes_hands_by_causal_multicast() -> Case {
    Case {
        id: "messaging/the-lock-changes-hands-by-causal-multicast".into(),
        title: "The lock travels in multicasts with time stamps, delivered in causal order".into(),
        clauses: &["GUM-10", "MSG-14", "MSG-15", "MSG-16"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let frames = of_some_changes(trial)?;
            let locks: Vec<_> = saying(&frames, "gum lock").collect();
            trial.check("the lock changed hands", !locks.is_empty())?;
            let stamped = locks
                .iter()
                .all(|it| it.service == "causal" && it.after.is_some());
            trial.check("each time by a causal multicast with a time stamp", stamped)?;
            delivered_in_causal_order(trial)
        }),
    }
}

/// Asserts that no node delivered a causal multicast after one that depends on it.
fn delivered_in_causal_order(trial: &mut Trial<'_>) -> Result<(), Stop> {
    let events = trial.events(0, |it| matches!(it, Notice::CausallyDelivered { .. }));
    let mut needed: BTreeMap<(String, ViewId, NodeId), u64> = BTreeMap::new();
    let mut in_order = true;
    for event in &events {
        if let Notice::CausallyDelivered {
            view,
            from,
            sequence,
            after,
        } = &event.notice
        {
            let key = |node: &NodeId| (event.node.clone(), *view, *node);
            in_order &= needed
                .get(&key(from))
                .is_none_or(|needed| needed < sequence);
            for (cause, count) in after {
                let known = needed.entry(key(cause)).or_default();
                *known = (*known).max(*count);
            }
        }
    }
    trial.check("causal multicasts were delivered", !events.is_empty())?;
    trial.check("each was delivered before what depends on it", in_order)
}

fn the_outcome_of_an_update_is_a_numbered_multicast() -> Case {
    Case {
        id: "messaging/the-outcome-of-an-update-is-a-numbered-multicast".into(),
        title: "Multicasts carry a sequence number and their view, and reach every other member"
            .into(),
        clauses: &["MSG-9", "MSG-11"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let frames = of_some_changes(trial)?;
            let multicasts = frames.iter();
            let multicasts = multicasts.filter(|it| matches!(it.service, "multicast" | "causal"));
            let mut reached: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
            let mut complete = true;
            for frame in multicasts {
                complete &= frame.sequence.is_some() && frame.view.is_some();
                let key = (&frame.from, frame.view, frame.sequence);
                reached.entry(key).or_default().insert(&frame.to);
            }
            trial.check("there were multicasts", !reached.is_empty())?;
            trial.check("each has a sequence number and its view", complete)?;
            let both = reached.values().all(|to| to.len() == 2);
            trial.check("each went to both other members", both)
        }),
    }
}

fn a_word_to_several_nodes_is_a_word_to_each() -> Case {
    Case {
        id: "messaging/a-word-to-several-nodes-is-a-word-to-each".into(),
        title: "The word that opens a view goes to each member as a reliable unicast".into(),
        clauses: &["MSG-7", "MSG-8"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4))?;
            trial.run(secs(5));
            let frames = trial.frames(0)?;
            let mut opened: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
            for frame in saying(&frames, "gum open").filter(|it| it.service == "unicast") {
                let to = opened.entry((&frame.from, frame.view)).or_default();
                to.insert(&frame.to);
            }
            let to_all = opened.values().any(|to| to.len() == 3);
            trial.check("one node sent it to each of the three others", to_all)?;
            let acknowledged = frames.iter().any(|it| it.service == "acknowledge");
            trial.check("what is received is acknowledged", acknowledged)
        }),
    }
}

/// The one tag that all nodes have, if they have one.
fn common_tag(seen: &Observation) -> Option<PaxosTag> {
    let mut tags = seen.nodes.values().map(|node| node.tag);
    let first = tags.next()??;
    tags.all(|tag| tag == Some(first)).then_some(first)
}

fn what_a_bad_network_loses_is_sent_again() -> Case {
    Case {
        id: "messaging/what-a-bad-network-loses-is-sent-again".into(),
        title: "On a network that loses much, messages are repeated until every node has them"
            .into(),
        clauses: &["MSG-2", "MSG-12"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            let before = common_tag(trial.seen());
            let mark = trial.frame_mark();
            trial.fault("{ network: lan, impair: { loss: 30% }, for: 40s }")?;
            for action in ["offline", "online", "offline"] {
                trial.act(format!("{{ do: {action}, group: app }}"))?;
                trial.run(secs(5));
            }
            trial.within(EVENTUALLY, "all replicas have a later tag", |seen| {
                common_tag(seen) > before
            })?;
            let mut sent: BTreeMap<_, u32> = BTreeMap::new();
            let frames = trial.frames(mark)?;
            for frame in frames.iter().filter(|it| it.sequence.is_some()) {
                let what = (&frame.from, &frame.to, frame.view, frame.sequence);
                *sent.entry((what, frame.service, &frame.word)).or_default() += 1;
            }
            let repeated = sent.values().any(|times| *times > 1);
            trial.check("some message was sent again", repeated)
        }),
    }
}

fn a_lost_round_is_repaired_by_good_enough_multicast() -> Case {
    Case {
        id: "messaging/a-lost-round-is-repaired-by-good-enough-multicast".into(),
        title: "An update whose requests are lost is sent again as a multicast with its request id"
            .into(),
        clauses: &["GUM-12", "MSG-19"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            let before = common_tag(trial.seen());
            let mark = trial.frame_mark();
            trial.fault("{ network: lan, impair: { loss: 100% }, for: 2s }")?;
            trial.act("{ do: offline, group: app }")?;
            trial.within(EVENTUALLY, "all replicas have a later tag", |seen| {
                common_tag(seen) > before
            })?;
            let frames = trial.frames(mark)?;
            let again = saying(&frames, "gum prepare");
            let again = again.filter(|it| it.service == "multicast" && it.request.is_some());
            let asked: BTreeSet<_> = rounds(&trial.frames(0)?).into_keys().collect();
            let mut known = again.clone().map(|it| (it.from.clone(), it.request));
            let known = known.all(|(from, request)| {
                request.is_some_and(|request| asked.contains(&(from, request)))
            });
            trial.check("a round was repaired by multicast", again.count() > 0)?;
            trial.check("each repair names the round that was asked before", known)
        }),
    }
}

fn survivors_have_delivered_the_same_multicasts() -> Case {
    Case {
        id: "messaging/survivors-have-delivered-the-same-multicasts".into(),
        title: "Nodes that go from one view to the next together end it with the same multicasts, \
                after a repair"
            .into(),
        clauses: &["MSG-9", "MSG-10", "MSG-13"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4).program(""))?;
            let (mark, frame_mark) = (trial.mark(), trial.frame_mark());
            trial.act("{ do: offline, group: app }")?;
            trial.power_off(&["n4".to_owned()])?;
            trial.needs(EVENTUALLY, "the survivors have a view", |seen| {
                let of = |name: &str| seen.nodes.get(name).is_some_and(|it| it.view.len() == 3);
                ["n1", "n2", "n3"].into_iter().all(of)
            })?;
            let closed = trial.events(mark, |it| matches!(it, Notice::ViewClosed { .. }));
            let closed: Vec<_> = closed.into_iter().map(|event| event.notice).collect();
            trial.check("every survivor closed the view", closed.len() >= 3)?;
            let alike = closed.windows(2).all(|pair| pair[0] == pair[1]);
            trial.check("all with the same multicasts of the same senders", alike)?;
            let installed = trial.first(mark, "the new view", |it| {
                matches!(it, Notice::ViewInstalled { .. })
            })?;
            let frames = trial.frames(frame_mark)?;
            let repairs = frames.iter().filter(|it| it.service == "repair");
            let told: BTreeSet<_> = repairs
                .filter(|it| it.at <= installed)
                .map(|it| &it.from)
                .collect();
            trial.equal(
                "the number of nodes that told what they have",
                told.len(),
                3,
            )
        }),
    }
}

fn a_command_goes_to_the_owner_of_its_object() -> Case {
    Case {
        id: "messaging/a-command-goes-to-the-owner-of-its-object".into(),
        title: "A command that comes in elsewhere is sent to the node that owns the group".into(),
        clauses: &["MSG-5", "MSG-6", "OM-3", "OM-4"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            for owner in ["n2", "n3"] {
                trial.act(format!("{{ do: move, group: app, to: {owner} }}"))?;
                trial.needs(secs(60), "the group is there", |seen| {
                    seen.owner("app") == Some(owner) && seen.online("app")
                })?;
                let mark = trial.frame_mark();
                // Commands are given to the lowest active node.
                trial.act("{ do: offline, group: app }")?;
                trial.run(secs(5));
                trial.act("{ do: online, group: app }")?;
                trial.run(secs(15));
                let frames = trial.frames(mark)?;
                let commands = saying(&frames, "rcm command");
                let commands: Vec<_> = commands.map(|it| (&*it.from, &*it.to)).collect();
                let routed = !commands.is_empty() && commands.iter().all(|it| *it == ("n1", owner));
                trial.check("both commands went from n1 to the owner", routed)?;
            }
            Ok(())
        }),
    }
}

fn gossip_goes_round_before_a_view_is_proposed() -> Case {
    Case {
        id: "messaging/gossip-goes-round-before-a-view-is-proposed".into(),
        title: "Each survivor tells each other whom it reaches before a new view is proposed"
            .into(),
        clauses: &["MM-3"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(4))?;
            let mark = trial.frame_mark();
            trial.power_off(&["n4".to_owned()])?;
            trial.needs(EVENTUALLY, "the survivors have a view", |seen| {
                let of = |name: &str| seen.nodes.get(name).is_some_and(|it| it.view.len() == 3);
                ["n1", "n2", "n3"].into_iter().all(of)
            })?;
            let frames = trial.frames(mark)?;
            let proposed = saying(&frames, "propose").map(|it| it.at).max();
            let gossip = saying(&frames, "gossip").filter(|it| Some(it.at) <= proposed);
            let pairs: BTreeSet<_> = gossip.map(|it| (&*it.from, &*it.to)).collect();
            let told = ["n1", "n2", "n3"].into_iter().all(|from| {
                let mut others = ["n1", "n2", "n3"].into_iter().filter(|to| *to != from);
                others.all(|to| pairs.contains(&(from, to)))
            });
            trial.check("gossip went between all survivors first", told)
        }),
    }
}

/// What only connects nodes and finds the view; it comes before there is a view to send in.
const BELOW: [&str; 3] = ["membership", "host", "security"];

fn every_word_of_a_manager_goes_through_messaging() -> Case {
    Case {
        id: "messaging/every-word-of-a-manager-goes-through-messaging".into(),
        title:
            "What managers say to other nodes travels by a service of messaging, in a view, and \
                only to members of it"
                .into(),
        clauses: &["MSG-1", "MSG-2"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let frames = of_some_changes(trial)?;
            let words = frames.iter().filter(|it| !BELOW.contains(&it.service));
            let words: Vec<&Frame> = words.filter(|it| !it.word.is_empty()).collect();
            for manager in ["gum", "rcm"] {
                let own = |it: &&&Frame| it.word.starts_with(manager);
                trial.check(&format!("{manager} spoke"), words.iter().any(|it| own(&it)))?;
            }
            let services = [
                "unicast",
                "multicast",
                "causal",
                "request",
                "reply",
                "forward",
            ];
            let other = words.iter().find(|it| !services.contains(&it.service));
            let other = other.map(|it| it.word.clone());
            trial.equal("the first word by another way", other, None)?;
            let loose = words.iter().find(|it| it.view.is_none());
            let loose = loose.map(|it| it.word.clone());
            trial.equal("the first word outside a view", loose, None)?;
            // A node that is cut off is in no view, and nobody has words for it.
            trial.fault("{ nic: n3/lan, do: down }")?;
            trial.needs(secs(60), "n3 is out", |seen| {
                let views = ["n1", "n2"].map(|node| seen.nodes.get(node).map(|it| it.view.len()));
                views == [Some(2), Some(2)]
            })?;
            trial.run(secs(5));
            let mark = trial.frame_mark();
            trial.act("{ do: offline, group: app }")?;
            trial.run(secs(20));
            let later = trial.frames(mark)?;
            let mut words = later.iter().filter(|it| !BELOW.contains(&it.service));
            let none = words.all(|it| it.to != "n3" && it.from != "n3");
            trial.check("nothing is said to or by a node outside the view", none)
        }),
    }
}
