//! Policies of resource control: who waits for whom, what keeps a group offline, what lasts.

use super::{
    EVENTUALLY, PROGRAM, SAMPLE, SINCE_2008, SINCE_2012, break_once, enters, fails_over, secs,
};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use crate::observation::Observation;
use base::{Generation, Notice, ResourceState, ServerChange};

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_group_not_to_start_cold_waits_for_its_administrator(),
        a_group_waits_for_the_one_that_comes_first(),
        a_group_waits_no_longer_than_the_dependency_timeout(),
        groups_that_avoid_each_other_share_the_last_node(),
        enforced_anti_affinity_keeps_a_group_offline(),
        failovers_count_on_nodes_that_joined_later(),
        a_drain_that_cannot_be_completed_fails(),
        a_changed_monitor_counts_from_the_next_online_on(),
        a_changed_interval_counts_at_once(),
        a_killed_host_takes_its_resources_up_again(),
        a_plug_in_has_a_monitor_of_its_own(),
        events_reach_every_members_log(),
        every_node_hears_of_virtual_servers(),
    ]
}

const SINCE_2016: &[Generation] = &[Generation::V2016, Generation::V2019, Generation::V2022];

const DEMO: &str = "type: generic-application, command: sleep 86400";

fn offline(resource: &'static str) -> impl FnMut(&Observation) -> bool {
    move |seen| seen.state(resource) == ResourceState::Offline
}

fn a_group_not_to_start_cold_waits_for_its_administrator() -> Case {
    Case {
        id: "control/a-group-not-to-start-cold-waits-for-its-administrator".into(),
        title: "With ColdStartSetting 1 a group stays offline when the cluster forms".into(),
        clauses: &["RCM-3"],
        source: &[("3", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            trial.start(&Lab::of(2).program_in_group("cold-start: do-not-start,", ""))?;
            trial.needs(EVENTUALLY, "the cluster forms", |seen| {
                seen.all_up(["n1", "n2"])
            })?;
            trial.stays(secs(300), "the group stays offline", offline(PROGRAM))?;
            trial.act("{ do: online, group: app }")?;
            trial.within(secs(60), "the group is online", |seen| seen.online("app"))
        }),
    }
}

/// A group `late` that comes after the group `app`, which its administrator starts.
fn late(delay: &str) -> Lab {
    let late = format!("after: [{{ group: app{delay} }}], resources: {{ it: {{ {DEMO} }} }}");
    Lab::of(2)
        .program_in_group("start: false,", "")
        .group("late", &format!("{{ {late} }}"))
}

fn a_group_waits_for_the_one_that_comes_first() -> Case {
    Case {
        id: "control/a-group-waits-for-the-one-that-comes-first".into(),
        title: "A group that depends on another starts when that one is online".into(),
        clauses: &["RCM-3"],
        source: &[("3", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            trial.start(&late(", delay: 20s"))?;
            trial.needs(EVENTUALLY, "the cluster forms", |seen| {
                seen.all_up(["n1", "n2"])
            })?;
            trial.stays(secs(60), "the dependent group waits", offline("late/it"))?;
            let (first, then) = (trial.id(PROGRAM)?, trial.id("late/it")?);
            let mark = trial.mark();
            trial.act("{ do: online, group: app }")?;
            trial.within(secs(60), "both groups are online", |seen| {
                seen.online("app") && seen.online("late")
            })?;
            let online = enters(first, ResourceState::Online);
            let online = trial.first(mark, "the first group online", online)?;
            let begun = enters(then, ResourceState::OnlinePending);
            let begun = trial.first(mark, "the start of the other", begun)?;
            let gap = begun.saturating_sub(online);
            trial.between("the pause", gap, (secs(20), secs(21)))
        }),
    }
}

fn a_group_waits_no_longer_than_the_dependency_timeout() -> Case {
    Case {
        id: "control/a-group-waits-no-longer-than-the-dependency-timeout".into(),
        title: "After GroupDependencyTimeout, 600 seconds, a waiting group starts anyway".into(),
        clauses: &["RCM-3"],
        source: &[("3", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            trial.start(&late(""))?;
            trial.needs(EVENTUALLY, "the cluster forms", |seen| {
                seen.all_up(["n1", "n2"])
            })?;
            trial.stays(secs(550), "the group waits", offline("late/it"))?;
            trial.within(secs(60), "the group is online", |seen| seen.online("late"))?;
            let state = trial.seen().state(PROGRAM);
            trial.equal("the state of the first", state, ResourceState::Offline)
        }),
    }
}

/// Two groups that avoid each other, on two nodes.
fn foes() -> Lab {
    let foe = format!("{{ anti-affinity: foes, resources: {{ it: {{ {DEMO} }} }} }}");
    Lab::of(2).dynamic().group("one", &foe).group("two", &foe)
}

fn groups_that_avoid_each_other_share_the_last_node() -> Case {
    Case {
        id: "control/groups-that-avoid-each-other-share-the-last-node".into(),
        title: "Anti-affinity is soft: with one node left both groups run there".into(),
        clauses: &["RCM-2", "RCM-8"],
        source: &[("3", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&foes().witness(crate::lab::Witness::Disk))?;
            let owners = (trial.owner("one")?, trial.owner("two")?);
            trial.check("they start apart", owners.0 != owners.1)?;
            trial.power_off(&[owners.1])?;
            trial.within(EVENTUALLY, "both run on the last node", |seen| {
                seen.online("one") && seen.online("two")
            })
        }),
    }
}

fn enforced_anti_affinity_keeps_a_group_offline() -> Case {
    Case {
        id: "control/enforced-anti-affinity-keeps-a-group-offline".into(),
        title: "With ClusterEnforcedAntiAffinity a group stays offline rather than join its foe"
            .into(),
        clauses: &["RCM-2", "RCM-8"],
        source: &[("3", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            let lab = foes().witness(crate::lab::Witness::Disk);
            trial.form(&lab.enforced_anti_affinity())?;
            let (stays, lost) = (trial.owner("one")?, trial.owner("two")?);
            trial.check("they start apart", stays != lost)?;
            trial.power_off(&[lost])?;
            trial.run(secs(60));
            trial.stays(secs(300), "one runs and the other does not", |seen| {
                seen.online("one") && seen.state("two/it") == ResourceState::Offline
            })?;
            trial.act("{ do: heal }")?;
            trial.within(EVENTUALLY, "both run when there are two nodes", |seen| {
                seen.online("one") && seen.online("two")
            })
        }),
    }
}

fn failovers_count_on_nodes_that_joined_later() -> Case {
    Case {
        id: "control/failovers-count-on-nodes-that-joined-later".into(),
        title: "A group's failovers are remembered by a node that joined after them".into(),
        clauses: &["RCM-2", "GUM-13"],
        source: &[("3", Mark::Stated), ("13", Mark::Inferred)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let group = "failover: { limit: 1, within: 6h },";
            trial.form(&Lab::of(3).program_in_group(group, "restart: { limit: 0 }"))?;
            fails_over(trial, PROGRAM, "app")?;
            let owner = trial.owner("app")?;
            let fresh = if owner == "n3" { "n1" } else { "n3" };
            trial.fault(format!("{{ node: {fresh}, do: reboot }}"))?;
            trial.run(secs(60));
            trial.needs(EVENTUALLY, "the node is back", |seen| {
                seen.all_up(["n1", "n2", "n3"])
            })?;
            trial.act(format!("{{ do: move, group: app, to: {fresh} }}"))?;
            trial.needs(secs(60), "the group is there", |seen| {
                seen.online("app") && seen.owner("app") == Some(fresh)
            })?;
            let mark = break_once(trial, PROGRAM)?;
            trial.run(secs(5));
            trial.first(mark, "the end of the failovers", |notice| {
                matches!(notice, Notice::FailoversExhausted { .. })
            })?;
            let now = trial.owner("app")?;
            trial.equal("the owner", now.as_str(), fresh)
        }),
    }
}

fn a_drain_that_cannot_be_completed_fails() -> Case {
    Case {
        id: "control/a-drain-that-cannot-be-completed-fails".into(),
        title: "A drain fails when a group has no other possible owner, events 1137 and 1677"
            .into(),
        clauses: &["RCM-7"],
        source: &[("1.3", Mark::Stated), ("9", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program_in_group("owners: { possible: [n1] },", ""))?;
            let mark = trial.mark();
            trial.act("{ do: drain, node: n1 }")?;
            trial.run(secs(30));
            for id in [1137, 1677] {
                let told = trial.events(mark, |notice| notice.event_id() == Some(id));
                trial.equal(&format!("the number of events {id}"), told.len(), 1)?;
            }
            let online = trial.seen().online("app");
            trial.check("the group stays online where it is", online)
        }),
    }
}

fn a_changed_monitor_counts_from_the_next_online_on() -> Case {
    Case {
        id: "control/a-changed-monitor-counts-from-the-next-online-on".into(),
        title: "A change of SeparateMonitor takes effect at the next online".into(),
        clauses: &["MON-2", "RCM-12"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let other = format!("{{ resources: {{ calm: {{ {DEMO} }} }} }}");
            let policy = "deadlock: 60s, restart: { limit: 9 }";
            let owners = "owners: { preferred: n1 },";
            let lab = Lab::of(2).program_in_group(owners, policy);
            trial.form(&lab.group("other", &other.replacen('{', &format!("{{ {owners}"), 1)))?;
            let calm = trial.id("other/calm")?;
            trial.act(format!(
                "{{ do: set, resource: {PROGRAM}, property: SeparateMonitor, value: 1 }}"
            ))?;
            trial.run(secs(5));
            trial.act("{ do: offline, group: app }")?;
            trial.needs(secs(60), "the program is offline", offline(PROGRAM))?;
            trial.act("{ do: online, group: app }")?;
            trial.needs(secs(60), "it is online again", |seen| seen.online("app"))?;
            let mark = trial.mark();
            trial.fault(format!("{{ resource: {PROGRAM}, do: hang }}"))?;
            trial.run(secs(180));
            trial.first(mark, "the end of the hung host", |notice| {
                matches!(notice, Notice::HostExited { .. })
            })?;
            let failed = trial.events(mark, enters(calm, ResourceState::Failed));
            trial.equal("failures of the other resource", failed.len(), 0)
        }),
    }
}

fn a_changed_interval_counts_at_once() -> Case {
    Case {
        id: "control/a-changed-interval-counts-at-once".into(),
        title: "A property that is set through one node holds on the owner".into(),
        clauses: &["GUM-1", "RCM-3"],
        source: &[("1.1", Mark::Stated), ("7", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: n2 },";
            trial.form(&Lab::of(2).program_in_group(owners, ""))?;
            let id = trial.id(PROGRAM)?;
            let property = "property: LooksAlivePollInterval, value: 1000";
            trial.act(format!("{{ do: set, resource: {PROGRAM}, {property} }}"))?;
            trial.run(secs(10));
            let mark = trial.mark();
            trial.run(secs(20));
            let asked = trial.times(mark, |notice| {
                *notice == Notice::LooksAliveAsked { resource: id }
            });
            super::steady(trial, "LooksAlive", &asked, secs(1))
        }),
    }
}

fn a_killed_host_takes_its_resources_up_again() -> Case {
    Case {
        id: "control/a-killed-host-takes-its-resources-up-again".into(),
        title: "When a hung resource costs its host, everything in that host is restarted".into(),
        clauses: &["RCM-12"],
        source: &[("1.5", Mark::Excerpt)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: n1 },";
            let calm = format!("{{ {owners} resources: {{ calm: {{ {DEMO} }} }} }}");
            let lab = Lab::of(2).program_in_group(owners, "deadlock: 60s");
            trial.form(&lab.group("other", &calm))?;
            let id = trial.id("other/calm")?;
            let mark = trial.mark();
            trial.fault(format!("{{ resource: {PROGRAM}, do: hang }}"))?;
            trial.run(secs(150));
            let ids: Vec<u16> = trial
                .events(mark, |notice| notice.event_id().is_some())
                .iter()
                .filter_map(|event| event.notice.event_id())
                .collect();
            let told = ids.iter().position(|it| *it == 1230);
            let ended = ids.iter().position(|it| *it == 1146);
            trial.check(
                "event 1230 comes before event 1146",
                told.is_some() && told < ended,
            )?;
            let back = trial.events(mark, enters(id, ResourceState::Online));
            trial.equal("restarts of the other resource", back.len(), 1)?;
            let both = trial.seen().online("app") && trial.seen().online("other");
            trial.check("both groups are online", both)
        }),
    }
}

fn a_plug_in_has_a_monitor_of_its_own() -> Case {
    Case {
        id: "control/a-plug-in-has-a-monitor-of-its-own".into(),
        title: "A program of another vendor runs in a monitor of its own, with the usual policies"
            .into(),
        clauses: &["PLUG-1", "PLUG-2", "MON-2"],
        source: &[("1.1", Mark::Stated), ("1.5", Mark::Excerpt)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let owners = "owners: { preferred: n1 },";
            let policy = "policy: { deadlock: 60s }";
            let own = format!("type: plug-in, program: archive, {policy}");
            let own = format!("{{ {owners} resources: {{ vault: {{ {own} }} }} }}");
            trial.form(&Lab::of(2).program_in_group(owners, "").group("own", &own))?;
            let (other, vault) = (trial.id(PROGRAM)?, trial.id("own/vault")?);
            let mark = trial.mark();
            trial.run(secs(70));
            let asked = |notice: &Notice| match notice {
                Notice::IsAliveAsked { resource, .. } => *resource == vault,
                _ => false,
            };
            let asked = trial.events(mark, asked);
            trial.check("IsAlive of the plug-in is asked", !asked.is_empty())?;
            let mark = trial.mark();
            trial.fault("{ resource: own/vault, do: hang }")?;
            trial.run(secs(180));
            trial.first(mark, "the end of its host", |notice| {
                matches!(notice, Notice::HostExited { .. })
            })?;
            let failed = trial.events(mark, enters(other, ResourceState::Failed));
            trial.equal("failures of the other resource", failed.len(), 0)?;
            let online = trial.seen().online("own");
            trial.check("the plug-in is online again", online)
        }),
    }
}

fn events_reach_every_members_log() -> Case {
    Case {
        id: "control/events-reach-every-members-log".into(),
        title: "An event of one node stands in the event log of every member".into(),
        clauses: &["SVC-3"],
        source: &[("9", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let limit = "failover: { limit: 0 },";
            trial.form(&Lab::of(3).program_in_group(limit, "restart: { limit: 0 }"))?;
            let owner = trial.owner("app")?;
            break_once(trial, PROGRAM)?;
            let event = (owner, 1254);
            trial.within(
                secs(30),
                "every member has event 1254 of the owner",
                |seen| seen.nodes.values().all(|node| node.log.contains(&event)),
            )
        }),
    }
}

fn told(change: ServerChange) -> impl FnMut(&Notice) -> bool {
    move |notice| match notice {
        Notice::VirtualServer {
            name, change: it, ..
        } => name == "FS1" && *it == change,
        _ => false,
    }
}

fn every_node_hears_of_virtual_servers() -> Case {
    Case {
        id: "control/every-node-hears-of-virtual-servers".into(),
        title: "Every node is told when a virtual server comes, goes and comes elsewhere".into(),
        clauses: &["PLUG-3"],
        source: &[],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).file_group())?;
            let came = trial.events(0, told(ServerChange::Came));
            trial.equal("nodes that were told it came", came.len(), 3)?;
            let mark = trial.mark();
            trial.act("{ do: move, group: fs }")?;
            trial.needs(secs(120), "the group is online again", |seen| {
                seen.online("fs")
            })?;
            trial.run(secs(5));
            for change in [ServerChange::Went, ServerChange::Came] {
                let events = trial.events(mark, told(change));
                let nodes: std::collections::BTreeSet<String> =
                    events.iter().map(|event| event.node.clone()).collect();
                let what = format!("nodes that were told it {}", change.label());
                trial.equal(&what, nodes.len(), 3)?;
            }
            let owner = trial.owner("fs")?;
            let mark = trial.mark();
            trial.power_off(&[owner])?;
            trial.needs(EVENTUALLY, "the group is online on another node", |seen| {
                seen.online("fs")
            })?;
            trial.run(secs(5));
            let events = trial.events(mark, told(ServerChange::Came));
            trial.equal("survivors that were told it came", events.len(), 2)
        }),
    }
}
