//! What a quorate view has committed is there in every later cluster (GUM-3, DM-6): whoever forms
//! the cluster again has at least the newest tag that any active node has had.
//!
//! A node that was frozen may enter a view that is long gone, on the strength of what was sent to
//! it then. It forms nothing where most members are in a later view or a later life: no update can
//! be committed there, whatever DatabaseReadWriteMode says.

use std::collections::{BTreeMap, VecDeque};

use base::{NodeId, NodeSet, PaxosTag, Timestamp, ViewId};
use node::Picture;

use super::{Change, Checker, Scene, is_active};

/// Views remembered; whoever wakes up in an older one than that has slept through many.
const REMEMBERED_MAX: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Durability {
    newest: PaxosTag,
    /// Views that some node has shown, newest first.
    views: VecDeque<Known>,
    /// When the present life of each node began.
    started: BTreeMap<NodeId, Timestamp>,
}

/// A view that some node has shown.
#[derive(Clone, Copy, Debug)]
struct Known {
    view: ViewId,
    /// When the first did.
    since: Timestamp,
    /// Some node has been active in it.
    opened: bool,
}

impl Durability {
    /// Remembers what this node shows; answers what is known of its view.
    fn remember(&mut self, scene: &Scene<'_>, view: ViewId) -> Option<&mut Known> {
        if !self.views.iter().any(|known| known.view == view) {
            self.views.truncate(REMEMBERED_MAX - 1);
            self.views.push_front(Known {
                view,
                since: scene.now,
                opened: false,
            });
        }
        self.views.iter_mut().find(|known| known.view == view)
    }

    /// Whether this node is the first to be active in its view, and the view can still commit.
    fn forms(&mut self, scene: &Scene<'_>, picture: &Picture) -> bool {
        let Some((view, members)) = picture.view else {
            return false;
        };
        let Some(known) = self.remember(scene, view) else {
            return false;
        };
        let since = known.since;
        let first = is_active(picture) && !known.opened;
        known.opened |= is_active(picture);
        first && !self.is_gone(scene, view, since, members)
    }

    /// Whether half of the members or more have gone on without the view, by a later one or by a
    /// later life.
    fn is_gone(&self, scene: &Scene<'_>, view: ViewId, since: Timestamp, of: NodeSet) -> bool {
        let later = |node: NodeId| {
            let shown = scene.pictures.get(node.index()).and_then(Option::as_ref);
            let other = shown.and_then(|it| it.view);
            let begun = self.started.get(&node).copied().unwrap_or_default();
            other.is_some_and(|(other, _)| other.epoch > view.epoch) || begun > since
        };
        let gone = of.iter().filter(|node| later(*node)).count();
        gone * 2 >= of.iter().count()
    }
}

impl Checker for Durability {
    fn name(&self) -> &'static str {
        "durability"
    }

    fn clause(&self) -> &'static str {
        "GUM-3, DM-6"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let picture = match change {
            Change::Picture(picture) => *picture,
            Change::Started { node, .. } => {
                self.started.insert(*node, scene.now);
                return Ok(());
            }
            _ => return Ok(()),
        };
        let forms = self.forms(scene, picture);
        if !is_active(picture) {
            return Ok(());
        }
        let mut others = scene.pictures.iter().flatten();
        let alone = !others.any(|it| it.node != picture.node && is_active(it));
        let before = scene.pictures.get(picture.node.index());
        let was_active = before.and_then(Option::as_ref).is_some_and(is_active);
        let content = |tag: PaxosTag| (tag.last_epoch, tag.sequence);
        if picture.tag.authority() < self.newest.authority() {
            // A side that knows nothing of an administrator's word has its own history.
            return Ok(());
        }
        if alone && !was_active && forms && content(picture.tag) < content(self.newest) {
            return Err(format!(
                "{} forms the cluster at {}, but {} was committed before",
                scene.node(picture.node),
                picture.tag,
                self.newest
            ));
        }
        self.newest = self.newest.max(picture.tag);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, active, tag};
    use super::*;

    #[test]
    fn a_cluster_formed_again_without_a_committed_update_is_found() {
        let mut stage = Stage::new(Durability::default());
        let mut first = active(1, 5, &[1, 2]);
        first.tag = tag(1, 9);
        stage.shows(first);
        stage.ends(1);
        let mut second = active(2, 6, &[2]);
        second.tag = tag(1, 9);
        stage.shows(second.clone());
        assert_eq!(stage.verdict(), Ok(()));
        stage.ends(2);
        let mut third = active(2, 7, &[2]);
        third.tag = tag(1, 8);
        stage.shows(third);
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_late_entry_into_a_view_that_is_gone_forms_nothing() {
        let mut stage = Stage::new(Durability::default());
        let mut first = active(1, 5, &[1, 2]);
        first.tag = tag(1, 8);
        stage.shows(first.clone());
        first.tag = tag(1, 9);
        stage.shows(first);
        stage.ends(1);
        let mut late = active(2, 5, &[1, 2]);
        late.tag = tag(1, 8);
        stage.shows(late);
        assert_eq!(stage.verdict(), Ok(()));
    }

    /// Three nodes are at 1:1:9, two of which end; the third wakes up at 1:1:8 in its old view.
    fn wakes_up(before: impl Fn(&mut Stage<Durability>)) -> bool {
        let mut stage = Stage::new(Durability::default());
        let shows = |stage: &mut Stage<Durability>, by, epoch, sequence, members| {
            let mut picture = active(by, epoch, members);
            picture.tag = tag(1, sequence);
            picture.ready = sequence > 0;
            stage.shows(picture);
        };
        // The view of all three is installed by the node that is frozen then.
        shows(&mut stage, 3, 5, 0, &[1, 2, 3]);
        stage.passes(10);
        before(&mut stage);
        shows(&mut stage, 1, 6, 9, &[1, 2]);
        shows(&mut stage, 1, 6, 0, &[1, 2]);
        shows(&mut stage, 3, 5, 8, &[1, 2, 3]);
        stage.verdict().is_err()
    }

    #[test]
    fn whoever_opens_a_view_that_most_have_left_forms_nothing() {
        assert!(!wakes_up(|stage| {
            stage.starts(2, 2);
        }));
    }

    #[test]
    fn whoever_opens_a_view_that_most_may_still_be_in_forms_a_cluster() {
        assert!(wakes_up(|_| ()));
    }
}
