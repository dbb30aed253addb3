//! The rules of lab files, each with a stable name that scripts and tests may rely on.

use std::fmt;

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $rule:ident = $name:literal,)+) => {
        /// A rule that a lab file can break.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Rule {
            $($(#[doc = $doc])+ $rule,)+
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &'static [Self] = &[$(Self::$rule,)+];

            /// The stable name, in kebab-case.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$rule => $name,)+
                }
            }
        }
    };
}

rules! {
    /// The file can be read.
    Unreadable = "unreadable",
    /// The file is not larger than the limit.
    TooLarge = "too-large",
    /// The file is UTF-8.
    Encoding = "encoding",
    /// The file is text: no NUL and no other control characters.
    ControlCharacter = "control-character",
    /// The file holds a lab.
    EmptyFile = "empty-file",
    /// The file is YAML.
    Syntax = "syntax",
    /// Lists and mappings are not nested deeper than the limit.
    TooDeep = "too-deep",
    /// The file has no more values than the limit, aliases counted as often as they are used.
    TooManyValues = "too-many-values",
    /// An alias does not stand inside its own anchor.
    AliasLoop = "alias-loop",
    /// The file has one YAML document.
    ManyDocuments = "many-documents",
    /// Values carry no YAML tags.
    YamlTag = "yaml-tag",

    /// A key is one that its place knows.
    UnknownKey = "unknown-key",
    /// A key or name stands once in its mapping.
    DuplicateKey = "duplicate-key",
    /// A key that is needed is there.
    MissingKey = "missing-key",
    /// A value has the shape that its place needs: text, number, list, mapping.
    WrongType = "wrong-type",
    /// A word is one of the allowed ones.
    UnknownWord = "unknown-word",
    /// Text has the form that its place needs.
    BadValue = "bad-value",
    /// A number lies in its bounds.
    BadNumber = "bad-number",
    /// A duration is a number with ms, s, m, h or d.
    BadDuration = "bad-duration",
    /// A duration is longer than zero.
    ZeroDuration = "zero-duration",
    /// A size is a number with a unit of bytes.
    BadSize = "bad-size",
    /// A size is larger than zero.
    ZeroSize = "zero-size",
    /// An address is an IPv4 address.
    BadAddress = "bad-address",
    /// A subnet is an IPv4 range in prefix notation without host bits.
    BadSubnet = "bad-subnet",
    /// A share is a percentage from 0 to 100.
    BadPercentage = "bad-percentage",
    /// A name has only the characters that names may have.
    BadName = "bad-name",
    /// A name range is well-formed.
    BadRange = "bad-range",
    /// A name range runs forwards.
    RangeBackwards = "range-backwards",
    /// A name range stands for no more than 64 names.
    RangeTooWide = "range-too-wide",
    /// A lab has no more nodes, networks, groups and resources than a cluster may have.
    TooMany = "too-many",
    /// A selector is well-formed.
    BadSelector = "bad-selector",
    /// A dependency expression is well-formed.
    BadDependency = "bad-dependency",
    /// An `or` list contains no `and`.
    AndInsideOr = "and-inside-or",
    /// A key or word is one that this version can honour.
    NotSupported = "not-supported",
    /// A variable or template that is used is declared.
    UnknownVariable = "unknown-variable",
    /// A variable's value fits its declaration.
    BadVariable = "bad-variable",

    /// A name that is referred to exists.
    UnknownName = "unknown-name",
    /// Names of groups, resources and machines do not clash across sections.
    DuplicateName = "duplicate-name",
    /// NetBIOS names have at most 15 characters.
    LongName = "long-name",
    /// Subnets do not overlap.
    OverlappingSubnets = "overlapping-subnets",
    /// No address is used twice.
    DuplicateAddress = "duplicate-address",
    /// An address lies in the network that it belongs to.
    ForeignAddress = "foreign-address",
    /// A subnet has room for its machines.
    SubnetFull = "subnet-full",
    /// An address for clients lies in a network for clients.
    NetworkRole = "network-role",
    /// A possible owner has an adapter on the network of an address.
    UnreachableNetwork = "unreachable-network",
    /// A machine or a network stands in one site.
    SiteMismatch = "site-mismatch",
    /// Members can talk to each other.
    NoClusterNetwork = "no-cluster-network",

    /// A logical unit has one user.
    LunUsedTwice = "lun-used-twice",
    /// A disk lies on an array with reservations.
    NoReservations = "no-reservations",
    /// A witness disk has at least 512 MiB.
    SmallWitness = "small-witness",
    /// A witness does not live on a member.
    WitnessOnMember = "witness-on-member",
    /// The quorum model and the witness belong together.
    QuorumModel = "quorum-model",
    /// Somebody has a vote.
    NoVotes = "no-votes",
    /// The number of votes is odd, or a witness breaks ties.
    EvenVotes = "even-votes",

    /// A property belongs to the type of its resource.
    WrongProperty = "wrong-property",
    /// Resources do not depend on each other in a circle.
    DependencyCycle = "dependency-cycle",
    /// A resource depends on what its type needs.
    MissingDependency = "missing-dependency",
    /// A setting exists in the cluster's generation.
    Generation = "generation",
    /// Preferred owners are possible owners, possible owners are members.
    Owners = "owners",
    /// Failback has a preferred owner to go to.
    FailbackWithoutPreferred = "failback-without-preferred",
    /// A retry is not sooner than the window of restarts.
    RetryBeforeWindow = "retry-before-window",
    /// A setting does something.
    NoEffect = "no-effect",

    /// A step does something, and only what fits together.
    BadStep = "bad-step",
    /// A fault names one target and something that can happen to it.
    BadFault = "bad-fault",
    /// An expectation is about one thing and says something of it.
    BadExpectation = "bad-expectation",
    /// `within`, `for` and `always` fit together.
    BadTiming = "bad-timing",
    /// An expectation leaves enough time for what it waits for.
    ImpossibleWithin = "impossible-within",
    /// Something in the scenario can affect an expectation.
    VacuousExpectation = "vacuous-expectation",
}

impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_in_kebab_case() {
        let mut names: Vec<&str> = Rule::ALL.iter().map(|rule| rule.name()).collect();
        assert!(names.iter().all(|name| {
            name.chars()
                .all(|letter| letter == '-' || letter.is_ascii_lowercase())
        }));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Rule::ALL.len());
    }
}
