//! Upward: what the bottom tier and the database report, and the facts that follow.
//!
//! | output | goes to |
//! | --- | --- |
//! | netft Send | shell |
//! | netft Stranger | host |
//! | netft RouteUp, RouteDown | event log, topology |
//! | netft PeerFound, PeerLost | event log, membership |
//! | netft PeerSeen, Publish | facts |
//! | security Send | shell, over the network on which the peer was heard |
//! | security Secured | host |
//! | security Refused | host |
//! | security Publish | facts |
//! | clusdisk Scsi | shell |
//! | clusdisk Reset | shell |
//! | clusdisk Publish | facts |
//! | clusdisk Notice | event log |
//! | clusdisk Report | partmgr, csvfs, rcm; of the witness also quorum and database |
//! | partmgr Disk | clusdisk |
//! | partmgr Publish | facts |
//! | partmgr Notice | event log |
//! | csvfs Disk | clusdisk |
//! | csvfs Send | messaging |
//! | csvfs Done | rcm |
//! | csvfs Publish | facts |
//! | csvfs Notice | event log |
//! | share Share | shell |
//! | share Held, Lost, Failed | quorum, rcm |
//! | share Remembers | database |
//! | txlog Disk | shell |
//! | txlog Recovered, Durable, CheckpointDone, Failed, Unreadable | database |
//! | database Log | txlog |
//! | database Publish | facts; topology, security, clusdisk, share, quorum, membership on change |
//! | database Opened | membership |
//! | database Prepared | gum |
//! | database Applied | object, quorum, gum, rcm |
//! | database Replaced | object |
//! | database Installed | gum |
//! | database LocalFailed, LeftBehind | node |
//! | database WitnessReplica | quorum |
//! | database WitnessFailed | quorum, rcm |
//! | database WitnessRequest | clusdisk |
//! | topology Configure | netft |
//! | topology Interface | rcm |
//! | topology Propose | gum |
//! | topology Notice | event log |

use std::sync::Arc;

use base::{DiskId, HaltReason, NetworkId, NodeId, NodeSet, Notice, ServiceEvent};
use bottom::{clusdisk, csvfs, netft, partmgr, security, share, txlog};
use middle::settings::{Settings, Witness};
use middle::{database, gum, host, membership, object, quorum, topology};
use top::rcm;

use super::down::TOPOLOGY_TICKET;
use super::{bottom, middle, top};
use crate::{Effect, Frame, Node};

impl Node {
    pub(super) fn carry_netft(&mut self, output: netft::Output) {
        match output {
            netft::Output::Send {
                network,
                to,
                heartbeat,
            } => {
                let frame = Frame::Heartbeat(heartbeat);
                self.effects.push(Effect::Send { network, to, frame });
            }
            netft::Output::Stranger {
                network,
                peer,
                life,
            } => {
                let input = host::Input::Stranger {
                    network,
                    peer,
                    life,
                };
                middle!(self, host, handle, input);
            }
            netft::Output::RouteUp { network, peer } => {
                self.notice(Notice::RouteUp { network, peer });
                self.route_changed(network, peer, true);
            }
            netft::Output::RouteDown {
                network,
                peer,
                last_heard,
            } => {
                self.notice(Notice::RouteDown {
                    network,
                    peer,
                    last_heard,
                });
                self.route_changed(network, peer, false);
            }
            netft::Output::PeerFound { peer } => {
                self.notice(Notice::PeerFound { peer });
                middle!(
                    self,
                    membership,
                    handle,
                    membership::Input::PeerFound { peer }
                );
            }
            netft::Output::PeerLost {
                peer,
                last_heard,
                last_seen,
            } => {
                self.middle.last_seen[peer.index()] = last_seen;
                self.notice(Notice::PeerLost { peer, last_heard });
                middle!(
                    self,
                    membership,
                    handle,
                    membership::Input::PeerLost { peer }
                );
            }
            netft::Output::PeerSeen { peer, at } => self.middle.last_seen[peer.index()] = at,
            netft::Output::Publish { reachable } => self.bottom.reachable = reachable,
        }
    }

    fn route_changed(&mut self, network: NetworkId, peer: NodeId, up: bool) {
        let input = topology::Input::Route { network, peer, up };
        middle!(self, topology, handle, input);
    }

    pub(super) fn carry_topology(&mut self, output: topology::Output) {
        match output {
            topology::Output::Configure { peers, networks } => {
                let incarnation = self.middle.incarnation;
                let input = netft::Input::Configure {
                    incarnation,
                    peers,
                    networks,
                };
                bottom!(self, netft, handle, input);
            }
            topology::Output::Interface { network, up } => {
                top!(self, rcm, handle, rcm::Input::Interface { network, up });
            }
            topology::Output::Propose { changes } => {
                let ticket = TOPOLOGY_TICKET;
                middle!(self, gum, handle, gum::Input::Propose { ticket, changes });
            }
            topology::Output::Notice(notice) => self.notice(notice),
        }
    }

    pub(super) fn carry_security(&mut self, output: security::Output) {
        match output {
            security::Output::Send { to, message } => {
                let frame = Frame::Security(Arc::new(message));
                if let Some(network) = self.host.manager.path(to) {
                    let to = NodeSet::one(to);
                    self.effects.push(Effect::Send { network, to, frame });
                }
            }
            security::Output::Secured { peer, life } => {
                middle!(self, host, handle, host::Input::Secured { peer, life });
            }
            security::Output::Refused { peer, refusal } => {
                middle!(self, host, handle, host::Input::Unproven { peer, refusal });
            }
            security::Output::Publish { secured } => self.bottom.secured = secured,
        }
    }

    pub(super) fn interface(&mut self, network: NetworkId, up: bool) {
        self.notice(Notice::InterfaceChanged { network, up });
        bottom!(self, netft, handle, netft::Input::Interface { network, up });
        let input = topology::Input::Interface { network, up };
        middle!(self, topology, handle, input);
    }

    pub(crate) fn witness_disk(&self) -> Option<DiskId> {
        match self.middle.settings.witness {
            Witness::Disk(disk) => Some(disk),
            Witness::None | Witness::Share | Witness::Cloud => None,
        }
    }

    pub(super) fn carry_clusdisk(&mut self, output: clusdisk::Output) {
        match output {
            clusdisk::Output::Scsi { io, disk, command } => {
                self.effects.push(Effect::Scsi { io, disk, command });
            }
            clusdisk::Output::Reset { io, disk } => {
                self.effects.push(Effect::ScsiReset { io, disk });
            }
            clusdisk::Output::Publish { disk, fact } => {
                self.bottom.disks.insert(disk, fact);
            }
            clusdisk::Output::Notice(notice) => self.notice(notice),
            clusdisk::Output::Report(report) => {
                if Some(report.disk) == self.witness_disk() {
                    self.witness_report(&report);
                } else if report.is_transfer() {
                    self.transferred(&report);
                }
                let for_partitions = partmgr::Input::Disk {
                    report: report.clone(),
                };
                bottom!(self, partmgr, handle, for_partitions);
                let for_volume = csvfs::Input::Disk {
                    report: report.clone(),
                };
                bottom!(self, csvfs, handle, for_volume);
                top!(self, rcm, handle, rcm::Input::Disk { report });
            }
        }
    }

    pub(super) fn carry_partmgr(&mut self, output: partmgr::Output) {
        match output {
            partmgr::Output::Disk { disk, request } => {
                let input = clusdisk::Input::Request { disk, request };
                bottom!(self, clusdisk, handle, input);
            }
            partmgr::Output::Publish { disk, look } => {
                self.bottom.looks.insert(disk, look);
            }
            partmgr::Output::Notice(notice) => self.notice(notice),
        }
    }

    pub(super) fn carry_csvfs(&mut self, output: csvfs::Output) {
        match output {
            csvfs::Output::Disk { disk, request } => {
                let input = clusdisk::Input::Request { disk, request };
                bottom!(self, clusdisk, handle, input);
            }
            csvfs::Output::Send { to, message } => self.send_to_volume(to, message),
            csvfs::Output::Done { ticket, result } => {
                top!(self, rcm, handle, rcm::Input::VolumeIo { ticket, result });
            }
            csvfs::Output::Publish { disk, fact } => {
                self.bottom.volumes.insert(disk, fact);
            }
            csvfs::Output::Notice(notice) => self.notice(notice),
        }
    }

    fn witness_report(&mut self, report: &clusdisk::DiskReport) {
        use clusdisk::Report;
        let disk = report.disk;
        let (for_quorum, for_database) = match &report.report {
            Report::Held => (
                Some(quorum::Input::WitnessHeld),
                Some(database::Input::WitnessHeld { disk }),
            ),
            Report::ArbitrationLost { unreachable } => (
                Some(quorum::Input::WitnessLost {
                    unreachable: *unreachable,
                }),
                None,
            ),
            Report::Lost => (
                Some(quorum::Input::ReservationLost),
                Some(database::Input::WitnessReleased),
            ),
            Report::Released => (
                Some(quorum::Input::WitnessReleased),
                Some(database::Input::WitnessReleased),
            ),
            Report::Checked { .. }
            | Report::Attached { .. }
            | Report::Fenced
            | Report::Table { .. }
            | Report::SharedFile(_) => (None, None),
            Report::Read { .. } | Report::Written { .. } => return self.transferred(report),
        };
        if let Some(input) = for_quorum {
            middle!(self, quorum, handle, input);
        }
        if let Some(input) = for_database {
            middle!(self, database, handle, input);
        }
    }

    /// A read or write that database asked for has ended.
    fn transferred(&mut self, report: &clusdisk::DiskReport) {
        let (disk, report) = (report.disk, report.report.clone());
        let input = database::Input::WitnessReport { disk, report };
        middle!(self, database, handle, input);
    }

    pub(super) fn carry_share(&mut self, output: share::Output) {
        match output {
            share::Output::Share { io, request } => {
                self.effects.push(Effect::Share { io, request });
                return;
            }
            share::Output::Remembers { tag } => {
                let input = database::Input::ShareRemembers { tag };
                middle!(self, database, handle, input);
                return;
            }
            share::Output::Held { tag } if tag > Some(self.middle.tag) => {
                let event = ServiceEvent::ConfigurationOutdated;
                self.notice(Notice::OfService { event });
                bottom!(self, share, handle, share::Input::Release);
                let lost = quorum::Input::WitnessLost { unreachable: false };
                middle!(self, quorum, handle, lost);
                let report = share::Output::Lost { unreachable: false };
                top!(self, rcm, handle, rcm::Input::Share { report });
                return;
            }
            share::Output::Held { .. } => {
                let (tag, promised) = (self.middle.tag, self.middle.promised_tag());
                bottom!(self, share, handle, share::Input::Remember(promised));
                middle!(self, quorum, handle, quorum::Input::WitnessHeld);
                middle!(
                    self,
                    quorum,
                    handle,
                    quorum::Input::WitnessReconciled { tag }
                );
            }
            share::Output::Lost { unreachable } => {
                middle!(
                    self,
                    quorum,
                    handle,
                    quorum::Input::WitnessLost { unreachable }
                );
            }
            share::Output::Failed => {
                middle!(self, quorum, handle, quorum::Input::WitnessFailed);
            }
        }
        top!(self, rcm, handle, rcm::Input::Share { report: output });
    }

    pub(super) fn carry_txlog(&mut self, output: txlog::Output) {
        if let txlog::Output::Disk { io, request } = output {
            self.effects.push(Effect::Disk { io, request });
        } else {
            middle!(self, database, handle, database::Input::Log(output));
        }
    }

    pub(super) fn carry_database(&mut self, output: database::Output) {
        match output {
            database::Output::Log(input) => bottom!(self, txlog, handle, input),
            database::Output::Publish {
                hive,
                tag,
                applied,
                prepared,
                synchronised,
            } => {
                self.middle.synchronised = synchronised;
                self.publish_replica(hive, tag, applied, prepared);
            }
            database::Output::Opened => {
                self.configure();
                middle!(self, membership, handle, membership::Input::Start);
            }
            database::Output::Prepared { number } => {
                middle!(self, gum, handle, gum::Input::Prepared { number });
            }
            database::Output::Applied { update } => self.applied(update),
            database::Output::Replaced { objects } => {
                middle!(self, object, handle, object::Input::Replace { objects });
                self.adopt_objects();
            }
            database::Output::Installed => {
                let tag = self.middle.tag;
                self.notice(Notice::Reconciled { tag });
                middle!(self, gum, handle, gum::Input::Installed);
            }
            database::Output::LocalFailed { readable: true } => {
                let event = ServiceEvent::DatabaseNotWritten;
                self.notice(Notice::OfService { event });
                self.halt(HaltReason::DatabaseFailed);
            }
            database::Output::LocalFailed { readable: false } => {
                self.halt(HaltReason::DatabaseUnreadable);
            }
            database::Output::LeftBehind => self.halt(HaltReason::RemovedFromMembership),
            database::Output::WitnessReplica { tag, .. } => {
                middle!(
                    self,
                    quorum,
                    handle,
                    quorum::Input::WitnessReconciled { tag }
                );
            }
            database::Output::WitnessFailed => {
                let event = ServiceEvent::WitnessNotUpdated;
                self.notice(Notice::OfService { event });
                middle!(self, quorum, handle, quorum::Input::WitnessFailed);
                top!(self, rcm, handle, rcm::Input::WitnessFailed);
            }
            database::Output::WitnessRequest { disk, request } => {
                bottom!(
                    self,
                    clusdisk,
                    handle,
                    clusdisk::Input::Request { disk, request }
                );
            }
        }
    }

    fn publish_replica(
        &mut self,
        hive: Arc<database::Hive>,
        tag: base::PaxosTag,
        applied: u64,
        prepared: Option<database::Update>,
    ) {
        let changed = !Arc::ptr_eq(&hive, &self.middle.hive);
        let before = self.middle.promised_tag();
        let facts = &mut self.middle;
        (facts.hive, facts.tag, facts.applied, facts.prepared) = (hive, tag, applied, prepared);
        if changed {
            let settings = Settings::read(&self.middle.hive);
            if settings != *self.middle.settings {
                self.middle.settings = Arc::new(settings);
                self.configure();
                middle!(self, quorum, handle, quorum::Input::SettingsChanged);
                let input = membership::Input::SettingsChanged;
                middle!(self, membership, handle, input);
            }
        }
        let promised = self.middle.promised_tag();
        if promised != before && self.share.manager.is_held() {
            bottom!(self, share, handle, share::Input::Remember(promised));
        }
    }

    fn applied(&mut self, update: database::Update) {
        let persistent = |change: &database::Change| matches!(change, database::Change::Hive(_));
        if update.changes.iter().any(persistent) {
            let tag = self.middle.tag;
            self.notice(Notice::UpdateCommitted { tag });
        }
        let for_objects = object::Input::Applied {
            update: update.clone(),
        };
        middle!(self, object, handle, for_objects);
        // The tables are facts before anybody else hears of the update.
        self.adopt_objects();
        middle!(self, quorum, handle, quorum::Input::Applied);
        middle!(
            self,
            gum,
            handle,
            gum::Input::Applied {
                update: update.clone()
            }
        );
        top!(self, rcm, handle, rcm::Input::Applied { update });
    }

    /// Writes what object has just published.
    fn adopt_objects(&mut self) {
        while let Some(super::Hop::Object(_)) = self.hops.back() {
            if let Some(super::Hop::Object(output)) = self.hops.pop_back() {
                self.carry_object(output);
            }
        }
    }

    /// Tells topology, security and clusdisk what the settings say.
    fn configure(&mut self) {
        let settings = Arc::clone(&self.middle.settings);
        middle!(self, topology, handle, topology::Input::SettingsChanged);
        let names = settings.nodes.iter();
        let input = security::Input::Configure {
            cluster: settings.cluster_name.clone(),
            secret: settings.secret.clone(),
            level: settings.security_level,
            names: names.map(|(id, node)| (*id, node.name.clone())).collect(),
        };
        bottom!(self, security, handle, input);
        let input = clusdisk::Input::Configure {
            interval: settings.disk_arbitration_interval,
            challenge_wait: settings.disk_challenge_wait,
            settle_wait: settings.generation.defaults().disk_settle_wait,
            fence: settings.generation.defaults().disk_fence,
        };
        bottom!(self, clusdisk, handle, input);
    }
}
