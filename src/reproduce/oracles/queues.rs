//! Q11: a server that fails only while it is busy and goes on where it was.
//!
//! The program of a worker is held up at its work. Until it is done it takes what the case calls its completion time.
//! Providers keep no queue of work, so what waits in front of such a server is not measured.

use super::availability::{Measured, add};
use super::stage::{Stage, exponential};
use super::statistics::{jackknife, mean};
use super::{Effort, OracleCase};
use crate::kernel::Time;
use crate::sim::watching::Sight;

/// Q11, as far as it is about the server.
pub(super) fn stalling_server(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    const WORKERS: u32 = 20;
    /// What a launch takes at most.
    const LAUNCH_S: f64 = 120.0;
    /// Long beside the pauses of Docker between two turns, which are not measured.
    const WORK_S: f64 = 100.0;
    let unit_s = WORK_S * case.param("mu");
    let expected_s = WORK_S * (1.0 + case.param("fail") / case.param("repair"));
    let length_s = LAUNCH_S + effort.scaled(14_000.0) as f64 / f64::from(WORKERS) * expected_s;
    let replications = effort.replicate(|seed| {
        let stalls = format!(
            "{{after: {}, for: {}}}",
            exponential(unit_s / case.param("fail")),
            exponential(unit_s / case.param("repair"))
        );
        let task = format!("{{run: {}, stalls: {stalls}}}", exponential(WORK_S));
        let mut stage = Stage::of_steady_peers(seed, length_s, WORKERS);
        stage.program = Some((format!("{{size: 1 B, start: 0s, task: {task}}}"), 1));
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
