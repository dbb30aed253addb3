//! The lab's lines to its machines: over one it gives orders, over others it hears lives of parts.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::words::{self, Order};
use crate::machine::{MachineId, Power};

/// The lab's line to one machine.
#[derive(Debug, Default)]
pub(crate) struct Line {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Takes orders; absent while the machine has no power.
    orders: Option<UnixStream>,
    /// Orders that were carried out on this connection.
    done: u64,
    /// Orders that were given on this connection.
    given: u64,
    /// Lives that have begun to speak.
    voices: BTreeMap<u64, UnixStream>,
    /// The life that is wanted; an order to start another one comes too late.
    life: u64,
    /// The machine's end is the lab's own doing.
    is_ending: bool,
}

impl Line {
    /// A life is wanted; those before it are not any more.
    pub(crate) fn next_life(&self) -> u64 {
        let mut state = self.lock();
        state.life += 1;
        state.voices.clear();
        state.life
    }

    /// From now on the end of the machine is no news.
    pub(crate) fn expect_end(&self) {
        self.lock().is_ending = true;
    }

    /// Gives an order, and waits so long until it is carried out; whether it was.
    pub(crate) fn obeyed(&self, order: &Order, patience: Duration) -> bool {
        let mut state = self.lock();
        let Ok(number) = state.give(order) else {
            return false;
        };
        let obeyed = |state: &State| state.orders.is_none() || state.done >= number;
        let state = self.wait(state, patience, obeyed);
        state.done >= number
    }

    /// Gives an order; the machine may have no power.
    pub(crate) fn give(&self, order: &Order) {
        let _no_power = self.lock().give(order);
    }

    /// Waits until the machine has ended; whether it has.
    pub(crate) fn ended(&self, patience: Duration) -> bool {
        let state = self.lock();
        self.wait(state, patience, |it| it.orders.is_none())
            .orders
            .is_none()
    }

    /// Has a life started once the machine has power; returns what it says.
    pub(crate) fn begin(&self, order: &Order, patience: Duration) -> io::Result<UnixStream> {
        let Order::Start { life, .. } = order else {
            return Err(io::Error::other("this order starts nothing"));
        };
        let until = Instant::now() + patience;
        let state = self.lock();
        let wanted = |state: &State| state.life == *life;
        let mut state = self.wait(state, patience, |it| it.orders.is_some() || !wanted(it));
        if !wanted(&state) {
            return Err(io::Error::other("the machine has lost its power"));
        }
        state.give(order)?;
        let left = until.saturating_duration_since(Instant::now());
        let speaks = |it: &State| it.voices.contains_key(life) || it.orders.is_none();
        let mut state = self.wait(state, left, |it| speaks(it) || !wanted(it));
        let voice = state.voices.remove(life);
        voice.ok_or_else(|| io::Error::other("the machine did not start its part"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn wait<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        patience: Duration,
        until: impl Fn(&State) -> bool,
    ) -> MutexGuard<'a, State> {
        let waited = self
            .changed
            .wait_timeout_while(state, patience, |state| !until(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Serves a connection that takes orders, until the machine ends.
    fn serve(&self, stream: UnixStream, power: impl Fn(bool)) -> io::Result<()> {
        let answers = BufReader::new(stream.try_clone()?);
        self.change(|state| {
            (state.given, state.done, state.is_ending) = (0, 0, false);
            state.orders = Some(stream);
        });
        power(true);
        for _done in answers.lines().map_while(Result::ok) {
            self.change(|state| state.done += 1);
        }
        let expected = self.lock().is_ending;
        self.change(|state| state.orders = None);
        if !expected {
            power(false);
        }
        Ok(())
    }
}

impl State {
    /// Gives an order; its number on this connection.
    fn give(&mut self, order: &Order) -> io::Result<u64> {
        let stream = self.orders.as_ref();
        let stream = stream.ok_or_else(|| io::Error::other("the machine has no power"))?;
        words::say(stream, order)?;
        self.given += 1;
        Ok(self.given)
    }
}

/// All lines of a lab, by the names of machines.
pub(crate) type Lines = BTreeMap<String, (MachineId, Arc<Line>)>;

/// Listens for machines.
pub(crate) fn listen(path: &Path, lines: Lines, power: Power) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    let lines = Arc::new(lines);
    thread::Builder::new()
        .name("machines".to_owned())
        .spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (lines, power) = (Arc::clone(&lines), power.clone());
                thread::spawn(move || {
                    // Whoever says nonsense is not served.
                    let _nonsense = serve(stream, &lines, &power);
                });
            }
        })?;
    Ok(())
}

fn serve(mut stream: UnixStream, lines: &Lines, power: &Power) -> io::Result<()> {
    let hello = words::hello(&mut stream)?;
    let Some((id, line)) = lines.get(&hello.machine) else {
        return Ok(());
    };
    match hello.life {
        Some(life) => line.change(|state| {
            if state.life == life {
                state.voices.insert(life, stream);
            }
        }),
        None => line.serve(stream, |on| power.tell(*id, on))?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::sync::mpsc;

    use super::words::Hello;
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn order(life: u64) -> Order {
        Order::Start {
            life,
            arguments: vec!["node".to_owned()],
            environment: Vec::new(),
            log: "log".into(),
        }
    }

    struct Bench {
        folder: tempfile::TempDir,
        line: Arc<Line>,
        heard: mpsc::Receiver<(MachineId, bool)>,
    }

    impl Bench {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let line = Arc::new(Line::default());
            let id = MachineId::Array(0);
            let lines = Lines::from([("san".to_owned(), (id, Arc::clone(&line)))]);
            let (told, heard) = mpsc::channel();
            let power = Power::new(move |id, on| {
                let _closing = told.send((id, on));
            });
            listen(&folder.path().join("machines"), lines, power).unwrap();
            Self {
                folder,
                line,
                heard,
            }
        }

        fn connect(&self, life: Option<u64>) -> UnixStream {
            let stream = UnixStream::connect(self.folder.path().join("machines")).unwrap();
            let machine = "san".to_owned();
            words::say(&stream, &Hello { machine, life }).unwrap();
            stream
        }
    }

    #[test]
    fn a_life_begins_once_the_machine_has_power_and_is_heard() {
        let bench = Bench::new();
        let life = bench.line.next_life();
        let line = Arc::clone(&bench.line);
        let begun = thread::spawn(move || line.begin(&order(life), PATIENCE));
        let orders = bench.connect(None);
        let mut lines = BufReader::new(orders.try_clone().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().contains("start"));
        bench.connect(Some(life)).write_all(b"hello").unwrap();
        let mut said = String::new();
        let mut voice = begun.join().unwrap().unwrap();
        voice.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello");
        assert_eq!(bench.heard.recv().unwrap(), (MachineId::Array(0), true));
    }

    #[test]
    fn a_life_that_is_no_longer_wanted_does_not_begin() {
        let bench = Bench::new();
        let life = bench.line.next_life();
        bench.line.next_life();
        let _orders = bench.connect(None);
        assert!(bench.line.begin(&order(life), PATIENCE).is_err());
    }

    #[test]
    fn an_end_that_nobody_ordered_is_told_and_an_expected_one_is_not() {
        let bench = Bench::new();
        drop(bench.connect(None));
        assert!(bench.heard.recv().unwrap().1);
        assert!(!bench.heard.recv().unwrap().1);
        let orders = bench.connect(None);
        assert!(bench.heard.recv().unwrap().1);
        bench.line.expect_end();
        drop(orders);
        assert!(bench.line.ended(PATIENCE));
        assert!(bench.heard.try_recv().is_err());
    }

    #[test]
    fn an_order_is_obeyed_when_the_machine_says_so_and_not_without_power() {
        let bench = Bench::new();
        assert!(!bench.line.obeyed(&Order::Kill, PATIENCE));
        let orders = bench.connect(None);
        bench.heard.recv().unwrap();
        let machine = thread::spawn(move || {
            let mut answers = orders.try_clone().unwrap();
            let first = BufReader::new(orders).lines().next();
            answers.write_all(b"\n").unwrap();
            first
        });
        assert!(bench.line.obeyed(&Order::Kill, PATIENCE));
        assert!(machine.join().unwrap().is_some());
    }
}
