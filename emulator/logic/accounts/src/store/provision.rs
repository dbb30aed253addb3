//! A new domain: containers, the built-in accounts and groups, the domain controller.

use super::object::{Object, control};
use super::{Domain, Guid, Name, Secrets, Store};
use crate::Entropy;
use crate::moment;
use base::WallTime;

/// 100-nanosecond steps of 42 days: the product's default age of passwords.
const MAX_PASSWORD_AGE: i64 = -36_288_000_000_000;

/// Containers that clients find by a fixed GUID (MS-ADTS 6.1.1.4), with their names.
const WELL_KNOWN: &[(&str, &str, &str)] = &[
    ("aa312825768811d1aded00c04fd8d5cd", "CN", "Computers"),
    ("a9d1ca15768811d1aded00c04fd8d5cd", "CN", "Users"),
    (
        "a361b2ffffd211d1aa4b00c04fd7d83a",
        "OU",
        "Domain Controllers",
    ),
    ("ab1d30f3768811d1aded00c04fd8d5cd", "CN", "System"),
    ("18e2ea80684f11d2b9aa00c04f79f805", "CN", "Deleted Objects"),
];

/// Built-in groups with their relative identifiers.
const GROUPS: &[(u32, &str)] = &[
    (512, "Domain Admins"),
    (513, "Domain Users"),
    (515, "Domain Computers"),
    (516, "Domain Controllers"),
];

impl Store {
    /// A new domain, in which nobody has a password yet.
    #[must_use]
    pub fn provision(domain: Domain, now: WallTime, entropy: &mut dyn Entropy) -> Self {
        let mut store = Self::empty(domain);
        store.write_down_domain();
        store.add_containers(now, entropy);
        store.add_groups(now, entropy);
        store.add_built_in(
            500,
            "Administrator",
            control::NORMAL | control::NO_EXPIRY,
            now,
            entropy,
        );
        store.add_built_in(
            502,
            "krbtgt",
            control::NORMAL | control::DISABLED,
            now,
            entropy,
        );
        store.add_krbtgt_names(entropy);
        store.add_controller(now, entropy);
        store
    }

    /// The account that ticket-granting tickets are for.
    #[must_use]
    pub fn krbtgt(&self) -> Option<Guid> {
        self.by_account("krbtgt").map(|object| object.guid)
    }

    /// The domain controller's account.
    #[must_use]
    pub fn controller(&self) -> Option<Guid> {
        self.by_account(&format!("{}$", self.domain.host))
            .map(|object| object.guid)
    }

    fn add_containers(&mut self, now: WallTime, entropy: &mut dyn Entropy) {
        let base = self.domain.base();
        let mut root = self.plain(Guid(self.domain.guid.0), base.clone(), "domainDNS", now);
        root.set("objectSid", vec![self.domain.sid.bytes()]);
        root.set_text("ms-DS-MachineAccountQuota", 10);
        root.set_text("maxPwdAge", MAX_PASSWORD_AGE);
        root.set_text("minPwdAge", 0);
        root.set_text("minPwdLength", 7);
        root.set_text("lockoutThreshold", 0);
        root.set_text("msDS-Behavior-Version", 7);
        let entry = |(guid, kind, name): &(&str, &str, &str)| {
            format!("B:32:{}:{}", guid.to_uppercase(), base.child(kind, name)).into_bytes()
        };
        root.set("wellKnownObjects", WELL_KNOWN.iter().map(entry).collect());
        self.commit(root);
        for (_, kind, name) in WELL_KNOWN {
            let class = if *kind == "OU" {
                "organizationalUnit"
            } else {
                "container"
            };
            self.add_plain(base.child(kind, name), class, now, entropy);
        }
        self.add_configuration(now, entropy);
    }

    fn add_configuration(&mut self, now: WallTime, entropy: &mut dyn Entropy) {
        let configuration = self.domain.configuration();
        let server = self.domain.server();
        let sites = configuration.child("CN", "Sites");
        let site = sites.child("CN", &self.domain.site.clone());
        let partitions = configuration.child("CN", "Partitions");
        self.add_plain(configuration.clone(), "configuration", now, entropy);
        self.add_plain(self.domain.schema(), "dMD", now, entropy);
        self.add_plain(sites, "sitesContainer", now, entropy);
        self.add_plain(site.clone(), "site", now, entropy);
        let mut place = configuration.clone();
        for (name, class) in [
            ("Services", "container"),
            ("Windows NT", "container"),
            ("Directory Service", "nTDSService"),
        ] {
            place = place.child("CN", name);
            self.add_plain(place.clone(), class, now, entropy);
        }
        self.add_plain(
            site.child("CN", "Servers"),
            "serversContainer",
            now,
            entropy,
        );
        self.add_plain(server.clone(), "server", now, entropy);
        let settings = server.child("CN", "NTDS Settings");
        let settings = self.plain(self.domain.service, settings, "nTDSDSA", now);
        self.commit(settings);
        self.add_plain(partitions.clone(), "crossRefContainer", now, entropy);
        let cross = partitions.child("CN", &self.domain.netbios.clone());
        let mut cross = self.plain(Guid::random(entropy), cross, "crossRef", now);
        cross.set_text("nCName", self.domain.base());
        cross.set_text("dnsRoot", self.domain.dns.clone());
        cross.set_text("nETBIOSName", self.domain.netbios.clone());
        cross.set_text("systemFlags", 3);
        self.commit(cross);
    }

    fn add_plain(&mut self, name: Name, class: &str, now: WallTime, entropy: &mut dyn Entropy) {
        let object = self.plain(Guid::random(entropy), name, class, now);
        self.commit(object);
    }

    fn add_groups(&mut self, now: WallTime, entropy: &mut dyn Entropy) {
        let users = self.domain.base().child("CN", "Users");
        for (rid, name) in GROUPS {
            let mut group =
                self.plain(Guid::random(entropy), users.child("CN", name), "group", now);
            group.set_text("sAMAccountName", name);
            group.set_text("groupType", -2_147_483_646);
            group.set_text("sAMAccountType", 268_435_456);
            group.set("objectSid", vec![self.domain.sid.account(*rid).bytes()]);
            self.commit(group);
        }
    }

    fn add_built_in(
        &mut self,
        rid: u32,
        account: &str,
        bits: u32,
        now: WallTime,
        entropy: &mut dyn Entropy,
    ) {
        let name = self.domain.base().child("CN", "Users").child("CN", account);
        let mut user = self.plain(Guid::random(entropy), name, "user", now);
        let classes = ["top", "person", "organizationalPerson", "user"];
        user.set(
            "objectClass",
            classes
                .iter()
                .map(|class| class.as_bytes().to_vec())
                .collect(),
        );
        user.set_text("sAMAccountName", account);
        user.set("objectSid", vec![self.domain.sid.account(rid).bytes()]);
        user.set_text("accountExpires", moment::NEVER);
        user.set_text("pwdLastSet", moment::file_time(now));
        self.set_control(&mut user, bits);
        let salt = self.salt(&user);
        user.secrets = Some(Secrets::random(1, salt, entropy));
        self.commit(user);
    }

    /// krbtgt has key version 2 on a fresh domain and stands for the password service too.
    fn add_krbtgt_names(&mut self, entropy: &mut dyn Entropy) {
        let Some(mut krbtgt) = self.by_account("krbtgt").cloned() else {
            return;
        };
        krbtgt.set_text("servicePrincipalName", "kadmin/changepw");
        krbtgt.set_text("isCriticalSystemObject", "TRUE");
        let salt = self.salt(&krbtgt);
        krbtgt.secrets = Some(Secrets::random(2, salt, entropy));
        self.commit(krbtgt);
    }

    fn add_controller(&mut self, now: WallTime, entropy: &mut dyn Entropy) {
        let short = self.domain.host.to_uppercase();
        let place = self.domain.base().child("OU", "Domain Controllers");
        let mut object = self.plain(
            Guid::random(entropy),
            place.child("CN", &short),
            "computer",
            now,
        );
        let classes = ["top", "person", "organizationalPerson", "user", "computer"];
        object.set(
            "objectClass",
            classes
                .iter()
                .map(|class| class.as_bytes().to_vec())
                .collect(),
        );
        object.set_text("sAMAccountName", format!("{short}$"));
        object.set("objectSid", vec![self.domain.sid.account(1_000).bytes()]);
        object.set_text("dNSHostName", self.domain.controller());
        object.set_text("accountExpires", moment::NEVER);
        object.set_text("isCriticalSystemObject", "TRUE");
        object.set_text("msDS-SupportedEncryptionTypes", 28);
        let services = self
            .controller_services()
            .into_iter()
            .map(String::into_bytes);
        object.set("servicePrincipalName", services.collect());
        self.set_control(&mut object, control::SERVER | 0x8_0000);
        let salt = self.salt(&object);
        object.secrets = Some(Secrets::random(1, salt, entropy));
        self.commit(object);
    }

    /// Service principal names of the domain controller (reference, 4.5).
    fn controller_services(&self) -> Vec<String> {
        let domain = &self.domain;
        let (host, short) = (domain.controller(), domain.host.to_uppercase());
        let mut names: Vec<String> = ["HOST", "ldap", "RestrictedKrbHost"]
            .iter()
            .flat_map(|class| [format!("{class}/{host}"), format!("{class}/{short}")])
            .collect();
        names.push(format!("DNS/{host}"));
        names.push(format!("GC/{host}/{}", domain.dns));
        for class in ["HOST", "ldap"] {
            names.push(format!("{class}/{host}/{}", domain.dns));
            names.push(format!("{class}/{host}/{}", domain.netbios));
            names.push(format!("{class}/{short}/{}", domain.netbios));
        }
        names.push(format!("ldap/{}._msdcs.{}", domain.service, domain.dns));
        names
    }

    fn plain(&self, guid: Guid, name: Name, class: &str, now: WallTime) -> Object {
        let mut object = Object::new(guid, name);
        object.set(
            "objectClass",
            vec![b"top".to_vec(), class.as_bytes().to_vec()],
        );
        if let Some((kind, value)) = object.name.relative() {
            let (kind, value) = (kind.to_lowercase(), value.to_owned());
            match kind.as_str() {
                "ou" => object.set_text("ou", &value),
                "dc" => object.set_text("dc", &value),
                _ => object.set_text("cn", &value),
            }
            object.set_text("name", value);
        }
        object.set_text("instanceType", 4);
        object.set_text("objectCategory", self.category(class));
        object.set_text("whenCreated", moment::generalized(now));
        object.set_text("whenChanged", moment::generalized(now));
        object
    }
}
