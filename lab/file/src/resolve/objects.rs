//! Expectations on volumes, networks and adapters.

use base::{InterfaceState, NetworkState};

use super::expectation::{Expecting, wrong_state};
use super::scenario::resource;
use super::selector::Domain;
use crate::model::{Claim, ResourceKind, VolumeWord};
use crate::rule::Rule;
use crate::syntax::{At, Decoder, StateWord};

impl Expecting<'_> {
    /// The state that the expectation names; reports that there is none.
    fn word(&self, decoder: &mut Decoder<'_>) -> Option<&At<StateWord>> {
        if self.spec.is.is_none() {
            self.says_nothing("is", decoder);
        }
        self.spec.is.as_ref()
    }

    pub(super) fn volume(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let given = self.spec.volume.as_ref()?;
        let (group, resource) = resource(given, self.selecting, decoder)?;
        let known = self.selecting.lab.group(&group);
        let disk = known.and_then(|group| group.resource(&resource));
        let is_volume =
            |kind: &ResourceKind| matches!(kind, ResourceKind::ClusterSharedVolume { .. });
        if disk.is_some_and(|disk| !is_volume(&disk.kind)) {
            let message = format!("`{group}/{resource}` is no cluster-shared-volume");
            decoder
                .sink
                .error(Rule::BadExpectation, given.span, message);
        }
        let word = self.word(decoder)?;
        let is = match word.value {
            StateWord::Offline => VolumeWord::Offline,
            StateWord::Direct => VolumeWord::Direct,
            StateWord::FileSystemRedirected => VolumeWord::FileSystemRedirected,
            StateWord::BlockRedirected => VolumeWord::BlockRedirected,
            StateWord::Paused => VolumeWord::Paused,
            StateWord::InMaintenance => VolumeWord::Maintenance,
            StateWord::Inaccessible => VolumeWord::Inaccessible,
            StateWord::DiskFailed => VolumeWord::DiskFailed,
            _ => {
                let allowed = "direct, file-system-redirected, block-redirected, paused, \
                               in-maintenance, inaccessible, disk-failed, offline";
                return wrong_state(word, "a volume", allowed, decoder);
            }
        };
        let nodes = self.nodes(self.spec.node.as_ref(), decoder);
        Some(Claim::Volume {
            group,
            resource,
            nodes,
            is,
        })
    }

    pub(super) fn network(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let networks = self.spec.network.as_ref()?;
        let networks = self.selecting.check(networks, Domain::Networks, decoder);
        let word = self.word(decoder)?;
        let is = match word.value {
            StateWord::Up => NetworkState::Up,
            StateWord::Down => NetworkState::Down,
            StateWord::Partitioned => NetworkState::Partitioned,
            StateWord::Unavailable => NetworkState::Unavailable,
            _ => {
                let allowed = "up, down, partitioned, unavailable";
                return wrong_state(word, "a network", allowed, decoder);
            }
        };
        Some(Claim::Network { networks, is })
    }

    pub(super) fn nic(&self, decoder: &mut Decoder<'_>) -> Option<Claim> {
        let nics = self.spec.nic.as_ref()?;
        let nics = self.selecting.check_nics(&nics.value.0, nics.span, decoder);
        let word = self.word(decoder)?;
        let is = match word.value {
            StateWord::Up => InterfaceState::Up,
            StateWord::Failed => InterfaceState::Failed,
            StateWord::Unreachable => InterfaceState::Unreachable,
            StateWord::Unavailable => InterfaceState::Unavailable,
            _ => {
                let allowed = "up, failed, unreachable, unavailable";
                return wrong_state(word, "an adapter", allowed, decoder);
            }
        };
        Some(Claim::Nic { nics, is })
    }
}
