//! Q12 and Q13: jobs that wait at several servers at once, until all of their parts have ended or the first copy has.
//!
//! Each server is a machine that runs one allocation at a time. The parts of a job are the nodes of a deployment; its
//! copies are those of the strategy `replication: {majority: 1}`, of which an orchestrator calls off the others when
//! one has ended. Means are estimated as those of single queues are.

use super::availability::{Measured, add};
use super::jobs::{Job, Journal, Part};
use super::laws::{Law, Seen};
use super::recursions::Servers;
use super::stage::{Stage, Task, at_random};
use super::statistics::{jackknife, mean};
use super::{Effort, OracleCase};
use crate::kernel::{Domain, Streams, Time};

const RECURSION: Domain = Domain::new("reproduce.oracles.joins");
/// How long a unit of a case is: long beside messages.
const UNIT_S: f64 = 20.0;
/// How many jobs come in a run, and how many the recursion has by itself.
const RUN: f64 = 200.0;
const KNOWN: f64 = 5.0e5;

/// Servers of one kind that jobs come to.
#[derive(Clone, Copy)]
struct System {
    /// How many jobs come in a unit of a case.
    rate: f64,
    servers: u32,
    /// How long a part or a copy takes on average.
    mean: f64,
    /// Whether a job ends with its first copy; else it has a part for each server, and ends with the last.
    are_copies: bool,
    /// How many copies must end before the others are called off: one, but in tests.
    majority: u32,
}

/// Q12: a part on each of two servers.
pub(super) fn fork(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (rate, mean) = (case.param("rho") * case.param("mu"), 1.0 / case.param("mu"));
    System { rate, servers: 2, mean, are_copies: false, majority: 1 }.measure(case, effort)
}

/// Q13: a copy on every server.
pub(super) fn redundancy(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (servers, copies) = (case.param("k"), case.param("d"));
    if servers != copies {
        return Err("copies on some of the servers are not built, only on all of them".to_owned());
    }
    let (rate, mean) = (case.param("lam_per_server") * servers, 1.0 / case.param("mu"));
    System { rate, servers: servers as u32, mean, are_copies: true, majority: 1 }.measure(case, effort)
}

/// What a replication gives: how many jobs there were, how much longer they stayed than by the recursion, and the same
/// of the recursion by itself, which is nothing more.
struct Replication {
    sums: Vec<f64>,
    seen: Seen,
}

impl System {
    fn measure(self, case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
        let replications = effort.replicate(|seed| {
            let mut one = self.replicate(seed, effort.scaled(RUN))?;
            one.sums.extend(self.known(seed, effort.scaled(KNOWN)));
            Ok(one)
        })?;
        let seen: Vec<&Seen> = replications.iter().map(|one| &one.seen).collect();
        Seen::check(&seen, 1.0 / self.rate, (Law::Exponential, self.served_mean()), effort.seed)?;
        let sums: Vec<Vec<f64>> = replications.into_iter().map(|one| one.sums).collect();
        let stays = jackknife(&sums, |sums| mean(sums[0], sums[1]) + mean(sums[2], sums[3]));
        Ok(case.values.iter().map(|(name, _)| (name.clone(), stays)).collect())
    }

    /// How long a server works on a job on average.
    fn served_mean(&self) -> f64 {
        if self.are_copies { self.mean / f64::from(self.servers) } else { self.mean }
    }

    fn stage(&self, seed: u64, count: u64) -> Stage {
        let between_s = UNIT_S / self.rate;
        let load = self.rate * self.served_mean();
        let rest = 100.0 / (1.0 - load.min(0.98));
        let length_s = between_s * (1.5 * count as f64) + UNIT_S * rest * self.mean.max(1.0);
        let mut stage = Stage::of_steady_peers(seed, length_s, self.servers);
        stage.cores = 4000;
        stage.places = "{at_once: 1}".to_owned();
        stage.timeout = "3000d";
        let nodes = match self.are_copies {
            true => vec![(0.1, None)],
            false => (0..self.servers).map(|server| (0.1, Some(server))).collect(),
        };
        if self.are_copies {
            let (copies, majority) = (self.servers, self.majority);
            stage.strategy =
                format!("{{recovery: {{replication: {{copies: {copies}, majority: {majority}}}}}}}");
        }
        let run = Law::Exponential.text(UNIT_S * self.mean);
        stage.tasks = vec![Task::of_cores(run, at_random(Some(count), between_s, 0.0), nodes)];
        stage
    }

    fn replicate(&self, seed: u64, count: u64) -> Result<Replication, String> {
        let journal = Journal::of(&self.stage(seed, count), vec![1], 1)?;
        let ended = journal.jobs.iter().filter(|job| job.completed.is_some()).count() as u64;
        if ended != count {
            return Err(format!("of {count} jobs {ended} ended"));
        }
        let mut served = Vec::new();
        let known = match self.are_copies {
            true => first_ends(&journal.jobs, &mut served)?,
            false => self.last_ends(&journal.jobs, &mut served)?,
        };
        let mut sums = vec![0.0; 2];
        for (job, end) in journal.jobs.iter().zip(known) {
            let end_known = end - units(came(job));
            let stayed = job.completed.map_or(f64::NAN, units) - units(came(job));
            add(&mut sums, &[1.0, stayed - end_known]);
        }
        let between = journal.between_s(0).into_iter().map(|seconds| seconds / UNIT_S).collect();
        Ok(Replication { sums, seen: Seen { between, served } })
    }

    /// When each job ends with the last of its parts, by the recursion of each server.
    fn last_ends(&self, jobs: &[Job], served: &mut Vec<f64>) -> Result<Vec<f64>, String> {
        let mut ends = vec![0.0; jobs.len()];
        for machine in 0..self.servers {
            let part = |place: usize| jobs[place].parts.iter().find(|part| part.machine == machine);
            let mut parts: Vec<(&Part, usize)> =
                (0..jobs.len()).filter_map(|place| Some((part(place)?, place))).collect();
            if parts.len() != jobs.len() {
                return Err(format!(
                    "of {} jobs {} have a part on server {machine}",
                    jobs.len(),
                    parts.len()
                ));
            }
            parts.sort_by_key(|(part, _)| part.came);
            let mut server = Servers::new(1);
            for (part, place) in parts {
                let (Some(began), Some(done)) = (part.began, part.done) else {
                    return Err("a part of a job that has ended has not".to_owned());
                };
                let took = units(done) - units(began);
                ends[place] = f64::max(ends[place], server.serve(units(part.came), took) + took);
                served.push(took);
            }
        }
        Ok(ends)
    }

    /// The recursion on draws: how many jobs there are, and how long they stay.
    fn known(&self, seed: u64, count: u64) -> [f64; 2] {
        let mut rng = Streams::new(seed).owned(RECURSION, 0);
        let queues = if self.are_copies { 1 } else { self.servers };
        let mut servers: Vec<Servers> = (0..queues).map(|_| Servers::new(1)).collect();
        let mut now = 0.0;
        let mut sums = [0.0; 2];
        let warm_up = count / 20;
        for number in 0..warm_up + count {
            now += Law::Exponential.draw(&mut rng) / self.rate;
            let mut draw = || Law::Exponential.draw(&mut rng) * self.mean;
            let mut end = 0.0;
            for server in &mut servers {
                let took = match self.are_copies {
                    true => (0..self.servers).map(|_| draw()).fold(f64::MAX, f64::min),
                    false => draw(),
                };
                end = f64::max(end, server.serve(now, took) + took);
            }
            if number >= warm_up {
                add(&mut sums, &[1.0, end - now]);
            }
        }
        sums
    }
}

fn units(at: Time) -> f64 {
    at.as_secs_f64() / UNIT_S
}

/// When the first part of a job came to its machine.
fn came(job: &Job) -> Time {
    job.parts.iter().map(|part| part.came).min().unwrap_or(job.asked)
}

/// When each job ends with the first of its copies, where each is on all servers: these are as one.
fn first_ends(jobs: &[Job], served: &mut Vec<f64>) -> Result<Vec<f64>, String> {
    let mut server = Servers::new(1);
    let mut order: Vec<usize> = (0..jobs.len()).collect();
    order.sort_by_key(|place| came(&jobs[*place]));
    let mut ends = vec![0.0; jobs.len()];
    for place in order {
        let parts = &jobs[place].parts;
        let began = parts.iter().filter_map(|part| part.began).min();
        let done = parts.iter().filter_map(|part| part.done).min();
        let (Some(began), Some(done)) = (began, done) else {
            return Err("no copy of a job that has ended has".to_owned());
        };
        let took = units(done) - units(began);
        ends[place] = server.serve(units(came(&jobs[place])), took) + took;
        served.push(took);
    }
    Ok(ends)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_that_are_not_called_off_are_noticed() {
        let values = vec![("T".to_owned(), 1.0)];
        let case = OracleCase { id: "Q13".to_owned(), what: "a test".to_owned(), params: Vec::new(), values };
        let small = Effort { replications: 8, length: 0.2, widest: 0.5, seed: 3 };
        let right = System { rate: 0.6, servers: 2, mean: 1.0, are_copies: true, majority: 1 };
        let found = right.measure(&case, &small).expect("it runs")[0].1;
        let exact = 1.0 / (2.0 - 0.6);
        assert!((found.value - exact).abs() <= found.half_width, "{found:?} {exact}");
        // The servers drift apart, and no job is served by both as by one.
        let refused =
            System { majority: 2, ..right }.measure(&case, &small).expect_err("it is no measurement");
        assert!(refused.starts_with("the time of service is not distributed as it should be"), "{refused}");
    }
}
