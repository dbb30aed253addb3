//! Selectors: that what they name exists, and that they pick something.

use super::Scope;
use crate::diagnostic::Diagnostic;
use crate::model::{Lab, NicSelector, Selector};
use crate::rule::Rule;
use crate::source::Span;
use crate::support::{Feature, require};
use crate::syntax::{Decoder, SelectorSpec};

/// What a selector picks from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    Nodes,
    Networks,
    Groups,
}

/// What the file declares, and where its complaints go.
pub(crate) struct Selecting<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) scope: &'a Scope,
}

impl Selecting<'_> {
    /// The selector, after its names were checked.
    pub(crate) fn check(
        &self,
        spec: &SelectorSpec,
        domain: Domain,
        decoder: &mut Decoder<'_>,
    ) -> Selector {
        self.check_selector(&spec.selector, spec.span, domain, decoder);
        spec.selector.clone()
    }

    /// The adapters, after their names were checked.
    pub(crate) fn check_nics(
        &self,
        nics: &NicSelector,
        span: Span,
        decoder: &mut Decoder<'_>,
    ) -> NicSelector {
        self.check_selector(&nics.node, span, Domain::Nodes, decoder);
        self.check_selector(&nics.network, span, Domain::Networks, decoder);
        self.check_plugged(nics, span, decoder);
        nics.clone()
    }

    fn check_plugged(&self, nic: &NicSelector, span: Span, decoder: &mut Decoder<'_>) {
        let lab = self.lab;
        let nodes = nic.node.fixed_nodes(lab).filter(|nodes| !nodes.is_empty());
        let networks = nic
            .network
            .fixed_networks(lab)
            .filter(|networks| !networks.is_empty());
        let (Some(nodes), Some(networks)) = (nodes, networks) else {
            return;
        };
        let plugged = nodes.iter().filter_map(|node| lab.node(node)).any(|node| {
            networks
                .iter()
                .any(|network| node.adapter(network).is_some())
        });
        if !plugged {
            let message = "no such node is on such a network";
            decoder.sink.error(Rule::UnknownName, span, message);
        }
    }

    pub(crate) fn check_selector(
        &self,
        selector: &Selector,
        span: Span,
        domain: Domain,
        decoder: &mut Decoder<'_>,
    ) {
        match selector {
            Selector::Name(name) => self.name(name, span, domain, decoder),
            Selector::List(parts) => {
                for part in parts {
                    self.check_selector(part, span, domain, decoder);
                }
            }
            Selector::Glob(_) | Selector::All => self.not_empty(selector, span, domain, decoder),
            Selector::Site(site) => {
                if self.scope.sites.check(site, span, decoder) {
                    self.fits(selector, span, domain != Domain::Groups, decoder);
                    self.not_empty(selector, span, domain, decoder);
                }
            }
            Selector::Kind(kind) => {
                self.fits(
                    selector,
                    span,
                    domain == Domain::Nodes && kind == "member",
                    decoder,
                );
            }
            Selector::OwnerOf(group) => {
                self.scope.groups.check(group, span, decoder);
                self.fits(selector, span, domain == Domain::Nodes, decoder);
            }
            Selector::Any(count) => self.enough(*count, span, domain, decoder),
            Selector::Minority | Selector::Majority => {
                self.fits(selector, span, domain == Domain::Nodes, decoder);
            }
            Selector::Coordinator => {
                require(Feature::SelectCoordinator, span, decoder);
                self.fits(selector, span, domain == Domain::Nodes, decoder);
            }
        }
    }

    fn name(&self, name: &str, span: Span, domain: Domain, decoder: &mut Decoder<'_>) {
        let names = match domain {
            Domain::Nodes => &self.scope.nodes,
            Domain::Networks => &self.scope.networks,
            Domain::Groups => &self.scope.groups,
        };
        names.check(name, span, decoder);
    }

    fn fits(&self, selector: &Selector, span: Span, fits: bool, decoder: &mut Decoder<'_>) {
        if !fits {
            let message = format!("`{selector}` cannot be used here");
            decoder.sink.report(
                Diagnostic::error(Rule::BadSelector, span, message)
                    .hint("it picks another kind of thing"),
            );
        }
    }

    fn picked(&self, selector: &Selector, domain: Domain) -> Option<Vec<String>> {
        match domain {
            Domain::Nodes => selector.fixed_nodes(self.lab),
            Domain::Networks => selector.fixed_networks(self.lab),
            Domain::Groups => selector.fixed_groups(self.lab),
        }
    }

    fn not_empty(
        &self,
        selector: &Selector,
        span: Span,
        domain: Domain,
        decoder: &mut Decoder<'_>,
    ) {
        if self
            .picked(selector, domain)
            .is_some_and(|picked| picked.is_empty())
        {
            let message = format!("`{selector}` picks nothing in this lab");
            decoder.sink.error(Rule::UnknownName, span, message);
        }
    }

    fn enough(&self, count: u32, span: Span, domain: Domain, decoder: &mut Decoder<'_>) {
        let there = self
            .picked(&Selector::All, domain)
            .map_or(0, |all| all.len());
        if there > 0 && usize::try_from(count).unwrap_or(usize::MAX) > there {
            let message = format!("`any {count}` asks for more than the {there} there are");
            decoder.sink.error(Rule::BadSelector, span, message);
        }
    }
}
