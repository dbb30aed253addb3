//! Bytes of the two files: the checkpoint in CLUSDB, header and records in the log.
//!
//! The checkpoint carries a serial number and the log names the checkpoint that it follows, so that
//! a crash between replacing the one and emptying the other cannot apply records twice. Layout in
//! docs/protocol/transaction-log.md.

use wire::{Reader, checksum};

const CHECKPOINT_MAGIC: [u8; 8] = *b"LACHKPT1";
const LOG_MAGIC: [u8; 8] = *b"LATXLOG1";

/// A file that is not what was written and not a torn tail either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Damaged;

/// What a log file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scan {
    /// Whole records, oldest first.
    pub records: Vec<Vec<u8>>,
    /// Length of header and whole records; anything behind is a torn tail.
    pub whole: usize,
}

/// The content of CLUSDB for a checkpoint.
pub(super) fn checkpoint(serial: u64, content: &[u8]) -> Vec<u8> {
    let serial = serial.to_be_bytes();
    let sum = checksum(&[&serial, content]).to_be_bytes();
    [&CHECKPOINT_MAGIC, &serial[..], &sum, content].concat()
}

/// Serial and content of CLUSDB; none of a blank disk.
pub(super) fn read_checkpoint(file: &[u8]) -> Result<Option<(u64, Vec<u8>)>, Damaged> {
    if file.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::new(file);
    let serial = expect_header(&mut reader, CHECKPOINT_MAGIC)?;
    let sum = number(&mut reader)?;
    let content = reader.take(reader.remaining()).map_err(|_| Damaged)?;
    if checksum(&[&serial, content]) != sum {
        return Err(Damaged);
    }
    Ok(Some((u64::from_be_bytes(serial), content.to_vec())))
}

/// The content of an empty log that follows the checkpoint with this serial.
pub(super) fn log_header(serial: u64) -> Vec<u8> {
    let serial = serial.to_be_bytes();
    let sum = checksum(&[&serial]).to_be_bytes();
    [&LOG_MAGIC, &serial[..], &sum].concat()
}

/// The bytes that one record adds to the log.
pub(super) fn record(content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    let sum = checksum(&[&len, content]).to_be_bytes();
    [&len, &sum, content].concat()
}

/// Reads a log that should follow checkpoint `serial`. `None` if it is void: absent, or left over
/// from before that checkpoint.
pub(super) fn read_log(file: &[u8], serial: u64) -> Result<Option<Scan>, Damaged> {
    if file.is_empty() {
        return Ok(None);
    }
    let mut reader = Reader::new(file);
    let follows = expect_header(&mut reader, LOG_MAGIC)?;
    if checksum(&[&follows]) != number(&mut reader)? {
        return Err(Damaged);
    }
    match u64::from_be_bytes(follows).cmp(&serial) {
        std::cmp::Ordering::Less => Ok(None),
        std::cmp::Ordering::Equal => Ok(Some(scan(file.len(), reader))),
        // The checkpoint that these records follow is gone.
        std::cmp::Ordering::Greater => Err(Damaged),
    }
}

fn scan(len: usize, mut reader: Reader<'_>) -> Scan {
    let mut records = Vec::new();
    let mut whole = len - reader.remaining();
    while let Some(content) = next_record(&mut reader) {
        records.push(content.to_vec());
        whole = len - reader.remaining();
    }
    Scan { records, whole }
}

fn next_record<'a>(reader: &mut Reader<'a>) -> Option<&'a [u8]> {
    let len: [u8; 4] = reader.array().ok()?;
    let sum = number(reader).ok()?;
    let content = reader
        .take(usize::try_from(u32::from_be_bytes(len)).ok()?)
        .ok()?;
    (checksum(&[&len, content]) == sum).then_some(content)
}

fn expect_header(reader: &mut Reader<'_>, magic: [u8; 8]) -> Result<[u8; 8], Damaged> {
    if reader.array() != Ok(magic) {
        return Err(Damaged);
    }
    reader.array().map_err(|_| Damaged)
}

fn number(reader: &mut Reader<'_>) -> Result<u32, Damaged> {
    reader.array().map(u32::from_be_bytes).map_err(|_| Damaged)
}
