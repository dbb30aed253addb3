//! A share with nothing in it, for servers that everybody may use: the library lets clients without
//! an account in only as long as some share is theirs, and a virtual server whose shares are all
//! offline has to tell them that there is no such share.

use async_trait::async_trait;
use smb_server::{
    BackendCapabilities, Handle, OpenAction, OpenOptions, Share, ShareBackend, SmbError, SmbPath,
    SmbResult, VolumeInfo,
};

/// Its name, which no listing has.
const NAME: &str = "looksalive-nothing$";

struct Nothing;

/// The share.
pub(crate) fn nobodys() -> Share {
    Share::new(NAME, Nothing).public_read_only().listed(false)
}

#[async_trait]
impl ShareBackend for Nothing {
    async fn open(
        &self,
        _path: &SmbPath,
        _options: OpenOptions,
    ) -> SmbResult<(Box<dyn Handle>, OpenAction)> {
        Err(SmbError::NotFound)
    }

    async fn unlink(&self, _path: &SmbPath) -> SmbResult<()> {
        Err(SmbError::NotFound)
    }

    async fn rename(&self, _from: &SmbPath, _to: &SmbPath, _replace: bool) -> SmbResult<()> {
        Err(SmbError::NotFound)
    }

    fn capabilities(&self) -> BackendCapabilities {
        BackendCapabilities::default()
    }

    async fn volume_info(&self) -> SmbResult<VolumeInfo> {
        Ok(VolumeInfo::default())
    }
}
