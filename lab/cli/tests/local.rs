//! Labs of real processes, driven by the commands that people use. They take the time that they
//! take: heartbeats are short, so that it is little.

#[path = "local/administered.rs"]
mod administered;
#[path = "local/bench.rs"]
mod bench;
#[path = "local/clean.rs"]
mod clean;
#[path = "local/killed.rs"]
mod killed;
#[path = "local/played.rs"]
mod played;
#[path = "local/programs.rs"]
mod programs;
