//! What a search has come to, held against what there is: listed transitions and reasons.

use super::search::Tally;
use crate::sim::check::{Feature, listed};

/// What was and was not come to.
#[derive(Debug, Default)]
pub struct Coverage {
    /// What was come to, in order, with in how many runs.
    pub reached: Vec<(Feature, u64)>,
    /// What is listed, within reach, and was not come to.
    pub missed: Vec<Feature>,
    /// What was not come to because it is out of reach, with why.
    pub out_of_reach: Vec<(Feature, &'static str)>,
}

impl Coverage {
    /// Of a search.
    #[must_use]
    pub fn of(tally: &Tally) -> Self {
        let mut own = Self { reached: tally.reached.clone().into_iter().collect(), ..Self::default() };
        for (feature, why) in listed() {
            match why {
                _ if tally.reached.contains_key(&feature) => {}
                None => own.missed.push(feature),
                Some(why) => own.out_of_reach.push((feature, why)),
            }
        }
        own
    }

    /// In words: how many of the transitions and of the reasons that are within reach were come to.
    #[must_use]
    pub fn in_words(&self) -> String {
        let listed = listed();
        let count = |is_step: bool| {
            let missed = self.missed.iter().filter(|one| one.is_step() == is_step).count();
            let of_kind = |one: &&(Feature, u64)| one.0.is_step() == is_step && listed.contains_key(&one.0);
            let reached = self.reached.iter().filter(of_kind).count();
            format!("{reached} of {}", reached + missed)
        };
        format!(
            "{} transitions and {} reasons within reach, {} out of reach",
            count(true),
            count(false),
            self.out_of_reach.len()
        )
    }
}
