//! Routers: which segments they join, and whether every two members reach each other.

use super::Scope;
use super::impairment::impairment;
use crate::diagnostic::Diagnostic;
use crate::model::{Impairment, Lab, Network, NetworkRole, Node, Router};
use crate::rule::Rule;
use crate::source::Span;
use crate::syntax::{Decoder, LabFile};

/// The routers of the file.
pub(crate) fn routers(file: &LabFile, scope: &Scope, decoder: &mut Decoder<'_>) -> Vec<Router> {
    let entries = file.routers.iter().flat_map(|named| &named.entries);
    let mut routers = Vec::new();
    for entry in entries {
        let mut joins: Vec<String> = Vec::new();
        for name in entry.value.joins.iter().flat_map(|list| &list.items) {
            if !scope.networks.check(&name.value.0, name.span, decoder) {
                continue;
            }
            if joins.contains(&name.value.0) {
                let message = format!("network `{}` is named twice", name.value.0);
                decoder.sink.error(Rule::DuplicateName, name.span, message);
                continue;
            }
            joins.push(name.value.0.clone());
        }
        let given = entry
            .value
            .joins
            .as_ref()
            .map_or(2, |list| list.items.len());
        if given < 2 {
            let message = format!("router `{}` joins fewer than two networks", entry.name);
            decoder.sink.error(Rule::BadValue, entry.span, message);
        }
        let link = entry.value.link.as_ref();
        routers.push(Router {
            name: entry.name.clone(),
            position: decoder.position(entry.span),
            joins,
            link: link.map_or(Impairment::default(), |link| impairment(link, decoder)),
        });
    }
    routers
}

/// Reports two members that no network and no router brings together.
pub(crate) fn check_pairs(lab: &Lab, span: Span, decoder: &mut Decoder<'_>) {
    let members = lab.cluster.members.iter();
    let members: Vec<&Node> = members.filter_map(|name| lab.node(name)).collect();
    for (place, one) in members.iter().enumerate() {
        let lost = members.iter().skip(place + 1);
        let mut lost = lost.filter(|other| !are_joined(lab, one, other));
        if let Some(other) = lost.next() {
            let message = format!(
                "members `{}` and `{}` share no network that the cluster may use",
                one.name, other.name
            );
            decoder.sink.report(
                Diagnostic::error(Rule::NoClusterNetwork, span, message).hint(
                    "plug them into one network, or join two networks of one role by a router",
                ),
            );
            return;
        }
    }
}

/// Whether two machines reach each other over networks that the cluster may use: on one segment,
/// or through a router between two segments of the same role.
fn are_joined(lab: &Lab, one: &Node, other: &Node) -> bool {
    let used = |node: &Node| -> Vec<&Network> {
        let networks = node.adapters.iter();
        let networks = networks.filter_map(|adapter| lab.network(&adapter.network));
        networks.filter(|it| it.role != NetworkRole::None).collect()
    };
    let (left, right) = (used(one), used(other));
    left.iter().any(|from| {
        right.iter().any(|to| {
            let joins = |router: &Router| {
                router.joins.contains(&from.name) && router.joins.contains(&to.name)
            };
            from.name == to.name || (from.role == to.role && lab.routers.iter().any(joins))
        })
    })
}
