//! The rules that must hold at all times, judged on what the lab sees of its processes.
//!
//! The lab hears its nodes one after the other, so it judges only rules that do not rest on what
//! several nodes show at one instant; the simulator judges the rest.

use node::Picture;
use sim::checkers::{Change, Jury, Scene};

use super::Live;

/// Rules that hold whatever the order is in which nodes are heard.
const JUDGED: [&str; 7] = [
    "address-unique",
    "epochs",
    "name-owned-once",
    "replica-tags",
    "states",
    "view-agreement",
    "votes",
];

/// The checkers of those rules.
pub(super) fn jury() -> Jury {
    let mut jury = Jury::standard();
    jury.keep(|name| JUDGED.contains(&name));
    jury
}

impl Live {
    /// Shows a change to the checkers.
    pub(super) fn judge(&mut self, change: &Change<'_>) {
        let pictures = self.seats.iter().map(|seat| seat.picture.clone());
        let pictures: Vec<Option<Picture>> = pictures.collect();
        let running = self.seats.iter().filter(|seat| seat.runs());
        let frozen = self.seats.iter().filter(|seat| seat.frozen);
        let scene = Scene {
            now: self.clock.mono(),
            plan: &self.plan,
            pictures: &pictures,
            outside: &self.outside,
            asked: &self.asked,
            running: running.map(|seat| seat.id).collect(),
            frozen: frozen.map(|seat| seat.id).collect(),
            queued: 0,
        };
        self.jury.see(&scene, change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_is_judged_here_has_its_checker() {
        let jury = jury();
        let mut names: Vec<&str> = jury.rules().map(|(name, _)| name).collect();
        names.sort_unstable();
        assert_eq!(names, JUDGED);
    }
}
