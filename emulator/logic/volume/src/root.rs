//! Listing the root of the volume: a machine that says which blocks it needs next.

use crate::boot::{Boot, ENTRY_BYTES, Place};
use crate::number;
use crate::table::{self, Partition};

/// Entries that a root can have; a chain that goes on longer runs in a circle.
const ENTRIES_MAX: u32 = 65_536;
/// Blocks that are asked for at once.
const BLOCKS_MAX: u32 = 8;
/// Links of FAT32 from here on end a chain; only the low 28 bits count.
const CHAIN_END: u32 = 0x0fff_fff8;
const LINK_MASK: u32 = 0x0fff_ffff;

const ATTRIBUTES: usize = 11;
const LONG_NAME: u8 = 0x0f;
const LABEL: u8 = 0x08;
const FOLDER: u8 = 0x10;
const NO_ATTRIBUTE: u8 = 0xc0;
const DELETED: u8 = 0xe5;

/// One name in the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The short name, such as `SHARE` or `README.TXT`.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Bytes of the file; zero for a folder.
    pub bytes: u32,
    /// First block of its content; none where it has no content.
    pub lba: Option<u64>,
}

/// The root of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Root {
    /// The signature in the disk's partition table.
    pub signature: u32,
    /// First block of the volume, which holds its boot sector.
    pub boot_lba: u64,
    /// The label of the volume; empty if it has none.
    pub label: String,
    /// What is in it.
    pub entries: Vec<Entry>,
}

/// Why there is no root to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// The first block holds no partition table.
    NoTable,
    /// The table has no partition with a volume.
    NoVolume,
    /// The partition holds no FAT volume that fits into it.
    NoFileSystem,
    /// The root directory, or the chain of its clusters, makes no sense.
    Corrupt,
}

/// What the reader wants or has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Read these blocks and hand them to [`RootReader::take`].
    Read { lba: u64, blocks: u32 },
    /// All of the root was read.
    Listed(Root),
    /// There is nothing to read.
    Damaged(Damage),
}

/// What the reader waits for.
#[derive(Clone, Copy, Debug)]
enum State {
    Table,
    Boot(Partition),
    Entries(Boot, Extent),
    Link(Boot, usize),
}

/// Blocks of the root: those asked for begin at `lba`; `left` of the region or cluster remain.
#[derive(Clone, Copy, Debug)]
struct Extent {
    lba: u64,
    left: u32,
    /// The cluster that they belong to, on FAT32.
    cluster: Option<u32>,
}

/// Lists the root of the volume on a disk, block by block.
#[derive(Clone, Debug)]
pub struct RootReader {
    block_bytes: u32,
    state: State,
    seen: u32,
    root: Root,
}

impl RootReader {
    /// A reader for a disk with blocks of so many bytes, and its first step.
    #[must_use]
    pub fn new(block_bytes: u32) -> (Self, Step) {
        let reader = Self {
            block_bytes,
            state: State::Table,
            seen: 0,
            root: Root::default(),
        };
        (reader, Step::Read { lba: 0, blocks: 1 })
    }

    /// Takes the blocks that the last step asked for. After `Listed` or `Damaged` the reader is
    /// done and must not be called again.
    pub fn take(&mut self, data: &[u8]) -> Step {
        match self.state {
            State::Table => self.table(data),
            State::Boot(partition) => match Boot::parse(data, partition, self.block_bytes) {
                Some(boot) => self.open(boot),
                None => Step::Damaged(Damage::NoFileSystem),
            },
            State::Entries(boot, extent) => self.entries(boot, extent, data),
            State::Link(boot, at) => match number(data, at, 4) & LINK_MASK {
                CHAIN_END.. => self.listed(),
                cluster => self.follow(boot, cluster),
            },
        }
    }

    fn table(&mut self, data: &[u8]) -> Step {
        match table::parse(data) {
            None => Step::Damaged(Damage::NoTable),
            Some((_, None)) => Step::Damaged(Damage::NoVolume),
            Some((signature, Some(partition))) => {
                self.root.signature = signature;
                self.root.boot_lba = u64::from(partition.lba);
                self.state = State::Boot(partition);
                Step::Read {
                    lba: u64::from(partition.lba),
                    blocks: 1,
                }
            }
        }
    }

    fn open(&mut self, boot: Boot) -> Step {
        match boot.root {
            Place::Chain { cluster } => self.follow(boot, cluster),
            Place::Region { lba, blocks } => self.ask(
                boot,
                Extent {
                    lba,
                    left: blocks,
                    cluster: None,
                },
            ),
        }
    }

    fn follow(&mut self, boot: Boot, cluster: u32) -> Step {
        match boot.cluster(cluster) {
            Some((lba, left)) => self.ask(
                boot,
                Extent {
                    lba,
                    left,
                    cluster: Some(cluster),
                },
            ),
            None => Step::Damaged(Damage::Corrupt),
        }
    }

    fn ask(&mut self, boot: Boot, extent: Extent) -> Step {
        self.state = State::Entries(boot, extent);
        Step::Read {
            lba: extent.lba,
            blocks: extent.left.min(BLOCKS_MAX),
        }
    }

    fn entries(&mut self, boot: Boot, extent: Extent, data: &[u8]) -> Step {
        for entry in data.chunks_exact(ENTRY_BYTES as usize) {
            if entry[0] == 0 {
                return self.listed();
            }
            self.seen += 1;
            if self.seen > ENTRIES_MAX || !self.entry(&boot, entry) {
                return Step::Damaged(Damage::Corrupt);
            }
        }
        let read = extent.left.min(BLOCKS_MAX);
        let left = extent.left - read;
        match extent.cluster {
            _ if left > 0 => self.ask(
                boot,
                Extent {
                    lba: extent.lba + u64::from(read),
                    left,
                    ..extent
                },
            ),
            None => self.listed(),
            Some(cluster) => {
                let (lba, at) = boot.link(cluster);
                self.state = State::Link(boot, at);
                Step::Read { lba, blocks: 1 }
            }
        }
    }

    /// Takes one entry; false if it makes no sense.
    fn entry(&mut self, boot: &Boot, entry: &[u8]) -> bool {
        let attributes = entry[ATTRIBUTES];
        if entry[0] == DELETED || attributes == LONG_NAME {
            return true;
        }
        if attributes & NO_ATTRIBUTE != 0 || entry[..ATTRIBUTES].iter().any(|byte| *byte < 0x20) {
            return false;
        }
        if attributes & LABEL != 0 {
            self.root.label = text(&entry[..ATTRIBUTES]);
        } else {
            let cluster = number(entry, 20, 2) << 16 | number(entry, 26, 2);
            self.root.entries.push(Entry {
                name: short_name(entry),
                is_folder: attributes & FOLDER != 0,
                bytes: number(entry, 28, 4),
                lba: boot.cluster(cluster).map(|(lba, _)| lba),
            });
        }
        true
    }

    fn listed(&mut self) -> Step {
        Step::Listed(std::mem::take(&mut self.root))
    }
}

/// Characters of a name, without the blanks that fill it up.
fn text(bytes: &[u8]) -> String {
    let characters: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    characters.trim_end().to_owned()
}

fn short_name(entry: &[u8]) -> String {
    match (text(&entry[..8]), text(&entry[8..ATTRIBUTES])) {
        (name, extension) if extension.is_empty() => name,
        (name, extension) => format!("{name}.{extension}"),
    }
}
