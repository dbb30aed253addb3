//! A plan as people read it, with the names of its lab.

use std::fmt;

use plan::{Names, Plan};

use super::{Act, Deed, SwarmPlan};
use crate::words::{command_words, fault_words};
use crate::world::Options;

impl fmt::Display for SwarmPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cluster = &self.lab.cluster;
        writeln!(
            f,
            "seed {}: {} nodes, {} networks, {}, {} groups, {}",
            self.seed,
            cluster.members.len(),
            self.lab.networks.len(),
            cluster.quorum.model.label(),
            cluster.groups.len(),
            options_words(self.options)
        )?;
        // A lab that cannot be built has no names; what is in its plan goes by number.
        let plan = Plan::new(&self.lab).ok();
        let nameless = Names::default();
        let names = plan.as_ref().map_or(&nameless, |plan| &plan.names);
        let mut acts: Vec<_> = (1..).zip(&self.acts).collect();
        acts.sort_by_key(|(_, (at, _))| *at);
        for (number, (at, act)) in acts {
            let act = act_words(act, names);
            writeln!(f, "{number:>4} {:>10.3} s  {act}", at.as_secs_f64())?;
        }
        Ok(())
    }
}

fn options_words(options: Options) -> String {
    let ties = if options.shuffle_ties {
        "ties drawn"
    } else {
        "ties in order"
    };
    match options.drift_ppm_max {
        0 => format!("{ties}, exact clocks"),
        drift => format!("{ties}, clocks up to {drift} ppm off"),
    }
}

fn act_words(act: &Act, names: &Names) -> String {
    match act {
        Act::Break { faults, lasts } => {
            let faults: Vec<String> = faults.iter().map(|it| fault_words(it, names)).collect();
            format!("for {:.3} s: {}", lasts.as_secs_f64(), faults.join("; "))
        }
        Act::Deed(Deed::PreventQuorum(node)) => {
            let node = names.of_node(*node);
            format!("an administrator starts {node}, which shall only join")
        }
        Act::Deed(deed) => {
            let command = deed.command();
            let command = command.map(|command| command_words(&command, names));
            let command = command.unwrap_or_else(|| "nothing".to_owned());
            format!("an administrator asks: {command}")
        }
    }
}
