//! Cutting a byte stream into PDUs and putting PDUs into one, with digests.

use super::pdu::{HEADER_BYTES, Header};

/// How PDUs of one direction are framed. Digests begin after login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Framing {
    /// CRC32C after header and additional header.
    pub header_digest: bool,
    /// CRC32C after a data segment.
    pub data_digest: bool,
}

/// A PDU as it stands in the stream.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The basic header segment.
    pub header: Header,
    /// The data segment without padding.
    pub data: &'a [u8],
    /// How many bytes of the stream it takes.
    pub length: usize,
}

/// Why a stream cannot be cut further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The header digest is wrong, so nothing in the header can be trusted.
    #[error("the header digest is wrong")]
    HeaderDigest,
    /// The data digest is wrong.
    #[error("the data digest of a PDU is wrong")]
    DataDigest(Header),
    /// The data segment is longer than the receiver said it takes.
    #[error("the data segment is longer than the receiver said it takes")]
    TooLong(Header),
}

/// What cutting found.
#[derive(Debug, Clone, Copy)]
pub enum Cut<'a> {
    /// A whole PDU at the front.
    Frame(Frame<'a>),
    /// So many bytes, from the front, are needed before it can be said more.
    Need(usize),
}

const DIGEST: usize = 4;

impl Framing {
    /// The PDU at the front of `bytes`, whose data segment may be `data_max` long.
    pub fn cut<'a>(&self, bytes: &'a [u8], data_max: usize) -> Result<Cut<'a>, FrameError> {
        let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else {
            return Ok(Cut::Need(HEADER_BYTES));
        };
        let header = Header(*header);
        let head = HEADER_BYTES + header.additional_bytes();
        let head_end = head + if self.header_digest { DIGEST } else { 0 };
        let Some(head_bytes) = bytes.get(..head_end) else {
            return Ok(Cut::Need(head_end));
        };
        if self.header_digest && !is_right(head_bytes) {
            return Err(FrameError::HeaderDigest);
        }
        let data_length = header.data_bytes();
        if data_length > data_max {
            return Err(FrameError::TooLong(header));
        }
        let data_end = head_end + data_length.next_multiple_of(4);
        let digested = self.data_digest && data_length > 0;
        let length = data_end + if digested { DIGEST } else { 0 };
        let Some(rest) = bytes.get(head_end..length) else {
            return Ok(Cut::Need(length));
        };
        if digested && !is_right(rest) {
            return Err(FrameError::DataDigest(header));
        }
        Ok(Cut::Frame(Frame {
            header,
            data: &rest[..data_length],
            length,
        }))
    }

    /// How many bytes stand between a header and its data.
    pub fn gap(&self) -> usize {
        if self.header_digest { DIGEST } else { 0 }
    }

    /// How many bytes a PDU with so much data takes.
    pub fn pdu_bytes(&self, data: usize) -> usize {
        let digest = if self.data_digest && data > 0 {
            DIGEST
        } else {
            0
        };
        HEADER_BYTES + self.gap() + data.next_multiple_of(4) + digest
    }

    /// Finishes a PDU whose header place is at `at` in `out` and whose data, if any, follows the
    /// gap and ends with `out`: writes the header, padding and digests.
    pub fn finish(&self, out: &mut Vec<u8>, at: usize, header: Header) {
        let data = out.len() - (at + HEADER_BYTES + self.gap());
        out.resize(at + self.pdu_bytes(data), 0);
        self.seal(&mut out[at..], header, data);
    }

    /// Writes header, padding and digests around so much data.
    fn seal(&self, pdu: &mut [u8], mut header: Header, data: usize) {
        let start = HEADER_BYTES + self.gap();
        let padded = start + data.next_multiple_of(4);
        header.set_data_bytes(data);
        pdu[..HEADER_BYTES].copy_from_slice(&header.0);
        if self.header_digest {
            let digest = crc32c::crc32c(&header.0).to_le_bytes();
            pdu[HEADER_BYTES..start].copy_from_slice(&digest);
        }
        pdu[start + data..padded].fill(0);
        if self.data_digest && data > 0 {
            let digest = crc32c::crc32c(&pdu[start..padded]).to_le_bytes();
            pdu[padded..padded + DIGEST].copy_from_slice(&digest);
        }
    }

    /// Appends the header, with its digest, of a PDU with so much data.
    pub fn put_header(&self, out: &mut Vec<u8>, mut header: Header, data: usize) {
        header.set_data_bytes(data);
        out.extend_from_slice(&header.0);
        if self.header_digest {
            out.extend_from_slice(&crc32c::crc32c(&header.0).to_le_bytes());
        }
    }

    /// Appends what follows the data of a PDU that lies in `out`: padding and digest.
    pub fn put_tail(&self, out: &mut Vec<u8>, data: std::ops::Range<usize>) {
        let padding = data.len().next_multiple_of(4) - data.len();
        let digested = self.data_digest && !data.is_empty();
        let digest = digested.then(|| {
            let digest = crc32c::crc32c(&out[data]);
            crc32c::crc32c_append(digest, &[0; 3][..padding])
        });
        out.extend_from_slice(&[0; 3][..padding]);
        out.extend(digest.into_iter().flat_map(u32::to_le_bytes));
    }

    /// Appends a PDU.
    pub fn put(&self, out: &mut Vec<u8>, header: Header, data: &[u8]) {
        let at = self.start(out);
        out.extend_from_slice(data);
        self.finish(out, at, header);
    }

    /// Makes room for a header, and says where.
    pub fn start(&self, out: &mut Vec<u8>) -> usize {
        let at = out.len();
        out.resize(at + HEADER_BYTES + self.gap(), 0);
        at
    }
}

/// Whether the last four bytes are the digest of those before.
fn is_right(bytes: &[u8]) -> bool {
    match bytes.split_last_chunk::<DIGEST>() {
        Some((body, digest)) => crc32c::crc32c(body) == u32::from_le_bytes(*digest),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pdu::Opcode;
    use super::*;

    proptest! {
        #[test]
        fn what_is_put_is_cut_again(
            data in prop::collection::vec(any::<u8>(), 0..100),
            header_digest: bool,
            data_digest: bool,
            cut in 0_usize..200,
        ) {
            let framing = Framing { header_digest, data_digest };
            let mut out = Vec::new();
            framing.put(&mut out, Header::new(Opcode::NopOut, 0x80, 7), &data);
            match framing.cut(&out[..cut.min(out.len())], 100).unwrap() {
                Cut::Need(length) => prop_assert!(length > cut && length <= out.len()),
                Cut::Frame(frame) => {
                    prop_assert_eq!(frame.data, &data[..]);
                    prop_assert_eq!(frame.length, out.len());
                }
            }
        }

        #[test]
        fn one_flipped_bit_is_noticed(
            data in prop::collection::vec(any::<u8>(), 1..50),
            at in 0_usize..500,
            bit in 0_u8..8,
        ) {
            let framing = Framing { header_digest: true, data_digest: true };
            let mut out = Vec::new();
            framing.put(&mut out, Header::new(Opcode::NopOut, 0x80, 7), &data);
            let at = at % out.len();
            out[at] ^= 1 << bit;
            let intact = matches!(framing.cut(&out, 4096), Ok(Cut::Frame(_)));
            prop_assert!(!intact);
        }
    }
}
