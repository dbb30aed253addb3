//! `looksalive target` as its users meet it: a process of its own, spoken to over sockets.

#[path = "target/abort.rs"]
mod abort;
#[path = "target/client.rs"]
mod client;
#[path = "target/faults.rs"]
mod faults;
#[path = "target/kill.rs"]
mod kill;
#[path = "target/process.rs"]
mod process;
#[path = "target/sessions.rs"]
mod sessions;
#[path = "target/settings.rs"]
mod settings;
