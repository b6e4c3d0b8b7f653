//! What the machines of a group cost: `price`, which their owners want to be paid, and `power`, which they draw.

use super::peers::allowed;
use super::reader::{Map, Reader};
use crate::dms::ensemble::tree::Node;
use crate::dms::provider::offers::Markup;
use crate::sim::setup::{Power, PriceDraw, Role, TariffPlan};

const PRICE_KEYS: [&str; 6] = ["node", "core", "ram_gib", "disk_gib", "card", "markup"];
/// Prices beyond this are no prices.
const HIGHEST: f64 = 1e9;
/// No machine draws more.
const MOST_WATTS: f64 = 1e6;

/// `{core: 0.02, card: {from: 0.5, to: 2}, markup: {bidders: 5, highest: 1}}`, per hour.
pub(super) fn price(reader: &mut Reader, node: &Node) -> Option<TariffPlan> {
    let map = reader.map(node, "price", node.position, &PRICE_KEYS)?;
    let mut of = |key: &str| reader.optional(&map, key, |r, node| draw(r, node, key)).unwrap_or_default();
    let [node, core, ram_gib, disk_gib, card] = ["node", "core", "ram_gib", "disk_gib", "card"].map(&mut of);
    let markup = reader.optional(&map, "markup", markup).unwrap_or_default();
    Some(TariffPlan { node, core, ram_gib, disk_gib, card, markup })
}

/// A price, or the lowest and the highest.
fn draw(reader: &mut Reader, node: &Node, key: &str) -> Option<PriceDraw> {
    if !node.is_map() {
        let micro = money(reader, node, key)?;
        return Some(PriceDraw { from_micro: micro, to_micro: micro });
    }
    let map = reader.map(node, key, node.position, &["from", "to"])?;
    let (from_micro, to_micro) = {
        let mut end = |end: &str| {
            let help = "the lowest and the highest, as in `{from: 0.5, to: 2}`";
            reader.required(&map, end, help, |r: &mut Reader, node: &Node| money(r, node, end))
        };
        (end("from")?, end("to")?)
    };
    if from_micro > to_micro {
        reader.error(node.position, format!("`{key}` goes from a higher price to a lower one"), None);
        return None;
    }
    Some(PriceDraw { from_micro, to_micro })
}

/// An amount of money, in millionths.
fn money(reader: &mut Reader, node: &Node, key: &str) -> Option<u64> {
    let amount = within(reader, node, key, HIGHEST)?;
    Some(libm::round(amount * 1e6) as u64)
}

/// A number from zero to a bound.
fn within(reader: &mut Reader, node: &Node, key: &str, most: f64) -> Option<f64> {
    let number = reader.number(node, key)?;
    if !(0.0..=most).contains(&number) {
        reader.error(node.position, format!("`{key}` must be between 0 and {most}, not {number}"), None);
        return None;
    }
    Some(number)
}

fn markup(reader: &mut Reader, node: &Node) -> Option<Markup> {
    let map = reader.map(node, "markup", node.position, &["bidders", "highest"])?;
    let help = "how many bid, as in `bidders: 5`";
    let bidders = reader.required(&map, "bidders", help, |r, node| r.whole(node, "bidders", 1, 1_000_000));
    let help = "the highest cost that one of them may have, as in `highest: 1`";
    let highest = reader.required(&map, "highest", help, |r, node| money(r, node, "highest"));
    Some(Markup::Equilibrium { bidders: bidders? as u32, highest_micro: highest? })
}

/// `{idle: 60, busy: 180}`, in watts.
pub(super) fn power(reader: &mut Reader, node: &Node) -> Option<Power> {
    let map = reader.map(node, "power", node.position, &["idle", "busy"])?;
    let (idle_w, busy_w) = {
        let mut watts = |key: &str| {
            let help = "in watts, as in `{idle: 60, busy: 180}`";
            reader.required(&map, key, help, |r: &mut Reader, node: &Node| within(r, node, key, MOST_WATTS))
        };
        (watts("idle")?, watts("busy")?)
    };
    if idle_w > busy_w {
        reader.error(node.position, "a machine draws more when it is idle than when it is busy", None);
        return None;
    }
    Some(Power { idle_w, busy_w })
}

/// Both of a group, where they are to be read.
pub(super) fn of_group(
    reader: &mut Reader,
    map: &Map<'_>,
    role: Role,
) -> (Option<TariffPlan>, Option<Power>) {
    let help = "only providers are paid for what they give: remove it";
    let priced = allowed(reader, map, "price", role == Role::Provider, help);
    let tariff = priced.and_then(|_| reader.optional(map, "price", price));
    (tariff, reader.optional(map, "power", power))
}

/// `price` as a scenario has it.
pub(super) fn write_price(plan: &TariffPlan) -> String {
    let money = |micro: u64| micro as f64 / 1e6;
    let TariffPlan { node, core, ram_gib, disk_gib, card, markup } = plan;
    let all = [("node", node), ("core", core), ("ram_gib", ram_gib), ("disk_gib", disk_gib), ("card", card)];
    let mut entries: Vec<String> = all
        .map(|(key, PriceDraw { from_micro, to_micro })| {
            format!("{key}: {{from: {}, to: {}}}", money(*from_micro), money(*to_micro))
        })
        .to_vec();
    if let Markup::Equilibrium { bidders, highest_micro } = markup {
        entries.push(format!("markup: {{bidders: {bidders}, highest: {}}}", money(*highest_micro)));
    }
    format!("{{{}}}", entries.join(", "))
}

/// `power` as a scenario has it.
pub(super) fn write_power(power: Power) -> String {
    format!("{{idle: {}, busy: {}}}", power.idle_w, power.busy_w)
}
