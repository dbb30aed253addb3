//! Goes through a run stop by stop, and takes commands at each of them.

use std::io::{self, BufRead, IsTerminal};

use base::Timestamp;
use sim::World;
use sim::replay::Snapshot;
use sim::words;

use crate::{output, units};

/// What `--help` says about stepping.
pub(crate) const HELP: &str = "\
Commands while stepping: s [N] (one or N steps), c (on to the next stop), t TIME (on to a moment),
b TEXT (stop when that is said), p [SUBJECT] (the picture, or what it says of a node, group,
resource or disk), d (what changed since the last stop), q (end).";

/// Lines shown when a run stops without anybody asking for commands.
const LINES_SHOWN: usize = 20;

/// Why a replay is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It ran to its end.
    Never,
    /// At something that was looked for.
    Reached,
    /// By command.
    Asked,
}

/// How far to go before the next stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    Steps(u64),
    Until(Timestamp),
    On,
}

/// Where a replay stands.
pub(super) struct Stepper {
    breaks: Vec<String>,
    asks: bool,
    going: Going,
    stop: Stop,
    /// Lines of the log that were looked at.
    looked: usize,
    /// Broken rules that were told.
    broken: usize,
    last: Snapshot,
}

impl Stepper {
    pub(super) fn new(breaks: Vec<String>, asks: bool) -> Self {
        Self {
            breaks: breaks.iter().map(|text| text.to_lowercase()).collect(),
            asks,
            going: if asks { Going::Steps(1) } else { Going::On },
            stop: Stop::Never,
            looked: 0,
            broken: 0,
            last: Snapshot::default(),
        }
    }

    /// How the replay ended.
    pub(super) fn stop(&self) -> Stop {
        self.stop
    }

    /// Looks at the world after a change; whether to go on.
    pub(super) fn look(&mut self, world: &World) -> bool {
        let new = lines(world, self.looked);
        self.looked = world.log().entries().len();
        let broken = world.jury().violations();
        let news: Vec<String> = broken.iter().skip(self.broken).map(rule_words).collect();
        self.broken = broken.len();
        let hit = !news.is_empty() || new.iter().any(|line| self.is_looked_for(line));
        if matches!(self.going, Going::Steps(_)) {
            new.iter().for_each(|line| say(line));
        }
        let there = match &mut self.going {
            Going::Steps(_) if new.is_empty() => false,
            Going::Steps(left) => {
                *left = left.saturating_sub(1);
                *left == 0
            }
            Going::Until(at) => world.now() >= *at,
            Going::On => false,
        };
        if !hit && !there {
            return true;
        }
        if !matches!(self.going, Going::Steps(_)) {
            let all = lines(world, 0);
            let shown = if self.asks { new.len() } else { LINES_SHOWN };
            let from = all.len().saturating_sub(shown);
            all.iter().skip(from).for_each(|line| say(line));
        }
        news.iter().for_each(|line| say(line));
        if !self.asks {
            say(&format!("\nat {}:", millis(world.now())));
            say(Snapshot::of(world).to_string().trim_end());
            self.stop = Stop::Reached;
            return false;
        }
        let on = self.take_commands(world);
        self.last = Snapshot::of(world);
        on
    }

    fn is_looked_for(&self, line: &str) -> bool {
        let line = line.to_lowercase();
        self.breaks.iter().any(|text| line.contains(text))
    }

    /// Takes commands until one of them goes on; whether to go on at all.
    fn take_commands(&mut self, world: &World) -> bool {
        loop {
            let Some(line) = ask(world.now()) else {
                self.stop = Stop::Asked;
                return false;
            };
            let (word, rest) = line.split_once(' ').unwrap_or((line.as_str(), ""));
            let rest = rest.trim();
            match word {
                "" | "s" => {
                    self.going = Going::Steps(rest.parse().unwrap_or(1).max(1));
                    return true;
                }
                "c" => {
                    self.going = Going::On;
                    return true;
                }
                "t" => match units::duration(rest) {
                    Ok(at) => {
                        self.going = Going::Until(Timestamp::ZERO + at);
                        return true;
                    }
                    Err(why) => say(&format!("{why}, for example t 12s")),
                },
                "b" if !rest.is_empty() => self.breaks.push(rest.to_lowercase()),
                "p" if rest.is_empty() => say(Snapshot::of(world).to_string().trim_end()),
                "p" => match Snapshot::of(world).about(rest).as_slice() {
                    [] => say(&format!("there is nothing called {rest}")),
                    rows => rows.iter().for_each(|row| say(row)),
                },
                "d" => match Snapshot::of(world).changes_since(&self.last).as_slice() {
                    [] => say("nothing differs"),
                    changes => changes.iter().for_each(|change| say(change)),
                },
                "q" => {
                    self.stop = Stop::Asked;
                    return false;
                }
                _ => say(HELP),
            }
        }
    }
}

/// The lines of the timeline from an entry of the log on.
fn lines(world: &World, from: usize) -> Vec<String> {
    let entries = world.log().entries().iter().skip(from);
    let told = entries.filter(|entry| !entry.is_routine());
    let line = |entry| {
        let event = words::event(entry, &world.plan().names);
        let who = event.node.as_deref().unwrap_or("-");
        format!("{:>14.3}  {who:<4}  {}", event.at.0, event.text)
    };
    told.map(line).collect()
}

fn rule_words(broken: &sim::checkers::Violation) -> String {
    let at = millis(broken.at);
    format!("rule {} is broken at {at}: {}", broken.checker, broken.what)
}

fn millis(at: Timestamp) -> String {
    let micros = at.0 / 1_000;
    format!("{}.{:03} ms", micros / 1_000, micros % 1_000)
}

fn ask(now: Timestamp) -> Option<String> {
    if io::stdin().is_terminal() {
        output::error_text(&format!("{} > ", millis(now)));
    }
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(line.trim().to_owned()),
    }
}

fn say(line: &str) {
    // A reader that has gone away has seen what it wanted.
    let _gone = output::print(&format!("{line}\n"));
}
