//! Words that pick nodes, networks, groups and other named things.

use std::fmt;

use super::{Lab, Node};

/// Picks named things, some when the file is read, some only when the lab runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// One thing by its name.
    Name(String),
    /// All things whose name matches a pattern with `*` and `?`.
    Glob(String),
    /// Everything that one of the parts picks.
    List(Vec<Self>),
    /// Everything of the kind.
    All,
    /// That many, drawn from the seed when the step runs.
    Any(u32),
    /// The most running members that are fewer than half of them, drawn from the seed.
    Minority,
    /// The fewest running members that are more than half of them, drawn from the seed.
    Majority,
    /// The node that coordinates the cluster at the moment: the owner of the core group.
    Coordinator,
    /// The node that owns the group at the moment.
    OwnerOf(String),
    /// The nodes or networks of a site.
    Site(String),
    /// The nodes of a kind: `member` picks the members of the cluster.
    Kind(String),
}

impl Selector {
    /// The nodes that the selector picks, in file order, when that can be told from the file alone.
    /// `None` when only the running lab knows (`owner-of`, `any`, `minority`, `majority`, ...).
    #[must_use]
    pub fn fixed_nodes(&self, lab: &Lab) -> Option<Vec<String>> {
        let member = |node: &Node| lab.cluster.members.contains(&node.name);
        let mut picked = Vec::new();
        for node in &lab.nodes {
            if self.picks(&node.name, node.site.as_deref(), member(node))? {
                picked.push(node.name.clone());
            }
        }
        Some(picked)
    }

    /// The networks that the selector picks, in file order; `None` as for [`Self::fixed_nodes`].
    #[must_use]
    pub fn fixed_networks(&self, lab: &Lab) -> Option<Vec<String>> {
        let mut picked = Vec::new();
        for network in &lab.networks {
            if self.picks(&network.name, network.site.as_deref(), false)? {
                picked.push(network.name.clone());
            }
        }
        Some(picked)
    }

    /// The groups that the selector picks, in file order; `None` as for [`Self::fixed_nodes`].
    #[must_use]
    pub fn fixed_groups(&self, lab: &Lab) -> Option<Vec<String>> {
        let mut picked = Vec::new();
        for group in &lab.cluster.groups {
            if self.picks(&group.name, None, false)? {
                picked.push(group.name.clone());
            }
        }
        Some(picked)
    }

    /// Whether the selector picks a thing of this name and site in every run; `false` where only a
    /// run can tell.
    #[must_use]
    pub fn surely_picks(&self, name: &str, site: Option<&str>, member: bool) -> bool {
        match self {
            Self::List(parts) => parts
                .iter()
                .any(|part| part.surely_picks(name, site, member)),
            _ => self.picks(name, site, member) == Some(true),
        }
    }

    /// How many members the selector draws from those that it does not name: the most that one of
    /// its parts asks for. An owner or a coordinator counts as one.
    #[must_use]
    pub fn drawn_count(&self) -> usize {
        match self {
            Self::List(parts) => parts.iter().map(Self::drawn_count).max().unwrap_or(0),
            Self::Any(count) => usize::try_from(*count).unwrap_or(usize::MAX),
            Self::Minority | Self::Majority | Self::Coordinator | Self::OwnerOf(_) => 1,
            Self::Name(_) | Self::Glob(_) | Self::All | Self::Site(_) | Self::Kind(_) => 0,
        }
    }

    /// Whether the selector picks a thing of this name and site; `None` when only a run can tell.
    #[must_use]
    pub fn picks(&self, name: &str, site: Option<&str>, member: bool) -> Option<bool> {
        match self {
            Self::Name(wanted) => Some(wanted == name),
            Self::Glob(pattern) => Some(glob_matches(pattern, name)),
            Self::List(parts) => {
                let mut picked = false;
                for part in parts {
                    picked |= part.picks(name, site, member)?;
                }
                Some(picked)
            }
            Self::All => Some(true),
            Self::Site(wanted) => Some(site == Some(wanted)),
            Self::Kind(kind) => Some(kind == "member" && member),
            Self::Any(_)
            | Self::Minority
            | Self::Majority
            | Self::Coordinator
            | Self::OwnerOf(_) => None,
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(text) | Self::Glob(text) => formatter.write_str(text),
            Self::List(parts) => {
                let words: Vec<String> = parts.iter().map(ToString::to_string).collect();
                write!(formatter, "[{}]", words.join(", "))
            }
            Self::All => formatter.write_str("all"),
            Self::Any(count) => write!(formatter, "any {count}"),
            Self::Minority => formatter.write_str("minority"),
            Self::Majority => formatter.write_str("majority"),
            Self::Coordinator => formatter.write_str("coordinator"),
            Self::OwnerOf(group) => write!(formatter, "owner-of({group})"),
            Self::Site(site) => write!(formatter, "site({site})"),
            Self::Kind(kind) => write!(formatter, "kind({kind})"),
        }
    }
}

/// A network adapter of the nodes that a selector picks: `owner-of(fs1)/lan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NicSelector {
    /// The machines.
    pub node: Selector,
    /// The networks that the adapters are on.
    pub network: Selector,
}

/// Whether a name matches a pattern of literal characters, `*` (any run) and `?` (any one).
/// Takes time proportional to the product of the two lengths at worst.
#[must_use]
pub(crate) fn glob_matches(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    // `reachable[i]`: the first `i` characters of the pattern match what was read of the name.
    let mut reachable = vec![false; pattern.len() + 1];
    reachable[0] = true;
    skip_stars(&pattern, &mut reachable);
    for character in name.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (index, &wanted) in pattern.iter().enumerate() {
            if reachable[index] && wanted == '*' {
                next[index] = true;
            } else if reachable[index] && (wanted == '?' || wanted == character) {
                next[index + 1] = true;
            }
        }
        skip_stars(&pattern, &mut next);
        reachable = next;
    }
    reachable[pattern.len()]
}

fn skip_stars(pattern: &[char], reachable: &mut [bool]) {
    for (index, &wanted) in pattern.iter().enumerate() {
        if wanted == '*' && reachable[index] {
            reachable[index + 1] = true;
        }
    }
}
