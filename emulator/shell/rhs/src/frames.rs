//! Frames on streams between processes of ours: a length of four bytes, then so many bytes.

use std::io::{self, Read, Write};

use wire::{Codec, FRAME_LEN_MAX};

/// Reads one value; `None` when the stream ends before one begins.
///
/// # Errors
/// When the stream fails, ends inside a frame, or carries something else.
pub fn read<T: Codec>(stream: &mut impl Read) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match stream.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut body = vec![0; body_len(head)?];
    stream.read_exact(&mut body)?;
    decode(&body).map(Some)
}

/// Writes one value.
///
/// # Errors
/// When the stream fails.
pub fn write<T: Codec>(stream: &mut impl Write, value: &T) -> io::Result<()> {
    stream.write_all(&encode(value))?;
    stream.flush()
}

/// How long the body of a frame is.
///
/// # Errors
/// When it is longer than any of ours.
pub fn body_len(head: [u8; 4]) -> io::Result<usize> {
    let len = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if len > FRAME_LEN_MAX {
        return Err(foreign(format!("a frame of {len} bytes is too long")));
    }
    Ok(len)
}

/// The value in the body of a frame.
///
/// # Errors
/// When it is something else.
pub fn decode<T: Codec>(body: &[u8]) -> io::Result<T> {
    T::from_bytes(body).map_err(|error| foreign(error.to_string()))
}

/// A whole frame.
#[must_use]
pub fn encode<T: Codec>(value: &T) -> Vec<u8> {
    let body = value.to_bytes();
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    [&len.to_be_bytes(), body.as_slice()].concat()
}

fn foreign(why: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_one_by_one_and_then_the_end() {
        let mut bytes = encode(&7_u16);
        bytes.extend(encode(&String::from("two")));
        let mut stream = bytes.as_slice();
        assert_eq!(read::<u16>(&mut stream).unwrap(), Some(7));
        assert_eq!(read::<String>(&mut stream).unwrap(), Some("two".into()));
        assert_eq!(read::<u16>(&mut stream).unwrap(), None);
    }

    #[test]
    fn a_frame_that_is_cut_short_or_too_long_is_an_error() {
        let bytes = encode(&7_u16);
        assert!(read::<u16>(&mut &bytes[..5]).is_err());
        assert!(read::<u16>(&mut [0xff; 4].as_slice()).is_err());
    }
}
