//! Equal tags mean equal content, and the tag of a node's replica never goes back (DM-5, QRM-11).

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{NodeId, PaxosTag};
use middle::database::Hive;

use super::{Change, Checker, Scene, is_active};

/// Contents remembered; older ones are no longer compared.
const REMEMBERED_MAX: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct ReplicaTags {
    contents: BTreeMap<PaxosTag, Arc<Hive>>,
    last: BTreeMap<NodeId, PaxosTag>,
}

impl Checker for ReplicaTags {
    fn name(&self) -> &'static str {
        "replica-tags"
    }

    fn clause(&self) -> &'static str {
        "DM-5, QRM-11"
    }

    fn see(&mut self, scene: &Scene<'_>, change: &Change<'_>) -> Result<(), String> {
        let Change::Picture(picture) = change else {
            return Ok(());
        };
        if !is_active(picture) {
            return Ok(());
        }
        let (node, tag) = (picture.node, picture.tag);
        let before = self.last.insert(node, tag).unwrap_or_default();
        if tag < before {
            let node = scene.node(node);
            return Err(format!("the replica of {node} went from {before} to {tag}"));
        }
        let known = self
            .contents
            .entry(tag)
            .or_insert_with(|| picture.hive.clone());
        if !Arc::ptr_eq(known, &picture.hive) && *known != picture.hive {
            let node = scene.node(node);
            return Err(format!(
                "the replica of {node} differs from another one with the tag {tag}"
            ));
        }
        while self.contents.len() > REMEMBERED_MAX {
            self.contents.pop_first();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use middle::database::Value;

    use super::super::testing::{Stage, active, tag};
    use super::*;

    #[test]
    fn two_contents_under_one_tag_are_found() {
        let mut stage = Stage::new(ReplicaTags::default());
        let mut one = active(1, 5, &[1, 2]);
        one.tag = tag(1, 3);
        let mut other = active(2, 5, &[1, 2]);
        other.tag = one.tag;
        stage.shows(one);
        stage.shows(other.clone());
        assert_eq!(stage.verdict(), Ok(()));
        let mut hive = Hive::default();
        hive.set("", "ClusterName", Value::Text("another".into()));
        other.hive = Arc::new(hive);
        stage.shows(other);
        assert!(stage.verdict().is_err());
    }

    #[test]
    fn a_tag_that_goes_back_is_found() {
        let mut stage = Stage::new(ReplicaTags::default());
        let mut picture = active(1, 5, &[1]);
        picture.tag = tag(2, 3);
        stage.shows(picture.clone());
        picture.tag = tag(2, 2);
        stage.shows(picture);
        assert!(stage.verdict().is_err());
    }
}
