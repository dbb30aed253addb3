//! Messages where clients in the field are freer than the module of RFC 4120, and conversions.
//!
//! Nonces and sequence numbers are wider than in `rasn-kerberos`, because some clients send them
//! as negative numbers and want them back unchanged (reference, 6.3). The body of a request is
//! kept as it came, because its checksum covers the very bytes.

use crate::Entropy;
use crate::crypto::{EncryptionType, Key, Usage};
use crate::der;
use crate::moment;
use base::WallTime;
use rasn::prelude::*;
use rasn_kerberos::{
    AuthorizationData, Checksum, EncryptedData, EncryptionKey, HostAddresses, KdcOptions,
    KerberosFlags, KerberosString, KerberosTime, LastReq, Microseconds, PaData, PrincipalName,
    Realm, Ticket, TicketFlags,
};

/// A request to the KDC, taken apart.
#[derive(Debug)]
pub(super) struct Request<'a> {
    pub(super) padata: Vec<PaData>,
    pub(super) body: RequestBody,
    pub(super) raw_body: &'a [u8],
}

#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct RequestBody {
    #[rasn(tag(explicit(0)))]
    pub(super) options: KdcOptions,
    #[rasn(tag(explicit(1)))]
    pub(super) cname: Option<PrincipalName>,
    #[rasn(tag(explicit(2)))]
    pub(super) realm: Realm,
    #[rasn(tag(explicit(3)))]
    pub(super) sname: Option<PrincipalName>,
    #[rasn(tag(explicit(4)))]
    pub(super) from: Option<KerberosTime>,
    #[rasn(tag(explicit(5)))]
    pub(super) till: KerberosTime,
    #[rasn(tag(explicit(6)))]
    pub(super) rtime: Option<KerberosTime>,
    #[rasn(tag(explicit(7)))]
    pub(super) nonce: i64,
    #[rasn(tag(explicit(8)))]
    pub(super) etype: SequenceOf<i32>,
    #[rasn(tag(explicit(9)))]
    pub(super) addresses: Option<HostAddresses>,
    #[rasn(tag(explicit(10)))]
    pub(super) authorization_data: Option<EncryptedData>,
    #[rasn(tag(explicit(11)))]
    pub(super) additional_tickets: Option<SequenceOf<Ticket>>,
}

/// What only the client can read of a reply.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
pub(super) struct ReplyPart {
    #[rasn(tag(explicit(0)))]
    pub(super) key: EncryptionKey,
    #[rasn(tag(explicit(1)))]
    pub(super) last_req: LastReq,
    #[rasn(tag(explicit(2)))]
    pub(super) nonce: i64,
    #[rasn(tag(explicit(4)))]
    pub(super) flags: TicketFlags,
    #[rasn(tag(explicit(5)))]
    pub(super) auth_time: KerberosTime,
    #[rasn(tag(explicit(6)))]
    pub(super) start_time: Option<KerberosTime>,
    #[rasn(tag(explicit(7)))]
    pub(super) end_time: KerberosTime,
    #[rasn(tag(explicit(8)))]
    pub(super) renew_till: Option<KerberosTime>,
    #[rasn(tag(explicit(9)))]
    pub(super) srealm: Realm,
    #[rasn(tag(explicit(10)))]
    pub(super) sname: PrincipalName,
}

/// What a client proves itself with next to a ticket.
#[derive(AsnType, Clone, Debug, Decode, Encode)]
#[rasn(tag(explicit(application, 2)))]
pub(crate) struct Authenticator {
    #[rasn(tag(explicit(0)))]
    pub(crate) version: Integer,
    #[rasn(tag(explicit(1)))]
    pub(crate) crealm: Realm,
    #[rasn(tag(explicit(2)))]
    pub(crate) cname: PrincipalName,
    #[rasn(tag(explicit(3)))]
    pub(crate) checksum: Option<Checksum>,
    #[rasn(tag(explicit(4)))]
    pub(crate) cusec: Microseconds,
    #[rasn(tag(explicit(5)))]
    pub(crate) ctime: KerberosTime,
    #[rasn(tag(explicit(6)))]
    pub(crate) subkey: Option<EncryptionKey>,
    #[rasn(tag(explicit(7)))]
    pub(crate) sequence: Option<i64>,
    #[rasn(tag(explicit(8)))]
    pub(crate) authorization_data: Option<AuthorizationData>,
}

impl<'a> Request<'a> {
    /// Reads an AS-REQ (tag 0x6a) or a TGS-REQ (tag 0x6c).
    pub(super) fn parse(bytes: &'a [u8], tag: u8) -> Option<Self> {
        let (sequence, _) = der::expect(bytes, tag)?;
        let (mut fields, _) = der::expect(sequence, 0x30)?;
        let mut padata = Vec::new();
        while let Some((tag, contents, rest)) = der::open(fields) {
            match tag {
                0xa3 => padata = rasn::der::decode(contents).ok()?,
                0xa4 => {
                    let body = rasn::der::decode(contents).ok()?;
                    return Some(Self {
                        padata,
                        body,
                        raw_body: contents,
                    });
                }
                _ => {}
            }
            fields = rest;
        }
        None
    }

    pub(super) fn padata(&self, kind: i32) -> Option<&[u8]> {
        self.padata
            .iter()
            .find(|data| data.r#type == kind)
            .map(|data| &data.value[..])
    }

    pub(super) fn options(&self) -> u32 {
        flags_of(&self.body.options.0)
    }

    /// The encryption types the client takes that exist here, in its order.
    pub(super) fn encryption_types(&self) -> Vec<EncryptionType> {
        let known = self
            .body
            .etype
            .iter()
            .filter_map(|kind| EncryptionType::from_number(*kind));
        known.collect()
    }
}

/// Text as Kerberos spells it; what does not fit its alphabet is left out.
pub(crate) fn text(value: &str) -> KerberosString {
    KerberosString::from_bytes(value.as_bytes()).unwrap_or_default()
}

/// The components of a principal.
pub(crate) fn components(name: &PrincipalName) -> Vec<String> {
    let lossy = |part: &KerberosString| String::from_utf8_lossy(part.as_bytes()).into_owned();
    name.string.iter().map(lossy).collect()
}

/// A principal of these components.
pub(crate) fn principal(kind: i32, components: &[&str]) -> PrincipalName {
    let string = components.iter().map(|component| text(component)).collect();
    PrincipalName {
        r#type: kind,
        string,
    }
}

pub(crate) fn time(at: WallTime) -> KerberosTime {
    KerberosTime(moment::calendar(at).fixed_offset())
}

pub(crate) fn moment_of(time: &KerberosTime) -> WallTime {
    WallTime(u64::try_from(time.0.timestamp_millis()).unwrap_or(0))
}

/// The microseconds of a moment that its Kerberos time leaves out.
pub(crate) fn microseconds(at: WallTime) -> Microseconds {
    Microseconds::from(at.0 % 1_000 * 1_000)
}

pub(crate) fn flags(bits: u32) -> KerberosFlags {
    KerberosFlags::from_slice(&bits.to_be_bytes())
}

pub(crate) fn flags_of(bits: &KerberosFlags) -> u32 {
    bits.iter().take(32).enumerate().fold(
        0,
        |sum, (at, bit)| {
            if *bit { sum | 0x8000_0000 >> at } else { sum }
        },
    )
}

pub(crate) fn encryption_key(key: &Key) -> EncryptionKey {
    EncryptionKey {
        r#type: key.kind().number(),
        value: key.bytes().to_vec().into(),
    }
}

pub(crate) fn key_of(key: &EncryptionKey) -> Option<Key> {
    Key::new(EncryptionType::from_number(key.r#type)?, &key.value)
}

/// Encodes and encrypts.
pub(crate) fn seal<T: Encode>(
    value: &T,
    key: &Key,
    usage: Usage,
    version: Option<u32>,
    entropy: &mut dyn Entropy,
) -> EncryptedData {
    let plain = encode(value);
    EncryptedData {
        etype: key.kind().number(),
        kvno: version,
        cipher: key.encrypt(usage, &plain, entropy).into(),
    }
}

/// Decrypts and decodes.
pub(crate) fn unseal<T: Decode>(data: &EncryptedData, key: &Key, usage: Usage) -> Option<T> {
    if data.etype != key.kind().number() {
        return None;
    }
    rasn::der::decode(&key.decrypt(usage, &data.cipher).ok()?).ok()
}

/// The DER form of a message of our own.
pub(crate) fn encode<T: Encode>(value: &T) -> Vec<u8> {
    rasn::der::encode(value).expect("messages of our own hold nothing that DER cannot")
}
