//! The event log and the cluster log: which number says what, and how a line looks.

mod resources;
mod service;

use super::{EVENTUALLY, PROGRAM, SAMPLE, SINCE_2008, break_once, secs};
use crate::case::{Case, Mark, Source, Stop};
use crate::lab::Lab;
use crate::trial::Trial;
use base::{Generation, GroupState, Notice, ResourceEvent};

pub(super) fn cases() -> Vec<Case> {
    let tables = [resources::EVENTS, service::EVENTS];
    let mut cases: Vec<Case> = tables.into_iter().flatten().map(event).collect();
    cases.extend([
        the_cluster_log_has_the_documented_lines(),
        the_cluster_log_says_what_tests_look_for(),
        an_address_of_another_subnet_is_told(),
    ]);
    cases
}

/// Something that is logged.
struct Logged {
    id: u16,
    what: &'static str,
    generations: &'static [Generation],
    clauses: &'static [&'static str],
    lab: fn() -> Lab,
    /// Makes it happen.
    play: fn(&mut Trial<'_>) -> Result<(), Stop>,
}

const fn logged(
    id: u16,
    what: &'static str,
    clauses: &'static [&'static str],
    lab: fn() -> Lab,
    play: fn(&mut Trial<'_>) -> Result<(), Stop>,
) -> Logged {
    Logged {
        id,
        what,
        generations: SAMPLE,
        clauses,
        lab,
        play,
    }
}

impl Logged {
    const fn of(mut self, generations: &'static [Generation]) -> Self {
        self.generations = generations;
        self
    }
}

const LIST: &[Source] = &[("9", Mark::Stated)];

/// Something goes wrong, and its consequences get their time.
fn fault(trial: &mut Trial<'_>, fault: &str) -> Result<(), Stop> {
    trial.fault(fault)?;
    trial.run(secs(120));
    Ok(())
}

/// An administrator's word that the cluster takes.
fn act(trial: &mut Trial<'_>, action: &str) -> Result<(), Stop> {
    trial.act(action)
}

fn offline(trial: &mut Trial<'_>, group: &str) -> Result<(), Stop> {
    trial.act(format!("{{ do: offline, group: {group} }}"))?;
    trial.needs(secs(60), "the group is offline", |seen| !seen.online(group))?;
    trial.run(secs(5));
    Ok(())
}

/// A resource of a group that is offline cannot come online, for this reason.
fn refused(trial: &mut Trial<'_>, group: &str, resource: &str, code: u32) -> Result<(), Stop> {
    trial.refuse(resource, code)?;
    trial.act(format!("{{ do: online, group: {group} }}"))?;
    trial.run(secs(30));
    Ok(())
}

fn event(logged: &'static Logged) -> Case {
    let (id, what) = (logged.id, logged.what);
    Case {
        id: format!("events/{id}"),
        title: format!("Event {id} is logged when {what}, and not before"),
        clauses: logged.clauses,
        source: LIST,
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
        title:
            "The cluster log says in the documented words that a resource came online, that its \
                IsAlive failed and that its group was moved"
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
            let to = if owner == "n1" { "n2" } else { "n1" };
            trial.act(format!("{{ do: move, group: app, to: {to} }}"))?;
            trial.needs(EVENTUALLY, "the group is there", |seen| {
                seen.owner("app") == Some(to) && seen.online("app")
            })?;
            let log = trial.cluster_log(to)?.join("\n");
            let words = "Group move for app has completed";
            trial.check(&format!("the log says `{words}`"), log.contains(words))
        }),
    }
}

fn an_address_of_another_subnet_is_told() -> Case {
    Case {
        id: "events/1045".into(),
        title: "Event 1045 is logged by each owner for the one of two addresses whose network it \
                has no interface on"
            .into(),
        clauses: &["SVC-3", "TOP-2"],
        source: LIST,
        generations: SAMPLE,
        run: Box::new(|trial| {
            let resources = "east: { type: ip-address, address: 10.10.1.101 }, \
                west: { type: ip-address, address: 10.10.2.101 }, \
                name: { type: network-name, name: FS1, depends: east or west }";
            let owners = "owners: { preferred: [n1, n3] }";
            let group = format!("{{ {owners}, resources: {{ {resources} }} }}");
            trial.start(&Lab::of(4).two_sites().group("fs", &group))?;
            trial.needs(EVENTUALLY, "the name is online", |seen| {
                seen.group_state("fs") == GroupState::Online
            })?;
            for (owner, address) in [("n1", "fs/west"), ("n3", "fs/east")] {
                let mark = if owner == "n1" { 0 } else { trial.mark() };
                trial.act(format!("{{ do: move, group: fs, to: {owner} }}"))?;
                trial.within(EVENTUALLY, "the group is online there", |seen| {
                    seen.owner("fs") == Some(owner) && seen.group_state("fs") == GroupState::Online
                })?;
                let resource = trial.id(address)?;
                let event = ResourceEvent::NoInterface;
                let expected = Notice::OfResource { resource, event };
                let told = trial.events(mark, |it| it.event_id() == Some(1045));
                let told: Vec<_> = told.iter().filter(|it| it.node == owner).collect();
                trial.check("it is told", !told.is_empty())?;
                let right = told.iter().all(|it| it.notice == expected);
                trial.check("of the address of the other subnet", right)?;
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
