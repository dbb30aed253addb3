//! Which node acts for an object: what messaging needs to route (seed 001, Object Manager 3 and 4).

use base::{GroupId, NetworkId, NodeId, ResourceId};

use super::ObjectTable;

/// A cluster object that messages can be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Object {
    /// A node; it acts for itself.
    Node(NodeId),
    /// A group.
    Group(GroupId),
    /// A resource; the owner of its group acts for it.
    Resource(ResourceId),
    /// A node's interface on a network.
    Interface(NodeId, NetworkId),
}

impl ObjectTable {
    /// The node that owns an object; nobody for a group that never had an owner, and for a
    /// resource of which nothing was heard yet.
    #[must_use]
    pub fn owner(&self, object: Object) -> Option<NodeId> {
        match object {
            Object::Node(node) | Object::Interface(node, _) => Some(node),
            Object::Group(group) => self.groups.get(&group).map(|row| row.owner),
            Object::Resource(resource) => {
                let row = self.resources.get(&resource)?;
                self.owner(Object::Group(row.group))
            }
        }
    }
}
