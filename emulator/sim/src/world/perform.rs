//! What becomes of a node's effects.

use base::{DiskId, IoId, NodeId, NodeSet};
use bottom::share::{ShareOutcome, ShareRequest};
use node::{Effect, Event, Frame};
use scsi::{Command, Outcome};

use super::{ForNode, Happening, World};
use crate::checkers::Change;
use crate::disk::file_of;
use crate::service::Service;
use crate::share::{SHARE_DELAY, SHARE_TIMEOUT};
use crate::storage::{NO_PATH_AFTER, PATH_DELAY};

impl<S: Service> World<S> {
    pub(super) fn perform(&mut self, node: NodeId, effect: Effect) {
        match effect {
            Effect::Send { network, to, frame } => {
                if self.by_bytes || self.tap.is_some() {
                    self.send_watched(network, node, to, &frame);
                } else {
                    self.send(network, node, to, &frame);
                }
            }
            Effect::Disk { io, request } => {
                let file = file_of(&request);
                let seat = &mut self.seats[node.index()];
                let at = seat.disk.submit(self.now, io, request);
                self.send_to_node(node, at.since(self.now), ForNode::Disk { io, file });
            }
            Effect::Scsi { io, disk, command } => self.send_scsi(node, io, disk, Some(command)),
            Effect::ScsiReset { io, disk } => self.send_scsi(node, io, disk, None),
            Effect::Share { io, request } => self.send_share(node, io, request),
            Effect::Host { host, command } => {
                let what = ForNode::Host { host, command };
                self.send_to_node(node, super::hosting::DISPATCH, what);
            }
            Effect::Reply { request, reply } => self.replied(node, request, reply),
            Effect::Notice(notice) => self.noticed(node, notice),
            Effect::Halt(reason) => self.halted(node, reason),
        }
    }

    pub(super) fn send(
        &mut self,
        network: base::NetworkId,
        from: NodeId,
        to: NodeSet,
        frame: &Frame,
    ) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        self.networks.route(network, from, to, &mut arrivals);
        for arrival in arrivals.drain(..) {
            let frames = Happening::Frames {
                network: arrival.network,
                from,
                to: arrival.to,
                frame: frame.clone(),
            };
            let at = self.now + arrival.after;
            self.queue.push_lane(usize::from(network.0), at, frames);
        }
        self.arrivals = arrivals;
    }

    fn send_scsi(&mut self, node: NodeId, io: IoId, disk: DiskId, command: Option<Command>) {
        if !self.storage.reaches(node, disk, &self.networks) {
            return self.scsi_lost(node, io);
        }
        let life = self.seats[node.index()].life;
        let command = command.map(Box::new);
        let arrival = Happening::Scsi {
            node,
            life,
            io,
            disk,
            command,
        };
        self.queue.push(self.now + PATH_DELAY, arrival);
    }

    fn scsi_lost(&mut self, node: NodeId, io: IoId) {
        let outcome = Outcome::PathLost;
        let event = Event::Scsi { io, outcome };
        self.send_to_node(node, NO_PATH_AFTER, ForNode::Event(event));
    }

    /// A command that is at the array is carried out even when its sender's process has ended;
    /// without power at the sender its session is gone and so is the command.
    pub(super) fn scsi_arrives(
        &mut self,
        node: NodeId,
        life: u32,
        io: IoId,
        disk: DiskId,
        command: Option<&Command>,
    ) {
        let seat = &self.seats[node.index()];
        let (current, powered) = (seat.life, seat.powered);
        if !powered {
            return;
        }
        if !self.storage.reaches(node, disk, &self.networks) {
            if current == life {
                self.scsi_lost(node, io);
            }
            return;
        }
        let executed = self.storage.execute(node, disk, command);
        if matches!(executed.outcome, Outcome::Good(_)) {
            self.file_system_written(node, disk, command);
        }
        if let Some(holder) = executed.holder {
            self.holder_seen(disk, holder, false);
        }
        if current != life {
            return;
        }
        let outcome = executed.outcome;
        let event = Event::Scsi { io, outcome };
        self.send_to_node(node, executed.after + PATH_DELAY, ForNode::Event(event));
    }

    /// Tells the checkers of a write to a cluster shared volume outside of its shared file.
    fn file_system_written(&mut self, node: NodeId, disk: DiskId, command: Option<&Command>) {
        let (Some((file, block_bytes)), Some(Command::Write { lba, .. })) =
            (self.shared_files.get(&disk), command)
        else {
            return;
        };
        let page = lba * u64::from(*block_bytes) / u64::from(volume::PAGE_BYTES);
        if !file.has(page) {
            let holder = self.storage.holder(disk);
            let change = Change::FileSystemWritten { disk, node, holder };
            self.changed(&change);
        }
    }

    fn send_share(&mut self, node: NodeId, io: IoId, request: ShareRequest) {
        let life = self.seats[node.index()].life;
        let arrival = Happening::Share {
            node,
            life,
            io,
            request,
        };
        self.queue.push(self.now + SHARE_DELAY, arrival);
    }

    pub(super) fn share_arrives(
        &mut self,
        node: NodeId,
        life: u32,
        io: IoId,
        request: ShareRequest,
    ) {
        let seat = &self.seats[node.index()];
        if seat.life != life || !seat.powered {
            return;
        }
        let (outcome, after) = match &mut self.share {
            Some(share) if share.reaches(node, &self.networks) => {
                (share.execute(self.now, node, request), SHARE_DELAY)
            }
            _ => (ShareOutcome::Unreachable, SHARE_TIMEOUT),
        };
        let event = Event::Share { io, outcome };
        self.send_to_node(node, after, ForNode::Event(event));
        self.share_seen();
    }
}
