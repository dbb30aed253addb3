//! The file itself, its head, variables, backend, invariants and report.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::json;

use super::decode::{Decode, Decoder, to_schema};
use super::macros::record;
use super::number::{Natural, Seed, VariableType};
use super::plain::{AnyScalar, Name, ResourceName, Text};
use super::scenario::StepSpec;
use super::words::InvariantSet;
use super::{
    ArraySpec, At, ClusterSpec, EndpointSpec, Named, NetworkSpec, NodeSpec, OneOrMany, RouterSpec,
};
use crate::model::{BackendKind, Clock, Expose, Invariant, Level, ReportFormat, WorkloadKind};
use crate::syntax::machines::SiteSpec;
use crate::yaml::{Node, Value};

record! {
    /// A lab file of looksalive: a lab, what goes wrong in it, what must then be true, and how the
    /// result is reported.
    LabFile {
        /// Version of the schema: 1.
        required lab: At<Natural>,
        /// Name of the lab.
        required name: At<Name>,
        /// What the lab is for: one line of text, or title, level and objectives.
        optional about: AboutSpec,
        /// Variables, used as `${var.name}`.
        optional vars: Named<VariableSpec>,
        /// Where and how the lab wants to run; a flag of the command beats it.
        optional backend: BackendSpec,
        /// What every node has unless its profile or the node itself says otherwise.
        optional defaults: NodeSpec,
        /// Sets of node settings to be named by `profile`.
        optional profiles: Named<NodeSpec>,
        /// The machines. A range such as `n[1-4]` stands for several.
        required nodes: Named<NodeSpec>,
        /// Fault domains.
        optional sites: Named<SiteSpec>,
        /// Network segments.
        required networks: Named<NetworkSpec>,
        /// What joins network segments: machines without a common network reach each other there.
        optional routers: Named<RouterSpec>,
        /// Storage arrays and their logical units.
        optional storage: Named<ArraySpec>,
        /// Shares outside the cluster that witnesses live on.
        optional endpoints: Named<EndpointSpec>,
        /// The cluster.
        required cluster: ClusterSpec,
        /// Clients that look at addresses all the time; the report says what they saw.
        optional workload: Vec<WorkloadSpec>,
        /// Rules that must hold all the time.
        optional invariants: InvariantsSpec,
        /// What happens, in order.
        optional scenario: Vec<StepSpec>,
        /// What to write at the end.
        optional report: ReportSpec,
    }
    later { "include", "kinds", "links", "directory", "clusters" }
}

record! {
    /// What the lab is for.
    AboutMap {
        /// One line.
        required title: At<Text>,
        /// How much a reader should know already.
        optional level: At<Level>,
        /// What a person learns from the lab.
        optional objectives: Vec<At<Text>>,
    }
    later {}
}

/// What the lab is for: a line of text, or a mapping.
#[derive(Debug, Clone)]
pub(crate) enum AboutSpec {
    Line(At<Text>),
    Map(AboutMap),
}

impl Decode for AboutSpec {
    fn decode(node: &Node, decoder: &mut Decoder<'_>) -> Option<Self> {
        match node.value {
            Value::Map(_) => AboutMap::decode(node, decoder).map(Self::Map),
            Value::Scalar { .. } | Value::List(_) => At::decode(node, decoder).map(Self::Line),
        }
    }
}

impl JsonSchema for AboutSpec {
    fn schema_name() -> Cow<'static, str> {
        "About".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let line = generator.subschema_for::<At<Text>>();
        let map = generator.subschema_for::<AboutMap>();
        to_schema(json!({ "anyOf": [line, map] }))
    }
}

record! {
    /// A variable.
    VariableSpec {
        /// Its value.
        required default: At<AnyScalar>,
        /// What it may hold; text when left out.
        optional r#type as "type": At<VariableType>,
        /// The values that it may have.
        optional r#enum as "enum": Vec<At<AnyScalar>>,
        /// Lowest value, for `type: int`.
        optional min: At<Natural>,
        /// Highest value, for `type: int`.
        optional max: At<Natural>,
    }
    later {}
}

record! {
    /// Where and how the lab wants to run.
    BackendSpec {
        /// The backend when no flag names one.
        optional default: At<BackendKind>,
        /// The clock; `virtual` goes with `sim`.
        optional clock: At<Clock>,
        /// The seed of all randomness, or `random`; always printed and stored.
        optional seed: At<Seed>,
        /// What backend `local` does beyond its defaults.
        optional local: LocalSpec,
    }
    later { "docker", "kubernetes", "external" }
}

record! {
    /// What backend `local` does beyond its defaults.
    LocalSpec {
        /// `tun` gives each machine a network namespace with adapters of its own; needs root.
        optional expose: At<Expose>,
    }
    later { "networks" }
}

record! {
    /// A client that looks at an address all the time.
    WorkloadSpec {
        /// Its name.
        required name: At<Name>,
        /// The machine that it runs on; no member of the cluster.
        required from: At<Name>,
        /// How it looks.
        required kind: At<WorkloadKind>,
        /// The address resource that it looks at, as `group/resource`.
        required target: At<ResourceName>,
        /// Time between two looks, and how long an answer may take; default 100 ms.
        optional every: At<Duration>,
    }
    later { "rate", "verify", "mix" }
}

record! {
    /// Rules that must hold all the time.
    InvariantsSpec {
        /// The set to start from.
        optional r#use as "use": At<InvariantSet>,
        /// Rules taken out of the set.
        optional except: OneOrMany<At<Invariant>>,
    }
    later { "limits" }
}

record! {
    /// What to write at the end.
    ReportSpec {
        /// Formats besides those that `--report` always writes.
        optional formats: OneOrMany<At<ReportFormat>>,
    }
    later { "keep" }
}
