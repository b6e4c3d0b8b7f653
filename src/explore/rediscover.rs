//! Which weaknesses a profile has, found by search alone: each finding is traced to the fewest weaknesses with which it
//! still shows, made small, and counts for one without which it does not; the search goes on with that one mended, so
//! that what it hid shows.

use std::ops::Range;

use rayon::prelude::*;

use super::blame::{is_broken, narrowed, under};
use super::draw::Bounds;
use super::search::{Misdrawn, Subject, Tried, USUAL, name_of, try_all};
use super::shrink::{Shrunk, shrink};
use crate::dms::profile::{Profile, Weakness};
use crate::scenario::{write_profile, yaml};

/// Seeds that are tried before what they have found is traced.
const BATCH: u64 = 16;
/// Findings of a batch that are traced: the first of each rule, and no more than these.
const MOST_TRACED: usize = 4;
/// Runs in which a finding is made small.
const MOST_RUNS: u64 = 2000;
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
    /// The other weaknesses that it takes: without any one of them it does not show either.
    pub with: Vec<Weakness>,
    /// Whether it shows with all weaknesses at once, and goes with this one fix.
    pub alone: bool,
}

/// What came of a finding.
#[derive(Clone, Debug)]
pub enum Traced {
    /// It is due to a weakness.
    To(Box<Rediscovered>),
    /// It is not: it takes none, or too many.
    Nowhere {
        /// The seed of the configuration.
        seed: u64,
        /// The rule that is broken in it.
        rule: String,
        /// Why it counts for none.
        why: String,
        /// The configuration.
        text: String,
    },
}

/// Searches seeds under a profile until they, the time or its weaknesses are over. `tell` hears of each finding.
///
/// # Errors
/// What was drawn and is no scenario.
pub fn rediscover(
    seeds: Range<u64>,
    bounds: &Bounds,
    profile: Profile,
    goes_on: &(dyn Fn() -> bool + Sync),
    tell: &mut dyn FnMut(&Traced),
) -> Result<Profile, Misdrawn> {
    let mut left = profile;
    let mut next = seeds.start;
    while next < seeds.end && goes_on() && left != Profile::INTENDED {
        let batch = next..(next + BATCH).min(seeds.end);
        next = batch.end;
        let bounds = Bounds { profile: write_profile(left), ..bounds.clone() };
        let mut traced: Vec<Finding> = Vec::new();
        for Tried { seed, text, trial, .. } in
            try_all(batch, (Subject::Drawn(&bounds), None), &|_| USUAL, goes_on)?
        {
            let rule = trial.verdict.rule().map(str::to_owned);
            let fresh = |rule: &String| traced.iter().all(|known| known.rule != *rule);
            if let Some(rule) = rule.filter(|rule| fresh(rule) && traced.len() < MOST_TRACED) {
                traced.push(Finding { seed, text, rule });
            }
        }
        let found: Vec<Traced> = traced
            .par_iter()
            .with_max_len(1)
            .map(|finding| finding.trace((profile, left), goes_on))
            .collect();
        for one in found.iter().filter(|_| goes_on()) {
            if let Traced::To(found) = one {
                if !left.has(found.weakness) {
                    continue;
                }
                left = left.without(found.weakness);
            }
            tell(one);
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
    /// What it is due to.
    fn trace(&self, (profile, left): (Profile, Profile), goes_on: &(dyn Fn() -> bool + Sync)) -> Traced {
        let nowhere = |why: &str| {
            let (rule, text) = (self.rule.clone(), self.text.clone());
            Traced::Nowhere { seed: self.seed, rule, why: why.to_owned(), text }
        };
        let (name, rule) = (name_of(self.seed), &*self.rule);
        let fewest = |text: &str, profile| {
            let tree = yaml::parse(text.as_bytes()).ok()?;
            let few = narrowed(&name, &tree, (rule, profile), goes_on)?;
            Some((tree, few))
        };
        let Some((tree, few)) = fewest(&self.text, left) else {
            return nowhere("it shows with everything mended, or not again");
        };
        let small = shrink(&name, &yaml::write(&under(&tree, few)), rule, MOST_RUNS, goes_on);
        let small = small.and_then(|small| Some((fewest(&small.text, few)?, small)));
        let Some(((tree, few), mut shrunk)) = small else {
            return nowhere("nothing is left of it when small");
        };
        let shows = is_broken(&name, &tree, (rule, profile), goes_on);
        let goes = |weakness: &Weakness| {
            shows && !is_broken(&name, &tree, (rule, profile.without(*weakness)), goes_on)
        };
        // One with which it goes among all the others as well counts before one with which it goes among these only.
        let due: Vec<Weakness> = few.weaknesses().collect();
        let alone = due.iter().copied().find(goes);
        let weakness = alone.unwrap_or(due[0]);
        let with: Vec<Weakness> = due.into_iter().filter(|other| *other != weakness).collect();
        if with.len() > MOST_TOGETHER {
            return nowhere(&format!("it takes {} weaknesses together", with.len() + 1));
        }
        shrunk.text = yaml::write(&under(&tree, if alone.is_some() { profile } else { few }));
        let alone = alone.is_some();
        Traced::To(Box::new(Rediscovered { weakness, seed: self.seed, shrunk, with, alone }))
    }
}
