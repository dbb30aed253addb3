//! A TAP or TUN device: what the kernel sends comes out, what is put in the kernel receives.

use std::io;
use std::os::fd::{AsRawFd, RawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tun_tap::{Iface, Mode};

/// Longest frame or packet that a device gives; its network's MTU is far below.
pub(crate) const FRAME_MAX: usize = 1 << 16;

/// An open device; it is gone when this is dropped.
pub(crate) struct Device {
    iface: AsyncFd<Raw>,
}

struct Raw(Iface);

impl AsRawFd for Raw {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl Device {
    /// A device for Ethernet frames.
    pub(crate) fn tap(name: &str) -> io::Result<Self> {
        Self::open(name, Mode::Tap)
    }

    /// A device for IP packets.
    pub(crate) fn tun(name: &str) -> io::Result<Self> {
        Self::open(name, Mode::Tun)
    }

    #[expect(unsafe_code, reason = "the driver's registration asks for a promise")]
    fn open(name: &str, mode: Mode) -> io::Result<Self> {
        let iface = Iface::without_packet_info(name, mode)?;
        iface.set_non_blocking()?;
        // SAFETY: the device owns its open descriptor, and is owned by what is registered.
        let iface = unsafe { AsyncFd::register_with_interest(Raw(iface), Interest::READABLE) }?;
        Ok(Self { iface })
    }

    /// The next frame or packet that the kernel sends, into `buffer`; its length.
    pub(crate) async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = |raw: &Raw| raw.0.recv(buffer);
        self.iface.async_io(Interest::READABLE, read).await
    }

    /// The kernel receives this; it is lost while the adapter is down.
    pub(crate) fn send(&self, bytes: &[u8]) {
        let _lost = self.iface.get_ref().0.send(bytes);
    }
}
