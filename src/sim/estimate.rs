//! What a run will take, told from its setup alone: events, memory and time, before anything is built.
//!
//! It is a sum of what each part of a run is known to cost, and no more than that: a factor of [`SPREAD`] either way is
//! promised, and tests hold it against runs of the shipped scenarios. It is for the question whether a run fits into
//! the machine and the evening. All constants stand in this file, with how they were measured
//! (`docs/performance.md` has the commands).

use serde::Serialize;

use super::setup::{Deploy, Operation, OperationKind, PeerGroup, Requested, Role, Setup};
use crate::dms::constants::{BID_ANSWERS_WANTED, HEALTH_CHECK_INTERVAL};
use crate::dms::ensemble::AllocationKind;
use crate::dms::profile::Weakness;
use crate::kernel::Span;
use crate::workload::trace::replay::Survey;
use crate::workload::{ArrivalsConfig, JobClass, JobSource};

/// What is told may be wrong by this factor, up or down.
pub const SPREAD: f64 = 3.0;

/// Memory of a run of a few peers: the program and its tables of cities and delays. `calm` without workload: 14 MB.
const PROGRAM_BYTES: f64 = 15e6;
/// Memory of a peer to which nothing has happened, with its rows in the tables. `dmsim bench --scale`, at rest: 0.59
/// kB at a million.
const RESTING_PEER_BYTES: f64 = 0.6e3;
/// What a peer takes beside once it is built. Idle `quickstart`: 13.6 kB, `ten-thousand` 12.6 kB, `storm` 13.6 kB.
const BUILT_PEER_BYTES: f64 = 12e3;
/// What a peer that may be hidden takes beside: `nat` has 21 kB a peer.
const HIDDEN_PEER_BYTES: f64 = 8e3;
/// What one of the answers to a broadcast takes that are on their way together. `scale/million` with and
/// without its operations: 2.4 and 0.7 GB.
const ANSWER_BYTES: f64 = 1.9e3;
/// An allocation with its deployment, grants and rows: `quickstart` with and without workload, 349 allocations.
const ALLOCATION_BYTES: f64 = 30e3;

/// Time of an event, in nanoseconds: `cpu_s` over events of the release build is 1.3 us for `quickstart`, 1.6 for
/// `regression` and 2.9 for `private-network`.
const EVENT_NS: f64 = 1_800.0;
/// Time of a refusal that is foreseen: judged, named for the digest and booked. `dmsim bench --scale 100000,1000000`:
/// `ns_a_judged_bid_request` is 94 and 64; `scale/million` without its operations: 57 s for 814 million.
const FORESEEN_NS: f64 = 75.0;
/// CPU time to set a peer up that is not built. `dmsim bench --one-size 1000000 --deployments 0`: `cpu_s` less
/// `worked_s` is 2.5 s, and 0.23 s for 100,000.
const SET_UP_NS: f64 = 2_500.0;

/// Connections that a peer has in a large network: two on each ring of the overlay.
const CONTACTS: f64 = 16.0;
/// A hello: its timer, and arrival and handling of question and answer.
const EVENTS_A_HELLO: f64 = 5.0;
/// A message that reaches a peer: it arrives and is handled.
const EVENTS_A_MESSAGE: f64 = 2.0;
/// A bid beside the request that it answers: its arrival, its handling, and the sweeps of its provider until it is
/// forgotten, five minutes later.
const EVENTS_A_BID: f64 = 7.0;
/// Placing a node and ending it: commit, allocation, subnet, names, start and stop, with their answers and timers.
const EVENTS_A_NODE: f64 = 60.0;
/// A report of life and a check of health with its probe, in each interval that a service runs.
const EVENTS_AN_INTERVAL: f64 = 10.0;
/// The same for a whole hour, where rounds are left out: renewals of grants, and the rounds about them.
const EVENTS_A_QUIET_HOUR: f64 = 120.0;
/// What hidden hosts do to be reachable, in an hour and at the start: `nat` has 200 events a peer.
const EVENTS_A_HIDDEN_PEER: f64 = 100.0;
/// A broadcast by an operator that everybody answers: it arrives and is handled, and so is the answer.
const EVENTS_A_BROADCAST_CALL: f64 = 4.0;
/// What two peers know to be revoked is compared: a question and an answer that arrive and are handled, and a timer.
const EVENTS_A_COMPARISON: f64 = 5.0;
/// How long a provider that has bid in vain remembers it: five minutes, and until its next look after that.
const BID_REMEMBERED_S: f64 = 600.0;
/// Providers that suit an ordinary request and have room: most.
const BIDDING_SHARE: f64 = 0.85;
/// How long a task runs where nothing is known of its image.
const TASK: Span = Span::mins(10);

/// A number that lies between two with some certainty.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Range {
    /// Hardly less.
    pub low: f64,
    /// The estimate itself.
    pub likely: f64,
    /// Hardly more.
    pub high: f64,
}

impl Range {
    fn around(likely: f64) -> Self {
        Self { low: likely / SPREAD, likely, high: likely * SPREAD }
    }

    /// Whether a number lies in it.
    #[must_use]
    pub fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// Where events come from.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Source {
    /// In words.
    pub what: &'static str,
    /// How many are likely.
    pub events: f64,
}

/// What a run will take.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Estimate {
    /// Peers of all groups.
    pub peers: u64,
    /// Deployments that are asked for within the duration.
    pub deployments: f64,
    /// Events of the queue.
    pub events: Range,
    /// Where they come from.
    pub sources: Vec<Source>,
    /// Refusals of bids for which no event is made.
    pub foreseen: Range,
    /// The most memory at any moment, in bytes.
    pub memory_bytes: Range,
    /// CPU time of the release build on a machine of today, in seconds.
    pub cpu_s: Range,
}

/// What the peers of a run are like, in sums.
struct Crowd {
    peers: f64,
    up: f64,
    providers_up: f64,
    /// Of them, those whose refusals are foreseen.
    foreseeable_up: f64,
    /// Returns of peers within the duration.
    returns: f64,
    /// How often in a second a machine leaves.
    leaving_per_s: f64,
}

/// What users ask for, in sums.
#[derive(Default)]
struct Demand {
    deployments: f64,
    nodes: f64,
    allocations: f64,
    /// Seconds for which allocations run, all together.
    running_s: f64,
    /// Of them, those of services.
    service_s: f64,
}

impl Estimate {
    /// Of a run of this setup.
    #[must_use]
    pub fn of(setup: &Setup) -> Self {
        let crowd = Crowd::of(setup);
        let demand = Demand::of(setup);
        let replaced = demand.service_s * crowd.leaving_per_s;
        let requests = demand.deployments + replaced;
        let bidders = match setup.strategy.bid_suppression {
            Some(_) => f64::from(BID_ANSWERS_WANTED).min(crowd.providers_up),
            None => crowd.providers_up * BIDDING_SHARE,
        };
        let bids = bidders * requests;
        // Whoever refuses does so without an event, where that can be foreseen.
        let announced = broadcasts(setup) as f64;
        let foreseen = requests * (crowd.foreseeable_up - bidders).max(0.0);
        let asked = (requests * crowd.providers_up - foreseen).max(0.0);
        let sources = [
            ("peers that come and go", crowd.returns * 2.0),
            ("hellos and connections", greetings(setup, &crowd)),
            ("requests for bids", asked * EVENTS_A_MESSAGE),
            ("bids", bids * EVENTS_A_BID),
            ("deployments placed and ended", (demand.nodes + replaced) * EVENTS_A_NODE),
            ("heartbeats and health checks", demand.running_s * rounds_a_second(setup)),
            ("attacks", attacks(setup, &crowd)),
            ("broadcasts of operators", announced * crowd.up * EVENTS_A_BROADCAST_CALL),
            ("comparisons of revocations", comparisons(setup, &crowd) * EVENTS_A_COMPARISON),
            ("samples", setup.duration.as_secs_f64() / 60.0),
        ];
        let sources = sources.into_iter().filter(|(_, events)| *events >= 0.5);
        let sources: Vec<_> = sources.map(|(what, events)| Source { what, events }).collect();
        let events: f64 = sources.iter().map(|source| source.events).sum();
        let built = if is_built_at_once(setup) {
            crowd.peers
        } else {
            let resting = crowd.peers * crowd.foreseeable_up / crowd.up.max(1.0);
            // Whoever hosts something stays built; who has bid in vain, until that is forgotten. Some do so again.
            let remembered = (BID_REMEMBERED_S / setup.duration.as_secs_f64()).min(1.0);
            let at_once = demand.nodes + replaced + bids * remembered;
            crowd.peers - resting * libm::exp(-at_once / crowd.peers.max(1.0))
        };
        let answering = if announced > 0.0 { crowd.up } else { 0.0 };
        let hidden = if setup.network.nat.is_some() { crowd.peers } else { 0.0 };
        let memory = PROGRAM_BYTES
            + crowd.peers * RESTING_PEER_BYTES
            + built * BUILT_PEER_BYTES
            + hidden * HIDDEN_PEER_BYTES
            + answering * ANSWER_BYTES
            + (demand.allocations + replaced) * ALLOCATION_BYTES;
        let cpu_ns = events * EVENT_NS + foreseen * FORESEEN_NS + crowd.peers * SET_UP_NS;
        Self {
            peers: setup.groups.iter().map(|group| u64::from(group.count)).sum(),
            deployments: demand.deployments,
            events: Range::around(events),
            sources,
            foreseen: Range::around(foreseen),
            memory_bytes: Range::around(memory),
            cpu_s: Range::around(cpu_ns / 1e9),
        }
    }
}

impl Crowd {
    fn of(setup: &Setup) -> Self {
        let mut crowd = Self {
            peers: 0.0,
            up: 0.0,
            providers_up: 0.0,
            foreseeable_up: 0.0,
            returns: 0.0,
            leaving_per_s: 0.0,
        };
        let mut leaving = 0.0;
        for group in &setup.groups {
            let count = f64::from(group.count);
            let (availability, cycles_per_s) = coming_and_going(group);
            let up = count * availability;
            crowd.peers += count;
            crowd.up += up;
            crowd.returns += count * cycles_per_s * setup.duration.as_secs_f64();
            if group.role == Role::Provider {
                crowd.providers_up += up;
                // It leaves once in the time that it is up in a cycle.
                leaving += up * cycles_per_s / availability.max(f64::MIN_POSITIVE);
                if super::population::is_built_when_needed(group) && is_foreseeable(setup) {
                    crowd.foreseeable_up += up;
                }
            }
        }
        if crowd.providers_up > 0.0 {
            crowd.leaving_per_s = leaving / crowd.providers_up;
        }
        crowd
    }
}

impl Demand {
    fn of(setup: &Setup) -> Self {
        let mut demand = Self::default();
        for entry in &setup.workload {
            let (count, mean_start_s, task_s) = requests(entry, setup.duration);
            let left_s = (setup.duration.as_secs_f64() - mean_start_s).max(0.0);
            let wanted_s =
                entry.shutdown_after.as_ref().map_or(f64::INFINITY, crate::kernel::Distribution::mean_s);
            demand.deployments += count;
            demand.nodes += count * entry.ensemble.nodes.len() as f64;
            demand.allocations += count * entry.ensemble.allocations.len() as f64;
            for allocation in entry.ensemble.allocations.values() {
                if allocation.kind == AllocationKind::Task {
                    demand.running_s += count * task_s.min(left_s);
                } else {
                    let runs_s = count * shorter_s(wanted_s, left_s);
                    demand.running_s += runs_s;
                    demand.service_s += runs_s;
                }
            }
        }
        demand
    }
}

/// The mean of the shorter of a time with this mean, as if it were exponential, and a fixed one.
fn shorter_s(mean_s: f64, limit_s: f64) -> f64 {
    if mean_s.is_finite() && mean_s > 0.0 { mean_s * (1.0 - libm::exp(-limit_s / mean_s)) } else { limit_s }
}

fn interval_s() -> f64 {
    HEALTH_CHECK_INTERVAL.as_secs_f64()
}

/// How many requests of an entry come within the duration, when on the average, and how long their tasks run; in
/// seconds.
fn requests(entry: &Deploy, duration: Span) -> (f64, f64, f64) {
    let most = f64::from(entry.count);
    match &entry.requested {
        Requested::Alike(arrivals) => {
            let (count, start_s) = arrivals_within(arrivals, duration, most);
            (count, start_s, TASK.as_secs_f64())
        }
        Requested::Jobs { source: JobSource::Generated { arrivals, classes }, .. } => {
            let (count, start_s) = arrivals_within(arrivals, duration, most);
            let weights: f64 = classes.iter().map(|class| f64::from(class.weight)).sum();
            let run_s = |class: &JobClass| f64::from(class.weight) * class.runtime.mean();
            (count, start_s, classes.iter().map(run_s).sum::<f64>() / weights.max(1.0))
        }
        Requested::Jobs { source: JobSource::Trace(_), survey } => {
            let Survey { jobs, moments_s, running_s, .. } = survey.unwrap_or_default();
            let jobs = jobs as f64;
            (jobs, moments_s / jobs.max(1.0), running_s / jobs.max(1.0))
        }
    }
}

/// How many of these come within the duration, and when on the average, in seconds.
fn arrivals_within(arrivals: &ArrivalsConfig, duration: Span, most: f64) -> (f64, f64) {
    let end_s = duration.as_secs_f64();
    match arrivals {
        ArrivalsConfig::At(times) => {
            let within = || times.iter().map(|at| at.as_secs_f64()).filter(|at_s| *at_s < end_s);
            let count = within().count() as f64;
            (count.min(most), within().sum::<f64>() / count.max(1.0))
        }
        ArrivalsConfig::Burst { at, count, within } => {
            let begins_s = at.as_secs_f64();
            let count = if begins_s < end_s { most.min(*count as f64) } else { 0.0 };
            (count, begins_s + within.as_secs_f64() / 2.0)
        }
        again_and_again => {
            let most = again_and_again.count().map_or(most, |count| most.min(count as f64));
            let from_s = again_and_again.from().as_secs_f64();
            let gap_s = again_and_again.mean_interval_s().unwrap_or(end_s).max(f64::MIN_POSITIVE);
            let count = most.min(((end_s - from_s).max(0.0) / gap_s).ceil());
            (count, from_s + count * gap_s / 2.0)
        }
    }
}

/// Which part of the time the peers of a group are up, and how often in a second each of them comes back.
fn coming_and_going(group: &PeerGroup) -> (f64, f64) {
    let comings = group.churn.as_ref().and_then(|(churn, _)| churn.comings().ok());
    comings.map_or((1.0, 0.0), |comings| (comings.availability(), comings.comings_a_second()))
}

/// Whether answers to requests can be foreseen: no attackers, nothing hidden, next to nothing lost for good.
fn is_foreseeable(setup: &Setup) -> bool {
    setup.network.nat.is_none() && setup.groups.iter().all(|group| group.attack.is_none())
}

/// Events for each second that something runs under supervision (see [`routine`](super::routine)).
fn rounds_a_second(setup: &Setup) -> f64 {
    let network = &setup.network;
    let is_steady = is_foreseeable(setup) && network.loss == 0.0 && network.packet_loss == 0.0;
    let in_turn = setup.groups.iter().any(|group| {
        group.role == Role::Orchestrator
            && group.profile.unwrap_or(setup.profile).has(Weakness::InTurnSupervision)
    });
    if is_steady && !in_turn { EVENTS_A_QUIET_HOUR / 3600.0 } else { EVENTS_AN_INTERVAL / interval_s() }
}

/// Whether something happens to every peer in its first minute.
fn is_built_at_once(setup: &Setup) -> bool {
    setup.hellos || setup.network.nat.is_some()
}

fn greetings(setup: &Setup, crowd: &Crowd) -> f64 {
    let contacts = CONTACTS.min((crowd.peers - 1.0).max(0.0)) * crowd.up / crowd.peers.max(1.0);
    let hidden = if setup.network.nat.is_some() {
        crowd.up * EVENTS_A_HIDDEN_PEER * (1.0 + setup.duration.as_secs_f64() / 3600.0)
    } else {
        0.0
    };
    if !setup.hellos {
        return hidden;
    }
    // At the start each greets its contacts; at a return both sides do.
    hidden + (crowd.up + 2.0 * crowd.returns) * contacts * EVENTS_A_HELLO
}

/// How many operations are broadcast.
fn broadcasts(setup: &Setup) -> usize {
    let is_broadcast = |operation: &&Operation| {
        let published = matches!(operation.kind, OperationKind::Revoke { broadcast: Some(_), .. });
        published || matches!(operation.kind, OperationKind::Broadcast { .. })
    };
    setup.operations.iter().filter(is_broadcast).count()
}

/// How often two peers compare what they know to be revoked because one of them has come back.
fn comparisons(setup: &Setup, crowd: &Crowd) -> f64 {
    let revokes = |operation: &&Operation| matches!(operation.kind, OperationKind::Revoke { .. });
    let Some(first) = setup.operations.iter().filter(revokes).map(|operation| operation.at).min() else {
        return 0.0;
    };
    let end_s = setup.duration.as_secs_f64();
    let part = ((end_s - first.as_secs_f64()) / end_s).max(0.0);
    // Both sides of a connection ask.
    crowd.returns * part * CONTACTS * 2.0 * crowd.up / crowd.peers.max(1.0)
}

/// Each attempt is an event and a message or a broadcast.
fn attacks(setup: &Setup, crowd: &Crowd) -> f64 {
    let end = crate::kernel::Time::ZERO + setup.duration;
    let of = |group: &PeerGroup| {
        let Some(plan) = &group.attack else { return 0.0 };
        let lasts_s = (plan.end.unwrap_or(end).min(end).as_secs_f64() - plan.start.as_secs_f64()).max(0.0);
        let attempts = f64::from(group.count) * lasts_s / plan.every.as_secs_f64().max(f64::MIN_POSITIVE);
        let receivers = plan.broadcasts * crowd.up + (1.0 - plan.broadcasts);
        attempts * (1.0 + receivers * EVENTS_A_MESSAGE)
    };
    setup.groups.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_cut_at_its_limit() {
        assert_eq!(shorter_s(f64::INFINITY, 10.0), 10.0);
        assert!((shorter_s(1.0, 1e9) - 1.0).abs() < 1e-9);
        let cut = shorter_s(3600.0, 60.0);
        assert!((59.0..60.0).contains(&cut), "{cut}");
    }

    #[test]
    fn a_range_reaches_as_far_down_as_up() {
        let range = Range::around(30.0);
        assert!(range.contains(10.0) && range.contains(90.0));
        assert!(!range.contains(9.9) && !range.contains(90.1));
    }
}
