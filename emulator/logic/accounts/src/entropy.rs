//! Where random bytes come from: an argument of every handler that needs some.

/// A source of random bytes. The shell gives the operating system's, the simulator a seeded one.
pub trait Entropy {
    /// Fills the whole slice.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl Entropy for base::Rng {
    fn fill(&mut self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            for (to, from) in piece.iter_mut().zip(self.bits().to_le_bytes()) {
                *to = from;
            }
        }
    }
}
