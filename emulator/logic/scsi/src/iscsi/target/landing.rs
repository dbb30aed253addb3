//! Long data segments of writes, received straight to where they belong.
//!
//! Data that has come into the reader's buffer is copied from there; of a long segment most has
//! not come yet, and is read from the socket into the command's own buffer. Without a data digest
//! only: with one the segment is looked at as a whole before any of it counts.

use super::super::pdu::{HEADER_BYTES, Header, Opcode};
use super::{Session, Step};

/// Segments up to this are not worth it.
const SHORT_BYTES: usize = 8 << 10;

/// A data segment on its way in.
#[derive(Debug)]
pub(super) struct Landing {
    header: Header,
    /// How many of its bytes have come.
    got: usize,
}

impl Session {
    /// Begins to land the PDU at the front, which has not come whole. Returns how many bytes are
    /// taken: all there are. `None`: it is to be received as a whole.
    pub(super) fn begin_landing(&mut self, bytes: &[u8]) -> Option<usize> {
        let header = Header(*bytes.first_chunk::<HEADER_BYTES>()?);
        let length = header.data_bytes();
        let plain = header.additional_bytes() == 0 && length.is_multiple_of(4);
        let long = length > SHORT_BYTES && header.opcode() == Some(Opcode::DataOut);
        if !plain || !long || self.framing.data_digest {
            return None;
        }
        // A header digest was checked when the header was complete.
        let here = bytes.get(HEADER_BYTES + self.framing.gap()..)?;
        let first_burst = usize::try_from(self.parameters.first_burst_bytes).unwrap_or(usize::MAX);
        let transfer = self.transfers.get_mut(&header.task_tag())?;
        if !transfer.fits(&header, length, first_burst) {
            return None;
        }
        let room = transfer.room(length);
        room.get_mut(..here.len())?.copy_from_slice(here);
        self.landing = Some(Landing {
            header,
            got: here.len(),
        });
        Some(bytes.len())
    }

    /// Where the next bytes of the stream belong, when a long data segment is on its way in. What
    /// is put there is told by [`Self::landed`] and does not go to [`Self::step`].
    pub fn landing(&mut self) -> Option<&mut [u8]> {
        let landing = self.landing.as_ref()?;
        let length = landing.header.data_bytes();
        match self.transfers.get_mut(&landing.header.task_tag()) {
            Some(transfer) => transfer.room(length).get_mut(landing.got..),
            // Aborted meanwhile: what still comes of it goes nowhere.
            None => {
                self.lost.resize(length, 0);
                self.lost.get_mut(landing.got..)
            }
        }
    }

    /// So many bytes were put where they belong.
    pub fn landed(&mut self, bytes: usize) {
        if let Some(landing) = &mut self.landing {
            landing.got += bytes;
        }
    }

    /// Goes on when the segment is complete.
    pub(super) fn land<'a>(&mut self) -> Step<'a> {
        let complete = |landing: &mut Landing| landing.got >= landing.header.data_bytes();
        let Some(landing) = self.landing.take_if(complete) else {
            return Step::Need(0);
        };
        self.lost = Vec::new();
        match self.transfers.get_mut(&landing.header.task_tag()) {
            Some(transfer) => {
                transfer.count(landing.header.data_bytes());
                self.data_came(&landing.header)
            }
            None => Step::Handled,
        }
    }
}
