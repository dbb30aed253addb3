//! The task behind a path: connects, sends, keeps deadlines, connects again.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use scsi::iscsi::initiator::{Event, Tag};
use scsi::{Lun, Outcome};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::link::{Link, LinkError};
use crate::path::{PathState, Request, Work};
use crate::settings::Settings;

/// How many requests wait in a path's queue, and how many more in its driver.
pub(crate) const REQUESTS_MAX: usize = 256;
/// ABORT TASK and LOGICAL UNIT RESET (RFC 7143 11.5.1).
const ABORT_TASK: u8 = 1;
const LOGICAL_UNIT_RESET: u8 = 5;
/// A deadline that is never reached.
const FOR_EVER: Duration = Duration::from_secs(1 << 30);

/// Something that the target has been sent.
#[derive(Debug)]
struct Flight {
    lun: Lun,
    deadline: Instant,
    /// Gone when whoever waited has been told.
    answer: Option<oneshot::Sender<Outcome>>,
    /// The command that this was sent to abort.
    aborts: Option<Tag>,
}

/// What a turn of the serving loop was about.
enum Turn {
    /// Bytes moved; `true`: from the target.
    Stepped(Result<bool, LinkError>),
    /// A request came, or nobody holds the path any more.
    Asked(Option<Request>),
    /// A deadline passed.
    Late,
    /// Nothing was heard for long.
    Quiet,
}

/// The task behind a path.
#[derive(Debug)]
pub(crate) struct Driver {
    settings: Settings,
    incoming: mpsc::Receiver<Request>,
    state: watch::Sender<PathState>,
    /// Not sent yet, oldest first.
    waiting: VecDeque<Request>,
    flights: BTreeMap<Tag, Flight>,
    /// The portal that is tried next.
    portal: usize,
    /// Nobody holds the path any more.
    closed: bool,
}

impl Driver {
    pub(crate) fn new(
        settings: Settings,
        incoming: mpsc::Receiver<Request>,
        state: watch::Sender<PathState>,
    ) -> Self {
        Self {
            settings,
            incoming,
            state,
            waiting: VecDeque::new(),
            flights: BTreeMap::new(),
            portal: 0,
            closed: false,
        }
    }

    /// Runs until nobody holds the path any more.
    pub(crate) async fn run(mut self) {
        let mut pause = self.settings.patience.retry;
        while !self.closed {
            let ended = match self.connect().await {
                Ok(link) => {
                    pause = self.settings.patience.retry;
                    self.serve(link).await
                }
                Err(error) => error,
            };
            self.flights.clear();
            let connecting = PathState::Connecting(Some(ended.to_string()));
            self.state.send_replace(connecting);
            if !self.closed {
                self.meanwhile(tokio::time::sleep(pause)).await;
            }
            pause = (pause * 2).min(self.settings.patience.retry_max);
        }
        self.state.send_replace(PathState::Closed);
    }

    /// Tries one portal; the next attempt tries the next one.
    async fn connect(&mut self) -> Result<Link, LinkError> {
        let portals = &self.settings.portals;
        let portal = portals.get(self.portal).ok_or(LinkError::NoPortal)?;
        let link = Link::connect(*portal, self.settings.identity.clone());
        self.portal = (self.portal + 1) % portals.len();
        let link = timeout(self.settings.patience.connect, link);
        match self.meanwhile(link).await {
            Some(in_time) => in_time.unwrap_or(Err(LinkError::Silent)),
            None => Err(LinkError::Closed),
        }
    }

    /// Takes requests and keeps their deadlines while something else is under way. `None`: the
    /// path was closed first.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        loop {
            let deadline = self.waiting.iter().map(|it| it.deadline).min();
            tokio::select! {
                done = &mut work => return Some(done),
                request = self.incoming.recv(), if self.takes_more() => match request {
                    Some(request) => self.waiting.push_back(request),
                    None => {
                        self.closed = true;
                        return None;
                    }
                },
                () = sleep_until(deadline.unwrap_or_else(never)) => self.expire_waiting(),
            }
        }
    }

    fn takes_more(&self) -> bool {
        !self.closed && self.waiting.len() < REQUESTS_MAX
    }

    /// Whoever waits too long is told by the drop of the answer's sender.
    fn expire_waiting(&mut self) {
        let now = Instant::now();
        self.waiting.retain(|request| request.deadline > now);
    }

    /// Serves a connection until it ends; says why it did.
    async fn serve(&mut self, mut link: Link) -> LinkError {
        self.state.send_replace(PathState::Connected);
        let silence = self.settings.patience.silence;
        let mut heard = Instant::now();
        let mut pinged = false;
        loop {
            self.submit(&mut link);
            if self.closed && !self.is_awaited() {
                return self.log_out(link).await;
            }
            let quiet = if pinged { silence * 2 } else { silence };
            let next = self.next_deadline();
            let takes_more = self.takes_more();
            let turn = tokio::select! {
                stepped = link.step() => Turn::Stepped(stepped),
                request = self.incoming.recv(), if takes_more => Turn::Asked(request),
                () = sleep_until(next) => Turn::Late,
                () = sleep_until(heard + quiet) => Turn::Quiet,
            };
            let done = match turn {
                Turn::Stepped(Ok(true)) => {
                    (heard, pinged) = (Instant::now(), false);
                    self.take(&mut link)
                }
                Turn::Stepped(other) => other.map(|_| ()),
                Turn::Asked(request) => {
                    self.closed |= request.is_none();
                    self.waiting.extend(request);
                    Ok(())
                }
                Turn::Late => self.expire(&mut link),
                Turn::Quiet if pinged => Err(LinkError::Silent),
                Turn::Quiet => {
                    pinged = true;
                    link.session.ping();
                    Ok(())
                }
            };
            if let Err(error) = done {
                return error;
            }
        }
    }

    /// Sends what waits, as far as the target takes it.
    fn submit(&mut self, link: &mut Link) {
        while let Some(request) = self.waiting.pop_front() {
            if request.deadline <= Instant::now() {
                continue;
            }
            let sent = match &request.work {
                Work::Command(lun, command) => {
                    link.session.submit(*lun, command).map(|tag| (*lun, tag))
                }
                Work::Reset(lun) => {
                    let tag = link.session.manage(*lun, LOGICAL_UNIT_RESET, None);
                    Some((*lun, tag))
                }
            };
            let Some((lun, tag)) = sent else {
                self.waiting.push_front(request);
                return;
            };
            let flight = Flight {
                lun,
                deadline: request.deadline,
                answer: Some(request.answer),
                aborts: None,
            };
            self.flights.insert(tag, flight);
        }
    }

    fn take(&mut self, link: &mut Link) -> Result<(), LinkError> {
        for event in link.events() {
            match event {
                Event::Done(tag, outcome) => self.land(tag, outcome),
                Event::Managed(tag, response) => self.managed(link, tag, response),
                Event::AskedToLogOut => return Err(LinkError::AskedToLogOut),
                Event::LoggedOut => return Err(LinkError::Hangup),
                Event::LoggedIn | Event::Targets(_) | Event::Pong(_) => {}
            }
        }
        Ok(())
    }

    fn land(&mut self, tag: Tag, outcome: Outcome) {
        let flight = self.flights.remove(&tag);
        if let Some(answer) = flight.and_then(|flight| flight.answer) {
            // Whoever asked may have gone away.
            let _ = answer.send(outcome);
        }
    }

    /// A function was carried out: a reset has an outcome, an aborted command needs none.
    fn managed(&mut self, link: &mut Link, tag: Tag, response: u8) {
        let aborted = self.flights.get(&tag).and_then(|flight| flight.aborts);
        if let Some(aborted) = aborted {
            self.flights.remove(&aborted);
            link.session.give_up(aborted);
        }
        let outcome = match response {
            0 => Outcome::Good(Vec::new()),
            _ => Outcome::TaskAborted,
        };
        self.land(tag, outcome);
    }

    fn next_deadline(&self) -> Instant {
        let waiting = self.waiting.iter().map(|it| it.deadline);
        let flying = self.flights.values().map(|it| it.deadline);
        waiting.chain(flying).min().unwrap_or_else(never)
    }

    /// Aborts commands whose time is up. When that takes too long in turn, or what is late is no
    /// command, the connection goes: a new session ends what the old one left.
    fn expire(&mut self, link: &mut Link) -> Result<(), LinkError> {
        self.expire_waiting();
        let now = Instant::now();
        let patience = self.settings.patience.abort;
        let late = self.flights.iter_mut();
        let late: Vec<_> = late.filter(|(_, flight)| flight.deadline <= now).collect();
        let mut aborts = Vec::new();
        for (tag, flight) in late {
            if flight.answer.take().is_none() {
                return Err(LinkError::Silent);
            }
            flight.deadline = now + patience;
            aborts.push((*tag, flight.lun));
        }
        for (aborted, lun) in aborts {
            let tag = link.session.manage(lun, ABORT_TASK, Some(aborted));
            let flight = Flight {
                lun,
                deadline: now + patience,
                answer: None,
                aborts: Some(aborted),
            };
            self.flights.insert(tag, flight);
        }
        Ok(())
    }

    /// Says farewell, as long as the target listens.
    async fn log_out(&mut self, link: Link) -> LinkError {
        let patience = self.settings.patience.abort;
        match timeout(patience, link.log_out()).await {
            Ok(Ok(())) => LinkError::Closed,
            Ok(Err(error)) => error,
            Err(_) => LinkError::Silent,
        }
    }

    /// Whether anybody still waits for something that was sent.
    fn is_awaited(&self) -> bool {
        let mut flights = self.flights.values();
        flights.any(|it| it.answer.as_ref().is_some_and(|answer| !answer.is_closed()))
    }
}

fn never() -> Instant {
    Instant::now() + FOR_EVER
}
