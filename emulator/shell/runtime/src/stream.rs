//! Frames on asynchronous streams.

use std::io;

use rhs::frames;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use wire::Codec;

/// Reads one value; `None` when the stream ends before one begins.
///
/// # Errors
/// When the stream fails, ends inside a frame, or carries something else.
pub async fn read<T: Codec>(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    match stream.read_exact(&mut head).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut body = vec![0; frames::body_len(head)?];
    stream.read_exact(&mut body).await?;
    frames::decode(&body).map(Some)
}

/// Writes one value.
///
/// # Errors
/// When the stream fails.
pub async fn write<T: Codec>(stream: &mut (impl AsyncWrite + Unpin), value: &T) -> io::Result<()> {
    stream.write_all(&frames::encode(value)).await
}
