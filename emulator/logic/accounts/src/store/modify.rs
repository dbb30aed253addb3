//! Changing attributes: syntax, rights, validated writes, uniqueness. All of a request or nothing.

use super::object::Object;
use super::rights::{Call, Caller, Rights};
use super::schema::{self, Attribute, Syntax, Writer};
use super::{Guid, Name, Refusal, ServiceName, Store};
use crate::moment;
use rasn_ldap::ResultCode;

/// Most values of one attribute.
const MAX_VALUES: usize = 2_000;
/// Most bytes of one value.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// What a change does with its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Adds them.
    Add,
    /// Removes them, or all when none are given.
    Delete,
    /// Puts them in place of all.
    Replace,
}

/// One change of one attribute.
#[derive(Clone, Debug)]
pub struct Change {
    /// What is done.
    pub operation: Operation,
    /// Attribute in any spelling.
    pub attribute: String,
    /// Values.
    pub values: Vec<Vec<u8>>,
}

impl Change {
    /// Replaces all values by texts.
    #[must_use]
    pub fn replace(attribute: &str, values: &[&str]) -> Self {
        Self {
            operation: Operation::Replace,
            attribute: attribute.to_owned(),
            values: values
                .iter()
                .map(|value| value.as_bytes().to_vec())
                .collect(),
        }
    }

    pub(super) fn is_password(&self) -> bool {
        let name = &self.attribute;
        name.eq_ignore_ascii_case("unicodePwd") || name.eq_ignore_ascii_case("userPassword")
    }
}

impl Store {
    /// Makes all changes or none.
    ///
    /// # Errors
    /// The first rule that one of them breaks.
    pub fn modify(
        &mut self,
        target: Guid,
        changes: &[Change],
        call: &mut Call<'_>,
    ) -> Result<(), Refusal> {
        let object = self.object(target).cloned();
        let mut object = object.ok_or_else(|| Refusal::no_object(format!("no object {target}")))?;
        if object.is_deleted() && call.caller != Caller::System {
            return Err(Refusal::no_object(format!("{} is deleted", object.name)));
        }
        let rights = self.rights(call.caller, &object);
        self.apply(&mut object, changes, rights, call)?;
        object.set_text("whenChanged", moment::generalized(call.now));
        self.commit(object);
        Ok(())
    }

    pub(super) fn apply(
        &self,
        object: &mut Object,
        changes: &[Change],
        rights: Rights,
        call: &mut Call<'_>,
    ) -> Result<(), Refusal> {
        let before = object.clone();
        for change in changes.iter().filter(|change| !change.is_password()) {
            self.apply_one(object, change, rights, call)?;
        }
        // Last, because the salt is made of the names that the others may set.
        self.apply_password(object, changes, rights, call)?;
        self.check_names(&before, object, rights)?;
        self.check_services(&before, object, rights)
    }

    fn apply_one(
        &self,
        object: &mut Object,
        change: &Change,
        rights: Rights,
        call: &Call<'_>,
    ) -> Result<(), Refusal> {
        let attribute = schema::find(&change.attribute).ok_or_else(|| {
            let text = format!("no attribute is called {}", change.attribute);
            Refusal::new(ResultCode::UndefinedAttributeType, 0x57, text)
        })?;
        may_write(attribute, rights, call.caller)?;
        for value in &change.values {
            fits(attribute, value)?;
        }
        let values = combined(
            attribute,
            object.values(attribute.name),
            change,
            call.permissive,
        )?;
        if values.len() > MAX_VALUES || (attribute.single && values.len() > 1) {
            let text = format!(
                "{} values are too many for {}",
                values.len(),
                attribute.name
            );
            return Err(Refusal::constraint(0x2081, text));
        }
        object.set(attribute.name, values);
        if attribute.name == "userAccountControl" {
            self.set_control(object, object.control());
        }
        Ok(())
    }

    /// Logon names stay unique; host names fit the object where only that may be written.
    fn check_names(&self, before: &Object, object: &Object, rights: Rights) -> Result<(), Refusal> {
        let account = object.account_name().unwrap_or_default();
        let taken = self
            .by_account(account)
            .is_some_and(|other| other.guid != object.guid);
        if taken {
            let text = format!("the account name {account} is in use");
            return Err(Refusal::new(ResultCode::EntryAlreadyExists, 0x524, text));
        }
        let host = object.text("dNSHostName");
        if host == before.text("dNSHostName") || rights.include(Rights::WRITE) {
            return Ok(());
        }
        let short = object.short_name().unwrap_or_default();
        let own = format!("{short}.{}", self.domain.dns);
        if host.is_none_or(|host| host.eq_ignore_ascii_case(&own)) {
            return Ok(());
        }
        let text = format!("dNSHostName of {short} can only be {own}");
        Err(Refusal::constraint(0x200b, text))
    }

    fn check_services(
        &self,
        before: &Object,
        object: &Object,
        rights: Rights,
    ) -> Result<(), Refusal> {
        let old = before.values("servicePrincipalName");
        let new = object.values("servicePrincipalName");
        for value in new.iter().filter(|value| !old.contains(value)) {
            let text = String::from_utf8_lossy(value);
            if !rights.include(Rights::WRITE) && !own_service(object, &text) {
                let text = format!("{text} does not fit the names of {}", object.name);
                return Err(Refusal::constraint(0x200b, text));
            }
            if let Some(other) = self
                .by_service(&text)
                .filter(|other| other.guid != object.guid)
            {
                let text = format!("{text} belongs to {} already", other.name);
                return Err(Refusal::constraint(0x21c7, text));
            }
        }
        Ok(())
    }
}

/// The validated write: two parts, and the host is one of the object's names
/// (MS-ADTS 3.1.1.5.3.1.1.4; reference, 4.5).
fn own_service(object: &Object, text: &str) -> bool {
    let Some(name) = ServiceName::parse(text) else {
        return false;
    };
    let hosts = [object.short_name(), object.text("dNSHostName")];
    let fits = hosts
        .into_iter()
        .flatten()
        .any(|host| host.eq_ignore_ascii_case(name.host));
    name.name.is_none() && fits
}

fn may_write(attribute: &Attribute, rights: Rights, caller: Caller) -> Result<(), Refusal> {
    let name = attribute.name;
    if attribute.writer != Writer::Caller && caller != Caller::System {
        return Err(Refusal::unwilling(
            0x209a,
            format!("{name} belongs to the directory"),
        ));
    }
    if ["cn", "name", "ou", "dc"].contains(&name) {
        let text = format!("{name} names the object: rename it instead");
        return Err(Refusal::new(ResultCode::NotAllowedOnRdn, 0x2016, text));
    }
    let special = match name {
        "servicePrincipalName" => Rights::OWN_SERVICE_NAMES,
        "dNSHostName" => Rights::OWN_HOST_NAME,
        "userAccountControl" => Rights::ACCOUNT_CONTROL,
        "msDS-SupportedEncryptionTypes" => Rights::ENCRYPTION_TYPES,
        _ => Rights::WRITE,
    };
    if rights.include(Rights::WRITE) || rights.include(special) {
        return Ok(());
    }
    let text = format!("no right to write {name}");
    Err(Refusal::new(
        ResultCode::InsufficientAccessRights,
        0x2098,
        text,
    ))
}

fn fits(attribute: &Attribute, value: &[u8]) -> Result<(), Refusal> {
    let text = std::str::from_utf8(value).ok();
    let good = match attribute.syntax {
        Syntax::Text | Syntax::Time => text.is_some_and(|text| !text.is_empty()),
        Syntax::Number => text.is_some_and(|text| text.parse::<i64>().is_ok()),
        Syntax::Truth => matches!(text, Some("TRUE" | "FALSE")),
        Syntax::Name => text.and_then(Name::parse).is_some(),
        Syntax::Bytes | Syntax::Sid => true,
    };
    if good && value.len() <= MAX_VALUE_BYTES {
        return Ok(());
    }
    let text = format!("a value of {} does not have its syntax", attribute.name);
    Err(Refusal::new(ResultCode::InvalidAttributeSyntax, 0x57, text))
}

fn combined(
    attribute: &Attribute,
    old: &[Vec<u8>],
    change: &Change,
    permissive: bool,
) -> Result<Vec<Vec<u8>>, Refusal> {
    let name = attribute.name;
    let mut values = match change.operation {
        Operation::Replace => Vec::new(),
        Operation::Add | Operation::Delete => old.to_vec(),
    };
    if change.operation == Operation::Delete && change.values.is_empty() {
        return if old.is_empty() && !permissive {
            Err(absent(name))
        } else {
            Ok(Vec::new())
        };
    }
    for value in &change.values {
        let at = values
            .iter()
            .position(|own| equal(attribute.syntax, own, value));
        match (change.operation, at) {
            (Operation::Delete, Some(at)) => drop(values.remove(at)),
            (Operation::Delete, None) if !permissive => return Err(absent(name)),
            (Operation::Delete, None) => {}
            (_, None) => values.push(value.clone()),
            (_, Some(_)) if permissive => {}
            (_, Some(_)) => {
                let text = format!("{name} has that value already");
                return Err(Refusal::new(
                    ResultCode::AttributeOrValueExists,
                    0x2083,
                    text,
                ));
            }
        }
    }
    Ok(values)
}

fn absent(name: &str) -> Refusal {
    Refusal::new(
        ResultCode::NoSuchAttribute,
        0x2085,
        format!("{name} has no such value"),
    )
}

/// Equal in the eyes of the syntax.
pub(crate) fn equal(syntax: Syntax, left: &[u8], right: &[u8]) -> bool {
    if left == right {
        return true;
    }
    let (Ok(left), Ok(right)) = (std::str::from_utf8(left), std::str::from_utf8(right)) else {
        return false;
    };
    match syntax {
        Syntax::Text | Syntax::Truth => left.to_lowercase() == right.to_lowercase(),
        Syntax::Name => match (Name::parse(left), Name::parse(right)) {
            (Some(left), Some(right)) => left == right,
            _ => false,
        },
        Syntax::Number => left
            .parse::<i64>()
            .ok()
            .is_some_and(|one| right.parse() == Ok(one)),
        Syntax::Bytes | Syntax::Time | Syntax::Sid => false,
    }
}
