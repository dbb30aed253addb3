//! What an administrator is told is true (design section 7.3): an acknowledged pause or resume has
//! its effect, a definite refusal has none.

use std::time::Duration;

use base::{NodeId, NodeState, RequestId, Timestamp};
use top::api::{AdminCommand, AdminReply};

use super::{Change, Checker, Scene, is_active};

/// So long an acknowledged command may take to show.
const EFFECT_MAX: Duration = Duration::from_secs(10);

/// A promise that will be looked at.
#[derive(Debug)]
struct Promise {
    request: RequestId,
    node: NodeId,
    paused: bool,
    made: Timestamp,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ReplyTruth {
    promises: Vec<Promise>,
}

impl Checker for ReplyTruth {
    fn name(&self) -> &'static str {
        "reply-truth"
    }

    fn clause(&self) -> &'static str {
        "design 7.3"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        match change {
            Change::Replied { request, reply, .. } => self.promise(scene, *request, reply),
            // Who is paused is forgotten when the whole cluster ends, which this might be.
            Change::Ended { .. } | Change::Frozen { .. } => self.promises.clear(),
            _ => {}
        }
        let (due, waiting) = std::mem::take(&mut self.promises)
            .into_iter()
            .partition(|it| it.made + EFFECT_MAX <= scene.now);
        self.promises = waiting;
        due.iter().try_for_each(|promise| judge(scene, promise))
    }
}

impl ReplyTruth {
    fn promise(&mut self, scene: &Scene<'_>, request: RequestId, reply: &AdminReply) {
        let Some((node, wanted)) = scene
            .asked
            .get(&request)
            .and_then(|it| subject(&it.command))
        else {
            return;
        };
        let paused = match reply {
            AdminReply::Done => wanted,
            AdminReply::Refused { definite: true, .. } => match shown(scene, node) {
                Some(paused) => paused,
                None => return,
            },
            _ => return,
        };
        self.promises.push(Promise {
            request,
            node,
            paused,
            made: scene.now,
        });
    }
}

fn judge(scene: &Scene<'_>, promise: &Promise) -> Result<(), String> {
    let other = |(request, asked): (&RequestId, &crate::world::Asked)| {
        *request != promise.request
            && asked.at + EFFECT_MAX >= promise.made
            && subject(&asked.command).is_some_and(|(node, _)| node == promise.node)
    };
    if scene.asked.iter().any(other) {
        return Ok(());
    }
    match shown(scene, promise.node) {
        Some(paused) if paused != promise.paused => Err(format!(
            "request {} was answered as if {} were {}paused, and it is not so",
            promise.request,
            scene.node(promise.node),
            if promise.paused { "" } else { "not " }
        )),
        _ => Ok(()),
    }
}

/// The node that a command pauses or resumes.
fn subject(command: &AdminCommand) -> Option<(NodeId, bool)> {
    match command {
        AdminCommand::PauseNode { node, .. } => Some((*node, true)),
        AdminCommand::ResumeNode { node } => Some((*node, false)),
        _ => None,
    }
}

/// Whether an active node shows itself as paused.
fn shown(scene: &Scene<'_>, node: NodeId) -> Option<bool> {
    let picture = scene.pictures.get(node.index())?.as_ref()?;
    is_active(picture).then_some(picture.state == NodeState::Paused)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active, node};
    use super::*;

    fn pause(stage: &mut Stage<ReplyTruth>, reply: AdminReply) {
        let command = AdminCommand::PauseNode {
            node: node(1),
            drain: false,
        };
        stage.asks(1, command, reply);
    }

    #[test]
    fn an_acknowledged_pause_without_effect_is_found() {
        let mut stage = Stage::new(ReplyTruth::default());
        stage.shows(active(1, 1, &[1]));
        pause(&mut stage, AdminReply::Done);
        stage.passes(11);
        let mut paused = active(1, 1, &[1]);
        paused.state = NodeState::Paused;
        stage.shows(paused.clone());
        assert!(stage.verdict().is_err());

        let mut stage = Stage::new(ReplyTruth::default());
        stage.shows(paused.clone());
        pause(&mut stage, AdminReply::Done);
        stage.passes(11);
        stage.shows(paused);
        assert_eq!(stage.verdict(), Ok(()));
    }

    #[test]
    fn a_definite_refusal_with_effect_is_found() {
        let mut stage = Stage::new(ReplyTruth::default());
        stage.shows(active(1, 1, &[1]));
        pause(
            &mut stage,
            AdminReply::Refused {
                code: 5_910,
                reason: String::new(),
                definite: true,
            },
        );
        let mut paused = active(1, 1, &[1]);
        paused.state = NodeState::Paused;
        stage.shows(paused);
        stage.passes(11);
        stage.shows(active(2, 1, &[2]));
        assert!(stage.verdict().is_err());
    }
}
