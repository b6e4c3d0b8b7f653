//! What a run shows of its tasks: when each was asked for, came to its machine, waited, ran and ended.

use super::stage::Stage;
use crate::dms::fact::Stage as Step;
use crate::kernel::Time;
use crate::sim::event::PeerId;
use crate::sim::watching::{Sight, Sighting};

/// A part of a job on one machine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) machine: u32,
    /// When the machine was told to start it.
    pub(super) came: Time,
    /// Whether the machine has said that it waits.
    pub(super) waited: bool,
    pub(super) began: Option<Time>,
    pub(super) done: Option<Time>,
}

/// A deployment.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// Whose it is, from 0.
    pub(super) user: u32,
    pub(super) asked: Time,
    /// Machines that have made a bid.
    pub(super) bidders: Vec<u32>,
    /// What its winner will be paid, in millionths per hour, where machines have prices.
    pub(super) paid_micro: Option<u64>,
    pub(super) parts: Vec<Part>,
    /// What was refused last, and when.
    pub(super) refused: Option<(Step, Time)>,
    pub(super) completed: Option<Time>,
}

/// For how long so many of something were counted.
#[derive(Clone, Debug)]
pub(super) struct Count {
    now: u32,
    since: Time,
    /// In seconds, by the number; the last stands for all above too.
    pub(super) spans_s: Vec<f64>,
}

impl Count {
    pub(super) fn up_to(most: usize) -> Self {
        Self { now: 0, since: Time::ZERO, spans_s: vec![0.0; most + 1] }
    }

    /// It changes.
    pub(super) fn change(&mut self, at: Time, by: i64) {
        self.pass(at);
        self.now = u32::try_from(i64::from(self.now) + by).expect("nothing leaves that has not come");
    }

    /// Goes on to a time.
    pub(super) fn pass(&mut self, at: Time) {
        let place = (self.now as usize).min(self.spans_s.len() - 1);
        self.spans_s[place] += at.since(self.since).as_secs_f64();
        self.since = at;
    }
}

/// The jobs of a run, in the order in which they were asked for, and how many there were at a time.
pub(super) struct Journal {
    workers: u32,
    pub(super) jobs: Vec<Job>,
    /// Parts that wait.
    pub(super) waiting: Count,
    /// Units that are in use: each part that runs takes as many as its user's do.
    pub(super) in_use: Count,
    /// Units of a part, by user.
    units: Vec<u32>,
    pub(super) end: Time,
}

impl Journal {
    /// Plays a stage of which each user's tasks count for so many units, of at most `most` that are told apart.
    pub(super) fn of(stage: &Stage, units: Vec<u32>, most: usize) -> Result<Self, String> {
        let mut journal = Self {
            workers: stage.workers,
            jobs: Vec::new(),
            waiting: Count::up_to(most),
            in_use: Count::up_to(most),
            units,
            end: Time::ZERO,
        };
        // A look from time to time, so that what was seen is not kept all at once.
        let step_s = stage.duration_s / 16.0;
        stage.play(step_s, &mut |sighting| journal.see(sighting), &mut |_| {})?;
        journal.end = Time::ZERO + crate::kernel::Span::from_secs_f64(stage.duration_s);
        journal.waiting.pass(journal.end);
        journal.in_use.pass(journal.end);
        Ok(journal)
    }

    fn see(&mut self, sighting: &Sighting) {
        let Sighting { at, peer: PeerId(peer), what } = *sighting;
        match what {
            Sight::Asked => {
                let user = peer - self.workers;
                self.jobs.push(Job {
                    user,
                    asked: at,
                    bidders: Vec::new(),
                    paid_micro: None,
                    parts: Vec::new(),
                    refused: None,
                    completed: None,
                });
            }
            Sight::Bids { deployment } => self.jobs[deployment as usize].bidders.push(peer),
            Sight::Awarded { deployment, paid_micro_per_h, .. } => {
                self.jobs[deployment as usize].paid_micro = Some(paid_micro_per_h);
            }
            Sight::Queued { deployment } => {
                self.waiting.change(at, 1);
                self.part(deployment, peer, at).waited = true;
            }
            Sight::Runs { deployment } => {
                let part = self.part(deployment, peer, at);
                part.began = Some(at);
                if part.waited {
                    self.waiting.change(at, -1);
                }
                let units = self.units_of(deployment);
                self.in_use.change(at, units);
            }
            Sight::Done { deployment } => {
                self.part(deployment, peer, at).done = Some(at);
                let units = self.units_of(deployment);
                self.in_use.change(at, -units);
            }
            Sight::Refused { deployment, stage } => {
                self.jobs[deployment as usize].refused = Some((stage, at));
            }
            Sight::Completed { deployment } => self.jobs[deployment as usize].completed = Some(at),
            _ => {}
        }
    }

    fn units_of(&self, deployment: u32) -> i64 {
        i64::from(self.units[self.jobs[deployment as usize].user as usize])
    }

    fn part(&mut self, deployment: u32, machine: u32, at: Time) -> &mut Part {
        let parts = &mut self.jobs[deployment as usize].parts;
        let place = parts.iter().position(|part| part.machine == machine).unwrap_or_else(|| {
            parts.push(Part { machine, came: at, waited: false, began: None, done: None });
            parts.len() - 1
        });
        &mut parts[place]
    }

    /// Times between two of a user's being asked for, in seconds.
    pub(super) fn between_s(&self, user: u32) -> Vec<f64> {
        let own: Vec<Time> = self.jobs.iter().filter(|job| job.user == user).map(|job| job.asked).collect();
        own.windows(2).map(|pair| pair[1].since(pair[0]).as_secs_f64()).collect()
    }
}
