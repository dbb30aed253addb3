//! What an administrator does to the cluster services of machines: starts with an option, stops,
//! and what follows an eviction and an addition.

use std::time::Duration;

use base::{NodeId, StartMode};
use node::Picture;
use sim::{Life, Stage};
use top::api::{AdminCommand, AdminReply};

use super::{Live, SETUP_TAG, seat};
use crate::LabError;

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
        if let (AdminCommand::AddNode { node, .. }, AdminReply::Done) = (command, reply)
            && let Err(error) = self.set_up(asked, *node)
        {
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
