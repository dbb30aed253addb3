//! MODE SENSE and MODE SELECT (SPC-4 6.11 to 6.14): caching, control, error recovery and
//! informational exceptions pages.

use scsi::{NexusId, asc, be16};

use super::{Call, DONE, Done};
use crate::attention::Attention;
use crate::reservation::Refusal;
use crate::store::Store;
use crate::target::Target;
use crate::unit::Unit;

/// What MODE SELECT can change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Modes {
    /// WCE: writes are acknowledged before they are durable.
    pub write_cache: bool,
    /// D_SENSE: sense data in descriptor format.
    pub descriptor_sense: bool,
    /// SWP: nothing may be written.
    pub write_protect: bool,
    /// TAS: commands that another nexus aborted end with TASK ABORTED instead of silence.
    pub aborted_status: bool,
}

impl Default for Modes {
    fn default() -> Self {
        Self {
            write_cache: true,
            descriptor_sense: false,
            write_protect: false,
            aborted_status: false,
        }
    }
}

/// PAGE CONTROL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Values {
    Current,
    Changeable,
    Default,
}

const PAGES: [u8; 4] = [0x01, 0x08, 0x0a, 0x1c];
const ALL_PAGES: u8 = 0x3f;

impl Modes {
    const EVERYTHING: Self = Self {
        write_cache: true,
        descriptor_sense: true,
        write_protect: true,
        aborted_status: true,
    };

    fn values(self, which: Values) -> Self {
        match which {
            Values::Current => self,
            Values::Changeable => Self::EVERYTHING,
            Values::Default => Self::default(),
        }
    }

    /// A page with its header. Where only changeable bits are asked for, all others are zero.
    fn page(self, code: u8, changeable: bool) -> Vec<u8> {
        let fixed = |byte: u8| if changeable { 0 } else { byte };
        let bit = |set: bool, bit: u8| if set { 1 << bit } else { 0 };
        match code {
            0x01 => vec![0x01, 10, fixed(0x80), 0, 0, 0, 0, 0, 0, 0, 0, 0],
            0x08 => {
                let mut page = vec![0; 20];
                (page[0], page[1], page[2]) = (0x08, 18, bit(self.write_cache, 2));
                page
            }
            0x0a => {
                // QUEUE ALGORITHM MODIFIER 1: the order of commands is the target's.
                let (sense, queue) = (bit(self.descriptor_sense, 2), fixed(0x10));
                let (protect, aborted) = (bit(self.write_protect, 3), bit(self.aborted_status, 6));
                vec![0x0a, 10, sense, queue, protect, aborted, 0, 0, 0, 0, 0, 0]
            }
            _ => vec![0x1c, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        }
    }

    /// Reads a page that differs from the current one in nothing but changeable bits.
    fn change(self, page: &[u8]) -> Option<Self> {
        let code = page.first()? & 0x3f;
        let current = self.page(code, false);
        let mask = Self::EVERYTHING.page(code, true);
        let fits = PAGES.contains(&code) && page.len() == current.len();
        let kept = |at: usize| (page[at] ^ current[at]) & !mask[at] == 0;
        if !fits || !(2..page.len()).all(kept) {
            return None;
        }
        let mut changed = self;
        match code {
            0x08 => changed.write_cache = page[2] & 0x04 != 0,
            0x0a => {
                changed.descriptor_sense = page[2] & 0x04 != 0;
                changed.write_protect = page[4] & 0x08 != 0;
                changed.aborted_status = page[5] & 0x40 != 0;
            }
            _ => {}
        }
        Some(changed)
    }
}

pub(super) fn sense<S>(unit: &Unit<S>, call: &mut Call<'_>) -> Done {
    let short = call.command.length() == 6;
    let which = match call.byte(2) >> 6 {
        0 => Values::Current,
        1 => Values::Changeable,
        2 => Values::Default,
        _ => return Err(asc::SAVING_PARAMETERS_NOT_SUPPORTED.into()),
    };
    let pages = pages(
        unit.modes.values(which),
        call.byte(2) & 0x3f,
        call.byte(3),
        which,
    )?;
    let descriptor = if call.byte(1) & 0x08 == 0 {
        block_descriptor(unit)
    } else {
        Vec::new()
    };
    // Write protected, and DPO and FUA are understood.
    let protected = unit.config.read_only || unit.modes.write_protect;
    let device = u8::from(protected) << 7 | 0x10;
    let length = descriptor.len() + pages.len();
    header(call.data_in, short, device, length, descriptor.len());
    call.data_in.extend(descriptor);
    call.data_in.extend(pages);
    let allocation = if short {
        u16::from(call.byte(4))
    } else {
        be16(call.cdb(), 7)
    };
    call.truncate(allocation)
}

/// The page asked for, or all; subpages are only those numbered zero.
fn pages(modes: Modes, code: u8, subpage: u8, which: Values) -> Result<Vec<u8>, Refusal> {
    let known = code == ALL_PAGES || PAGES.contains(&code);
    if !known || !matches!(subpage, 0 | 0xff) {
        return Err(super::commands::field(2));
    }
    let wanted = PAGES
        .into_iter()
        .filter(|it| code == ALL_PAGES || *it == code);
    Ok(wanted
        .flat_map(|code| modes.page(code, which == Values::Changeable))
        .collect())
}

fn header(out: &mut Vec<u8>, short: bool, device: u8, rest: usize, descriptor: usize) {
    let byte = |value: usize| u8::try_from(value).unwrap_or(u8::MAX);
    if short {
        out.extend([byte(rest + 3), 0, device, byte(descriptor)]);
    } else {
        let [high, low] = u16::try_from(rest + 6).unwrap_or(u16::MAX).to_be_bytes();
        out.extend([high, low, 0, device, 0, 0, 0, byte(descriptor)]);
    }
}

/// The short block descriptor: count, capped at 32 bits, and block size.
fn block_descriptor<S>(unit: &Unit<S>) -> Vec<u8> {
    let blocks = u32::try_from(unit.config.blocks).unwrap_or(u32::MAX);
    let mut descriptor = blocks.to_be_bytes().to_vec();
    descriptor.extend(unit.config.block_bytes.to_be_bytes());
    descriptor
}

const SAVE_PAGES: u8 = 0x01;
const PAGE_FORMAT: u8 = 0x10;

pub(super) fn select<S: Store>(target: &mut Target<S>, call: &Call<'_>) -> Done {
    if call.byte(1) & SAVE_PAGES != 0 || call.byte(1) & PAGE_FORMAT == 0 {
        return Err(super::commands::field(1));
    }
    let short = call.command.length() == 6;
    let length = if short {
        u16::from(call.byte(4))
    } else {
        be16(call.cdb(), 7)
    };
    let list = call.request.data_out.get(..usize::from(length));
    let list = list.ok_or(asc::PARAMETER_LIST_LENGTH_ERROR)?;
    let nexus = call.request.nexus;
    let others: Vec<NexusId> = target.attached().filter(|it| *it != nexus).collect();
    let unit = target
        .unit_mut(call.request.lun)
        .ok_or(asc::UNSUPPORTED_UNIT)?;
    let changed = parse(unit, list, short)?;
    if changed != unit.modes {
        unit.modes = changed;
        others
            .into_iter()
            .for_each(|it| unit.tell(it, Attention::ModeParametersChanged));
    }
    DONE
}

/// Header, block descriptor, pages; nothing is changed unless all of it is right.
fn parse<S>(unit: &Unit<S>, list: &[u8], short: bool) -> Result<Modes, Refusal> {
    let mut modes = unit.modes;
    if list.is_empty() {
        return Ok(modes);
    }
    let head = if short { 4 } else { 8 };
    let descriptor = if short {
        list.get(3).copied().map(usize::from)
    } else {
        list.get(..8).map(|_| usize::from(be16(list, 6)))
    };
    let descriptor = descriptor.ok_or(asc::PARAMETER_LIST_LENGTH_ERROR)?;
    let mut rest = list
        .get(head + descriptor..)
        .ok_or(asc::PARAMETER_LIST_LENGTH_ERROR)?;
    let told = &list[head..head + descriptor];
    if !told.is_empty() && told.get(4..8) != block_descriptor(unit).get(4..8) {
        return Err(asc::INVALID_FIELD_IN_PARAMETER_LIST.into());
    }
    while let [_, length, ..] = *rest {
        let length = usize::from(length) + 2;
        let page = rest.get(..length).ok_or(asc::PARAMETER_LIST_LENGTH_ERROR)?;
        modes = modes
            .change(page)
            .ok_or(asc::INVALID_FIELD_IN_PARAMETER_LIST)?;
        rest = &rest[length..];
    }
    if rest.is_empty() {
        Ok(modes)
    } else {
        Err(asc::PARAMETER_LIST_LENGTH_ERROR.into())
    }
}
