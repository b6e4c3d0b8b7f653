//! Q3, Q4 and Q7: machines on which nothing waits: what comes runs at once, or is turned away.
//!
//! As with queues, what a run shows is compared with what the rule makes of the same arrivals and the same times, and
//! the rule's own numbers are known from far more draws. Cases that hold whatever the law of the times are run with
//! four laws by turns, which must agree.

use super::availability::Measured;
use super::jobs::{Job, Journal};
use super::laws::Law;
use super::recursions::Units;
use super::stage::{Stage, Task, at_random, regularly};
use super::statistics::{Estimate, jackknife, mean};
use super::{Effort, OracleCase};
use crate::dms::fact::Stage as Step;
use crate::kernel::{Domain, Rng, Streams, Time};

const RULE: Domain = Domain::new("reproduce.oracles.losses");
const ARRIVALS: Domain = Domain::new("reproduce.oracles.losses.arrivals");

/// Tasks of a kind.
#[derive(Clone, Copy, Debug)]
struct Class {
    /// How many come in a unit of time.
    rate: f64,
    /// How many units each takes.
    units: u32,
}

/// How a machine comes to turn away what it has no room for.
#[derive(Clone, Copy, PartialEq)]
enum Room {
    /// It has so many cores, and bids for nothing that does not fit.
    Cores,
    /// It has so many graphics cards, likewise.
    Cards,
    /// It runs so many at once and lets nobody wait.
    Places,
    /// There is always some.
    Endless,
}

impl Room {
    /// Whether it is the machine's own resources that give out.
    fn is_of_resources(self) -> bool {
        matches!(self, Self::Cores | Self::Cards)
    }
}

/// What comes to a machine.
struct System {
    classes: Vec<Class>,
    capacity: u32,
    /// How many of its cores or places the machine really has: as many, but in tests.
    machine: u32,
    room: Room,
    /// How long one runs on average.
    mean: f64,
    laws: &'static [Law],
    /// How long a unit of a case is.
    unit_s: f64,
    /// How many tasks begin together, so that it is about as full as it will be.
    crowd: u64,
    /// Units of time of a run, in how many replications there is one, and units of time of what is drawn without any.
    run: f64,
    runs: u64,
    known: f64,
}

/// Q3: a thousand places, and nobody may wait.
pub(super) fn erlang(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (places, offered) = (case.param("c") as u32, case.param("offered_erlangs"));
    let system = System {
        classes: vec![Class { rate: offered, units: 1 }],
        capacity: places,
        machine: places,
        room: Room::Places,
        mean: 1.0,
        laws: &Law::ALL,
        unit_s: 60.0,
        crowd: (offered as u64).min(u64::from(places)),
        run: 1.15,
        runs: 4,
        known: 4800.0,
    };
    let found = system.measure(effort)?;
    let carried = |sums: &Sums<'_>| moment(sums, |taken| taken);
    let values = case.values.iter().map(|(name, _)| {
        let estimate = match &**name {
            "P_block" => found.estimate(|sums| sums.blocked(0))?,
            "carried" => found.estimate(carried)?,
            _ => found.estimate(|sums| carried(sums) / f64::from(places))?,
        };
        Ok((name.clone(), estimate))
    });
    values.collect()
}

/// Q4: tasks of several sizes on one machine.
pub(super) fn multi_rate(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let mut classes = Vec::new();
    loop {
        let param = |name: &str| case.param(&format!("classes.{}.{name}", classes.len()));
        if param("a").is_nan() {
            break;
        }
        classes.push(Class { rate: param("a"), units: param("b") as u32 });
    }
    let capacity = case.param("C") as u32;
    let system = System {
        classes,
        capacity,
        machine: capacity,
        room: Room::Cards,
        mean: 1.0,
        laws: &[Law::Exponential],
        // Long beside a round of bids: what does not fit at its beginning is refused then, else it comes at its end.
        unit_s: 5000.0,
        crowd: 0,
        run: 12.0,
        runs: 32,
        known: 30_000.0,
    };
    let found = system.measure(effort)?;
    let values = case.values.iter().map(|(name, _)| {
        let class = name.strip_prefix("block_b").and_then(|units| {
            let units: u32 = units.parse().ok()?;
            system.classes.iter().position(|class| class.units == units)
        });
        let estimate = match (&**name, class) {
            (_, Some(class)) => found.estimate(move |sums| sums.blocked(class))?,
            ("mean_used", _) => found.estimate(|sums| moment(sums, |taken| taken))?,
            ("P_full", _) => {
                let full = f64::from(capacity);
                found.estimate(move |sums| moment(sums, |taken| f64::from(u8::from(taken == full))))?
            }
            _ => return Err(format!("there is no class for {name}")),
        };
        Ok((name.clone(), estimate))
    });
    values.collect()
}

/// Q7: as many as come.
pub(super) fn endless(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let (rate, mean) = (case.param("lam"), case.param("ES"));
    let offered = rate * mean;
    let system = System {
        classes: vec![Class { rate, units: 1 }],
        // So many are never there.
        capacity: (2.0 * offered + 20.0 * offered.sqrt() + 20.0) as u32,
        machine: 0,
        room: Room::Endless,
        mean,
        laws: &Law::ALL,
        unit_s: 20.0,
        crowd: 0,
        run: 8.0,
        runs: 32,
        known: 65_000.0,
    };
    let found = system.measure(effort)?;
    let values = case.values.iter().map(|(name, _)| {
        let estimate = match (&**name, threshold_of(name)) {
            (_, Some(most)) => {
                found.estimate(move |sums| moment(sums, |taken| f64::from(u8::from(taken > most))))?
            }
            ("mean", _) => found.estimate(|sums| moment(sums, |taken| taken))?,
            _ => found.estimate(|sums| {
                let mean = moment(sums, |taken| taken);
                moment(sums, |taken| taken * taken) - mean * mean
            })?,
        };
        Ok((name.clone(), estimate))
    });
    values.collect()
}

/// Whether a case of many sizes may have a value of this name.
pub(super) fn is_of_multi_rate(name: &str) -> bool {
    ["mean_used", "P_full"].contains(&name)
        || name.strip_prefix("block_b").is_some_and(|units| units.parse::<u32>().is_ok())
}

/// Whether a case without limits may have a value of this name.
pub(super) fn is_of_endless(name: &str) -> bool {
    ["mean", "var"].contains(&name) || threshold_of(name).is_some()
}

/// `P_N_gt_40`: that there are more than so many.
fn threshold_of(name: &str) -> Option<f64> {
    name.strip_prefix("P_N_gt_")?.parse::<u32>().ok().map(f64::from)
}

/// Sums of replications by their places: times, then for how long so many were taken (the run less the rule, then the
/// rule by itself), then for each class how many came and were turned away, likewise.
struct Sums<'a> {
    sums: &'a [f64],
    levels: usize,
}

impl Sums<'_> {
    /// The share of a class that is turned away.
    fn blocked(&self, class: usize) -> f64 {
        let own = &self.sums[2 + 2 * self.levels + 4 * class..];
        mean(own[0], own[1]) + mean(own[2], own[3])
    }
}

/// The mean over time of a function of how many are taken.
fn moment(sums: &Sums<'_>, of: impl Fn(f64) -> f64) -> f64 {
    let (own, known) = sums.sums[2..].split_at(sums.levels);
    let taken = own.iter().zip(&known[..sums.levels]).enumerate();
    let means =
        taken.map(|(taken, (own, known))| of(taken as f64) * (own / sums.sums[0] + known / sums.sums[1]));
    means.sum()
}

/// What the replications of each law have given.
struct Found {
    replications: Vec<Vec<f64>>,
    laws: &'static [Law],
    levels: usize,
}

impl Found {
    /// A number of all of them, on which the laws agree.
    fn estimate(&self, of: impl Fn(&Sums<'_>) -> f64) -> Result<Estimate, String> {
        let of = |sums: &[f64]| of(&Sums { sums, levels: self.levels });
        let all = jackknife(&self.replications, of);
        let by_law: Vec<(Law, Estimate)> = (self.laws.iter().enumerate())
            .map(|(place, law)| {
                let own = self.replications.iter().skip(place).step_by(self.laws.len());
                (*law, jackknife(&own.cloned().collect::<Vec<_>>(), of))
            })
            .collect();
        for (one, here) in &by_law {
            // One replication alone says nothing, and is like anything.
            let differs = |(_, there): &&(Law, Estimate)| {
                (here.value - there.value).abs() > here.half_width + there.half_width
            };
            if let Some((other, there)) = by_law.iter().find(differs) {
                let values = (here.value, there.value);
                return Err(format!("with times of {one:?} and of {other:?} it is not alike: {values:?}"));
            }
        }
        Ok(all)
    }
}

/// Times that a run has shown.
#[derive(Default)]
struct Seen {
    /// Between arrivals, by class.
    between: Vec<Vec<f64>>,
    /// Of tasks, as far as they are not long.
    ran: Vec<f64>,
}

impl System {
    fn measure(&self, effort: &Effort) -> Result<Found, String> {
        let levels = self.capacity as usize + 1;
        let replications = effort.replicate(|seed| {
            let law = self.laws[(seed % self.laws.len() as u64) as usize];
            let mut sums = vec![0.0; 2 + 2 * levels + 4 * self.classes.len()];
            let has_run = seed % (1 << 16) < self.runs;
            let seen = if has_run { self.add_run(&mut sums, seed, law, effort)? } else { Seen::default() };
            self.add_known(&mut sums, seed, law, effort);
            Ok((sums, seen))
        })?;
        for class in 0..self.classes.len() {
            let of_class = |one: &Seen| one.between.get(class).cloned().unwrap_or_default();
            let between: Vec<f64> = replications.iter().flat_map(|(_, one)| of_class(one)).collect();
            let law = (1.0 / self.classes[class].rate, f64::MAX);
            Law::Exponential.check("between two arrivals", law, &between, effort.seed)?;
        }
        for (place, law) in self.laws.iter().enumerate() {
            let own = replications.iter().skip(place).step_by(self.laws.len());
            let ran: Vec<f64> = own.flat_map(|(_, one)| one.ran.iter().copied()).collect();
            law.check("of a task", (self.mean, LONG * self.mean), &ran, effort.seed)?;
        }
        let replications = replications.into_iter().map(|one| one.0).collect();
        Ok(Found { replications, laws: self.laws, levels })
    }

    fn stage(&self, seed: u64, law: Law, length: f64) -> Stage {
        let unit_s = self.unit_s;
        let begin = if self.crowd > 0 { CROWD } else { 0.0 };
        // A deployment that is asked for at the end is decided on soon.
        let mut stage = Stage::of_steady_peers(seed, unit_s * (begin + length) + 30.0, 1);
        stage.timeout = "3000d";
        stage.strategy = "{recovery: stay_down, attempts: 1}".to_owned();
        stage.cores = if self.room == Room::Cores { self.machine } else { 4000 };
        stage.cards = if self.room == Room::Cards { self.machine } else { 0 };
        if self.room == Room::Places {
            stage.places = format!("{{at_once: {}, waiting: 0}}", self.machine);
        }
        let run = law.text(unit_s * self.mean);
        let task = |cores, cards, when| Task { run: run.clone(), when, nodes: vec![(cores, Some(0))], cards };
        stage.tasks = Vec::new();
        for class in &self.classes {
            let cores = if self.room == Room::Cores { f64::from(class.units) } else { 0.1 };
            let cards = if self.room == Room::Cards { class.units } else { 0 };
            stage.tasks.push(task(cores, cards, at_random(None, unit_s / class.rate, unit_s * begin)));
        }
        if self.crowd > 0 {
            stage.tasks.push(task(0.1, 0, regularly(self.crowd, unit_s * CROWD / self.crowd as f64)));
        }
        stage
    }

    /// Adds what a run shows less what the rule makes of the same.
    fn add_run(&self, sums: &mut [f64], seed: u64, law: Law, effort: &Effort) -> Result<Seen, String> {
        let length = (self.run * effort.length).max(0.3);
        let stage = self.stage(seed, law, length);
        let mut units: Vec<u32> = self.classes.iter().map(|class| class.units).collect();
        units.push(1);
        let journal = Journal::of(&stage, units.clone(), self.capacity as usize)?;
        let in_units = |at: Time| at.as_secs_f64() / self.unit_s;
        let end = in_units(journal.end);
        let mut rng = Streams::new(seed).owned(RULE, 1);
        let mut rule = Units::new(self.capacity);
        let mut comers: Vec<(f64, &Job)> = Vec::new();
        for job in &journal.jobs {
            comers.extend(arrival_of(job, self.room)?.map(|at| (in_units(at), job)));
        }
        comers.sort_by(|one, other| one.0.total_cmp(&other.0));
        let levels = self.capacity as usize + 1;
        for (at, job) in comers {
            rule.pass(at);
            let part = job.parts.first();
            let takes = || match part.map(|part| (part.began, part.done)) {
                Some((Some(began), Some(done))) => in_units(done) - in_units(began),
                // It still runs.
                Some(_) => f64::MAX,
                None => law.draw(&mut rng) * self.mean,
            };
            let is_in = rule.take(units[job.user as usize], takes);
            // The crowd is of no class.
            if let Some(own) =
                sums.get_mut(2 + 2 * levels + 4 * job.user as usize..).filter(|own| !own.is_empty())
            {
                own[0] += 1.0;
                own[1] += f64::from(u8::from(part.is_none())) - f64::from(u8::from(!is_in));
            }
        }
        rule.pass(end);
        sums[0] += end;
        for (place, (span_s, known)) in journal.in_use.spans_s.iter().zip(&rule.spans).enumerate() {
            sums[2 + place] += span_s / self.unit_s - known;
        }
        let between = |class: usize| {
            journal.between_s(class as u32).into_iter().map(|seconds| seconds / self.unit_s).collect()
        };
        // Long ones are cut off by the end, so those count that had time enough to be long.
        let until = end - LONG * self.mean;
        let ran = journal.jobs.iter().flat_map(|job| &job.parts).filter_map(|part| {
            let began = in_units(part.began?);
            let took = part.done.map_or(LONG * self.mean, |done| in_units(done) - began);
            (began < until).then_some(took)
        });
        Ok(Seen { between: (0..self.classes.len()).map(between).collect(), ran: ran.collect() })
    }

    /// Adds what the rule makes of draws.
    fn add_known(&self, sums: &mut [f64], seed: u64, law: Law, effort: &Effort) {
        let levels = self.capacity as usize + 1;
        let mut rng = Streams::new(seed).owned(ARRIVALS, 0);
        let mut rule = Units::new(self.capacity);
        let total: f64 = self.classes.iter().map(|class| class.rate).sum();
        let length = self.known * effort.length;
        let (begin, end) = (length / 10.0, length * 1.1);
        let mut now = 0.0;
        let mut is_warm = false;
        loop {
            now += Law::Exponential.draw(&mut rng) / total;
            if now >= begin && !is_warm {
                is_warm = true;
                rule.pass(begin);
                rule.forget();
            }
            if now >= end {
                break;
            }
            rule.pass(now);
            let class = self.drawn_class(&mut rng, total);
            let is_in = rule.take(self.classes[class].units, || law.draw(&mut rng) * self.mean);
            if is_warm {
                let own = &mut sums[2 + 2 * levels + 4 * class..];
                own[2] += 1.0;
                own[3] += f64::from(u8::from(!is_in));
            }
        }
        rule.pass(end);
        sums[1] += end - begin;
        sums[2 + levels..].iter_mut().zip(&rule.spans).for_each(|(sum, span)| *sum += span);
    }

    fn drawn_class(&self, rng: &mut Rng<'_>, total: f64) -> usize {
        if self.classes.len() == 1 {
            return 0;
        }
        let mut rest = rng.unit_f64() * total;
        let found = self.classes.iter().position(|class| {
            rest -= class.rate;
            rest < 0.0
        });
        found.unwrap_or(self.classes.len() - 1)
    }
}

/// How long it takes until all of a crowd have come.
const CROWD: f64 = 0.1;
/// What takes longer than so many times the mean is long.
const LONG: f64 = 0.5;

/// When it was decided whether there is room for a job; none where it never came to that.
fn arrival_of(job: &Job, room: Room) -> Result<Option<Time>, String> {
    match (job.parts.first(), job.refused) {
        (Some(part), _) => Ok(Some(part.came)),
        (None, Some((Step::Start, at))) if room == Room::Places => Ok(Some(at)),
        (None, Some((Step::Bid, _))) if room.is_of_resources() => Ok(Some(job.asked)),
        (None, Some((Step::Commit, at))) if room.is_of_resources() => Ok(Some(at)),
        // It has drawn the subnet of another that runs there.
        (None, Some((Step::Provision, _))) => Ok(None),
        (None, Some((step, _))) => Err(format!("a deployment failed at the step `{}`", step.as_str())),
        // It was asked for at the very end.
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Effort = Effort { replications: 8, length: 0.2, widest: 0.5, seed: 3 };

    /// Ten units of which each that comes takes one.
    fn ten(room: Room, machine: u32, laws: &'static [Law]) -> Result<Estimate, String> {
        let system = System {
            classes: vec![Class { rate: 8.0, units: 1 }],
            capacity: 10,
            machine,
            room,
            mean: 1.0,
            laws,
            unit_s: 5000.0,
            crowd: 0,
            run: 100.0,
            runs: u64::MAX,
            known: 20_000.0,
        };
        system.measure(&SMALL)?.estimate(|sums| sums.blocked(0))
    }

    #[test]
    fn a_machine_with_a_place_too_many_is_noticed() {
        // Erlang's formula by its own recursion.
        let exact = (1..=10).fold(1.0, |b, n| 8.0 * b / (f64::from(n) + 8.0 * b));
        for room in [Room::Cores, Room::Cards, Room::Places] {
            let Estimate { value, half_width } = ten(room, 10, &[Law::Exponential]).expect("it runs");
            assert!((value - exact).abs() <= half_width, "{value} {half_width} {exact}");
            let Estimate { value, half_width } = ten(room, 11, &[Law::Exponential]).expect("it runs");
            assert!(value + half_width < exact, "{value} {half_width} {exact}");
        }
    }

    #[test]
    fn laws_must_agree() {
        let found = |apart: f64| Found {
            replications: (0..8)
                .map(|number| {
                    let at_random = f64::from(number % 3) / 100.0;
                    let own = f64::from(number % 2) * apart;
                    vec![1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 100.0, 10.0 + own + at_random]
                })
                .collect(),
            laws: &Law::ALL[..2],
            levels: 2,
        };
        assert!(found(0.0).estimate(|sums| sums.blocked(0)).is_ok());
        let refused = found(30.0).estimate(|sums| sums.blocked(0)).expect_err("they differ");
        assert!(
            refused.starts_with("with times of Exponential and of Constant it is not alike"),
            "{refused}"
        );
    }
}
