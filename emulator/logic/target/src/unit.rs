//! One logical unit: blocks, reservations, what waits for whom, what is broken.

use std::collections::BTreeSet;

use scsi::{NexusId, Sense, SenseKey, asc};

use crate::attention::{Attention, Attentions};
use crate::config::{PortId, UnitConfig};
use crate::device::{CopyResult, Modes, PathState, Sanitizing};
use crate::fault::Faults;
use crate::reservation::{Guard, Refusal, Reservations};
use crate::store::StoreError;

/// Whether the medium can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Medium {
    /// Loaded.
    #[default]
    Ready,
    /// Taken out.
    Ejected,
}

/// One logical unit.
#[derive(Debug, Clone)]
pub(crate) struct Unit<S> {
    pub config: UnitConfig,
    pub store: S,
    pub reservations: Reservations,
    /// Who holds the unit by RESERVE of SPC-2.
    pub reserved: Option<NexusId>,
    /// By nexus number.
    attentions: Vec<Attentions>,
    pub faults: Faults,
    pub medium: Medium,
    /// Who prevents the medium from being taken out.
    pub prevented_by: BTreeSet<NexusId>,
    /// The saved reservations could not be read or written: fail closed.
    pub reservations_unknown: bool,
    pub modes: Modes,
    /// By target port; those beyond the end are active and optimized.
    paths: Vec<PathState>,
    /// A sanitize under way or failed.
    pub sanitizing: Option<Sanitizing>,
    /// The last EXTENDED COPY.
    pub copied: Option<CopyResult>,
}

impl<S> Unit<S> {
    pub(crate) fn new(config: UnitConfig, store: S) -> Self {
        Self {
            config,
            store,
            reservations: Reservations::default(),
            reserved: None,
            attentions: Vec::new(),
            faults: Faults::default(),
            medium: Medium::Ready,
            prevented_by: BTreeSet::new(),
            reservations_unknown: false,
            modes: Modes::default(),
            paths: Vec::new(),
            sanitizing: None,
            copied: None,
        }
    }

    /// The queue of a nexus, made when first used.
    pub(crate) fn attentions(&mut self, nexus: NexusId) -> &mut Attentions {
        let at = nexus.0 as usize;
        if at >= self.attentions.len() {
            self.attentions.resize(at + 1, Attentions::default());
        }
        &mut self.attentions[at]
    }

    pub(crate) fn tell(&mut self, nexus: NexusId, attention: Attention) {
        self.attentions(nexus).push(attention);
    }

    /// Takes the oldest attention that waits for a nexus.
    pub(crate) fn take_attention(&mut self, nexus: NexusId) -> Option<Attention> {
        let waiting = self.attentions.get_mut(nexus.0 as usize)?;
        if waiting.is_empty() {
            None
        } else {
            waiting.take()
        }
    }

    /// A number that another initiator port has had before starts afresh.
    pub(crate) fn forget(&mut self, nexus: NexusId) {
        if let Some(waiting) = self.attentions.get_mut(nexus.0 as usize) {
            waiting.clear();
        }
    }

    /// Whether reservations of either kind stop a command (fact sheet section 7).
    pub(crate) fn guard(&self, nexus: NexusId, guard: Guard) -> Result<(), Refusal> {
        let by_reserve = self.reserved.is_some_and(|owner| owner != nexus)
            && matches!(guard, Guard::Query | Guard::Read | Guard::Write);
        if by_reserve || self.reservations.stops(nexus, guard) {
            return Err(Refusal::Conflict);
        }
        Ok(())
    }

    /// Whether the unit answers to commands for its medium.
    pub(crate) fn ready(&self) -> Result<(), Refusal> {
        let not_ready = |additional| Err(Sense::new(SenseKey::NotReady, additional).into());
        if self.reservations_unknown || self.faults.offline {
            return not_ready(asc::NOT_READY);
        }
        match self.medium {
            Medium::Ready => Ok(()),
            Medium::Ejected => not_ready(asc::MEDIUM_NOT_PRESENT),
        }
    }

    /// What the unit does for commands that come through a port.
    pub(crate) fn path(&self, port: PortId) -> PathState {
        self.paths
            .get(usize::from(port.0))
            .copied()
            .unwrap_or_default()
    }

    pub(crate) fn set_path(&mut self, port: PortId, state: PathState) {
        let at = usize::from(port.0);
        if at >= self.paths.len() {
            self.paths.resize(at + 1, PathState::default());
        }
        self.paths[at] = state;
    }

    /// What every reset does to a unit: SPC-2 reservations and preventions go, persistent
    /// reservations stay (fact sheet section 10).
    pub(crate) fn reset(&mut self) {
        self.reserved = None;
        self.prevented_by.clear();
        self.modes = Modes::default();
    }

    /// The nexus is gone for now.
    pub(crate) fn lose_nexus(&mut self, nexus: NexusId) {
        if self.reserved == Some(nexus) {
            self.reserved = None;
        }
        self.prevented_by.remove(&nexus);
    }
}

/// The sense of a failed access to the blocks.
pub(crate) fn medium_sense(error: StoreError) -> Sense {
    match error {
        StoreError::Read => Sense::new(SenseKey::MediumError, asc::UNRECOVERED_READ_ERROR),
        StoreError::Write => Sense::new(SenseKey::MediumError, asc::WRITE_ERROR),
        StoreError::Full => Sense::new(SenseKey::DataProtect, asc::SPACE_ALLOCATION_FAILED),
    }
}
