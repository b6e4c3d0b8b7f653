//! Which weaknesses a profile has, found by search alone: each finding is made small, traced to the weakness whose
//! single fix makes it go, and the search goes on with that weakness mended, so that what it hid shows.

use std::ops::Range;

use rayon::prelude::*;

use super::blame::{blamed, is_broken, under};
use super::draw::Bounds;
use super::search::{Misdrawn, Tried, USUAL, name_of, try_all};
use super::shrink::{Shrunk, shrink};
use crate::dms::profile::{Profile, Weakness};
use crate::scenario::{write_profile, yaml};

/// Seeds that are tried before what they have found is traced.
const BATCH: u64 = 16;
/// Findings of a batch that are traced: the first of each rule, and no more than these.
const MOST_TRACED: usize = 4;
/// Runs in which a finding is made small.
const MOST_RUNS: u64 = 800;
/// Other weaknesses that a finding may take as well.
const MOST_TOGETHER: usize = 3;

/// A weakness that was found.
#[derive(Clone, Debug)]
pub struct Rediscovered {
    /// Which.
    pub weakness: Weakness,
    /// The seed of the configuration in which it showed.
    pub seed: u64,
    /// A small scenario in which it shows, and does not with this one fix.
    pub shrunk: Shrunk,
    /// The other weaknesses without any one of which it does not show either.
    pub with: Vec<Weakness>,
    /// Whether it shows with all weaknesses at once, and goes with this one fix.
    pub alone: bool,
}

/// Searches seeds under a profile until they, the time or its weaknesses are over. `tell` hears of each weakness.
///
/// # Errors
/// What was drawn and is no scenario.
pub fn rediscover(
    seeds: Range<u64>,
    bounds: &Bounds,
    profile: Profile,
    goes_on: &(dyn Fn() -> bool + Sync),
    tell: &mut dyn FnMut(&Rediscovered),
) -> Result<Profile, Misdrawn> {
    let mut left = profile;
    let mut next = seeds.start;
    while next < seeds.end && goes_on() && left != Profile::INTENDED {
        let batch = next..(next + BATCH).min(seeds.end);
        next = batch.end;
        let bounds = Bounds { profile: write_profile(left), ..bounds.clone() };
        let mut traced: Vec<Finding> = Vec::new();
        for Tried { seed, text, trial, .. } in try_all(batch, (&bounds, None), &|_| USUAL, goes_on)? {
            let rule = trial.verdict.rule().map(str::to_owned);
            let fresh = |rule: &String| traced.iter().all(|known| known.rule != *rule);
            if let Some(rule) = rule.filter(|rule| fresh(rule) && traced.len() < MOST_TRACED) {
                traced.push(Finding { seed, text, rule });
            }
        }
        let found: Vec<Rediscovered> =
            traced.par_iter().filter_map(|finding| finding.trace((profile, left), goes_on)).collect();
        for one in found {
            if left.has(one.weakness) {
                left = left.without(one.weakness);
                tell(&one);
            }
        }
    }
    Ok(left)
}

/// Something that was found in a configuration.
struct Finding {
    seed: u64,
    text: String,
    rule: String,
}

impl Finding {
    /// The weakness that it is due to, if it is due to one.
    fn trace(
        &self,
        (profile, left): (Profile, Profile),
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Option<Rediscovered> {
        let (name, rule) = (name_of(self.seed), &*self.rule);
        // In a run as long as that anything that is done otherwise may make something go; not in a small one.
        let mut shrunk = shrink(&name, &self.text, rule, MOST_RUNS, goes_on)?;
        let mut due = blamed(&name, &shrunk.text, (rule, left), goes_on).into_iter();
        let (weakness, with): (Weakness, Vec<Weakness>) = (due.next()?, due.collect());
        // What any change makes go says nothing.
        if with.len() > MOST_TOGETHER {
            return None;
        }
        let tree = yaml::parse(shrunk.text.as_bytes()).ok()?;
        let alone = is_broken(&name, &tree, (rule, profile), goes_on)
            && !is_broken(&name, &tree, (rule, profile.without(weakness)), goes_on);
        if alone {
            shrunk.text = yaml::write(&under(&tree, profile));
        }
        goes_on().then_some(Rediscovered { weakness, seed: self.seed, shrunk, with, alone })
    }
}
