//! The simulator as a subject: the lab's cluster in virtual time.

use sim::Options;
use sim::session::Session;

use super::{Factory, Refusal, Staged, Subject};

/// The seed of every case: a case proves behaviour, not luck; luck is what swarms are for.
const SEED: u64 = 1;

/// Makes simulator subjects.
#[derive(Debug, Clone, Copy, Default)]
pub struct Simulator;

impl Factory for Simulator {
    fn name(&self) -> &'static str {
        "sim"
    }

    fn make(&self) -> Result<Box<dyn Subject>, Refusal> {
        let options = Options {
            trace_polls: true,
            record_frames: true,
            ..Options::new(SEED)
        };
        let build = move |lab, _: &str| -> Result<Session, Refusal> {
            let session = Session::new(lab, options);
            session.map_err(|why| Refusal::Broken(why.to_string()))
        };
        Ok(Box::new(Staged::new(build)))
    }
}
