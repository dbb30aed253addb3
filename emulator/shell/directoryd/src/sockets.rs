//! Loops that move bytes: datagrams and framed streams, bounded in number, size and time.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// Most connections of one service.
const CONNECTIONS_MAX: usize = 256;
/// Most datagrams that wait for a slow answer.
const WAITING_MAX: usize = 1024;
/// How long a connection may say nothing, or take nothing.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest datagram.
const DATAGRAM_BYTES_MAX: usize = 65_536;

/// What a service answers, and after how long.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) messages: Vec<Vec<u8>>,
    /// A fault may make a service slow.
    pub(crate) delay: Duration,
}

impl Answers {
    /// At once, and one at most.
    pub(crate) fn of(message: Option<Vec<u8>>) -> Self {
        Self {
            messages: message.into_iter().collect(),
            ..Self::default()
        }
    }
}

/// A service: who asks, and what.
pub(crate) type Service = Arc<dyn Fn(SocketAddr, &[u8]) -> Answers + Send + Sync>;

/// Most datagrams that are answered in one go, before others have their turn.
const TURN: usize = 64;

/// Answers datagrams until the task is ended.
pub(crate) async fn datagrams(socket: UdpSocket, service: Service) {
    let socket = Arc::new(socket);
    let waiting = Arc::new(Semaphore::new(WAITING_MAX));
    let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
    loop {
        // What a peer that has gone away leaves behind is no reason to stop.
        let Ok((length, peer)) = socket.recv_from(&mut buffer).await else {
            continue;
        };
        // A service may write to the disk. To tell others that this thread is busy costs more than
        // most answers, so everything that has come meanwhile is answered as well.
        let first = (length, peer);
        let left =
            tokio::task::block_in_place(|| answer_all(&socket, &service, &mut buffer, first));
        for (peer, answers) in left {
            if answers.delay.is_zero() {
                send(&socket, peer, &answers).await;
                continue;
            }
            let Ok(permit) = Arc::clone(&waiting).try_acquire_owned() else {
                continue;
            };
            let socket = Arc::clone(&socket);
            tokio::spawn(async move {
                sleep(answers.delay).await;
                send(&socket, peer, &answers).await;
                drop(permit);
            });
        }
    }
}

/// Answers a datagram and those that wait behind it; what cannot be sent at once is left over.
fn answer_all(
    socket: &UdpSocket,
    service: &Service,
    buffer: &mut [u8],
    first: (usize, SocketAddr),
) -> Vec<(SocketAddr, Answers)> {
    let (mut left, mut next) = (Vec::new(), Some(first));
    for _ in 0..TURN {
        let Some((length, peer)) = next else {
            break;
        };
        let answers = service(peer, buffer.get(..length).unwrap_or_default());
        let is_late = !answers.delay.is_zero();
        let mut messages = answers.messages.iter();
        if is_late || !messages.all(|it| socket.try_send_to(it, peer).is_ok()) {
            left.push((peer, answers));
        }
        next = socket.try_recv_from(buffer).ok();
    }
    left
}

async fn send(socket: &UdpSocket, peer: SocketAddr, answers: &Answers) {
    for message in &answers.messages {
        let _lost_on_the_way = socket.send_to(message, peer).await;
    }
}

/// How many octets say how long a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prefix {
    /// Two, as in DNS.
    Two,
    /// Four, as in Kerberos; a message has at most this many octets.
    Four(u32),
}

/// Accepts connections until the task is ended; each runs `serve`.
pub(crate) async fn accept<F>(listener: TcpListener, serve: impl Fn(TcpStream, SocketAddr) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
            return;
        };
        let Ok((stream, peer)) = listener.accept().await else {
            // Out of descriptors, most likely: let others end.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let served = serve(stream, peer);
        tokio::spawn(async move {
            served.await;
            drop(permit);
        });
    }
}

/// Answers the messages of a connection until it ends, breaks or falls silent.
pub(crate) async fn framed(stream: TcpStream, peer: SocketAddr, prefix: Prefix, service: Service) {
    // Why a connection ends matters to nobody: its client will see the same.
    let _why = converse(stream, peer, prefix, service).await;
}

async fn converse(
    mut stream: TcpStream,
    peer: SocketAddr,
    prefix: Prefix,
    service: Service,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let message = timeout(PATIENCE, read(&mut stream, prefix)).await??;
        let answers = tokio::task::block_in_place(|| service(peer, &message));
        sleep(answers.delay).await;
        if answers.messages.is_empty() {
            return Ok(());
        }
        for message in &answers.messages {
            timeout(PATIENCE, write(&mut stream, prefix, message)).await??;
        }
    }
}

async fn read(stream: &mut TcpStream, prefix: Prefix) -> io::Result<Vec<u8>> {
    let length = match prefix {
        Prefix::Two => u32::from(stream.read_u16().await?),
        Prefix::Four(most) => {
            let length = stream.read_u32().await?;
            if length > most {
                return Err(io::Error::other("the message is too long"));
            }
            length
        }
    };
    let mut message = Vec::new();
    stream
        .take(u64::from(length))
        .read_to_end(&mut message)
        .await?;
    match u32::try_from(message.len()) {
        Ok(read) if read == length => Ok(message),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

async fn write(stream: &mut TcpStream, prefix: Prefix, message: &[u8]) -> io::Result<()> {
    let too_long = |_| io::Error::other("the answer is too long");
    let mut bytes = match prefix {
        Prefix::Two => u16::try_from(message.len())
            .map_err(too_long)?
            .to_be_bytes()
            .to_vec(),
        Prefix::Four(_) => u32::try_from(message.len())
            .map_err(too_long)?
            .to_be_bytes()
            .to_vec(),
    };
    bytes.extend_from_slice(message);
    stream.write_all(&bytes).await
}
