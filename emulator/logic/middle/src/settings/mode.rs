//! DatabaseReadWriteMode: whom an update and a read of the cluster database wait for.

/// DatabaseReadWriteMode (2012 R2 and later; reference section 6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ReadWriteMode {
    /// 0: all members agree to an update, a read is local.
    #[default]
    AllWrite,
    /// 1: a majority agrees to an update and to a read.
    MajorityReadWrite,
    /// 2: a majority agrees to an update, a read is local.
    MajorityWrite,
}

impl ReadWriteMode {
    /// The mode of this number; an unknown one is the default.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        match number {
            1 => Self::MajorityReadWrite,
            2 => Self::MajorityWrite,
            _ => Self::AllWrite,
        }
    }
}
