//! Control codes: a resource's own program answers first, the cluster service where it declines.
//!
//! Facts: reference sections 1.3 (characteristics, classes), 1.4 (ERROR_INVALID_FUNCTION asks for
//! default handling) and 1.5 (a control code that does not return is a deadlock as well). Numbers
//! are those of the product's metadata (source RS). Numbers in answers are little-endian DWORDs and
//! texts UTF-16 with a final zero, as in the product; property lists are not built.

use base::{CallId, NodeId, ResourceId};

use super::commands::{Origin, Refusal};
use super::resource::{Entry, Place, Timer};
use super::turn::Turn;
use super::{EntryPoint, EntryResult, Rcm};
use crate::api::{AdminReply, code};
use crate::restype::{ResourceKind, Runner};

/// Longest input and output of a control code, in bytes.
const CONTROL_BYTES_MAX: usize = 65_536;
/// ERROR_INVALID_FUNCTION: the program leaves the code to the cluster service.
const INVALID_FUNCTION: u32 = 1;

/// CLUSCTL_RESOURCE_GET_CHARACTERISTICS
const GET_CHARACTERISTICS: u32 = 0x0100_0005;
/// CLUSCTL_RESOURCE_GET_CLASS_INFO
const GET_CLASS_INFO: u32 = 0x0100_000D;
/// CLUSCTL_RESOURCE_GET_REQUIRED_DEPENDENCIES
const GET_REQUIRED_DEPENDENCIES: u32 = 0x0100_0011;
/// CLUSCTL_RESOURCE_GET_NAME
const GET_NAME: u32 = 0x0100_0029;
/// CLUSCTL_RESOURCE_GET_RESOURCE_TYPE
const GET_RESOURCE_TYPE: u32 = 0x0100_002D;
/// CLUSCTL_RESOURCE_GET_ID
const GET_ID: u32 = 0x0100_0039;
/// CLUSCTL_RESOURCE_TYPE_GET_ARB_TIMEOUT
const GET_ARB_TIMEOUT: u32 = 0x0200_0015;
/// Codes of types carry this object number in their top byte, codes of resources a one.
pub(super) const OF_TYPES: u32 = 0x0200_0000;

/// A control code that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Control {
    pub origin: Origin,
    pub code: u32,
    pub input: Vec<u8>,
    /// The entry point was called.
    pub called: bool,
}

impl Rcm {
    /// Judges a control code before it is taken on.
    pub(super) fn judge_control(&self, id: ResourceId, input: &[u8]) -> Result<(), Refusal> {
        if input.len() > CONTROL_BYTES_MAX {
            let reason = format!("a control code takes at most {CONTROL_BYTES_MAX} bytes");
            return Err(Refusal(code::INVALID_PARAMETER, reason));
        }
        match self.resources.get(&id) {
            Some(record) if record.control.is_some() => {
                let reason = format!("another control code of resource {id} is under way");
                Err(Refusal(code::BUSY, reason))
            }
            _ => Ok(()),
        }
    }

    /// Takes a control code on; the answer follows.
    pub(super) fn control(
        &mut self,
        turn: &mut Turn<'_, '_>,
        origin: Origin,
        id: ResourceId,
        code: u32,
        input: Vec<u8>,
    ) {
        let open = self.is_instance_open(id);
        let control = Control {
            origin,
            code,
            input,
            called: false,
        };
        match self.resources.get_mut(&id) {
            Some(record) if open => {
                record.control = Some(control);
                self.pump(turn, id);
            }
            // Nothing of it runs here: the cluster service answers what it can.
            _ => self.answer_by_default(turn, id, &control),
        }
    }

    fn is_instance_open(&self, id: ResourceId) -> bool {
        let place = self.resources.get(&id).map(|record| record.place);
        match place {
            Some(Place::Host(host)) => self
                .hosts
                .get(&host)
                .is_some_and(|host| host.opened.contains(&id)),
            Some(Place::Disk(_) | Place::Share) | None => false,
        }
    }

    /// Calls the entry point for a control code that waits.
    pub(super) fn call_control(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let Some(control) = self
            .resources
            .get_mut(&id)
            .and_then(|record| record.control.as_mut())
            .filter(|control| !control.called)
        else {
            return;
        };
        control.called = true;
        let (code, input) = (control.code, control.input.clone());
        let point = if code >= OF_TYPES {
            EntryPoint::ResourceTypeControl { code, input }
        } else {
            EntryPoint::ResourceControl { code, input }
        };
        self.call(turn, id, Entry::Control, point);
    }

    /// A control code was carried out by the resource's program.
    pub(super) fn control_returned(
        &mut self,
        turn: &mut Turn<'_, '_>,
        id: ResourceId,
        call: CallId,
        output: Vec<u8>,
    ) {
        let Some(record) = self.resources.get_mut(&id) else {
            return;
        };
        if record.call.is_some_and(|known| known.id == call) {
            record.call = None;
            record.clear(Timer::Call);
            self.controlled(turn, id, EntryResult::Success, output);
            self.arm_resource(id);
            self.pump(turn, id);
        }
    }

    /// The entry point for a control code has ended.
    pub(super) fn controlled(
        &mut self,
        turn: &mut Turn<'_, '_>,
        id: ResourceId,
        result: EntryResult,
        mut output: Vec<u8>,
    ) {
        let record = self.resources.get_mut(&id);
        let Some(control) = record.and_then(|record| record.control.take()) else {
            return;
        };
        match result {
            EntryResult::Failure {
                code: INVALID_FUNCTION,
            } => self.answer_by_default(turn, id, &control),
            EntryResult::Failure { code } => {
                let reason = format!("resource {id} refused control code {:#010x}", control.code);
                self.refuse(turn, control.origin, Refusal(code, reason));
            }
            EntryResult::Success | EntryResult::Watched | EntryResult::Pending => {
                output.truncate(CONTROL_BYTES_MAX);
                super::commands::answer(turn, control.origin, AdminReply::Data { bytes: output });
            }
        }
    }

    /// The host of a resource is gone, and with it a control code that it worked on.
    pub(super) fn control_lost(&mut self, turn: &mut Turn<'_, '_>, id: ResourceId) {
        let record = self.resources.get_mut(&id);
        if let Some(control) = record.and_then(|record| record.control.take()) {
            let reason = format!("the call to resource {id} timed out or its host ended");
            let refusal = Refusal(code::RESOURCE_CALL_TIMED_OUT, reason);
            self.refuse(turn, control.origin, refusal);
        }
    }

    fn answer_by_default(&self, turn: &mut Turn<'_, '_>, id: ResourceId, control: &Control) {
        match self.default_answer(id, control.code) {
            Some(bytes) => {
                super::commands::answer(turn, control.origin, AdminReply::Data { bytes });
            }
            None => {
                let reason = format!("nobody handles control code {:#010x}", control.code);
                self.refuse(turn, control.origin, Refusal(INVALID_FUNCTION, reason));
            }
        }
    }

    fn default_answer(&self, id: ResourceId, code: u32) -> Option<Vec<u8>> {
        let settings = self.model.resources.get(&id)?;
        let kind = settings.kind();
        let of_resource = if code >= OF_TYPES {
            code - OF_TYPES + 0x0100_0000
        } else {
            code
        };
        match of_resource {
            _ if code == GET_ARB_TIMEOUT => Some(dword(ARBITRATION_TIMEOUT_SECONDS)),
            GET_CHARACTERISTICS => Some(dword(characteristics(kind))),
            GET_CLASS_INFO => Some([dword(class(kind)), dword(0)].concat()),
            GET_REQUIRED_DEPENDENCIES => Some(required(kind)),
            GET_NAME if code < OF_TYPES => Some(text(&settings.name)),
            GET_RESOURCE_TYPE if code < OF_TYPES => Some(text(kind.label())),
            GET_ID if code < OF_TYPES => Some(text(&id.to_string())),
            _ => None,
        }
    }

    /// A resource of the type that runs on this node; its host answers for the type.
    pub(super) fn of_type(&self, turn: &Turn<'_, '_>, label: &str) -> Option<ResourceId> {
        let kind = ResourceKind::from_label(label)?;
        let here: NodeId = turn.me();
        self.model
            .resources
            .iter()
            .filter(|(_, settings)| settings.kind() == kind)
            .map(|(id, settings)| (id, self.owners.get(&settings.group) == Some(&here)))
            .max_by_key(|(id, here)| (*here, std::cmp::Reverse(**id)))
            .map(|(id, _)| *id)
    }
}

/// CLUSCTL_RESOURCE_TYPE_GET_ARB_TIMEOUT: documented default 60 s.
const ARBITRATION_TIMEOUT_SECONDS: u32 = 60;

/// CLUS_CHAR_*: quorum-capable 1, one per group 0x80.
fn characteristics(kind: ResourceKind) -> u32 {
    let quorum_capable = kind.runner() != Runner::Host;
    u32::from(quorum_capable) | (u32::from(kind.is_one_per_group()) << 7)
}

/// CLUSTER_RESOURCE_CLASS: storage 1, network 2, otherwise unknown 0.
fn class(kind: ResourceKind) -> u32 {
    match kind {
        ResourceKind::PhysicalDisk => 1,
        ResourceKind::IpAddress
        | ResourceKind::Ipv6Address
        | ResourceKind::NetworkName
        | ResourceKind::DistributedNetworkName => 2,
        _ => 0,
    }
}

/// The labels of the required types, each as a text; an empty list where nothing is required.
fn required(kind: ResourceKind) -> Vec<u8> {
    let labels = kind.requires().iter().filter_map(|needs| needs.first());
    labels.flat_map(|kind| text(kind.label())).collect()
}

fn dword(number: u32) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

fn text(text: &str) -> Vec<u8> {
    text.encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect()
}
