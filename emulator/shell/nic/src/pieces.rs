//! Frames of the cluster service that are longer than a datagram: cut into pieces, and put
//! together again where all of them arrive.

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// `LAP` and the version.
const MAGIC: [u8; 4] = *b"LAP\x01";
/// Magic, number of the whole, number of the piece, how many there are.
const HEADER: usize = 4 + 4 + 2 + 2;
/// What goes into a piece. The kernel cuts it further, for the network's MTU.
const PIECE: usize = 32 << 10;
/// Frames up to here travel whole.
const WHOLE_MAX: usize = 60_000;
/// Frames that are put together at a time; the oldest is given up for a new one.
const OPEN_MAX: usize = 16;

/// The datagrams that a frame becomes.
pub(crate) fn cut(number: u32, frame: Vec<u8>) -> Vec<Vec<u8>> {
    if frame.len() <= WHOLE_MAX {
        return vec![frame];
    }
    let count = frame.len().div_ceil(PIECE);
    let count = u16::try_from(count).unwrap_or(u16::MAX);
    let piece = |(index, bytes): (u16, &[u8])| {
        let head = [index.to_be_bytes(), count.to_be_bytes()].concat();
        [&MAGIC, number.to_be_bytes().as_slice(), &head, bytes].concat()
    };
    (0..count).zip(frame.chunks(PIECE)).map(piece).collect()
}

/// Frames that have not arrived as a whole.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    open: BTreeMap<(SocketAddr, u32), Open>,
    begun: u64,
}

#[derive(Debug)]
struct Open {
    begun: u64,
    pieces: BTreeMap<u16, Vec<u8>>,
    count: u16,
}

impl Pieces {
    /// Takes a datagram in; the frame that it is, or completes.
    pub(crate) fn take(&mut self, from: SocketAddr, datagram: &[u8]) -> Option<Vec<u8>> {
        let Some(rest) = datagram.strip_prefix(&MAGIC) else {
            return Some(datagram.to_vec());
        };
        let (head, piece) = rest.split_at_checked(HEADER - MAGIC.len())?;
        let (number, head) = head.split_first_chunk::<4>()?;
        let (index, head) = head.split_first_chunk::<2>()?;
        let count = u16::from_be_bytes(head.try_into().ok()?);
        let (number, index) = (u32::from_be_bytes(*number), u16::from_be_bytes(*index));
        if index >= count || piece.len() > PIECE {
            return None;
        }
        self.put(from, number, (index, count), piece)
    }

    fn put(
        &mut self,
        from: SocketAddr,
        number: u32,
        (index, count): (u16, u16),
        piece: &[u8],
    ) -> Option<Vec<u8>> {
        let key = (from, number);
        if !self.open.contains_key(&key) && self.open.len() >= OPEN_MAX {
            let oldest = self.open.iter().min_by_key(|(_, it)| it.begun);
            let oldest = oldest.map(|(key, _)| *key)?;
            self.open.remove(&oldest);
        }
        self.begun += 1;
        let begun = self.begun;
        let open = self.open.entry(key).or_insert_with(|| Open {
            begun,
            pieces: BTreeMap::new(),
            count,
        });
        if open.count == count {
            open.pieces.insert(index, piece.to_vec());
        }
        if open.pieces.len() < usize::from(open.count) {
            return None;
        }
        let whole = self.open.remove(&key)?;
        Some(whole.pieces.into_values().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, 1], port))
    }

    #[test]
    fn a_long_frame_arrives_whole_in_whatever_order_its_pieces_come() {
        let frame: Vec<u8> = (0..100_000_u32).map(|it| it.to_be_bytes()[3]).collect();
        let mut pieces = cut(7, frame.clone());
        assert_eq!(pieces.len(), 4);
        pieces.rotate_left(1);
        let mut joined = Pieces::default();
        let taken: Vec<_> = pieces.iter().map(|it| joined.take(peer(1), it)).collect();
        assert_eq!(taken[..3], [None, None, None]);
        assert_eq!(taken[3], Some(frame));
        assert!(joined.open.is_empty());
    }

    #[test]
    fn a_short_frame_travels_as_it_is() {
        let frame = vec![1, 2, 3];
        assert_eq!(cut(1, frame.clone()), vec![frame.clone()]);
        assert_eq!(Pieces::default().take(peer(1), &frame), Some(frame));
    }

    #[test]
    fn what_never_completes_is_given_up_for_what_comes_later() {
        let mut pieces = Pieces::default();
        let long = vec![0; WHOLE_MAX + 1];
        for number in 0..100 {
            let first = &cut(number, long.clone())[0];
            assert_eq!(pieces.take(peer(1), first), None);
        }
        assert_eq!(pieces.open.len(), OPEN_MAX);
    }

    #[test]
    fn a_damaged_piece_is_dropped() {
        let mut pieces = Pieces::default();
        for len in 0..HEADER {
            let cut = &cut(1, vec![0; WHOLE_MAX + 1])[0][..len];
            let taken = pieces.take(peer(1), cut);
            assert_eq!(taken.is_some(), len < MAGIC.len(), "{len}");
        }
        let beyond = [&MAGIC, [0, 0, 0, 1, 0, 5, 0, 5].as_slice()].concat();
        assert_eq!(pieces.take(peer(1), &beyond), None);
    }
}
