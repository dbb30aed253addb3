//! A small array with initiators by short names, and a language for test cases:
//! `n1 register 0 a1 aptpl -> good`. What follows the arrow is what must come back.

use scsi::pr::{Destination, FullStatus, InAction, Keys, Out, Reservation};
use scsi::{Command, InitiatorPort, Isid, Lun, NexusId, Outcome, ReservationKey, ReservationType};
use target::{Array, Config, Fate, Function, PortId, UnitConfig};

pub(crate) const LUN: Lun = Lun(0);
const BLOCKS: u64 = 4096;

/// Two ports, two units: LUN 0 as usual, LUN 1 to show what stays apart.
pub(crate) fn config() -> Config {
    let units = [0, 1].map(|lun| UnitConfig::disk(Lun(lun), BLOCKS, format!("SERIAL-{lun}")));
    Config {
        name: "iqn.2024-01.example:array".into(),
        port_groups: vec![1, 2],
        units: units.into(),
    }
}

/// `n3` is an initiator port at the first target port, `n3@2` the same at the second, `n3/7` the
/// same initiator with another ISID.
pub(crate) fn nexus_name(word: &str) -> (InitiatorPort, PortId) {
    let (word, port) = word.split_once('@').unwrap_or((word, "1"));
    let (name, isid) = word.split_once('/').unwrap_or((word, "1"));
    let isid = Isid([0x80, 0, 0, 0, 0, isid.parse().expect("an ISID is a number")]);
    let port = PortId::from_relative(port.parse().expect("a port is a number")).unwrap();
    (
        InitiatorPort::new(format!("iqn.2024-01.example:{name}"), isid),
        port,
    )
}

pub(crate) fn key(word: &str) -> Option<ReservationKey> {
    ReservationKey::new(u64::from_str_radix(word, 16).expect("a key is a hexadecimal number"))
}

pub(crate) fn kind(word: &str) -> ReservationType {
    let short = ["we", "ea", "wero", "earo", "wear", "eaar"];
    let at = short
        .iter()
        .position(|it| *it == word)
        .unwrap_or_else(|| panic!("type {word}?"));
    ReservationType::ALL[at]
}

pub(crate) struct Lab {
    pub(crate) array: Array,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            array: Array::new(config()).expect("a good configuration"),
        }
    }

    /// The nexus of that name, its session started and its first attentions drained if need be.
    pub(crate) fn nexus(&mut self, word: &str) -> NexusId {
        let (initiator, port) = nexus_name(word);
        if let Some(id) = self.array.session(&initiator, port) {
            return id;
        }
        let id = self
            .array
            .attach(&initiator, port)
            .expect("power and room for a nexus");
        for lun in [Lun(0), Lun(1)] {
            let ready = Command::TestUnitReady;
            while self.array.execute(id, lun, &ready).is_unit_attention() {}
        }
        id
    }

    /// Starts a session without draining anything.
    fn attach(&mut self, word: &str) -> String {
        let (initiator, port) = nexus_name(word);
        match self.array.attach(&initiator, port) {
            Some(_) => "good".into(),
            None => "refused".into(),
        }
    }

    /// Plays one line of a case without its arrow, and tells what came back.
    pub(crate) fn play(&mut self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["power-loss"] => {
                self.array.power_off(|_, _| Fate::Lost);
                self.array.power_on();
                "good".into()
            }
            ["restart"] => {
                self.array.restart();
                "good".into()
            }
            ["state"] => self.state(),
            [who, "attach"] => self.attach(who),
            [who, "detach"] => {
                let id = self.nexus(who);
                self.array.detach(id);
                "good".into()
            }
            [who, "lun-reset"] => self.manage(who, Function::LogicalUnitReset(LUN)),
            [who, "warm-reset"] => self.manage(who, Function::TargetWarmReset),
            [who, "lun1", ref rest @ ..] => self.command(who, Lun(1), rest),
            [who, ref rest @ ..] => self.command(who, LUN, rest),
            [] => panic!("an empty line"),
        }
    }

    fn manage(&mut self, who: &str, function: Function) -> String {
        let id = self.nexus(who);
        if self.array.manage(id, function) {
            "good".into()
        } else {
            "no such task".into()
        }
    }

    fn command(&mut self, who: &str, lun: Lun, words: &[&str]) -> String {
        let id = self.nexus(who);
        if let ["cdb", bytes @ ..] = words {
            let (cdb, data) = raw(bytes);
            return tell(&self.array.send(id, lun, &cdb, &data));
        }
        let outcome = self.array.execute(id, lun, &command(words));
        match (words, &outcome) {
            (["keys"], Outcome::Good(data)) => tell_keys(data),
            (["reservation"], Outcome::Good(data)) => tell_reservation(data),
            (["status"], Outcome::Good(data)) => tell_status(data),
            (["read"], Outcome::Good(_)) => "good".into(),
            _ => tell(&outcome),
        }
    }

    /// The whole reservation state of LUN 0 in one line.
    fn state(&self) -> String {
        let picture = self.array.picture(LUN);
        let mut words = vec![format!("gen {}", picture.generation)];
        for it in &picture.registrations {
            let name = it.initiator.rsplit(':').next().unwrap_or_default();
            let holder = if it.is_holder { "*" } else { "" };
            words.push(format!("{name}={:x}{holder}", it.key.value()));
        }
        words.push(
            picture
                .kind
                .map_or("free".into(), |kind| format!("type {}", kind as u8)),
        );
        words.extend(
            picture
                .reserved_by
                .map(|it| format!("reserved by {}", it.name)),
        );
        words.join(" ")
    }
}

fn tell(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Good(data) if data.is_empty() => "good".into(),
        Outcome::Good(data) => {
            let bytes: Vec<String> = data.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("good {}", bytes.join(" "))
        }
        Outcome::ReservationConflict => "conflict".into(),
        Outcome::CheckCondition(sense) if sense.is_unit_attention() => {
            format!("attention {:?}", sense.additional)
        }
        Outcome::CheckCondition(sense) => {
            format!("check {:x}/{:?}", sense.key as u8, sense.additional)
        }
        other => format!("{other:?}"),
    }
}

fn tell_keys(data: &[u8]) -> String {
    let keys = Keys::parse(data).expect("READ KEYS data");
    let told: Vec<String> = keys
        .keys
        .iter()
        .map(|key| format!(" {:x}", key.value()))
        .collect();
    format!("gen {}{}", keys.generation, told.concat())
}

fn tell_reservation(data: &[u8]) -> String {
    let it = Reservation::parse(data).expect("READ RESERVATION data");
    let told = it.held.map_or("free".into(), |(key, kind)| {
        format!("type {} key {:x}", kind as u8, ReservationKey::wire(key))
    });
    format!("gen {} {told}", it.generation)
}

fn tell_status(data: &[u8]) -> String {
    let status = FullStatus::parse(data).expect("READ FULL STATUS data");
    let told = status.registrants.iter().map(|it| {
        let name = it.initiator.name.rsplit(':').next().unwrap_or_default();
        let isid = it
            .initiator
            .isid
            .map_or("-".into(), |isid| isid.0[5].to_string());
        let port = it.target_port.map_or("all".into(), |port| port.to_string());
        let holder = it
            .kind
            .map_or(String::new(), |kind| format!("*{}", kind as u8));
        format!(" {name}/{isid}@{port}={:x}{holder}", it.key.value())
    });
    format!("gen {}{}", status.generation, told.collect::<String>())
}

fn raw(words: &[&str]) -> (Vec<u8>, Vec<u8>) {
    let bytes = |words: &[&str]| {
        let byte = |word: &&str| u8::from_str_radix(word, 16).expect("a hexadecimal byte");
        words.iter().map(byte).collect()
    };
    let at = words
        .iter()
        .position(|word| *word == "data")
        .unwrap_or(words.len());
    (
        bytes(&words[..at]),
        bytes(words.get(at + 1..).unwrap_or_default()),
    )
}

fn command(words: &[&str]) -> Command {
    match words {
        ["tur"] => Command::TestUnitReady,
        ["read"] => Command::Read {
            lba: 8,
            blocks: 1,
            block_bytes: 512,
        },
        ["write"] => Command::Write {
            lba: 8,
            blocks: 1,
            data: vec![7; 512],
            fua: false,
        },
        ["keys"] => Command::PersistentReserveIn(InAction::ReadKeys),
        ["reservation"] => Command::PersistentReserveIn(InAction::ReadReservation),
        ["capabilities"] => Command::PersistentReserveIn(InAction::ReportCapabilities),
        ["status"] => Command::PersistentReserveIn(InAction::ReadFullStatus),
        ["reserve6"] => Command::Reserve6,
        ["release6"] => Command::Release6,
        _ => Command::PersistentReserveOut(reserve_out(words)),
    }
}

fn reserve_out(words: &[&str]) -> Out {
    let own = |word| key(word).expect("the sender's own key is never zero");
    match *words {
        ["register", old, new, ref flags @ ..] => flagged(Out::register(key(old), key(new)), flags),
        ["ignore", new, ref flags @ ..] => flagged(Out::register_and_ignore(key(new)), flags),
        ["reserve", it, what] => Out::reserve(own(it), kind(what)),
        ["release", it, what] => Out::release(own(it), kind(what)),
        ["clear", it] => Out::clear(own(it)),
        ["preempt", it, victim, what] => Out::preempt(own(it), key(victim), kind(what)),
        ["preempt-abort", it, victim, what] => {
            Out::preempt_and_abort(own(it), key(victim), kind(what))
        }
        ["move", it, new, to, ref flags @ ..] => {
            let (initiator, port) = nexus_name(to);
            let mut initiator = scsi::TransportId::from(&initiator);
            if flags.contains(&"by-name") {
                initiator.isid = None;
            }
            let unregister_sender = flags.contains(&"unreg");
            let target_port = port.relative();
            let to = Destination {
                initiator,
                target_port,
                unregister_sender,
            };
            let out = Out::register_and_move(own(it), own("1"), to);
            Out {
                service_action_key: key(new),
                aptpl: flags.contains(&"aptpl"),
                ..out
            }
        }
        _ => panic!("unknown command {words:?}"),
    }
}

fn flagged(mut out: Out, flags: &[&str]) -> Out {
    for flag in flags {
        match *flag {
            "aptpl" => out.aptpl = true,
            "all-ports" => out.all_target_ports = true,
            other => {
                let (how, names) = other.split_once('=').expect("a flag");
                out.also_register.extend(names.split(',').map(|name| {
                    let mut id = scsi::TransportId::from(&nexus_name(name).0);
                    if how == "by-name" {
                        id.isid = None;
                    }
                    id
                }));
            }
        }
    }
    out
}
