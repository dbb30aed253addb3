//! Selectors at the moment when a step runs.

use base::{GroupId, NetworkId, NodeId, NodeSet};
use file::model::Selector;

use super::{Session, Unfit};
use crate::net::Station;
use crate::stage::Stage;

/// What the seed draws, the choosiest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Draw {
    Any(u32),
    Minority,
    Majority,
}

/// What a selector that draws means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Drawn {
    /// A draw of its own: faults and actions.
    Anew,
    /// What was drawn last by the same words: expectations, which would otherwise judge other
    /// nodes than those that something was done to, and others each time they look.
    Before,
}

impl<W: Stage> Session<W> {
    /// The members that a selector picks now, in the order of their numbers.
    ///
    /// # Errors
    /// It picks none.
    pub fn nodes(&mut self, selector: &Selector) -> Result<Vec<NodeId>, Unfit> {
        let picked = self.pick(selector, Drawn::Anew)?;
        self.members(picked, selector)
    }

    /// The members that a selector means in an expectation: it draws none, but means those that
    /// were drawn last by the same words.
    ///
    /// # Errors
    /// It picks none, or none were drawn.
    pub fn judged_nodes(&mut self, selector: &Selector) -> Result<Vec<NodeId>, Unfit> {
        let picked = self.pick(selector, Drawn::Before)?;
        self.members(picked, selector)
    }

    fn members(&self, picked: NodeSet, selector: &Selector) -> Result<Vec<NodeId>, Unfit> {
        let picked = picked.intersection(self.world.plan().all());
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
        self.pick(selector, Drawn::Anew)
    }

    fn pick(&mut self, selector: &Selector, drawn: Drawn) -> Result<NodeSet, Unfit> {
        let nothing = || Unfit::PicksNothing(selector.to_string());
        let picked = match selector {
            Selector::Coordinator => self
                .owner(top::rcm::model::CORE_GROUP)
                .ok_or_else(nothing)?,
            Selector::OwnerOf(group) => {
                let group = self.world.plan().names.group(group);
                let owner = group.and_then(|group| self.owner(group));
                owner.ok_or_else(nothing)?
            }
            Selector::Any(count) => self.drawn(Draw::Any(*count), drawn, selector)?,
            Selector::Minority => self.drawn(Draw::Minority, drawn, selector)?,
            Selector::Majority => self.drawn(Draw::Majority, drawn, selector)?,
            Selector::List(parts) => {
                let mut picked = NodeSet::EMPTY;
                for part in parts {
                    picked = picked.union(self.pick(part, drawn)?);
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

    fn drawn(&mut self, draw: Draw, how: Drawn, words: &Selector) -> Result<NodeSet, Unfit> {
        if how == Drawn::Before {
            let drawn = self.drawn.get(&draw).copied();
            return drawn.ok_or_else(|| Unfit::NotDrawn(words.to_string()));
        }
        let live = self.world.live();
        Ok(match draw {
            Draw::Any(count) => self.draw(draw, self.world.plan().all(), count),
            Draw::Minority => self.draw(draw, live, minority_of(live)),
            Draw::Majority => self.draw(draw, live, majority_of(live)),
        })
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

    /// Draws so many of these, and remembers them for the expectations that follow.
    pub(super) fn draw(&mut self, draw: Draw, from: NodeSet, count: u32) -> NodeSet {
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
        self.drawn.insert(draw, drawn);
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
