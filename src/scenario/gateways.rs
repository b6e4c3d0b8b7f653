//! What a group of gateways can have made: plans of machines, how many, and how long that takes.

use super::distribution;
use super::hardware::{machine, write_machine};
use super::reader::{Map, Reader};
use super::resolved::map;
use crate::dms::ensemble::tree::Node;
use crate::sim::setup::GatewayPlan;

/// More than any account of a cloud allows.
const MOST_MACHINES: i64 = 100_000;

/// Reads what belongs to gateways.
pub(super) fn read(reader: &mut Reader, group: &Map<'_>) -> Option<GatewayPlan> {
    let help = "the machines that can be had, as in `plans: [{cpu: 4, ram: 8 GiB, disk: 80 GiB}]`";
    let plans = reader.required(group, "plans", help, |r, node| {
        if node.is_map() || node.as_text().is_some() {
            r.error(node.position, "`plans` is a list", help.to_owned());
            return None;
        }
        if node.items().is_empty() {
            let help = "a gateway without plans never bids: add one, or remove the group".to_owned();
            r.error(node.position, "`plans` is empty", help);
            return None;
        }
        let read: Vec<Option<_>> = node.items().iter().map(|item| plan(r, item)).collect();
        read.into_iter().collect::<Option<Vec<_>>>()
    });
    let help = "how many each gateway may have at one time, as in `machines: 3`";
    let machines = reader.required(group, "machines", help, |r, node| {
        r.whole(node, "machines", 1, MOST_MACHINES).map(|machines| machines as u32)
    });
    let help = "from the order to a machine that is up, as in `boot: 90s`";
    let boot = reader.required(group, "boot", help, |r, node| r.distribution(node, "boot"));
    let fails = reader.optional(group, "fails", |r, node| r.fraction(node, "fails"));
    Some(GatewayPlan { plans: plans?, machines: machines?, boot: boot?, fails: fails.unwrap_or(0.0) })
}

fn plan(reader: &mut Reader, node: &Node) -> Option<crate::workload::Hardware> {
    let map = reader.map(node, "plan", node.position, &["cpu", "clock", "arch", "ram", "disk", "gpu"])?;
    machine(reader, &map)
}

/// The same as a scenario has it.
pub(super) fn write(plan: &GatewayPlan) -> [(&'static str, Option<String>); 4] {
    let plans: Vec<String> = plan.plans.iter().map(|one| map(&write_machine(one))).collect();
    [
        ("plans", Some(format!("[{}]", plans.join(", ")))),
        ("machines", Some(plan.machines.to_string())),
        ("boot", Some(distribution::write(&plan.boot))),
        ("fails", (plan.fails > 0.0).then(|| plan.fails.to_string())),
    ]
}
