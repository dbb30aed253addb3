//! What happens to packets.

use crate::model::Impairment;
use crate::rule::Rule;
use crate::syntax::{Decoder, ImpairmentSpec};

pub(crate) fn impairment(spec: &ImpairmentSpec, decoder: &mut Decoder<'_>) -> Impairment {
    let impairment = Impairment {
        delay: spec.delay.as_ref().map(|at| at.value).unwrap_or_default(),
        jitter: spec.jitter.as_ref().map(|at| at.value).unwrap_or_default(),
        loss: spec.loss.as_ref().map(|at| at.value.0).unwrap_or_default(),
        duplicate: spec
            .duplicate
            .as_ref()
            .map(|at| at.value.0)
            .unwrap_or_default(),
        reorder: spec
            .reorder
            .as_ref()
            .map(|at| at.value.0)
            .unwrap_or_default(),
    };
    if impairment == Impairment::default() && !spec.broken {
        decoder
            .sink
            .error(Rule::BadFault, spec.span, "this changes nothing");
    }
    impairment
}
