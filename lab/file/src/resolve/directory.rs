//! The directory of a lab: its domain and who may register names there.

use crate::model::Directory;
use crate::rule::Rule;
use crate::syntax::{Decoder, DirectorySpec, LabFile, UpdatesWord};

/// The domain of labs that name none.
const DOMAIN: &str = "cluster.example";
/// Longest label and longest name of DNS (RFC 1035 section 2.3.4), the dots included.
const LABEL_CHARACTERS_MAX: usize = 63;
const NAME_CHARACTERS_MAX: usize = 200;

/// The directory that the file describes, if it describes one.
pub(crate) fn resolve(file: &LabFile, decoder: &mut Decoder<'_>) -> Option<Directory> {
    let spec = file.directory.as_ref()?;
    let domain = spec.ad.as_ref().and_then(|ad| ad.domain.as_ref());
    if let Some(domain) = domain
        && !is_name(&domain.value.0)
    {
        let message = format!("`{}` is no name of a domain", domain.value.0);
        decoder.sink.error(Rule::BadName, domain.span, message);
    }
    let updates = spec.dns.as_ref().and_then(|dns| dns.updates.as_ref());
    let mode = spec.netbios.as_ref().and_then(|it| it.mode.as_ref());
    Some(Directory {
        domain: domain.map_or_else(|| DOMAIN.to_owned(), |domain| domain.value.0.clone()),
        has_accounts: spec.ad.is_some(),
        controller: controller(file, decoder),
        takes_updates: updates.is_none_or(|word| word.value == UpdatesWord::Any),
        netbios: mode.map(|word| word.value).unwrap_or_default(),
        port_base: port_base(spec, decoder),
    })
}

/// The machine that is the domain controller: one of the lab's.
fn controller(file: &LabFile, decoder: &mut Decoder<'_>) -> Option<String> {
    let ad = file.directory.as_ref()?.ad.as_ref()?;
    let controllers = ad.controllers.as_ref()?;
    let named = controllers.first()?;
    if let Some(second) = controllers.get(1) {
        let message = "a domain has one controller here";
        decoder.sink.error(Rule::BadName, second.span, message);
    }
    Some(named.value.0.clone())
}

/// The highest port of the services, kpasswd, must still be one.
const PORT_BASE_MAX: u32 = 65_535 - 464;

fn port_base(spec: &DirectorySpec, decoder: &mut Decoder<'_>) -> Option<u16> {
    let base = spec.port_base.as_ref()?;
    if base.value.0 > PORT_BASE_MAX {
        let message = format!("`port-base` is at most {PORT_BASE_MAX}");
        decoder.sink.error(Rule::BadNumber, base.span, message);
    }
    u16::try_from(base.value.0).ok()
}

fn is_name(text: &str) -> bool {
    let is_letter = |it: char| it.is_ascii_alphanumeric() || it == '-';
    let is_label = |label: &str| {
        (1..=LABEL_CHARACTERS_MAX).contains(&label.len()) && label.chars().all(is_letter)
    };
    text.len() <= NAME_CHARACTERS_MAX && text.split('.').all(is_label)
}
