//! Checkpoints: registry keys that follow a resource from node to node.

use super::{PROGRAM, SAMPLE, enters, secs};
use crate::case::{Case, Mark, Stop};
use crate::lab::Lab;
use crate::trial::Trial;
use base::ResourceState;

pub(super) fn cases() -> Vec<Case> {
    vec![
        a_saved_key_is_there_before_the_resource_comes_online(),
        what_is_edited_while_offline_is_overwritten(),
        a_saved_key_survives_the_loss_of_its_node(),
    ]
}

const KEY: &str = "HKLM/Software/Demo";

fn lab(nodes: u8) -> Lab {
    let owners = "owners: { preferred: n1 },";
    Lab::of(nodes).program_in_group(owners, &format!("checkpoints: {{ registry: {KEY} }}"))
}

fn write(trial: &mut Trial<'_>, node: &str, value: &str) -> Result<(), Stop> {
    let what = format!("property: {KEY}, value: {value}");
    trial.act(format!("{{ do: write-registry, node: {node}, {what} }}"))?;
    trial.run(secs(5));
    Ok(())
}

fn value(trial: &mut Trial<'_>, node: &str) -> Option<String> {
    let seen = trial.seen().nodes.get(node);
    seen.and_then(|node| node.registry.get(KEY).cloned())
}

fn move_to(trial: &mut Trial<'_>, node: &'static str) -> Result<(), Stop> {
    trial.act(format!("{{ do: move, group: app, to: {node} }}"))?;
    trial.needs(secs(60), "the group is on the other node", |seen| {
        seen.online("app") && seen.owner("app") == Some(node)
    })
}

fn a_saved_key_is_there_before_the_resource_comes_online() -> Case {
    Case {
        id: "checkpoint/a-saved-key-is-there-before-the-resource-comes-online".into(),
        title: "A registry key of a resource is restored where the resource comes online".into(),
        clauses: &["SVC-1", "RCM-4", "DM-10"],
        source: &[("7", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&lab(2))?;
            write(trial, "n1", "red")?;
            let before = value(trial, "n2");
            trial.equal("the value on the other node before", before, None)?;
            let id = trial.id(PROGRAM)?;
            let mark = trial.mark();
            trial.act("{ do: move, group: app, to: n2 }")?;
            trial.needs(
                secs(60),
                "the resource is online on the other node",
                |seen| {
                    let mut online = enters(id, ResourceState::Online);
                    seen.since(mark).any(|event| online(&event.notice))
                },
            )?;
            let after = value(trial, "n2");
            trial.equal("the value there", after.as_deref(), Some("red"))
        }),
    }
}

fn what_is_edited_while_offline_is_overwritten() -> Case {
    Case {
        id: "checkpoint/what-is-edited-while-offline-is-overwritten".into(),
        title: "Edits of a checkpointed key made while the resource is offline are overwritten"
            .into(),
        clauses: &["SVC-1", "RCM-4"],
        source: &[("7", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&lab(2))?;
            write(trial, "n1", "red")?;
            trial.act("{ do: offline, group: app }")?;
            trial.needs(secs(60), "the resource is offline", |seen| {
                seen.state(PROGRAM) == ResourceState::Offline
            })?;
            write(trial, "n1", "blue")?;
            let edited = value(trial, "n1");
            trial.equal("the edited value", edited.as_deref(), Some("blue"))?;
            trial.act("{ do: online, group: app }")?;
            trial.needs(secs(60), "the resource is online", |seen| {
                seen.online("app")
            })?;
            let back = value(trial, "n1");
            trial.equal("the value after that", back.as_deref(), Some("red"))
        }),
    }
}

fn a_saved_key_survives_the_loss_of_its_node() -> Case {
    Case {
        id: "checkpoint/a-saved-key-survives-the-loss-of-its-node".into(),
        title: "What a resource saved while online is restored after a failover".into(),
        clauses: &["SVC-1", "RCM-4", "DM-10"],
        source: &[("7", Mark::Stated)],
        generations: SAMPLE,
        run: Box::new(|trial| {
            trial.form(&lab(3))?;
            write(trial, "n1", "red")?;
            move_to(trial, "n2")?;
            write(trial, "n2", "green")?;
            trial.power_off(&["n2".to_owned()])?;
            trial.needs(secs(300), "the group is online elsewhere", |seen| {
                seen.online("app") && seen.owner("app") != Some("n2")
            })?;
            let owner = trial.owner("app")?;
            let after = value(trial, &owner);
            trial.equal("the value there", after.as_deref(), Some("green"))
        }),
    }
}
