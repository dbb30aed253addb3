# Front door for people; every recipe is one command that also works without just.

# What there is
default:
    @just --list

# Everything a change must pass (what CI runs)
check:
    ./scripts/test

# Unit and property tests of everything
test:
    cargo test --workspace

# House rules that rustfmt and clippy do not know
tidy:
    cargo xtask tidy

# A sample of seeds, run twice: `just sim --seeds 1000`
sim *ARGS:
    cargo xtask sim {{ARGS}}

# One lab file, played and judged: `just lab topologies/three-node-majority.lab.yaml`
lab FILE="topologies/two-node-disk-witness.lab.yaml":
    cargo run --release --bin looksalive -- run {{FILE}}

# The conformance suite on the simulator: `just conform quorum`
conform *ARGS:
    cargo run --release --bin looksalive -- conformance run {{ARGS}}
