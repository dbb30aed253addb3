//! Exercises the initiator against any target: `exercise ADDRESS IQN LUN [user:secret
//! [user:secret]]`. What it writes it writes to the first 8 MiB of the unit. Every step prints a
//! line; the first that fails ends the run.
//!
//! Run against other people's targets so that our two ends do not share a mistake.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use initiator::{Path, Patience, Settings, discover};
use scsi::iscsi::chap::Credentials;
use scsi::iscsi::login::Identity;
use scsi::iscsi::negotiation::Parameters;
use scsi::pr::{InAction, Keys, Out, Reservation};
use scsi::{Capacity, Command, InitiatorPort, Isid, Lun, Outcome, ReservationKey, ReservationType};

const KEYS: [ReservationKey; 2] = match (ReservationKey::new(0xaa01), ReservationKey::new(0xbb02)) {
    (Some(one), Some(two)) => [one, two],
    _ => unreachable!(),
};

type Step = Result<(), String>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(bench) = Bench::new(&arguments) else {
        eprintln!("usage: exercise ADDRESS IQN LUN [user:secret [user:secret]]");
        return ExitCode::from(64);
    };
    match bench.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("FAILED: {why}");
            ExitCode::FAILURE
        }
    }
}

struct Bench {
    address: SocketAddr,
    identity: Identity,
    lun: Lun,
}

fn credentials(text: &str) -> Option<Credentials> {
    let (name, secret) = text.split_once(':')?;
    Some(Credentials {
        name: name.to_owned(),
        secret: secret.to_owned(),
    })
}

impl Bench {
    fn new(arguments: &[String]) -> Option<Self> {
        let [address, name, lun, proofs @ ..] = arguments else {
            return None;
        };
        let mut proofs = proofs.iter().map(|it| credentials(it));
        let port = InitiatorPort::new("iqn.2024-01.example:exercise", Isid([0x80, 1, 2, 3, 4, 0]));
        Some(Self {
            address: address.parse().ok()?,
            lun: Lun(lun.parse().ok()?),
            identity: Identity {
                initiator: port,
                target_name: Some(name.clone()),
                credentials: proofs.next().flatten(),
                expected_of_target: proofs.next().flatten(),
                parameters: Parameters::default(),
            },
        })
    }

    fn open(&self, number: u8, change: impl FnOnce(&mut Parameters)) -> Path {
        let mut identity = self.identity.clone();
        identity.initiator.isid.0[5] = number;
        change(&mut identity.parameters);
        Path::open(Settings {
            portals: vec![self.address],
            identity,
            patience: Patience::default(),
        })
    }

    async fn run(&self) -> Step {
        // Which targets there are is no secret: tgt proves nothing to those who only ask.
        let asker = Identity {
            expected_of_target: None,
            ..self.identity.clone()
        };
        let found = discover(self.address, asker, Duration::from_secs(5)).await;
        let found = found.map_err(|error| format!("discovery: {error}"))?;
        eprintln!("discovery: {found:?}");
        self.data("plain", |_| {}).await?;
        self.data("digests", |it| {
            (it.header_digest, it.data_digest) = (true, true);
        })
        .await?;
        self.data("all data on request", |it| {
            (it.initial_r2t, it.immediate_data) = (true, false);
        })
        .await?;
        self.data("small bursts", |it| {
            (it.first_burst_bytes, it.max_burst_bytes) = (4096, 8192);
            it.receive_bytes_max = 4096;
        })
        .await?;
        self.reservations().await?;
        self.reset().await
    }

    /// Data of many lengths, written and read back.
    async fn data(&self, how: &str, change: impl FnOnce(&mut Parameters)) -> Step {
        let path = self.open(0, change);
        let capacity = self.good(&path, Command::ReadCapacity16).await?;
        let capacity = Capacity::parse(&capacity).map_err(|error| error.to_string())?;
        let block = capacity.block_bytes as usize;
        for (round, bytes) in (1_u8..).zip([block, 8192, 65_536, 300_032 / block * block, 4 << 20])
        {
            let pattern = (0..251_u8).cycle().map(|byte| byte ^ round);
            let data: Vec<u8> = pattern.take(bytes).collect();
            let blocks = u32::try_from(bytes / block).map_err(|error| error.to_string())?;
            let write = Command::Write {
                lba: u64::from(round),
                blocks,
                data: data.clone(),
                fua: false,
            };
            self.good(&path, write).await?;
            let read = Command::Read {
                lba: u64::from(round),
                blocks,
                block_bytes: capacity.block_bytes,
            };
            if self.good(&path, read).await? != data {
                return Err(format!("{how}: {bytes} bytes came back changed"));
            }
        }
        self.good(&path, Command::SynchronizeCache).await?;
        eprintln!("data, {how}: well");
        Ok(())
    }

    /// Two initiator ports and one reservation.
    async fn reservations(&self) -> Step {
        let (one, two) = (self.open(1, |_| {}), self.open(2, |_| {}));
        let kind = ReservationType::WriteExclusiveRegistrantsOnly;
        self.out(&one, Out::register_and_ignore(Some(KEYS[0])))
            .await?;
        self.out(&two, Out::register_and_ignore(Some(KEYS[1])))
            .await?;
        self.out(&one, Out::reserve(KEYS[0], kind)).await?;
        let data = self
            .good(&two, Command::PersistentReserveIn(InAction::ReadKeys))
            .await?;
        let keys = Keys::parse(&data).map_err(|error| error.to_string())?;
        if keys.keys != KEYS {
            return Err(format!("keys: {:?}", keys.keys));
        }
        self.out(&two, Out::preempt(KEYS[1], Some(KEYS[0]), kind))
            .await?;
        let data = self
            .good(
                &two,
                Command::PersistentReserveIn(InAction::ReadReservation),
            )
            .await?;
        let held = Reservation::parse(&data).map_err(|error| error.to_string())?;
        if held.holder() != Some(KEYS[1]) {
            return Err(format!("holder: {held:?}"));
        }
        let stopped = self
            .insist(
                &one,
                Command::Write {
                    lba: 0,
                    blocks: 1,
                    data: vec![0; 512],
                    fua: false,
                },
            )
            .await;
        if stopped != Outcome::ReservationConflict {
            return Err(format!("a preempted initiator wrote: {stopped:?}"));
        }
        self.out(&two, Out::clear(KEYS[1])).await?;
        eprintln!("reservations: well");
        Ok(())
    }

    async fn reset(&self) -> Step {
        let path = self.open(0, |_| {});
        self.good(&path, Command::TestUnitReady).await?;
        if !path.reset(self.lun).await {
            return Err("the unit was not reset".into());
        }
        let next = path.execute(self.lun, Command::TestUnitReady).await;
        if !next.is_unit_attention() {
            return Err(format!("no attention after a reset: {next:?}"));
        }
        eprintln!("reset: well");
        Ok(())
    }

    async fn out(&self, path: &Path, out: Out) -> Step {
        let command = Command::PersistentReserveOut(out);
        self.good(path, command).await.map(|_| ())
    }

    async fn good(&self, path: &Path, command: Command) -> Result<Vec<u8>, String> {
        let what = format!("{:?}", command.cdb());
        match self.insist(path, command).await {
            Outcome::Good(data) => Ok(data),
            other => Err(format!("{what}: {other:?} ({:?})", path.state())),
        }
    }

    /// Sends a command until it meets no unit attention.
    async fn insist(&self, path: &Path, command: Command) -> Outcome {
        loop {
            let outcome = path.execute(self.lun, command.clone()).await;
            if !outcome.is_unit_attention() {
                return outcome;
            }
        }
    }
}
