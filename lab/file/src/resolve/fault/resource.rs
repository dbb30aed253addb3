//! Faults of a resource, wherever it runs.

use super::Breaking;
use crate::model::{FaultKind, Resource, ResourceFault, ResourceType};
use crate::resolve::scenario::resource;
use crate::rule::Rule;
use crate::support::{Feature, require};
use crate::syntax::{At, Decoder, FaultWord, ResourceName};

impl Breaking<'_> {
    pub(super) fn of_resource(
        &self,
        name: &At<ResourceName>,
        decoder: &mut Decoder<'_>,
    ) -> Option<FaultKind> {
        const WORDS: &[&str] = &["fail", "hang", "remove-share"];
        let (feature, fault) = match self.word("resource", WORDS, decoder)? {
            FaultWord::Fail => (Feature::FaultResourceFail, ResourceFault::Fail),
            FaultWord::Hang => (Feature::FaultResourceHang, ResourceFault::Hang),
            FaultWord::RemoveShare => (Feature::FaultShareRemoved, ResourceFault::RemoveShare),
            _ => return self.wrong_word("resource", WORDS, decoder),
        };
        require(feature, name.span, decoder);
        let (group, resource) = resource(name, self.selecting, decoder)?;
        let is_share = |it: &Resource| it.kind.resource_type() == ResourceType::FileShare;
        let known = self.selecting.lab.group(&group);
        let known = known.and_then(|it| it.resource(&resource));
        if fault == ResourceFault::RemoveShare && !known.is_some_and(is_share) {
            let message = format!("`{group}/{resource}` is no file-share");
            decoder.sink.error(Rule::BadFault, name.span, message);
        }
        Some(FaultKind::Resource {
            group,
            resource,
            fault,
        })
    }
}
