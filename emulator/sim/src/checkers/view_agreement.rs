//! The same view id never names two member sets (MM-1).

use std::collections::BTreeMap;

use base::{NodeSet, Notice, ViewId};

use super::{Change, Checker, Scene};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ViewAgreement {
    views: BTreeMap<ViewId, NodeSet>,
}

impl Checker for ViewAgreement {
    fn name(&self) -> &'static str {
        "view-agreement"
    }

    fn clause(&self) -> &'static str {
        "MM-1"
    }

    fn see(&mut self, _: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let (view, members) = match change {
            Change::Notice {
                notice: Notice::ViewInstalled { view, members },
                ..
            } => (*view, *members),
            Change::Picture(picture) => match picture.view {
                Some(view) => view,
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        let known = *self.views.entry(view).or_insert(members);
        if known == members {
            return Ok(());
        }
        Err(format!(
            "view {view:?} has the members {known} and {members}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Stage, installed, node};
    use super::*;

    #[test]
    fn one_view_id_for_two_member_sets_is_found() {
        let mut stage = Stage::new(ViewAgreement::default());
        stage.says(1, installed(3, &[1, 2]));
        stage.says(2, installed(3, &[1, 2]));
        stage.says(2, installed(4, &[2]));
        assert_eq!(stage.verdict(), Ok(()));
        stage.says(3, installed(3, &[1, 3]));
        assert!(stage.verdict().is_err());
        assert_eq!(node(1).number(), 1);
    }
}
