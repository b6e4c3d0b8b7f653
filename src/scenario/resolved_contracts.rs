//! Contracts as a scenario has them, with every default written out.

use super::contracts::{BILLING, CHAINS, ROLES, TERMINATION, UNITS};
use super::resolved::{after, map, text};
use super::units::write_bytes;
use crate::dms::contract::model::{OrchestrationFee, Quantities, ResourceFees};
use crate::dms::contract::money::Money;
use crate::sim::setup::ContractPlan;

fn amount(money: Money) -> Option<String> {
    Some(format!("\"{money}\""))
}

fn word<T: PartialEq>(words: &[(&str, T)], value: &T) -> Option<String> {
    words.iter().find(|(_, own)| own == value).map(|(word, _)| (*word).to_owned())
}

pub(super) fn contract(plan: &ContractPlan) -> String {
    let details = &plan.payment;
    let resources = details.resource_fees.map(|ResourceFees { cpu_core, ram_gib, disk_gib, gpu }| {
        map(&[
            ("cpu", amount(cpu_core)),
            ("ram", amount(ram_gib)),
            ("disk", amount(disk_gib)),
            ("gpu", amount(gpu)),
        ])
    });
    let orchestration = details.orchestration_fee.map(|OrchestrationFee { fixed, percentage }| {
        map(&[("fixed", amount(fixed)), ("percentage", amount(percentage))])
    });
    let Quantities { cores_milli, ram_bytes, disk_bytes, gpus } = plan.resources;
    let wanted = map(&[
        ("cpu", Some((cores_milli / 1000).to_string())),
        ("ram", Some(write_bytes(ram_bytes))),
        ("disk", Some(write_bytes(disk_bytes))),
        ("gpus", Some(gpus.to_string())),
    ]);
    let quote = plan
        .rate
        .map(|rate| map(&[("currency", Some(text(&details.payment_currency))), ("rate", amount(rate))]));
    let filled = |value: &str| (!value.is_empty()).then(|| text(value));
    map(&[
        ("name", Some(text(&plan.name))),
        ("at", Some(after(plan.at))),
        ("requestor", Some(text(&plan.requestor))),
        ("provider", Some(text(&plan.provider))),
        ("host", Some(text(&plan.host))),
        ("validator", Some(text(&plan.validator))),
        ("for", Some(plan.lasts.to_string())),
        ("resources", (plan.resources != Quantities::default()).then_some(wanted)),
        ("model", Some(text(&details.payment_model))),
        ("fee", details.fee.and_then(amount)),
        ("resource_fees", resources),
        ("time_unit", details.time_unit.and_then(|unit| word(&UNITS, &unit))),
        ("period", filled(&details.payment_period)),
        ("periods", details.payment_period_count.map(|count| count.to_string())),
        ("orchestration_fee", orchestration),
        ("currency", filled(&details.pricing_currency)),
        ("blockchain", word(&CHAINS, &details.blockchain)),
        ("quote", quote),
        ("termination", word(&TERMINATION, &plan.terminable)),
        ("role", plan.role.and_then(|role| word(&ROLES, &role))),
        ("terms", filled(&plan.terms)),
        ("billing", word(&BILLING, &plan.automatic)),
        ("approve_after", plan.approve_after.map(|span| span.to_string())),
        ("pay_after", plan.pay_after.map(|span| span.to_string())),
    ])
}
