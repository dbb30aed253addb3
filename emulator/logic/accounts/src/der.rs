//! The outer shape of DER and BER values, read without copying and before anything is decoded.

/// Deepest nesting that is decoded; LDAP filters of real clients stay below 20.
pub const MAX_DEPTH: usize = 60;

/// One value with its header, cut off from what follows; none while bytes are missing.
#[must_use]
pub fn element(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (header, length) = header(bytes)?;
    bytes.split_at_checked(header.checked_add(length)?)
}

/// Tag, contents and what follows.
#[must_use]
pub fn open(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (header, length) = header(bytes)?;
    let (value, rest) = bytes.split_at_checked(header.checked_add(length)?)?;
    Some((*bytes.first()?, value.get(header..)?, rest))
}

/// The contents, if the tag is the expected one.
#[must_use]
pub fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, contents, rest) = open(bytes)?;
    (found == tag).then_some((contents, rest))
}

/// Length of the header and of the contents that it announces, for a stream that is still
/// coming in. Tags above 30 and indefinite lengths have no place in these protocols.
#[must_use]
pub fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.get(1)?;
    if first < 0x80 {
        return Some((2, usize::from(first)));
    }
    let count = usize::from(first & 0x7f);
    let digits = bytes.get(2..2 + count)?;
    if count == 0 || count > 4 {
        return Some((2, usize::MAX));
    }
    let length = digits
        .iter()
        .fold(0_usize, |sum, digit| sum << 8 | usize::from(*digit));
    Some((2 + count, length))
}

/// A value of these contents.
#[must_use]
pub fn wrap(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    match u8::try_from(contents.len()) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let digits = contents.len().to_be_bytes();
            let skip = digits.iter().take_while(|digit| **digit == 0).count();
            bytes.push(0x80 | u8::try_from(digits.len() - skip).unwrap_or(8));
            bytes.extend_from_slice(&digits[skip..]);
        }
    }
    bytes.extend_from_slice(contents);
    bytes
}

/// True when no value in there is nested deeper than [`MAX_DEPTH`].
#[must_use]
pub fn is_shallow(bytes: &[u8]) -> bool {
    let mut ends: Vec<usize> = Vec::new();
    let mut at = 0;
    while let Some(&tag) = bytes.get(at) {
        while ends.last().is_some_and(|end| *end <= at) {
            ends.pop();
        }
        let Some((header, length)) = header(&bytes[at..]) else {
            return true;
        };
        at += header;
        if tag & 0x20 == 0 {
            at = at.saturating_add(length);
            continue;
        }
        ends.push(at.saturating_add(length));
        if ends.len() > MAX_DEPTH {
            return false;
        }
    }
    true
}
