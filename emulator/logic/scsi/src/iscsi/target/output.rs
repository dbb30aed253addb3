//! What a session has to send: bytes, and the order in which parts of them go out.
//!
//! Data is appended once, where a command puts it, and never moved: when it is more than one PDU
//! holds, the headers are appended behind it and sent between its parts.

use std::ops::Range;

/// What is to be sent. Whoever sends it takes [`Self::parts`] in order, then clears it.
#[derive(Debug, Default)]
pub struct Output {
    /// Where PDUs and the data of commands are appended.
    pub bytes: Vec<u8>,
    /// Parts of `bytes` in the order of sending.
    order: Vec<Range<usize>>,
    /// Where the bytes begin that have no place in the order yet: they come last, as they lie.
    rest: usize,
}

impl Output {
    /// Whether nothing is to be sent.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// How many bytes lie here.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// What is to be sent, in order.
    pub fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let rest = self.rest..self.bytes.len();
        let ordered = self.order.iter().cloned();
        ordered
            .chain(Some(rest).filter(|rest| !rest.is_empty()))
            .map(|part| &self.bytes[part])
    }

    /// All of it has been sent. `keep` is how much room stays for what comes next, in bytes.
    pub fn clear(&mut self, keep: usize) {
        self.bytes.clear();
        self.bytes.shrink_to(keep);
        self.order.clear();
        self.rest = 0;
    }

    /// Takes everything out as one piece.
    pub fn take(&mut self) -> Vec<u8> {
        let all = self.parts().collect::<Vec<_>>().concat();
        self.clear(0);
        all
    }

    /// Everything so far that lies before `end` is sent as it lies, before what follows.
    pub(super) fn settle(&mut self, end: usize) {
        self.then(self.rest..end);
        self.rest = end;
    }

    /// Sends a part next.
    pub(super) fn then(&mut self, part: Range<usize>) {
        match self.order.last_mut() {
            _ if part.start >= part.end => {}
            Some(last) if last.end == part.start => last.end = part.end,
            _ => self.order.push(part),
        }
    }

    /// Everything that lies here has its place in the order.
    pub(super) fn settled(&mut self) {
        self.rest = self.bytes.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_out_in_their_order_and_the_rest_follows() {
        let mut output = Output::default();
        output.bytes.extend_from_slice(b"first-DATADATA-h1-h2");
        output.settle(6);
        output.then(15..17);
        output.then(6..10);
        output.then(17..20);
        output.then(10..14);
        output.settled();
        output.bytes.extend_from_slice(b"last");
        assert_eq!(output.take(), b"first-h1DATA-h2DATAlast");
        assert!(output.is_empty());
    }

    #[test]
    fn neighbours_are_one_part() {
        let mut output = Output::default();
        output.bytes.extend_from_slice(b"abcd");
        output.settle(2);
        output.then(2..4);
        output.settled();
        assert_eq!(output.parts().count(), 1);
    }
}
