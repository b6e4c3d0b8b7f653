//! What operators and users do beside deploying.

use super::ensembles::Ensemble;
use super::{Draft, Line, Times, mistakes};
use crate::explore::choices::Choice;
use crate::explore::dice::Dice;

pub(super) fn draw(draft: &mut Draft) {
    let mut dice = draft.dice(3);
    let mut all: Vec<(u64, String)> = Vec::new();
    let kinds: [(Choice, Line); 8] = [
        (Choice::Questions, question),
        (Choice::Shutdowns, shutdown),
        (Choice::Updates, update),
        (Choice::Pruning, prune),
        (Choice::Machines, machine),
        (Choice::Organizations, membership),
        (Choice::Contracts, contract),
        (Choice::Subnets, subnet),
    ];
    for (choice, operation) in kinds {
        if draft.has(choice) {
            for _ in 0..dice.scaled(2, 24) {
                all.push((dice.between(30, Times::ASKED), operation(draft, &mut dice)));
            }
        }
    }
    if draft.has(Choice::Questions) {
        questions_after_a_loss(draft, &mut dice, &mut all);
    }
    if draft.has(Choice::Volumes) {
        volumes(draft, &mut dice, &mut all);
    }
    if draft.has(Choice::Grants) {
        grants(draft, &mut dice, &mut all);
    }
    if draft.has(Choice::Revocations) {
        revocations(draft, &mut dice, &mut all);
    }
    if draft.has(Choice::Mistakes) {
        all.extend(mistakes::draw(draft));
    }
    all.sort_by_key(|(at, _)| *at);
    draft.operations = all.into_iter().map(|(at, text)| format!("{{at: {at}s, {text}}}")).collect();
}

/// A deployment by its name, and who orchestrates it.
pub(super) fn which(draft: &Draft, dice: &mut Dice) -> (String, &'static str) {
    let entry = dice.between(0, draft.deployments.len() as u64);
    one_of(draft, dice, entry)
}

/// A deployment of an entry of the workload, and who asked for it.
fn one_of(draft: &Draft, dice: &mut Dice, entry: u64) -> (String, &'static str) {
    let (name, by) = &draft.deployments[entry as usize];
    let number = dice.scaled(1, 20);
    (if number == 1 { name.clone() } else { format!("{{name: {name}, number: {number}}}") }, by)
}

fn question(draft: &Draft, dice: &mut Dice) -> String {
    let (which, by) = which(draft, dice);
    let ask = match dice.between(0, 7) {
        0 => format!("list: {{limit: {}, offset: {}}}", dice.between(0, 6), dice.between(0, 4)),
        1 => {
            let status = dice.one(&["Running", "Completed", "Failed", "Preparing"]);
            format!("list: {{limit: {}, status: {status}, sort: -status}}", dice.between(0, 6))
        }
        2 => "list: {filter: [team=red]}".to_owned(),
        3 => format!("status: {which}"),
        4 => format!("manifest: {which}"),
        5 => format!("info: {{deployment: {which}, usage: true, logs: true}}"),
        _ => logs(&which),
    };
    format!("by: {by}, deployment: {{{ask}}}")
}

fn logs(which: &str) -> String {
    format!("logs: {{deployment: {which}, allocation: n0.a0}}")
}

/// Who has seen that a machine was away for a moment looks what has become of what ran there.
fn questions_after_a_loss(draft: &Draft, dice: &mut Dice, all: &mut Vec<(u64, String)>) {
    for at in &draft.replaced {
        for _ in 0..dice.between(1, 9) {
            let (which, by) = which(draft, dice);
            all.push((at + dice.between(1, 20), format!("by: {by}, deployment: {{{}}}", logs(&which))));
        }
    }
}

fn shutdown(draft: &Draft, dice: &mut Dice) -> String {
    let (which, by) = which(draft, dice);
    format!("by: {by}, deployment: {{shutdown: {which}}}")
}

fn update(draft: &Draft, dice: &mut Dice) -> String {
    let entry = dice.between(0, draft.deployments.len() as u64);
    let (which, by) = one_of(draft, dice, entry);
    // What it is, with something added; or something else, which is refused more often than not.
    let ensemble = match dice.between(0, 10) {
        0..4 => Ensemble::with_another_allocation(draft, entry, dice),
        4..7 => Ensemble::with_more_nodes(draft, entry, dice),
        _ => Ensemble::draw(draft, dice.between(0, 9)),
    };
    format!("by: {by}, deployment: {{update: {{deployment: {which}, ensemble: {}}}}}", ensemble.text())
}

fn prune(draft: &Draft, dice: &mut Dice) -> String {
    let (which, by) = which(draft, dice);
    match dice.percent(60) {
        true => format!("by: {by}, deployment: {{prune: all}}"),
        false => format!("by: {by}, deployment: {{delete: {which}}}"),
    }
}

fn machine(_: &Draft, dice: &mut Dice) -> String {
    let peer = format!("p-{}", dice.between(0, 2));
    match dice.between(0, 4) {
        0 => format!("by: {peer}, invoke: {{to: {peer}, behaviour: /dms/node/onboarding/offboard}}"),
        1 => format!("by: {peer}, invoke: {{to: {peer}, behaviour: /dms/node/allocations/list}}"),
        _ => format!(
            "by: {peer}, invoke: {{to: {peer}, behaviour: /dms/node/onboarding/onboard, offer: {{cpu: {}, ram: {} GiB, \
             disk: {} GiB}}}}",
            dice.between(1, 34),
            // What runs there has to be more than is offered now and then, of each of the three.
            dice.scaled(1, 65),
            dice.scaled(1, 500)
        ),
    }
}

fn membership(_: &Draft, dice: &mut Dice) -> String {
    let peer = dice.one(&["dora", "eve", "own-0", "p-0", "alice"]);
    match dice.between(0, 6) {
        0 => format!("by: {peer}, leave: acme"),
        1 => format!("by: {peer}, join: {{org: acme, token: forged}}"),
        2 => format!("by: {peer}, join: {{org: acme, token: {{of: dora}}}}"),
        3 => format!("by: {peer}, join: {{org: nunet, for: {}m}}", dice.between(1, 30)),
        4 => format!("by: {peer}, invoke: {{to: own-0, behaviour: /public/hello}}"),
        _ => format!("by: {peer}, join: acme"),
    }
}

fn contract(draft: &Draft, dice: &mut Dice) -> String {
    let (name, _) = dice.any(&draft.deals);
    let (by, to_do) = (
        dice.one(&["alice", "p-0", "p-1", "hosta"]),
        dice.one(&[
            "approve",
            "terminate",
            "complete",
            "settle",
            "state",
            "validate",
            "pay",
            "claim_paid",
            "forge",
            "info",
            "payment_status",
            "calculate",
        ]),
    );
    format!("by: {by}, contract: {{name: {name}, do: {to_do}}}")
}

fn subnet(draft: &Draft, dice: &mut Dice) -> String {
    let (_, by) = which(draft, dice);
    match dice.between(0, 3) {
        0 => format!(
            "by: {by}, invoke: {{to: {by}, behaviour: /dms/node/subnet/create, subnet: {{name: lab, range: \
             10.7.200.0/24}}}}"
        ),
        1 => format!(
            "by: {by}, invoke: {{to: {by}, behaviour: /dms/node/subnet/join, subnet: {{name: lab, address: \
             10.7.200.{}}}}}",
            dice.between(2, 9)
        ),
        _ => format!(
            "by: {by}, invoke: {{to: {by}, behaviour: /dms/node/subnet/destroy, subnet: {{name: lab}}}}"
        ),
    }
}

/// A volume that its creator may use, and others try to.
fn volumes(draft: &Draft, dice: &mut Dice, all: &mut Vec<(u64, String)>) {
    let pem = "\"-----BEGIN CERTIFICATE-----ZG1zaW0=-----END CERTIFICATE-----\"";
    for by in &draft.orchestrators {
        all.push((1, format!("by: vault, grant: {{to: {by}, capabilities: [/dms/volume], for: 30d}}")));
    }
    let by = draft.orchestrators[0];
    let call = |by: &str, what: &str, more: &str| {
        format!(
            "by: {by}, invoke: {{to: vault, behaviour: /dms/volume/{what}, volume: {{name: data{more}}}}}"
        )
    };
    all.push((3, call(by, "create", &format!(", client_pem: {pem}"))));
    all.push((5, call(by, "start", "")));
    for _ in 0..dice.between(1, 5) {
        let by = dice.one(&draft.orchestrators);
        all.push((dice.between(60, Times::ASKED), call(by, "delete", "")));
    }
}

fn grants(draft: &Draft, dice: &mut Dice, all: &mut Vec<(u64, String)>) {
    for number in 0..dice.between(1, 6) {
        let at = dice.between(20, Times::HEALED - 300);
        let (from, to) = (dice.one(&["p-0", "p-1"]), dice.one(&draft.orchestrators));
        let capability = dice.one(&["/dms/node", "/dms/deployment", "/", "/dms/cap"]);
        let (minutes, depth) = (dice.scaled(1, 60), dice.between(0, 3));
        all.push((
            at,
            format!(
                "by: {from}, grant: {{to: {to}, capabilities: [{capability}], for: {minutes}m, depth: {depth}, \
                 name: g{number}}}"
            ),
        ));
        let later = dice.between(at + 5, Times::HEALED);
        all.push((later, format!("by: {to}, invoke: {{to: {from}, behaviour: /dms/node/status}}")));
        let slot = dice.one(&["provide", "require"]);
        all.push((later + 1, format!("by: {from}, anchor: {{at: {from}, slot: {slot}, token: g{number}}}")));
        if dice.percent(50) {
            all.push((
                dice.between(later, Times::HEALED),
                format!("by: {from}, revoke: {{token: g{number}, broadcast: {}}}", dice.percent(60)),
            ));
        }
    }
}

fn revocations(draft: &Draft, dice: &mut Dice, all: &mut Vec<(u64, String)>) {
    let org = if draft.has(Choice::Organizations) { "acme" } else { "nunet" };
    if draft.has(Choice::Expiry) && !draft.has(Choice::Organizations) {
        return;
    }
    let publisher = if draft.has(Choice::Organizations) { "dora" } else { "alice" };
    let members: &[&str] =
        if draft.has(Choice::Organizations) { &["own-0", "own-1", "both-0"] } else { &["p-0", "p-1", "bob"] };
    for _ in 0..dice.between(1, 3) {
        let member = dice.one(members);
        if member == "bob" && !draft.orchestrators.contains(&"bob") {
            continue;
        }
        let at = dice.between(60, Times::HEALED - 60);
        all.push((at, format!("by: {publisher}, revoke: {{member: {member}, org: {org}, broadcast: true}}")));
    }
}
