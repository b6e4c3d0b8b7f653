//! The `contracts` of a scenario: who agrees with whom on what.

use super::faults::peer;
use super::peers::{Peers, identifier};
use super::reader::{Map, Reader, shortened};
use super::workload::moment;
use crate::dms::contract::cycle::Period;
use crate::dms::contract::model::{
    Blockchain, ChainRole, InvalidContract, OrchestrationFee, PaymentDetails, Quantities, ResourceFees,
    TimeUnit,
};
use crate::dms::contract::money::Money;
use crate::dms::contract::pricing::{Model, Pricing};
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::Node;
use crate::kernel::{Span, Time};
use crate::sim::setup::{ContractAction, ContractPlan, OperationKind};

const KEYS: &[&str] = &[
    "name",
    "at",
    "requestor",
    "provider",
    "host",
    "validator",
    "for",
    "resources",
    "model",
    "fee",
    "resource_fees",
    "time_unit",
    "period",
    "periods",
    "orchestration_fee",
    "currency",
    "blockchain",
    "quote",
    "termination",
    "role",
    "terms",
    "billing",
    "approve_after",
    "pay_after",
];
pub(super) const UNITS: [(&str, TimeUnit); 3] =
    [("second", TimeUnit::Second), ("minute", TimeUnit::Minute), ("hour", TimeUnit::Hour)];
pub(super) const CHAINS: [(&str, Blockchain); 2] =
    [("ethereum", Blockchain::Ethereum), ("cardano", Blockchain::Cardano)];
pub(super) const ROLES: [(&str, ChainRole); 2] = [("head", ChainRole::Head), ("tail", ChainRole::Tail)];
pub(super) const TERMINATION: [(&str, Option<bool>); 3] =
    [("allowed", Some(true)), ("refused", Some(false)), ("unsaid", None)];
pub(super) const BILLING: [(&str, bool); 2] = [("automatic", true), ("on_request", false)];
/// In what prices are written when nothing is said.
const CURRENCY: &str = "NTX";

/// Reads the contracts in the order of the file.
pub(super) fn read(
    reader: &mut Reader,
    top: &Map<'_>,
    duration: Option<Span>,
    peers: &Peers,
) -> Vec<ContractPlan> {
    let mut plans: Vec<ContractPlan> = Vec::new();
    for item in reader.list(top, "contracts") {
        let Some(plan) = contract(reader, item, duration, peers) else { continue };
        if plans.iter().any(|other| other.name == plan.name) {
            let help = "give one of them another name".to_owned();
            reader.error(item.position, format!("there are two contracts called `{}`", plan.name), help);
        }
        plans.push(plan);
    }
    plans
}

fn contract(reader: &mut Reader, node: &Node, duration: Option<Span>, peers: &Peers) -> Option<ContractPlan> {
    let map = reader.map(node, "contracts", node.position, KEYS)?;
    let help = "by which deployments and operations name it, as in `name: rental`";
    let name = reader.required(&map, "name", help, |r, node| identifier(r, node, "name"));
    let at = reader.optional(&map, "at", |r, node| moment(r, node, "at", duration)).unwrap_or_default();
    let mut party = |key: &'static str, help: &str| {
        reader.required(&map, key, help, |r: &mut Reader, node: &Node| peer(r, node, key, peers))
    };
    let requestor = party("requestor", "who asks and pays, as in `requestor: alice`");
    let provider = party("provider", "who provides and is paid, as in `provider: bob`");
    let host = party("host", "who hosts it, as in `host: carol`");
    let validator = party("validator", "who checks payments, as in `validator: vera`");
    let help = "how long it holds, as in `for: 30d`";
    let lasts = reader.required(&map, "for", help, |r, node| r.positive_span(node, "for"));
    let resources = reader.optional(&map, "resources", quantities);
    let rate = reader.optional(&map, "quote", quote);
    let payment = payment(reader, &map, rate.as_ref().map(|(currency, _)| currency.as_str()));
    let termination =
        reader.optional(&map, "termination", |r, node| r.word(node, "termination", &TERMINATION));
    let role = reader.optional(&map, "role", |r, node| r.word(node, "role", &ROLES));
    let terms = reader.optional(&map, "terms", |r, node| r.text(node, "terms"));
    let billing = reader.optional(&map, "billing", |r, node| r.word(node, "billing", &BILLING));
    let mut after =
        |key: &'static str| reader.optional(&map, key, |r: &mut Reader, node: &Node| r.span(node, key));
    let (approve_after, pay_after) = (after("approve_after"), after("pay_after"));
    Some(ContractPlan {
        name: name?.to_string(),
        at: Time::ZERO + at,
        requestor: requestor?,
        provider: provider?,
        host: host?,
        validator: validator?,
        lasts: lasts?,
        resources: resources.unwrap_or_default(),
        payment: payment?,
        terminable: termination.unwrap_or(Some(true)),
        role,
        terms: terms.map(|terms| terms.to_string()).unwrap_or_default(),
        automatic: billing.unwrap_or(true),
        approve_after,
        pay_after,
        rate: rate.map(|(_, rate)| rate),
    })
}

/// What is paid. DMS itself checks it once more when the contract is made.
fn payment(reader: &mut Reader, map: &Map<'_>, payment_currency: Option<&str>) -> Option<PaymentDetails> {
    let models = Model::ALL.map(|model| (model.as_str(), model));
    let help = "one of the six payment models, as in `model: pay_per_allocation`";
    let model = reader.required(map, "model", help, |r, node| r.word(node, "model", &models));
    let fee = reader.optional(map, "fee", |r, node| money(r, node, "fee"));
    let resource_fees = reader.optional(map, "resource_fees", resource_fees);
    let time_unit = reader.optional(map, "time_unit", |r, node| r.word(node, "time_unit", &UNITS));
    let periods = Period::ALL.map(|period| (period.as_str(), period));
    let period = reader.optional(map, "period", |r, node| r.word(node, "period", &periods));
    let count = reader.optional(map, "periods", |r, node| r.whole(node, "periods", 1, 10_000));
    let orchestration_fee = reader.optional(map, "orchestration_fee", orchestration_fee);
    let currency = reader.optional(map, "currency", |r, node| r.text(node, "currency"));
    let chain = reader.optional(map, "blockchain", |r, node| r.word(node, "blockchain", &CHAINS));
    let currency = currency.unwrap_or_else(|| CURRENCY.into());
    let details = PaymentDetails {
        payment_model: model?.as_str().into(),
        fee,
        resource_fees,
        time_unit,
        payment_period: period.map_or("", Period::as_str).into(),
        payment_period_count: count,
        orchestration_fee,
        payment_currency: payment_currency.map_or_else(|| currency.clone(), Into::into),
        pricing_currency: currency,
        blockchain: chain.unwrap_or_default(),
        ..PaymentDetails::default()
    };
    let written = |key: &str| map.node.entry(key).is_some();
    let unread = written("fee") && fee.is_none() || written("resource_fees") && resource_fees.is_none();
    if let Err(error) = details.cycle().and_then(|_| Pricing::of(&details))
        && !unread
    {
        // What else could be wrong with it has been read already.
        let (key, help) = match error {
            InvalidContract::Missing("payment_period") => {
                ("period", "add the unit of the cycle, as in `period: hour`")
            }
            InvalidContract::Missing("payment_period_count") => {
                ("periods", "add how many make a cycle, as in `periods: 1`")
            }
            InvalidContract::Missing("resource_fees") => {
                ("resource_fees", "add the prices of resources, as in `resource_fees: {cpu: 0.1}`")
            }
            _ => ("fee", "add the price of a unit, as in `fee: 10`"),
        };
        let message = format!("the model `{}` needs `{key}`", details.payment_model);
        reader.error(map.at, message, help.to_owned());
        return None;
    }
    Some(details)
}

/// An amount, as a number or a text.
fn money(reader: &mut Reader, node: &Node, what: &str) -> Option<Money> {
    let text = node.scalar_text();
    let amount = text.as_ref().and_then(|text| text.parse::<Money>().ok());
    let amount = amount.filter(|amount| !amount.is_negative());
    if amount.is_none() {
        let shown =
            text.map_or_else(|| node.type_name().to_owned(), |text| format!("`{}`", shortened(&text)));
        let help = "an amount has at most eight decimals, as in `0.25`".to_owned();
        reader.error(node.position, format!("`{what}` cannot be {shown}"), help);
    }
    amount
}

/// `{cpu: 2, ram: 4 GiB, disk: 10 GiB, gpus: 1}`: what it is about.
fn quantities(reader: &mut Reader, node: &Node) -> Option<Quantities> {
    let map = reader.map(node, "resources", node.position, &["cpu", "ram", "disk", "gpus"])?;
    let mut count = |key: &'static str| {
        let read = reader.optional(&map, key, |r: &mut Reader, node: &Node| r.whole(node, key, 0, 4096));
        read.unwrap_or_default().unsigned_abs()
    };
    let (cores, gpus) = (count("cpu"), count("gpus"));
    let mut bytes = |key: &'static str| {
        reader.optional(&map, key, |r: &mut Reader, node: &Node| r.bytes(node, key)).unwrap_or_default()
    };
    let (ram_bytes, disk_bytes) = (bytes("ram"), bytes("disk"));
    Some(Quantities { cores_milli: cores * 1000, ram_bytes, disk_bytes, gpus })
}

fn resource_fees(reader: &mut Reader, node: &Node) -> Option<ResourceFees> {
    let map = reader.map(node, "resource_fees", node.position, &["cpu", "ram", "disk", "gpu"])?;
    let mut fee = |key: &'static str| {
        reader.optional(&map, key, |r: &mut Reader, node: &Node| money(r, node, key)).unwrap_or_default()
    };
    Some(ResourceFees { cpu_core: fee("cpu"), ram_gib: fee("ram"), disk_gib: fee("disk"), gpu: fee("gpu") })
}

fn orchestration_fee(reader: &mut Reader, node: &Node) -> Option<OrchestrationFee> {
    let map = reader.map(node, "orchestration_fee", node.position, &["fixed", "percentage"])?;
    let mut fee = |key: &'static str| {
        reader.optional(&map, key, |r: &mut Reader, node: &Node| money(r, node, key)).unwrap_or_default()
    };
    Some(OrchestrationFee { fixed: fee("fixed"), percentage: fee("percentage") })
}

/// `{currency: USDT, rate: 0.5}`: what is paid with, and what a unit of the prices' currency is worth in it.
fn quote(reader: &mut Reader, node: &Node) -> Option<(String, Money)> {
    let map = reader.map(node, "quote", node.position, &["currency", "rate"])?;
    let help = "in what is paid, as in `currency: USDT`";
    let currency = reader.required(&map, "currency", help, |r, node| r.text(node, "currency"));
    let help = "what a unit of the prices is worth in it, as in `rate: 0.5`";
    let rate = reader.required(&map, "rate", help, |r, node| money(r, node, "rate"));
    Some((currency?.to_string(), rate?))
}

/// The name of a contract of the scenario.
pub(super) fn name_of(
    reader: &mut Reader,
    node: &Node,
    what: &str,
    contracts: &[ContractPlan],
) -> Option<String> {
    let name = reader.text(node, what)?;
    if contracts.iter().any(|plan| plan.name == *name) {
        return Some(name.to_string());
    }
    let help = suggestion(&name, contracts.iter().map(|plan| plan.name.as_str()))
        .unwrap_or_else(|| "describe it under `contracts`".to_owned());
    reader.error(node.position, format!("there is no contract `{}`", shortened(&name)), help);
    None
}

/// `{name: rental, do: terminate}` of an operation.
pub(super) fn operation(
    reader: &mut Reader,
    node: &Node,
    contracts: &[ContractPlan],
) -> Option<OperationKind> {
    let map = reader.map(node, "contract", node.position, &["name", "do"])?;
    let help = "which contract, as in `name: rental`";
    let name = reader.required(&map, "name", help, |r, node| name_of(r, node, "name", contracts));
    let help = "what about it, as in `do: terminate`";
    let action = reader.required(&map, "do", help, |r, node| r.word(node, "do", &ContractAction::ALL));
    Some(OperationKind::Contract { name: name?, action: action? })
}
