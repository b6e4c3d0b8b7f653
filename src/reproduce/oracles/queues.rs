//! Q11: a server that fails only while it is busy and goes on where it was.
//!
//! The program of a worker is held up at its work. Until it is done it takes what the case calls its completion time.
//! What waits in front of such a server is in the queue of an orchestrator that works on one deployment at a time.
//!
//! A queue takes long to forget: a mean to within two parts in a hundred takes the waits of millions of deployments. So
//! the waits of a run are compared with those that the same arrivals and completion times give by Lindley's recursion
//! (Proc. Cambridge Phil. Soc. 48, 1952), which are nearly the same and whose mean is known from far more draws of the
//! arrivals and times that the scenario asks for: a control variate with a mean that was estimated (Emsermann and
//! Simon, "Improving simulation efficiency with quasi control variates", Stochastic Models 18(3), 2002). Since that
//! takes arrivals and completion times to be as they should, runs in which they are not are no measurement.

use super::availability::{Measured, add};
use super::stage::{Demand, Stage, exponential};
use super::statistics::{jackknife, mean, variance};
use super::{Effort, OracleCase};
use crate::kernel::{Domain, Rng, Streams, Time};
use crate::sim::watching::{Sight, Sighting};

const RECURSION: Domain = Domain::new("reproduce.oracles.recursion");

/// Q11: the server, and what waits for it where a case asks for that.
pub(super) fn stalling_server(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let asks = |names: [&str; 2]| case.values.iter().any(|(name, _)| names.contains(&&**name));
    let mut found = Vec::new();
    if asks(["EC", "EC2"]) {
        found.extend(completion(case, effort)?);
    }
    if asks(["Wq", "T"]) {
        found.extend(queue(case, effort)?);
    }
    Ok(found)
}

/// The text of a task of random length that is held up, where a unit of the case is so long.
fn program(case: &OracleCase, unit_s: f64) -> String {
    format!(
        "{{size: 1 B, start: 0s, task: {{run: {}, stalls: {{after: {}, for: {}}}}}}}",
        exponential(unit_s / case.param("mu")),
        exponential(unit_s / case.param("fail")),
        exponential(unit_s / case.param("repair"))
    )
}

/// How long tasks take with all that holds them up.
fn completion(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    const WORKERS: u32 = 20;
    /// What a launch takes at most.
    const LAUNCH_S: f64 = 120.0;
    /// Long beside the pauses of Docker between two turns, which are not measured.
    const WORK_S: f64 = 100.0;
    let unit_s = WORK_S * case.param("mu");
    let expected_s = WORK_S * (1.0 + case.param("fail") / case.param("repair"));
    let length_s = LAUNCH_S + effort.scaled(14_000.0) as f64 / f64::from(WORKERS) * expected_s;
    let replications = effort.replicate(|seed| {
        let mut stage = Stage::of_steady_peers(seed, length_s, WORKERS);
        stage.program = Some((program(case, unit_s), 1));
        let mut began: Vec<Option<Time>> = vec![None; WORKERS as usize];
        let mut sums = vec![0.0; 3];
        stage.play(
            length_s,
            &mut |sighting| {
                let Some(began) = began.get_mut(sighting.peer.0 as usize) else { return };
                match sighting.what {
                    Sight::Began { .. } => *began = Some(sighting.at),
                    Sight::Ended { .. } => {
                        if let Some(since) = began.take() {
                            let took = sighting.at.since(since).as_secs_f64() / unit_s;
                            add(&mut sums, &[1.0, took, took * took]);
                        }
                    }
                    _ => {}
                }
            },
            &mut |_| {},
        )?;
        Ok(sums)
    })?;
    Ok(vec![
        ("EC".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[1]))),
        ("EC2".to_owned(), jackknife(&replications, |sums| mean(sums[0], sums[2]))),
    ])
}

/// Deployments that are left out at the beginning, when the queue is short.
const WARM_UP: usize = 100;

/// What waits for the server.
fn queue(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    /// Long beside the steps of a deployment.
    const WORK_S: f64 = 5000.0;
    let unit_s = WORK_S * case.param("mu");
    let between = 1.0 / case.param("lam");
    let count = WARM_UP as u64 + effort.scaled(400.0);
    let replications = effort.replicate(|seed| {
        // Until the last has come and gone, with a good measure of chance.
        let length_s = unit_s * between * (1.5 * count as f64 + 100.0);
        let mut stage = Stage::of_steady_peers(seed, length_s, 1);
        stage.program = Some((program(case, unit_s), 1));
        stage.demand = Demand::AtRandom { count, mean_s: unit_s * between };
        stage.strategy = "{recovery: stay_down, queue: {at_once: 1}}".to_owned();
        stage.timeout = "3000d";
        let mut line = Line::default();
        stage.play(length_s, &mut |sighting| line.see(sighting), &mut |_| {})?;
        let seen = [line.asked.len(), line.began.len(), line.served.len()];
        if seen.iter().any(|seen| *seen as u64 != count) {
            return Err(format!("of {count} deployments {seen:?} were asked for, began and ended"));
        }
        let mut sums = line.sums(unit_s);
        sums.extend(recursion(case, &mut Streams::new(seed).owned(RECURSION, 0), effort.scaled(400_000.0)));
        Ok(sums)
    })?;
    check_inputs(&replications)?;
    let of = |own: usize, known: usize| {
        jackknife(&replications, move |sums| mean(sums[0], sums[own]) + mean(sums[7], sums[known]))
    };
    Ok(vec![("Wq".to_owned(), of(1, 8)), ("T".to_owned(), of(2, 9))])
}

/// Arrivals and completion times must have the means that the recursion has, within five standard errors.
fn check_inputs(replications: &[Vec<f64>]) -> Result<(), String> {
    let total = |place: usize| replications.iter().map(|sums| sums[place]).sum::<f64>();
    for (name, own, squares, known) in
        [("between two arrivals", 3, 4, 10), ("until a task is done", 5, 6, 11)]
    {
        let (is, wanted) = (mean(total(0), total(own)), mean(total(7), total(known)));
        let error = (variance(total(0), total(own), total(squares)) / total(0)).sqrt();
        if (is - wanted).abs() > 5.0 * error {
            return Err(format!("the time {name} is {is} on average and should be {wanted}"));
        }
    }
    Ok(())
}

/// The deployments of a run in their order: when each was asked for, when its program began and ended.
#[derive(Default)]
struct Line {
    asked: Vec<Time>,
    began: Vec<Time>,
    served: Vec<Time>,
}

impl Line {
    fn see(&mut self, sighting: &Sighting) {
        match sighting.what {
            Sight::Asked => self.asked.push(sighting.at),
            Sight::Began { .. } => self.began.push(sighting.at),
            Sight::Ended { .. } => self.served.push(sighting.at),
            _ => {}
        }
    }

    /// In units of the case: how many there are, how much longer they wait and stay than by the recursion, and sums and
    /// sums of squares of the times between arrivals and of those until a task is done.
    fn sums(&self, unit_s: f64) -> Vec<f64> {
        let units = |from: Time, to: Time| to.since(from).as_secs_f64() / unit_s;
        let mut sums = vec![0.0; 7];
        let mut recursion = 0.0;
        let moments = self.asked.iter().zip(&self.began).zip(&self.served);
        let mut last: Option<(Time, f64)> = None;
        for (number, ((asked, began), served)) in moments.enumerate() {
            let (waited, took) = (units(*asked, *began), units(*began, *served));
            let between = last.map_or(0.0, |(last, _)| units(last, *asked));
            recursion = last.map_or(0.0, |(_, former)| f64::max(recursion + former - between, 0.0));
            last = Some((*asked, took));
            if number >= WARM_UP {
                let stays = units(*asked, *served);
                let more = [waited - recursion, stays - recursion - took];
                add(&mut sums, &[1.0, more[0], more[1], between, between * between, took, took * took]);
            }
        }
        sums
    }
}

/// Lindley's recursion on draws of what the scenario asks for: how many there are, how long they wait and stay, the
/// times between arrivals and until a task is done.
fn recursion(case: &OracleCase, rng: &mut Rng<'_>, count: u64) -> Vec<f64> {
    let mut exponential = |rate: f64| -libm::log(rng.open_unit_f64()) / rate;
    let mut sums = vec![0.0; 5];
    let (mut waits, mut former) = (0.0, 0.0);
    for number in 0..WARM_UP as u64 + count {
        let between = exponential(case.param("lam"));
        waits = f64::max(waits + former - between, 0.0);
        let work = exponential(case.param("mu"));
        let (mut done, mut took) = (exponential(case.param("fail")), work);
        while done < work {
            took += exponential(case.param("repair"));
            done += exponential(case.param("fail"));
        }
        former = took;
        if number >= WARM_UP as u64 {
            add(&mut sums, &[1.0, waits, waits + took, between, took]);
        }
    }
    sums
}
