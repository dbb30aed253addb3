//! Properties that an administrator changes while the cluster runs, and what follows from them.

use super::{EVENTUALLY, PROGRAM, SAMPLE, SINCE_2012, enters, secs, steady};
use crate::case::{Case, Mark, Stop};
use crate::lab::{Lab, Witness};
use crate::observation::Observation;
use crate::subject::{Of, Told};
use crate::trial::Trial;
use base::{Generation, Notice, ResourceState};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        intervals_of_a_type_hold_for_its_resources(),
        the_pending_timeout_of_a_type_holds_for_its_resources(),
        a_stop_takes_no_longer_than_its_timeout(),
        the_opening_stage_takes_as_long_as_it_is_set(),
        the_quorum_type_follows_the_witness(),
        a_group_says_what_it_is_for(),
        an_address_without_its_network_says_so(),
        the_preferred_site_goes_on_after_an_even_split(),
    ]
}

const SINCE_2008R2: &[Generation] = &[Generation::V2008R2, Generation::V2016, Generation::V2022];
const SINCE_2012R2: &[Generation] = &[Generation::V2012R2, Generation::V2016, Generation::V2022];
const OF_TYPE: &str = "type: Generic Application";

fn set(trial: &mut Trial<'_>, of: &str, property: &str, value: u32) -> Result<(), Stop> {
    let comma = if of.is_empty() { "" } else { ", " };
    let told = trial.answer(format!(
        "{{ do: set, {of}{comma}property: {property}, value: {value} }}"
    ))?;
    trial.equal("the answer", told, Told::Done)
}

fn intervals_of_a_type_hold_for_its_resources() -> Case {
    Case {
        id: "settings/intervals-of-a-type-hold-for-its-resources".into(),
        title: "Resources without intervals of their own are asked as often as their type is set \
                to"
        .into(),
        clauses: &["TOP-2"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program(""))?;
            let resource = trial.id(PROGRAM)?;
            set(trial, OF_TYPE, "LooksAlivePollInterval", 7_000)?;
            set(trial, OF_TYPE, "IsAlivePollInterval", 20_000)?;
            trial.run(secs(65));
            let mark = trial.mark();
            trial.run(secs(110));
            let looks = Notice::LooksAliveAsked { resource };
            let looks = trial.times(mark, |notice| *notice == looks);
            steady(trial, "LooksAlive", &looks, secs(7))?;
            let periodic = Notice::IsAliveAsked {
                resource,
                after_looks_alive: false,
            };
            let is = trial.times(mark, |notice| *notice == periodic);
            steady(trial, "IsAlive", &is, secs(20))
        }),
    }
}

fn the_pending_timeout_of_a_type_holds_for_its_resources() -> Case {
    Case {
        id: "settings/the-pending-timeout-of-a-type-holds-for-its-resources".into(),
        title: "A resource without a PendingTimeout of its own fails after that of its type".into(),
        clauses: &["TOP-2", "RCM-5"],
        source: &[("1.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(1).program("restart: { limit: 0 }"))?;
            set(trial, OF_TYPE, "PendingTimeout", 20_000)?;
            trial.act("{ do: offline, group: app }")?;
            trial.needs(secs(60), "the group is offline", |seen| {
                seen.state(PROGRAM) == ResourceState::Offline
            })?;
            trial.slow(PROGRAM, secs(60))?;
            let (id, mark) = (trial.id(PROGRAM)?, trial.mark());
            trial.act("{ do: online, group: app }")?;
            trial.run(secs(40));
            let pending = enters(id, ResourceState::OnlinePending);
            let pending = trial.first(mark, "the begin of the online", pending)?;
            let failed = trial.first(mark, "the failure", enters(id, ResourceState::Failed))?;
            let took = failed.saturating_sub(pending);
            trial.between("the failure", took, (secs(20), secs(21)))
        }),
    }
}

fn a_stop_takes_no_longer_than_its_timeout() -> Case {
    Case {
        id: "settings/a-stop-takes-no-longer-than-its-timeout".into(),
        title:
            "A service that is stopped waits for its groups, and after ShutdownTimeoutInMinutes \
                ends all the same"
                .into(),
        clauses: &["RCM-7"],
        source: &[("3", Mark::Stated)],
        generations: SINCE_2008R2,
        run: Box::new(|trial| {
            for (minutes, ends) in [(20, false), (1, true)] {
                trial.form(&Lab::of(2).program(""))?;
                set(trial, "", "ShutdownTimeoutInMinutes", minutes)?;
                let owner = trial.owner("app")?;
                trial.slow(PROGRAM, secs(150))?;
                trial.act(format!("{{ do: stop, node: {owner} }}"))?;
                trial.stays(secs(50), "the service waits", |seen| seen.up(&owner))?;
                trial.run(secs(20));
                let up = trial.seen().up(&owner);
                trial.equal("whether it still waits after 70 seconds", up, !ends)?;
            }
            Ok(())
        }),
    }
}

fn the_opening_stage_takes_as_long_as_it_is_set() -> Case {
    Case {
        id: "settings/the-opening-stage-takes-as-long-as-it-is-set".into(),
        title: "Nodes that form a cluster wait for one that is missing for as long as the opening \
                stage may take"
            .into(),
        clauses: &["MM-1"],
        source: &[("6.2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            let mut took = Vec::new();
            for seconds in [2, 20] {
                trial.form(&Lab::of(3))?;
                set(trial, "", "ClusSvcRegroupOpeningTimeout", seconds)?;
                trial.run(secs(5));
                trial.power_off(&["n3".into()])?;
                let mark = trial.mark();
                trial.fault("{ node: [n1, n2], do: power-off, for: 10s }")?;
                trial.run(secs(11));
                trial.needs(EVENTUALLY, "two nodes form a cluster", |seen| {
                    seen.all_up(["n1", "n2"])
                })?;
                let started = |it: &Notice| matches!(it, Notice::ServiceStarted { .. });
                let started = trial.times(mark, started);
                let joined = trial.first(mark, "the forming", |it| {
                    matches!(it, Notice::Joined { formed: true })
                })?;
                let last = started.last().copied().unwrap_or_default();
                took.push(joined.saturating_sub(last));
            }
            let most = Duration::from_secs(60);
            trial.between("forming with 20 seconds", took[1], (secs(20), most))?;
            trial.between("forming with 2 seconds", took[0], (secs(2), secs(19)))
        }),
    }
}

fn the_quorum_type_follows_the_witness() -> Case {
    Case {
        id: "settings/the-quorum-type-follows-the-witness".into(),
        title: "QuorumType and QuorumTypeValue say whether a majority counts and what the witness \
                is"
        .into(),
        clauses: &["QRM-1"],
        source: &[("4.1", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            for (witness, word, number) in [
                (Witness::None, "Majority", "1"),
                (Witness::Share, "Majority", "2"),
                (Witness::Disk, "Majority", "3"),
                (Witness::DiskOnly, "No Majority", "4"),
            ] {
                trial.form(&Lab::of(2).witness(witness))?;
                trial.has(&Of::Cluster, "QuorumType", word)?;
                trial.has(&Of::Cluster, "QuorumTypeValue", number)?;
            }
            trial.form(&Lab::of(2).witness(Witness::Disk))?;
            trial.run(secs(60));
            trial.act("{ do: quorum, witness: none }")?;
            trial.run(secs(5));
            trial.has(&Of::Cluster, "QuorumTypeValue", "1")
        }),
    }
}

fn a_group_says_what_it_is_for() -> Case {
    Case {
        id: "settings/a-group-says-what-it-is-for".into(),
        title: "GroupType is that of a file server, an application, a service or a shared volume"
            .into(),
        clauses: &["TOP-1"],
        source: &[("3", Mark::Stated)],
        generations: SINCE_2008R2,
        run: Box::new(|trial| {
            let lab = Lab::of(3).file_group().program("").service();
            trial.form(&lab.shared_volume())?;
            let expected = [("fs", "100"), ("app", "107"), ("svc", "108"), ("vol", "4")];
            for (group, number) in expected {
                trial.has(&Of::Group(group.into()), "GroupType", number)?;
            }
            Ok(())
        }),
    }
}

fn an_address_without_its_network_says_so() -> Case {
    Case {
        id: "settings/an-address-without-its-network-says-so".into(),
        title: "StatusInformation of an address whose interface is down has the bit of a network \
                failure"
            .into(),
        clauses: &["TOP-1", "TM-5"],
        source: &[("1.1", Mark::Stated)],
        generations: SINCE_2012R2,
        run: Box::new(|trial| {
            let ip = "ip: { type: ip-address, address: 10.10.1.101 }";
            let owners = "owners: { possible: n1, preferred: n1 }";
            let group = format!("{{ {owners}, resources: {{ {ip} }} }}");
            trial.form(&Lab::of(2).second_network().group("fs", &group))?;
            let ip = Of::Resource("fs".into(), "ip".into());
            trial.has(&ip, "StatusInformation", "0")?;
            trial.fault("{ nic: n1/lan, do: down, for: 60s }")?;
            trial.run(secs(20));
            let failed = |seen: &Observation| seen.state("fs/ip") == ResourceState::Failed;
            trial.within(secs(20), "the address has failed", failed)?;
            trial.has(&ip, "StatusInformation", "32")?;
            trial.run(secs(60));
            trial.has(&ip, "StatusInformation", "0")
        }),
    }
}

fn the_preferred_site_goes_on_after_an_even_split() -> Case {
    Case {
        id: "settings/the-preferred-site-goes-on-after-an-even-split".into(),
        title: "Of two sites with as many nodes the preferred one keeps its votes, and goes on \
                when they lose each other"
            .into(),
        clauses: &["QRM-1"],
        source: &[("4.2", Mark::Stated)],
        generations: &[Generation::V2016, Generation::V2022],
        run: Box::new(|trial| {
            for (site, stay, go) in [("east", "n1", "n3"), ("west", "n3", "n1")] {
                trial.form(&Lab::of(4).two_sites().dynamic())?;
                let told = trial.answer(format!(
                    "{{ do: set, property: PreferredSite, value: {site} }}"
                ))?;
                trial.equal("the answer", told, Told::Done)?;
                trial.run(secs(10));
                trial.fault("{ partition: { between: [[n1, n2], [n3, n4]] } }")?;
                trial.within(EVENTUALLY, "the preferred site goes on alone", |seen| {
                    seen.up(stay) && !seen.up(go) && seen.quorate()
                })?;
                trial.stays(secs(60), "it stays so", |seen| {
                    seen.up(stay) && !seen.up(go)
                })?;
            }
            Ok(())
        }),
    }
}
