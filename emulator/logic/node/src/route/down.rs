//! Downward: what membership, quorum, gum and rcm ask of the tiers below and of the shell.
//!
//! | output | goes to |
//! | --- | --- |
//! | host Send | shell |
//! | host Secure, Abandon | security |
//! | host Admit | netft |
//! | host Notice | event log |
//! | membership Send | shell, over every route that is up |
//! | membership Undecided | rcm |
//! | membership Repair | messaging |
//! | membership Promised | gum, rcm |
//! | membership Publish | facts; messaging, gum, quorum, resilience |
//! | membership Excluded, Superseded, Evicted | node |
//! | membership ClearQuarantine | resilience |
//! | membership Notice | event log |
//! | messaging Transmit | shell, over netft's best route or over every route that is up |
//! | messaging Deliver | gum, quorum, rcm, event log or csvfs by payload |
//! | messaging Unresponsive, Repaired | membership |
//! | messaging Causal, Closed | event log |
//! | gum Send | messaging |
//! | gum Prepare, Commit, Install, BeginEpoch | database |
//! | gum Publish | facts |
//! | gum Opened | membership, quorum, resilience, topology, rcm |
//! | gum Done | rcm, resilience, topology, quorum |
//! | gum Remove | membership |
//! | quorum Publish | facts, gum, rcm |
//! | quorum Arbitrating | membership |
//! | quorum WitnessNeeded | rcm |
//! | quorum WitnessHeld | membership |
//! | quorum WitnessUnneeded | clusdisk or share |
//! | quorum Send | messaging |
//! | quorum QuorumHeld | gum, membership |
//! | quorum Halt, Left | node |
//! | quorum WitnessReplaced | clusdisk or share, database |
//! | quorum Propose, HandOver | gum |
//! | quorum Notice | event log |
//! | rcm Propose | gum |
//! | rcm Host, Reply | shell |
//! | rcm Disk | clusdisk |
//! | rcm Disks | partmgr |
//! | rcm Roles, VolumeIo | csvfs |
//! | rcm Share | share; a release also quorum |
//! | rcm Send | messaging; to the owner by object, if it is about one |
//! | rcm Publish | facts |
//! | rcm Restore | checkpoint |
//! | rcm Notice | event log |
//! | rcm Stopped | quorum |
//! | checkpoint Host | shell |
//! | checkpoint Restored | rcm |
//! | checkpoint Propose | gum |
//! | checkpoint Notice | event log |
//! | eventlog Send | messaging |
//! | eventlog Publish | facts |

use std::sync::Arc;

use base::{HaltReason, NodeId, NodeSet, Notice, ServiceEvent};
use bottom::{clusdisk, csvfs, netft, partmgr, security, share};
use middle::settings::Witness;
use middle::{database, gum, host, membership, messaging, quorum, resilience, topology};
use top::{checkpoint, eventlog, rcm};

use super::standing::RESILIENCE_TICKET;
use super::{bottom, middle, top};
use crate::{Effect, Frame, Node, Payload};

/// Proposals of quorum carry this ticket; nobody waits for their end, the next view counts again.
const QUORUM_TICKET: gum::Ticket = gum::Ticket(u64::MAX);
/// That of a node that stops, which waits for its end.
const LEAVE_TICKET: gum::Ticket = gum::Ticket(u64::MAX - 2);
/// Proposals of topology carry this one.
pub(super) const TOPOLOGY_TICKET: gum::Ticket = gum::Ticket(u64::MAX - 1);

impl Node {
    pub(super) fn carry_host(&mut self, output: host::Output) {
        match output {
            host::Output::Send {
                network,
                to,
                message,
            } => {
                let (to, frame) = (NodeSet::one(to), Frame::Host(Arc::new(message)));
                self.effects.push(Effect::Send { network, to, frame });
            }
            host::Output::Secure { ends } => {
                bottom!(self, security, handle, security::Input::Secure { ends });
            }
            host::Output::Abandon { peer } => {
                bottom!(self, security, handle, security::Input::Abandon { peer });
            }
            host::Output::Admit { peer, life } => {
                bottom!(self, netft, handle, netft::Input::Admit { peer, life });
            }
            host::Output::Notice(notice) => self.notice(notice),
        }
    }

    pub(super) fn carry_membership(&mut self, output: membership::Output) {
        match output {
            membership::Output::Send { to, message } => {
                self.send_everywhere(to, &Frame::Membership(Arc::new(message)));
            }
            membership::Output::Repair { next, members } => {
                let input = messaging::Input::Repair { next, members };
                middle!(self, messaging, handle, input);
            }
            membership::Output::Promised => {
                middle!(self, gum, handle, gum::Input::Promised);
                top!(self, rcm, handle, rcm::Input::Closed);
            }
            membership::Output::Undecided => {
                top!(self, rcm, handle, rcm::Input::Undecided);
            }
            membership::Output::Publish { view } => {
                self.middle.view = Some(view);
                self.middle.view_at = self.now.mono;
                middle!(self, messaging, handle, messaging::Input::ViewInstalled);
                middle!(self, gum, handle, gum::Input::ViewInstalled);
                middle!(self, quorum, handle, quorum::Input::ViewInstalled);
                self.tell_resilience(resilience::Input::ViewInstalled);
            }
            membership::Output::Excluded => self.excluded(),
            membership::Output::Evicted => self.halt(HaltReason::Evicted),
            membership::Output::Superseded => self.halt(HaltReason::ForcedElsewhere),
            membership::Output::ClearQuarantine { node } => {
                self.tell_resilience(resilience::Input::Clear { node });
            }
            membership::Output::Notice(notice) => self.notice(notice),
        }
    }

    /// The view goes on without this node, for example because it reaches only some of the others
    /// (event 1006).
    fn excluded(&mut self) {
        let members = self.middle.view.as_ref().map(|view| view.members);
        let others = members.unwrap_or_default().without(self.middle.me);
        let reached = others.intersection(self.bottom.reachable);
        if !reached.is_empty() && reached != others {
            let event = ServiceEvent::ConnectivityIncomplete;
            self.notice(Notice::OfService { event });
        }
        self.halt(HaltReason::RemovedFromMembership);
    }

    pub(super) fn carry_messaging(&mut self, output: messaging::Output<Payload>) {
        match output {
            messaging::Output::Transmit {
                to,
                segment,
                every_route,
            } => {
                let (to, frame) = (NodeSet::one(to), Frame::Segment(segment));
                if every_route {
                    self.send_everywhere(to, &frame);
                } else {
                    self.send(to, &frame);
                }
            }
            messaging::Output::Deliver { from, payload } => self.deliver(from, &payload),
            messaging::Output::Causal {
                view,
                from,
                sequence,
                after,
            } => self.notice(Notice::CausallyDelivered {
                view,
                from,
                sequence,
                after: after.0,
            }),
            messaging::Output::Closed {
                view,
                next,
                delivered,
            } => self.notice(Notice::ViewClosed {
                view,
                next,
                delivered,
            }),
            messaging::Output::Repaired { next } => {
                let input = membership::Input::Repaired { next };
                middle!(self, membership, handle, input);
            }
            messaging::Output::Unresponsive { peer } => {
                let nodes = NodeSet::one(peer);
                middle!(
                    self,
                    membership,
                    handle,
                    membership::Input::Remove { nodes }
                );
            }
        }
    }

    fn deliver(&mut self, from: NodeId, payload: &Payload) {
        match payload.clone() {
            Payload::Gum(message) => {
                middle!(self, gum, handle, gum::Input::Message { from, message });
            }
            Payload::Quorum(message) => {
                middle!(
                    self,
                    quorum,
                    handle,
                    quorum::Input::Message { from, message }
                );
            }
            Payload::Rcm(message) => {
                top!(self, rcm, handle, rcm::Input::Message { from, message });
            }
            Payload::Csvfs(message) => {
                bottom!(self, csvfs, handle, csvfs::Input::Message { from, message });
            }
            Payload::EventLog(message) => {
                top!(
                    self,
                    eventlog,
                    handle,
                    eventlog::Input::Message { from, message }
                );
            }
        }
    }

    /// What the file system of a shared volume says to another node's.
    pub(super) fn send_to_volume(&mut self, to: NodeId, message: csvfs::Message) {
        let to = NodeSet::one(to);
        self.post(messaging::Service::Unicast, to, Payload::Csvfs(message));
    }

    fn post(&mut self, service: messaging::Service, to: NodeSet, payload: Payload) {
        let input = messaging::Input::Send {
            service,
            to,
            payload,
        };
        middle!(self, messaging, handle, input);
    }

    pub(super) fn carry_gum(&mut self, output: gum::Output) {
        match output {
            gum::Output::Send { to, message } => {
                self.post(message.service(), to, Payload::Gum(message));
            }
            gum::Output::Prepare { update } => {
                middle!(self, database, handle, database::Input::Prepare { update });
            }
            gum::Output::Commit { number } => {
                middle!(self, database, handle, database::Input::Commit { number });
            }
            gum::Output::Install { snapshot } => {
                middle!(
                    self,
                    database,
                    handle,
                    database::Input::Install { snapshot }
                );
            }
            gum::Output::BeginEpoch { forced } => {
                let input = database::Input::BeginEpoch { forced };
                middle!(self, database, handle, input);
            }
            gum::Output::Publish { ready, lock_owner } => {
                self.middle.ready = ready;
                if let Some(owner) = lock_owner.filter(|_| lock_owner != self.middle.lock_owner) {
                    self.notice(Notice::LockOwner { owner });
                }
                self.middle.lock_owner = lock_owner;
            }
            gum::Output::Opened { formed } => self.opened(formed),
            gum::Output::Done { ticket, .. } if ticket == QUORUM_TICKET => {}
            gum::Output::Done { ticket, .. } if ticket == LEAVE_TICKET => {
                middle!(self, quorum, handle, quorum::Input::HandedOver);
            }
            gum::Output::Done { ticket, .. } if ticket == RESILIENCE_TICKET => {
                self.tell_resilience(resilience::Input::Done);
            }
            gum::Output::Done { ticket, .. } if ticket == TOPOLOGY_TICKET => {
                middle!(self, topology, handle, topology::Input::Done);
            }
            gum::Output::Done { ticket, result } if ticket.0 >= checkpoint::FIRST_TICKET => {
                top!(
                    self,
                    checkpoint,
                    handle,
                    checkpoint::Input::Done { ticket, result }
                );
            }
            gum::Output::Done { ticket, result } => {
                top!(self, rcm, handle, rcm::Input::Done { ticket, result });
            }
            gum::Output::Remove { nodes } => {
                middle!(
                    self,
                    membership,
                    handle,
                    membership::Input::Remove { nodes }
                );
            }
        }
    }

    /// The view is open: this node is an active member from here on.
    fn opened(&mut self, formed: bool) {
        if !self.membership.manager.is_active() {
            self.notice(Notice::Joined { formed });
        }
        if let Some(view) = self.middle.view.clone() {
            let known = view.active();
            for node in view.members.difference(known).iter().filter(|_| !formed) {
                self.notice(Notice::NodeAdded { node });
            }
        }
        self.middle.active = true;
        middle!(self, membership, handle, membership::Input::Opened);
        middle!(self, quorum, handle, quorum::Input::Opened);
        self.tell_resilience(resilience::Input::Opened);
        middle!(self, topology, handle, topology::Input::Opened);
        top!(self, rcm, handle, rcm::Input::Opened { formed });
        top!(self, checkpoint, handle, checkpoint::Input::Opened);
    }

    pub(super) fn carry_quorum(&mut self, output: quorum::Output) {
        match output {
            quorum::Output::Publish { state, .. } => {
                self.middle.quorum = state;
                middle!(self, gum, handle, gum::Input::QuorumChanged);
                top!(self, rcm, handle, rcm::Input::Quorum { state });
            }
            quorum::Output::Arbitrating => {
                middle!(self, membership, handle, membership::Input::Arbitrating);
            }
            quorum::Output::WitnessNeeded => {
                top!(self, rcm, handle, rcm::Input::WitnessNeeded);
            }
            quorum::Output::WitnessHeld { held } => {
                middle!(
                    self,
                    membership,
                    handle,
                    membership::Input::Witness { held }
                );
            }
            quorum::Output::WitnessUnneeded => {
                self.release_witness(self.middle.settings.witness);
            }
            quorum::Output::WitnessReplaced { old } => {
                self.release_witness(old);
                let input = database::Input::WitnessReleased;
                middle!(self, database, handle, input);
            }
            quorum::Output::HandOver { changes } => {
                let ticket = LEAVE_TICKET;
                middle!(self, gum, handle, gum::Input::Propose { ticket, changes });
            }
            quorum::Output::Left => self.halt(HaltReason::Stopped),
            quorum::Output::Send { to, message } => {
                self.post(messaging::Service::Unicast, to, Payload::Quorum(message));
            }
            quorum::Output::QuorumHeld { witness, forced } => {
                let input = membership::Input::QuorumHeld { forced };
                middle!(self, membership, handle, input);
                let forced = forced.is_some();
                middle!(
                    self,
                    gum,
                    handle,
                    gum::Input::QuorumHeld { witness, forced }
                );
            }
            quorum::Output::Halt { reason } => self.halt(reason),
            quorum::Output::Propose { changes } => {
                let input = gum::Input::Propose {
                    ticket: QUORUM_TICKET,
                    changes,
                };
                middle!(self, gum, handle, input);
            }
            quorum::Output::Notice(notice) => self.notice(notice),
        }
    }

    fn release_witness(&mut self, witness: Witness) {
        match witness {
            Witness::None => {}
            Witness::Disk(disk) => {
                let request = clusdisk::Request::Release;
                bottom!(
                    self,
                    clusdisk,
                    handle,
                    clusdisk::Input::Request { disk, request }
                );
            }
            Witness::Share | Witness::Cloud => {
                bottom!(self, share, handle, share::Input::Release);
            }
        }
    }

    pub(super) fn carry_rcm(&mut self, output: rcm::Output) {
        match output {
            rcm::Output::Propose { ticket, changes } => {
                middle!(self, gum, handle, gum::Input::Propose { ticket, changes });
            }
            rcm::Output::Host { host, command } => {
                self.effects.push(Effect::Host { host, command });
            }
            rcm::Output::Disk { disk, request } => {
                bottom!(
                    self,
                    clusdisk,
                    handle,
                    clusdisk::Input::Request { disk, request }
                );
            }
            rcm::Output::Disks { disks } => {
                bottom!(self, partmgr, handle, partmgr::Input::Disks { disks });
            }
            rcm::Output::Roles { roles } => {
                bottom!(self, csvfs, handle, csvfs::Input::Roles { roles });
            }
            rcm::Output::VolumeIo { ticket, disk, io } => {
                bottom!(self, csvfs, handle, csvfs::Input::Io { ticket, disk, io });
            }
            rcm::Output::Share { request } => {
                bottom!(self, share, handle, request);
                if request == share::Input::Release {
                    middle!(self, quorum, handle, quorum::Input::WitnessReleased);
                }
            }
            rcm::Output::Send { to, message } => {
                let to = self.owner_of(&message).map_or(to, NodeSet::one);
                self.post(messaging::Service::Unicast, to, Payload::Rcm(message));
            }
            rcm::Output::Reply { request, reply } => {
                self.effects.push(Effect::Reply { request, reply });
            }
            rcm::Output::Restore {
                resource,
                host,
                keys,
            } => {
                let input = checkpoint::Input::Restore {
                    resource,
                    host,
                    keys,
                };
                top!(self, checkpoint, handle, input);
            }
            rcm::Output::Publish { running } => self.top.running = running,
            rcm::Output::Notice(notice) => self.notice(notice),
            rcm::Output::Stopped => middle!(self, quorum, handle, quorum::Input::Leave),
        }
    }

    /// The member that owns the object that a message is about.
    fn owner_of(&self, message: &rcm::Message) -> Option<NodeId> {
        let owner = self.middle.objects.owner(message.object()?)?;
        let view = self.middle.view.as_ref()?;
        view.members.contains(owner).then_some(owner)
    }

    pub(super) fn carry_checkpoint(&mut self, output: checkpoint::Output) {
        match output {
            checkpoint::Output::Host { host, command } => {
                self.effects.push(Effect::Host { host, command });
            }
            checkpoint::Output::Restored { resource } => {
                top!(self, rcm, handle, rcm::Input::Restored { resource });
            }
            checkpoint::Output::Propose { ticket, changes } => {
                middle!(self, gum, handle, gum::Input::Propose { ticket, changes });
            }
            checkpoint::Output::Notice(notice) => self.notice(notice),
        }
    }

    pub(super) fn carry_eventlog(&mut self, output: eventlog::Output) {
        match output {
            eventlog::Output::Send { to, message } => {
                self.post(messaging::Service::Unicast, to, Payload::EventLog(message));
            }
            eventlog::Output::Publish { events } => self.top.events = events,
        }
    }

    /// The service control manager asks for a stop.
    pub(super) fn stop(&mut self) {
        if self.middle.ready {
            top!(self, rcm, handle, rcm::Input::Stop);
        } else {
            self.halt(HaltReason::Stopped);
        }
    }
}
