//! The quorum model and the votes.

use base::{Generation, QuorumModel};

use super::Names;
use super::cluster::since;
use crate::diagnostic::Diagnostic;
use crate::model::{Lab, Quorum, Witness};
use crate::rule::Rule;
use crate::syntax::{ClusterSpec, Decoder, ModelWord, QuorumSpec, WitnessSpec};

/// Resolves the model, given or derived from the witness, and the votes.
pub(crate) fn resolve(spec: &ClusterSpec, lab: &mut Lab, decoder: &mut Decoder<'_>) {
    lab.cluster.quorum = quorum(spec, lab, decoder);
    check_votes(spec, lab, decoder);
}

fn quorum(spec: &ClusterSpec, lab: &Lab, decoder: &mut Decoder<'_>) -> Quorum {
    let derived = match lab.cluster.witness {
        Witness::None | Witness::Cloud(_) => QuorumModel::NodeMajority,
        // The quorum disk of 2003 is all the quorum there is.
        Witness::Disk(_) if lab.cluster.generation == Generation::V2003 => QuorumModel::DiskOnly,
        Witness::Disk(_) => QuorumModel::NodeAndDiskMajority,
        Witness::Share(_) => QuorumModel::NodeAndFileShareMajority,
    };
    let Some(given) = &spec.quorum else {
        return Quorum {
            model: derived,
            ..super::cluster::empty().quorum
        };
    };
    if check_word(given, lab, decoder) {
        check_model(spec, given, derived, decoder);
    }
    check_quorum_generation(given, lab, decoder);
    if let Some(node) = &given.lower_priority_node {
        let members = Names::of("member", lab.cluster.members.iter().cloned());
        members.check(&node.value.0, node.span, decoder);
    }
    Quorum {
        model: given
            .model
            .as_ref()
            .map_or(derived, |model| model.value.model()),
        dynamic: given.dynamic.as_ref().map(|dynamic| dynamic.value),
        dynamic_witness: given.dynamic_witness.as_ref().map(|dynamic| dynamic.value),
        lower_priority_node: given
            .lower_priority_node
            .as_ref()
            .map(|node| node.value.0.clone()),
    }
}

fn check_model(
    spec: &ClusterSpec,
    given: &QuorumSpec,
    derived: QuorumModel,
    decoder: &mut Decoder<'_>,
) {
    let Some(model) = &given.model else { return };
    let wanted = model.value.model();
    let disk_only = wanted == QuorumModel::DiskOnly;
    let fits = wanted == derived || disk_only && derived == QuorumModel::NodeAndDiskMajority;
    // A witness that was refused above would only cause a second message here.
    let witness_refused = spec.witness.is_some() && derived == QuorumModel::NodeMajority;
    if fits || witness_refused && wanted != QuorumModel::NodeMajority && !is_none(spec) {
        return;
    }
    let needs = match wanted {
        QuorumModel::NodeMajority => "`witness: none`",
        QuorumModel::NodeAndDiskMajority | QuorumModel::DiskOnly => {
            "a disk witness: `witness: { disk: array/lun }`"
        }
        QuorumModel::NodeAndFileShareMajority => "a share witness: `witness: { share: endpoint }`",
    };
    let message = format!("{} does not go with this witness", wanted.label());
    decoder.sink.report(
        Diagnostic::error(Rule::QuorumModel, model.span, message)
            .hint(format!("it needs {needs}; or leave `model` out")),
    );
}

/// Reports a word of the other side of 2008, or a local quorum of several nodes. True if there was
/// nothing to report.
fn check_word(given: &QuorumSpec, lab: &Lab, decoder: &mut Decoder<'_>) -> bool {
    let Some(model) = &given.model else {
        return true;
    };
    let generation = lab.cluster.generation;
    let is_2003 = generation == Generation::V2003;
    let problem = if model.value.is_2003() != is_2003 {
        let words = if is_2003 {
            "local, shared-disk, majority-node-set"
        } else {
            "node-majority, node-and-disk-majority, node-and-file-share-majority, disk-only"
        };
        let message = format!("a cluster of {generation} has no such quorum model");
        Some((message, format!("its models are {words}")))
    } else if model.value == ModelWord::Local && lab.cluster.members.len() != 1 {
        let message = format!(
            "a local quorum has one node, not {}",
            lab.cluster.members.len()
        );
        Some((
            message,
            "take `shared-disk` or `majority-node-set`".to_owned(),
        ))
    } else {
        None
    };
    let Some((message, hint)) = problem else {
        return true;
    };
    let error = Diagnostic::error(Rule::QuorumModel, model.span, message);
    decoder.sink.report(error.hint(hint));
    false
}

fn is_none(spec: &ClusterSpec) -> bool {
    matches!(spec.witness, None | Some(WitnessSpec::None))
}

fn check_quorum_generation(given: &QuorumSpec, lab: &Lab, decoder: &mut Decoder<'_>) {
    if let Some(dynamic) = &given.dynamic {
        since(
            Generation::V2012,
            "dynamic quorum",
            dynamic.span,
            lab,
            decoder,
        );
    }
    if let Some(dynamic) = &given.dynamic_witness {
        since(
            Generation::V2012R2,
            "the dynamic witness",
            dynamic.span,
            lab,
            decoder,
        );
    }
    if let Some(node) = &given.lower_priority_node {
        since(
            Generation::V2012R2,
            "`lower-priority-node`",
            node.span,
            lab,
            decoder,
        );
    }
}

fn check_votes(spec: &ClusterSpec, lab: &Lab, decoder: &mut Decoder<'_>) {
    let votes: u32 = lab
        .cluster
        .members
        .iter()
        .filter_map(|member| lab.node(member))
        .map(|node| u32::from(node.votes))
        .sum();
    let span = spec.quorum.as_ref().map_or(spec.span, |quorum| quorum.span);
    let disk_only = lab.cluster.quorum.model == QuorumModel::DiskOnly;
    if votes == 0 && !disk_only && !lab.cluster.members.is_empty() {
        decoder
            .sink
            .error(Rule::NoVotes, span, "no member has a vote");
    } else if votes.is_multiple_of(2) && is_none(spec) && !disk_only && !decoder.sink.has_errors() {
        let message = format!("{votes} votes and no witness: an even split has no majority");
        decoder.sink.report(
            Diagnostic::warning(Rule::EvenVotes, span, message)
                .hint("add a witness, or take a vote away with `votes: 0`"),
        );
    }
}
