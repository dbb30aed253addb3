//! Nodes that are lost and may come back with their virtual machines, and nodes that left too
//! often: isolation and quarantine (2016 and later).

use super::{EVENTUALLY, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::subject::Of;
use crate::trial::Trial;
use base::{Generation, Notice};

const SINCE_2016: &[Generation] = &[Generation::V2016, Generation::V2019, Generation::V2022];

pub(super) fn cases() -> Vec<Case> {
    vec![
        the_third_departure_quarantines_a_node(),
        two_departures_are_forgiven(),
        planned_stops_do_not_count(),
        an_administrator_ends_a_quarantine(),
        an_isolated_node_keeps_its_virtual_machines(),
        an_isolation_ends_after_its_period(),
        the_settings_can_be_changed(),
    ]
}

/// A group `vm` with one virtual machine.
fn machine(nodes: u8) -> Lab {
    let group = "{ resources: { machine: { type: virtual-machine } } }";
    Lab::of(nodes).group("vm", group)
}

/// The process of n3's service dies, the others go on without it, and it is back, or on its way.
fn departs(trial: &mut Trial<'_>, back: bool) -> Result<(), Stop> {
    let mark = trial.mark();
    trial.fault("{ node: n3, do: kill-service }")?;
    trial.needs(secs(60), "the others go on without n3", |seen| {
        seen.since(mark)
            .any(|event| matches!(event.notice, Notice::NodeRemoved { .. }))
    })?;
    if back {
        trial.within(EVENTUALLY, "n3 is a member again", |seen| seen.up("n3"))?;
        trial.run(secs(30));
    }
    Ok(())
}

fn departs_three_times(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.form(&Lab::of(3).program(""))?;
    departs(trial, true)?;
    departs(trial, true)?;
    departs(trial, false)
}

fn the_third_departure_quarantines_a_node() -> Case {
    Case {
        id: "quarantine/the-third-departure-within-an-hour".into(),
        title: "A node that left three times within an hour, unplanned, may not join for two \
                hours, and joins by itself then"
            .into(),
        clauses: &["MM-10"],
        source: &[
            ("6.3", Mark::Stated),
            ("9", Mark::Stated),
            ("1.3", Mark::Stated),
        ],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            let mark = trial.mark();
            departs_three_times(trial)?;
            trial.stays(secs(3_600), "n3 is kept out", |seen| !seen.up("n3"))?;
            for (id, what) in [
                (1672, "a node was quarantined"),
                (1675, "a joining node is quarantined"),
            ] {
                let log = &trial.seen().nodes["n1"].log;
                let logged = log.iter().any(|(_, it)| *it == id);
                trial.check(&format!("event {id} says that {what}"), logged)?;
            }
            trial.first(mark, "the quarantine on n3 itself (event 1676)", |notice| {
                *notice == Notice::Quarantined
            })?;
            trial.has(&Of::Node("n3".into()), "StatusInformation", "2")?;
            trial.refused("{ do: pause, node: n3 }", 5985)?;
            trial.stays(secs(3_300), "n3 is kept out", |seen| !seen.up("n3"))?;
            trial.within(EVENTUALLY + secs(300), "n3 is a member again", |seen| {
                seen.up("n3")
            })?;
            trial.has(&Of::Node("n3".into()), "StatusInformation", "0")
        }),
    }
}

fn two_departures_are_forgiven() -> Case {
    Case {
        id: "quarantine/two-departures-are-forgiven".into(),
        title: "Two unplanned departures within an hour keep nobody out, nor does a third one \
                after the hour"
            .into(),
        clauses: &["MM-11"],
        source: &[("6.3", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            departs(trial, true)?;
            departs(trial, true)?;
            trial.run(secs(3_600));
            departs(trial, true)
        }),
    }
}

fn planned_stops_do_not_count() -> Case {
    Case {
        id: "quarantine/planned-stops-do-not-count".into(),
        title: "A node that is stopped in order, however often, may join".into(),
        clauses: &["MM-11"],
        source: &[("6.3", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3))?;
            for _ in 0..4 {
                trial.act("{ do: stop, node: n3 }")?;
                trial.needs(secs(60), "n3 has left", |seen| !seen.up("n3"))?;
                trial.run(secs(20));
                trial.act("{ do: start, node: n3 }")?;
                trial.within(secs(120), "n3 is a member again", |seen| seen.up("n3"))?;
            }
            Ok(())
        }),
    }
}

fn an_administrator_ends_a_quarantine() -> Case {
    Case {
        id: "quarantine/an-administrator-ends-it".into(),
        title: "A quarantined node whose service is started with ClearQuarantine joins at once"
            .into(),
        clauses: &["MM-10"],
        source: &[("6.3", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            departs_three_times(trial)?;
            trial.stays(secs(600), "n3 is kept out", |seen| !seen.up("n3"))?;
            trial.act("{ do: start, node: n3, clear-quarantine: true }")?;
            trial.within(secs(120), "n3 is a member again", |seen| seen.up("n3"))?;
            departs(trial, true)
        }),
    }
}

/// Cuts the owner of the virtual machine off and waits until the others know.
fn isolate(trial: &mut Trial<'_>, how_long: &str) -> Result<(String, usize), Stop> {
    trial.form(&machine(3))?;
    let owner = trial.owner("vm")?;
    let others: Vec<&str> = ["n1", "n2", "n3"]
        .into_iter()
        .filter(|it| *it != owner)
        .collect();
    let others = others.join(", ");
    let mark = trial.mark();
    trial.fault(format!(
        "{{ partition: {{ between: [[{others}], {owner}] }}, for: {how_long} }}"
    ))?;
    trial.needs(secs(60), "the others go on without it", |seen| {
        seen.since(mark)
            .any(|event| matches!(event.notice, Notice::NodeRemoved { .. }))
    })?;
    trial.run(secs(15));
    Ok((owner, mark))
}

fn runs_on(seen: &crate::Observation, owner: &str) -> bool {
    let machine = seen.resource("vm/machine");
    machine.is_some_and(|it| it.running_on.iter().eq([owner]))
}

fn an_isolated_node_keeps_its_virtual_machines() -> Case {
    Case {
        id: "isolation/an-isolated-node-keeps-its-virtual-machines".into(),
        title: "A lost node keeps its virtual machines, unmonitored, and has them back when it \
                joins in time"
            .into(),
        clauses: &["MM-11"],
        source: &[
            ("6.3", Mark::Stated),
            ("9", Mark::Stated),
            ("1.3", Mark::Stated),
            ("3", Mark::Stated),
        ],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            let (owner, mark) = isolate(trial, "150s")?;
            let node = Of::Node(owner.clone());
            trial.has(&node, "StatusInformation", "1")?;
            trial.has(&Of::Group("vm".into()), "StatusInformation", "256")?;
            trial.refused(format!("{{ do: pause, node: {owner} }}"), 5984)?;
            trial.refused("{ do: offline, group: vm }", 5981)?;
            trial.stays(secs(90), "the machine runs on, there alone", |seen| {
                runs_on(seen, &owner) && seen.owner("vm") == Some(owner.as_str())
            })?;
            trial.within(EVENTUALLY, "it joins, and the group is online", |seen| {
                seen.up(&owner) && seen.online("vm") && seen.owner("vm") == Some(owner.as_str())
            })?;
            for id in [1673, 1680, 1681, 1682] {
                let is = |notice: &Notice| notice.event_id() == Some(id);
                trial.first(mark, &format!("event {id}"), is)?;
            }
            trial.has(&node, "StatusInformation", "0")
        }),
    }
}

fn an_isolation_ends_after_its_period() -> Case {
    Case {
        id: "isolation/ends-after-240-seconds".into(),
        title: "When an isolated node does not come back in 240 seconds, its virtual machines \
                fail over"
            .into(),
        clauses: &["MM-11"],
        source: &[("6.3", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            let (owner, mark) = isolate(trial, "20m")?;
            let isolated = |notice: &Notice| matches!(notice, Notice::NodeIsolated { .. });
            let isolated = trial.first(mark, "the isolation", isolated)?;
            trial.stays(secs(200), "the machine runs on, there alone", |seen| {
                runs_on(seen, &owner)
            })?;
            trial.within(secs(120), "the machine runs on another node", |seen| {
                seen.online("vm") && seen.owner("vm") != Some(owner.as_str())
            })?;
            let ended = |notice: &Notice| matches!(notice, Notice::NodeIsolationEnded { .. });
            let ended = trial.first(mark, "the end of the isolation", ended)?;
            let lasted = ended.saturating_sub(isolated);
            trial.between("the isolation", lasted, (secs(235), secs(250)))?;
            trial.refused(format!("{{ do: pause, node: {owner} }}"), 5050)?;
            trial.within(secs(1_500), "it joins and runs nothing", |seen| {
                seen.up(&owner) && seen.running("vm/machine") == 1 && !runs_on(seen, &owner)
            })
        }),
    }
}

fn the_settings_can_be_changed() -> Case {
    Case {
        id: "isolation/the-settings-can-be-changed".into(),
        title: "ResiliencyLevel is 1 or 2, and what is set of resiliency holds for the next loss"
            .into(),
        clauses: &["MM-11"],
        source: &[("6.3", Mark::Stated)],
        generations: SINCE_2016,
        run: Box::new(|trial| {
            trial.form(&machine(3))?;
            let set =
                |name: &str, value: u32| format!("{{ do: set, property: {name}, value: {value} }}");
            trial.refused(set("ResiliencyLevel", 3), 87)?;
            trial.act(set("ResiliencyLevel", 2))?;
            trial.act(set("ResiliencyDefaultPeriod", 60))?;
            trial.run(secs(5));
            let owner = trial.owner("vm")?;
            trial.power_off(std::slice::from_ref(&owner))?;
            trial.run(secs(40));
            let waits = trial.owner("vm")? == owner;
            trial.check("the group waits for its owner", waits)?;
            trial.within(secs(60), "it waits for a minute only", |seen| {
                seen.online("vm") && seen.owner("vm") != Some(owner.as_str())
            })
        }),
    }
}
