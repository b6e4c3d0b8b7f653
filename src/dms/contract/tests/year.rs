//! A simulated year of each payment model, in good and bad times, against the plain computation of `oracle`; and that
//! under the intended rules nothing is billed twice or lost, whatever happens.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::oracle::{self, Amounts, Moment, Story};
use super::{START, accepted, did};
use crate::dms::contract::billing::{Account, Trigger};
use crate::dms::contract::model::{
    ChainRole, Contract, Metadata, OrchestrationFee, PaymentDetails, Quantities, ResourceFees, TimeUnit,
};
use crate::dms::contract::money::Money;
use crate::dms::contract::payments::ValidatorBook;
use crate::dms::contract::pricing::Usage;
use crate::dms::contract::state::Event;
use crate::dms::contract::usage::{UsageEvent, UsageKind, UsageLog};
use crate::dms::identity::EnsembleId;
use crate::dms::profile::Profile;
use crate::kernel::{Domain, Rng, Span, Streams, Timestamp};

const HOUR: u64 = 3_600_000_000_000;
const POLL: u64 = 30_000_000_000;
const MODELS: [&str; 6] = [
    "pay_per_allocation",
    "pay_per_deployment",
    "pay_per_time_utilization",
    "pay_per_resource_utilization",
    "fixed_rental",
    "periodic",
];

/// What kind of year it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Year {
    /// Deployments come and stay.
    Calm,
    /// They are shut down, and allocations restart.
    Shutdowns,
    /// The contract is terminated in the middle of a cycle.
    Terminated,
    /// It is completed by a party.
    Completed,
    /// Its host is down for days, several times; events wait for it.
    Restarts,
    /// Its host's clock is two hours behind: the contract starts late by it, and usage before that is not billed.
    SkewedClock,
}

const YEARS: [Year; 6] =
    [Year::Calm, Year::Shutdowns, Year::Terminated, Year::Completed, Year::Restarts, Year::SkewedClock];

struct Case {
    contract: Contract,
    story: Story,
    /// When the host is down.
    down: Vec<(u64, u64)>,
    /// When a party ends the contract.
    ends: Option<(u64, Event)>,
}

fn money(amount: i128) -> Money {
    Money::from_hundred_millionths(amount)
}

/// A contract with odd prices and its story, drawn.
fn case(model: &'static str, year: Year, tail: bool, rng: &mut Rng<'_>) -> Case {
    let start = START.0 + if year == Year::SkewedClock { 2 * HOUR } else { 0 };
    let end = start + 365 * 24 * HOUR;
    let mut contract = accepted();
    contract.duration.start_date = Some(Timestamp(start));
    contract.duration.end_date = Some(Timestamp(end));
    let (period, count, cycle) =
        [("day", 1, 24 * HOUR), ("hour", 7, 7 * HOUR), ("month", 1, 720 * HOUR)][rng.below(3) as usize];
    let (fee, resource_fees) = (rng.below(9_999_999_999) as i128 + 1, [1_333_333, 700_001, 3, 50_000_000]);
    let resources = [1500, (5 << 30) / 3, 123_456_789_012, 1];
    let (fixed, percentage) = if rng.below(2) == 0 { (0, 0) } else { (12_345_678, 250_000_001) };
    contract.payment_details = PaymentDetails {
        payment_model: model.into(),
        fee: Some(money(fee)),
        resource_fees: Some(ResourceFees {
            cpu_core: money(resource_fees[0]),
            ram_gib: money(resource_fees[1]),
            disk_gib: money(resource_fees[2]),
            gpu: money(resource_fees[3]),
        }),
        time_unit: Some(TimeUnit::Minute),
        payment_period: period.into(),
        payment_period_count: Some(count),
        orchestration_fee: Some(OrchestrationFee { fixed: money(fixed), percentage: money(percentage) }),
        ..PaymentDetails::default()
    };
    contract.metadata = Metadata { contract_chain_role: tail.then_some(ChainRole::Tail) };
    let ends = match year {
        Year::Terminated => Some((start + 100 * 24 * HOUR + rng.below(24 * HOUR), Event::Terminate)),
        Year::Completed => Some((start + 222 * 24 * HOUR + rng.below(24 * HOUR), Event::Complete)),
        _ => None,
    };
    let down = match year {
        Year::Restarts => (1..9).map(|n| (START.0 + n * 40 * 24 * HOUR, (n + 1) * 9 * HOUR)).collect(),
        _ => Vec::new(),
    };
    let down: Vec<(u64, u64)> = down.into_iter().map(|(from, lasts)| (from, from + lasts)).collect();
    let unit = if model == "periodic" {
        i128::from(contract.payment_details.period().span().0)
    } else {
        60_000_000_000
    };
    let moments = moments(year, end, &down, rng);
    let contract_end = ends.map_or(end, |(at, _)| at.div_ceil(POLL) * POLL);
    let story = Story {
        model,
        tail,
        fee,
        resource_fees,
        resources,
        unit,
        cycle: i128::from(cycle),
        fixed,
        percentage,
        start: i128::from(start),
        end: i128::from(contract_end),
        moments,
    };
    Case { contract, story, down, ends }
}

/// Twenty deployments of three allocations that begin anywhere in the year.
fn moments(year: Year, end: u64, down: &[(u64, u64)], rng: &mut Rng<'_>) -> Vec<Moment> {
    // What comes while the host is down is told when it is up again.
    let told = |at: u64| {
        let found = down.iter().find(|(from, to)| (*from..*to).contains(&at));
        i128::from(found.map_or(at, |(_, to)| *to))
    };
    let mut all = Vec::new();
    for deployment in 0..20_u8 {
        let begins = START.0 + rng.below(330 * 24 * HOUR);
        let begins = if deployment == 0 { START.0 + HOUR } else { begins };
        let lasts = if year == Year::Calm { end - begins } else { rng.below(40 * 24 * HOUR) };
        let mut add = |at: u64, allocation, starts| {
            all.push(Moment { at: told(at), deployment, allocation, starts });
        };
        for allocation in 0..3 {
            let allocation = Some(u64::from(deployment) * 3 + allocation);
            add(begins + rng.below(100_000_000), allocation, true);
            if year == Year::Shutdowns {
                let restart = begins + lasts / 3 + rng.below(lasts / 3 + 1);
                add(restart, allocation, false);
                add(restart + rng.below(HOUR), allocation, true);
            }
            if year != Year::Calm {
                add(begins + lasts + rng.below(60_000_000_000), allocation, false);
            }
        }
        add(begins + 200_000_000, None, true);
        if year != Year::Calm {
            add(begins + lasts, None, false);
        }
    }
    all.sort_by_key(|moment| moment.at);
    all
}

fn usage_event(moment: &Moment, sequence: u64, resources: [i128; 4]) -> UsageEvent {
    let [cores, ram, disk, gpus] = resources.map(|amount| amount as u64);
    let quantities = Quantities { cores_milli: cores, ram_bytes: ram, disk_bytes: disk, gpus };
    UsageEvent {
        kind: match (moment.allocation.is_some(), moment.starts) {
            (true, true) => UsageKind::StartAllocation,
            (true, false) => UsageKind::StopAllocation,
            (false, true) => UsageKind::DeploymentStart,
            (false, false) => UsageKind::DeploymentStop,
        },
        sequence,
        allocation_id: moment.allocation.map(|number| format!("a{number}").into()),
        deployment_id: EnsembleId([moment.deployment; 32]),
        compute_provider_did: did(2),
        head_contract_did: did(10),
        orchestrator_did: did(1),
        resources: moment.starts.then_some(quantities),
    }
}

/// Drives an account through the year as a host does: events as they come, looks at the polls that are due.
fn drive(case: &Case, profile: Profile) -> (Vec<i128>, Vec<(i128, i128, Amounts)>) {
    let (mut contract, mut account, mut log) =
        (case.contract.clone(), Account::default(), UsageLog::default());
    let (mut looks, mut made, mut book) = (Vec::new(), Vec::new(), ValidatorBook::default());
    let mut events = case.story.moments.iter().zip(1..).peekable();
    let mut ends = case.ends;
    let mut now = START.0;
    while let Some(due) = account.due(&contract) {
        now = (due.0.max(now)).div_ceil(POLL) * POLL;
        if let Some((_, up)) = case.down.iter().find(|(from, to)| (*from..*to).contains(&now)) {
            now = up.div_ceil(POLL) * POLL;
        }
        if let Some((at, event)) = ends.take_if(|(at, _)| *at <= now) {
            // The look at the end is due only now that the contract has ended.
            now = at.div_ceil(POLL) * POLL;
            contract.take(event, &did(1), Timestamp(now), profile).unwrap();
            continue;
        }
        while let Some((moment, sequence)) = events.next_if(|(moment, _)| moment.at < i128::from(now)) {
            let event = usage_event(moment, sequence, case.story.resources);
            log.record(&did(2), &event, Timestamp(moment.at as u64));
        }
        looks.push(i128::from(now));
        let billed = account.bill(&contract, &log, Trigger::Automatic, Timestamp(now), profile);
        if let Ok(invoice) = billed.cloned() {
            let items = book.take(&contract, &invoice).unwrap();
            let mut amounts: Amounts = items
                .iter()
                .map(|item| (item.deployment_id.map(|id| id.0[0]), item.amount.hundred_millionths()))
                .collect();
            amounts.sort_unstable();
            made.push((i128::from(invoice.window.from.0), i128::from(invoice.window.to.0), amounts));
            account.acknowledge(&invoice.id, Timestamp(now), profile);
        }
        log.forget_before(account.last_processed());
        assert!(looks.len() < 20_000, "the account is never closed");
    }
    (looks, made)
}

#[test]
fn a_year_of_every_model_in_good_and_bad_times() {
    let streams = Streams::new(7);
    let mut cases = 0;
    let mut invoiced = BTreeMap::new();
    for (number, model) in MODELS.into_iter().enumerate() {
        for (place, year) in YEARS.into_iter().enumerate() {
            for tail in [false, true] {
                let mut rng = streams
                    .owned(Domain::new("test.year"), (number * 100 + place * 2 + usize::from(tail)) as u64);
                let case = case(model, year, tail, &mut rng);
                case.contract.validate().unwrap();
                let (looks, made) = drive(&case, Profile::INTENDED);
                assert_eq!(made, oracle::invoices(&case.story, &looks), "{model} {year:?} {tail}");
                *invoiced.entry(model).or_insert(0) += made.len();
                cases += 1;
            }
        }
    }
    assert!(cases >= 30);
    assert!(invoiced.len() == MODELS.len() && invoiced.values().all(|count| *count >= 12), "{invoiced:?}");
}

#[test]
fn looks_come_soon_after_each_boundary() {
    let streams = Streams::new(8);
    let mut rng = streams.owned(Domain::new("test.year"), 1);
    let case = case("fixed_rental", Year::Calm, false, &mut rng);
    let (_, made) = drive(&case, Profile::INTENDED);
    for pair in made.windows(2) {
        assert_eq!(pair[0].1, pair[1].0);
        assert!(pair[1].1 - pair[1].0 <= case.story.cycle, "a boundary was missed");
    }
}

/// One step of a host's life.
#[derive(Clone, Debug)]
enum Step {
    Event { after: u64, allocation: u64, starts: bool },
    Again,
    Look { after: u64 },
    Ask { after: u64 },
    Acknowledge,
    End { after: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after = || 0..200_000_000_000_u64;
    let step = prop_oneof![
        6 => (after(), 0..9_u64, any::<bool>())
            .prop_map(|(after, allocation, starts)| Step::Event { after, allocation, starts }),
        1 => Just(Step::Again),
        4 => after().prop_map(|after| Step::Look { after }),
        1 => after().prop_map(|after| Step::Ask { after }),
        4 => Just(Step::Acknowledge),
        1 => after().prop_map(|after| Step::End { after }),
    ];
    prop::collection::vec(step, 1..80)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Looks at any time, answers that are lost, events that come twice, an end at any time: the starts that are billed
    /// are those that came, each once, and so is the time.
    #[test]
    fn nothing_is_billed_twice_or_lost(steps in steps(), by_time in any::<bool>()) {
        let mut contract = accepted();
        contract.payment_details.payment_model =
            if by_time { "pay_per_time_utilization" } else { "pay_per_allocation" }.into();
        contract.payment_details.payment_period = "minute".into();
        let (mut account, mut log) = (Account::default(), UsageLog::default());
        let mut now = START.0;
        let mut sent: Vec<(u64, u64, bool, u64)> = Vec::new();
        let mut billed: BTreeMap<u64, Usage> = BTreeMap::new();
        let profile = Profile::INTENDED;
        let record = |log: &mut UsageLog, (at, allocation, starts, sequence): (u64, u64, bool, u64)| {
            let deployment = (allocation / 3) as u8;
            let moment = Moment { at: i128::from(at), deployment, allocation: Some(allocation), starts };
            log.record(&did(2), &usage_event(&moment, sequence, [0; 4]), Timestamp(at));
        };
        let mut look = |account: &mut Account, log: &UsageLog, contract: &Contract, now: u64, trigger| {
            if let Ok(invoice) = account.bill(contract, log, trigger, Timestamp(now), profile) {
                let before = billed.insert(invoice.number, invoice.usage.clone());
                assert!(before.is_none_or(|before| before == invoice.usage), "sent again as something else");
            }
        };
        let finish = [Step::Acknowledge, Step::End { after: 1 }, Step::Look { after: 1 }, Step::Acknowledge];
        let mut ended = false;
        for step in steps.into_iter().chain(finish) {
            match step {
                Step::Event { after, allocation, starts } if !ended => {
                    now += after + 1;
                    sent.push((now, allocation, starts, sent.len() as u64 + 1));
                    record(&mut log, sent[sent.len() - 1]);
                }
                Step::Event { .. } => {}
                Step::Again => if let Some((_, allocation, starts, sequence)) = sent.last().copied() {
                    record(&mut log, (now, allocation, starts, sequence));
                },
                Step::Look { after } => {
                    now += after;
                    look(&mut account, &log, &contract, now, Trigger::Automatic);
                }
                Step::Ask { after } => {
                    now += after;
                    look(&mut account, &log, &contract, now, Trigger::Manual);
                }
                Step::Acknowledge => {
                    if let Some(id) = account.pending().map(|invoice| invoice.id.clone()) {
                        account.acknowledge(&id, Timestamp(now), profile);
                    }
                    log.forget_before(account.last_processed());
                }
                Step::End { after } => if !ended {
                    now += after;
                    ended = true;
                    contract.take(Event::Terminate, &did(1), Timestamp(now), profile).unwrap();
                },
            }
        }
        look(&mut account, &log, &contract, now + 1, Trigger::Automatic);
        let end = contract.ended().unwrap().0.0;
        if by_time {
            let mut time = 0;
            for allocation in 0..9 {
                let mut since = None;
                for (at, _, starts, _) in sent.iter().filter(|(_, other, ..)| *other == allocation) {
                    match (since, starts) {
                        (None, true) => since = Some(*at),
                        (Some(start), false) => { time += at - start; since = None; }
                        _ => {}
                    }
                }
                time += since.map_or(0, |start| end - start);
            }
            let sum = |usage: &Usage| match usage {
                Usage::Time(times) => times.iter().map(|(_, time)| time.0).sum(),
                _ => 0_u64,
            };
            prop_assert_eq!(billed.values().map(sum).sum::<u64>(), time);
        } else {
            // In one window an allocation counts once, however often it starts; each start is in one window.
            let mut windows: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            for (at, allocation, ..) in sent.iter().filter(|(_, _, starts, _)| *starts) {
                windows.entry(at - START.0).or_default().push(*allocation);
            }
            let count = |usage: &Usage| match usage { Usage::Started(count) => *count, _ => 0 };
            let counted = billed.values().map(count).sum::<u64>();
            let starts = windows.values().map(Vec::len).sum::<usize>() as u64;
            let different = sent.iter().filter(|(_, _, starts, _)| *starts).map(|(_, a, ..)| a);
            let different = different.collect::<std::collections::BTreeSet<_>>().len() as u64;
            prop_assert!(counted <= starts && counted >= different, "{counted} of {starts}");
        }
    }

    #[test]
    fn time_is_additive_over_windows(
        cuts in prop::collection::vec(0..1000_u64, 1..6),
        on in 0..900_u64,
        off in 1..100_u64,
    ) {
        let mut log = UsageLog::default();
        let at = |second: u64| START + Span::secs(second);
        for (sequence, starts, second) in [(1, true, on), (2, false, on + off)] {
            let moment = Moment { at: 0, deployment: 0, allocation: Some(1), starts };
            log.record(&did(2), &usage_event(&moment, sequence, [0; 4]), at(second));
        }
        let mut cuts = cuts;
        cuts.extend([0, 1000]);
        cuts.sort_unstable();
        let window = |from: u64, to: u64| crate::dms::contract::usage::Window { from: at(from), to: at(to) };
        let sum: u64 = cuts
            .windows(2)
            .flat_map(|pair| log.allocation_times(window(pair[0], pair[1]), true))
            .map(|(_, time)| time.0)
            .sum();
        prop_assert_eq!(Span(sum), Span::secs(off));
    }
}
