//! A whole configuration from a seed, as the text of a scenario.
//!
//! Everything that breaks is mended by `Times::HEALED`, and nothing is asked for that cannot be done by the end, so
//! that what is still not right then never will be.

mod ensembles;
mod faults;
mod mistakes;
mod operations;
mod peers;

use std::fmt::Write as _;

use self::ensembles::Ensemble;
use super::choices::{Choice, Choices};
use super::dice::{Dice, listed};

/// When what happens, in seconds of the run.
pub(super) struct Times;

impl Times {
    /// The last thing that is broken is mended by now.
    pub(super) const HEALED: u64 = 40 * 60;
    /// The last thing is asked for by now.
    pub(super) const ASKED: u64 = 42 * 60;
    /// The end.
    pub(super) const END: u64 = 60 * 60;
}

/// Within which configurations are drawn.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Providers, from and to.
    pub providers: (u64, u64),
    /// How many deployments are asked for, from and to, where providers are as many as in the middle of theirs.
    pub deployments: (u64, u64),
    /// The profile, as a scenario says it.
    pub profile: String,
    /// These are never chosen.
    pub without: Vec<Choice>,
    /// These always are.
    pub with: Vec<Choice>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            providers: (4, 46),
            deployments: (123, 246),
            profile: "intended".to_owned(),
            without: Vec::new(),
            with: Vec::new(),
        }
    }
}

impl Bounds {
    /// Where each finding is made small: what shows in a small network is so in a short time.
    #[must_use]
    pub fn small() -> Self {
        Self { providers: (2, 6), deployments: (4, 48), ..Self::default() }
    }

    /// What a configuration of a seed has within them.
    #[must_use]
    pub fn choose(&self, seed: u64, percent: &dyn Fn(Choice) -> u64) -> Choices {
        let drawn = Choices::draw(seed, percent);
        let kept = drawn.iter().filter(|choice| !self.without.contains(choice));
        kept.chain(self.with.iter().copied()).collect()
    }
}

/// Something that a choice brings: its line in a section.
type Line = fn(&Draft, &mut Dice) -> String;

/// Providers with like machines, and what of it an ensemble may want.
struct Group {
    name: &'static str,
    count: u64,
    cores: u64,
    ram_gib: u64,
    /// As an allocation says that it wants it.
    processor: &'static str,
    has_cards: bool,
    /// Those that run containers.
    executors: Vec<&'static str>,
    continent: Option<&'static str>,
    wants_contracts: bool,
}

/// A configuration as it is put together.
pub(super) struct Draft {
    seed: u64,
    choices: Choices,
    providers: u64,
    /// The groups of providers that are there whatever is chosen.
    groups: Vec<Group>,
    /// The names of orchestrators.
    orchestrators: Vec<&'static str>,
    /// The names of deployments, with who asks for them.
    deployments: Vec<(String, &'static str)>,
    network: String,
    organizations: Vec<String>,
    peers: Vec<String>,
    images: Vec<String>,
    contracts: Vec<String>,
    workload: Vec<String>,
    operations: Vec<String>,
    traffic: Vec<String>,
    faults: Vec<String>,
    strategy: Vec<String>,
    /// The names of contracts under which something may run, with who asks for it.
    deals: Vec<(String, &'static str)>,
    /// When machines are up again that have lost their disks for a moment's absence, in seconds.
    replaced: Vec<u64>,
}

impl Draft {
    pub(super) const fn has(&self, choice: Choice) -> bool {
        self.choices.has(choice)
    }

    /// The draws of a part.
    pub(super) fn dice(&self, part: u64) -> Dice {
        Dice::of(self.seed, part)
    }

    /// The machines that the ensemble of this number is made for, and whether it runs under contracts, which are with
    /// the first group. A configuration in which nobody can host anything tells little.
    fn home_of(&self, number: u64) -> (&Group, bool) {
        let mut dice = self.dice(300 + number);
        if !self.deals.is_empty() && dice.percent(40) {
            return (&self.groups[0], true);
        }
        let fits = |group: &&Group| !group.executors.is_empty() && !group.wants_contracts;
        let fitting: Vec<&Group> = self.groups.iter().filter(fits).collect();
        (if fitting.is_empty() { dice.any(&self.groups) } else { dice.one(&fitting) }, false)
    }
}

/// The configuration of a seed that has these choices.
#[must_use]
pub fn draw(seed: u64, choices: Choices, bounds: &Bounds) -> String {
    let mut draft = Draft {
        seed,
        choices,
        providers: 0,
        groups: Vec::new(),
        orchestrators: Vec::new(),
        deployments: Vec::new(),
        network: String::new(),
        organizations: Vec::new(),
        peers: Vec::new(),
        images: Vec::new(),
        contracts: Vec::new(),
        workload: Vec::new(),
        operations: Vec::new(),
        traffic: Vec::new(),
        faults: Vec::new(),
        strategy: Vec::new(),
        deals: Vec::new(),
        replaced: Vec::new(),
    };
    peers::draw(&mut draft, bounds);
    ensembles::images(&mut draft);
    workload(&mut draft, bounds);
    faults::draw(&mut draft);
    operations::draw(&mut draft);
    strategy(&mut draft);
    write(&draft, bounds)
}

/// So many deployments are asked for at most: a few long runs would take the time of many.
const MOST_DEPLOYMENTS: u64 = 216;

/// How often each of so many kinds of ensembles is deployed: the more kinds, the less of each, and the fewer whom a
/// request goes to, the more often, so that runs are of like length.
fn count(draft: &Draft, bounds: &Bounds, kinds: u64, dice: &mut Dice) -> u64 {
    let (least, most) = bounds.deployments;
    let middle = bounds.providers.0.midpoint(bounds.providers.1);
    let in_all = dice.scaled(least, most) * middle / draft.providers;
    (in_all / kinds).clamp(1, MOST_DEPLOYMENTS.min(2 * most) / kinds)
}

/// What is deployed when.
fn workload(draft: &mut Draft, bounds: &Bounds) {
    let mut dice = draft.dice(10);
    let kinds = dice.between(2, 7);
    for number in 0..kinds {
        let ensemble = Ensemble::draw(draft, number);
        let is_contracted = draft.home_of(number).1;
        let by = match is_contracted && dice.percent(85) {
            true => dice.any(&draft.deals).1,
            false => dice.one(&draft.orchestrators),
        };
        let name = format!("{}{number}", ensemble.kind());
        let mut entry = format!("by: {by}, name: {name}");
        let (count, timeout) = (count(draft, bounds, kinds, &mut dice), dice.between(2, 7));
        let every = (2000 / count).max(1);
        let arrivals = match dice.between(0, 3) {
            0 => {
                let (at, within) = (dice.between(5, 1500), dice.between(1, 120));
                format!("{{burst: {{at: {at}s, count: {count}, within: {within}s}}}}, count: {count}")
            }
            1 => format!("{{poisson: {{mean: {every}s}}}}, count: {count}"),
            _ => {
                let start = dice.between(1, 300);
                format!("{{every: {every}s, start: {start}s}}, count: {count}")
            }
        };
        let _ = write!(entry, ", arrivals: {arrivals}, timeout: {timeout}m");
        if draft.has(Choice::Shutdowns) && dice.percent(50) {
            let after = dice.scaled(1, 900);
            let _ = write!(entry, ", shutdown_after: {after}s");
        } else if !ensemble.is_task_only() && (!draft.has(Choice::Tight) || dice.percent(70)) {
            let after = dice.scaled(120, 900);
            let _ = write!(entry, ", shutdown_after: {{exponential: {{mean: {after}s}}}}");
        }
        if is_contracted {
            let own = draft.deals.iter().filter(|(_, who)| *who == by).map(|(contract, _)| contract.as_str());
            let own: Vec<&str> = own.collect();
            // Now and then somebody names a contract of others.
            let named = if own.is_empty() || dice.percent(15) {
                vec![dice.any(&draft.deals).0.as_str()]
            } else if dice.percent(30) {
                vec![dice.one(&own)]
            } else {
                own
            };
            let _ = write!(entry, ", contracts: {}", listed(named));
        }
        if draft.has(Choice::Queues) {
            let _ = write!(entry, ", priority: {}", dice.between(0, 3));
        }
        draft.workload.push(format!("deploy: {{{entry}, ensemble: {}}}", ensemble.text()));
        traffic(draft, number, &name, &ensemble);
        draft.deployments.push((name, by));
    }
}

/// What programs and users ask of what is deployed.
fn traffic(draft: &mut Draft, number: u64, name: &str, ensemble: &Ensemble) {
    let mut dice = draft.dice(400 + number);
    if !draft.has(Choice::Subnets) || !dice.percent(60) {
        return;
    }
    if let Some(who) = ensemble.asked_by(&mut dice) {
        let (mean, retries) = (dice.scaled(3, 60), dice.between(0, 3));
        draft.traffic.push(format!(
            "{{name: asks{number}, deployment: {name}, {who}, arrivals: {{poisson: {{mean: {mean}s}}}}, retries: \
             {retries}}}"
        ));
    }
}

/// How peers decide, where that is not as usual.
fn strategy(draft: &mut Draft) {
    let mut dice = draft.dice(20);
    if draft.has(Choice::Queues) && dice.percent(60) {
        draft.strategy.push(format!("queue: {{at_once: {}}}", dice.between(1, 9)));
    }
    let mut recoveries: Vec<&str> = vec![dice.one(&["restart", "redeploy", "stay_down"])];
    if draft.has(Choice::Strategies) {
        if dice.percent(40) {
            draft.strategy.push(format!("attempts: {}", dice.between(2, 8)));
        }
        recoveries = vec![dice.one(&[
            "redeploy",
            "restart",
            "stay_down",
            "{retry: {attempts: 3, first: 5s, longest: 1m}}",
            "{standby: {count: 1}}",
            "{replication: {copies: 3, majority: 2}}",
            "{checkpoint: {every: 1m}}",
        ])];
        let detector = dice.one(&[
            "dms",
            "{fixed: {period: 15s, timeout: 45s}}",
            "phi",
            "{swim: {period: 15s, timeout: 2s, helpers: 2, suspicion: 30s}}",
        ]);
        draft.strategy.push(format!("detector: {detector}"));
        // These are drawn for themselves.
        match draft.dice(21).between(0, 100) {
            0..12 => recoveries = vec!["migration"],
            12..22 => recoveries = vec!["{spot_check: {share: 40%}}"],
            _ => {}
        }
    }
    if draft.has(Choice::HandOver) {
        recoveries.push("{hand_over: {after: 60s}}");
    }
    draft.strategy.push(format!("recovery: {}", listed(recoveries)));
    if draft.has(Choice::Scores) {
        let policy = dice.one(&["best_fit", "worst_fit", "{power_of_d: 2}", "uniform"]);
        draft.strategy.push(format!("placement: {policy}, bid_suppression: {}", dice.percent(50)));
    }
}

fn write(draft: &Draft, bounds: &Bounds) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "# Has {}.", draft.choices);
    let _ = writeln!(out, "version: 1\nname: seed-{}\nseed: {}", draft.seed, draft.seed);
    let _ = writeln!(out, "duration: {}m\nprofile: {}", Times::END / 60, bounds.profile);
    let _ = writeln!(out, "network: {{{}}}", draft.network);
    let mut section = |name: &str, items: &[String], mark: &str| {
        if !items.is_empty() {
            let _ = writeln!(out, "\n{name}:");
            for item in items {
                let _ = writeln!(out, "  {mark}{item}");
            }
        }
    };
    section("organizations", &draft.organizations, "- ");
    section("peers", &draft.peers, "- ");
    section("images", &draft.images, "");
    section("contracts", &draft.contracts, "- ");
    section("workload", &draft.workload, "- ");
    section("operations", &draft.operations, "- ");
    section("traffic", &draft.traffic, "- ");
    section("faults", &draft.faults, "- ");
    let _ = writeln!(out, "\nstrategy: {{{}}}", draft.strategy.join(", "));
    out
}
