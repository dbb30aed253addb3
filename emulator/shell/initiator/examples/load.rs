//! Loads a target, or a raw TCP pair for comparison, and prints one line of figures.
//!
//! ```text
//! load ADDRESS IQN LUN read|write|pr BYTES DEPTH SECONDS
//! load raw BYTES DEPTH SECONDS
//! ```
//!
//! Prints: operations per second, MiB per second. Addresses are random within the first 256 MiB,
//! the same ones in every run.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use scsi::iscsi::initiator::{Event, Initiator};
use scsi::iscsi::login::Identity;
use scsi::iscsi::negotiation::Parameters;
use scsi::pr::{InAction, Out};
use scsi::{Command, InitiatorPort, Isid, Lun, Outcome, ReservationKey};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const SPAN_BYTES: u64 = 256 << 20;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["raw", bytes, depth, seconds] => raw(bytes.parse()?, depth.parse()?, seconds.parse()?),
        [address, name, lun, what, bytes, depth, seconds] => {
            let mut load = Load::connect(address, name, Lun(lun.parse()?))?;
            load.run(what, bytes.parse()?, depth.parse()?, seconds.parse()?)
        }
        _ => Err("load ADDRESS IQN LUN read|write|pr BYTES DEPTH SECONDS, or raw …".into()),
    }
}

fn report(operations: u64, bytes: u64, elapsed: Duration) -> Result<()> {
    let nanos = elapsed.as_nanos().max(1);
    let per_second = u128::from(operations) * 1_000_000_000 / nanos;
    let mib = u128::from(operations) * u128::from(bytes) * 1_000_000_000 / nanos / (1 << 20);
    writeln!(std::io::stdout(), "{per_second} {mib}")?;
    Ok(())
}

struct Load {
    stream: TcpStream,
    machine: Initiator,
    input: Vec<u8>,
    filled: usize,
    lun: Lun,
    block_bytes: u32,
    dice: u64,
}

impl Load {
    fn connect(address: &str, name: &str, lun: Lun) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let identity = Identity {
            initiator: InitiatorPort::new(
                "iqn.2024-01.looksalive:load",
                Isid([0x80, 0, 0, 0, 0, 9]),
            ),
            target_name: Some(name.to_owned()),
            credentials: None,
            expected_of_target: None,
            parameters: Parameters::default(),
        };
        let machine = Initiator::connect(identity, [1; 17]);
        let input = vec![0; 2 << 20];
        let mut load = Self {
            stream,
            machine,
            input,
            filled: 0,
            lun,
            block_bytes: 512,
            dice: 0x9e37_79b9,
        };
        while !load.machine.is_logged_in() {
            load.exchange()?;
        }
        for _ in 0..8 {
            load.one(&Command::TestUnitReady)?;
        }
        Ok(load)
    }

    /// Sends what waits and takes in what has come.
    fn exchange(&mut self) -> Result<Vec<Event>> {
        self.stream.write_all(&self.machine.output)?;
        self.machine.output.clear();
        let count = self.stream.read(&mut self.input[self.filled..])?;
        if count == 0 {
            return Err("the target closed the connection".into());
        }
        self.filled += count;
        let done = self.machine.receive(&self.input[..self.filled])?;
        self.input.copy_within(done..self.filled, 0);
        self.filled -= done;
        Ok(self.machine.events().collect())
    }

    fn one(&mut self, command: &Command) -> Result<Outcome> {
        let tag = self.machine.submit(self.lun, command).ok_or("no room")?;
        loop {
            for event in self.exchange()? {
                match event {
                    Event::Done(it, outcome) if it == tag => return Ok(outcome),
                    _ => {}
                }
            }
        }
    }

    fn command(&mut self, what: &str, bytes: u32, key: &mut u64) -> Result<Command> {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        let slots = SPAN_BYTES / u64::from(bytes.max(512));
        let blocks = bytes / self.block_bytes;
        let lba = self.dice % slots * u64::from(blocks);
        let block_bytes = self.block_bytes;
        Ok(match what {
            "read" => Command::Read {
                lba,
                blocks,
                block_bytes,
            },
            "write" => Command::Write {
                lba,
                blocks,
                data: vec![7; bytes as usize],
                fua: false,
            },
            "pr" if key.is_multiple_of(2) => {
                *key += 1;
                Command::PersistentReserveIn(InAction::ReadKeys)
            }
            "pr" => {
                *key += 1;
                let new = ReservationKey::new(*key);
                Command::PersistentReserveOut(Out::register_and_ignore(new))
            }
            other => return Err(format!("{other}?").into()),
        })
    }

    fn run(&mut self, what: &str, bytes: u32, depth: usize, seconds: u64) -> Result<()> {
        let (mut under_way, mut done, mut key) = (0, 0, 1);
        let start = Instant::now();
        let until = Duration::from_secs(seconds);
        let mut elapsed = Duration::ZERO;
        while elapsed < until {
            while under_way < depth {
                let command = self.command(what, bytes, &mut key)?;
                self.machine
                    .submit(self.lun, &command)
                    .ok_or("the window is too small")?;
                under_way += 1;
            }
            for event in self.exchange()? {
                if let Event::Done(_, outcome) = event {
                    outcome.good().ok_or_else(|| format!("{outcome:?}"))?;
                    under_way -= 1;
                    done += 1;
                }
            }
            elapsed = start.elapsed();
        }
        report(done, u64::from(bytes), elapsed)?;
        if what == "pr" {
            while under_way > 0 {
                let events = self.exchange()?;
                under_way -= events
                    .iter()
                    .filter(|it| matches!(it, Event::Done(..)))
                    .count();
            }
            self.one(&Command::PersistentReserveOut(Out::register_and_ignore(
                None,
            )))?;
        }
        Ok(())
    }
}

/// Requests of 48 bytes, answers of 48 and the data: what the network alone allows.
fn raw(bytes: usize, depth: usize, seconds: u64) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || answer(&listener, bytes));
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut input = vec![0; 1 << 20];
    let (mut owed, mut done, mut partial) = (0, 0, 0);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(seconds) {
        stream.write_all(&vec![1; (depth - owed) * 48])?;
        owed = depth;
        partial += stream.read(&mut input)?;
        let whole = partial / (48 + bytes);
        partial %= 48 + bytes;
        owed -= whole;
        done += whole as u64;
    }
    report(done, bytes as u64, start.elapsed())
}

fn answer(listener: &TcpListener, bytes: usize) {
    let Ok((mut stream, _)) = listener.accept() else {
        return;
    };
    let _nodelay = stream.set_nodelay(true);
    let mut input = vec![0; 64 << 10];
    let mut partial = 0;
    while let Ok(count) = stream.read(&mut input) {
        if count == 0 {
            return;
        }
        partial += count;
        let output = vec![2; partial / 48 * (48 + bytes)];
        partial %= 48;
        if stream.write_all(&output).is_err() {
            return;
        }
    }
}
