//! Every point at which a peer may crash, tried: a run of a scenario tells the points, and a run for each has exactly
//! one peer crash there and start again.
//!
//! A point is a role and a boundary of the protocol (`sim::crash_points`), and its first occurrence stands for it.
//! Nothing is drawn, so the matrix is the same on any number of threads.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::trial::{Trial, Untried, Verdict, of_options};
use crate::kernel::{Span, Time};
use crate::sim::crash_points::{Boundary, Crash, CrashPlan, Moment, Part, Participant, Passed, Side};
use crate::sim::event::PeerId;
use crate::sim::setup::Role;
use crate::sim::{Options, Setup};

/// How crash points are tried.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// After which times a peer starts again: a run for each.
    pub restarts: Vec<Span>,
    /// How many occurrences of a boundary stand for it: the first ones and, where it is more than one, the last.
    pub occurrences: usize,
    /// Whether peers crash also after they have stored what came of something and before they have sent anything.
    pub unsent: bool,
    /// Whether machines crash and lose their disks, and not processes alone.
    pub loses_disk: bool,
}

/// A crash that stands for a point.
#[derive(Clone, Debug)]
pub struct Place {
    /// Who crashes.
    pub peer: PeerId,
    /// Its name.
    pub name: Arc<str>,
    /// The moment at which it does.
    pub moment: Moment,
}

/// A role, a boundary and a side of it.
#[derive(Clone, Debug)]
pub struct Point {
    /// The place of its role among those of the survey.
    pub role: usize,
    /// The place of its boundary and side among those of the survey.
    pub row: usize,
    /// The crashes that stand for it.
    pub places: Vec<Place>,
}

/// The crash points of a scenario.
#[derive(Clone, Debug)]
pub struct Survey {
    /// Its boundaries with their sides, in the order in which they first come.
    pub rows: Vec<(Boundary, Side)>,
    /// The roles of its peers.
    pub roles: Vec<&'static str>,
    /// The points, row by row.
    pub points: Vec<Point>,
    /// What came of the run without a crash.
    pub undisturbed: Verdict,
}

/// Why there are no crash points.
#[derive(Debug)]
pub enum Unsurveyed {
    /// The run was interrupted.
    Interrupted,
    /// The simulator broke down in the run without a crash, or it cannot be built: in words.
    Broken(String),
    /// No deployment comes to any state in it.
    Idle,
}

/// What came of the crashes of a point with one time until the restart.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The point, by its place among those of the survey.
    pub point: usize,
    /// The restart, by its place among those that are tried.
    pub restart: usize,
    /// The worst of what came of them.
    pub judgement: Judgement,
    /// The place at which that was.
    pub place: Place,
}

/// What came of a crash.
#[derive(Clone, Debug)]
pub enum Judgement {
    /// The search was interrupted before.
    Interrupted,
    /// None: the peer is down at the time anyway.
    Down,
    /// It was seen.
    Seen(Verdict),
}

impl Judgement {
    /// Its word in the matrix.
    #[must_use]
    pub fn word(&self) -> &str {
        match self {
            Self::Interrupted => "?",
            Self::Down => "down",
            Self::Seen(verdict) => verdict.rule().unwrap_or("ok"),
        }
    }

    /// Which of two judgements stands for both.
    fn weight(&self) -> usize {
        match self {
            Self::Interrupted => 0,
            Self::Down => 1,
            Self::Seen(verdict) => 2 + verdict.weight(),
        }
    }
}

impl Cell {
    /// What was seen, if anything could be.
    #[must_use]
    pub const fn verdict(&self) -> Option<&Verdict> {
        match &self.judgement {
            Judgement::Seen(verdict) => Some(verdict),
            Judgement::Interrupted | Judgement::Down => None,
        }
    }
}

/// What a peer is in the matrix; peers that only attack are left out.
const fn role_of(participant: &Participant) -> Option<&'static str> {
    Some(match (participant.role, participant.part) {
        (Role::Provider, Part::Host) => "provider",
        (Role::Provider, Part::Bidder) => "bidder",
        (Role::Provider, Part::Bystander) => "bystander",
        (Role::Orchestrator, _) => "orchestrator",
        (Role::Relay, _) => "relay",
        (Role::Bootstrap, _) => "bootstrap",
        (Role::ContractHost, _) => "contract-host",
        (Role::PaymentValidator, _) => "payment-validator",
        (Role::VolumeServer, _) => "volume-server",
        (Role::Gateway, _) => "gateway",
        (Role::Machine, _) => "machine",
        (Role::Attacker, _) => return None,
    })
}

/// The order of the roles in the matrix.
const ROLES: &[&str] = &[
    "orchestrator",
    "provider",
    "bidder",
    "bystander",
    "gateway",
    "machine",
    "contract-host",
    "payment-validator",
    "volume-server",
    "relay",
    "bootstrap",
];

/// Runs a scenario without a crash, and tells its crash points.
///
/// # Errors
/// [`Unsurveyed`].
pub fn survey(
    setup: &Setup,
    bounds: &Bounds,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<Survey, Unsurveyed> {
    let trial = attempt(setup, CrashPlan::Survey, false, goes_on).map_err(|_| Unsurveyed::Interrupted)?;
    if let Verdict::Crashed(said) = trial.verdict {
        return Err(Unsurveyed::Broken(said));
    }
    let survey = arranged(&trial.passed, bounds, trial.verdict);
    let has_deployments = survey.rows.iter().any(|(boundary, _)| boundary.what.is_transition());
    if has_deployments { Ok(survey) } else { Err(Unsurveyed::Idle) }
}

/// The points of what a run has passed.
fn arranged(passed: &Passed, bounds: &Bounds, undisturbed: Verdict) -> Survey {
    let mut all: BTreeMap<Boundary, Vec<(Moment, PeerId)>> = BTreeMap::new();
    for ((boundary, peer), moments) in &passed.moments {
        all.entry(*boundary).or_default().extend(moments.iter().map(|moment| (*moment, *peer)));
    }
    let mut boundaries: Vec<(Boundary, Vec<(Moment, PeerId)>)> = all.into_iter().collect();
    for (_, moments) in &mut boundaries {
        moments.sort_unstable_by_key(|(moment, _)| moment.number);
    }
    boundaries.sort_unstable_by_key(|(_, moments)| moments.first().map(|(moment, _)| moment.number));
    let of = |peer: PeerId| role_of(&passed.peers[peer.0 as usize]);
    let peers = || (0..passed.peers.len() as u32).map(PeerId);
    let roles: Vec<&'static str> =
        ROLES.iter().copied().filter(|role| peers().any(|peer| of(peer) == Some(role))).collect();
    let (mut rows, mut points) = (Vec::new(), Vec::new());
    for (boundary, moments) in &boundaries {
        let sides = boundary.what.sides().iter().copied();
        for side in sides.filter(|side| bounds.unsent || *side != Side::Unsent) {
            let row = rows.len();
            for (role, word) in roles.iter().enumerate() {
                let of_role = |peer: &PeerId| of(*peer) == Some(word);
                let mut own: Vec<(Moment, PeerId)> =
                    moments.iter().copied().filter(|(_, peer)| of_role(peer)).collect();
                // When a state changes others may crash just as well, and have nothing to send: the first of each role.
                if own.is_empty() && boundary.what.is_transition() && side == Side::After {
                    let first = peers().find(of_role);
                    own.extend(first.iter().flat_map(|peer| moments.iter().map(|(at, _)| (*at, *peer))));
                }
                let places = representative(&own, bounds.occurrences).into_iter().map(|(moment, peer)| {
                    Place { peer, name: Arc::clone(&passed.peers[peer.0 as usize].name), moment }
                });
                let places: Vec<Place> = places.collect();
                if !places.is_empty() {
                    points.push(Point { role, row, places });
                }
            }
            if points.last().is_some_and(|point| point.row == row) {
                rows.push((*boundary, side));
            }
        }
    }
    Survey { rows, roles, points, undisturbed }
}

/// The first of all occurrences, and of several that are wanted the last of all.
fn representative<T: Copy>(all: &[T], wanted: usize) -> Vec<T> {
    if all.len() <= wanted {
        return all.to_vec();
    }
    match wanted {
        0 | 1 => all[..wanted].to_vec(),
        _ => [&all[..wanted - 1], &all[all.len() - 1..]].concat(),
    }
}

impl Survey {
    /// What a point is called: `orchestrator/Committing/after answer to /dms/deployment/commit`.
    #[must_use]
    pub fn name_of(&self, point: &Point) -> String {
        let (boundary, side) = &self.rows[point.row];
        format!("{}/{}/{} {}", self.roles[point.role], boundary.state(), side.word(), boundary.what)
    }

    /// The point of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        self.points.iter().position(|point| self.name_of(point) == name)
    }

    /// Points whose names are like this one, the most alike first.
    #[must_use]
    pub fn near(&self, name: &str) -> Vec<String> {
        const MOST: usize = 5;
        let names = self.points.iter().map(|point| self.name_of(point));
        let mut near: Vec<(usize, String)> =
            names.map(|known| (strsim::damerau_levenshtein(name, &known), known)).collect();
        near.sort();
        near.into_iter().take(MOST).map(|(_, name)| name).collect()
    }
}

/// Tries some points, by their places, with every restart; `tell` hears of each run that is over.
#[must_use]
pub fn try_points(
    (setup, survey, bounds): (&Setup, &Survey, &Bounds),
    points: &[usize],
    goes_on: &(dyn Fn() -> bool + Sync),
    tell: &(dyn Fn() + Sync),
) -> Vec<Cell> {
    let restarts = 0..bounds.restarts.len();
    let cells = points.iter().flat_map(|point| restarts.clone().map(|restart| (*point, restart)));
    let cells: Vec<(usize, usize)> = cells.collect();
    let try_one = |(number, restart): (usize, usize)| {
        let point = &survey.points[number];
        let mut worst = Cell {
            point: number,
            restart,
            judgement: Judgement::Interrupted,
            place: point.places[0].clone(),
        };
        for place in &point.places {
            let crash = Crash {
                peer: place.peer,
                moment: place.moment.number,
                side: survey.rows[point.row].1,
                restart: bounds.restarts[restart],
                loses_disk: bounds.loses_disk,
            };
            let Ok(trial) = attempt(setup, CrashPlan::Crash(crash), true, goes_on) else { break };
            tell();
            let is_nothing = trial.verdict.weight() == 0 && !trial.passed.has_crashed;
            let judgement = if is_nothing { Judgement::Down } else { Judgement::Seen(trial.verdict) };
            if judgement.weight() > worst.judgement.weight() {
                worst = Cell { judgement, place: place.clone(), ..worst };
            }
        }
        worst
    };
    cells.into_par_iter().with_max_len(1).map(try_one).collect()
}

/// How many runs these points take.
#[must_use]
pub fn runs_of(survey: &Survey, points: &[usize], bounds: &Bounds) -> usize {
    let places: usize = points.iter().map(|point| survey.points[*point].places.len()).sum();
    places * bounds.restarts.len()
}

fn attempt(
    setup: &Setup,
    plan: CrashPlan,
    stops: bool,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<Trial, Untried> {
    let crash_plan = Some(plan);
    let options = Options { checked: true, stops, metrics_only: true, crash_plan, ..Options::default() };
    of_options(setup, options, (None, u64::MAX), goes_on)
}

/// When a crash is, in seconds.
#[must_use]
pub fn at_s(place: &Place) -> f64 {
    place.moment.at.since(Time::ZERO).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_stand_for_all() {
        let all = [1, 2, 3, 4];
        assert_eq!(representative(&all, 1), [1]);
        assert_eq!(representative(&all, 2), [1, 4]);
        assert_eq!(representative(&all, 3), [1, 2, 4]);
        assert_eq!(representative(&all, 9), all);
        assert!(representative(&[0; 0], 2).is_empty());
    }
}
