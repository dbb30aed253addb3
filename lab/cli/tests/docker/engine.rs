//! The container engine, asked over its socket without the program under test.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::Value;

/// Where the engine listens: where `DOCKER_HOST` says, or where Docker does.
fn socket() -> String {
    let named = std::env::var("DOCKER_HOST").unwrap_or_default();
    let path = named.strip_prefix("unix://");
    path.unwrap_or("/var/run/docker.sock").to_owned()
}

/// Why there is no engine, if there is none.
pub(crate) fn missing() -> Option<String> {
    let asked = UnixStream::connect(socket());
    asked.err().map(|why| format!("{}: {why}", socket()))
}

/// What the engine answers to a request; empty when that is not JSON.
pub(crate) fn ask(method: &str, path: &str) -> Value {
    let mut stream = UnixStream::connect(socket()).unwrap();
    let head = "HTTP/1.0\r\nHost: engine\r\nContent-Length: 0\r\n\r\n";
    write!(stream, "{method} {path} {head}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or_default()
}

/// Names of a lab's containers, those that have ended included.
pub(crate) fn containers(uid: &str) -> Vec<String> {
    let filter = format!("%7B%22label%22%3A%5B%22looksalive.lab%3D{uid}%22%5D%7D");
    let listed = ask("GET", &format!("/containers/json?all=1&filters={filter}"));
    let name = |it: &Value| {
        it["Names"][0]
            .as_str()
            .unwrap()
            .trim_start_matches('/')
            .to_owned()
    };
    let listed = listed.as_array().unwrap();
    listed.iter().map(name).collect()
}

/// Everything about a container.
pub(crate) fn inspect(name: &str) -> Value {
    ask("GET", &format!("/containers/{name}/json"))
}
