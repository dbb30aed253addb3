//! Sides of a partition or of a link: picked together, so that no machine stands on two.

use base::NodeSet;
use file::model::Selector;

use super::select::{Draw, majority_of, minority_of};
use super::{Session, Unfit};
use crate::net::Station;
use crate::stage::Stage;

/// One side while it is being picked.
#[derive(Default)]
struct Side {
    members: NodeSet,
    others: Vec<Station>,
    draws: Vec<Draw>,
}

impl<W: Stage> Session<W> {
    /// The machines of each side. What the seed draws for one side is drawn from the nodes that no
    /// other side has; a `majority` beside a `minority` is all that is left.
    ///
    /// # Errors
    /// A side picks nothing at the moment, or a node would stand on two.
    pub(super) fn sides(&mut self, selectors: &[Selector]) -> Result<Vec<Vec<Station>>, Unfit> {
        let mut sides = Vec::new();
        for selector in selectors {
            let mut side = Side {
                members: self.fixed(selector),
                others: self.other_stations(selector),
                draws: Vec::new(),
            };
            self.settle(selector, &mut side)?;
            sides.push(side);
        }
        self.check_apart(&sides)?;
        self.draw_sides(&mut sides);
        let picked: Vec<Vec<Station>> = sides.iter().map(Side::stations).collect();
        match picked.iter().position(Vec::is_empty) {
            Some(place) => Err(Unfit::PicksNothing(selectors[place].to_string())),
            None => Ok(picked),
        }
    }

    /// Takes what the running cluster decides, and notes what is left to the seed.
    fn settle(&mut self, selector: &Selector, side: &mut Side) -> Result<(), Unfit> {
        match selector {
            Selector::List(parts) => {
                for part in parts {
                    self.settle(part, side)?;
                }
            }
            Selector::Coordinator | Selector::OwnerOf(_) => {
                side.members = side.members.union(self.pick_nodes(selector)?);
            }
            Selector::Any(count) => side.draws.push(Draw::Any(*count)),
            Selector::Minority => side.draws.push(Draw::Minority),
            Selector::Majority => side.draws.push(Draw::Majority),
            Selector::Name(_)
            | Selector::Glob(_)
            | Selector::All
            | Selector::Site(_)
            | Selector::Kind(_) => {}
        }
        Ok(())
    }

    fn check_apart(&self, sides: &[Side]) -> Result<(), Unfit> {
        let mut seen = NodeSet::EMPTY;
        for side in sides {
            if let Some(twice) = seen.intersection(side.members).first() {
                let name = self.world.plan().names.of_node(twice);
                return Err(Unfit::TwoSides(name));
            }
            seen = seen.union(side.members);
        }
        Ok(())
    }

    fn draw_sides(&mut self, sides: &mut [Side]) {
        let draws = sides.iter().enumerate();
        let mut draws: Vec<(Draw, usize)> = draws
            .flat_map(|(place, side)| side.draws.iter().map(move |draw| (*draw, place)))
            .collect();
        draws.sort_unstable();
        let with_minority = draws.iter().any(|(draw, _)| *draw == Draw::Minority);
        for (draw, place) in draws {
            let mut free = self.world.plan().all();
            for (other, side) in sides.iter().enumerate() {
                if other != place {
                    free = free.difference(side.members);
                }
            }
            let live = self.world.live();
            let (from, count) = match draw {
                Draw::Any(count) => (free, count),
                Draw::Minority => (free.intersection(live), minority_of(live)),
                Draw::Majority if with_minority => (free.intersection(live), free.len()),
                Draw::Majority => (free.intersection(live), majority_of(live)),
            };
            let drawn = self.draw(draw, from, count);
            sides[place].members = sides[place].members.union(drawn);
        }
    }
}

impl Side {
    fn stations(&self) -> Vec<Station> {
        let members = self.members.iter().map(Station::from);
        members.chain(self.others.iter().copied()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Options;

    const LAB: &str = "
lab: 1
name: five
networks:
  lan: { subnet: 10.10.1.0/24, role: cluster-and-client }
nodes:
  n[1-5]: { networks: [lan] }
cluster:
  name: CLU1
  address: 10.10.1.100
";

    fn session(seed: u64) -> Session {
        let lab = file::check("five.lab.yaml", LAB.as_bytes()).lab.unwrap();
        let mut session = Session::new(lab, Options::new(seed)).unwrap();
        session.run_until(std::time::Duration::from_secs(60), |it| {
            let seen = it.observe();
            seen.quorate().len() == 5 && seen.owner(crate::CORE_GROUP).is_some()
        });
        session
    }

    fn counts(selectors: &[Selector]) -> Vec<Vec<usize>> {
        let mut counts = Vec::new();
        for seed in 1..20 {
            let sides = session(seed).sides(selectors).unwrap();
            let mut seen: Vec<Station> = sides.concat();
            seen.sort_unstable();
            let all = seen.len();
            seen.dedup();
            assert_eq!(seen.len(), all, "seed {seed}: a node on two sides");
            counts.push(sides.iter().map(Vec::len).collect());
        }
        counts
    }

    #[test]
    fn minority_and_majority_of_one_fault_are_the_two_halves_of_one_draw() {
        let sides = counts(&[Selector::Majority, Selector::Minority]);
        assert!(sides.iter().all(|side| *side == [3, 2]), "{sides:?}");
    }

    #[test]
    fn what_is_drawn_for_a_side_is_on_no_other() {
        let named = ["n1", "n2"].map(|name| Selector::Name(name.to_owned()));
        let sides = counts(&[Selector::Any(3), Selector::List(named.to_vec())]);
        assert!(sides.iter().all(|side| *side == [3, 2]), "{sides:?}");
        let sides = counts(&[Selector::Coordinator, Selector::Any(2), Selector::Any(2)]);
        assert!(sides.iter().all(|side| *side == [1, 2, 2]), "{sides:?}");
    }

    #[test]
    fn a_node_that_the_cluster_puts_on_two_sides_fits_neither() {
        let mut session = session(1);
        let owner = session.nodes(&Selector::Coordinator).unwrap()[0];
        let name = Selector::Name(session.world().plan().names.of_node(owner));
        let refused = session.sides(&[name, Selector::Coordinator]);
        assert!(matches!(refused, Err(Unfit::TwoSides(_))), "{refused:?}");
    }
}
