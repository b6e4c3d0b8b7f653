//! A1: reverse auctions. Each of *n* bidders knows what a task costs him; the cheapest gets it, and is paid the second
//! lowest price, or his own, which he then sets above his cost as it pays best (Vickrey 1961).
//!
//! Bidders are providers that draw what they want to be paid for a node, of which a request asks as many as the case
//! has: the costs of those are independent. The policies `first_price_auction` and `second_price_auction` choose, and
//! `markup` is how a provider asks for more than its cost.
//!
//! What the orchestrators of a run pay is compared with the rule on the costs of those that have made a bid; what the
//! rule gives on average is known from draws.

use super::availability::{Measured, add};
use super::jobs::Journal;
use super::stage::{Stage, Task, regularly};
use super::statistics::{Estimate, are_alike, jackknife, mean};
use super::{Effort, OracleCase};
use crate::kernel::{Domain, Streams};
use crate::sim::World;

const COSTS: Domain = Domain::new("reproduce.oracles.auctions");
/// Providers of a run.
const PROVIDERS: u32 = 500;
/// Auctions of a run, in how many replications there is one, and auctions that are drawn without any.
const RUN: f64 = 200.0;
const RUNS: u64 = 4;
const KNOWN: f64 = 20_000.0;
/// Millionths in a unit of money.
const MICRO: f64 = 1e6;

/// How the winner is paid.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    /// The second lowest cost.
    SecondPrice,
    /// What it has asked for: its cost.
    OwnCost,
    /// What it has asked for: more than its cost.
    Markup,
}

/// A1: what the winner costs, what it is paid, and what it keeps of that. What it keeps is measured where it is paid
/// its own price, so that the two kinds of auctions must be worth the same.
pub(super) fn reverse(case: &OracleCase, effort: &Effort) -> Result<Measured, String> {
    let auction = |rule| Auction { bidders: case.param("n") as u32, asked: case.param("n") as u32, rule };
    let costs = auction(Rule::OwnCost).replications(effort)?;
    let mut found = Measured::new();
    for (name, _) in &case.values {
        let estimate = match &**name {
            "E_min_cost" => paid(&costs),
            "E_payment" => paid(&auction(Rule::SecondPrice).replications(effort)?),
            _ => {
                let paid = auction(Rule::Markup).replications(effort)?;
                let both: Vec<Vec<f64>> =
                    paid.into_iter().zip(&costs).map(|(paid, costs)| [&paid[..], costs].concat()).collect();
                jackknife(&both, |sums| mean_of(&sums[..4]) - mean_of(&sums[4..]))
            }
        };
        found.push((name.clone(), estimate));
    }
    Ok(found)
}

fn paid(replications: &[Vec<f64>]) -> Estimate {
    jackknife(replications, mean_of)
}

/// Auctions of a run and what was paid in them beyond the rule, then both of the rule by itself.
fn mean_of(sums: &[f64]) -> f64 {
    let beyond = if sums[0] > 0.0 { mean(sums[0], sums[1]) } else { 0.0 };
    beyond + mean(sums[2], sums[3])
}

#[derive(Clone, Copy)]
struct Auction {
    bidders: u32,
    /// How many providers are asked for a bid: as many as there are to be bidders, but in tests.
    asked: u32,
    rule: Rule,
}

impl Auction {
    fn replications(self, effort: &Effort) -> Result<Vec<Vec<f64>>, String> {
        let replications = effort.replicate(|seed| {
            let mut sums = vec![0.0; 4];
            let has_run = seed % (1 << 16) < RUNS;
            let costs = if has_run { self.add_run(&mut sums, seed, effort)? } else { Vec::new() };
            self.add_known(&mut sums, seed, effort.scaled(KNOWN));
            Ok((sums, costs))
        })?;
        let costs: Vec<f64> = replications.iter().flat_map(|(_, costs)| costs.iter().copied()).collect();
        let mut rng = Streams::new(effort.seed).owned(COSTS, u64::MAX);
        let drawn = (0..10 * costs.len()).map(|_| rng.unit_f64()).collect();
        if !are_alike(costs, drawn) {
            return Err("costs are not drawn evenly between 0 and 1".to_owned());
        }
        Ok(replications.into_iter().map(|(sums, _)| sums).collect())
    }

    fn stage(&self, seed: u64, count: u64) -> Stage {
        let mut stage = Stage::of_steady_peers(seed, count as f64 + 100.0, PROVIDERS);
        let policy =
            if self.rule == Rule::SecondPrice { "second_price_auction" } else { "first_price_auction" };
        let asked = self.asked;
        stage.strategy = format!("{{recovery: restart, placement: {policy}, scored_bids: {{ask: {asked}}}}}");
        let markup = match self.rule {
            Rule::Markup => format!(", markup: {{bidders: {}, highest: 1}}", self.bidders),
            Rule::SecondPrice | Rule::OwnCost => String::new(),
        };
        stage.price = format!("{{node: {{from: 0, to: 1}}{markup}}}");
        stage.tasks = vec![Task::of_cores("100ms".to_owned(), regularly(count, 1.0), vec![(0.1, None)])];
        stage
    }

    /// Adds what was paid in a run less what the rule says; the costs of all providers.
    fn add_run(&self, sums: &mut [f64], seed: u64, effort: &Effort) -> Result<Vec<f64>, String> {
        let stage = self.stage(seed, effort.scaled(RUN));
        let setup = stage.setup()?;
        let world = World::new(&setup)?;
        let cost = |number: u32| {
            let peer = world.look_at(&format!("worker-{number}"));
            peer.provider().tariff().map_or(f64::NAN, |tariff| tariff.node_micro as f64 / MICRO)
        };
        let costs: Vec<f64> = (0..PROVIDERS).map(cost).collect();
        let journal = Journal::of(&stage, vec![1], 1)?;
        for job in &journal.jobs {
            let mut own: Vec<f64> = job.bidders.iter().map(|bidder| costs[*bidder as usize]).collect();
            let Some(paid_micro) = job.paid_micro.filter(|_| !own.is_empty()) else {
                return Err("an auction had no winner".to_owned());
            };
            add(sums, &[1.0, paid_micro as f64 / MICRO - self.pays(&mut own)]);
        }
        Ok(costs)
    }

    /// Adds what the rule gives on draws.
    fn add_known(&self, sums: &mut [f64], seed: u64, count: u64) {
        let mut rng = Streams::new(seed).owned(COSTS, u64::from(self.bidders));
        let mut costs = Vec::with_capacity(self.bidders as usize);
        for _ in 0..count {
            costs.clear();
            costs.extend((0..self.bidders).map(|_| rng.unit_f64()));
            let paid = self.pays(&mut costs);
            add(&mut sums[2..], &[1.0, paid]);
        }
    }

    /// What the winner among bidders with these costs is paid.
    fn pays(&self, costs: &mut [f64]) -> f64 {
        costs.sort_by(f64::total_cmp);
        match self.rule {
            Rule::OwnCost => costs[0],
            Rule::SecondPrice => costs.get(1).copied().unwrap_or(costs[0]),
            Rule::Markup => costs[0] + (1.0 - costs[0]) / f64::from(self.bidders),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Effort = Effort { replications: 8, length: 0.5, widest: 0.5, seed: 3 };

    #[test]
    fn what_is_paid_is_measured_in_runs() {
        for (rule, exact) in
            [(Rule::OwnCost, 1.0 / 6.0), (Rule::SecondPrice, 1.0 / 3.0), (Rule::Markup, 1.0 / 3.0)]
        {
            let right = Auction { bidders: 5, asked: 5, rule };
            let found = right.replications(&SMALL).unwrap_or_else(|reason| panic!("{reason}"));
            let Estimate { value, half_width } = paid(&found);
            assert!((value - exact).abs() <= half_width, "{value} {half_width} {exact}");
            // In a run every auction is by the rule, to the last millionth.
            assert!(found.iter().all(|sums| sums[1].abs() < 1e-3), "{found:?}");
        }
    }

    /// Where fewer are asked than the rule counts with, it is seen in what those ask who ask for more.
    #[test]
    fn costs_of_those_who_were_asked_count() {
        let few = Auction { bidders: 5, asked: 1, rule: Rule::SecondPrice };
        let mut sums = vec![0.0; 4];
        few.add_run(&mut sums, 7, &SMALL).unwrap_or_else(|reason| panic!("{reason}"));
        assert!(sums[0] == 100.0 && sums[1].abs() < 1e-3, "who is alone is paid its own price: {sums:?}");
    }
}
