//! Administrators' requests: the object manager's tables, networks and interfaces, the security
//! level.

use super::{SAMPLE, SINCE_2012, secs};
use crate::case::{Case, Mark};
use crate::lab::Lab;
use crate::observation::Protection;
use crate::subject::{Of, Told};
use base::Generation;

/// Generations in which networks have a metric.
const SINCE_2008_R2: &[Generation] = &[Generation::V2008R2, Generation::V2012R2, Generation::V2022];

pub(super) fn cases() -> Vec<Case> {
    vec![
        every_node_lists_the_same_objects(),
        requests_about_networks_and_interfaces_are_answered(),
        what_is_set_of_a_network_is_in_the_database_of_every_node(),
        an_administrator_changes_the_security_level(),
    ]
}

fn every_node_lists_the_same_objects() -> Case {
    Case {
        id: "requests/every-node-lists-the-same-objects".into(),
        title: "Every node has all cluster objects with their states, and all nodes have the same"
            .into(),
        clauses: &["OM-1"],
        source: &[("6.2", Mark::Secondary)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).file_group().program(""))?;
            trial.run(secs(5));
            let first = trial.objects("n1")?;
            for object in [
                "n2: Up",
                "lan: Up",
                "n3/lan: Up",
                "fs: Online",
                "fs/disk: Online",
            ] {
                let there = first.iter().any(|line| line == object);
                trial.check(&format!("`{object}` is listed"), there)?;
            }
            for other in ["n2", "n3"] {
                let objects = trial.objects(other)?;
                trial.check(&format!("{other} lists the same"), objects == first)?;
            }
            trial.act("{ do: offline, group: app }")?;
            trial.run(secs(5));
            let later = trial.objects("n3")?;
            let offline = later.iter().any(|line| line == "app: Offline");
            trial.check("a change is in the table of another node", offline)
        }),
    }
}

fn network(name: &str) -> Of {
    Of::Network(name.to_owned())
}

fn requests_about_networks_and_interfaces_are_answered() -> Case {
    Case {
        id: "requests/requests-about-networks-and-interfaces-are-answered".into(),
        title: "Role, name and state of networks and state of interfaces are read, roles are set"
            .into(),
        clauses: &["TM-3"],
        source: &[("1.3", Mark::Stated), ("6.1", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).second_network())?;
            trial.run(secs(5));
            trial.has(&network("heart"), "Name", "heart")?;
            trial.has(&network("heart"), "Role", "1")?;
            trial.has(&network("heart"), "State", "Up")?;
            let interface = Of::Interface("n2".to_owned(), "heart".to_owned());
            trial.has(&interface, "State", "Up")?;
            trial.answer("{ do: set, network: heart, property: Role, value: 3 }")?;
            trial.has(&network("heart"), "Role", "3")?;
            trial.refused("{ do: set, network: heart, property: Role, value: 2 }", 87)?;
            trial.fault("{ nic: n2/heart, do: down, for: 60s }")?;
            trial.run(secs(30));
            trial.has(&interface, "State", "Failed")?;
            trial.fault("{ network: heart, do: down, for: 60s }")?;
            trial.run(secs(40));
            trial.has(&network("heart"), "State", "Down")
        }),
    }
}

fn what_is_set_of_a_network_is_in_the_database_of_every_node() -> Case {
    Case {
        id: "requests/what-is-set-of-a-network-is-in-the-database-of-every-node".into(),
        title: "Role, metric and name of a network are in every replica, and a metric that is set \
                is no longer automatic"
            .into(),
        clauses: &["TM-4", "TM-3"],
        source: &[("6.1", Mark::Stated), ("7", Mark::Excerpt)],
        generations: SINCE_2008_R2,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).second_network())?;
            trial.has(&network("heart"), "AutoMetric", "1")?;
            trial.answer("{ do: set, network: heart, property: Metric, value: 17 }")?;
            trial.answer("{ do: set, network: lan, property: Role, value: 1 }")?;
            trial.run(secs(5));
            trial.has(&network("heart"), "AutoMetric", "0")?;
            for node in ["n1", "n2", "n3"] {
                let database = trial.database(node)?;
                let value = |name: &str, value: &str| {
                    let networks = database
                        .iter()
                        .filter(|(key, _)| key.starts_with("Networks"));
                    let mut found = networks.map(|(_, values)| values.get(name));
                    found.any(|it| it.map(String::as_str) == Some(value))
                };
                trial.check(&format!("{node} has the metric"), value("Metric", "17"))?;
                trial.check(&format!("{node} has the role"), value("Role", "1"))?;
            }
            Ok(())
        }),
    }
}

fn an_administrator_changes_the_security_level() -> Case {
    Case {
        id: "requests/an-administrator-changes-the-security-level".into(),
        title: "SecurityLevel 2 encrypts what nodes say from then on, 1 only signs it again, and \
                nobody is lost on the way"
            .into(),
        clauses: &["SEC-4"],
        source: &[("6.1", Mark::Stated)],
        generations: SINCE_2012,
        run: Box::new(|trial| {
            trial.form(&Lab::of(3).program(""))?;
            trial.has(&Of::Cluster, "SecurityLevel", "1")?;
            for (level, expected) in [("2", Protection::Encrypted), ("1", Protection::Signed)] {
                let set = format!("{{ do: set, property: SecurityLevel, value: {level} }}");
                let told = trial.answer(set)?;
                trial.check("it is set", told == Told::Done)?;
                trial.run(secs(20));
                let mark = trial.frame_mark();
                trial.act("{ do: move, group: app }")?;
                trial.run(secs(20));
                let frames = trial.frames(mark)?;
                let mut words = frames
                    .iter()
                    .filter(|it| !matches!(it.service, "host" | "security"));
                let all = words.all(|it| it.protection == Some(expected));
                let text = format!("everything is protected as level {level} says");
                trial.check(&text, all && !frames.is_empty())?;
            }
            let all = trial.seen().all_up(["n1", "n2", "n3"]);
            trial.check("every node is still a member", all)
        }),
    }
}
