//! The known shortcomings of billing (C11), each on the smallest example, as-is and as it is meant.

use super::{START, accepted, did, event};
use crate::dms::contract::billing::{Account, NotBilled, Trigger};
use crate::dms::contract::model::Contract;
use crate::dms::contract::pricing::Usage;
use crate::dms::contract::state::Event;
use crate::dms::contract::usage::{UsageKind, UsageLog, Window};
use crate::dms::profile::{Profile, Weakness};
use crate::kernel::{Span, Timestamp};

const AS_IS: Profile = Profile::INTENDED.with(Weakness::GappyBilling);

fn model(name: &str, period: &str, count: i64) -> Contract {
    let mut contract = accepted();
    contract.payment_details.payment_model = name.into();
    contract.payment_details.payment_period = period.into();
    contract.payment_details.payment_period_count = Some(count);
    contract
}

fn after(span: Span) -> Timestamp {
    START + span
}

/// Bills, acknowledges at once, and returns what was used.
fn bill(
    account: &mut Account,
    contract: &Contract,
    log: &UsageLog,
    at: Span,
    profile: Profile,
) -> Option<Usage> {
    let invoice = account.bill(contract, log, Trigger::Automatic, after(at), profile).ok()?.clone();
    account.acknowledge(&invoice.id, after(at), profile);
    Some(invoice.usage)
}

fn time(usage: Option<Usage>) -> Span {
    match usage {
        Some(Usage::Time(times)) => times.iter().fold(Span::ZERO, |sum, (_, time)| sum + *time),
        _ => Span::ZERO,
    }
}

#[test]
fn a_start_just_before_a_look_counts_in_two_windows_as_is() {
    let contract = model("pay_per_allocation", "minute", 1);
    for (profile, expected) in [(AS_IS, 2), (Profile::INTENDED, 1)] {
        let (mut account, mut log) = (Account::default(), UsageLog::default());
        log.record(&did(2), &event(UsageKind::StartAllocation, 1, 0), after(Span::millis(60_200)));
        let mut billed = 0;
        for at in [Span::millis(60_400), Span::millis(121_400), Span::millis(182_400)] {
            if let Some(Usage::Started(count)) = bill(&mut account, &contract, &log, at, profile) {
                billed += count;
            }
        }
        assert_eq!(billed, expected, "{profile}");
    }
}

#[test]
fn periodic_windows_leave_gaps_as_is() {
    let contract = model("periodic", "hour", 1);
    let mut log = UsageLog::default();
    log.record(&did(1), &event(UsageKind::DeploymentStart, 1, 0), START);
    for (profile, expected) in [(AS_IS, Span::mins(61 + 2 + 10)), (Profile::INTENDED, Span::hours(3))] {
        let mut account = Account::default();
        let mut sum = Span::ZERO;
        for minutes in [61, 122, 190] {
            sum += time(bill(&mut account, &contract, &log, Span::mins(minutes), profile));
        }
        assert_eq!(sum, expected, "{profile}");
    }
}

#[test]
fn a_run_that_ends_after_the_contract_is_billed_to_its_own_end_as_is() {
    let mut contract = model("pay_per_resource_utilization", "hour", 1);
    contract.payment_details.resource_fees = Some(crate::dms::contract::model::ResourceFees::default());
    contract.take(Event::Terminate, &did(1), after(Span::mins(10)), Profile::INTENDED).unwrap();
    let mut log = UsageLog::default();
    log.record(&did(2), &event(UsageKind::StartAllocation, 1, 0), START);
    log.record(&did(2), &event(UsageKind::StopAllocation, 2, 0), after(Span::mins(12)));
    for (profile, minutes) in [(AS_IS, 12), (Profile::INTENDED, 10)] {
        let usage = bill(&mut Account::default(), &contract, &log, Span::mins(13), profile);
        let Some(Usage::Resources(held)) = usage else { panic!("{usage:?}") };
        assert_eq!(held[0].1, Span::mins(minutes), "{profile}");
    }
}

#[test]
fn the_last_part_before_a_completion_is_not_billed_as_is() {
    let mut contract = model("fixed_rental", "hour", 1);
    contract.take(Event::Complete, &did(1), after(Span::mins(90)), Profile::INTENDED).unwrap();
    let mut account = Account::default();
    let usage = bill(&mut account, &contract, &UsageLog::default(), Span::mins(91), Profile::INTENDED);
    assert_eq!(usage, Some(Usage::Cycles { rented: Span::mins(90), cycle: Span::hours(1) }));
    assert!(account.is_closed());
    let none = Account::default()
        .bill(&contract, &UsageLog::default(), Trigger::Automatic, after(Span::mins(91)), AS_IS)
        .cloned();
    assert_eq!(none, Err(NotBilled::Ended));
}

#[test]
fn as_is_a_termination_bills_full_cycles_or_a_part_but_not_both() {
    for (minutes, as_is, intended) in [(30, 30, 30), (90, 60, 90)] {
        let mut contract = model("fixed_rental", "hour", 1);
        contract.take(Event::Terminate, &did(1), after(Span::mins(minutes)), Profile::INTENDED).unwrap();
        for (profile, rented) in [(AS_IS, as_is), (Profile::INTENDED, intended)] {
            let usage =
                bill(&mut Account::default(), &contract, &UsageLog::default(), Span::mins(100), profile);
            let cycle = Span::hours(1);
            assert_eq!(usage, Some(Usage::Cycles { rented: Span::mins(rented), cycle }), "{profile}");
        }
    }
}

#[test]
fn who_may_bill_what() {
    let log = UsageLog::default();
    let ask = |contract: &Contract, trigger, profile| {
        let at = after(Span::hours(2));
        Account::default().bill(contract, &log, trigger, at, profile).map(drop).unwrap_err().to_string()
    };
    let rental = model("fixed_rental", "hour", 1);
    let by_time = model("pay_per_time_utilization", "hour", 1);
    let manual = "payment model fixed_rental is billed automatically and cannot be triggered manually";
    assert_eq!(ask(&rental, Trigger::Manual, Profile::INTENDED), manual);
    let on_request = "payment model pay_per_time_utilization is billed on request only";
    assert_eq!(ask(&by_time, Trigger::Automatic, AS_IS), on_request);
    assert_eq!(ask(&by_time, Trigger::Automatic, Profile::INTENDED), "nothing was used");
    let disabled = Contract { disable_billing: true, ..rental };
    assert_eq!(
        ask(&disabled, Trigger::Automatic, Profile::INTENDED),
        "billing is disabled for this contract"
    );
    let draft = super::contract();
    assert_eq!(ask(&draft, Trigger::Automatic, Profile::INTENDED), "the contract is not in force");
}

#[test]
fn an_event_that_comes_again_counts_once() {
    let mut log = UsageLog::default();
    let start = event(UsageKind::StartAllocation, 7, 0);
    assert!(log.record(&did(2), &start, START));
    assert!(log.record(&did(2), &event(UsageKind::StopAllocation, 8, 0), after(Span::secs(1))));
    assert!(!log.record(&did(2), &start, after(Span::secs(5))));
    let window = Window { from: START, to: after(Span::mins(1)) };
    assert_eq!(log.allocation_times(window, true), [(super::deployment(0), Span::secs(1))]);
    // Out of order among allocations, and from another sender with numbers of its own.
    assert!(log.record(&did(2), &event(UsageKind::StartAllocation, 3, 1), after(Span::secs(2))));
    assert!(log.record(&did(5), &event(UsageKind::StartAllocation, 7, 5), after(Span::secs(2))));
    assert_eq!(log.started_allocations(window), 3);
    assert_eq!(log.started_deployments(window, true), 2);
}
