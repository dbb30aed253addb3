//! What an administrator does to the cluster services of machines: starts with an option, stops,
//! and what follows an eviction and an addition.

use std::time::Duration;

use base::{NodeId, StartMode, Timestamp};
use middle::settings::NodeSettings;
use node::Picture;
use sim::{Life, Stage};
use top::api::{AdminCommand, AdminReply};

use super::time::Later;
use super::{Live, SETUP_TAG, seat};
use crate::LabError;

/// How often a member is looked at for what it has agreed to, and how long.
const SHOWN_EVERY: Duration = Duration::from_millis(10);
const SHOWN_MAX: Duration = Duration::from_secs(10);

impl Live {
    /// Starts a node's cluster service with an option; where it runs already, and only waits for
    /// others, it is stopped for that.
    pub(super) fn start_with(&mut self, node: NodeId, start: StartMode) {
        if self.life(node) == Life::Running {
            self.stop_service(node);
        }
        if let Some(seat) = self.seats.get_mut(node.index()) {
            seat.start_mode = start;
        }
        self.order_start(node, Duration::ZERO);
    }

    /// A node was evicted and its service has ended: its cluster database goes.
    pub(super) fn clean_up(&mut self, node: NodeId) {
        let Some(seat) = self.seats.get(node.index()) else {
            return;
        };
        if let Err(error) = seat::wipe(&self.folder.node(&seat.name)) {
            self.complain(&error);
        }
    }

    /// The cluster has answered: a node that it took in is set up from the database of the member
    /// that was asked, and its service starts.
    pub(super) fn answered(&mut self, asked: NodeId, command: &AdminCommand, reply: &AdminReply) {
        if let (AdminCommand::AddNode { node, .. }, AdminReply::Done) = (command, reply) {
            let until = self.now() + SHOWN_MAX;
            self.set_up_once_shown(asked, *node, until);
        }
    }

    /// An answer may come before the picture of what it is about.
    pub(super) fn set_up_once_shown(&mut self, asked: NodeId, node: NodeId, until: Timestamp) {
        let key = NodeSettings::key(node);
        let has = |it: &Picture| it.hive.text(&key, "NodeName").is_some();
        let shown = self.picture(asked).is_some_and(has);
        if !shown && self.now() < until {
            let again = Later::SetUp { asked, node, until };
            return self.do_later(SHOWN_EVERY, again);
        }
        if !shown {
            let name = self.plan.names.of_node(node);
            let why = format!("{name} was not set up: the node that was asked does not show it");
            return self.note(&why);
        }
        if let Err(error) = self.set_up(asked, node) {
            self.complain(&error);
        }
    }

    fn set_up(&mut self, asked: NodeId, node: NodeId) -> Result<(), LabError> {
        let hive = |picture: &Picture| middle::database::image(&picture.hive, SETUP_TAG);
        let Some(image) = self.picture(asked).map(hive) else {
            return Ok(());
        };
        let Some(seat) = self.seats.get(node.index()).filter(|seat| !seat.runs()) else {
            return Ok(());
        };
        let folder = self.folder.node(&seat.name);
        seat::wipe(&folder)?;
        seat::install(&folder, &image)?;
        self.order_start(node, Duration::ZERO);
        Ok(())
    }
}
