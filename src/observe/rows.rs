//! The rows of the result tables: a versioned public schema.
//!
//! Tables are long and flat: one row a thing, SI units in the column names, simulated seconds from 0. A
//! missing value is an empty cell. Columns are only ever added at the end within one [`SCHEMA_VERSION`]; a
//! reader finds them by name.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::format::{number, optional_seconds, seconds};

/// The version of the rows and of `run.json`. It rises when a column is removed, renamed or changes its
/// meaning.
pub const SCHEMA_VERSION: u32 = 1;

/// Text of a row. Shared, since a hundred thousand rows name the same few hundred cities, peers and reasons.
pub type Text = Arc<str>;

/// A row of one of the tables.
pub trait Row: Serialize + DeserializeOwned {
    /// The table's file name.
    const FILE: &'static str;
    /// The columns in the order of the fields; written even where a table has no rows.
    const COLUMNS: &'static [&'static str];
}

/// Joins labels as the tables hold them: `key=value;key=value`, sorted by key; empty without labels.
///
/// `;`, `=` and line ends inside a key or value become `_`, so that the text can be taken apart again.
#[must_use]
pub fn labels(pairs: &[(&str, &str)]) -> Text {
    let mut sorted: Vec<_> = pairs.to_vec();
    sorted.sort_unstable();
    let clean = |text: &str| text.replace([';', '=', '\n', '\r'], "_");
    let joined: Vec<_> =
        sorted.iter().map(|(key, value)| format!("{}={}", clean(key), clean(value))).collect();
    joined.join(";").into()
}

/// The value of one label in a `key=value;key=value` text.
#[must_use]
pub fn label<'a>(labels: &'a str, key: &str) -> Option<&'a str> {
    labels
        .split(';')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

/// One final number of a run (`metrics.csv`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MetricRow {
    /// A name of [`super::metrics`].
    pub metric: Text,
    /// `key=value;key=value`, sorted by key; empty for the whole run. Made by [`labels`].
    pub labels: Text,
    /// The value in `unit`; NaN (an empty cell) where there was nothing to measure.
    #[serde(with = "number")]
    pub value: f64,
    /// The metric's unit: `s`, `B`, `fraction`, or a counted noun.
    pub unit: Text,
}

/// One sample of a quantity over time (`series.csv`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SeriesRow {
    /// When the sample was taken, in simulated seconds.
    #[serde(with = "seconds")]
    pub time_s: f64,
    /// The quantity: `peers.up`, `deployments` (label `status`), `messages.sent`, ...
    pub metric: Text,
    /// `key=value;key=value`, sorted by key; may be empty.
    pub labels: Text,
    /// The value at that moment; cumulative for counters such as `messages.sent`.
    #[serde(with = "number")]
    pub value: f64,
}

/// One deployment that was asked for (`deployments.csv`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeploymentRow {
    /// Number of the deployment in the run, from 0 in order of submission.
    pub deployment: u32,
    /// The deployment's name or id as its owner knows it.
    pub name: Text,
    /// The peer that orchestrated it.
    pub orchestrator: Text,
    /// The ensemble that it deployed: a file or a name.
    pub ensemble: Text,
    /// When it was submitted, in simulated seconds.
    #[serde(with = "seconds")]
    pub submitted_s: f64,
    /// When it had to run at the latest, in simulated seconds.
    #[serde(with = "seconds")]
    pub deadline_s: f64,
    /// When it first ran, in simulated seconds; empty if it never did.
    #[serde(with = "optional_seconds")]
    pub running_s: Option<f64>,
    /// When it reached its last status, in simulated seconds; empty if it lived at the end of the run.
    #[serde(with = "optional_seconds")]
    pub ended_s: Option<f64>,
    /// The status at the end of the run, lower case: `running`, `completed`, `failed`, ...
    pub status: Text,
    /// How it came out: `succeeded`, `failed`, `cancelled`, or empty while undecided.
    pub outcome: Text,
    /// Why it failed; empty otherwise.
    pub reason: Text,
    /// Rounds of asking for bids.
    pub rounds: u32,
    /// Attempts at committing a candidate.
    pub attempts: u32,
    /// Bids that reached the orchestrator.
    pub bids: u32,
    /// Times that a part of it was moved to another peer after it ran.
    pub redeployments: u32,
}

/// One generation of one allocation on one peer (`allocations.csv`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AllocationRow {
    /// The deployment's number, as in [`DeploymentRow::deployment`].
    pub deployment: u32,
    /// The node of the ensemble that it belongs to.
    pub node: Text,
    /// The allocation's name in the ensemble.
    pub allocation: Text,
    /// 0 for the first; raised whenever its node is placed again, after a failed step or by a redeployment.
    pub generation: u32,
    /// `service` or `task`.
    pub kind: Text,
    /// The peer that ran it.
    pub peer: Text,
    /// That peer's city; may be empty.
    pub city: Text,
    /// That peer's country; may be empty.
    pub country: Text,
    /// When its resources were committed, in simulated seconds.
    #[serde(with = "seconds")]
    pub committed_s: f64,
    /// When it started, in simulated seconds; empty if it never did.
    #[serde(with = "optional_seconds")]
    pub started_s: Option<f64>,
    /// When it ended, in simulated seconds; empty if it lived at the end of the run.
    #[serde(with = "optional_seconds")]
    pub ended_s: Option<f64>,
    /// How it ended: `completed`, `failed`, `crashed`, `released`, ...; empty while it lives.
    pub end: Text,
    /// The exit code of its process, if it exited.
    pub exit_code: Option<i32>,
    /// CPU cores that it holds.
    #[serde(with = "number")]
    pub cpu_cores: f64,
    /// Memory that it holds, in bytes.
    pub ram_bytes: u64,
    /// Disk that it holds, in bytes.
    pub disk_bytes: u64,
    /// For how long its deployment wanted it to run, in simulated seconds.
    #[serde(with = "seconds")]
    pub wanted_s: f64,
    /// For how long it did run while wanted, in simulated seconds; never more than `wanted_s`.
    #[serde(with = "seconds")]
    pub served_s: f64,
    /// The name that leads to it within its ensemble; empty if it never learnt one.
    pub dns_name: Text,
    /// Its address in the ensemble's subnet; empty if it never had one.
    pub address: Text,
    /// Ports of the peer that lead to it: `public=private;public=private`, sorted; may be empty.
    pub ports: Text,
}

/// Refusals of one kind, counted (`refusals.csv`): one row a (deployment, stage, reason, amount class).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RefusalRow {
    /// The deployment's number; empty where no deployment was concerned.
    pub deployment: Option<u32>,
    /// Where it was refused: `authorisation`, `bid`, `commit`, `provision`, ...
    pub stage: Text,
    /// The exact reason.
    pub reason: Text,
    /// The class of what was lacking (a resource and its order of magnitude); may be empty.
    pub amount_class: Text,
    /// How many refusals this row stands for.
    pub count: u64,
    /// When the first message was sent that was refused so, or when something else was refused; simulated seconds.
    #[serde(with = "seconds")]
    pub first_time_s: f64,
    /// Of the peers that refused it the one with the lowest number.
    pub first_peer: Text,
    /// The first refusal in full.
    pub example: Text,
}

/// One peer of the run (`peers.csv`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct PeerRow {
    /// The peer's name.
    pub peer: Text,
    /// Its role: `provider`, `orchestrator`, ...
    pub role: Text,
    /// The organizations that it belongs to from the start, with spaces between them; may be empty.
    pub organization: Text,
    /// Its city; may be empty.
    pub city: Text,
    /// Its country; may be empty.
    pub country: Text,
    /// Its continent; may be empty.
    pub continent: Text,
    /// Latitude in degrees, north positive; NaN (an empty cell) where it has no place.
    #[serde(with = "number")]
    pub lat: f64,
    /// Longitude in degrees, east positive; NaN (an empty cell) where it has no place.
    #[serde(with = "number")]
    pub lon: f64,
    /// Share of the run that it was up, 0 to 1.
    #[serde(with = "number")]
    pub up_fraction: f64,
    /// Times that it crashed or left.
    pub crashes: u32,
    /// The organizations that it is part of at the end of the run, with spaces between them: those at the roots of
    /// its living *provide* tokens.
    pub memberships: Text,
}

/// One attacker (`attacks.csv`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct AttackRow {
    /// The attacking peer's name.
    pub peer: Text,
    /// The attack: `forger`, `replayer`, ...
    pub attack: Text,
    /// The organization that it is a member of; empty for one from outside.
    pub organization: Text,
    /// When it begins, in simulated seconds.
    #[serde(with = "seconds")]
    pub start_s: f64,
    /// When it ends, in simulated seconds.
    #[serde(with = "seconds")]
    pub end_s: f64,
    /// Messages that it gave to the network; a broadcast is one.
    pub attempts: u64,
    /// Times that a peer executed the behaviour that a message asked for.
    pub executed: u64,
    /// Times that a peer refused to.
    pub refused: u64,
    /// Executed although the peer's own state forbade it.
    pub successes: u64,
    /// Executed by peers that had not heard of the revocation, after it.
    pub before_anchoring: u64,
    /// From the first attempt until it was shut out, in simulated seconds; empty if it was not.
    #[serde(with = "optional_seconds")]
    pub shut_out_after_s: Option<f64>,
    /// From the first attempt until it broadcast something that none of its connections took, in simulated
    /// seconds; empty if that did not happen.
    #[serde(with = "optional_seconds")]
    pub graylisted_after_s: Option<f64>,
    /// The first success: what, where, why it should not have been.
    pub example: Text,
}

/// One operation of an operator (`operations.csv`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OperationRow {
    /// Its number in the scenario, from 0.
    pub operation: u32,
    /// When it was asked for, in simulated seconds.
    #[serde(with = "seconds")]
    pub at_s: f64,
    /// The peer whose operator it is.
    pub by: Text,
    /// What is done.
    pub what: Text,
    /// `answered`, `refused`, `unanswered`, or empty while nothing is known.
    pub outcome: Text,
    /// How often it was answered.
    pub answers: u64,
    /// When it was first answered, refused or given up, in simulated seconds; empty if it was not.
    #[serde(with = "optional_seconds")]
    pub ended_s: Option<f64>,
    /// The first answer in a few words, or why there is none.
    pub said: Text,
    /// What the scenario says must be said: `answer: ...` or `refusal: ...`; may be empty.
    pub expected: Text,
    /// `yes` if that was said, `no` if not; empty where nothing is expected.
    pub met: Text,
}

/// Connections that were dialled for messages between hosts of two classes (`connections.csv`); without `nat` in the
/// scenario there are none.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ConnectionRow {
    /// What stands before those who dialled: `public`, `full_cone`, ...
    pub caller: Text,
    /// What stands before those who were dialled.
    pub called: Text,
    /// Dialled at their own address.
    pub direct: u64,
    /// Relayed at first; then the called dialled back.
    pub reversed: u64,
    /// Relayed at first; then both got through to each other.
    pub punched: u64,
    /// Relayed to the end.
    pub relayed: u64,
    /// Dials that failed as there was no way.
    pub unreachable: u64,
    /// Dials that failed for another reason: full relays, too many connections, partitions.
    pub refused: u64,
    /// From dialling to the first message, the mean in seconds; NaN (an empty cell) without connections.
    #[serde(with = "number")]
    pub ready_mean_s: f64,
    /// From dialling to the direct way of those that were relayed at first, the mean in seconds; NaN (an empty cell)
    /// without any.
    #[serde(with = "number")]
    pub direct_mean_s: f64,
}

/// The requests of a stream that were made in an interval (`requests.csv`). Intervals without any have no row.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct RequestRow {
    /// The stream's name.
    pub stream: Text,
    /// When the interval begins, in simulated seconds.
    #[serde(with = "seconds")]
    pub start_s: f64,
    /// How long it is, in seconds.
    #[serde(with = "seconds")]
    pub length_s: f64,
    /// Requests that were made in it.
    pub offered: u64,
    /// Those that were answered, at whichever try and time.
    pub answered: u64,
    /// Those that failed for want of a name or a port.
    pub no_such_name: u64,
    /// Those that failed because no way leads to the host.
    pub unreachable: u64,
    /// Those that failed because nothing listened.
    pub refused: u64,
    /// Those that failed because nothing came back in time.
    pub timed_out: u64,
    /// Those that failed because the service ended while it was busy with them.
    pub reset: u64,
    /// Those that failed because the service or its links had no room or were too slow.
    pub overloaded: u64,
    /// Those that failed because the service said that it does not work.
    pub unhealthy: u64,
    /// From a request to its answer, tries that failed included: the median in seconds; NaN (an empty cell) without
    /// answers.
    #[serde(with = "number")]
    pub latency_p50_s: f64,
    /// The 95th percentile of that.
    #[serde(with = "number")]
    pub latency_p95_s: f64,
    /// The 99th percentile of that.
    #[serde(with = "number")]
    pub latency_p99_s: f64,
}

/// One contract (`contracts.csv`). Amounts are decimal texts with eight decimals, exact.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ContractRow {
    /// Its number in the run.
    pub contract: u32,
    /// Its name in the scenario.
    pub name: Text,
    /// Who asks and pays.
    pub requestor: Text,
    /// Who provides and is paid.
    pub provider: Text,
    /// Who hosts it.
    pub host: Text,
    /// Who computes and checks payments.
    pub validator: Text,
    /// Its payment model.
    pub model: Text,
    /// Where it stood at the end: `DRAFT`, `ACCEPTED`, ...
    pub state: Text,
    /// Signatures that its host took.
    pub signatures: u32,
    /// When it was made, in simulated seconds.
    #[serde(with = "seconds")]
    pub created_s: f64,
    /// When both had signed, in simulated seconds.
    #[serde(with = "optional_seconds")]
    pub accepted_s: Option<f64>,
    /// When it was terminated or completed, in simulated seconds.
    #[serde(with = "optional_seconds")]
    pub ended_s: Option<f64>,
    /// Usage events that it was told.
    pub usage_events: u64,
    /// Usage events that it was never told.
    pub usage_lost: u64,
    /// Its invoices.
    pub invoices: u32,
    /// Their sum.
    pub invoiced: Text,
    /// What was paid of it.
    pub paid: Text,
    /// In which currency its prices are.
    pub currency: Text,
}

/// One invoice (`invoices.csv`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct InvoiceRow {
    /// The contract's number in the run.
    pub contract: u32,
    /// Its name in the scenario.
    pub name: Text,
    /// The number of the invoice, from 1.
    pub invoice: u64,
    /// When its validator computed it, in simulated seconds.
    #[serde(with = "seconds")]
    pub invoiced_s: f64,
    /// Its items.
    pub items: u32,
    /// Their sum.
    pub amount: Text,
    /// What was paid of it.
    pub paid: Text,
    /// When all of it was, in simulated seconds.
    #[serde(with = "optional_seconds")]
    pub paid_s: Option<f64>,
}

/// One thing that happened (`history.csv`): what a replay shows. In the order in which the run came to it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct HistoryRow {
    /// When, in simulated seconds.
    #[serde(with = "seconds")]
    pub time_s: f64,
    /// The fact's name, as in `events.jsonl`; `peer_up`, `peer_down`, `fault_begins`, `fault_ends` or `left_out`.
    pub kind: Text,
    /// Whose it is; empty for what concerns no single peer.
    pub peer: Text,
    /// The number of the deployment that it is about; empty for none.
    pub deployment: Option<u32>,
    /// The node of its ensemble; may be empty.
    pub node: Text,
    /// The allocation of that node; may be empty.
    pub allocation: Text,
    /// The generation of the node or allocation, as in [`AllocationRow::generation`].
    pub generation: Option<u32>,
    /// In a word what it has come to: a status, a state, a cause, the kind of a fault; may be empty.
    pub state: Text,
    /// Why, or what else is said; may be empty.
    pub reason: Text,
    /// The peers that a fault concerns, by the rows of `peers.csv` from 0: `0-99 120`; the sides of a partition with
    /// `/` between them. Empty for everybody, and for what is no fault.
    pub concerned: Text,
}

/// One message of a deployment on its way to one receiver (`messages.csv`), in the order in which they ended.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct MessageRow {
    /// Its number in the run, in the order of sending; a broadcast has a row for each receiver that looked at it.
    pub message: u64,
    /// The number of the deployment that it belongs to.
    pub deployment: u32,
    /// What it asks to call: a path, in which `<id>` stands for that of an ensemble.
    pub behaviour: Text,
    /// Who sent it.
    pub from: Text,
    /// To whom it came or should have come.
    pub to: Text,
    /// Whether it was sent to everybody.
    pub is_broadcast: bool,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// When it was given to the network, in simulated seconds.
    #[serde(with = "seconds")]
    pub sent_s: f64,
    /// When it came, in simulated seconds; empty if it did not.
    #[serde(with = "optional_seconds")]
    pub arrived_s: Option<f64>,
    /// When its receiver was done with it or it was given up, in simulated seconds; empty while it was under way at the
    /// end of the run.
    #[serde(with = "optional_seconds")]
    pub ended_s: Option<f64>,
    /// What became of it: `handled`, `dropped`, why it was lost, or empty while it was under way.
    pub end: Text,
}

/// Grants of one kind from one principal to another (`capabilities.csv`): who may call what there through which token.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CapabilityRow {
    /// Who grants: `organization nunet`, `users of providers (1000)`, `nodes of providers (1000)`.
    pub from: Text,
    /// To whom, likewise.
    pub to: Text,
    /// Where the receiver holds the token: `root`, `provide` or `require`.
    pub slot: Text,
    /// What the token does: `grant`, `delegate`, `broadcast`, ...
    pub action: Text,
    /// The behaviours that may be called, with spaces between them; `<id>` stands for that of an ensemble.
    pub capabilities: Text,
    /// The topics that may be sent to, with spaces between them; may be empty.
    pub topics: Text,
    /// When it ends, in simulated seconds; empty if it does not.
    #[serde(with = "optional_seconds")]
    pub expire_s: Option<f64>,
    /// How many tokens this row stands for.
    pub count: u64,
}

macro_rules! table {
    ($row:ident, $file:literal, [$($column:ident),+ $(,)?]) => {
        impl Row for $row {
            const FILE: &'static str = $file;
            const COLUMNS: &'static [&'static str] = &[$(stringify!($column)),+];
        }
    };
}

table!(MetricRow, "metrics.csv", [metric, labels, value, unit]);
table!(SeriesRow, "series.csv", [time_s, metric, labels, value]);
table!(
    DeploymentRow,
    "deployments.csv",
    [
        deployment,
        name,
        orchestrator,
        ensemble,
        submitted_s,
        deadline_s,
        running_s,
        ended_s,
        status,
        outcome,
        reason,
        rounds,
        attempts,
        bids,
        redeployments,
    ]
);
table!(
    AllocationRow,
    "allocations.csv",
    [
        deployment,
        node,
        allocation,
        generation,
        kind,
        peer,
        city,
        country,
        committed_s,
        started_s,
        ended_s,
        end,
        exit_code,
        cpu_cores,
        ram_bytes,
        disk_bytes,
        wanted_s,
        served_s,
        dns_name,
        address,
        ports,
    ]
);
table!(
    RefusalRow,
    "refusals.csv",
    [deployment, stage, reason, amount_class, count, first_time_s, first_peer, example]
);
table!(
    PeerRow,
    "peers.csv",
    [peer, role, organization, city, country, continent, lat, lon, up_fraction, crashes, memberships]
);

table!(
    AttackRow,
    "attacks.csv",
    [
        peer,
        attack,
        organization,
        start_s,
        end_s,
        attempts,
        executed,
        refused,
        successes,
        before_anchoring,
        shut_out_after_s,
        graylisted_after_s,
        example,
    ]
);
table!(
    ContractRow,
    "contracts.csv",
    [
        contract,
        name,
        requestor,
        provider,
        host,
        validator,
        model,
        state,
        signatures,
        created_s,
        accepted_s,
        ended_s,
        usage_events,
        usage_lost,
        invoices,
        invoiced,
        paid,
        currency,
    ]
);
table!(InvoiceRow, "invoices.csv", [contract, name, invoice, invoiced_s, items, amount, paid, paid_s]);

table!(
    OperationRow,
    "operations.csv",
    [operation, at_s, by, what, outcome, answers, ended_s, said, expected, met]
);

table!(
    HistoryRow,
    "history.csv",
    [time_s, kind, peer, deployment, node, allocation, generation, state, reason, concerned]
);

table!(
    MessageRow,
    "messages.csv",
    [message, deployment, behaviour, from, to, is_broadcast, size_bytes, sent_s, arrived_s, ended_s, end,]
);

table!(CapabilityRow, "capabilities.csv", [from, to, slot, action, capabilities, topics, expire_s, count]);

table!(
    ConnectionRow,
    "connections.csv",
    [caller, called, direct, reversed, punched, relayed, unreachable, refused, ready_mean_s, direct_mean_s,]
);

table!(
    RequestRow,
    "requests.csv",
    [
        stream,
        start_s,
        length_s,
        offered,
        answered,
        no_such_name,
        unreachable,
        refused,
        timed_out,
        reset,
        overloaded,
        unhealthy,
        latency_p50_s,
        latency_p95_s,
        latency_p99_s,
    ]
);

#[cfg(test)]
mod tests {
    use super::{label, labels};

    #[test]
    fn labels_are_sorted_and_can_be_taken_apart() {
        let text = labels(&[("reason", "no bids; a=b"), ("kind", "x")]);
        assert_eq!(&*text, "kind=x;reason=no bids_ a_b");
        assert_eq!(label(&text, "reason"), Some("no bids_ a_b"));
        assert_eq!(label(&text, "rea"), None);
        assert_eq!(&*labels(&[]), "");
        assert_eq!(label("", "kind"), None);
    }
}
