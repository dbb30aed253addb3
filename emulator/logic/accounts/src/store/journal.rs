//! What must be written down so that a directory comes back as it was.
//!
//! A journal is a row of records, each a DER value that says its own length. A record holds an
//! object whole; the last record of an object wins. A tail that was cut off is left out, as after
//! a loss of power; anything else that cannot be read is damage.

use super::object::Object;
use super::rights::{Grant, Rights};
use super::schema;
use super::secrets::Secrets;
use super::{Domain, Guid, Name, Sid, Store};
use crate::crypto::{EncryptionType, Key};
use crate::der;
use rasn::prelude::*;

/// A journal that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the journal makes no sense from byte {offset} on: restore or delete the file")]
pub struct Damage {
    /// Where the record that makes no sense begins.
    pub offset: usize,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(choice)]
enum Record {
    #[rasn(tag(explicit(0)))]
    Domain(DomainRecord),
    #[rasn(tag(explicit(1)))]
    Object(Box<ObjectRecord>),
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct DomainRecord {
    dns: Utf8String,
    netbios: Utf8String,
    host: Utf8String,
    site: Utf8String,
    guid: OctetString,
    sid: OctetString,
    service: OctetString,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct ObjectRecord {
    guid: OctetString,
    name: Utf8String,
    attributes: SequenceOf<AttributeRecord>,
    grants: SequenceOf<GrantRecord>,
    sequence: u64,
    next_rid: u32,
    #[rasn(tag(explicit(0)))]
    owner: Option<OctetString>,
    #[rasn(tag(explicit(1)))]
    secrets: Option<SecretsRecord>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct AttributeRecord {
    name: Utf8String,
    values: SequenceOf<OctetString>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct GrantRecord {
    trustee: OctetString,
    rights: u32,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct SecretsRecord {
    version: u32,
    salt: Utf8String,
    hash: OctetString,
    keys: SequenceOf<KeyRecord>,
    #[rasn(tag(explicit(0)))]
    pending: Option<Utf8String>,
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
struct KeyRecord {
    kind: i32,
    value: OctetString,
}

impl Store {
    /// What has to be appended to the journal before the answer to a request goes out.
    #[must_use]
    pub fn take_journal(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.journal)
    }

    /// A journal of the present state alone, to write in place of a long one.
    #[must_use]
    pub fn snapshot(&self) -> Vec<u8> {
        let mut store = Self::empty(self.domain.clone());
        store.sequence = self.sequence;
        store.next_rid = self.next_rid;
        store.write_down_domain();
        self.objects
            .values()
            .for_each(|object| store.write_down(object));
        store.journal
    }

    /// The directory that a journal describes.
    ///
    /// # Errors
    /// When a whole record makes no sense, or there is none.
    pub fn replay(journal: &[u8]) -> Result<Self, Damage> {
        let mut rest = journal;
        let mut store: Option<Self> = None;
        while let Some((record, tail)) = der::element(rest) {
            let damage = || Damage {
                offset: journal.len() - rest.len(),
            };
            match rasn::der::decode(record).map_err(|_| damage())? {
                Record::Domain(record) => {
                    store = Some(Self::empty(record.restore().ok_or_else(damage)?));
                }
                Record::Object(record) => {
                    let store = store.as_mut().ok_or_else(damage)?;
                    store.restore(*record).ok_or_else(damage)?;
                }
            }
            rest = tail;
        }
        store.ok_or(Damage { offset: 0 })
    }

    fn restore(&mut self, record: ObjectRecord) -> Option<()> {
        self.sequence = self.sequence.max(record.sequence);
        self.next_rid = self.next_rid.max(record.next_rid);
        self.place(record.restore()?);
        Some(())
    }

    pub(super) fn write_down(&mut self, object: &Object) {
        let record = ObjectRecord::of(object, self.sequence, self.next_rid);
        self.append(&Record::Object(Box::new(record)));
    }

    pub(super) fn write_down_domain(&mut self) {
        let domain = &self.domain;
        let record = DomainRecord {
            dns: domain.dns.clone(),
            netbios: domain.netbios.clone(),
            host: domain.host.clone(),
            site: domain.site.clone(),
            guid: domain.guid.0.to_vec().into(),
            sid: domain.sid.bytes().into(),
            service: domain.service.0.to_vec().into(),
        };
        self.append(&Record::Domain(record));
    }

    fn append(&mut self, record: &Record) {
        let bytes = rasn::der::encode(record);
        self.journal
            .extend(bytes.expect("records of our own hold nothing that DER cannot"));
    }
}

impl DomainRecord {
    fn restore(self) -> Option<Domain> {
        Some(Domain {
            dns: self.dns,
            netbios: self.netbios,
            host: self.host,
            site: self.site,
            guid: guid(&self.guid)?,
            sid: Sid::from_bytes(&self.sid)?,
            service: guid(&self.service)?,
        })
    }
}

impl ObjectRecord {
    fn of(object: &Object, sequence: u64, next_rid: u32) -> Self {
        let attribute = |(name, values): (&'static str, &[Vec<u8>])| AttributeRecord {
            name: name.to_owned(),
            values: values.iter().map(|value| value.clone().into()).collect(),
        };
        let grant = |grant: &Grant| GrantRecord {
            trustee: grant.trustee.0.to_vec().into(),
            rights: grant.rights.0,
        };
        Self {
            guid: object.guid.0.to_vec().into(),
            name: object.name.to_string(),
            attributes: object.attributes().map(attribute).collect(),
            grants: object.grants.iter().map(grant).collect(),
            sequence,
            next_rid,
            owner: object.owner.map(|owner| owner.0.to_vec().into()),
            secrets: object.secrets.as_ref().map(SecretsRecord::of),
        }
    }

    fn restore(self) -> Option<Object> {
        let mut object = Object::new(guid(&self.guid)?, Name::parse(&self.name)?);
        for attribute in self.attributes {
            let known = schema::find(&attribute.name)?;
            object.set(
                known.name,
                attribute
                    .values
                    .iter()
                    .map(|value| value.to_vec())
                    .collect(),
            );
        }
        for grant in self.grants {
            let rights = Rights(grant.rights);
            object.grants.push(Grant {
                trustee: guid(&grant.trustee)?,
                rights,
            });
        }
        object.owner = self.owner.as_deref().and_then(guid);
        object.secrets = self.secrets.map(SecretsRecord::restore);
        Some(object)
    }
}

impl SecretsRecord {
    fn of(secrets: &Secrets) -> Self {
        let key = |key: &Key| KeyRecord {
            kind: key.kind().number(),
            value: key.bytes().to_vec().into(),
        };
        Self {
            version: secrets.version,
            salt: secrets.salt.clone(),
            hash: secrets.hash.clone().into(),
            keys: secrets.keys.values().map(key).collect(),
            pending: secrets.pending.clone(),
        }
    }

    fn restore(self) -> Secrets {
        let key = |record: &KeyRecord| {
            let kind = EncryptionType::from_number(record.kind)?;
            Some((kind, Key::new(kind, &record.value)?))
        };
        Secrets {
            version: self.version,
            salt: self.salt,
            hash: self.hash.to_vec(),
            keys: self.keys.iter().filter_map(key).collect(),
            pending: self.pending,
        }
    }
}

fn guid(bytes: &[u8]) -> Option<Guid> {
    bytes.try_into().ok().map(Guid)
}
