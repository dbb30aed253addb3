//! What cases compare, in words for whoever reads why one failed.

use base::{GroupState, NodeId, PaxosTag, QuorumModel, ResourceState};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::subject::Told;

/// Something that a case compares.
pub trait Worded {
    /// It in words.
    fn words(&self) -> String;
}

macro_rules! as_displayed {
    ($($of:ty),* $(,)?) => {$(
        impl Worded for $of {
            fn words(&self) -> String {
                self.to_string()
            }
        }
    )*};
}

as_displayed!(
    bool,
    u8,
    u16,
    u32,
    u64,
    usize,
    i32,
    &str,
    String,
    ResourceState,
    GroupState,
    NodeId,
    PaxosTag
);

impl Worded for QuorumModel {
    fn words(&self) -> String {
        self.label().to_owned()
    }
}

impl Worded for Duration {
    fn words(&self) -> String {
        format!("{}.{:03} s", self.as_secs(), self.subsec_millis())
    }
}

impl Worded for Told {
    fn words(&self) -> String {
        match self {
            Self::Done => "`done`".to_owned(),
            Self::Value(value) => format!("`{value}`"),
            Self::Refused(code, why) => format!("a refusal with error {code}: {why}"),
            Self::Silence => "no answer".to_owned(),
        }
    }
}

impl<T: Worded> Worded for Option<T> {
    fn words(&self) -> String {
        self.as_ref().map_or_else(|| "none".to_owned(), T::words)
    }
}

impl<A: Worded, B: Worded> Worded for (A, B) {
    fn words(&self) -> String {
        format!("{} and {}", self.0.words(), self.1.words())
    }
}

impl<T: Worded> Worded for Vec<T> {
    fn words(&self) -> String {
        list(self)
    }
}

impl<T: Worded> Worded for BTreeSet<T> {
    fn words(&self) -> String {
        list(self)
    }
}

impl<K: Worded, V: Worded> Worded for BTreeMap<K, V> {
    fn words(&self) -> String {
        let pairs = self.iter();
        list(
            &pairs
                .map(|(key, value)| format!("{} with {}", key.words(), value.words()))
                .collect::<Vec<_>>(),
        )
    }
}

impl<T: Worded> Worded for &T {
    fn words(&self) -> String {
        (*self).words()
    }
}

fn list<'a, T: Worded + 'a>(items: impl IntoIterator<Item = &'a T>) -> String {
    let words: Vec<String> = items.into_iter().map(T::words).collect();
    if words.is_empty() {
        return "nothing".to_owned();
    }
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_reads_as_words() {
        assert_eq!(Some(3_u32).words(), "3");
        assert_eq!(None::<u32>.words(), "none");
        assert_eq!(vec!["n1", "n2"].words(), "n1, n2");
        assert_eq!(BTreeSet::<&str>::new().words(), "nothing");
        assert_eq!(Duration::from_millis(1_500).words(), "1.500 s");
        let refused = Told::Refused(5070, "n1 is paused".to_owned());
        assert_eq!(refused.words(), "a refusal with error 5070: n1 is paused");
    }
}
