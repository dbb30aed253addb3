//! Looking into a run: what every node shows at one moment, and how two moments differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base::{GroupState, NodeId, QuorumState, Timestamp};
use node::Picture;
use plan::Names;

use crate::observation::{Observation, ResourceSeen};
use crate::stage::Stage;
use crate::world::Life;

/// The world at one moment, as lines of `subject: value` with the names of the lab.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// When.
    pub at: Timestamp,
    rows: BTreeMap<String, String>,
}

impl Snapshot {
    /// Takes one.
    #[must_use]
    pub fn of<W: Stage>(world: &W) -> Self {
        let seen = Observation::of(world);
        let names = &world.plan().names;
        let mut rows = BTreeMap::new();
        for (node, of_node) in &seen.nodes {
            let name = names.of_node(*node);
            let life = match of_node.life {
                Life::Running => of_node.state.label(),
                Life::Off => "Off",
                Life::Stopped => "cluster service stopped",
                Life::Frozen => "frozen",
            };
            rows.insert(name.clone(), life.to_owned());
            if let Some(picture) = world.picture(*node) {
                node_rows(picture, &name, names, &mut rows);
            }
        }
        for (group, of_group) in &seen.groups {
            let state = of_group.state.map_or("on several nodes", GroupState::label);
            let owner = seen.owner(*group).map(|node| names.of_node(node));
            let owner = owner.map_or(String::new(), |owner| format!(", owner {owner}"));
            let name = format!("group {}", names.of_group(*group));
            rows.insert(name, format!("{state}{owner}"));
        }
        for (resource, of_resource) in &seen.resources {
            rows.insert(
                names.of_resource(*resource),
                resource_words(of_resource, names),
            );
        }
        for (disk, holder) in &seen.holders {
            let holder = holder.map_or("nobody".to_owned(), |node| names.of_node(node));
            rows.insert(format!("{} held by", names.of_disk(*disk)), holder);
        }
        Self { at: seen.at, rows }
    }

    /// What is not as it was in `before`: `subject: old -> new`.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let subjects: BTreeSet<&String> = self.rows.keys().chain(before.rows.keys()).collect();
        let value = |rows: &BTreeMap<String, String>, subject: &String| {
            rows.get(subject).cloned().unwrap_or_else(|| "-".to_owned())
        };
        let changed = subjects.into_iter().filter_map(|subject| {
            let (old, new) = (value(&before.rows, subject), value(&self.rows, subject));
            (old != new).then(|| format!("{subject}: {old} -> {new}"))
        });
        changed.collect()
    }

    /// The lines about one subject and its parts: a node, a group, a resource, a disk.
    #[must_use]
    pub fn about(&self, subject: &str) -> Vec<String> {
        let begins = |key: &str| {
            key.strip_prefix(subject)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '/']))
        };
        let rows = self.rows.iter().filter(|(key, _)| begins(key));
        rows.map(|(key, value)| format!("{key}: {value}")).collect()
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (subject, value) in &self.rows {
            writeln!(f, "{subject}: {value}")?;
        }
        Ok(())
    }
}

fn node_rows(picture: &Picture, name: &str, names: &Names, rows: &mut BTreeMap<String, String>) {
    let mut row = |what: &str, value: String| {
        rows.insert(format!("{name} {what}"), value);
    };
    row("life", picture.incarnation.to_string());
    if let Some((view, members)) = picture.view {
        let open = if picture.ready { "open" } else { "not open" };
        let members = names.of_nodes(members);
        row("view", format!("{} of {members}, {open}", view.epoch));
    }
    let quorum = match picture.quorum {
        QuorumState::Absent => "absent",
        QuorumState::Arbitrating => "the witness is tried",
        QuorumState::Held => "held",
    };
    row("quorum", quorum.to_owned());
    if let Some(tally) = picture.tally {
        let votes = format!("{} of {}, {} needed", tally.have, tally.total, tally.needed);
        row("votes", votes);
    }
    row("replica", picture.tag.to_string());
    let lock: Option<NodeId> = picture.lock_owner;
    row(
        "update lock",
        lock.map_or("nobody".to_owned(), |it| names.of_node(it)),
    );
    let disks: Vec<String> = picture.disks.iter().map(|it| names.of_disk(*it)).collect();
    row("holds", disks.join(", "));
    let witness = if picture.witness_held {
        "held"
    } else {
        "not held"
    };
    row("witness", witness.to_owned());
    for (group, of_group) in &picture.groups {
        let what = format!("table: {}", names.of_group(*group));
        row(&what, names.of_node(of_group.owner));
    }
}

fn resource_words(seen: &ResourceSeen, names: &Names) -> String {
    if seen.on.is_empty() && seen.running_on.is_empty() {
        return "Offline".to_owned();
    }
    let on = seen.on.iter();
    let on = on.map(|(node, state)| format!("{state} on {}", names.of_node(*node)));
    let mut words: Vec<String> = on.collect();
    let silent = seen
        .running_on
        .iter()
        .filter(|it| !seen.on.contains_key(it));
    words.extend(silent.map(|node| format!("still running on {}", names.of_node(node))));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::session::Session;
    use crate::world::Options;

    const LAB: &str = "
lab: 1
name: two
networks:
  lan: { subnet: 10.10.1.0/24, role: cluster-and-client }
nodes:
  n[1-2]: { networks: [lan] }
storage:
  san: { kind: iscsi, luns: { quorum: 1GiB } }
cluster:
  name: CLU1
  address: 10.10.1.100
  witness: { disk: san/quorum }
";

    #[test]
    fn two_moments_differ_by_what_happened_between_them() {
        let lab = file::check("two.lab.yaml", LAB.as_bytes()).lab.unwrap();
        let mut session: Session = Session::new(lab, Options::new(1)).unwrap();
        let before = Snapshot::of(session.world());
        assert_eq!(before.changes_since(&before), Vec::<String>::new());
        assert_eq!(before.about("n1"), ["n1: cluster service stopped"]);
        let bound = Duration::from_secs(60);
        session.run_until(bound, |it| {
            it.observe().holders.values().any(Option::is_some)
        });
        let after = Snapshot::of(session.world());
        let changes = after.changes_since(&before);
        let has = |line: &str| changes.iter().any(|it| it == line);
        assert!(has("n1: cluster service stopped -> Up"), "{changes:?}");
        assert!(has("n2 view: - -> 1 of n1, n2, open"), "{changes:?}");
        assert!(has("san/quorum held by: nobody -> n1"), "{changes:?}");
        assert!(
            after
                .about("n1")
                .iter()
                .any(|it| it == "n1 votes: 2 of 3, 2 needed")
        );
        assert!(after.about("n").is_empty());
    }
}
