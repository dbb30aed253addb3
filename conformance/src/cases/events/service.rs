//! Events of the cluster service: membership, networks, database, quorum and witness.

use super::{Logged, act, fault, logged};
use crate::case::Stop;
use crate::cases::{EVENTUALLY, SINCE_2008, secs};
use crate::lab::{Lab, Witness};
use crate::trial::Trial;
use base::Generation;

const MEMBER: &[&str] = &["SVC-3", "MM-5"];
const NETWORK: &[&str] = &["SVC-3", "TM-5"];
const QUORUM: &[&str] = &["SVC-3", "QRM-2"];
const DATABASE: &[&str] = &["SVC-3", "DM-7"];
const WITNESS: &[&str] = &["SVC-3", "QRM-9"];

const SINCE_2016: &[Generation] = &[Generation::V2016, Generation::V2019, Generation::V2022];
const SINCE_2012_R2: &[Generation] = &[Generation::V2012R2, Generation::V2016, Generation::V2022];

fn three() -> Lab {
    Lab::of(3)
}

fn networks() -> Lab {
    Lab::of(3).second_network()
}

fn witness_disk() -> Lab {
    Lab::of(2).witness(Witness::Disk).program("")
}

fn witness_share() -> Lab {
    Lab::of(2).witness(Witness::Share)
}

/// The disk on which a node keeps its replica refuses to write, and something changes.
fn full_disk(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.own_disk("n2", true)?;
    for period in [7, 8] {
        trial.answer(format!(
            "{{ do: set, group: app, property: FailoverPeriod, value: {period} }}"
        ))?;
        trial.run(secs(30));
    }
    Ok(())
}

/// The witness disk has no room for a change.
fn witness_full(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.run(secs(60));
    trial.fault("{ lun: san/witness, do: full }")?;
    act(trial, "{ do: offline, group: app }")?;
    trial.run(secs(60));
    Ok(())
}

/// The witness does not work while something is to be written on it.
fn witness_fails(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.run(secs(60));
    trial.fault("{ lun: san/witness, do: offline }")?;
    act(trial, "{ do: offline, group: app }")?;
    trial.run(secs(60));
    Ok(())
}

/// n1 comes back alone, and the witness that would make up for n2 is not reached.
fn alone_without_witness(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.run(secs(60));
    trial.fault("{ lun: san/witness, do: offline }")?;
    trial.fault("{ node: n1, do: power-off, for: 30s }")?;
    trial.fault("{ node: n2, do: power-off }")?;
    trial.run(secs(240));
    Ok(())
}

/// n1 is left over and looks for a cluster for longer than an arbitration may take.
fn left_alone(trial: &mut Trial<'_>) -> Result<(), Stop> {
    fault(trial, "{ node: [n2, n3], do: power-off }")?;
    trial.run(secs(120));
    Ok(())
}

/// n1 is left over and no member of anything when it loses its only adapter.
fn unplugged_outside(trial: &mut Trial<'_>) -> Result<(), Stop> {
    trial.fault("{ node: [n2, n3], do: power-off }")?;
    trial.needs(EVENTUALLY, "n1 is no member any more", |seen| {
        !seen.up("n1")
    })?;
    trial.run(secs(60));
    fault(trial, "{ nic: n1/lan, do: down }")
}

pub(super) const EVENTS: &[Logged] = &[
    logged(
        1006,
        "some members are not reached",
        MEMBER,
        three,
        |trial| fault(trial, "{ partition: { between: [n1, n2] } }"),
    ),
    logged(1011, "a node is evicted", MEMBER, three, |trial| {
        act(trial, "{ do: evict, node: n3 }")?;
        trial.run(secs(30));
        Ok(())
    }),
    logged(
        1073,
        "the service ends rather than differ",
        DATABASE,
        || Lab::of(3).program(""),
        full_disk,
    ),
    logged(
        1080,
        "the database cannot be written",
        DATABASE,
        || Lab::of(3).program(""),
        full_disk,
    ),
    logged(1092, "no cluster can be formed", QUORUM, three, left_alone),
    logged(
        1125,
        "an interface is not reached",
        NETWORK,
        networks,
        |trial| {
            let sides = "between: [n1, [n2, n3]], networks: [heart]";
            fault(trial, &format!("{{ partition: {{ {sides} }} }}"))
        },
    ),
    logged(1127, "an interface failed", NETWORK, networks, |trial| {
        fault(trial, "{ nic: n1/heart, do: down }")
    }),
    logged(
        1129,
        "a network is partitioned",
        NETWORK,
        || Lab::of(4).second_network(),
        |trial| {
            let halves = "between: [[n1, n2], [n3, n4]], networks: [heart]";
            fault(trial, &format!("{{ partition: {{ {halves} }} }}"))
        },
    ),
    logged(1130, "a network is down", NETWORK, networks, |trial| {
        fault(trial, "{ network: heart, do: down }")
    }),
    logged(
        1135,
        "a node was removed from the active membership",
        MEMBER,
        three,
        |trial| fault(trial, "{ node: n3, do: power-off }"),
    )
    .of(SINCE_2008),
    logged(1177, "quorum was lost", QUORUM, three, |trial| {
        fault(trial, "{ node: [n2, n3], do: power-off }")
    })
    .of(SINCE_2008),
    logged(
        1553,
        "a node outside loses its network",
        NETWORK,
        three,
        unplugged_outside,
    ),
    logged(
        1554,
        "a member loses all networks",
        NETWORK,
        three,
        |trial| fault(trial, "{ nic: n1/lan, do: down }"),
    ),
    logged(
        1557,
        "the witness is not updated",
        WITNESS,
        witness_disk,
        witness_full,
    ),
    logged(
        1558,
        "the witness failed",
        &["SVC-3", "DM-9"],
        witness_disk,
        witness_fails,
    ),
    logged(
        1562,
        "the share witness is unhealthy",
        WITNESS,
        witness_share,
        |trial| {
            trial.run(secs(60));
            fault(trial, "{ witness: all, do: unreachable }")
        },
    ),
    logged(
        1563,
        "the share witness is not online",
        WITNESS,
        witness_share,
        |trial| {
            trial.run(secs(60));
            fault(trial, "{ witness: all, do: unreachable }")
        },
    ),
    logged(
        1564,
        "the share witness is not got",
        WITNESS,
        witness_share,
        |trial| {
            trial.fault("{ witness: all, do: unreachable }")?;
            trial.run(secs(60));
            fault(trial, "{ node: n2, do: power-off }")
        },
    ),
    logged(
        1569,
        "only a restricted network is left",
        NETWORK,
        || Lab::of(3).restricted_network(),
        |trial| fault(trial, "{ nic: n1/lan, do: down }"),
    ),
    logged(
        1573,
        "the witness is not reached at forming",
        WITNESS,
        witness_disk,
        alone_without_witness,
    ),
    logged(
        1592,
        "a member was lost and is back",
        MEMBER,
        || Lab::of(3).heartbeat("{ every: 1s, missed: 5 }"),
        |trial| fault(trial, "{ partition: { between: [n1, n2] }, for: 8s }"),
    ),
    logged(
        1652,
        "a node reaches some of the others",
        MEMBER,
        || Lab::of(5),
        |trial| {
            fault(trial, "{ node: [n3, n4, n5], do: power-off }")?;
            trial.run(secs(60));
            Ok(())
        },
    ),
    logged(1653, "a node reaches nobody", MEMBER, three, left_alone),
    logged(
        1093,
        "a node is not known as a member any more",
        &["SVC-3", "MM-13"],
        three,
        |trial| {
            // It is evicted while it is away, so nothing has told it.
            act(trial, "{ do: stop, node: n3 }")?;
            trial.run(secs(30));
            act(trial, "{ do: evict, node: n3 }")?;
            trial.run(secs(10));
            act(trial, "{ do: start, node: n3 }")?;
            trial.run(secs(60));
            Ok(())
        },
    ),
    logged(
        1561,
        "a node has not got the newest configuration",
        &["SVC-3", "DM-4"],
        || Lab::of(2).witness(Witness::Share).program(""),
        |trial| {
            trial.fault("{ node: n1, do: power-off, for: 5m }")?;
            trial.run(secs(60));
            act(
                trial,
                "{ do: set, property: VerifySignalledFailures, value: 0 }",
            )?;
            trial.run(secs(10));
            act(trial, "{ do: stop, node: n2 }")?;
            trial.run(secs(400));
            Ok(())
        },
    ),
    logged(
        1568,
        "the cloud witness is not reached",
        &["SVC-3", "QRM-1"],
        || Lab::of(2).witness(Witness::Cloud).program(""),
        |trial| {
            trial.run(secs(60));
            fault(trial, "{ witness: all, do: unreachable }")
        },
    )
    .of(SINCE_2016),
    logged(
        5398,
        "a cluster cannot start for want of the newest configuration",
        QUORUM,
        three,
        |trial| {
            act(trial, "{ do: stop, node: [n1, n2, n3] }")?;
            trial.run(secs(60));
            act(trial, "{ do: start, node: n1 }")?;
            trial.run(secs(60));
            Ok(())
        },
    )
    .of(SINCE_2012_R2),
];
