//! Adding objects: defaults, names in use, and the quota of computer objects.

use super::modify::Operation;
use super::object::{Object, control};
use super::rights::{Call, Caller, Rights};
use super::{Change, Guid, MAX_OBJECTS, Name, Refusal, Secrets, Store};
use crate::moment;
use rasn_ldap::ResultCode;

/// What an add request carries.
#[derive(Clone, Debug)]
pub struct NewObject {
    /// Where it goes.
    pub name: Name,
    /// Attributes with their values, in any spelling.
    pub attributes: Vec<(String, Vec<Vec<u8>>)>,
}

/// The kinds of object that can be added, with their classes from the top.
const KINDS: &[(&str, &[&str])] = &[
    (
        "computer",
        &["top", "person", "organizationalPerson", "user", "computer"],
    ),
    ("user", &["top", "person", "organizationalPerson", "user"]),
    ("group", &["top", "group"]),
    ("organizationalUnit", &["top", "organizationalUnit"]),
    ("container", &["top", "container"]),
];

/// What may be given with a computer that is created by quota (reference, 4.4).
const BY_QUOTA: &[&str] = &[
    "cn",
    "name",
    "objectclass",
    "samaccountname",
    "useraccountcontrol",
    "dnshostname",
    "serviceprincipalname",
    "unicodepwd",
];

impl NewObject {
    fn values(&self, attribute: &str) -> Option<&[Vec<u8>]> {
        let mut all = self.attributes.iter();
        let found = all.find(|(name, _)| name.eq_ignore_ascii_case(attribute))?;
        Some(found.1.as_slice())
    }

    fn text(&self, attribute: &str) -> Option<&str> {
        std::str::from_utf8(self.values(attribute)?.first()?).ok()
    }

    fn kind(&self) -> Option<(&'static str, &'static [&'static str])> {
        let given = self.values("objectClass")?;
        let has = |kind: &str| {
            given
                .iter()
                .any(|one| one.eq_ignore_ascii_case(kind.as_bytes()))
        };
        KINDS.iter().find(|(kind, _)| has(kind)).copied()
    }
}

impl Store {
    /// Adds an object and answers its GUID.
    ///
    /// # Errors
    /// The refusal that the product gives: name or account in use, no right and no quota left,
    /// unknown class, or what the attributes break.
    pub fn create(&mut self, new: &NewObject, call: &mut Call<'_>) -> Result<Guid, Refusal> {
        let (kind, classes) = new.kind().ok_or_else(|| unknown_class(new))?;
        let by_quota = self.admit(new, kind, call)?;
        let mut object = Object::new(Guid::random(call.entropy), new.name.clone());
        describe(&mut object, classes);
        object.set_text("objectCategory", self.category(kind));
        if matches!(kind, "computer" | "user" | "group") {
            self.make_account(&mut object, new, kind, call)?;
        }
        self.settle_owner(&mut object, by_quota, call.caller);
        let changes = given(new);
        let rights = if by_quota {
            Rights::BY_QUOTA
        } else {
            Rights::ALL
        };
        self.apply(&mut object, &changes, rights, call)?;
        self.check_new(&object, by_quota)?;
        let stamp = moment::generalized(call.now);
        object.set_text("whenCreated", &stamp);
        object.set_text("whenChanged", &stamp);
        let guid = object.guid;
        // A number is used up by what is written down alone.
        self.next_rid += 1;
        self.commit(object);
        Ok(guid)
    }

    /// Checks place and right; true when only the quota allows it.
    fn admit(&self, new: &NewObject, kind: &str, call: &Call<'_>) -> Result<bool, Refusal> {
        let name = &new.name;
        let parent = name.parent().and_then(|parent| self.by_name(&parent));
        let parent = parent.ok_or_else(|| Refusal::no_object(format!("nothing holds {name}")))?;
        if self.by_name(name).is_some() {
            let text = format!("{name} exists already");
            return Err(Refusal::new(ResultCode::EntryAlreadyExists, 0x2071, text));
        }
        if self.objects.len() >= MAX_OBJECTS {
            return Err(Refusal::unwilling(
                0,
                format!("{MAX_OBJECTS} objects are enough"),
            ));
        }
        let rights = self.rights(call.caller, parent);
        let needed = if kind == "computer" {
            Rights::CREATE_COMPUTER
        } else {
            Rights::ALL
        };
        if rights.include(needed) {
            return Ok(false);
        }
        self.admit_by_quota(new, kind, call.caller)?;
        Ok(true)
    }

    fn admit_by_quota(&self, new: &NewObject, kind: &str, caller: Caller) -> Result<(), Refusal> {
        let denied = || Refusal::access(format!("no right to create {}", new.name));
        let Caller::Account(account) = caller else {
            return Err(denied());
        };
        if kind != "computer" {
            return Err(denied());
        }
        let foreign = new
            .attributes
            .iter()
            .find(|(name, _)| !BY_QUOTA.contains(&name.to_lowercase().as_str()));
        if let Some((name, _)) = foreign {
            return Err(Refusal::access(format!(
                "{name} is not for those who create by quota"
            )));
        }
        let quota = self.quota();
        if self.created_by_quota(account) >= quota {
            let text = format!("the quota of {quota} computer objects is used up");
            return Err(Refusal::unwilling(0x216d, text));
        }
        Ok(())
    }

    /// `ms-DS-MachineAccountQuota` of the domain (reference, 1.1: ten unless set).
    #[must_use]
    pub fn quota(&self) -> usize {
        let domain = self.by_name(&self.domain.base());
        let number = domain.and_then(|object| object.number("ms-DS-MachineAccountQuota"));
        usize::try_from(number.unwrap_or(10)).unwrap_or(0)
    }

    fn created_by_quota(&self, account: Guid) -> usize {
        let Some(sid) = self.object(account).and_then(Object::sid) else {
            return 0;
        };
        let sid = sid.bytes();
        let theirs = |object: &&Object| {
            !object.is_deleted() && object.values("mS-DS-CreatorSID").first() == Some(&sid)
        };
        self.objects.values().filter(theirs).count()
    }

    pub(super) fn category(&self, kind: &str) -> Name {
        let class = match kind {
            "computer" => "Computer",
            "user" => "Person",
            "group" => "Group",
            "organizationalUnit" => "Organizational-Unit",
            "domainDNS" => "Domain-DNS",
            "crossRef" => "Cross-Ref",
            "server" => "Server",
            "site" => "Site",
            "nTDSDSA" => "NTDS-DSA",
            _ => "Container",
        };
        self.domain.schema().child("CN", class)
    }

    fn make_account(
        &mut self,
        object: &mut Object,
        new: &NewObject,
        kind: &str,
        call: &mut Call<'_>,
    ) -> Result<(), Refusal> {
        let account = account_name(new, kind);
        if self.by_account(&account).is_some() {
            let text = format!("the account name {account} is in use");
            return Err(Refusal::new(ResultCode::EntryAlreadyExists, 0x524, text));
        }
        object.set_text("sAMAccountName", &account);
        let rid = self.next_rid;
        object.set("objectSid", vec![self.domain.sid.account(rid).bytes()]);
        if kind == "group" {
            object.set_text("groupType", -2_147_483_646);
            object.set_text("sAMAccountType", 268_435_456);
            return Ok(());
        }
        for zero in [
            "badPwdCount",
            "codePage",
            "countryCode",
            "badPasswordTime",
            "lastLogoff",
        ] {
            object.set_text(zero, 0);
        }
        for zero in ["lastLogon", "logonCount", "pwdLastSet"] {
            object.set_text(zero, 0);
        }
        object.set_text("accountExpires", moment::NEVER);
        if kind == "computer" {
            object.set_text("isCriticalSystemObject", "FALSE");
            object.set_text("pwdLastSet", moment::file_time(call.now));
        }
        let fresh = if kind == "computer" {
            control::WORKSTATION
        } else {
            FRESH_USER
        };
        self.set_control(object, fresh | control::PASSWORD_NOT_REQUIRED);
        let salt = self.salt(object);
        object.secrets = Some(Secrets::random(0, salt, call.entropy));
        Ok(())
    }

    fn settle_owner(&self, object: &mut Object, by_quota: bool, caller: Caller) {
        let Caller::Account(account) = caller else {
            return;
        };
        let sid = self.object(account).and_then(Object::sid);
        match (by_quota, sid) {
            (true, Some(sid)) => object.set("mS-DS-CreatorSID", vec![sid.bytes()]),
            _ => object.owner = Some(account),
        }
    }

    fn check_new(&self, object: &Object, by_quota: bool) -> Result<(), Refusal> {
        let account = object.account_name().unwrap_or_default();
        if by_quota && !account.ends_with('$') {
            let text = format!("the account name {account} of a computer must end in $");
            return Err(Refusal::unwilling(0x523, text));
        }
        if by_quota && object.control() & control::WORKSTATION == 0 {
            return Err(Refusal::access(
                "only member computers are created by quota",
            ));
        }
        Ok(())
    }
}

/// A user as the directory makes it: disabled, and without a password.
const FRESH_USER: u32 = control::NORMAL | control::DISABLED;

fn unknown_class(new: &NewObject) -> Refusal {
    let text = format!("{} has no class that can be added here", new.name);
    Refusal::new(ResultCode::ObjectClassViolation, 0x207d, text)
}

fn describe(object: &mut Object, classes: &[&str]) {
    object.set(
        "objectClass",
        classes
            .iter()
            .map(|class| class.as_bytes().to_vec())
            .collect(),
    );
    let (attribute, value) = match object.name.relative() {
        Some((attribute, value)) => (attribute.to_lowercase(), value.to_owned()),
        None => return,
    };
    match attribute.as_str() {
        "ou" => object.set_text("ou", &value),
        "dc" => object.set_text("dc", &value),
        _ => object.set_text("cn", &value),
    }
    object.set_text("name", &value);
    object.set_text("instanceType", 4);
}

/// The given logon name, else the object's own with the computer's `$`.
fn account_name(new: &NewObject, kind: &str) -> String {
    let own = new.name.relative().map_or("", |(_, value)| value);
    let dollar = if kind == "computer" { "$" } else { "" };
    let default = || format!("{own}{dollar}");
    new.text("sAMAccountName")
        .map_or_else(default, str::to_owned)
}

/// The given attributes as changes; class, name and account name are set already.
fn given(new: &NewObject) -> Vec<Change> {
    let set = [
        "objectclass",
        "samaccountname",
        "cn",
        "ou",
        "name",
        "distinguishedname",
    ];
    let rest = new
        .attributes
        .iter()
        .filter(|(name, _)| !set.contains(&name.to_lowercase().as_str()));
    rest.map(|(name, values)| Change {
        operation: Operation::Replace,
        attribute: name.clone(),
        values: values.clone(),
    })
    .collect()
}
