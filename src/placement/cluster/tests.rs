//! Indexed placement against looking at every machine, for every policy.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::kernel::{Domain, Streams};
use crate::placement::policy::{LISTED, Scale};
use crate::placement::{Amounts, Circumstances, Mix, Parameters, Tag};

const DRAWS: Domain = Domain::new("test.placement.cluster");

/// Few kinds of machines and of jobs, so that equals and full machines are common.
fn machine() -> impl Strategy<Value = Machine> {
    let sizes = (1..5_u64, 1..4_u64, 0..5_usize, prop::sample::select(vec!["A", "B"]));
    (sizes, 0..3_u32, 1..4_u32).prop_map(|((cpu, ram, cards, model), price, rtt)| {
        let tags = [Tag::of("maker"), Tag::of(model)];
        let total = Amounts { cpu_milli: cpu * 1000, ram_bytes: ram, disk_bytes: 4 };
        let mut machine = Machine::new(total, (0..cards).map(|_| tags));
        machine.known = Circumstances {
            price_per_h: Some(f64::from(price)),
            rtt_ms: Some(f64::from(rtt * 10)),
            up_s: Some(1.0 / f64::from(rtt)),
            missing_images: Some(rtt),
            ..Circumstances::default()
        };
        machine
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    let card = prop::sample::select(vec![250, 500, 1000]);
    let accepts = prop::sample::select(vec![vec![], vec!["A"], vec!["A", "B"]]);
    (0..5_u64, 0..3_u64, 0..3_u32, card, accepts).prop_map(|(cpu, ram, cards, card_milli, accepts)| Ask {
        cpu_milli: cpu * 500,
        ram_bytes: ram,
        disk_bytes: 0,
        cards,
        card_milli: if cards == 0 { 0 } else { card_milli },
        accepts: accepts.into_iter().map(Tag::of).collect(),
    })
}

/// What happens to a cluster: a job comes, or the oldest one goes, or a machine's circumstances change.
#[derive(Clone, Debug)]
enum Step {
    Comes(Ask),
    Goes,
    Changes(usize, f64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => ask().prop_map(Step::Comes),
        2 => Just(Step::Goes),
        1 => (0..12_usize, 0..5_u32).prop_map(|(machine, price)| Step::Changes(machine, f64::from(price))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_policy_finds_what_its_slow_scan_finds(
        machines in prop::collection::vec(machine(), 1..12),
        ranks in prop::collection::vec(0..6_u32, 12),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let typical = steps.iter().filter_map(|step| match step {
            Step::Comes(ask) => Some((format!("{ask:?}"), ask.clone())),
            _ => None,
        });
        let scale = Scale { cpu_milli: 4000.0, cards_milli: 4000.0 };
        let parameters =
            Parameters { mix: Arc::new(Mix::of(typical)), scale, drawn: 2 };
        for listed in LISTED {
            let ranks = &ranks[..machines.len()];
            let mut cluster = Cluster::new(machines.clone(), Some(ranks), (listed.make)(&parameters));
            let mut random = Streams::new(1).owned(DRAWS, 0);
            let mut slow_random = Streams::new(1).owned(DRAWS, 0);
            let mut running: Vec<(Placed, Ask)> = Vec::new();
            for step in &steps {
                match step {
                    Step::Comes(ask) => {
                        let slow = cluster.find_slow(ask, &mut slow_random);
                        let found = cluster.find(ask, &mut random);
                        prop_assert_eq!(found, slow, "{} of {:?}", listed.name, ask);
                        let Some(number) = found else { continue };
                        prop_assert!(cluster.machine(number).fits(ask));
                        let policy = cluster.placement.clone();
                        let cards = policy.cards(ask, cluster.machine(number), &mut random);
                        let _ = policy.cards(ask, cluster.machine(number), &mut slow_random);
                        prop_assert_eq!(cards.len(), ask.cards as usize);
                        cluster.change(number, |machine| machine.take(ask, &cards));
                        running.push((Placed { machine: number, cards }, ask.clone()));
                    }
                    Step::Goes if !running.is_empty() => {
                        let (placed, ask) = running.remove(0);
                        cluster.release(&placed, &ask);
                    }
                    Step::Goes => {}
                    Step::Changes(number, price) => {
                        cluster.change(number % machines.len(), |machine| {
                            machine.known.price_per_h = Some(*price);
                        });
                    }
                }
            }
            for (placed, ask) in running {
                cluster.release(&placed, &ask);
            }
            for (number, machine) in machines.iter().enumerate() {
                let left = cluster.machine(number);
                prop_assert_eq!((left.free, &left.cards), (left.total, &machine.cards));
                prop_assert!(left.kinds.is_empty() && left.known.jobs == 0);
            }
        }
    }
}

/// First fit finds the same for a kind that is new and for one that has come often.
#[test]
fn first_fit_finds_the_same_for_rare_and_common_kinds() {
    let total = Amounts { cpu_milli: 4000, ram_bytes: 8, disk_bytes: 0 };
    let machines = vec![Machine::new(total, []); 40];
    let policy = (crate::placement::listed("first_fit").unwrap().make)(&Parameters::default());
    let mut cluster = Cluster::new(machines, None, policy);
    let mut random = Streams::new(3).owned(DRAWS, 0);
    let mut running = std::collections::VecDeque::new();
    for round in 0..400_u64 {
        let ask = match round % 3 {
            0 => Ask { cpu_milli: 3000, ram_bytes: 1, ..Ask::default() },
            1 => Ask { cpu_milli: 500, ram_bytes: 4, ..Ask::default() },
            _ => Ask { cpu_milli: 100 + round, ram_bytes: round % 5, ..Ask::default() },
        };
        let slow = cluster.find_slow(&ask, &mut random);
        let placed = cluster.place(&ask, &mut random);
        assert_eq!(placed.as_ref().map(|placed| placed.machine), slow, "{round}");
        running.extend(placed.map(|placed| (placed, ask)));
        if running.len() > 60 {
            let (placed, ask) = running.pop_front().unwrap();
            cluster.release(&placed, &ask);
        }
    }
}

/// Kinds are forgotten and remembered again, and changes of long ago are made up for.
#[test]
fn more_kinds_and_changes_than_are_kept_change_nothing() {
    let total = Amounts { cpu_milli: 1_000_000, ram_bytes: 0, disk_bytes: 0 };
    let machines = vec![Machine::new(total, []); 3];
    let policy = (crate::placement::listed("best_fit").unwrap().make)(&Parameters::default());
    let mut cluster = Cluster::new(machines, None, policy);
    cluster.index.kinds.keep_at_most(2);
    let mut random = Streams::new(2).owned(DRAWS, 0);
    for round in 0..200_u64 {
        // One kind comes often, and one after many changes.
        let cpu_milli = if round % 40 == 0 { 7 } else { 1000 + round % 4 };
        let ask = Ask { cpu_milli, ..Ask::default() };
        let slow = cluster.find_slow(&ask, &mut random);
        assert_eq!(cluster.place(&ask, &mut random).map(|placed| placed.machine), slow, "{round}");
    }
}
