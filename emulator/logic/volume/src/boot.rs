//! The boot sector of a FAT volume: where its tables and its root are. Everything in it is checked
//! before it is used, because the block may hold anything.

use crate::number;
use crate::table::Partition;

/// Bytes of a directory entry.
pub(crate) const ENTRY_BYTES: u32 = 32;

/// Clusters from which on a volume is FAT16, and FAT32.
const CLUSTERS_FAT32_MIN: u32 = 65_525;

/// Where the root directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// FAT12 and FAT16: so many blocks from this one of the disk on.
    Region { lba: u64, blocks: u32 },
    /// FAT32: a chain that begins with this cluster.
    Chain { cluster: u32 },
}

/// What the boot sector says, in blocks of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Boot {
    pub(crate) root: Place,
    fat_lba: u64,
    data_lba: u64,
    clusters: u32,
    cluster_blocks: u32,
    block_bytes: u32,
}

impl Boot {
    /// Reads the boot sector of the volume in `partition`. `None` if this is no FAT volume that
    /// fits there.
    pub(crate) fn parse(block: &[u8], partition: Partition, block_bytes: u32) -> Option<Self> {
        let sector_bytes = number(block, 11, 2);
        let cluster_blocks = number(block, 13, 1);
        let signed = block.get(510..512)? == [0x55, 0xaa];
        if !signed || sector_bytes != block_bytes || !cluster_blocks.is_power_of_two() {
            return None;
        }
        let reserved = u64::from(number(block, 14, 2));
        let copies = u64::from(number(block, 16, 1));
        let root_blocks = (number(block, 17, 2) * ENTRY_BYTES).div_ceil(block_bytes);
        let total = either(number(block, 19, 2), number(block, 32, 4));
        let fat_blocks = either(number(block, 22, 2), number(block, 36, 4));
        let root_at = reserved + copies * u64::from(fat_blocks);
        let data_at = root_at + u64::from(root_blocks);
        let data = u64::from(total).checked_sub(data_at)?;
        if reserved == 0 || copies == 0 || fat_blocks == 0 || total > partition.blocks {
            return None;
        }
        let clusters = u32::try_from(data / u64::from(cluster_blocks)).ok()?;
        let start = u64::from(partition.lba);
        let boot = Self {
            root: Place::Region {
                lba: start + root_at,
                blocks: root_blocks,
            },
            fat_lba: start + reserved,
            data_lba: start + data_at,
            clusters,
            cluster_blocks,
            block_bytes,
        };
        if clusters < CLUSTERS_FAT32_MIN {
            return (root_blocks > 0).then_some(boot);
        }
        let cluster = number(block, 44, 4);
        let fits = u64::from(fat_blocks) * u64::from(block_bytes) >= (u64::from(clusters) + 2) * 4;
        (fits && root_blocks == 0 && boot.has(cluster)).then_some(Self {
            root: Place::Chain { cluster },
            ..boot
        })
    }

    /// Whether the volume has this cluster.
    fn has(&self, cluster: u32) -> bool {
        cluster >= 2 && cluster - 2 < self.clusters
    }

    /// First block of a cluster, and how many it has. `None` for a cluster the volume has not.
    pub(crate) fn cluster(&self, cluster: u32) -> Option<(u64, u32)> {
        self.has(cluster).then(|| {
            let before = u64::from(cluster - 2) * u64::from(self.cluster_blocks);
            (self.data_lba + before, self.cluster_blocks)
        })
    }

    /// The block that holds a cluster's place in the first table of a FAT32 volume, and where.
    pub(crate) fn link(&self, cluster: u32) -> (u64, usize) {
        let offset = u64::from(cluster) * 4;
        let bytes = u64::from(self.block_bytes);
        let within = usize::try_from(offset % bytes).unwrap_or_default();
        (self.fat_lba + offset / bytes, within)
    }
}

/// The short field of a pair, or the long one where the short is zero.
fn either(short: u32, long: u32) -> u32 {
    if short == 0 { long } else { short }
}
