//! Bytes read from a connection and not yet done with.

use std::io::{self, IoSliceMut, Read};

/// What is read at once, and room for a few of the longest PDUs.
const BUFFER_BYTES: usize = 1 << 20;
/// What is read at once where long data is received straight to where it belongs: a header, and
/// little of the data behind it.
const SIP_BYTES: usize = 4 << 10;

/// Bytes read and not yet done with.
#[derive(Debug)]
pub(crate) struct Input {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Long data has landed of late, so more may follow.
    sips: bool,
}

impl Input {
    pub(crate) fn new() -> Self {
        Self {
            bytes: vec![0; BUFFER_BYTES],
            start: 0,
            end: 0,
            sips: false,
        }
    }

    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// So many bytes are done with.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.start += bytes;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }

    /// Makes room for `need` bytes from the front of what is left, and for something more.
    pub(crate) fn make_room(&mut self, need: usize) {
        if self.start + need.max(SIP_BYTES) > self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if need > self.bytes.len() {
            self.bytes.resize(need, 0);
        }
        // What is needed is more than a sip: no long data lands here.
        if need > self.end - self.start + SIP_BYTES {
            self.sips = false;
        }
    }

    /// Reads into `landing` first, then into the buffer. Returns how many bytes there were, and
    /// how many of them are in `landing`.
    pub(crate) fn read(
        &mut self,
        stream: &mut impl Read,
        landing: Option<&mut [u8]>,
    ) -> io::Result<(usize, usize)> {
        let room = &mut self.bytes[self.end..];
        let Some(landing) = landing else {
            let most = if self.sips {
                room.len().min(SIP_BYTES)
            } else {
                room.len()
            };
            let count = stream.read(&mut room[..most])?;
            self.end += count;
            // A whole sip that brought no long data: there is more, and it is short.
            self.sips &= count < SIP_BYTES;
            return Ok((count, 0));
        };
        self.sips = true;
        let wanted = landing.len();
        let most = room.len().min(SIP_BYTES);
        let mut places = [IoSliceMut::new(landing), IoSliceMut::new(&mut room[..most])];
        let count = stream.read_vectored(&mut places)?;
        let landed = count.min(wanted);
        self.end += count - landed;
        Ok((count, landed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_there_until_it_is_done_with() {
        let mut input = Input::new();
        let mut stream = &b"abcdef"[..];
        assert_eq!(input.read(&mut stream, None).expect("read"), (6, 0));
        input.consume(2);
        assert_eq!(input.filled(), b"cdef");
        input.consume(4);
        assert_eq!(input.filled(), b"");
    }

    #[test]
    fn long_data_goes_where_it_belongs_and_the_rest_to_the_buffer() {
        let mut input = Input::new();
        let mut stream = &b"datanext"[..];
        let mut landing = [0; 4];
        let read = input.read(&mut stream, Some(&mut landing)).expect("read");
        assert_eq!(read, (8, 4));
        assert_eq!((&landing, input.filled()), (b"data", &b"next"[..]));
    }

    #[test]
    fn room_is_made_for_a_pdu_longer_than_the_buffer() {
        let mut input = Input::new();
        let bytes = vec![7; BUFFER_BYTES];
        input.read(&mut &bytes[..], None).expect("read");
        input.consume(10);
        input.make_room(2 * BUFFER_BYTES);
        input.read(&mut &bytes[..], None).expect("read");
        assert_eq!(input.filled().len(), 2 * BUFFER_BYTES - 10);
    }

    #[test]
    fn after_long_data_only_sips_are_taken_until_one_is_full() {
        let mut input = Input::new();
        let mut landing = [0; 1];
        input
            .read(&mut &[1_u8][..], Some(&mut landing))
            .expect("read");
        let bytes = vec![7; BUFFER_BYTES];
        assert_eq!(
            input.read(&mut &bytes[..], None).expect("read").0,
            SIP_BYTES
        );
        let next = input.read(&mut &bytes[..], None).expect("read").0;
        assert_eq!(next, BUFFER_BYTES - SIP_BYTES);
    }
}
