//! The process that keeps a lab up: it holds the lab, answers commands, and takes the lab down.
//!
//! Commands come in over the lab's socket: one JSON object each, answered by one or, where somebody
//! follows, by many. Each is carried out between two moments of the lab, so none sees it half
//! changed.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use base::{RequestId, Timestamp};
use file::model::{Action, Lab, Selector};
use serde_json::{Value, json};
use sim::session::Unfit;
use sim::{Session, Stage, words};
use top::api::AdminReply;

use crate::{Live, query, show};

/// A command for the keeper, with whoever waits for its answers.
#[derive(Debug)]
pub struct Order {
    /// What is asked for.
    pub(crate) what: Value,
    /// Where answers go; the connection ends when it is dropped.
    pub(crate) answers: Sender<Value>,
}

/// Keeps a lab until somebody takes it down. `ready` is called once: with what the lab is when it
/// is quorate, or with nothing when that took longer than `patience` and the lab is taken down.
pub fn keep(
    lab: Lab,
    text: String,
    live: Live,
    seed: u64,
    patience: Duration,
    ready: impl FnOnce(Option<&Value>),
) {
    let mut keeper = Keeper {
        session: Session::on(lab, live, seed),
        text,
        followers: Vec::new(),
        waiting: Vec::new(),
    };
    let until = keeper.session.world().now() + patience;
    while keeper.session.observe().quorate().is_empty() {
        let over = keeper.session.world().now() >= until;
        if over || keeper.turn(until) {
            return ready(None);
        }
    }
    ready(Some(&show::lab(&keeper.session)));
    while !keeper.turn(Timestamp::NEVER) {}
}

/// Whoever wants to hear of events.
struct Follower {
    /// Entries of the log that it has.
    told: usize,
    follows: bool,
    answers: Sender<Value>,
}

/// Whoever waits for the cluster's answer.
struct Waiting {
    requests: Vec<RequestId>,
    /// What was answered so far.
    shown: Vec<Value>,
    until: Timestamp,
    answers: Sender<Value>,
}

struct Keeper {
    session: Session<Live>,
    text: String,
    followers: Vec<Follower>,
    waiting: Vec<Waiting>,
}

/// How long an administrator's request may take.
const ANSWER_MAX: Duration = Duration::from_secs(60);

impl Keeper {
    /// Lets time pass until something changes, and answers everybody; whether it is over.
    fn turn(&mut self, limit: Timestamp) -> bool {
        let due = self.waiting.iter().map(|it| it.until).min();
        let limit = due.unwrap_or(limit).min(limit);
        self.session.run_to_change(limit);
        while let Some(order) = self.session.world_mut().next_order() {
            if self.obey(order) {
                return true;
            }
        }
        self.answer_waiting();
        self.tell_followers();
        false
    }

    /// Carries an order out; whether it was the last one.
    fn obey(&mut self, Order { what, answers }: Order) -> bool {
        let text = |key: &str| what[key].as_str().unwrap_or_default().to_owned();
        let answer = match what["do"].as_str().unwrap_or_default() {
            "show" => show::lab(&self.session),
            "fault" => ok(self.fault(&text("fault"))),
            "heal" => {
                self.session.world_mut().note_step("heal");
                self.session.heal();
                ok(Ok(()))
            }
            "cluster" => match self.cluster(&what) {
                Ok(requests) => {
                    let until = self.session.world().now() + ANSWER_MAX;
                    self.waiting.push(Waiting {
                        requests,
                        shown: Vec::new(),
                        until,
                        answers,
                    });
                    return false;
                }
                Err(why) => ok(Err(why)),
            },
            "events" => {
                let follows = what["follow"] == true;
                self.followers.push(Follower {
                    told: 0,
                    follows,
                    answers,
                });
                return false;
            }
            "down" => {
                self.followers.clear();
                // The connection ends when everything is gone.
                self.session.world_mut().keep_until_gone(answers);
                return true;
            }
            other => ok(Err(format!("a lab knows no command `{other}`"))),
        };
        // Whoever asked may have gone away.
        let _gone = answers.send(answer);
        false
    }

    fn fault(&mut self, words: &str) -> Result<(), String> {
        let fault = file::words::fault(&self.text, words)?;
        let one_line = words.split_whitespace().collect::<Vec<_>>().join(" ");
        let world = self.session.world_mut();
        world.note_step(&format!("fault: {one_line}"));
        self.session.fault(&fault).map_err(|why| why.to_string())
    }

    fn cluster(&mut self, what: &Value) -> Result<Vec<RequestId>, String> {
        if let Some(command) = query::command(&self.session, what)? {
            let request = self.session.request(command);
            return Ok(vec![request.map_err(|why| why.to_string())?]);
        }
        let action = match what["step"].as_str() {
            Some(step) => file::words::action(&self.text, step)?,
            None => action(what)?,
        };
        self.session
            .act(&action)
            .map_err(|why: Unfit| why.to_string())
    }

    fn answer_waiting(&mut self) {
        let now = self.session.world().now();
        let session = &self.session;
        self.waiting.retain_mut(|waiting| {
            let mut refused = None;
            let shown = &mut waiting.shown;
            waiting
                .requests
                .retain(|request| match session.answer(*request) {
                    None => true,
                    Some(AdminReply::Refused { code, reason, .. }) => {
                        refused = Some(format!("the cluster refused with error {code}: {reason}"));
                        false
                    }
                    Some(reply) => {
                        shown.extend(query::shown(reply));
                        false
                    }
                });
            let outcome = match refused {
                Some(why) => Err(why),
                None if waiting.requests.is_empty() => Ok(()),
                None if now >= waiting.until => Err(format!(
                    "no answer came within {} s; it may still be done",
                    ANSWER_MAX.as_secs()
                )),
                None => return true,
            };
            let mut answer = ok(outcome);
            if let Some(shown) = waiting.shown.first() {
                answer["shown"] = shown.clone();
            }
            let _gone = waiting.answers.send(answer);
            false
        });
    }

    fn tell_followers(&mut self) {
        let world = self.session.world();
        let (entries, names) = (world.log().entries(), &world.plan().names);
        self.followers.retain_mut(|follower| {
            let news = entries.get(follower.told..).unwrap_or_default();
            follower.told = entries.len();
            let mut news = news.iter().filter(|entry| !entry.is_routine());
            let told = news.all(|entry| {
                let event = serde_json::to_value(words::event(entry, names));
                event.is_ok_and(|event| follower.answers.send(event).is_ok())
            });
            told && follower.follows
        });
    }
}

fn ok(outcome: Result<(), String>) -> Value {
    match outcome {
        Ok(()) => json!({ "ok": true }),
        Err(error) => json!({ "ok": false, "error": error }),
    }
}

fn page(what: &Value) -> Result<u32, String> {
    let page = what["page"].as_u64().unwrap_or(0);
    u32::try_from(page).map_err(|_| format!("there is no page {page}"))
}

/// What an administrator asks for.
fn action(what: &Value) -> Result<Action, String> {
    let text = |key: &str| what[key].as_str().map(str::to_owned);
    let nodes = || {
        text("node")
            .map(Selector::Name)
            .ok_or("which node?".to_owned())
    };
    let resource = || {
        let named = text("resource").unwrap_or_default();
        let parts = named.split_once('/');
        let parts = parts.ok_or_else(|| format!("`{named}` is not GROUP/RESOURCE"))?;
        Ok::<_, String>((parts.0.to_owned(), parts.1.to_owned()))
    };
    let group = text("group");
    Ok(match (what["action"].as_str().unwrap_or_default(), group) {
        ("move", Some(group)) => Action::MoveGroup {
            group,
            to: text("to").map(Selector::Name),
            queue: what["queue"] == true,
        },
        ("online", Some(group)) => Action::OnlineGroup(group),
        ("offline", Some(group)) => Action::OfflineGroup(group),
        ("online", None) => {
            let (group, resource) = resource()?;
            Action::OnlineResource { group, resource }
        }
        ("offline", None) => {
            let (group, resource) = resource()?;
            Action::OfflineResource { group, resource }
        }
        ("fail", _) => {
            let (group, resource) = resource()?;
            Action::FailResource { group, resource }
        }
        ("maintenance", _) => {
            let (group, resource) = resource()?;
            let on = what["on"] == true;
            Action::Maintenance {
                group,
                resource,
                on,
            }
        }
        ("write-volume", _) => {
            let (group, resource) = resource()?;
            Action::WriteVolume {
                nodes: nodes()?,
                group,
                resource,
                page: page(what)?,
                value: text("value").unwrap_or_default(),
            }
        }
        ("read-volume", _) => {
            let (group, resource) = resource()?;
            Action::ReadVolume {
                nodes: nodes()?,
                group,
                resource,
                page: page(what)?,
                value: String::new(),
            }
        }
        ("pause", _) => Action::Pause(nodes()?),
        ("drain", _) => Action::Drain(nodes()?),
        ("resume", _) => Action::Resume(nodes()?),
        (other, _) => return Err(format!("an administrator cannot `{other}`")),
    })
}

/// Listens for commands; each goes to `orders`.
pub(crate) fn listen(
    path: &Path,
    orders: impl Fn(Order) -> bool + Clone + Send + 'static,
) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    thread::Builder::new()
        .name("commands".to_owned())
        .spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let orders = orders.clone();
                thread::spawn(move || {
                    // A client that goes away in the middle is its own affair.
                    let _gone = serve(stream, &orders);
                });
            }
        })?;
    Ok(())
}

fn serve(stream: UnixStream, orders: &impl Fn(Order) -> bool) -> io::Result<()> {
    let mut replies = stream.try_clone()?;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line)?;
    let what = serde_json::from_str(&line)?;
    let (answers, answered) = mpsc::channel::<Value>();
    if orders(Order { what, answers }) {
        for answer in answered {
            writeln!(replies, "{answer}")?;
        }
    }
    Ok(())
}
