//! The event log and the cluster log: which number says what, and how a line looks.

use super::{EVENTUALLY, PROGRAM, SAMPLE, SINCE_2008, break_once, secs};
use crate::case::{Case, Mark, Source, Stop};
use crate::lab::{Lab, Witness};
use crate::trial::Trial;
use base::Generation;

pub(super) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = EVENTS.iter().map(event).collect();
    cases.extend([
        the_cluster_log_has_the_documented_lines(),
        the_cluster_log_says_what_tests_look_for(),
    ]);
    cases
}

/// Something that is logged.
struct Logged {
    id: u16,
    what: &'static str,
    generations: &'static [Generation],
    clauses: &'static [&'static str],
    source: &'static [Source],
    lab: fn() -> Lab,
    /// Makes it happen.
    play: fn(&mut Trial<'_>) -> Result<(), Stop>,
}

const LIST: &[Source] = &[("9", Mark::Stated)];
const RESOURCE: &[&str] = &["SVC-3", "TOP-2"];
const MEMBER: &[&str] = &["SVC-3", "MM-5"];
const NETWORK: &[&str] = &["SVC-3", "TM-5"];
const DISK: &[&str] = &["SVC-3", "DISK-1"];

fn fault(trial: &mut Trial<'_>, fault: &str) -> Result<(), Stop> {
    trial.fault(fault)?;
    trial.run(secs(120));
    Ok(())
}

fn program() -> Lab {
    Lab::of(2).program_in_group("failover: { limit: 0 },", "restart: { limit: 0 }")
}

fn networks() -> Lab {
    Lab::of(3).second_network()
}

fn files() -> Lab {
    Lab::of(2).file_group()
}

const EVENTS: &[Logged] = &[
    Logged {
        id: 1035,
        what: "access to a disk's volume failed",
        generations: SAMPLE,
        clauses: DISK,
        source: LIST,
        lab: files,
        play: |trial| fault(trial, "{ lun: san/data, do: offline }"),
    },
    Logged {
        id: 1038,
        what: "the ownership of a disk was lost",
        generations: SAMPLE,
        clauses: DISK,
        source: LIST,
        lab: files,
        play: |trial| {
            let owner = trial.owner("fs")?;
            let thief = if owner == "n1" { "n2" } else { "n1" };
            let taken = "lun: san/data, do: preempt-reservation";
            fault(trial, &format!("{{ {taken}, by: {thief} }}"))
        },
    },
    Logged {
        id: 1069,
        what: "a resource failed",
        generations: SINCE_2008,
        clauses: RESOURCE,
        source: LIST,
        lab: program,
        play: |trial| break_once(trial, PROGRAM).map(|_| trial.run(secs(5))),
    },
    Logged {
        id: 1254,
        what: "a group exceeded its failover threshold",
        generations: SINCE_2008,
        clauses: RESOURCE,
        source: LIST,
        lab: program,
        play: |trial| break_once(trial, PROGRAM).map(|_| trial.run(secs(5))),
    },
    Logged {
        id: 1127,
        what: "an interface failed",
        generations: SAMPLE,
        clauses: NETWORK,
        source: LIST,
        lab: networks,
        play: |trial| fault(trial, "{ nic: n1/heart, do: down }"),
    },
    Logged {
        id: 1129,
        what: "a network is partitioned",
        generations: SAMPLE,
        clauses: NETWORK,
        source: LIST,
        lab: || Lab::of(4).second_network(),
        play: |trial| {
            let halves = "between: [[n1, n2], [n3, n4]], networks: [heart]";
            fault(trial, &format!("{{ partition: {{ {halves} }} }}"))
        },
    },
    Logged {
        id: 1130,
        what: "a network is down",
        generations: SAMPLE,
        clauses: NETWORK,
        source: LIST,
        lab: networks,
        play: |trial| fault(trial, "{ network: heart, do: down }"),
    },
    Logged {
        id: 1135,
        what: "a node was removed from the active membership",
        generations: SINCE_2008,
        clauses: MEMBER,
        source: LIST,
        lab: || Lab::of(3),
        play: |trial| fault(trial, "{ node: n3, do: power-off }"),
    },
    Logged {
        id: 1146,
        what: "a resource host ended",
        generations: SINCE_2008,
        clauses: RESOURCE,
        source: LIST,
        lab: || Lab::of(2).program(""),
        play: |trial| fault(trial, "{ node: all, do: monitor-kill }"),
    },
    Logged {
        id: 1177,
        what: "quorum was lost",
        generations: SINCE_2008,
        clauses: &["SVC-3", "QRM-2"],
        source: LIST,
        lab: || Lab::of(3),
        play: |trial| fault(trial, "{ node: [n2, n3], do: power-off }"),
    },
    Logged {
        id: 1230,
        what: "a call of a resource timed out",
        generations: SINCE_2008,
        clauses: RESOURCE,
        source: LIST,
        lab: || Lab::of(2).program("deadlock: 30s"),
        play: |trial| fault(trial, "{ resource: app/prog, do: hang }"),
    },
    Logged {
        id: 1558,
        what: "the witness failed",
        generations: SAMPLE,
        clauses: &["SVC-3", "DM-9"],
        source: LIST,
        lab: || Lab::of(2).witness(Witness::Disk).program(""),
        play: |trial| {
            trial.run(secs(60));
            trial.fault("{ lun: san/witness, do: offline }")?;
            trial.act("{ do: offline, group: app }")?;
            trial.run(secs(60));
            Ok(())
        },
    },
    Logged {
        id: 1093,
        what: "a node is not known as a member any more",
        generations: SAMPLE,
        clauses: &["SVC-3", "MM-13"],
        source: LIST,
        lab: || Lab::of(3),
        play: |trial| {
            // It is evicted while it is away, so nothing has told it.
            trial.act("{ do: stop, node: n3 }")?;
            trial.run(secs(30));
            trial.act("{ do: evict, node: n3 }")?;
            trial.run(secs(10));
            trial.act("{ do: start, node: n3 }")?;
            trial.run(secs(60));
            Ok(())
        },
    },
    Logged {
        id: 1561,
        what: "a node has not got the newest configuration",
        generations: SAMPLE,
        clauses: &["SVC-3", "DM-4"],
        source: LIST,
        lab: || Lab::of(2).witness(Witness::Share).program(""),
        play: |trial| {
            trial.fault("{ node: n1, do: power-off, for: 5m }")?;
            trial.run(secs(60));
            trial.act("{ do: set, property: VerifySignalledFailures, value: 0 }")?;
            trial.run(secs(10));
            trial.act("{ do: stop, node: n2 }")?;
            trial.run(secs(400));
            Ok(())
        },
    },
    Logged {
        id: 1568,
        what: "the cloud witness is not reached",
        generations: &[Generation::V2016, Generation::V2019, Generation::V2022],
        clauses: &["SVC-3", "QRM-1"],
        source: LIST,
        lab: || Lab::of(2).witness(Witness::Cloud).program(""),
        play: |trial| {
            trial.run(secs(60));
            fault(trial, "{ witness: all, do: unreachable }")
        },
    },
    Logged {
        id: 5398,
        what: "a cluster cannot start for want of the newest configuration",
        generations: &[Generation::V2012R2, Generation::V2016, Generation::V2022],
        clauses: &["SVC-3", "QRM-2"],
        source: LIST,
        lab: || Lab::of(3),
        play: |trial| {
            trial.act("{ do: stop, node: [n1, n2, n3] }")?;
            trial.run(secs(60));
            trial.act("{ do: start, node: n1 }")?;
            trial.run(secs(60));
            Ok(())
        },
    },
];

fn event(logged: &'static Logged) -> Case {
    let (id, what) = (logged.id, logged.what);
    Case {
        id: format!("events/{id}"),
        title: format!("Event {id} is logged when {what}, and not before"),
        clauses: logged.clauses,
        source: logged.source,
        generations: logged.generations,
        run: Box::new(move |trial| {
            trial.form(&(logged.lab)())?;
            trial.run(secs(30));
            let before = trial.events(0, |notice| notice.event_id() == Some(id));
            trial.equal(&format!("events {id} of a healthy lab"), before.len(), 0)?;
            let mark = trial.mark();
            (logged.play)(trial)?;
            let told = trial.events(mark, |notice| notice.event_id() == Some(id));
            trial.check(&format!("event {id} is logged"), !told.is_empty())
        }),
    }
}

/// `pppppppp.tttttttt::YYYY/MM/DD-HH:MM:SS.mmm LEVEL [COMP] text`
fn is_line(line: &str) -> bool {
    let shape = "hhhhhhhh.hhhhhhhh::dddd/dd/dd-dd:dd:dd.ddd ";
    let fits = |(wanted, is): (char, char)| match wanted {
        'h' => is.is_ascii_hexdigit(),
        'd' => is.is_ascii_digit(),
        other => is == other,
    };
    let (Some(stamp), Some(rest)) = (line.get(..shape.len()), line.get(shape.len()..)) else {
        return false;
    };
    let level = ["DBG   [", "INFO  [", "WARN  [", "ERR   ["];
    let level = level.iter().find_map(|level| rest.strip_prefix(level));
    let text = level.and_then(|rest| rest.split_once("] "));
    let named = text.is_some_and(|(component, text)| {
        let is_tag = |it: char| it.is_ascii_uppercase() || it.is_ascii_lowercase();
        !component.is_empty() && component.chars().all(is_tag) && !text.is_empty()
    });
    shape.chars().zip(stamp.chars()).all(fits) && named
}

fn the_cluster_log_has_the_documented_lines() -> Case {
    Case {
        id: "events/the-cluster-log-has-the-documented-lines".into(),
        title: "Every line of the cluster log has process and thread, date and time, level, \
                component and text in the documented form"
            .into(),
        clauses: &["SVC-3"],
        source: &[("9", Mark::Stated)],
        generations: SINCE_2008,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            trial.power_off(&["n3".into()])?;
            trial.run(secs(90));
            for node in ["n1", "n2", "n3"] {
                let log = trial.cluster_log(node)?;
                let wrong = log.iter().find(|line| !is_line(line)).cloned();
                trial.check(&format!("{node} has a log"), log.len() > 10)?;
                trial.equal("the first line of another form", wrong, None)?;
            }
            Ok(())
        }),
    }
}

fn the_cluster_log_says_what_tests_look_for() -> Case {
    Case {
        id: "events/the-cluster-log-says-what-tests-look-for".into(),
        title: "The cluster log says in the documented words that a resource came online and that \
                its IsAlive failed"
            .into(),
        clauses: &["SVC-3", "TOP-2"],
        source: &[("9", Mark::Stated), ("1.2", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(2).program("restart: { limit: 3 }"))?;
            let owner = trial.owner("app")?;
            break_once(trial, PROGRAM)?;
            trial.needs(EVENTUALLY, "the program is online again", |seen| {
                seen.online("app")
            })?;
            let log = trial.cluster_log(&owner)?.join("\n");
            for words in ["has come online", "IsAlive has indicated failure"] {
                trial.check(&format!("the log says `{words}`"), log.contains(words))?;
            }
            Ok(())
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lines_of_the_documented_form_are_taken() {
        let good = "00000401.00000a10::2026/01/01-00:00:00.218 INFO  [RCM] all is well";
        assert!(is_line(good));
        for bad in [
            "401.a10::2026/01/01-00:00:00.218 INFO  [RCM] all is well",
            "00000401.00000a10::2026/01/01-00:00:00.218 INFO [RCM] all is well",
            "00000401.00000a10::01/01/2026-00:00:00.218 INFO  [RCM] all is well",
            "00000401.00000a10::2026/01/01-00:00:00.218 INFO  RCM all is well",
            "00000401.00000a10::2026/01/01-00:00:00.218 NOTE  [RCM] all is well",
            "",
        ] {
            assert!(!is_line(bad), "{bad}");
        }
    }
}
