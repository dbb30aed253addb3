//! Record data: its bytes as they go out, and the form by which two are the same.

use std::cmp::Ordering;

use domain::base::iana::Rtype;
use domain::base::name::ToName;
use domain::base::rdata::ComposeRecordData;
use domain::base::record::ParsedRecord;
use domain::base::{ParsedName, Serial};
use domain::rdata::{A, Aaaa, AllRecordData, Cname, Ns, Ptr, Soa, Srv};

use super::Name;

/// The data of one record, without names that point elsewhere in a message.
#[derive(Debug, Clone)]
pub struct Data {
    rtype: Rtype,
    wire: Vec<u8>,
    /// With the names in lower case, for comparing (RFC 4034 section 6.2).
    canonical: Vec<u8>,
}

impl Data {
    /// Data of a record as it came in a message; nothing if it is not what its type says.
    pub(super) fn parse(record: &ParsedRecord<'_, [u8]>) -> Option<Self> {
        let parsed = record
            .to_any_record::<AllRecordData<_, ParsedName<_>>>()
            .ok()?;
        Some(Self::compose(record.rtype(), parsed.data()))
    }

    /// Data from bytes that were written by [`Self::bytes`]; nothing if they make no sense.
    pub(super) fn from_bytes(rtype: Rtype, bytes: &[u8]) -> Option<Self> {
        use domain::base::rdata::ParseAnyRecordData;
        use domain::dep::octseq::Parser;
        let mut parser = Parser::from_ref(bytes);
        let parsed = AllRecordData::<&[u8], ParsedName<&[u8]>>::parse_any_rdata(rtype, &mut parser);
        let data = parsed.ok().filter(|_| parser.remaining() == 0)?;
        Some(Self::compose(rtype, &data))
    }

    fn compose(rtype: Rtype, data: &impl ComposeRecordData) -> Self {
        let (mut wire, mut canonical) = (Vec::new(), Vec::new());
        // Vectors grow: neither can fail.
        let Ok(()) = data.compose_rdata(&mut wire);
        let Ok(()) = data.compose_canonical_rdata(&mut canonical);
        Self {
            rtype,
            wire,
            canonical,
        }
    }

    /// An address.
    #[must_use]
    pub fn address(address: std::net::IpAddr) -> Self {
        match address {
            std::net::IpAddr::V4(address) => Self::compose(Rtype::A, &A::new(address)),
            std::net::IpAddr::V6(address) => Self::compose(Rtype::AAAA, &Aaaa::new(address)),
        }
    }

    /// Where a service is offered; priority 0, weight 100 as a domain controller registers.
    #[must_use]
    pub fn service(port: u16, host: &Name) -> Self {
        Self::compose(Rtype::SRV, &Srv::new(0, 100, port, host))
    }

    /// The name that another name stands for.
    #[must_use]
    pub fn alias(of: &Name) -> Self {
        Self::compose(Rtype::CNAME, &Cname::new(of))
    }

    /// A server of the zone.
    #[must_use]
    pub fn server(host: &Name) -> Self {
        Self::compose(Rtype::NS, &Ns::new(host))
    }

    /// The name of an address.
    #[must_use]
    pub fn pointer(name: &Name) -> Self {
        Self::compose(Rtype::PTR, &Ptr::new(name))
    }

    pub(super) fn start(soa: &Soa<&Name>) -> Self {
        Self::compose(Rtype::SOA, soa)
    }

    /// Which type of record this is.
    #[must_use]
    pub fn rtype(&self) -> Rtype {
        self.rtype
    }

    /// The bytes as they go out, names uncompressed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.wire
    }

    /// The name that the data ends with: of a server, an alias or a service.
    pub(super) fn target(&self) -> Option<Name> {
        let skipped = match self.rtype {
            Rtype::CNAME | Rtype::NS | Rtype::PTR => 0,
            Rtype::MX => 2,
            Rtype::SRV => 6,
            _ => return None,
        };
        Name::from_octets(self.wire.get(skipped..)?.to_vec()).ok()
    }

    /// A numbered field of an SOA record, counted from its end.
    fn soa_field(&self, from_end: usize) -> Option<u32> {
        let start = self.wire.len().checked_sub(4 * from_end)?;
        let bytes = self.wire.get(start..start + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    }

    /// The serial number of an SOA record.
    pub(super) fn serial(&self) -> Option<Serial> {
        (self.rtype == Rtype::SOA).then(|| self.soa_field(5).map(Serial::from))?
    }

    /// The time that an answer of nothing may be kept, of an SOA record.
    pub(super) fn minimum(&self) -> Option<u32> {
        (self.rtype == Rtype::SOA).then(|| self.soa_field(1))?
    }

    /// Raises the serial number of an SOA record by one.
    pub(super) fn raise_serial(&mut self) {
        let Some(serial) = self.serial() else { return };
        let raised = serial.add(1).into_int().to_be_bytes();
        for bytes in [&mut self.wire, &mut self.canonical] {
            let field = bytes.len().checked_sub(20).map(|start| start..start + 4);
            if let Some(field) = field.and_then(|field| bytes.get_mut(field)) {
                field.copy_from_slice(&raised);
            }
        }
    }
}

impl PartialEq for Data {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Data {}

impl PartialOrd for Data {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Data {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |it: &Self| it.rtype.to_int();
        key(self)
            .cmp(&key(other))
            .then_with(|| self.canonical.cmp(&other.canonical))
    }
}

/// A name from its text, of at most 255 octets.
///
/// # Errors
/// When the text is not a name.
pub fn name(text: &str) -> Result<Name, String> {
    Name::vec_from_str(text).map_err(|why| format!("`{text}` is not a DNS name: {why}"))
}

/// The name as text, with the dot at its end.
#[must_use]
pub fn text(name: &Name) -> String {
    name.fmt_with_dot().to_string()
}

/// A name in lower case, as signatures and keys of maps have it.
pub(super) fn lower(name: &Name) -> Name {
    name.to_canonical_name()
}
