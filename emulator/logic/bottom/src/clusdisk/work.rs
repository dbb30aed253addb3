//! What a disk is used for: listing the root of its volume, reading and writing pages.

use base::{Notice, VolumeFault};
use scsi::{Capacity, Command, Outcome};
use volume::{Damage, RootReader, Step, Table};

use super::disk::{Disk, Phase, Purpose, WAITING_MAX};
use super::{PAGE_BYTES, Report, Request};

impl Disk {
    /// What is always true.
    pub(super) fn check(&self) {
        let works = matches!(
            self.phase,
            Phase::Arbitrating | Phase::Contesting | Phase::Releasing | Phase::Attaching
        );
        assert!(
            !works || self.flight.is_some(),
            "{:?} without a command in flight",
            self.phase
        );
        assert!(self.waiting.len() <= WAITING_MAX);
        assert!(self.dropped.len() <= WAITING_MAX);
    }

    /// Begins a request for which the length of a block has to be known.
    pub(super) fn work(&mut self, request: Request) {
        let Some(block_bytes) = self.block_bytes else {
            self.unasked = Some(request);
            self.send(Purpose::Capacity, Command::ReadCapacity16);
            return;
        };
        let in_page = PAGE_BYTES / block_bytes;
        match request {
            Request::Read { page, pages } => {
                let command = Command::Read {
                    lba: page.saturating_mul(u64::from(in_page)),
                    blocks: pages.saturating_mul(in_page),
                    block_bytes,
                };
                self.send(Purpose::Read, command);
            }
            Request::Write { page, data } => {
                let bytes = u32::try_from(data.len()).unwrap_or(u32::MAX);
                let command = Command::Write {
                    lba: page.saturating_mul(u64::from(in_page)),
                    blocks: bytes.div_ceil(block_bytes),
                    data,
                    fua: true,
                };
                self.send(Purpose::Write, command);
            }
            Request::Identify => {
                let command = Command::Read {
                    lba: 0,
                    blocks: 1,
                    block_bytes,
                };
                self.send(Purpose::Identify, command);
            }
            Request::Check
            | Request::Arbitrate
            | Request::Release
            | Request::Share { .. }
            | Request::Attach => {
                self.send(Purpose::CheckReady, Command::TestUnitReady);
            }
        }
    }

    /// A command of [`Self::work`] ended.
    pub(super) fn worked(&mut self, purpose: Purpose, outcome: Outcome) {
        let data = match outcome {
            Outcome::Good(data) => Some(data),
            _ => None,
        };
        match purpose {
            Purpose::Capacity => self.measured(data.as_deref()),
            Purpose::CheckReady if data.is_some() => self.list(),
            Purpose::CheckReady => self.unreadable(),
            Purpose::Identify => {
                let table = data.as_deref().and_then(Table::parse);
                self.report(Report::Table { table });
            }
            Purpose::Read => self.report(Report::Read { data }),
            Purpose::Write => self.report(Report::Written { ok: data.is_some() }),
            _ => match (self.reader.take(), data) {
                (Some(mut reader), Some(data)) => {
                    let step = reader.take(&data);
                    self.listing(reader, step);
                }
                _ => self.unreadable(),
            },
        }
    }

    /// The disk told its size, or did not. A length that does not fill a page cannot be used.
    fn measured(&mut self, data: Option<&[u8]>) {
        let capacity = data.and_then(|data| Capacity::parse(data).ok());
        let fits =
            |bytes: &u32| (512..=PAGE_BYTES).contains(bytes) && PAGE_BYTES.is_multiple_of(*bytes);
        self.block_bytes = capacity.map(|it| it.block_bytes).filter(fits);
        let Some(request) = self.unasked.take() else {
            return;
        };
        match (self.block_bytes, request) {
            (Some(_), request) => self.work(request),
            (None, Request::Check) => self.unreadable(),
            (None, request) => self.refuse(&request),
        }
    }

    fn list(&mut self) {
        let (reader, step) = RootReader::new(self.block_bytes.unwrap_or(PAGE_BYTES));
        self.listing(reader, step);
    }

    fn listing(&mut self, reader: RootReader, step: Step) {
        match step {
            Step::Read { lba, blocks } => {
                self.reader = Some(reader);
                let command = Command::Read {
                    lba,
                    blocks,
                    block_bytes: self.block_bytes.unwrap_or(PAGE_BYTES),
                };
                self.send(Purpose::CheckRoot, command);
            }
            Step::Listed(root) => self.listed(&root),
            Step::Damaged(Damage::NoTable) => self.unusable(VolumeFault::Missing),
            Step::Damaged(Damage::NoVolume | Damage::NoFileSystem | Damage::Corrupt) => {
                self.unusable(VolumeFault::Corrupt);
            }
        }
    }

    pub(super) fn unreadable(&mut self) {
        self.unusable(VolumeFault::Unreadable);
    }

    fn unusable(&mut self, fault: VolumeFault) {
        let disk = self.id;
        self.say(Notice::VolumeFailed { disk, fault });
        self.report(Report::Checked { ok: false });
    }
}
