//! What an administrator does in a step: the word of `do` and its arguments.

use base::{Generation, QuorumModel};

use super::cluster::{since, witness_of};
use super::scenario::resource;
use super::selector::{Domain, Selecting};
use crate::diagnostic::Diagnostic;
use crate::model::{Action, PropertyOwner, Selector, StartOption, Witness};
use crate::rule::Rule;
use crate::support::{Feature, require};
use crate::syntax::{ActionWord, At, Decoder, SelectorSpec, StepSpec, Text};

/// What `do` and its arguments say.
pub(super) fn action(
    spec: &StepSpec,
    selecting: &Selecting<'_>,
    decoder: &mut Decoder<'_>,
) -> Option<Action> {
    let Some(word) = &spec.r#do else {
        let stray = [
            spec.node.as_ref().map(|one| one.span),
            spec.to.as_ref().map(|one| one.span),
            spec.group.as_ref().map(|one| one.span),
            spec.resource.as_ref().map(|one| one.span),
        ];
        let span = stray.into_iter().flatten().next();
        if let Some(span) = span.filter(|_| !spec.broken) {
            let message = "this goes with `do`, which is missing";
            decoder
                .sink
                .report(Diagnostic::error(Rule::BadStep, span, message).hint(
                    "what is broken or expected stands inside `fault: { }` or `expect: { }`",
                ));
        }
        return None;
    };
    require(feature(word.value), word.span, decoder);
    Arguments {
        spec,
        word,
        selecting,
    }
    .action(decoder)
}

fn feature(word: ActionWord) -> Feature {
    match word {
        ActionWord::Move => Feature::DoMove,
        ActionWord::Online => Feature::DoOnline,
        ActionWord::Offline => Feature::DoOffline,
        ActionWord::Fail => Feature::DoFail,
        ActionWord::Pause => Feature::DoPause,
        ActionWord::Drain => Feature::DoDrain,
        ActionWord::Resume => Feature::DoResume,
        ActionWord::Start => Feature::DoStart,
        ActionWord::Stop => Feature::DoStop,
        ActionWord::Evict => Feature::DoEvict,
        ActionWord::Add => Feature::DoAdd,
        ActionWord::Quorum => Feature::DoQuorum,
        ActionWord::Heal => Feature::DoHeal,
        ActionWord::Set => Feature::DoSet,
        ActionWord::Maintenance => Feature::DoMaintenance,
        ActionWord::WriteRegistry => Feature::DoWriteRegistry,
        ActionWord::WriteVolume | ActionWord::ReadVolume => Feature::DoVolume,
    }
}

struct Arguments<'a> {
    spec: &'a StepSpec,
    word: &'a At<ActionWord>,
    selecting: &'a Selecting<'a>,
}

impl Arguments<'_> {
    fn action(&self, decoder: &mut Decoder<'_>) -> Option<Action> {
        let spec = self.spec;
        let group = self.group(decoder);
        let named = spec.resource.as_ref();
        let resource = named.and_then(|one| resource(one, self.selecting, decoder));
        let nodes = self.picked(spec.node.as_ref(), Domain::Nodes, decoder);
        let to = self.picked(spec.to.as_ref(), Domain::Nodes, decoder);
        let networks = self.picked(spec.network.as_ref(), Domain::Networks, decoder);
        self.check_arguments(decoder);
        let text = |at: Option<&At<Text>>| at.map(|at| at.value.0.clone());
        let property = text(spec.property.as_ref());
        let value = spec.value.as_ref().map(|at| at.value.0.clone());
        match (self.word.value, group, resource, nodes) {
            (ActionWord::Set, group, resource, nodes) => Some(Action::SetProperty {
                of: match (group, resource, nodes, networks, text(spec.r#type.as_ref())) {
                    (.., Some(label)) => PropertyOwner::Type(label),
                    (.., Some(networks), None) => PropertyOwner::Networks(networks),
                    (Some(group), ..) => PropertyOwner::Group(group),
                    (_, Some((group, name)), ..) => PropertyOwner::Resource(group, name),
                    (_, _, Some(nodes), ..) => PropertyOwner::Nodes(nodes),
                    (None, None, None, None, None) => PropertyOwner::Cluster,
                },
                property: property?,
                value: value?,
            }),
            (ActionWord::Maintenance, _, Some((group, resource)), _) => {
                let on = value? == "true";
                Some(Action::Maintenance {
                    group,
                    resource,
                    on,
                })
            }
            (ActionWord::WriteRegistry, _, _, Some(nodes)) => Some(Action::WriteRegistry {
                nodes,
                key: property?,
                value: value?,
            }),
            (word, _, Some((group, resource)), Some(nodes)) if is_of_volume(word) => {
                self.volume(nodes, group, resource, property, value?, decoder)
            }
            (ActionWord::Move, Some(group), ..) => {
                let queue = spec.queue.as_ref().is_some_and(|queue| queue.value);
                Some(Action::MoveGroup { group, to, queue })
            }
            (ActionWord::Online, Some(group), ..) => Some(Action::OnlineGroup(group)),
            (ActionWord::Offline, Some(group), ..) => Some(Action::OfflineGroup(group)),
            (ActionWord::Online, None, Some((group, resource)), _) => {
                Some(Action::OnlineResource { group, resource })
            }
            (ActionWord::Offline, None, Some((group, resource)), _) => {
                Some(Action::OfflineResource { group, resource })
            }
            (ActionWord::Fail, _, Some((group, resource)), _) => {
                Some(Action::FailResource { group, resource })
            }
            (ActionWord::Pause, _, _, Some(nodes)) => Some(Action::Pause(nodes)),
            (ActionWord::Drain, _, _, Some(nodes)) => Some(Action::Drain(nodes)),
            (ActionWord::Resume, _, _, Some(nodes)) => Some(Action::Resume(nodes)),
            (ActionWord::Heal, ..) => Some(Action::Heal),
            (ActionWord::Quorum, ..) => self.quorum(decoder),
            (word, _, _, Some(nodes)) => self.of_nodes(word, nodes, decoder),
            _ => None,
        }
    }

    fn of_nodes(
        &self,
        word: ActionWord,
        nodes: Selector,
        decoder: &mut Decoder<'_>,
    ) -> Option<Action> {
        match word {
            ActionWord::Start => self.start(nodes, decoder),
            ActionWord::Stop => Some(Action::Stop(nodes)),
            ActionWord::Evict => Some(Action::Evict(nodes)),
            ActionWord::Add => Some(Action::Add(nodes)),
            _ => None,
        }
    }

    fn start(&self, nodes: Selector, decoder: &mut Decoder<'_>) -> Option<Action> {
        let lab = self.selecting.lab;
        let is = |at: &Option<At<bool>>| at.as_ref().filter(|at| at.value).map(|at| at.span);
        let forced = is(&self.spec.force_quorum);
        let prevented = is(&self.spec.prevent_quorum);
        let cleared = is(&self.spec.clear_quarantine);
        let option = match (forced, prevented, cleared) {
            (None, None, None) => StartOption::Plain,
            (Some(_), None, None) => StartOption::ForceQuorum,
            (None, Some(span), None) => {
                since(Generation::V2008, "`prevent-quorum`", span, lab, decoder);
                StartOption::PreventQuorum
            }
            (None, None, Some(span)) => {
                since(Generation::V2016, "`clear-quarantine`", span, lab, decoder);
                StartOption::ClearQuarantine
            }
            (_, Some(span), _) | (_, _, Some(span)) => {
                let message = "`force-quorum`, `prevent-quorum` and `clear-quarantine` exclude \
                               each other";
                decoder.sink.error(Rule::BadStep, span, message);
                return None;
            }
        };
        Some(Action::Start { nodes, option })
    }

    fn quorum(&self, decoder: &mut Decoder<'_>) -> Option<Action> {
        let Selecting { lab, scope } = self.selecting;
        let spec = self.spec.witness.as_ref()?;
        since(
            Generation::V2008,
            "a change of the quorum model",
            self.word.span,
            lab,
            decoder,
        );
        let witness = witness_of(spec, lab, scope, decoder);
        let model = self.spec.model.as_ref();
        let disk_only = model.is_some_and(|at| at.value.model() == QuorumModel::DiskOnly);
        if let Some(model) = model
            && !(disk_only && matches!(witness, Witness::Disk(_)))
        {
            let message = "only `disk-only` is given, and it needs a disk as witness";
            decoder.sink.report(
                Diagnostic::error(Rule::QuorumModel, model.span, message)
                    .hint("leave `model` out: it follows from the witness"),
            );
        }
        Some(Action::Quorum { witness, disk_only })
    }

    fn group(&self, decoder: &mut Decoder<'_>) -> Option<String> {
        let groups = &self.selecting.scope.groups;
        let named = self.spec.group.as_ref()?;
        let known = groups.check(&named.value.0, named.span, decoder);
        known.then(|| named.value.0.clone())
    }

    fn picked(
        &self,
        spec: Option<&SelectorSpec>,
        domain: Domain,
        decoder: &mut Decoder<'_>,
    ) -> Option<Selector> {
        spec.map(|one| self.selecting.check(one, domain, decoder))
    }

    fn volume(
        &self,
        nodes: Selector,
        group: String,
        resource: String,
        page: Option<String>,
        value: String,
        decoder: &mut Decoder<'_>,
    ) -> Option<Action> {
        let page = page.map_or(Ok(0), |page| page.parse());
        let Ok(page) = page else {
            let message = "`property` is the number of a page here";
            decoder.sink.error(Rule::BadStep, self.word.span, message);
            return None;
        };
        Some(if self.word.value == ActionWord::WriteVolume {
            Action::WriteVolume {
                nodes,
                group,
                resource,
                page,
                value,
            }
        } else {
            Action::ReadVolume {
                nodes,
                group,
                resource,
                page,
                value,
            }
        })
    }

    /// Exactly the arguments that the word takes.
    fn check_arguments(&self, decoder: &mut Decoder<'_>) {
        let spec = self.spec;
        let (takes, form) = form_of(self.word.value);
        let given = [
            ("group", spec.group.is_some()),
            ("resource", spec.resource.is_some()),
            ("node", spec.node.is_some()),
            ("network", spec.network.is_some()),
            ("type", spec.r#type.is_some()),
        ];
        let given: Vec<&str> = given
            .iter()
            .filter(|(_, is)| *is)
            .map(|(key, _)| *key)
            .collect();
        let to_is_stray = spec.to.is_some() && self.word.value != ActionWord::Move;
        let word = self.word.value;
        let of_cluster = word == ActionWord::Set && given.is_empty();
        let named = matches!(word, ActionWord::Set | ActionWord::WriteRegistry);
        let valued = named || word == ActionWord::Maintenance;
        let of_volume = is_of_volume(word);
        let count = if of_volume {
            2
        } else {
            usize::from(!takes.is_empty())
        };
        let options = [
            &spec.force_quorum,
            &spec.prevent_quorum,
            &spec.clear_quarantine,
        ];
        let start_option = options.iter().any(|option| option.is_some());
        let queue_is_stray = spec.queue.is_some() && word != ActionWord::Move;
        let right = (of_cluster || given.len() == count)
            && given.iter().all(|key| takes.contains(key))
            && (word == ActionWord::Start || !start_option)
            && spec.witness.is_some() == (word == ActionWord::Quorum)
            && (word == ActionWord::Quorum || spec.model.is_none())
            && (of_volume || spec.property.is_some() == named)
            && spec.value.is_some() == (valued || of_volume);
        if !right || to_is_stray || queue_is_stray {
            let message = "these are not the arguments of this action";
            decoder.sink.report(
                Diagnostic::error(Rule::BadStep, self.word.span, message)
                    .hint(format!("write {form}")),
            );
        }
    }
}

/// The arguments that a word takes, and how it is written.
fn form_of(word: ActionWord) -> (&'static [&'static str], &'static str) {
    match word {
        ActionWord::Move => (
            &["group"],
            "`do: move, group: name`, with `to: node` and `queue: true` if you like",
        ),
        ActionWord::Online => (
            &["group", "resource"],
            "`do: online` with `group` or `resource`",
        ),
        ActionWord::Offline => (
            &["group", "resource"],
            "`do: offline` with `group` or `resource`",
        ),
        ActionWord::Fail => (&["resource"], "`do: fail, resource: group/resource`"),
        ActionWord::Pause => (&["node"], "`do: pause, node: name`"),
        ActionWord::Drain => (&["node"], "`do: drain, node: name`"),
        ActionWord::Resume => (&["node"], "`do: resume, node: name`"),
        ActionWord::Start => (
            &["node"],
            "`do: start, node: name`, with `force-quorum: true`, `prevent-quorum: true` or \
             `clear-quarantine: true`",
        ),
        ActionWord::Stop => (&["node"], "`do: stop, node: name`"),
        ActionWord::Evict => (&["node"], "`do: evict, node: name`"),
        ActionWord::Add => (&["node"], "`do: add, node: name`"),
        ActionWord::Quorum => (
            &[],
            "`do: quorum, witness: { disk: array/lun }`, with `model: disk-only` if you like",
        ),
        ActionWord::Heal => (&[], "`do: heal` alone"),
        ActionWord::Set => (
            &["group", "resource", "node", "network", "type"],
            "`do: set` with `property`, `value` and at most one of `group`, `resource`, \
                 `node`, `network`, `type`",
        ),
        ActionWord::Maintenance => (
            &["resource"],
            "`do: maintenance, resource: group/resource, value: true`",
        ),
        ActionWord::WriteVolume | ActionWord::ReadVolume => (
            &["node", "resource"],
            "`do: write-volume, node: name, resource: group/volume, value: text`",
        ),
        ActionWord::WriteRegistry => (
            &["node"],
            "`do: write-registry, node: name, property: key, value: text`",
        ),
    }
}

fn is_of_volume(word: ActionWord) -> bool {
    matches!(word, ActionWord::WriteVolume | ActionWord::ReadVolume)
}
