//! What votes beside the nodes.

use base::DiskId;

/// What votes beside the nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Witness {
    /// Nothing.
    #[default]
    None,
    /// A clustered disk, held by reservation, with a copy of the database.
    Disk(DiskId),
    /// A file share, held by a lock on `witness.log`; no copy of the database.
    Share,
    /// A blob in a cloud, held by a lease; no copy of the database (2016 and later).
    Cloud,
}

impl Witness {
    /// The value under the key `Quorum` that names it, with its number; none without a witness.
    #[must_use]
    pub fn value(self) -> Option<(&'static str, u32)> {
        match self {
            Self::None => None,
            Self::Disk(disk) => Some(("Disk", disk.0.into())),
            Self::Share => Some(("Share", 1)),
            Self::Cloud => Some(("Cloud", 1)),
        }
    }

    /// Whether it is one file that its holder keeps open: a share, or a blob in a cloud.
    #[must_use]
    pub fn is_file(self) -> bool {
        matches!(self, Self::Share | Self::Cloud)
    }
}

wire::codec!(enum Witness { 0 = None, 1 = Disk(disk), 2 = Share, 3 = Cloud });
