//! SMB shares of virtual servers: each virtual server listens at its own address and knows its own
//! shares, which come and go while it runs.
//!
//! Serves the seeds' clauses on file shares and on access-based enumeration, and fact sheet
//! section 7. What is in a share stands in a folder of the machine ([`Contents::Folder`]) or on
//! the FAT volume of a clustered disk ([`Contents::Volume`]), where the next owner finds it. The
//! protocol is a library's (docs/adr/0032), which says what follows: users prove themselves by
//! NTLM, two names at one address have the same shares, and who asks is not known where files are
//! listed, so that access-based enumeration judges by what everyone may.
//!
//! Not done here: deciding whether a share is online. Whoever runs a virtual server says so.

mod disk;
mod fat;
mod folder;
mod lun;
mod moment;
mod mount;
mod nothing;
mod server;
#[cfg(test)]
mod tests;
mod volume;

pub use disk::{BlockDisk, ImageFile, lay_out_blank};
pub use lun::{Execute, Lun, LunAddress, LunError, Outcomes};
pub use mount::Mount;
pub use server::{
    Contents, FLAG_ACCESS_BASED_ENUMERATION, Listed, ShareError, ShareSpec, Shares, User,
};
pub use volume::MountError;
