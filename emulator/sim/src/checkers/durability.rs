//! What a quorate view has committed is there in every later cluster (GUM-3, DM-6): whoever forms
//! the cluster again has at least the newest tag that any active node has had.
//!
//! A node that was frozen may enter a view that is long gone, on the strength of what was sent to
//! it then. It forms nothing: without the other members nothing can be committed there.

use std::collections::VecDeque;

use base::{PaxosTag, ViewId};

use super::{Change, Checker, Scene, is_active};

/// Views remembered; whoever wakes up in an older one than that has slept through many.
const REMEMBERED_MAX: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Durability {
    newest: PaxosTag,
    /// Views that some node has been active in.
    opened: VecDeque<ViewId>,
}

impl Durability {
    /// Whether nobody was active in this view before; from now on somebody was.
    fn is_new(&mut self, view: ViewId) -> bool {
        if self.opened.contains(&view) {
            return false;
        }
        self.opened.truncate(REMEMBERED_MAX - 1);
        self.opened.push_front(view);
        true
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
        let Change::Picture(picture) = change else {
            return Ok(());
        };
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
        let forms = picture.view.is_some_and(|(view, _)| self.is_new(view));
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
}
