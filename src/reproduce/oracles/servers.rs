//! Q1, Q2 and Q5: one queue in front of one server or many.
//!
//! The servers are a machine that runs so many allocations at once, the queue is that machine's own
//! (`dms::provider::turns`). A task comes when the machine is told to start it. A pool of not too many servers is as
//! many machines with room for one task each, and the queue is that of their orchestrator
//! (`dms::orchestrator::queueing`), which has as many deployments under way as there are machines. A task comes when it
//! is asked for.
//!
//! Such a queue takes long to forget, so what a run shows is compared, task by task, with what the recursion of Kiefer
//! and Wolfowitz makes of the same arrivals and the same times of service; its own means are known from far more draws
//! of what the scenario asks for (a quasi control variate, as with Q11). What is estimated is the mean of the recursion
//! plus the mean difference of the run from it.

use super::availability::{Measured, add};
use super::jobs::{Job, Journal, Part};
use super::laws::{Law, Seen};
use super::recursions::Servers;
use super::stage::{Stage, Task, at_random, regularly};
use super::statistics::{Estimate, jackknife, mean};
use super::{Effort, OracleCase};
use crate::kernel::{Domain, Streams, Time};

const RECURSION: Domain = Domain::new("reproduce.oracles.servers");
/// How long a unit of a case is: long beside messages, and short beside what else nodes do from time to time.
const UNIT_S: f64 = 20.0;
/// What begins later than this after it came to an orchestrator has waited: a round of bids takes a millisecond.
const BEGIN_S: f64 = 0.01;
/// Stays are counted by bins of this width, in units.
const BIN: f64 = 0.02;
const BINS: usize = 5000;
/// The places of the sums of a replication: those of the run less what the recursion makes of it, then those of the
/// recursion by itself, then stays by bins, likewise.
const RUN: usize = 0;
const KNOWN: usize = 7;
const COUNTS: usize = 12;

/// Q1: one server that takes a random time.
pub(super) fn single(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let mean = 1.0 / case.param("mu");
    System::of_one(case.param("lam"), Law::Exponential, mean).measure(case, effort)
}

/// Q2: many.
pub(super) fn pool(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let servers = case.param("c") as u32;
    let (rate, mean) = (case.param("offered_erlangs") * case.param("mu"), 1.0 / case.param("mu"));
    // Many servers forget after a few of their times of service, which are as many times more arrivals.
    let known = 1.0e6 + 5.0e4 * f64::from(servers);
    let (run, runs, crowd, queue) = match servers {
        0..=10 => (250.0, u64::MAX, 0, Queue::OfOrchestrator),
        11..=100 => (500.0, 16, 0, Queue::OfOrchestrator),
        _ => (0.6 * rate * mean, 2, servers, Queue::OfMachine),
    };
    let one = System::of_one(rate, Law::Exponential, mean);
    let steps = true;
    System { servers, queue, at_once: servers, known, run, runs, crowd: u64::from(crowd), steps, ..one }
        .measure(case, effort)
}

/// Q5: one that takes times of another law.
pub(super) fn general(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let law = Law::of_variance(case.param("SCV"));
    System::of_one(case.param("lam"), law, case.param("ES")).measure(case, effort)
}

/// Who keeps it.
#[derive(Clone, Copy, PartialEq)]
enum Queue {
    OfMachine,
    OfOrchestrator,
}

/// What stands in front of what.
#[derive(Clone, Copy)]
struct System {
    /// How many come in a unit of the case.
    rate: f64,
    servers: u32,
    law: Law,
    /// How long one is served on average.
    mean: f64,
    /// How many come in a run, in how many replications there is one, and how many the recursion has by itself.
    run: f64,
    runs: u64,
    known: f64,
    /// How many tasks come together at the beginning, so that there is soon a queue.
    crowd: u64,
    /// Where those are that wait.
    queue: Queue,
    /// How many are out of it at once: as many as there are servers, but in tests.
    at_once: u32,
    /// Whether what is known comes from the steps of how many there are, which say all but single stays.
    steps: bool,
}

/// What a replication gives.
#[derive(Default)]
struct Replication {
    sums: Vec<f64>,
    seen: Seen,
}

impl System {
    const fn of_one(rate: f64, law: Law, mean: f64) -> Self {
        let (run, runs, known) = (250.0, u64::MAX, 1.0e6);
        let queue = Queue::OfMachine;
        Self { rate, servers: 1, law, mean, run, runs, known, crowd: 0, queue, at_once: 1, steps: false }
    }

    fn measure(&self, case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
        let wants_bins = case.values.iter().any(|(name, _)| share_of(name).is_some());
        let replications = effort.replicate(|seed| {
            let has_run = seed % (1 << 16) < self.runs;
            let mut one =
                if has_run { self.replicate(seed, effort.scaled(self.run))? } else { Replication::default() };
            one.sums.resize(COUNTS + 2 * BINS, 0.0);
            let known = effort.scaled(self.known);
            match self.steps && !wants_bins {
                true => self.add_steps(&mut one.sums, seed, known),
                false => self.add_known(&mut one.sums, seed, known),
            }
            if !wants_bins {
                one.sums.truncate(COUNTS);
            }
            Ok(one)
        })?;
        let seen: Vec<&Seen> = replications.iter().map(|one| &one.seen).collect();
        Seen::check(&seen, 1.0 / self.rate, (self.law, self.mean), effort.seed)?;
        let sums: Vec<Vec<f64>> = replications.into_iter().map(|one| one.sums).collect();
        let found = case.values.iter().map(|(name, _)| (name.clone(), estimate(name, &sums)));
        Ok(found.collect())
    }

    fn replicate(&self, seed: u64, count: u64) -> Result<Replication, String> {
        let stage = self.stage(seed, count);
        let journal = Journal::of(&stage, vec![1; 2], 2 * (count + self.crowd) as usize)?;
        let units = |from: Time, to: Time| to.since(from).as_secs_f64() / UNIT_S;
        let mut parts: Vec<(Part, Time, Time)> = Vec::new();
        for (job, part) in journal.jobs.iter().flat_map(|job| job.parts.iter().map(move |part| (job, part))) {
            let (Some(began), Some(done)) = (part.began, part.done) else { continue };
            parts.push((self.as_seen(job, part, began), began, done));
        }
        if parts.len() as u64 != count + self.crowd {
            return Err(format!("of {} tasks {} came and ended", count + self.crowd, parts.len()));
        }
        parts.sort_by_key(|(part, ..)| part.came);
        let mut sums = vec![0.0; COUNTS + 2 * BINS];
        let mut servers = Servers::new(self.servers as usize);
        let mut served = Vec::new();
        let (mut stays, mut waits) = (0.0, 0.0);
        for (part, began, done) in &parts {
            let (came, took) = (units(Time::ZERO, part.came), units(*began, *done));
            let waits_known = servers.serve(came, took) - came;
            let (waited, stayed) = (units(part.came, *began), units(part.came, *done));
            let told = f64::from(u8::from(part.waited)) - f64::from(u8::from(waits_known > 0.0));
            add(&mut sums[RUN..], &[1.0, waited - waits_known, stayed - waits_known - took, told]);
            sums[COUNTS + bin(stayed)] += 1.0;
            sums[COUNTS + bin(waits_known + took)] -= 1.0;
            (stays, waits) = (stays + waits_known + took, waits + waits_known);
            served.push(took);
        }
        // How many there were at a time was counted by itself, but for those who wait with an orchestrator.
        let waiting = match self.queue {
            Queue::OfMachine => area(&journal.waiting.spans_s) / UNIT_S,
            Queue::OfOrchestrator => parts.iter().map(|(part, began, _)| units(part.came, *began)).sum(),
        };
        let inside = waiting + area(&journal.in_use.spans_s) / UNIT_S;
        add(&mut sums[RUN + 4..], &[units(Time::ZERO, journal.end), inside - stays, waiting - waits]);
        let between = journal.between_s(0).into_iter().map(|seconds| seconds / UNIT_S).collect();
        Ok(Replication { sums, seen: Seen { between, served } })
    }

    /// A part of which it is known when it came to the queue and whether it waited there.
    fn as_seen(&self, job: &Job, part: &Part, began: Time) -> Part {
        match self.queue {
            Queue::OfMachine => *part,
            Queue::OfOrchestrator => {
                Part { came: job.asked, waited: began.since(job.asked).as_secs_f64() > BEGIN_S, ..*part }
            }
        }
    }

    fn stage(&self, seed: u64, count: u64) -> Stage {
        let between_s = UNIT_S / self.rate;
        // Until the last has come and gone, with a good measure of chance.
        let load = self.rate * self.mean / f64::from(self.servers);
        let rest = (100.0 + 50.0 * self.mean.max(1.0)) / (1.0 - load.min(0.98));
        let length_s = between_s * (1.5 * count as f64) + UNIT_S * rest;
        let machines = if self.queue == Queue::OfMachine { 1 } else { self.at_once };
        let mut stage = Stage::of_steady_peers(seed, length_s, machines);
        let node = match self.queue {
            Queue::OfMachine => {
                // What waits holds its resources as well.
                stage.cores = 4000;
                stage.places = format!("{{at_once: {}}}", self.at_once);
                (0.1, Some(0))
            }
            Queue::OfOrchestrator => {
                stage.cores = 1;
                // A machine that bids is as good as any other, so a round need not last.
                stage.strategy = format!(
                    "{{recovery: restart, queue: {{at_once: {}}}, scored_bids: {{window: 1ms}}}}",
                    self.at_once
                );
                (1.0, None)
            }
        };
        stage.timeout = "3000d";
        let run = self.law.text(UNIT_S * self.mean);
        let task = |when: String| Task::of_cores(run.clone(), when, vec![node]);
        stage.tasks = vec![task(at_random(Some(count), between_s, 0.0))];
        if self.crowd > 0 {
            stage.tasks.push(task(regularly(self.crowd, UNIT_S / 10.0 / self.crowd as f64)));
        }
        stage
    }

    /// Adds what the recursion makes of draws.
    fn add_known(&self, sums: &mut [f64], seed: u64, count: u64) {
        let mut rng = Streams::new(seed).owned(RECURSION, 0);
        let mut servers = Servers::new(self.servers as usize);
        let (mut now, mut since) = (0.0, 0.0);
        let warm_up = count / 20;
        for number in 0..warm_up + count {
            now += Law::Exponential.draw(&mut rng) / self.rate;
            let took = self.law.draw(&mut rng) * self.mean;
            let waits = servers.serve(now, took) - now;
            if number < warm_up {
                since = now;
                continue;
            }
            add(&mut sums[KNOWN..], &[1.0, waits, waits + took, f64::from(u8::from(waits > 0.0))]);
            sums[COUNTS + BINS + bin(waits + took)] += 1.0;
        }
        sums[KNOWN + 4] += now - since;
    }

    /// Adds what becomes of the number of those who are there, where all times are exponential: then nothing else
    /// matters for what is next. A step is an arrival, an end, or nothing (Jensen's uniformisation), each of them takes
    /// as long on average, and so it is counted. Waits add up to how many wait at a time.
    fn add_steps(&self, sums: &mut [f64], seed: u64, count: u64) {
        let mut rng = Streams::new(seed).owned(RECURSION, 0);
        let servers = u64::from(self.servers);
        let steps_per_unit = self.rate + f64::from(self.servers) / self.mean;
        // In parts of 2^32: that it is an arrival, and in parts of 2^48 that a certain server is done.
        let arrival = (self.rate / steps_per_unit * 4_294_967_296.0) as u64;
        let end = ((4_294_967_296 - arrival) << 16) / servers;
        let steps = (count as f64 / self.rate * steps_per_unit) as u64 / 2;
        let mut inside = servers;
        let (mut arrivals, mut late, mut stays, mut waits) = (0_u64, 0_u64, 0_u64, 0_u64);
        let warm_up = steps / 20;
        for number in 0..warm_up + steps {
            if number == warm_up {
                (arrivals, late, stays, waits) = (0, 0, 0, 0);
            }
            let drawn = rng.next_u64();
            for step in [drawn >> 32, drawn & 0xffff_ffff] {
                stays += inside;
                waits += inside.saturating_sub(servers);
                if step < arrival {
                    arrivals += 1;
                    late += u64::from(inside >= servers);
                    inside += 1;
                } else if (step - arrival) << 16 < inside.min(servers) * end {
                    inside -= 1;
                }
            }
        }
        let time = |steps: u64| steps as f64 / steps_per_unit;
        add(&mut sums[KNOWN..], &[arrivals as f64, time(waits), time(stays), late as f64, time(2 * steps)]);
    }
}

/// What stays were longer than, of which the name says how many: `T_p95`.
fn share_of(name: &str) -> Option<f64> {
    let percent: u32 = name.strip_prefix("T_p")?.parse().ok()?;
    (1..100).contains(&percent).then(|| f64::from(percent) / 100.0)
}

/// Whether a case may have a value of this name.
pub(super) fn is_of_servers(name: &str) -> bool {
    ["L", "T", "Wq", "Lq", "P_wait"].contains(&name) || share_of(name).is_some()
}

fn bin(stay: f64) -> usize {
    ((stay / BIN) as usize).min(BINS - 1)
}

fn area(spans: &[f64]) -> f64 {
    spans.iter().enumerate().map(|(count, span)| count as f64 * span).sum()
}

fn estimate(name: &str, replications: &[Vec<f64>]) -> Estimate {
    let of = |own: usize, known: usize| {
        jackknife(replications, move |sums| {
            mean(sums[RUN], sums[RUN + own]) + mean(sums[KNOWN], sums[KNOWN + known])
        })
    };
    let at_a_time = |own: usize, known: usize| {
        jackknife(replications, move |sums| {
            mean(sums[RUN + 4], sums[RUN + own]) + mean(sums[KNOWN + 4], sums[KNOWN + known])
        })
    };
    match (name, share_of(name)) {
        (_, Some(share)) => jackknife(replications, move |sums| longest_of(sums, share)),
        ("Wq", _) => of(1, 1),
        ("T", _) => of(2, 2),
        ("P_wait", _) => of(3, 3),
        ("L", _) => at_a_time(5, 2),
        _ => at_a_time(6, 1),
    }
}

/// The stay that this share of all does not exceed.
fn longest_of(sums: &[f64], share: f64) -> f64 {
    let (own, known) = sums[COUNTS..].split_at(BINS);
    let mut below = 0.0;
    for (place, (own, known)) in own.iter().zip(known).enumerate() {
        let here = own / sums[RUN] + known / sums[KNOWN];
        if below + here >= share {
            return BIN * (place as f64 + (share - below) / here);
        }
        below += here;
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Effort = Effort { replications: 8, length: 0.2, widest: 0.5, seed: 3 };

    fn case(values: &[&str]) -> OracleCase {
        let values = values.iter().map(|name| ((*name).to_owned(), 1.0)).collect();
        OracleCase { id: "Q1".to_owned(), what: "a test".to_owned(), params: Vec::new(), values }
    }

    fn found(system: System, names: &[&str]) -> Vec<Estimate> {
        let longer = Effort { length: if system.queue == Queue::OfMachine { 0.2 } else { 0.8 }, ..SMALL };
        let found = system.measure(&case(names), &longer).unwrap_or_else(|reason| panic!("{reason}"));
        found.into_iter().map(|(_, estimate)| estimate).collect()
    }

    fn holds(estimate: Estimate, value: f64) -> bool {
        (estimate.value - value).abs() <= estimate.half_width
    }

    /// The recursion by itself is the same in both: what differs is what the run shows.
    #[test]
    fn a_machine_that_runs_one_too_many_is_noticed() {
        let right = System::of_one(0.8, Law::Exponential, 1.0);
        let names = ["Wq", "T", "L", "Lq", "P_wait", "T_p50"];
        let exact = [4.0, 5.0, 4.0, 3.2, 0.8, 3.4657];
        for (estimate, exact) in found(right, &names).into_iter().zip(exact) {
            assert!(holds(estimate, exact), "{estimate:?} {exact}");
        }
        for (estimate, exact) in found(System { at_once: 2, ..right }, &names).into_iter().zip(exact) {
            assert!(!holds(estimate, exact) && estimate.value < exact, "{estimate:?} {exact}");
        }
    }

    #[test]
    fn an_orchestrator_that_has_one_too_many_under_way_is_noticed() {
        let queue = Queue::OfOrchestrator;
        let right = System { servers: 2, at_once: 2, queue, ..System::of_one(1.5, Law::Exponential, 1.0) };
        let (names, exact) = (["Wq", "L", "P_wait"], [1.285_714_286, 3.428_571_429, 0.642_857_142_9]);
        for (estimate, exact) in found(right, &names).into_iter().zip(exact) {
            assert!(holds(estimate, exact), "{estimate:?} {exact}");
        }
        for (estimate, exact) in found(System { at_once: 4, ..right }, &names).into_iter().zip(exact) {
            assert!(!holds(estimate, exact) && estimate.value < exact, "{estimate:?} {exact}");
        }
    }

    #[test]
    fn arrivals_and_services_of_another_law_are_no_measurement() {
        // The machine's tasks take twice as long as the recursion has them take, or follow another law.
        let journal_of = |law: Law, mean: f64| {
            let runs = System::of_one(0.3, law, mean).replicate(7, 400).map(|one| one.seen.served);
            runs.unwrap_or_else(|reason| panic!("{reason}"))
        };
        let served = journal_of(Law::Exponential, 1.0);
        assert!(Law::Exponential.check("of service", (1.0, f64::MAX), &served, 1).is_ok());
        assert!(Law::Exponential.check("of service", (0.5, f64::MAX), &served, 1).is_err());
        assert!(Law::Constant.check("of service", (1.0, f64::MAX), &served, 1).is_err());
    }

    /// Both ways to know the means of the recursion.
    #[test]
    fn steps_say_what_the_recursion_says() {
        let system = System { servers: 3, at_once: 3, ..System::of_one(2.4, Law::Exponential, 1.0) };
        let (mut one, mut other) = (vec![0.0; COUNTS + 2 * BINS], vec![0.0; COUNTS + 2 * BINS]);
        system.add_known(&mut one, 5, 1_000_000);
        system.add_steps(&mut other, 5, 1_000_000);
        for place in 1..5 {
            let (one, other) = (one[KNOWN + place] / one[KNOWN], other[KNOWN + place] / other[KNOWN]);
            assert!((one / other - 1.0).abs() < 0.03, "{place}: {one} {other}");
        }
    }
}
