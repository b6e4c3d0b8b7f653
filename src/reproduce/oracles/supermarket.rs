//! Q8: the supermarket model. Whoever comes asks a few of many servers how many are with them, and joins the shortest
//! queue (Vvedenskaya, Dobrushin and Karpelevich 1996; Mitzenmacher 2001).
//!
//! Each server is a machine that runs one allocation at a time. A request goes to `ask` machines that are drawn, each
//! tells how many allocations it holds, and the policy `least_loaded` takes the one with the fewest.
//!
//! As with single queues, what a run shows is compared with the rule on the same: each task with the same machines
//! asked, the same time of service, and among equals the machine that the run took. The rule's own numbers are known
//! from the steps of ten times as many servers, since what is exact is so for endlessly many.

use std::collections::VecDeque;

use super::availability::{Measured, add};
use super::jobs::{Job, Journal};
use super::laws::{Law, Seen};
use super::stage::{Stage, Task, at_random};
use super::statistics::{Estimate, jackknife, mean};
use super::{Effort, OracleCase};
use crate::kernel::{Domain, Rng, Streams, Time};

const STEPS: Domain = Domain::new("reproduce.oracles.supermarket");
/// How long a unit of a case is: long beside messages.
const UNIT_S: f64 = 20.0;
/// Servers of a run, and of what is drawn without any.
const SERVERS: u32 = 500;
const MANY: u32 = 5000;
/// How many come in a run, and in how many replications there is one.
const RUN: f64 = 1500.0;
const RUNS: u64 = 2;
/// Queues of up to so many are told apart.
const LONGEST: usize = 9;
/// And of so many where they are only added up; the last stands for all above too.
const LEVELS: usize = 4 * LONGEST;
/// The places of the sums of a replication: how many came, how much longer they stayed than by the rule; how long it
/// was, and how much longer there were so many in a queue; then time and queues of the rule by itself.
const JOBS: usize = 0;
const SPANS: usize = 2;
const KNOWN: usize = SPANS + 1 + LONGEST;

/// What one of the values of a case is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum What {
    /// The mean time from coming to going.
    Stay,
    /// The share of queues with so many or more, those who are served included.
    Tail(usize),
}

/// `T_d2`, `tail3_d2`: what, and of how many that are asked.
fn read(name: &str) -> Option<(What, u32)> {
    let (what, asked) = name.split_once("_d")?;
    let asked: u32 = asked.parse().ok().filter(|asked| (1..=16).contains(asked))?;
    let what = match what.strip_prefix("tail") {
        Some(longest) => What::Tail(longest.parse().ok().filter(|longest| (1..=LONGEST).contains(longest))?),
        None if what == "T" => What::Stay,
        None => return None,
    };
    Some((what, asked))
}

/// Whether a case may have a value of this name.
pub(super) fn is_of_supermarket(name: &str) -> bool {
    read(name).is_some()
}

/// Q8: so many arrivals a server in a unit.
pub(super) fn shortest_of_asked(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let values: Vec<(&str, What, u32)> = case
        .values
        .iter()
        .filter_map(|(name, _)| read(name).map(|(what, asked)| (&**name, what, asked)))
        .collect();
    let mut by_asked: Vec<(u32, Vec<Vec<f64>>)> = Vec::new();
    let mut found = Measured::new();
    for (name, what, asked) in values {
        if !by_asked.iter().any(|(own, _)| *own == asked) {
            let market = Market { rate: case.param("lam"), asked, servers: SERVERS, policy: "least_loaded" };
            by_asked.push((asked, market.replications(effort)?));
        }
        let replications = by_asked.iter().find(|(own, _)| *own == asked).map_or(&[][..], |(_, own)| own);
        found.push((name.to_owned(), estimate(what, case.param("lam"), replications)));
    }
    Ok(found)
}

fn estimate(what: What, rate: f64, replications: &[Vec<f64>]) -> Estimate {
    match what {
        // How long those stay of whom there are so many at a time (Little 1961).
        What::Stay => jackknife(replications, move |sums| {
            let inside: f64 = sums[KNOWN + 1..].iter().sum();
            mean(sums[JOBS], sums[JOBS + 1]) + inside / sums[KNOWN] / rate
        }),
        What::Tail(longest) => jackknife(replications, move |sums| {
            mean(sums[SPANS], sums[SPANS + longest]) + sums[KNOWN + longest] / sums[KNOWN]
        }),
    }
}

/// Many servers and those who come.
#[derive(Clone, Copy)]
struct Market {
    /// How many come to each server in a unit, who are served in one on average.
    rate: f64,
    asked: u32,
    servers: u32,
    /// How a server is chosen: by the shortest queue, but in tests.
    policy: &'static str,
}

impl Market {
    /// The sums of all replications.
    fn replications(self, effort: &Effort) -> Result<Vec<Vec<f64>>, String> {
        let replications = effort.replicate(|seed| {
            let mut sums = vec![0.0; KNOWN + 1 + LEVELS];
            let has_run = seed % (1 << 16) < RUNS;
            let seen = if has_run { self.add_run(&mut sums, seed, effort)? } else { Seen::default() };
            self.add_known(&mut sums, seed, effort.length);
            Ok((sums, seen))
        })?;
        // Times are told apart by thousandths of a unit, so those between two arrivals have a unit of their own.
        let seen: Vec<&Seen> = replications.iter().map(|(_, seen)| seen).collect();
        Seen::check(&seen, 1.0, (Law::Exponential, 1.0), effort.seed)?;
        Ok(replications.into_iter().map(|(sums, _)| sums).collect())
    }

    /// How long it is between two arrivals on average.
    fn between_s(&self) -> f64 {
        UNIT_S / self.rate / f64::from(self.servers)
    }

    fn stage(&self, seed: u64, count: u64) -> Stage {
        let between_s = self.between_s();
        // Nobody comes any more for the rest, which is as long as the longest queue takes.
        let length_s = between_s * (1.5 * count as f64) + UNIT_S * 100.0;
        let mut stage = Stage::of_steady_peers(seed, length_s, self.servers);
        stage.cores = 4000;
        stage.places = "{at_once: 1}".to_owned();
        stage.timeout = "3000d";
        let (policy, asked) = (self.policy, self.asked);
        stage.strategy = format!("{{recovery: restart, placement: {policy}, scored_bids: {{ask: {asked}}}}}");
        let run = Law::Exponential.text(UNIT_S);
        stage.tasks = vec![Task::of_cores(run, at_random(Some(count), between_s, 0.0), vec![(0.1, None)])];
        stage
    }

    /// Adds what a run shows less what the rule makes of the same.
    fn add_run(&self, sums: &mut [f64], seed: u64, effort: &Effort) -> Result<Seen, String> {
        let count = effort.scaled(RUN);
        let journal = Journal::of(&self.stage(seed, count), vec![1], 1)?;
        let units = |at: Time| at.as_secs_f64() / UNIT_S;
        let mut rule = Shortest::of(self.servers);
        let (mut run_spans, mut rule_spans) = (Vec::new(), Vec::new());
        let (mut served, mut again) = (Vec::new(), 0);
        for job in &journal.jobs {
            let Some((machine, came, began, done)) = times_of(job) else {
                return Err(format!("a task of {count} has not ended"));
            };
            let asked = match job.bidders.len() {
                own if own == self.asked as usize => &job.bidders[..],
                own if own < self.asked as usize => {
                    return Err(format!("only {own} machines have made a bid"));
                }
                // It had drawn a subnet that another has there, and has asked again.
                _ => &[machine],
            };
            again += u64::from(asked.len() < job.bidders.len());
            let (came, took) = (units(came), units(done) - units(began));
            let (taken, ends) = rule.join(came, took, asked, machine);
            add(&mut sums[JOBS..], &[1.0, units(done) - ends]);
            run_spans.push((machine, came, units(done)));
            rule_spans.push((taken, came, ends));
            served.push(took);
        }
        if journal.jobs.len() as u64 != count || again > 2 + count / 100 {
            return Err(format!("of {count} tasks {} were asked for, {again} again", journal.jobs.len()));
        }
        sums[SPANS] += units(journal.end) * f64::from(self.servers);
        add_queues(&mut sums[SPANS + 1..KNOWN], run_spans, 1.0);
        add_queues(&mut sums[SPANS + 1..KNOWN], rule_spans, -1.0);
        let between = journal.between_s(0).into_iter().map(|seconds| seconds / self.between_s()).collect();
        Ok(Seen { between, served })
    }

    /// Adds what the steps of many queues show: how long, and for how long so many or more were in one.
    ///
    /// A step is an arrival or the end of a service that may find nobody there (Jensen's uniformisation).
    fn add_known(&self, sums: &mut [f64], seed: u64, length: f64) {
        let mut rng = Streams::new(seed).owned(STEPS, u64::from(self.asked));
        if self.asked == 1 {
            // Servers by themselves, each of which takes long to forget: one, for long.
            let units = 1.0e4 / (1.0 - self.rate) / (1.0 - self.rate);
            return self.add_steps(sums, &mut rng, 1, (units / 20.0, f64::max(units, 2.0e5) * length));
        }
        self.add_steps(sums, &mut rng, MANY, (10.0 / (1.0 - self.rate), 120.0 * length));
    }

    /// Steps for some units, after some that do not count.
    fn add_steps(&self, sums: &mut [f64], rng: &mut Rng<'_>, servers: u32, (warm_up, units): (f64, f64)) {
        let count = servers as usize;
        let mut queues = vec![0_u16; count];
        // How many queues have so many or more.
        let mut longer = [0_u32; LEVELS + 1];
        let mut areas = [0_u64; LEVELS + 1];
        let steps_per_unit = (1.0 + self.rate) * f64::from(servers);
        let arrival = (self.rate / (1.0 + self.rate) * 4_294_967_296.0) as u64;
        let [warm_up, steps] = [warm_up, units].map(|units| (units * steps_per_unit) as u64);
        for number in 0..warm_up + steps {
            if number >= warm_up {
                areas.iter_mut().zip(&longer).for_each(|(area, count)| *area += u64::from(*count));
            }
            let drawn = rng.next_u64();
            let place = |drawn: u64| (((drawn & 0xffff_ffff) * u64::from(servers)) >> 32) as usize;
            let mut server = place(drawn);
            if drawn >> 32 < arrival {
                for _ in 1..self.asked {
                    let other = place(rng.next_u64());
                    if queues[other] < queues[server] {
                        server = other;
                    }
                }
                queues[server] += 1;
                longer[usize::from(queues[server]).min(LEVELS)] += 1;
            } else if queues[server] > 0 {
                longer[usize::from(queues[server]).min(LEVELS)] -= 1;
                queues[server] -= 1;
            }
        }
        sums[KNOWN] += steps as f64;
        for (sum, area) in sums[KNOWN + 1..].iter_mut().zip(&areas[1..]) {
            *sum += *area as f64 / f64::from(servers);
        }
    }
}

/// Its machine, and when it came there, began and ended.
fn times_of(job: &Job) -> Option<(u32, Time, Time, Time)> {
    let part = job.parts.iter().find(|part| part.done.is_some())?;
    Some((part.machine, part.came, part.began?, part.done?))
}

/// Servers of which the one with the shortest queue is taken.
struct Shortest {
    /// When those go who are there, the first of them first.
    ends: Vec<VecDeque<f64>>,
}

impl Shortest {
    fn of(servers: u32) -> Self {
        Self { ends: vec![VecDeque::new(); servers as usize] }
    }

    /// One comes who takes so long and asks these; among equals he prefers one. Where he goes, and until when.
    fn join(&mut self, now: f64, takes: f64, asked: &[u32], preferred: u32) -> (u32, f64) {
        let mut best = (usize::MAX, true, preferred);
        for &server in asked {
            let ends = &mut self.ends[server as usize];
            while ends.front().is_some_and(|end| *end <= now) {
                ends.pop_front();
            }
            best = best.min((ends.len(), server != preferred, server));
        }
        let ends = &mut self.ends[best.2 as usize];
        let end = f64::max(now, ends.back().copied().unwrap_or(now)) + takes;
        ends.push_back(end);
        (best.2, end)
    }
}

/// Adds for how long there were one, two and so on or more at a server, of those who were there from when to when.
fn add_queues(areas: &mut [f64], spans: Vec<(u32, f64, f64)>, sign: f64) {
    let mut steps: Vec<(u32, f64, i64)> = Vec::new();
    for (server, from, until) in spans {
        steps.extend([(server, from, 1), (server, until, -1)]);
    }
    // Whoever goes makes room before another comes.
    steps.sort_by(|one, other| one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).then(one.2.cmp(&other.2)));
    let mut inside = 0_usize;
    for pair in steps.windows(2) {
        inside = inside.saturating_add_signed(pair[0].2 as isize);
        if pair[0].0 == pair[1].0 {
            areas.iter_mut().take(inside).for_each(|area| *area += sign * (pair[1].1 - pair[0].1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Effort = Effort { replications: 8, length: 0.2, widest: 0.5, seed: 3 };

    #[test]
    fn names_of_values_are_read() {
        assert_eq!(read("T_d3"), Some((What::Stay, 3)));
        assert_eq!(read("tail2_d5"), Some((What::Tail(2), 5)));
        for wrong in ["T", "T_d0", "T_d99", "tail_d2", "tail10_d2", "tail0_d2", "L_d2"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_shortest_of_those_asked_is_joined() {
        let mut rule = Shortest::of(3);
        assert_eq!(rule.join(0.0, 4.0, &[0, 1], 1), (1, 4.0));
        assert_eq!(rule.join(1.0, 1.0, &[0, 1], 1), (0, 2.0));
        assert_eq!(rule.join(1.5, 1.0, &[0, 1], 1), (1, 5.0));
        assert_eq!(rule.join(1.5, 1.0, &[1], 1), (1, 6.0));
        assert_eq!(rule.join(2.0, 1.0, &[0, 2], 0), (0, 3.0));
        let mut areas = [0.0; 3];
        add_queues(
            &mut areas,
            vec![(0, 1.0, 2.0), (1, 0.0, 4.0), (1, 1.5, 5.0), (1, 1.5, 6.0), (0, 2.0, 3.0)],
            1.0,
        );
        assert_eq!(areas, [8.0, 3.5, 2.5]);
    }

    #[test]
    fn machines_that_are_taken_whatever_their_queue_are_noticed() {
        let right = Market { rate: 0.9, asked: 2, servers: 20, policy: "least_loaded" };
        let found = |market: Market| {
            let replications = market.replications(&SMALL).unwrap_or_else(|reason| panic!("{reason}"));
            estimate(What::Stay, 0.9, &replications)
        };
        let exact = 2.614_057_377;
        let Estimate { value, half_width } = found(right);
        assert!((value - exact).abs() <= half_width, "{value} {half_width}");
        let Estimate { value, half_width } = found(Market { policy: "uniform", ..right });
        assert!(value - exact > 0.2, "{value} {half_width}");
    }
}
