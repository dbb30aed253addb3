//! Dependencies: a conjunction of OR lists, their text, and the order that follows from them.
//!
//! Facts: reference section 3.2 (expression grammar, OR semantics, same group only).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base::ResourceId;

/// What a resource depends on: every item must be satisfied, and an item is satisfied while at
/// least one of its resources is online.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Dependencies(pub Vec<Vec<ResourceId>>);

/// Why a dependency expression or a dependency tree is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DependencyError {
    /// The text does not follow the grammar.
    Syntax {
        text: String,
        expected: &'static str,
    },
    /// These resources wait for each other.
    Cycle { resources: Vec<ResourceId> },
}

impl fmt::Display for DependencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { text, expected } => write!(
                f,
                "dependency expression `{text}` is not understood: expected {expected}"
            ),
            Self::Cycle { resources } => {
                f.write_str("dependency cycle among resources")?;
                resources.iter().try_for_each(|id| write!(f, " {id}"))
            }
        }
    }
}

impl std::error::Error for DependencyError {}

impl Dependencies {
    /// Reads the product's grammar, `[1] and ([2] or [3])`; empty text is no dependency.
    ///
    /// # Errors
    /// [`DependencyError::Syntax`] names what was expected.
    pub fn parse(text: &str) -> Result<Self, DependencyError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        split(text, "and")
            .into_iter()
            .map(|item| parse_item(text, item))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether every item has a resource for which `up` holds.
    pub fn satisfied(&self, up: impl Fn(ResourceId) -> bool) -> bool {
        self.0.iter().all(|item| item.iter().any(|id| up(*id)))
    }

    /// Every resource that is named.
    pub fn providers(&self) -> impl Iterator<Item = ResourceId> + '_ {
        self.0.iter().flatten().copied()
    }
}

impl fmt::Display for Dependencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, item) in self.0.iter().enumerate() {
            let names: Vec<String> = item.iter().map(|id| format!("[{id}]")).collect();
            let list = names.join(" or ");
            f.write_str(if i == 0 { "" } else { " and " })?;
            if item.len() > 1 {
                write!(f, "({list})")?;
            } else {
                f.write_str(&list)?;
            }
        }
        Ok(())
    }
}

fn split<'a>(text: &'a str, word: &str) -> Vec<&'a str> {
    let mut parts = Vec::new();
    let (mut start, mut previous_end) = (0, 0);
    for part in text.split_whitespace() {
        let at = previous_end + text[previous_end..].find(part).unwrap_or(0);
        previous_end = at + part.len();
        if part.eq_ignore_ascii_case(word) {
            parts.push(text[start..at].trim());
            start = previous_end;
        }
    }
    parts.push(text[start..].trim());
    parts
}

fn parse_item(text: &str, item: &str) -> Result<Vec<ResourceId>, DependencyError> {
    let refuse = |expected| DependencyError::Syntax {
        text: text.to_owned(),
        expected,
    };
    let bracketed = item.strip_prefix('(').map(|rest| rest.strip_suffix(')'));
    let list = match bracketed {
        None => item,
        Some(Some(inner)) => inner,
        Some(None) => return Err(refuse("a closing parenthesis")),
    };
    split(list, "or")
        .into_iter()
        .map(|name| {
            name.strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'))
                .and_then(|number| number.trim().parse().ok())
                .map(ResourceId)
                .ok_or_else(|| refuse("`[number]` or a parenthesised list joined by `or`"))
        })
        .collect()
}

/// Orders the resources of a group so that providers come before their dependents.
///
/// # Errors
/// [`DependencyError::Cycle`] with the resources that wait for each other.
pub(crate) fn providers_first(
    tree: &BTreeMap<ResourceId, Dependencies>,
) -> Result<Vec<ResourceId>, DependencyError> {
    let mut order = Vec::with_capacity(tree.len());
    let mut placed = BTreeSet::new();
    while order.len() < tree.len() {
        let before = order.len();
        for (id, needs) in tree {
            let ready = needs
                .providers()
                .all(|provider| placed.contains(&provider) || !tree.contains_key(&provider));
            if ready && placed.insert(*id) {
                order.push(*id);
            }
        }
        if order.len() == before {
            let resources = tree.keys().filter(|id| !placed.contains(id)).copied();
            return Err(DependencyError::Cycle {
                resources: resources.collect(),
            });
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn id(number: u16) -> ResourceId {
        ResourceId(number)
    }

    #[test]
    fn the_grammar_is_a_conjunction_of_or_lists() {
        let cases = [
            ("", vec![]),
            ("[1]", vec![vec![id(1)]]),
            ("[1] and [2]", vec![vec![id(1)], vec![id(2)]]),
            (
                "[1] and ([2] or [3])",
                vec![vec![id(1)], vec![id(2), id(3)]],
            ),
            (
                "([2] or [3]) AND [1]",
                vec![vec![id(2), id(3)], vec![id(1)]],
            ),
            ("[2] or [3]", vec![vec![id(2), id(3)]]),
        ];
        for (text, expected) in cases {
            assert_eq!(
                Dependencies::parse(text),
                Ok(Dependencies(expected)),
                "{text}"
            );
        }
    }

    #[test]
    fn what_the_grammar_does_not_know_is_refused_with_a_hint() {
        for text in [
            "1",
            "[1",
            "[1] [2]",
            "[1] and",
            "([1] or [2]",
            "([1] and [2])",
            "[x]",
        ] {
            let error = Dependencies::parse(text).expect_err(text);
            assert!(error.to_string().contains("expected"), "{error}");
        }
    }

    #[test]
    fn an_or_list_is_satisfied_while_one_provider_is_up() {
        let needs = Dependencies(vec![vec![id(1)], vec![id(2), id(3)]]);
        assert!(needs.satisfied(|id| id.0 != 2));
        assert!(!needs.satisfied(|id| id.0 == 1));
        assert!(!needs.satisfied(|id| id.0 != 1));
    }

    #[test]
    fn a_cycle_is_refused_by_naming_its_resources() {
        let tree = BTreeMap::from([
            (id(1), Dependencies(vec![vec![id(2)]])),
            (id(2), Dependencies(vec![vec![id(1)]])),
            (id(3), Dependencies::default()),
        ]);
        let error = providers_first(&tree).expect_err("1 and 2 wait for each other");
        assert_eq!(error.to_string(), "dependency cycle among resources 1 2");
    }

    proptest! {
        #[test]
        fn every_expression_reads_back_as_it_was_written(
            items in prop::collection::vec(prop::collection::vec(0_u16..99, 1..4), 0..5),
        ) {
            let needs = Dependencies(
                items.into_iter().map(|item| item.into_iter().map(ResourceId).collect()).collect(),
            );
            prop_assert_eq!(Dependencies::parse(&needs.to_string()), Ok(needs));
        }

        #[test]
        fn providers_always_come_before_their_dependents(
            needs in prop::collection::vec(prop::collection::vec(0_u16..30, 0..4), 1..30),
        ) {
            // Every resource leans only on lower numbers, so there is no cycle.
            let tree: BTreeMap<ResourceId, Dependencies> = (0_u16..)
                .zip(needs)
                .map(|(i, providers)| {
                    let lower = providers.into_iter().filter(|p| *p < i);
                    (id(i), Dependencies(lower.map(|p| vec![id(p)]).collect()))
                })
                .collect();
            let order = providers_first(&tree).expect("no cycle");
            prop_assert_eq!(order.len(), tree.len());
            for (at, resource) in order.iter().enumerate() {
                for provider in tree[resource].providers() {
                    prop_assert!(order[..at].contains(&provider));
                }
            }
        }
    }
}
