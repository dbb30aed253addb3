use super::object::control;
use super::*;
use base::{Rng, WallTime};
use proptest::prelude::*;
use rasn_ldap::ResultCode;

const NOW: WallTime = WallTime(1_800_000_000_000);

struct Lab {
    store: Store,
    rng: Rng,
}

impl Lab {
    fn new() -> Self {
        let mut rng = Rng::new(1, 0);
        let domain = Domain::new("corp.example", "CORP", "dc1", &mut rng);
        let store = Store::provision(domain, NOW, &mut rng);
        Self { store, rng }
    }

    fn add(&mut self, caller: Caller, kind: &str, name: &str) -> Result<Guid, Refusal> {
        self.add_with(caller, kind, name, &[])
    }

    fn add_with(
        &mut self,
        caller: Caller,
        kind: &str,
        name: &str,
        more: &[(&str, &str)],
    ) -> Result<Guid, Refusal> {
        let place = if kind == "computer" {
            "Computers"
        } else {
            "Users"
        };
        let base = self.store.domain().base().child("CN", place);
        let mut attributes = vec![("objectClass".to_owned(), vec![kind.as_bytes().to_vec()])];
        let more = more.iter();
        attributes.extend(more.map(|(k, v)| ((*k).to_owned(), vec![v.as_bytes().to_vec()])));
        let new = NewObject {
            name: base.child("CN", name),
            attributes,
        };
        let mut call = Call::new(caller, NOW, &mut self.rng);
        self.store.create(&new, &mut call)
    }

    fn user(&mut self, name: &str) -> Guid {
        let guid = self.add_with(
            Caller::System,
            "user",
            name,
            &[("userAccountControl", "512")],
        );
        let guid = guid.unwrap();
        let call = Call::new(Caller::System, NOW, &mut self.rng);
        self.store.set_password(guid, "Secret.123", &call).unwrap();
        guid
    }

    fn modify(&mut self, caller: Caller, target: Guid, change: Change) -> Result<(), Refusal> {
        let mut call = Call::new(caller, NOW, &mut self.rng);
        self.store.modify(target, &[change], &mut call)
    }

    fn delete(&mut self, caller: Caller, target: Guid) -> Result<(), Refusal> {
        let call = Call::new(caller, NOW, &mut self.rng);
        self.store.delete(target, false, &call)
    }
}

#[test]
fn a_bare_computer_gets_what_the_directory_fills_in() {
    let mut lab = Lab::new();
    let user = lab.user("alice");
    let guid = lab.add(Caller::Account(user), "computer", "VS1").unwrap();
    let object = lab.store.object(guid).unwrap();
    assert_eq!(object.account_name(), Some("VS1$"));
    assert_eq!(object.control(), 4128);
    assert_eq!(object.number("primaryGroupID"), Some(515));
    assert_eq!(object.number("sAMAccountType"), Some(805_306_369));
    let creator = lab.store.object(user).unwrap().sid().unwrap().bytes();
    assert_eq!(object.values("mS-DS-CreatorSID"), [creator]);
}

#[test]
fn the_eleventh_computer_of_a_user_is_over_the_quota_until_one_is_deleted() {
    let mut lab = Lab::new();
    let user = Caller::Account(lab.user("alice"));
    let first = lab.add(user, "computer", "VS0").unwrap();
    for number in 1..10 {
        lab.add(user, "computer", &format!("VS{number}")).unwrap();
    }
    let refusal = lab.add(user, "computer", "VS10").unwrap_err();
    assert_eq!(
        (refusal.result, refusal.status),
        (ResultCode::UnwillingToPerform, 8557)
    );
    lab.delete(user, first).unwrap();
    lab.add(user, "computer", "VS10").unwrap();
}

#[test]
fn a_right_to_create_computers_needs_no_quota() {
    let mut lab = Lab::new();
    let user = lab.user("alice");
    let place = lab
        .store
        .by_name(&lab.store.domain().computers())
        .unwrap()
        .guid;
    let rights = Rights::CREATE_COMPUTER;
    lab.store.grant(
        place,
        Grant {
            trustee: user,
            rights,
        },
    );
    for number in 0..12 {
        lab.add(Caller::Account(user), "computer", &format!("VS{number}"))
            .unwrap();
    }
}

#[test]
fn names_and_accounts_are_used_once() {
    let mut lab = Lab::new();
    lab.add(Caller::System, "computer", "VS1").unwrap();
    let refusal = lab.add(Caller::System, "computer", "vs1").unwrap_err();
    assert_eq!(refusal.status, 0x2071);
    let twin = [("sAMAccountName", "vs1$")];
    let refusal = lab
        .add_with(Caller::System, "computer", "VS2", &twin)
        .unwrap_err();
    assert_eq!(refusal.status, 0x524);
    assert!(
        lab.store
            .resolve("CN=VS2,CN=Computers,DC=corp,DC=example")
            .is_none()
    );
}

#[test]
fn a_service_name_belongs_to_one_object_and_is_found_in_any_case() {
    let mut lab = Lab::new();
    let one = lab.add(Caller::System, "computer", "VS1").unwrap();
    let two = lab.add(Caller::System, "computer", "VS2").unwrap();
    let names = Change::replace(
        "servicePrincipalName",
        &["HOST/VS1", "HOST/vs1.corp.example"],
    );
    lab.modify(Caller::System, one, names.clone()).unwrap();
    let refusal = lab.modify(Caller::System, two, names).unwrap_err();
    assert_eq!(
        (refusal.result, refusal.status),
        (ResultCode::ConstraintViolation, 0x21c7)
    );
    assert_eq!(
        lab.store.by_service("host/vs1").map(|object| object.guid),
        Some(one)
    );
    lab.delete(Caller::System, one).unwrap();
    assert!(lab.store.by_service("HOST/VS1").is_none());
}

#[test]
fn a_computer_writes_only_names_that_fit_it() {
    let mut lab = Lab::new();
    let vs1 = lab.add(Caller::System, "computer", "VS1").unwrap();
    let own = Caller::Account(vs1);
    let host = |name: &str| Change::replace("dNSHostName", &[name]);
    let services = |name: &str| Change::replace("servicePrincipalName", &[name]);
    lab.modify(own, vs1, host("vs1.corp.example")).unwrap();
    lab.modify(own, vs1, services("HOST/vs1.corp.example"))
        .unwrap();
    for wrong in [
        host("vs2.corp.example"),
        services("HOST/other"),
        services("HOST/VS1/x"),
    ] {
        let refusal = lab.modify(own, vs1, wrong).unwrap_err();
        assert_eq!(refusal.result, ResultCode::ConstraintViolation);
    }
    let refusal = lab
        .modify(own, vs1, Change::replace("description", &["mine"]))
        .unwrap_err();
    assert_eq!(refusal.result, ResultCode::InsufficientAccessRights);
}

#[test]
fn a_deleted_object_is_found_by_guid_alone_and_frees_its_names() {
    let mut lab = Lab::new();
    let vs1 = lab.add(Caller::System, "computer", "VS1").unwrap();
    lab.delete(Caller::System, vs1).unwrap();
    assert!(lab.store.object(vs1).unwrap().is_deleted());
    assert!(lab.store.by_account("VS1$").is_none());
    assert_eq!(lab.delete(Caller::System, vs1).unwrap_err().status, 0x208d);
    lab.add(Caller::System, "computer", "VS1").unwrap();
}

#[test]
fn logging_on_needs_the_password_of_an_account_in_use() {
    let mut lab = Lab::new();
    let user = lab.user("alice");
    for name in [
        "alice",
        "ALICE@corp.example",
        "CORP\\alice",
        "cn=alice,cn=users,dc=corp,dc=example",
    ] {
        assert_eq!(
            lab.store.authenticate(name, "Secret.123", NOW),
            Ok(user),
            "{name}"
        );
    }
    let wrong = lab.store.authenticate("alice", "secret.123", NOW);
    assert_eq!(wrong, Err(LogonFailure::WrongPassword));
    let nobody = lab.store.authenticate("nobody", "Secret.123", NOW);
    assert_eq!(nobody, Err(LogonFailure::NoAccount));
    let later = WallTime(NOW.0 + 43 * 24 * 3_600_000);
    let expired = lab.store.authenticate("alice", "Secret.123", later);
    assert_eq!(expired, Err(LogonFailure::PasswordExpired));
    let bits = control::NORMAL | control::DISABLED;
    let off = Change::replace("userAccountControl", &[&bits.to_string()]);
    lab.modify(Caller::System, user, off).unwrap();
    let disabled = lab.store.authenticate("alice", "Secret.123", NOW);
    assert_eq!(disabled, Err(LogonFailure::Disabled));
}

#[test]
fn a_password_changes_with_the_old_one_or_by_right() {
    let mut lab = Lab::new();
    let (alice, bob) = (lab.user("alice"), lab.user("bob"));
    let call = Call::new(Caller::Account(bob), NOW, &mut lab.rng);
    let refusal = lab
        .store
        .set_password(alice, "Another.456", &call)
        .unwrap_err();
    assert_eq!(refusal.result, ResultCode::InsufficientAccessRights);
    let refusal = lab
        .store
        .change_password(alice, Some("wrong"), "Another.456", &call);
    assert_eq!(refusal.unwrap_err().status, 0x56);
    lab.store
        .change_password(alice, Some("Secret.123"), "Another.456", &call)
        .unwrap();
    assert_eq!(
        lab.store.authenticate("alice", "Another.456", NOW),
        Ok(alice)
    );
    let version = lab.store.object(alice).unwrap().secrets().unwrap().version;
    assert_eq!(version, 2);
}

#[test]
fn a_journal_brings_the_directory_back_and_may_lose_its_torn_end() {
    let mut lab = Lab::new();
    let vs1 = lab.add(Caller::System, "computer", "VS1").unwrap();
    let user = lab.user("alice");
    let kind = crate::crypto::EncryptionType::Aes256;
    let key = lab.store.key(user, kind).unwrap();
    let mut journal = lab.store.take_journal();
    journal.extend([0x30, 0x82]);
    let mut back = Store::replay(&journal).unwrap();
    assert_eq!(back.objects, lab.store.objects);
    assert_eq!(back.key(user, kind), Some(key));
    assert_eq!(back.sequence(), lab.store.sequence());
    let again = Store::replay(&back.snapshot()).unwrap();
    assert_eq!(again.objects, lab.store.objects);
    assert_eq!(again.names, lab.store.names);
    assert!(again.object(vs1).is_some());
    assert_eq!(
        Store::replay(&[0x02, 1, 1]).unwrap_err(),
        Damage { offset: 0 }
    );
}

#[test]
fn names_differ_in_nothing_but_case_and_escapes() {
    let name = |text: &str| Name::parse(text).unwrap();
    assert_eq!(name("CN=a\\2Cb,DC=x"), name("cn=A\\,B, dc=X"));
    assert!(name("CN=a,DC=x").is_within(&name("dc=X")));
    assert!(!name("CN=a,DC=xx").is_within(&name("DC=x")));
    for wrong in ["CN", "CN=a,,DC=x", "=a", "CN=a\\"] {
        assert!(Name::parse(wrong).is_none(), "{wrong}");
    }
}

#[test]
fn identifiers_come_back_from_their_text_and_bytes() {
    let mut rng = Rng::new(3, 0);
    let guid = Guid::random(&mut rng);
    assert_eq!(Guid::parse(&guid.to_string()), Some(guid));
    assert_eq!(Guid::parse(&guid.digits()), Some(guid));
    let sid = Sid::random(&mut rng).account(1103);
    assert_eq!(Sid::parse(&sid.to_string()), Some(sid));
    assert_eq!(Sid::from_bytes(&sid.bytes()), Some(sid));
    assert!(Sid::from_bytes(&sid.bytes()[..20]).is_none());
}

proptest! {
    #[test]
    fn a_written_name_is_read_as_the_same_name(value in "[ -~]{1,12}") {
        let name = Name::of_domain("x.y").child("CN", &value);
        let back = Name::parse(&name.to_string()).unwrap();
        prop_assert_eq!(back.relative(), Some(("CN", value.as_str())));
        prop_assert_eq!(back, name);
    }

    #[test]
    fn no_bytes_make_a_journal_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Store::replay(&bytes).is_err());
    }
}
