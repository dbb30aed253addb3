//! The attributes the directory knows: their spelling, syntax and who may write them.
//!
//! The part of the product's schema that computers, users, groups and containers need
//! (reference, 4.2 and 4.4). Deliberately not done here: reading the schema through LDAP, and
//! attributes that no client of a cluster asks for.

/// How values are compared and ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// Text, case ignored.
    Text,
    /// A signed decimal number.
    Number,
    /// `TRUE` or `FALSE`.
    Truth,
    /// Bytes.
    Bytes,
    /// A distinguished name.
    Name,
    /// Generalized time.
    Time,
    /// A security identifier; filters may give `S-1-…`.
    Sid,
}

/// Who may write an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// Whoever has the right.
    Caller,
    /// The directory alone.
    Directory,
    /// Nobody: the value is worked out when it is read.
    Nobody,
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub struct Attribute {
    /// Its spelling.
    pub name: &'static str,
    /// Its syntax.
    pub syntax: Syntax,
    /// At most one value.
    pub single: bool,
    /// Who writes it.
    pub writer: Writer,
}

/// The attribute of that name, in any case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Attribute> {
    ATTRIBUTES
        .iter()
        .find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}

const fn one(name: &'static str, syntax: Syntax) -> Attribute {
    Attribute {
        name,
        syntax,
        single: true,
        writer: Writer::Caller,
    }
}

const fn many(name: &'static str, syntax: Syntax) -> Attribute {
    Attribute {
        name,
        syntax,
        single: false,
        writer: Writer::Caller,
    }
}

const fn own(name: &'static str, syntax: Syntax) -> Attribute {
    Attribute {
        name,
        syntax,
        single: true,
        writer: Writer::Directory,
    }
}

const fn worked_out(name: &'static str, syntax: Syntax) -> Attribute {
    Attribute {
        name,
        syntax,
        single: true,
        writer: Writer::Nobody,
    }
}

const ATTRIBUTES: &[Attribute] = &[
    one("accountExpires", Syntax::Number),
    own("badPasswordTime", Syntax::Number),
    own("badPwdCount", Syntax::Number),
    one("c", Syntax::Text),
    worked_out("canonicalName", Syntax::Text),
    one("cn", Syntax::Text),
    one("codePage", Syntax::Number),
    one("countryCode", Syntax::Number),
    one("company", Syntax::Text),
    one("dc", Syntax::Text),
    one("department", Syntax::Text),
    many("description", Syntax::Text),
    one("displayName", Syntax::Text),
    worked_out("distinguishedName", Syntax::Name),
    one("dNSHostName", Syntax::Text),
    one("dSHeuristics", Syntax::Text),
    own("dnsRoot", Syntax::Text),
    own("fSMORoleOwner", Syntax::Name),
    own("forceLogoff", Syntax::Number),
    one("givenName", Syntax::Text),
    one("groupType", Syntax::Number),
    one("homeDirectory", Syntax::Text),
    own("instanceType", Syntax::Number),
    own("isCriticalSystemObject", Syntax::Truth),
    own("isDeleted", Syntax::Truth),
    own("isRecycled", Syntax::Truth),
    own("lastKnownParent", Syntax::Name),
    own("lastLogoff", Syntax::Number),
    own("lastLogon", Syntax::Number),
    own("lastLogonTimestamp", Syntax::Number),
    one("location", Syntax::Text),
    own("lockoutDuration", Syntax::Number),
    one("lockoutThreshold", Syntax::Number),
    own("lockoutTime", Syntax::Number),
    own("logonCount", Syntax::Number),
    one("mail", Syntax::Text),
    one("managedBy", Syntax::Name),
    one("maxPwdAge", Syntax::Number),
    many("member", Syntax::Name),
    worked_out("memberOf", Syntax::Name),
    one("minPwdAge", Syntax::Number),
    one("minPwdLength", Syntax::Number),
    own("mS-DS-CreatorSID", Syntax::Sid),
    one("ms-DS-MachineAccountQuota", Syntax::Number),
    many("msDS-AllowedToDelegateTo", Syntax::Text),
    many("msDS-AdditionalDnsHostName", Syntax::Text),
    own("msDS-Behavior-Version", Syntax::Number),
    worked_out("msDS-KeyVersionNumber", Syntax::Number),
    one("msDS-SupportedEncryptionTypes", Syntax::Number),
    own("msDS-parentdistname", Syntax::Name),
    one("name", Syntax::Text),
    own("nCName", Syntax::Name),
    own("nETBIOSName", Syntax::Text),
    many("nTMixedDomain", Syntax::Number),
    one("o", Syntax::Text),
    own("objectCategory", Syntax::Name),
    many("objectClass", Syntax::Text),
    own("objectGUID", Syntax::Bytes),
    own("objectSid", Syntax::Sid),
    one("operatingSystem", Syntax::Text),
    one("operatingSystemServicePack", Syntax::Text),
    one("operatingSystemVersion", Syntax::Text),
    one("ou", Syntax::Text),
    one("primaryGroupID", Syntax::Number),
    one("pwdHistoryLength", Syntax::Number),
    one("pwdLastSet", Syntax::Number),
    one("pwdProperties", Syntax::Number),
    own("rIDManagerReference", Syntax::Name),
    one("sAMAccountName", Syntax::Text),
    own("sAMAccountType", Syntax::Number),
    many("servicePrincipalName", Syntax::Text),
    own("serverReference", Syntax::Name),
    one("sn", Syntax::Text),
    own("systemFlags", Syntax::Number),
    one("telephoneNumber", Syntax::Text),
    one("title", Syntax::Text),
    one("userPassword", Syntax::Bytes),
    one("unicodePwd", Syntax::Bytes),
    one("userAccountControl", Syntax::Number),
    one("userParameters", Syntax::Text),
    one("userPrincipalName", Syntax::Text),
    own("uSNChanged", Syntax::Number),
    own("uSNCreated", Syntax::Number),
    many("wellKnownObjects", Syntax::Text),
    own("whenChanged", Syntax::Time),
    own("whenCreated", Syntax::Time),
];
