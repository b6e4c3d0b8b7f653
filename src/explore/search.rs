//! The seeds of a search: each drawn, or put into one scenario, run and judged, in batches that share the cores. What
//! a batch has reached steers what later ones draw, and batches are the same whatever the number of threads, so a
//! search is the same too.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use super::choices::{Choice, Choices};
use super::draw::{Bounds, draw};
use super::trial::{Trial, Untried, Verdict, of_setup, of_text};
use crate::scenario::Report;
use crate::sim::Setup;
use crate::sim::check::Feature;

/// Seeds whose choices are drawn alike.
const BATCH: u64 = 64;

/// What is run with each seed.
#[derive(Clone, Copy)]
pub enum Subject<'a> {
    /// A configuration that is drawn from the seed.
    Drawn(&'a Bounds),
    /// One scenario, which this loads with the seed in the place of its own.
    Given(&'a (dyn Fn(u64) -> Result<Setup, Report> + Sync)),
}

/// A configuration in which something was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// Its seed.
    pub seed: u64,
    /// What it has; nothing in particular where the scenario was given.
    pub choices: Choices,
    /// Its text; empty where the scenario was given.
    pub text: String,
    /// What was found.
    pub verdict: Verdict,
}

/// A text that is no scenario: a mistake of the drawing, or of who has written it.
#[derive(Debug)]
pub struct Misdrawn {
    /// Its seed.
    pub seed: u64,
    /// Its text; empty where the scenario was given.
    pub text: String,
    /// What is wrong with it.
    pub report: Box<Report>,
}

/// What a search has come to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Seeds tried.
    pub seeds: u64,
    /// Facts of each, in no order.
    pub facts: Vec<u64>,
    /// Runs without a finding in which something was broken so often that not every rule about what must not last has
    /// looked.
    pub restless: u64,
    /// Everything that was reached, with in how many runs.
    pub reached: BTreeMap<Feature, u64>,
    /// How much was reached first with each choice, and how often it was chosen.
    worth: BTreeMap<Choice, (u64, u64)>,
}

impl Tally {
    /// The median of the facts of a run.
    #[must_use]
    pub fn median_facts(&self) -> u64 {
        let mut facts = self.facts.clone();
        facts.sort_unstable();
        facts.get(facts.len() / 2).copied().unwrap_or_default()
    }

    /// How often a choice is to be drawn, in percent: as often as not, more where it led to what had not been reached.
    fn percent(&self, choice: Choice) -> u64 {
        let Some(&(news, chosen)) = self.worth.get(&choice) else { return USUAL };
        let all: (u64, u64) = self.worth.values().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        if chosen == 0 || all.0 == 0 {
            return USUAL;
        }
        // Of what each run with it has brought on average, against that of all.
        let ratio = (news * all.1) as f64 / (chosen * all.0) as f64;
        ((USUAL as f64) * ratio.clamp(0.5, 1.6)) as u64
    }

    fn take(&mut self, choices: Choices, trial: &Trial) {
        self.seeds += 1;
        self.facts.push(trial.reached.facts());
        self.restless += u64::from(trial.restless && trial.verdict.rule().is_none());
        let mut news = 0;
        for feature in trial.reached.features() {
            let count = self.reached.entry(feature).or_default();
            news += u64::from(*count == 0);
            *count += 1;
        }
        for choice in choices.iter() {
            let worth = self.worth.entry(choice).or_default();
            *worth = (worth.0 + news, worth.1 + 1);
        }
    }
}

/// One configuration, tried.
pub(super) struct Tried {
    pub(super) seed: u64,
    choices: Choices,
    pub(super) text: String,
    pub(super) trial: Trial,
}

/// How often a choice is drawn of which nothing is known, in percent.
pub const USUAL: u64 = 45;

/// What the configuration of a seed is called, as a file.
#[must_use]
pub fn name_of(seed: u64) -> String {
    format!("seed-{seed}.yaml")
}

/// Tries seeds, as many at a time as there are cores; those that were interrupted are left out.
pub(super) fn try_all(
    seeds: Range<u64>,
    (subject, only): (Subject<'_>, Option<&str>),
    percent: &dyn Fn(Choice) -> u64,
    goes_on: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Tried>, Misdrawn> {
    let choose = |seed: u64| match subject {
        Subject::Drawn(bounds) => bounds.choose(seed, percent),
        Subject::Given(_) => Choices::default(),
    };
    let chosen: Vec<(u64, Choices)> = seeds.map(|seed| (seed, choose(seed))).collect();
    let tried: Vec<_> = chosen
        .into_par_iter()
        // Runs are long: a core that has none takes the next one, and waits for nobody.
        .with_max_len(1)
        .map(|(seed, choices)| match subject {
            Subject::Drawn(bounds) => {
                let text = draw(seed, choices, bounds);
                let trial = of_text(&name_of(seed), &text, only, goes_on);
                (seed, choices, text, trial)
            }
            Subject::Given(load) => {
                let trial = match load(seed) {
                    Ok(setup) => of_setup(&setup, only, goes_on),
                    Err(report) => Err(Untried::Text(Box::new(report))),
                };
                (seed, choices, String::new(), trial)
            }
        })
        .collect();
    let mut all = Vec::new();
    for (seed, choices, text, trial) in tried {
        match trial {
            Ok(trial) => all.push(Tried { seed, choices, text, trial }),
            Err(Untried::Interrupted) => {}
            Err(Untried::Text(report)) => return Err(Misdrawn { seed, text, report }),
        }
    }
    Ok(all)
}

/// Tries seeds until they or the time are over, and watches all rules or `only` one. `tell` hears of each finding and,
/// with none, of each batch.
///
/// # Errors
/// What is no scenario.
pub fn search(
    seeds: Range<u64>,
    (subject, only): (Subject<'_>, Option<&str>),
    goes_on: &(dyn Fn() -> bool + Sync),
    tell: &mut dyn FnMut(&Tally, Option<Found>),
) -> Result<Tally, Misdrawn> {
    let mut tally = Tally::default();
    let mut next = seeds.start;
    while next < seeds.end && goes_on() {
        let batch = next..(next + BATCH).min(seeds.end);
        next = batch.end;
        let tried = try_all(batch, (subject, only), &|choice| tally.percent(choice), goes_on)?;
        for Tried { seed, choices, text, trial } in tried {
            tally.take(choices, &trial);
            if trial.verdict.rule().is_some() {
                tell(&tally, Some(Found { seed, choices, text, verdict: trial.verdict }));
            }
        }
        tell(&tally, None);
    }
    Ok(tally)
}
