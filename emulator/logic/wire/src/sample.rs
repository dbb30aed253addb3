//! Made-up values of everything on the wire, for property tests and fuzzing.
//!
//! [`crate::codec!`] implements [`Sample`] beside `Codec`, so that a round trip can be tried on
//! every type without writing generators by hand.

/// A value that can be made up from entropy.
pub trait Sample: Sized {
    /// Draws a valid value. An exhausted source yields the smallest one.
    fn sample(source: &mut Source<'_>) -> Self;

    /// A value made up from `entropy`; equal entropy, equal value.
    #[must_use]
    fn from_entropy(entropy: &[u8]) -> Self {
        Self::sample(&mut Source { rest: entropy })
    }
}

/// Entropy that values are made up from. Zeros follow when it is used up.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    rest: &'a [u8],
}

impl Source<'_> {
    /// One byte.
    pub fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                *first
            }
            None => 0,
        }
    }

    /// `N` bytes.
    pub fn array<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.byte())
    }

    /// A number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    /// Items of a small collection.
    pub fn items<T: Sample>(&mut self) -> impl Iterator<Item = T> {
        let count = self.below(5);
        (0..count).map(move |_| T::sample(self))
    }
}
