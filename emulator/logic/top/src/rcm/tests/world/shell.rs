//! What managers ask of hosts and disks in the small world: hosts follow a script, disks have one
//! holder.

use std::time::Duration;

use base::{DiskId, HostId, NodeId, ResourceId, ResourceState};
use bottom::clusdisk;

use super::script::{Answer, work};
use super::{Event, World, millis, node, seconds};
use crate::rcm::{EntryPoint, EntryResult, HostCommand, HostReport, Input};

impl World {
    pub(super) fn host(&mut self, me: NodeId, host: HostId, command: HostCommand) {
        let live = self.lives.get_mut(&me).expect("a live node");
        match command {
            HostCommand::Start => {
                self.host_lives += 1;
                let life = self.host_lives;
                live.hosts.insert(host, life);
                self.at(millis(20), Event::Host(me, host, life, HostReport::Started));
            }
            HostCommand::Kill => {
                live.hosts.remove(&host);
                self.at(millis(5), Event::Host(me, host, 0, HostReport::Exited));
            }
            HostCommand::Restore { .. } => unreachable!("that is the checkpoint manager's"),
            HostCommand::Call {
                call,
                resource,
                entry,
            } => {
                let life = live.hosts.get(&host).copied().unwrap_or_default();
                let label = entry.label();
                self.calls.push((self.now, me, host, resource, label));
                let report = |result| HostReport::Returned {
                    call,
                    resource,
                    result,
                };
                for (after, result) in self.answers(me, resource, entry) {
                    let report = match result {
                        Answer::Returned(result) => report(result),
                        Answer::Controlled(byte) => HostReport::Controlled {
                            call,
                            resource,
                            output: vec![byte],
                        },
                        Answer::Status => HostReport::Status {
                            resource,
                            result: Some(EntryResult::Success),
                        },
                    };
                    self.at(after, Event::Host(me, host, life, report));
                }
            }
        }
    }

    fn answers(
        &mut self,
        me: NodeId,
        id: ResourceId,
        entry: EntryPoint,
    ) -> Vec<(Duration, Answer)> {
        let script = self.local.get(&(me, id)).or(self.scripts.get(&id));
        let script = script.copied().unwrap_or_default();
        let soon = millis(1);
        let success = Answer::Returned(EntryResult::Success);
        let failure = Answer::Returned(EntryResult::Failure { code: 1 });
        let poll = |alive| if alive { success } else { failure };
        match entry {
            EntryPoint::Online(_) if self.is_crowded(me, id) => {
                vec![(soon, Answer::Returned(EntryResult::Failure { code: 1_450 }))]
            }
            EntryPoint::Online(spec) => {
                self.specs.push(spec.parameters);
                work(script.online)
            }
            EntryPoint::Offline => work(script.offline),
            EntryPoint::LooksAlive => vec![(soon, poll(script.looks_alive))],
            EntryPoint::IsAlive if script.is_alive_hangs => vec![],
            EntryPoint::IsAlive => vec![(soon, poll(script.is_alive))],
            EntryPoint::ResourceControl { .. } | EntryPoint::ResourceTypeControl { .. } => {
                script.control.into_iter().map(|it| (soon, it)).collect()
            }
            EntryPoint::Open(_)
            | EntryPoint::Terminate
            | EntryPoint::Close
            | EntryPoint::Arbitrate
            | EntryPoint::Release => {
                vec![(soon, success)]
            }
        }
    }

    /// On node `number` there is no room for a resource while another one runs.
    pub(crate) fn lacks_room(&mut self, id: ResourceId, number: u8, because_of: ResourceId) {
        self.crowded = Some((id, node(number), because_of));
    }

    fn is_crowded(&self, me: NodeId, id: ResourceId) -> bool {
        self.crowded.is_some_and(|(crowded, at, because_of)| {
            let running = self.lives.get(&me).map(|live| &live.running);
            let other = running.and_then(|running| running.get(&because_of));
            crowded == id && at == me && other == Some(&ResourceState::Online)
        })
    }

    /// The host process of a node dies by itself.
    pub(crate) fn crash_host(&mut self, number: u8, host: u16) {
        let me = node(number);
        let live = self.lives.get_mut(&me).expect("a live node");
        live.hosts.remove(&HostId(host));
        let report = HostReport::Exited;
        let host = HostId(host);
        self.tell(me, Input::Host { host, report });
    }

    pub(super) fn disk(&mut self, me: NodeId, disk: DiskId, request: clusdisk::Request) {
        self.disk_requests.push((me, request.clone()));
        let holder = self
            .holders
            .get(&disk)
            .copied()
            .filter(|holder| *holder != me);
        let alive = holder.is_some_and(|holder| self.lives.contains_key(&holder));
        let unreachable = false;
        let (after, report) = match request {
            clusdisk::Request::Arbitrate if alive || self.arbitration_fails => (
                seconds(6),
                clusdisk::Report::ArbitrationLost { unreachable },
            ),
            clusdisk::Request::Arbitrate if holder.is_some() => {
                (seconds(6), clusdisk::Report::Held)
            }
            clusdisk::Request::Arbitrate => (millis(10), clusdisk::Report::Held),
            clusdisk::Request::Release => (millis(5), clusdisk::Report::Released),
            clusdisk::Request::Check => {
                let ok = self.disk_ok;
                (millis(2), clusdisk::Report::Checked { ok })
            }
            clusdisk::Request::Read { .. }
            | clusdisk::Request::Write { .. }
            | clusdisk::Request::Share { .. }
            | clusdisk::Request::Attach
            | clusdisk::Request::Identify => return,
        };
        self.at(after, Event::Disk(me, disk, report));
    }

    pub(super) fn disk_done(&mut self, me: NodeId, disk: DiskId, report: clusdisk::Report) {
        match report {
            clusdisk::Report::Held => {
                self.holders.insert(disk, me);
                self.disk_fact(me, disk, true);
            }
            clusdisk::Report::Released | clusdisk::Report::Lost => {
                if self.holders.get(&disk) == Some(&me) {
                    self.holders.remove(&disk);
                }
                self.disk_fact(me, disk, false);
            }
            _ => {}
        }
        let report = clusdisk::DiskReport { disk, report };
        self.tell(me, Input::Disk { report });
    }

    pub(crate) fn disk_lost(&mut self, number: u8, disk: u16) {
        self.disk_done(node(number), DiskId(disk), clusdisk::Report::Lost);
    }

    pub(crate) fn disk_fact(&mut self, me: NodeId, disk: DiskId, healthy: bool) {
        if let Some(live) = self.lives.get_mut(&me) {
            let held = self.holders.get(&disk) == Some(&me);
            let fact = clusdisk::DiskFact { held, healthy };
            live.bottom.disks.insert(disk, fact);
        }
    }
}
