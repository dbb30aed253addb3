//! Whether a claim of the lab file is true of what can be seen. An error says what was found
//! instead.

use std::collections::BTreeSet;

use base::{GroupId, NodeId, NodeSet, NodeStanding, NodeState, ResourceState};
use file::model::{
    Bounds, Claim, ClusterState, GroupClaim, LunRef, NodeChange, NodeClaim, Selector, WitnessState,
};

use crate::observation::Observation;
use crate::session::{Session, Unfit};
use crate::stage::Stage;
use crate::words;
use crate::world::Life;

pub(super) type Found = Result<(), String>;

/// Judges a claim.
pub(super) fn judge<W: Stage>(
    claim: &Claim,
    seen: &Observation,
    session: &mut Session<W>,
) -> Found {
    let mut judge = Judge { seen, session };
    match claim {
        Claim::Cluster { is, at } => judge.cluster(*is, at.as_ref()),
        Claim::Group(claim) => judge.groups(claim),
        Claim::Resource {
            group,
            resource,
            is,
            status_contains,
        } => judge.resource(group, resource, *is, status_contains.as_deref()),
        Claim::Volume {
            group,
            resource,
            nodes,
            is,
        } => judge.volume(group, resource, nodes.as_ref(), *is),
        Claim::Network { networks, is } => judge.networks(networks, *is),
        Claim::Nic { nics, is } => judge.nics(nics, *is),
        Claim::Node { nodes, is } => judge.nodes(nodes, *is),
        Claim::Witness(is) => judge.witness(*is),
        Claim::Votes { total, have, need } => judge.votes(*total, *have, *need),
        Claim::LunHolder { lun, holder } => judge.holder(lun, holder.as_ref()),
        Claim::Dns { name, resolves } => {
            let wanted = resolves.iter().map(ToString::to_string).collect();
            judge.dns(name, &wanted)
        }
        Claim::Event { id, node } => judge.event(*id, node.as_ref()),
        // The player knows its clients.
        Claim::Workload { name, .. } => Err(format!("nobody has looked for {name}")),
        Claim::Log { text, node } => judge.log(text, node.as_ref()),
    }
}

pub(super) struct Judge<'a, W: Stage> {
    seen: &'a Observation,
    pub(super) session: &'a mut Session<W>,
}

impl<W: Stage> Judge<'_, W> {
    fn cluster(&mut self, is: ClusterState, at: Option<&Selector>) -> Found {
        let asked = self.asked(at)?;
        let quorate = self.seen.quorate().intersection(asked);
        match is {
            ClusterState::Quorate if quorate.is_empty() => {
                Err("no running node belongs to a view with quorum".to_owned())
            }
            ClusterState::NotQuorate if !quorate.is_empty() => {
                Err(format!("quorate: {}", self.names(quorate)))
            }
            ClusterState::Quorate | ClusterState::NotQuorate => Ok(()),
        }
    }

    fn groups(&mut self, claim: &GroupClaim) -> Found {
        let groups = self.session.groups(&claim.groups).map_err(text)?;
        groups
            .into_iter()
            .try_for_each(|group| self.group(group, claim))
    }

    fn group(&mut self, group: GroupId, claim: &GroupClaim) -> Found {
        let name = self.session.world().plan().names.of_group(group);
        let Some(seen) = self.seen.groups.get(&group) else {
            return Err(format!("there is no group {name}"));
        };
        if let Some(is) = claim.is
            && seen.state != Some(is)
        {
            let found = match seen.state {
                Some(state) => format!("{state}{}", self.where_(seen.owners)),
                None => format!("owned by several nodes{}", self.where_(seen.owners)),
            };
            return Err(format!("{name} is {found}"));
        }
        if let Some(Bounds { at_least, at_most }) = claim.owners {
            let count = seen.owners.len();
            if count < at_least || at_most.is_some_and(|most| count > most) {
                let on = self.where_(seen.owners);
                return Err(format!("{name} has {count} owners{on}"));
            }
        }
        let owner = self.seen.owner(group);
        if let Some(change) = &claim.node {
            self.change(group, &name, owner, change)?;
        }
        if let Some(site) = &claim.site {
            let plan = self.session.world().plan();
            let at = owner.and_then(|node| plan.member(node)?.machine.site.as_ref());
            if at != Some(site) {
                let at = at.map_or("no site".to_owned(), |at| format!("site {at}"));
                return Err(format!("{name} is at {at}, not at site {site}"));
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        group: GroupId,
        name: &str,
        owner: Option<NodeId>,
        change: &NodeChange,
    ) -> Found {
        let before = self.session.mark().owners.get(&group).copied();
        let Some(owner) = owner else {
            return Err(format!("{name} has no one owner"));
        };
        let fits = match change {
            NodeChange::Changed => before.is_some_and(|before| before != owner),
            NodeChange::Unchanged => before == Some(owner),
            NodeChange::Is(nodes) => self
                .session
                .judged_nodes(nodes)
                .map_err(text)?
                .contains(&owner),
        };
        if fits {
            return Ok(());
        }
        let names = &self.session.world().plan().names;
        let before = before.map_or("nobody".to_owned(), |node| names.of_node(node));
        Err(format!(
            "{name} is owned by {}, before the fault by {before}",
            names.of_node(owner)
        ))
    }

    fn resource(
        &self,
        group: &str,
        resource: &str,
        is: Option<ResourceState>,
        status: Option<&str>,
    ) -> Found {
        let names = &self.session.world().plan().names;
        let id = names.resource(group, resource);
        let id = id.ok_or_else(|| format!("there is no resource {group}/{resource}"))?;
        let state = self.seen.resources.get(&id).and_then(|seen| seen.state());
        let label = state.map_or("on several nodes", ResourceState::label);
        if is.is_some() && state != is {
            return Err(format!("{group}/{resource} is {label}"));
        }
        let Some(wanted) = status else {
            return Ok(());
        };
        let full = names.of_resource(id);
        let entries = self.session.world().log().entries();
        let last = entries
            .iter()
            .rev()
            .map(|entry| words::event(entry, names).text)
            .find(|text| text.contains(&full));
        let status = format!("{label}; {}", last.unwrap_or_default());
        if contains(&status, wanted) {
            return Ok(());
        }
        Err(format!("the status of {group}/{resource} is `{status}`"))
    }

    fn nodes(&mut self, nodes: &Selector, is: NodeClaim) -> Found {
        match is {
            NodeClaim::State(state) => self.node_states(nodes, state),
            NodeClaim::Standing(standing) => self.standings(nodes, standing),
        }
    }

    fn standings(&mut self, nodes: &Selector, is: NodeStanding) -> Found {
        for node in self.session.judged_nodes(nodes).map_err(text)? {
            let seen = self.seen.nodes.get(&node);
            let standing = seen.map_or(NodeStanding::Normal, |seen| seen.standing);
            if standing != is {
                let name = self.session.world().plan().names.of_node(node);
                let (is, not) = (standing.label().to_lowercase(), is.label().to_lowercase());
                return Err(format!("{name} is {is}, not {not}"));
            }
        }
        Ok(())
    }

    fn node_states(&mut self, nodes: &Selector, is: NodeState) -> Found {
        for node in self.session.judged_nodes(nodes).map_err(text)? {
            let name = self.session.world().plan().names.of_node(node);
            let Some(seen) = self.seen.nodes.get(&node) else {
                return Err(format!("there is no node {name}"));
            };
            let runs = seen.life == Life::Running;
            let fits = seen.state == is && (runs || is == NodeState::Down);
            if !fits {
                let how = match seen.life {
                    Life::Running => seen.state.label().to_lowercase(),
                    Life::Off => "off".to_owned(),
                    Life::Stopped => "without its cluster service".to_owned(),
                    Life::Frozen => "frozen".to_owned(),
                };
                let counted = if runs || seen.state == NodeState::Down {
                    ""
                } else {
                    " and still counted as a member"
                };
                return Err(format!("{name} is {how}{counted}"));
            }
        }
        Ok(())
    }

    fn witness(&self, is: WitnessState) -> Found {
        let resource = self.session.world().plan().witness_resource;
        let resource = resource.ok_or_else(|| "the cluster has no witness".to_owned())?;
        let seen = self.seen.resources.get(&resource);
        let state = seen.and_then(|seen| seen.state());
        let wanted = match is {
            WitnessState::Online => ResourceState::Online,
            WitnessState::Offline => ResourceState::Offline,
            WitnessState::Failed => ResourceState::Failed,
        };
        if state == Some(wanted) {
            return Ok(());
        }
        let found = state.map_or("on several nodes", ResourceState::label);
        Err(format!("the witness is {found}"))
    }

    fn votes(&self, total: Option<u32>, have: Option<u32>, need: Option<u32>) -> Found {
        let quorate = |seen: &&crate::observation::NodeSeen| seen.quorate;
        let nodes = || self.seen.nodes.values();
        let votes = nodes()
            .filter(quorate)
            .find_map(|seen| seen.votes)
            .or_else(|| nodes().find_map(|seen| seen.votes))
            .ok_or_else(|| "no running node counts votes".to_owned())?;
        let fits = total.is_none_or(|it| it == votes.total)
            && have.is_none_or(|it| it == votes.have)
            && need.is_none_or(|it| it == votes.needed);
        if fits {
            return Ok(());
        }
        Err(format!(
            "{} of {} votes, {} needed",
            votes.have, votes.total, votes.needed
        ))
    }

    fn holder(&mut self, lun: &LunRef, holder: Option<&Selector>) -> Found {
        let disk = self.session.world().plan().names.disk(lun);
        let disk = disk.ok_or_else(|| format!("there is no logical unit {lun}"))?;
        let held = self.seen.holders.get(&disk).copied().flatten();
        let fits = match (holder, held) {
            (None, held) => held.is_none(),
            (Some(_), None) => false,
            (Some(nodes), Some(held)) => self
                .session
                .judged_nodes(nodes)
                .map_err(text)?
                .contains(&held),
        };
        if fits {
            return Ok(());
        }
        let names = &self.session.world().plan().names;
        let held = held.map_or("nobody".to_owned(), |node| names.of_node(node));
        Err(format!("{lun} is held by {held}"))
    }

    fn dns(&self, name: &str, wanted: &BTreeSet<String>) -> Found {
        let label = self.session.lab().dns_label(name);
        let found = self.session.world().outside().resolve(label);
        let found: BTreeSet<String> = found.into_iter().collect();
        if found == *wanted {
            return Ok(());
        }
        let found: Vec<String> = found.into_iter().collect();
        Err(match found.as_slice() {
            [] => format!("{name} does not resolve"),
            found => format!("{name} resolves to {}", found.join(", ")),
        })
    }

    fn event(&mut self, id: u32, node: Option<&Selector>) -> Found {
        let asked = self.asked(node)?;
        let log = self.session.world().log();
        let mut notices = log.notices(self.session.mark().entry);
        let logged = notices.any(|(_, by, notice)| {
            asked.contains(by) && notice.event_id().map(u32::from) == Some(id)
        });
        if logged {
            return Ok(());
        }
        Err(format!("event {id} was not logged since the latest fault"))
    }

    fn log(&mut self, wanted: &str, node: Option<&Selector>) -> Found {
        let asked = self.asked(node)?;
        let since = self.session.mark().entry;
        let names = &self.session.world().plan().names;
        let mut notices = self.session.world().log().notices(since);
        let logged = notices.any(|(_, by, notice)| {
            asked.contains(by) && contains(&words::notice_words(notice, names), wanted)
        });
        if logged {
            return Ok(());
        }
        Err(format!(
            "no log line since the latest fault contains `{wanted}`"
        ))
    }

    pub(super) fn asked(&mut self, nodes: Option<&Selector>) -> Result<NodeSet, String> {
        match nodes {
            None => Ok(self.session.world().plan().all()),
            Some(nodes) => Ok(self
                .session
                .judged_nodes(nodes)
                .map_err(text)?
                .into_iter()
                .collect()),
        }
    }

    fn names(&self, nodes: NodeSet) -> String {
        let names = &self.session.world().plan().names;
        let nodes: Vec<String> = nodes.iter().map(|node| names.of_node(node)).collect();
        nodes.join(", ")
    }

    fn where_(&self, nodes: NodeSet) -> String {
        if nodes.is_empty() {
            return String::new();
        }
        format!(" on {}", self.names(nodes))
    }
}

fn contains(text: &str, wanted: &str) -> bool {
    text.to_lowercase().contains(&wanted.to_lowercase())
}

pub(super) fn text(why: Unfit) -> String {
    why.to_string()
}
