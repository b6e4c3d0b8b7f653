//! The catalogue of metrics: what `expect` may compare, `dmsim list metrics` prints and `metrics.csv` holds.

use serde::{Deserialize, Serialize};

/// A number that a run is judged by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Metric {
    /// Its name in `expect` and `metrics.csv`.
    pub name: &'static str,
    /// Its unit: `s` (simulated seconds), `B`, `fraction` (0 to 1), or what is counted.
    pub unit: &'static str,
    /// The label that splits it in `metrics.csv` beside the row of the whole run; empty without one.
    pub label: &'static str,
    /// What it is, in one line.
    pub definition: &'static str,
}

const fn plain(name: &'static str, unit: &'static str, definition: &'static str) -> Metric {
    Metric { name, unit, label: "", definition }
}

const fn by(label: &'static str, name: &'static str, unit: &'static str, definition: &'static str) -> Metric {
    Metric { name, unit, label, definition }
}

const METRICS: &[Metric] = &[
    plain("deployments.asked", "deployments", "deployments that were submitted"),
    plain("deployments.succeeded", "deployments", "deployments that ran by their deadline"),
    plain(
        "deployments.succeeded_fraction",
        "fraction",
        "deployments that succeeded out of all that were decided",
    ),
    by("reason", "deployments.failed", "deployments", "deployments that ended in failure"),
    plain(
        "deployments.completed",
        "deployments",
        "deployments whose tasks all ended well or that were shut down",
    ),
    plain("deployments.running", "deployments", "deployments that ran at the end of the run"),
    plain("deployments.cancelled", "deployments", "deployments that their owner called off"),
    plain(
        "deployments.stuck",
        "deployments",
        "deployments that had neither run nor ended although their deadline had passed",
    ),
    plain("time_to_running.p50", "s", "median time from submission to running, of the deployments that ran"),
    plain("time_to_running.p95", "s", "95th percentile of the time from submission to running"),
    plain("time_to_running.mean", "s", "mean time from submission to running"),
    plain(
        "services.availability",
        "fraction",
        "time that services ran out of the time that they were wanted",
    ),
    plain("allocations.started", "allocations", "allocations that started, every generation counted"),
    plain("allocations.lost", "allocations", "allocations that ended because their peer crashed or left"),
    plain("restarts", "restarts", "allocations that their supervisor had restarted in place"),
    plain("redeployments", "redeployments", "allocations that were moved to another peer after they ran"),
    plain("deployments.handed_over", "deployments", "times that a standby orchestrator went on with one"),
    plain("recovery_time.p50", "s", "median time from losing a service to running it again"),
    plain("recovery_time.p95", "s", "95th percentile of the time from losing a service to running it again"),
    plain("recovery_time.mean", "s", "mean time from losing a service to running it again (time to repair)"),
    plain("suspicions", "allocations", "allocations that supervisors held to be in trouble"),
    plain("suspicions.wrong", "allocations", "those of them that ran at that moment"),
    plain("detection_time.mean", "s", "mean time until a supervisor noticed that an allocation had stopped"),
    plain("detection_time.p50", "s", "median of that time"),
    plain("detection_time.p95", "s", "95th percentile of that time"),
    plain("tasks.completed", "tasks", "tasks of which a run ended without an error"),
    plain("tasks.lost", "tasks", "tasks of deployments that ended without it"),
    plain("work.useful", "s", "time that tasks ran for results that counted"),
    plain(
        "work.wasted",
        "s",
        "time that tasks ran beside that: lost, repeated, or done by copies; not of those still at work",
    ),
    plain("resources.held", "core-hours", "cores that were reserved, over time: what everything cost"),
    plain(
        "resources.held_in_vain",
        "core-hours",
        "of that, for generations that were replaced and for deployments that had ended",
    ),
    plain("peers.total", "peers", "peers of the run, up or not"),
    plain("peers.up_fraction", "fraction", "mean share of the peers that were up"),
    plain("peers.lost", "departures", "crashes and departures of peers"),
    by("kind", "faults.applied", "faults", "times that faults of the scenario began"),
    plain("tasks.wrong_results", "results", "wrong results that orchestrators took for right"),
    plain("tasks.results_checked", "results", "results that orchestrators checked"),
    plain("peers.caught", "peers", "peers that orchestrators caught telling a wrong result, each by itself"),
    plain("peers.disks_lost", "disks", "disks that were lost with their machines"),
    plain("peers.joined", "peers", "peers that joined after the start"),
    plain("peers.left", "peers", "peers that left for good"),
    plain("peers.upgraded", "peers", "times that a peer got another version of DMS"),
    plain("messages.sent", "messages", "messages handed to the network"),
    plain("messages.delivered", "messages", "messages that reached their receiver"),
    by("reason", "messages.lost", "messages", "messages that the network did not deliver"),
    by("reason", "messages.rejected", "messages", "messages that a receiver refused to handle"),
    plain("messages.bytes", "B", "serialised size of all messages sent"),
    plain("hellos.answered", "hellos", "greetings on new connections that were answered"),
    plain("secrets.seen", "secrets", "keys of a node that another was told in a status report"),
    plain("bids.received", "bids", "bids that reached an orchestrator"),
    plain("bids.accepted", "bids", "bids that became a commitment"),
    plain("resources.leaked", "peers", "peers that held resources for no living deployment at the end"),
    plain(
        "resources.utilisation_cpu",
        "fraction",
        "mean share of the onboarded CPU cores that was allocated",
    ),
    plain(
        "cards.allocation_ratio",
        "fraction",
        "mean share of the graphics cards of peers that were up that was held",
    ),
    plain("cards.allocation_ratio_at_end", "fraction", "the same at the end of the run"),
    plain(
        "cards.fragmentation",
        "fraction",
        "mean share of the graphics cards of peers that were up that was free and of no use to the jobs that come",
    ),
    plain("cards.fragmentation_of_free", "fraction", "the same as a share of what was free of them"),
    plain(
        "slowdown.mean",
        "ratio",
        "mean time from submission to a good end over the time that tasks ran, 10 s at least",
    ),
    plain("slowdown.p50", "ratio", "median of that ratio"),
    plain("slowdown.p95", "ratio", "95th percentile of that ratio"),
    plain("makespan", "s", "time from the first submission to the last good end of tasks"),
    plain("fairness", "ratio", "Jain's index over owners of the part of their deployments that came to run"),
    plain("edges.checked", "edges", "limited round trips between nodes of deployments that came to run"),
    plain(
        "edges.violated",
        "edges",
        "those of them of which the shortest round trip there can be is above the limit",
    ),
    plain("cost", "money", "what was to be paid to providers for what they held"),
    plain("price.mean", "money", "mean price per hour of the nodes that providers won"),
    plain("energy", "kWh", "what the machines drew of which the power is known"),
    plain(
        "subnets.reachable_fraction",
        "fraction",
        "ordered pairs of allocations of one deployment, running at the end, of which one reaches the other by name; \
         an orchestrator that has joined the subnet counts as one that reaches",
    ),
    plain("image_pull.p50", "s", "median time to pull an image"),
    plain("image_bytes", "B", "bytes of images transferred"),
    by(
        "executor",
        "executors.start_time.p50",
        "s",
        "median time from all that is needed being there to running, boots of virtual machines included",
    ),
    by("executor", "executors.start_time.p95", "s", "95th percentile of that time"),
    by(
        "policy",
        "executors.restarts",
        "restarts",
        "times that an executor started an allocation again by itself, for its restart policy says so",
    ),
    plain(
        "executors.out_of_memory",
        "kills",
        "allocations killed because they wanted more memory than they were given",
    ),
    plain(
        "executors.disk_full",
        "failures",
        "allocations that failed because their own file system was full",
    ),
    plain("executors.crashed", "allocations", "allocations that ended because their executor broke down"),
    plain("executors.throttled", "starts", "starts of what wants more cores than it was given"),
    plain("executors.killed", "kills", "allocations killed because they did not end when they were told to"),
    plain("images.found", "starts", "starts that found all that they need on the disk"),
    plain("images.missed", "starts", "starts that had to wait for something to be fetched"),
    plain("images.evicted", "images", "images removed from disks because others needed the room"),
    plain("images.not_fetched", "images", "images that could not be fetched"),
    plain("volumes.mounted", "allocations", "times that the volumes of an allocation were mounted"),
    plain(
        "volumes.not_mounted",
        "allocations",
        "times that the volumes of an allocation could not be mounted",
    ),
    plain("storage.written", "B", "bytes that programs wrote to volumes, checkpoints included"),
    plain("storage.recovered", "B", "bytes that programs found on their volumes when they started"),
    plain("storage.lost", "B", "bytes that an allocation had written and did not find when it started again"),
    plain("storage.not_written", "writes", "writes that failed: the disk was full, or the volume gone"),
    plain(
        "storage.repeated_work.max",
        "s",
        "the most work that a program with checkpoints had done and had to do again",
    ),
    plain("buckets.bytes", "B", "bytes that programs fetched from buckets and delivered to them"),
    by("attack", "attacks.attempts", "messages", "messages of attackers; a broadcast is one"),
    by("attack", "attacks.executed", "behaviours", "behaviours that peers executed for attackers"),
    by("attack", "attacks.refused", "messages", "messages of attackers that a peer refused to handle"),
    by(
        "attack",
        "attacks.successes",
        "behaviours",
        "behaviours executed for attackers against the peer's own anchors, or twice, or in another's name",
    ),
    plain(
        "attacks.before_anchoring",
        "behaviours",
        "behaviours executed for revoked insiders by peers that had not anchored the revocation",
    ),
    by(
        "attack",
        "attacks.shut_out",
        "attackers",
        "attackers that were graylisted, or refused to the end of the run",
    ),
    plain(
        "attacks.shut_out_after.p50",
        "s",
        "median time from an attacker's first attempt until it was shut out",
    ),
    plain("attacks.shut_out_after.p95", "s", "95th percentile of the time until an attacker was shut out"),
    plain("revocations.anchored", "revocations", "revocations that peers anchored"),
    plain("revocations.anchoring_delay.p50", "s", "median time from a revocation to its anchoring at a peer"),
    plain("revocations.anchoring_delay.p95", "s", "95th percentile of the time to the anchoring at a peer"),
    plain("operations.asked", "operations", "operations whose time came"),
    plain("operations.answered", "operations", "operations that were done or that somebody answered"),
    plain("operations.refused", "operations", "operations that were refused with a reason"),
    plain("operations.unanswered", "operations", "operations that nobody answered in time"),
    plain("operations.answers", "answers", "answers to operations, all those to broadcasts counted"),
    plain(
        "operations.unexpected",
        "operations",
        "operations that did not end as their `answer` or `refusal` says that they must",
    ),
    plain(
        "broadcasts.unnoticed",
        "broadcasts",
        "broadcasts that no organization lets their sender make and whose sender did not notice",
    ),
    plain("tokens.stored", "tokens", "tokens in the capability contexts of all nodes at the end"),
    plain("tokens.expired", "tokens", "those of them that have expired and are not collected"),
    plain("revocations.issued", "revocations", "revocations that held anywhere"),
    plain("revocation_delay.p50", "s", "median time from a revocation to its holding at another peer"),
    plain("revocation_delay.p95", "s", "95th percentile of that time"),
    plain("revocation_delay.max", "s", "the longest such time"),
    plain(
        "revocations.missing",
        "pairs",
        "at the end, a peer that is up, trusts the issuer of a revoked token and does not know of the revocation",
    ),
    by(
        "way",
        "connections.dialled",
        "connections",
        "connections that were dialled for messages where hosts are hidden",
    ),
    by("reason", "connections.failed", "dials", "dials for messages that failed"),
    plain(
        "connections.renewed",
        "connections",
        "relayed connections that were dialled anew at the relay's limit",
    ),
    plain("connections.dial_time.p50", "s", "median time from dialling until messages go, relayed or not"),
    plain("connections.dial_time.p95", "s", "95th percentile of that time"),
    plain("connections.direct_time.p50", "s", "median time from dialling through a relay to a direct way"),
    plain("connections.direct_time.p95", "s", "95th percentile of that time"),
    plain("relays.messages", "messages", "messages that went through a relay"),
    plain("relays.bytes", "B", "their serialised size"),
    plain("relays.detour.p50", "s", "median of how much longer their way was than the direct one, one way"),
    plain("relays.detour.p95", "s", "95th percentile of that"),
    plain("relays.deaths", "relays", "times that a relay went down"),
    plain("relays.clients_lost", "reservations", "reservations that were lost with a relay"),
    plain("relays.replacements", "reservations", "reservations that were made in the place of lost ones"),
    plain(
        "relays.replacement_time.p50",
        "s",
        "median time from a relay's death to the reservation in its place",
    ),
    plain("relays.replacement_time.p95", "s", "95th percentile of that time"),
    plain(
        "peers.undialable_fraction",
        "fraction",
        "peers up at the end that nobody can dial at their own address",
    ),
    by(
        "way",
        "pairs.reached_fraction",
        "fraction",
        "ordered pairs of peers up at the end of which one would reach the other by dialling it",
    ),
    plain("requests.offered", "requests", "requests that were made of services, each with all its tries"),
    plain("requests.answered", "requests", "requests that were answered, at whichever try"),
    by(
        "reason",
        "requests.failed",
        "requests",
        "requests of which every try failed, by how the last one did",
    ),
    by(
        "stream",
        "requests.success_fraction",
        "fraction",
        "requests that were answered out of all that were made",
    ),
    by(
        "stream",
        "requests.latency_p50_s",
        "s",
        "median time from a request to its answer, failed tries included",
    ),
    by("stream", "requests.latency_p95_s", "s", "95th percentile of that time"),
    by("stream", "requests.latency_p99_s", "s", "99th percentile of that time"),
    plain("peers.moved", "moves", "changes of the public address of a peer"),
    plain("names.updates", "updates", "updates of names that peers sent to the server of dynamic DNS"),
    plain("names.accepted", "updates", "updates of names that the server took"),
    by("reason", "names.refused", "updates", "updates of names that the server refused"),
    plain("names.record_stale.p50", "s", "median time from a move until the name led to the new address"),
    plain("names.record_stale.max", "s", "the longest such time"),
    plain("names.users_stale.p50", "s", "median time from a move until no user remembered an old address"),
    plain("names.users_stale.max", "s", "the longest such time"),
    plain("contracts.asked", "contracts", "contracts that the scenario asks for"),
    plain("contracts.created", "contracts", "contracts that hosts made"),
    plain("contracts.accepted", "contracts", "contracts that both parties signed"),
    plain("contracts.ended", "contracts", "contracts that were terminated or completed"),
    plain("contracts.signatures_refused", "signatures", "signatures of contracts that a host turned down"),
    plain("contracts.usage_events", "events", "usage events that the actors of contracts were told"),
    plain("contracts.usage_lost", "events", "usage events that will never be told"),
    plain("contracts.payments_refused", "payments", "confirmations of payments that did not hold"),
    plain("contracts.invoices", "invoices", "invoices that validators computed"),
    by("requestor", "contracts.invoiced", "money", "what was invoiced, in the currencies of the contracts"),
    by("provider", "contracts.paid", "money", "what of it was paid, as validators found it"),
    by("organization", "contracts.spent", "money", "the same by the organizations of the requestors"),
    by("organization", "contracts.earned", "money", "the same by the organizations of the providers"),
    plain("gateways.provisioned", "machines", "virtual machines that came up for gateways"),
    plain("gateways.failed", "machines", "virtual machines that were ordered and could not be handed over"),
    plain("gateways.deleted", "machines", "virtual machines that were deleted after they had come up"),
    plain("gateways.machine_hours", "h", "for how long virtual machines existed, all together"),
    plain("observed.peers", "peers", "peers that were observed"),
    by("level", "logs.records", "records", "records that observed peers wrote"),
    plain("logs.below_level", "records", "records that were below a peer's level"),
    plain("logs.silenced", "records", "records and events that no-op mode has silenced"),
    plain("logs.skipped", "records", "records that a label kept from Elasticsearch"),
    plain("logs.rotations", "files", "log files that were full"),
    plain("logs.shipped", "records", "records that Elasticsearch took"),
    plain("logs.refused_batches", "batches", "batches that Elasticsearch did not take"),
    by("reason", "logs.lost", "records", "records for Elasticsearch that were lost"),
    plain("logs.waiting", "records", "records that waited for Elasticsearch at the end"),
    plain("traces.shipped", "traces", "transactions and spans that the APM server took"),
    plain("traces.refused_batches", "batches", "batches that the APM server did not take"),
    by("reason", "traces.lost", "traces", "transactions and spans that were lost"),
    plain("traces.waiting", "traces", "transactions and spans that waited for the APM server at the end"),
    plain("traces.transactions", "transactions", "transactions of observed peers"),
    plain("traces.spans", "spans", "spans in them"),
    plain("bus.events", "events", "events on the buses of observed peers"),
    plain("peer_metrics.exports", "exports", "exports of metrics that told something new"),
    plain("events", "events", "events that the simulator handled"),
    plain("facts", "facts", "facts that observers were told, those of the digest"),
];

/// Which of two values is the better one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// The higher one.
    Higher,
    /// The lower one.
    Lower,
}

/// Metrics of which everybody wants more.
const HIGHER: &[&str] = &[
    "deployments.succeeded",
    "deployments.succeeded_fraction",
    "deployments.completed",
    "services.availability",
    "tasks.completed",
    "work.useful",
    "peers.caught",
    "hellos.answered",
    "cards.allocation_ratio",
    "cards.allocation_ratio_at_end",
    "fairness",
    "subnets.reachable_fraction",
    "images.found",
    "storage.recovered",
    "attacks.refused",
    "attacks.shut_out",
    "operations.answered",
    "pairs.reached_fraction",
    "requests.answered",
    "requests.success_fraction",
];

/// Metrics of which everybody wants less.
const LOWER: &[&str] = &[
    "deployments.failed",
    "deployments.stuck",
    "time_to_running.p50",
    "time_to_running.p95",
    "time_to_running.mean",
    "allocations.lost",
    "recovery_time.p50",
    "recovery_time.p95",
    "recovery_time.mean",
    "suspicions.wrong",
    "detection_time.mean",
    "detection_time.p50",
    "detection_time.p95",
    "tasks.lost",
    "tasks.wrong_results",
    "work.wasted",
    "resources.held_in_vain",
    "resources.leaked",
    "messages.lost",
    "messages.bytes",
    "secrets.seen",
    "cards.fragmentation",
    "cards.fragmentation_of_free",
    "slowdown.mean",
    "slowdown.p50",
    "slowdown.p95",
    "makespan",
    "edges.violated",
    "cost",
    "energy",
    "image_pull.p50",
    "image_bytes",
    "executors.start_time.p50",
    "executors.start_time.p95",
    "executors.out_of_memory",
    "executors.disk_full",
    "executors.crashed",
    "images.not_fetched",
    "volumes.not_mounted",
    "storage.lost",
    "storage.not_written",
    "storage.repeated_work.max",
    "attacks.executed",
    "attacks.successes",
    "attacks.before_anchoring",
    "attacks.shut_out_after.p50",
    "attacks.shut_out_after.p95",
    "revocations.anchoring_delay.p50",
    "revocations.anchoring_delay.p95",
    "operations.unanswered",
    "operations.unexpected",
    "broadcasts.unnoticed",
    "tokens.expired",
    "revocation_delay.p50",
    "revocation_delay.p95",
    "revocation_delay.max",
    "revocations.missing",
    "connections.failed",
    "connections.dial_time.p50",
    "connections.dial_time.p95",
    "connections.direct_time.p50",
    "connections.direct_time.p95",
    "relays.detour.p50",
    "relays.detour.p95",
    "relays.clients_lost",
    "relays.replacement_time.p50",
    "relays.replacement_time.p95",
    "requests.failed",
    "requests.latency_p50_s",
    "requests.latency_p95_s",
    "requests.latency_p99_s",
    "names.refused",
    "names.record_stale.p50",
    "names.record_stale.max",
    "names.users_stale.p50",
    "names.users_stale.max",
    "contracts.usage_lost",
    "gateways.failed",
    "gateways.machine_hours",
    "logs.lost",
    "logs.waiting",
    "traces.lost",
    "traces.waiting",
];

/// Which of two values of a metric everybody takes for the better one; none where that depends on what one wants, as
/// with a count of peers.
#[must_use]
pub fn better(name: &str) -> Option<Better> {
    match (HIGHER.contains(&name), LOWER.contains(&name)) {
        (true, _) => Some(Better::Higher),
        (_, true) => Some(Better::Lower),
        _ => None,
    }
}

/// All metrics in the order of the catalogue.
#[must_use]
pub fn all() -> &'static [Metric] {
    METRICS
}

/// The names of all metrics, in the order of the catalogue.
#[must_use]
pub fn metric_names() -> Vec<&'static str> {
    METRICS.iter().map(|metric| metric.name).collect()
}

/// The metric of that exact name.
#[must_use]
pub fn metric(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

#[cfg(test)]
mod tests {
    use super::{Better, HIGHER, LOWER, all, better, metric};
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<_> = all().iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), all().len());
        for known in all() {
            assert_eq!(metric(known.name), Some(known));
            assert!(!known.unit.is_empty() && !known.definition.contains('\n'));
        }
        assert_eq!(metric("deployments.succeded"), None);
        for name in HIGHER.iter().chain(LOWER) {
            assert!(metric(name).is_some(), "{name}");
            assert!(!(HIGHER.contains(name) && LOWER.contains(name)), "{name}");
        }
        assert_eq!((better("cost"), better("peers.total")), (Some(Better::Lower), None));
    }
}
