use super::*;
use crate::store::{Call, Caller, Domain, Fault, Grant, NewObject, Rights, Store};
use base::Rng;

const NOW: WallTime = WallTime(1_800_000_000_000);
const DAY: u64 = 24 * 3_600_000;

/// A domain, a cluster with its own object, and one of its virtual servers.
struct Lab {
    store: Store,
    rng: Rng,
    now: WallTime,
    /// How far the cluster's clock is behind.
    behind: u64,
    in_use: bool,
    cno: Computer,
    vco: Computer,
}

impl Lab {
    fn new() -> Self {
        let mut rng = Rng::new(11, 0);
        let domain = Domain::new("corp.example", "CORP", "dc1", &mut rng);
        let container = domain.computers();
        let store = Store::provision(domain, NOW, &mut rng);
        let settings = |name: &str, role| Settings {
            name: name.to_owned(),
            suffix: "corp.example".to_owned(),
            role,
            container: container.clone(),
            recreates: true,
            password_age: PASSWORD_AGE,
        };
        let cno = Computer::new(settings("CLU1", Role::ClusterName), Kept::default());
        let vco = Computer::new(settings("VS1", Role::VirtualServer), Kept::default());
        Self {
            store,
            rng,
            now: NOW,
            behind: 0,
            in_use: false,
            cno,
            vco,
        }
    }

    fn administrator(&self) -> Caller {
        Caller::Account(self.store.by_account("administrator").unwrap().guid)
    }

    /// Plays the asks of one life cycle against the store, as `caller`.
    fn play(&mut self, mut computer: Computer, caller: Caller, first: Next) -> (Computer, Next) {
        let mut next = first;
        while let Next::Ask(ask) = next {
            let asked_at = WallTime(self.now.0 - self.behind);
            let mut call = Call::new(caller, self.now, &mut self.rng);
            let answer = execute(&mut self.store, &ask, asked_at, &mut call);
            next = computer.answered(answer, self.in_use, self.now, &mut self.rng);
        }
        (computer, next)
    }

    fn cno_online(&mut self) -> Next {
        let mut cno = self.cno.clone();
        let first = cno.online();
        let (cno, next) = self.play(cno, self.administrator(), first);
        self.cno = cno;
        next
    }

    /// The VCO comes online as the CNO that owns it.
    fn vco_online(&mut self) -> Next {
        let caller = Caller::Account(self.cno.kept.guid.unwrap());
        let mut vco = self.vco.clone();
        let first = vco.online();
        let (vco, next) = self.play(vco, caller, first);
        self.vco = vco;
        next
    }

    fn both_online() -> Self {
        let mut lab = Self::new();
        assert_eq!(lab.cno_online(), Next::Done);
        assert_eq!(lab.vco_online(), Next::Done);
        lab
    }

    fn fail(&mut self, fault: Fault) {
        let mut call = Call::new(Caller::System, self.now, &mut self.rng);
        self.store.fail(&fault, &mut call).unwrap();
    }
}

fn event(next: Next) -> (u32, u32) {
    match next {
        Next::Failed(event) => (event.number, event.status),
        other => panic!("no event: {other:?}"),
    }
}

#[test]
fn a_first_online_makes_both_objects_with_their_names_and_passwords() {
    let lab = Lab::both_online();
    let vco = lab.store.object(lab.vco.kept.guid.unwrap()).unwrap();
    assert_eq!(vco.text("dNSHostName"), Some("vs1.corp.example"));
    let services: Vec<&str> = vco.texts("servicePrincipalName").collect();
    assert_eq!(
        services,
        [
            "HOST/VS1",
            "HOST/vs1.corp.example",
            "MSClusterVirtualServer/VS1",
            "MSClusterVirtualServer/vs1.corp.example",
        ]
    );
    assert_eq!(vco.control() & control::DISABLED, 0);
    assert!(
        lab.store
            .by_service("MSServerClusterMgmtAPI/clu1")
            .is_some()
    );
    let password = lab.vco.kept.password.as_deref().unwrap();
    assert_eq!(lab.store.authenticate("VS1$", password, NOW), Ok(vco.guid));
}

#[test]
fn a_prestaged_cluster_name_is_taken_over_when_disabled_and_refused_when_enabled() {
    for (bits, outcome) in [("4098", None), ("4096", Some((1_194, 2_224)))] {
        let mut lab = Lab::new();
        let name = lab.cno.settings.container.child("CN", "CLU1");
        let attribute = |name: &str, value: &str| (name.to_owned(), vec![value.into()]);
        let attributes = vec![
            attribute("objectClass", "computer"),
            attribute("userAccountControl", bits),
        ];
        let mut call = Call::new(Caller::System, NOW, &mut lab.rng);
        let guid = lab
            .store
            .create(&NewObject { name, attributes }, &mut call)
            .unwrap();
        let next = lab.cno_online();
        match outcome {
            None => {
                assert_eq!(next, Next::Done);
                assert_eq!(lab.cno.kept.guid, Some(guid));
                assert_eq!(lab.store.object(guid).unwrap().control(), 4_096);
            }
            Some(expected) => assert_eq!(event(next), expected),
        }
    }
}

#[test]
fn a_full_quota_fails_the_eleventh_name_until_the_right_is_given() {
    let mut lab = Lab::new();
    lab.cno_online();
    lab.fail(Fault::Quota(0));
    assert_eq!(event(lab.vco_online()), (1_194, status::QUOTA_EXCEEDED));
    let place = lab.store.by_name(&lab.vco.settings.container).unwrap().guid;
    let trustee = lab.cno.kept.guid.unwrap();
    lab.store.grant(
        place,
        Grant {
            trustee,
            rights: Rights::CREATE_COMPUTER,
        },
    );
    assert_eq!(lab.vco_online(), Next::Done);
}

#[test]
fn a_deleted_object_is_made_anew_since_2012_and_fails_the_name_before() {
    let mut lab = Lab::both_online();
    let before = lab.vco.kept.guid;
    lab.fail(Fault::Deleted("VS1$".into()));
    lab.vco.settings.recreates = false;
    assert_eq!(event(lab.vco_online()), (1_207, 0x8007_2030));
    lab.vco.settings.recreates = true;
    assert_eq!(lab.vco_online(), Next::Done);
    assert_ne!(lab.vco.kept.guid, before);
}

#[test]
fn a_disabled_object_fails_the_name_until_somebody_enables_it() {
    let mut lab = Lab::both_online();
    lab.fail(Fault::Disabled("VS1$".into()));
    assert_eq!(event(lab.vco_online()), (1_207, status::ACCOUNT_DISABLED));
    lab.fail(Fault::Enabled("VS1$".into()));
    assert_eq!(lab.vco_online(), Next::Done);
}

#[test]
fn the_cluster_mends_the_password_of_a_virtual_server_but_not_its_own() {
    let mut lab = Lab::both_online();
    lab.fail(Fault::PasswordOutOfStep("VS1$".into()));
    assert_eq!(lab.vco_online(), Next::Done);
    lab.fail(Fault::PasswordOutOfStep("CLU1$".into()));
    assert_eq!(event(lab.cno_online()), (1_231, status::LOGON_FAILURE));
    let mut cno = lab.cno.clone();
    let first = cno.repair(&mut lab.rng);
    let (cno, next) = lab.play(cno, lab.administrator(), first);
    assert_eq!(next, Next::Done);
    lab.cno = cno;
    assert_eq!(lab.cno_online(), Next::Done);
}

#[test]
fn a_password_is_not_mended_while_another_system_answers_to_the_name() {
    let mut lab = Lab::both_online();
    lab.fail(Fault::PasswordOutOfStep("VS1$".into()));
    lab.in_use = true;
    assert_eq!(event(lab.vco_online()), (1_231, status::LOGON_FAILURE));
}

#[test]
fn without_rights_a_password_out_of_step_stays_so() {
    let mut lab = Lab::both_online();
    lab.fail(Fault::WithoutRights("VS1$".into()));
    assert_eq!(lab.vco_online(), Next::Done);
    lab.fail(Fault::PasswordOutOfStep("VS1$".into()));
    assert_eq!(event(lab.vco_online()), (1_207, status::ACCESS_DENIED));
}

#[test]
fn clocks_too_far_apart_keep_a_name_from_logging_on() {
    let mut lab = Lab::both_online();
    lab.behind = 6 * 60_000;
    assert_eq!(event(lab.vco_online()), (1_231, status::TIME_SKEW));
    lab.behind = 4 * 60_000;
    assert_eq!(lab.vco_online(), Next::Done);
}

#[test]
fn a_password_is_renewed_after_thirty_days_and_the_old_one_is_kept_if_that_fails() {
    let mut lab = Lab::both_online();
    assert_eq!(lab.vco.due(), Some(WallTime(NOW.0 + 30 * DAY)));
    lab.now = WallTime(NOW.0 + 30 * DAY);
    let own = Caller::Account(lab.vco.kept.guid.unwrap());
    let old = lab.vco.kept.clone();
    let mut vco = lab.vco.clone();
    let first = vco.rotate(&mut lab.rng);
    let (vco, next) = lab.play(vco, own, first);
    assert_eq!(next, Next::Done);
    assert_ne!(vco.kept.password, old.password);
    assert_eq!(vco.due(), Some(WallTime(lab.now.0 + 30 * DAY)));
    lab.vco = vco;
    assert_eq!(lab.vco_online(), Next::Done);
    let mut stale = Computer::new(lab.vco.settings.clone(), old.clone());
    let first = stale.rotate(&mut lab.rng);
    let (stale, next) = lab.play(stale, own, first);
    assert_eq!(event(next), (1_207, status::LOGON_FAILURE));
    assert_eq!(stale.kept, old);
}

#[test]
fn deleting_removes_or_keeps_the_object_and_trouble_only_warns() {
    let mut lab = Lab::both_online();
    let caller = Caller::Account(lab.cno.kept.guid.unwrap());
    let guid = lab.vco.kept.guid.unwrap();
    for keeps in [true, false] {
        let mut vco = lab.vco.clone();
        let first = vco.delete(keeps);
        let (vco, next) = lab.play(vco, lab.administrator(), first);
        assert_eq!(next, Next::Done);
        let object = lab.store.object(guid).unwrap();
        assert_eq!(object.is_deleted(), !keeps);
        assert_eq!(vco.kept.guid.is_some(), keeps);
    }
    let mut lab = Lab::both_online();
    lab.fail(Fault::WithoutRights("VS1$".into()));
    let mut vco = lab.vco.clone();
    let first = vco.delete(false);
    let (_, next) = lab.play(vco, caller, first);
    let Next::Failed(event) = next else {
        panic!("{next:?}")
    };
    assert_eq!((event.number, event.only_warns()), (1_192, true));
}

#[test]
fn no_answer_is_an_update_that_failed_for_a_known_object_and_a_missing_controller_otherwise() {
    let mut lab = Lab::both_online();
    let mut fresh = lab.vco.clone();
    fresh.kept = Kept::default();
    let (known, delete) = (lab.vco.clone(), |vco: &mut Computer| vco.delete(false));
    let mut begun = vec![(known.clone(), 1_207), (fresh, 1_212), (known, 1_212)];
    let first = [Computer::online, Computer::online, delete];
    for (begin, (mut vco, number)) in first.into_iter().zip(begun.drain(..)) {
        assert!(matches!(begin(&mut vco), Next::Ask(_)));
        let gone = Answer::Refused(status::NO_SUCH_DOMAIN);
        let next = vco.answered(gone, false, NOW, &mut lab.rng);
        assert_eq!(event(next), (number, status::NO_SUCH_DOMAIN));
    }
}
