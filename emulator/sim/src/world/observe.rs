//! What the observers see: notices, states, truths; each change goes to trace, log and checkers.

use base::{DiskId, NodeId, NodeSet, Notice, RequestId, ResourceState};
use top::api::{AdminCommand, AdminReply};

use super::World;
use crate::checkers::{Change, Scene};
use crate::log::WorldEvent;
use crate::service::Service;

impl<S: Service> World<S> {
    /// Looks at everything that was touched since the last look.
    pub(super) fn observe(&mut self) {
        for run in self.outside.take_changes() {
            self.changes += 1;
            self.changed(&Change::Runs(run));
        }
        for node in std::mem::take(&mut self.touched).iter() {
            self.look_at(node);
        }
    }

    fn look_at(&mut self, node: NodeId) {
        let Some(service) = &self.seats[node.index()].service else {
            return;
        };
        let picture = service.picture();
        let shown = &mut self.pictures[node.index()];
        if shown.as_ref() == Some(&picture) {
            return;
        }
        self.trace.state(self.now, &picture);
        self.changes += 1;
        // The picture is lent to the checkers and then shown, so that they can still see the one
        // before in the scene.
        self.changed(&Change::Picture(&picture));
        self.pictures[node.index()] = Some(picture);
    }

    pub(super) fn noticed(&mut self, node: NodeId, notice: Notice) {
        self.trace.notice(self.now, node, &notice);
        let routine = matches!(
            notice,
            Notice::LooksAliveAsked { .. } | Notice::IsAliveAsked { .. }
        );
        if !routine {
            self.touched.insert(node);
            self.changes += 1;
        }
        if let Notice::ResourceState {
            resource,
            to: ResourceState::OnlinePending,
            ..
        } = notice
        {
            self.repair(resource);
        }
        self.changed(&Change::Notice {
            node,
            notice: &notice,
        });
        self.log.notice(self.now, node, notice);
    }

    /// A resource is started again, which repairs what was broken only once.
    fn repair(&mut self, resource: base::ResourceId) {
        let faults = std::mem::take(&mut self.repaired_by_restart);
        let (repaired, kept) = faults.into_iter().partition(|(_, it)| *it == resource);
        self.repaired_by_restart = kept;
        for (fault, _) in repaired {
            self.storage.heal(fault);
            if let Some(share) = &mut self.share {
                share.heal(fault);
            }
        }
    }

    pub(super) fn replied(&mut self, node: NodeId, request: RequestId, reply: AdminReply) {
        self.trace
            .world(self.now, &format!("{request:?} {reply:?}"));
        self.changes += 1;
        self.changed(&Change::Replied {
            node,
            request,
            reply: &reply,
        });
        let Some(asked) = self.asked.get_mut(&request) else {
            return;
        };
        let added = match asked.command {
            AdminCommand::AddNode { node, .. } if reply == AdminReply::Done => Some(node),
            _ => None,
        };
        asked.reply = Some(reply);
        if let Some(added) = added {
            self.set_up(node, added);
        }
    }

    /// The target was asked to change a reservation; `outsider` if no node's driver asked.
    pub(super) fn holder_seen(&mut self, disk: DiskId, holder: Option<NodeId>, outsider: bool) {
        if self.holders.insert(disk, holder) != Some(holder) {
            self.changes += 1;
            self.trace.world(self.now, &format!("{disk:?} {holder:?}"));
            self.changed(&Change::Holder {
                disk,
                holder,
                outsider,
            });
        }
    }

    /// The witness share may have another holder.
    pub(super) fn share_seen(&mut self) {
        let holder = self.share.as_ref().and_then(crate::share::Share::holder);
        if self.share_holder != holder {
            self.share_holder = holder;
            self.changes += 1;
            self.changed(&Change::ShareHolder { holder });
        }
    }

    pub(super) fn world_event(&mut self, event: WorldEvent) {
        self.trace.world(self.now, &format!("{event:?}"));
        self.changes += 1;
        self.log.world(self.now, event);
    }

    /// Shows a change to the checkers.
    pub(super) fn changed(&mut self, change: &Change<'_>) {
        let frozen = |seat: &&super::Seat<S>| seat.frozen;
        let frozen: NodeSet = self.seats.iter().filter(frozen).map(|it| it.id).collect();
        let running = |seat: &&super::Seat<S>| seat.service.is_some();
        let running = self.seats.iter().filter(running).map(|it| it.id).collect();
        let scene = Scene {
            now: self.now,
            plan: &self.plan,
            pictures: &self.pictures,
            outside: &self.outside,
            asked: &self.asked,
            running,
            frozen,
            queued: self.queue.len(),
        };
        self.jury.see(&scene, change);
    }

    /// Notes what a scenario does, in its own words.
    pub fn note_step(&mut self, text: &str) {
        self.trace.world(self.now, text);
        self.log.world(self.now, WorldEvent::Step(text.to_owned()));
    }
}
