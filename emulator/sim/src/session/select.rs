//! Selectors at the moment when a step runs.

use base::{GroupId, NetworkId, NodeId, NodeSet};
use file::model::Selector;

use super::{Session, Unfit};
use crate::net::Station;
use crate::stage::Stage;

impl<W: Stage> Session<W> {
    /// The members that a selector picks now, in the order of their numbers.
    ///
    /// # Errors
    /// It picks none.
    pub fn nodes(&mut self, selector: &Selector) -> Result<Vec<NodeId>, Unfit> {
        let members = self.world.plan().all();
        let picked = self.pick_nodes(selector)?.intersection(members);
        let picked: Vec<NodeId> = picked.iter().collect();
        if picked.is_empty() {
            return Err(Unfit::PicksNothing(selector.to_string()));
        }
        Ok(picked)
    }

    /// All machines that a selector picks now, those that are no members included.
    ///
    /// # Errors
    /// It picks none.
    pub(super) fn stations(&mut self, selector: &Selector) -> Result<Vec<Station>, Unfit> {
        let picked = match self.pick_nodes(selector) {
            Ok(nodes) => nodes,
            Err(Unfit::PicksNothing(_)) => NodeSet::EMPTY,
            Err(other) => return Err(other),
        };
        let mut stations: Vec<Station> = picked.iter().map(Station::from).collect();
        stations.extend(self.other_stations(selector));
        if stations.is_empty() {
            return Err(Unfit::PicksNothing(selector.to_string()));
        }
        Ok(stations)
    }

    /// Machines outside the cluster that a selector picks, as stations.
    pub(super) fn other_stations(&self, selector: &Selector) -> Vec<Station> {
        let plan = self.world.plan();
        let first = plan.members.len();
        let mut picked = Vec::new();
        for (place, machine) in plan.others.iter().enumerate() {
            if selector.surely_picks(&machine.name, machine.site.as_deref(), false)
                && let Ok(number) = u8::try_from(first + place)
            {
                picked.push(Station(number));
            }
        }
        picked
    }

    /// The networks that a selector picks; absent: all.
    ///
    /// # Errors
    /// It picks none.
    pub fn networks(&self, selector: Option<&Selector>) -> Result<Vec<NetworkId>, Unfit> {
        let plan = self.world.plan();
        let all: Vec<NetworkId> = plan.settings.networks.keys().copied().collect();
        let Some(selector) = selector else {
            return Ok(all);
        };
        let picks = |network: &NetworkId| {
            let found = self.lab.networks.get(usize::from(network.0));
            found
                .is_some_and(|it| selector.picks(&it.name, it.site.as_deref(), false) == Some(true))
        };
        let picked: Vec<NetworkId> = all.into_iter().filter(picks).collect();
        if picked.is_empty() {
            return Err(Unfit::PicksNothing(selector.to_string()));
        }
        Ok(picked)
    }

    /// The groups that a selector picks; the core group only by its own name.
    ///
    /// # Errors
    /// It picks none.
    pub fn groups(&self, selector: &Selector) -> Result<Vec<GroupId>, Unfit> {
        let plan = self.world.plan();
        let own = plan.names.groups.iter().enumerate();
        let picks = |(place, name): &(usize, &String)| {
            let by_name = matches!(selector, Selector::Name(wanted) if wanted == *name);
            by_name || (*place > 0 && selector.picks(name, None, false) == Some(true))
        };
        let picked: Vec<GroupId> = own
            .filter(picks)
            .filter_map(|(place, _)| u16::try_from(place).ok().map(GroupId))
            .collect();
        if picked.is_empty() {
            return Err(Unfit::PicksNothing(selector.to_string()));
        }
        Ok(picked)
    }

    pub(super) fn pick_nodes(&mut self, selector: &Selector) -> Result<NodeSet, Unfit> {
        let nothing = || Unfit::PicksNothing(selector.to_string());
        let all = self.world.plan().all();
        let picked = match selector {
            Selector::Coordinator => self
                .owner(top::rcm::model::CORE_GROUP)
                .ok_or_else(nothing)?,
            Selector::OwnerOf(group) => {
                let group = self.world.plan().names.group(group);
                let owner = group.and_then(|group| self.owner(group));
                owner.ok_or_else(nothing)?
            }
            Selector::Any(count) => self.draw(all, *count),
            Selector::Minority => {
                let live = self.world.live();
                self.draw(live, minority_of(live))
            }
            Selector::Majority => {
                let live = self.world.live();
                self.draw(live, majority_of(live))
            }
            Selector::List(parts) => {
                let mut picked = NodeSet::EMPTY;
                for part in parts {
                    picked = picked.union(self.pick_nodes(part)?);
                }
                picked
            }
            Selector::Name(_)
            | Selector::Glob(_)
            | Selector::All
            | Selector::Site(_)
            | Selector::Kind(_) => self.fixed(selector),
        };
        if picked.is_empty() {
            return Err(nothing());
        }
        Ok(picked)
    }

    /// The members that a selector picks whatever happens.
    pub(super) fn fixed(&self, selector: &Selector) -> NodeSet {
        let members = self.world.plan().members.iter();
        let picks = |member: &&plan::Member| {
            let machine = &member.machine;
            selector.surely_picks(&machine.name, machine.site.as_deref(), true)
        };
        members.filter(picks).map(|member| member.id).collect()
    }

    fn owner(&self, group: GroupId) -> Option<NodeSet> {
        self.observe().owner(group).map(NodeSet::one)
    }

    pub(super) fn draw(&mut self, from: NodeSet, count: u32) -> NodeSet {
        let mut left = from;
        let mut drawn = NodeSet::EMPTY;
        while drawn.len() < count {
            let candidates: Vec<NodeId> = left.iter().collect();
            let Some(node) = self.rng.pick(&candidates) else {
                break;
            };
            drawn.insert(*node);
            left.remove(*node);
        }
        drawn
    }
}

/// The most of these that are fewer than half of them.
pub(super) fn minority_of(live: NodeSet) -> u32 {
    live.len().saturating_sub(1) / 2
}

/// The fewest of these that are more than half of them.
pub(super) fn majority_of(live: NodeSet) -> u32 {
    live.len() / 2 + 1
}
