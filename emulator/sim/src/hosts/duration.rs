//! How long coming online takes, by type. The times are the model's own.

use std::time::Duration;

use base::Rng;
use top::rcm::ResourceParameters;

/// Between the shortest and the longest of its type, drawn.
pub(super) fn of_online(parameters: &ResourceParameters, rng: &mut Rng) -> Duration {
    let (low, high) = match parameters {
        ResourceParameters::PhysicalDisk { .. }
        | ResourceParameters::FileShareWitness
        | ResourceParameters::CloudWitness => (0, 0),
        ResourceParameters::IpAddress { .. } => (400, 600),
        ResourceParameters::NetworkName { .. } => (300, 500),
        ResourceParameters::FileServer { .. } => (60, 120),
        ResourceParameters::FileShare { .. } => (20, 50),
        ResourceParameters::GenericApplication { .. }
        | ResourceParameters::GenericScript { .. }
        | ResourceParameters::VirtualMachine { .. }
        | ResourceParameters::PlugIn { .. } => (80, 200),
        ResourceParameters::Ipv6Address { .. } => (400, 600),
        ResourceParameters::DistributedNetworkName { .. } => (300, 500),
        ResourceParameters::GenericService { .. }
        | ResourceParameters::DhcpService { .. }
        | ResourceParameters::WinsService { .. }
        | ResourceParameters::PrintSpooler { .. } => (150, 400),
    };
    Duration::from_millis(rng.between(low, high))
}
