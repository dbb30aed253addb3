//! Loads a target and measures it: `load ADDRESS IQN LUN OPERATION BYTES DEPTH SECONDS [PID]`.
//!
//! OPERATION is read, write or reservations (PERSISTENT RESERVE IN, BYTES unused). One connection,
//! random places, DEPTH commands under way. Prints one JSON object; with the target's PID also the
//! processor time that it used. Login goes through the session machine; after that the PDUs are
//! made and read here, with nothing allocated for a command, so that the target is what is
//! measured.
//!
//! `load raw-server ADDRESS` and `load ADDRESS - 0 raw BYTES DEPTH SECONDS [PID]` are a pair that
//! exchanges the same bytes with nothing behind: what the machine can do.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use scsi::iscsi::initiator::Initiator;
use scsi::iscsi::login::Identity;
use scsi::iscsi::negotiation::Parameters;
use scsi::iscsi::pdu::{FINAL, HEADER_BYTES, Header, NO_TAG, Opcode};
use scsi::{Capacity, Command, InitiatorPort, Isid, Lun};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["raw-server", address] => raw_server(address),
        [
            address,
            name,
            lun,
            operation,
            bytes,
            depth,
            seconds,
            pid @ ..,
        ] => {
            let load = Load {
                operation: Operation::parse(operation)?,
                bytes: bytes.parse()?,
                depth: depth.parse()?,
                time: Duration::from_secs_f64(seconds.parse()?),
                pid: pid.first().map(|it| (*it).to_owned()),
            };
            load.run(address, name, Lun(lun.parse()?))
        }
        _ => Err("see the head of this example for how to call it".into()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Read,
    Write,
    Reservations,
    Raw,
}

impl Operation {
    fn parse(word: &str) -> Outcome<Self> {
        Ok(match word {
            "read" => Self::Read,
            "write" => Self::Write,
            "reservations" => Self::Reservations,
            "raw" => Self::Raw,
            _ => return Err(format!("{word} is none of read, write, reservations, raw").into()),
        })
    }
}

struct Load {
    operation: Operation,
    bytes: u32,
    depth: u32,
    time: Duration,
    pid: Option<String>,
}

impl Load {
    fn run(&self, address: &str, name: &str, lun: Lun) -> Outcome<()> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let session = match self.operation {
            Operation::Raw => Session {
                parameters: Parameters::UNSAID,
                blocks: (u64::MAX, 512),
                number: 1,
            },
            _ => log_in(&mut stream, name, lun)?,
        };
        let before = self.processor_seconds()?;
        let start = Instant::now();
        let mut flow = Flow {
            load: self,
            stream,
            session,
            lun,
            place: 0x9e37_79b9_7f4a_7c15,
            output: Vec::new(),
            done: 0,
        };
        flow.run(start)?;
        let seconds = start.elapsed().as_secs_f64();
        let used = self
            .processor_seconds()?
            .zip(before)
            .map(|(after, before)| after - before);
        self.report(flow.done, seconds, used);
        Ok(())
    }

    /// User and system time of the target so far. Its clock ticks 100 times a second.
    fn processor_seconds(&self) -> Outcome<Option<f64>> {
        let Some(pid) = &self.pid else {
            return Ok(None);
        };
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let ticks: Vec<f64> = fields.skip(11).take(2).flat_map(str::parse).collect();
        Ok(Some(ticks.iter().sum::<f64>() / 100.0))
    }

    fn report(&self, done: u64, seconds: f64, used: Option<f64>) {
        let count = u32::try_from(done).map_or(f64::INFINITY, f64::from);
        let gib = count * f64::from(self.bytes) / f64::from(1 << 30);
        let used = used.map_or("null".to_owned(), |used| {
            format!("{:.4}", used / gib.max(1e-9))
        });
        let mut out = std::io::stdout().lock();
        // Nobody may be left to read it.
        let _ = writeln!(
            out,
            "{{\"per_second\":{:.1},\"mib_per_second\":{:.2},\
             \"processor_seconds_per_gib\":{used}}}",
            count / seconds,
            gib * 1024.0 / seconds,
        );
    }
}

/// What the login left.
struct Session {
    parameters: Parameters,
    /// How many blocks the unit has, and how long one is.
    blocks: (u64, u32),
    /// CmdSN and tag of the next command.
    number: u32,
}

/// Logs in with what a tuned initiator wants and asks how large the unit is.
fn log_in(stream: &mut TcpStream, name: &str, lun: Lun) -> Outcome<Session> {
    let parameters = Parameters::default();
    let port = InitiatorPort::new("iqn.2024-01.example:load", Isid([0x80, 9, 9, 9, 9, 9]));
    let mut session = Initiator::connect(
        Identity {
            initiator: port,
            target_name: Some(name.to_owned()),
            credentials: None,
            expected_of_target: None,
            parameters,
        },
        [1; 17],
    );
    let mut input = Vec::new();
    while !session.is_logged_in() {
        exchange(stream, &mut session, &mut input)?;
    }
    session.events().for_each(drop);
    // The first commands of a session meet unit attentions.
    for number in 2..10 {
        session
            .submit(lun, &Command::ReadCapacity16)
            .ok_or("no room for a command")?;
        let outcome = loop {
            exchange(stream, &mut session, &mut input)?;
            if let Some(event) = session.events().next() {
                break event;
            }
        };
        if let scsi::iscsi::initiator::Event::Done(_, scsi::Outcome::Good(data)) = outcome {
            let capacity = Capacity::parse(&data)?;
            return Ok(Session {
                parameters: *session.parameters(),
                blocks: (capacity.blocks, capacity.block_bytes),
                number,
            });
        }
    }
    Err("the unit does not tell its capacity".into())
}

fn exchange(stream: &mut TcpStream, session: &mut Initiator, input: &mut Vec<u8>) -> Outcome<()> {
    stream.write_all(&session.output)?;
    session.output.clear();
    let mut piece = [0; 8192];
    let bytes = stream.read(&mut piece)?;
    if bytes == 0 {
        return Err("the target closed the connection".into());
    }
    input.extend_from_slice(piece.get(..bytes).unwrap_or_default());
    let done = session.receive(input)?;
    input.drain(..done);
    Ok(())
}

/// Commands under way.
struct Flow<'a> {
    load: &'a Load,
    stream: TcpStream,
    session: Session,
    lun: Lun,
    /// State of the random places.
    place: u64,
    output: Vec<u8>,
    done: u64,
}

impl Flow<'_> {
    fn run(&mut self, start: Instant) -> Outcome<()> {
        let mut under_way = 0;
        let mut input = vec![0; 4 << 20];
        let (mut from, mut to) = (0, 0);
        loop {
            let going = start.elapsed() < self.load.time;
            while going && under_way < self.load.depth {
                self.command();
                under_way += 1;
            }
            if under_way == 0 {
                return Ok(());
            }
            self.stream.write_all(&self.output)?;
            self.output.clear();
            if from == to {
                (from, to) = (0, 0);
            } else if input.len() - to < 2 << 20 {
                input.copy_within(from..to, 0);
                (from, to) = (0, to - from);
            }
            let room = input.get_mut(to..).unwrap_or_default();
            to += match self.stream.read(room)? {
                0 => return Err("the target closed the connection".into()),
                bytes => bytes,
            };
            while let Some(header) = input.get(from..to).and_then(|it| it.first_chunk()) {
                let header = Header(*header);
                let length = HEADER_BYTES + header.data_bytes().next_multiple_of(4);
                if to - from < length {
                    break;
                }
                from += length;
                under_way -= self.answer(&header)?;
            }
        }
    }

    /// Deals with a PDU; returns how many commands ended with it.
    fn answer(&mut self, header: &Header) -> Outcome<u32> {
        const STATUS: u8 = 0x01;
        match header.opcode() {
            Some(Opcode::DataIn) if header.flags() & STATUS == 0 => return Ok(0),
            Some(Opcode::DataIn | Opcode::Response) if header.0[3] == 0 => {}
            Some(Opcode::ReadyToTransfer) => {
                self.burst(header);
                return Ok(0);
            }
            Some(Opcode::NopIn) => return Ok(0),
            _ => return Err(format!("the target answered {header:?}").into()),
        }
        self.done += 1;
        Ok(1)
    }

    fn command(&mut self) {
        let bytes = self.load.bytes;
        let write = self.load.operation == Operation::Write;
        let direction = if write { 0x20 } else { 0x40 };
        let mut header = Header::new(Opcode::Command, FINAL | direction | 1, self.session.number);
        header.0[8..16].copy_from_slice(&self.lun.to_bytes());
        header.put32(
            20,
            if self.load.operation == Operation::Reservations {
                8192
            } else {
                bytes
            },
        );
        header.put32(24, self.session.number);
        self.session.number = self.session.number.wrapping_add(1);
        self.cdb(&mut header);
        let with_it = if write {
            let most = self
                .session
                .parameters
                .send_bytes_max
                .min(self.session.parameters.first_burst_bytes);
            most.min(bytes)
        } else {
            0
        };
        self.put(header, with_it);
    }

    fn cdb(&mut self, header: &mut Header) {
        let (blocks, block) = self.session.blocks;
        let count = self.load.bytes / block.max(1);
        // xorshift64
        self.place ^= self.place << 13;
        self.place ^= self.place >> 7;
        self.place ^= self.place << 17;
        let places = (blocks / u64::from(count.max(1))).max(1);
        let lba = self.place % places * u64::from(count);
        match self.load.operation {
            Operation::Reservations => {
                header.0[32] = 0x5e;
                header.put16(39, 8192);
            }
            Operation::Raw => header.put32(44, self.load.bytes),
            operation => {
                header.0[32] = if operation == Operation::Write {
                    0x8a
                } else {
                    0x88
                };
                header.0[34..42].copy_from_slice(&lba.to_be_bytes());
                header.put32(42, count);
            }
        }
    }

    /// Data-Out PDUs for an R2T.
    fn burst(&mut self, r2t: &Header) {
        let (offset, length) = (r2t.get32(40), r2t.get32(44));
        let mut sent = 0;
        let mut number = 0;
        while sent < length {
            let piece = self.session.parameters.send_bytes_max.min(length - sent);
            let last = sent + piece == length;
            let mut header = Header::new(
                Opcode::DataOut,
                if last { FINAL } else { 0 },
                r2t.task_tag(),
            );
            header.0[8..16].copy_from_slice(&self.lun.to_bytes());
            header.put32(20, r2t.get32(20));
            header.put32(36, number);
            header.put32(40, offset + sent);
            self.put(header, piece);
            number += 1;
            sent += piece;
        }
    }

    fn put(&mut self, mut header: Header, bytes: u32) {
        let bytes = bytes as usize;
        header.set_data_bytes(bytes);
        self.output.extend_from_slice(&header.0);
        let padded = bytes.next_multiple_of(4);
        self.output.resize(self.output.len() + padded, 0x5a);
    }
}

/// Answers every 48 bytes with 48 more and as much data as their last four say.
fn raw_server(address: &str) -> Outcome<()> {
    let listener = TcpListener::bind(address)?;
    loop {
        let (stream, _) = listener.accept()?;
        // A client that goes away ends its own connection only.
        let _ = raw_serve(stream);
    }
}

fn raw_serve(mut stream: TcpStream) -> Outcome<()> {
    stream.set_nodelay(true)?;
    let mut input = vec![0; 1 << 16];
    let mut held = 0;
    let mut output = Vec::new();
    loop {
        held += match stream.read(input.get_mut(held..).unwrap_or_default())? {
            0 => return Ok(()),
            bytes => bytes,
        };
        let whole = held / HEADER_BYTES * HEADER_BYTES;
        output.clear();
        for request in input
            .get(..whole)
            .unwrap_or_default()
            .chunks_exact(HEADER_BYTES)
        {
            let bytes = scsi::be32(request, 44) as usize;
            let mut header = Header::new(Opcode::DataIn, FINAL | 1, NO_TAG);
            header.set_data_bytes(bytes);
            output.extend_from_slice(&header.0);
            output.resize(output.len() + bytes, 0);
        }
        stream.write_all(&output)?;
        input.copy_within(whole..held, 0);
        held -= whole;
    }
}
