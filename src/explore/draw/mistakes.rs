//! What users and operators ask for that cannot be: what is misspelt, out of range, of somebody else or there already.
//! Each of it is refused with a reason, and must do no harm.

use super::operations::which;
use super::{Draft, Line, Times};
use crate::explore::choices::Choice;
use crate::explore::dice::Dice;

/// The mistakes of a configuration, with when they are made.
pub(super) fn draw(draft: &Draft) -> Vec<(u64, String)> {
    let mut dice = draft.dice(30);
    let own: [(Option<Choice>, Line); 8] = [
        (None, list),
        (None, question),
        (None, logger),
        (None, connection),
        (None, deadline),
        (Some(Choice::Contracts), contract),
        (Some(Choice::Volumes), volume),
        (Some(Choice::Subnets), subnet),
    ];
    let kinds: Vec<Line> = own
        .into_iter()
        .filter(|(choice, _)| choice.is_none_or(|choice| draft.has(choice)))
        .map(|(_, line)| line)
        .collect();
    let mut all = Vec::new();
    for _ in 0..dice.scaled(4, 24) {
        let line = dice.any(&kinds);
        let one = (dice.between(30, Times::ASKED), line(draft, &mut dice));
        if dice.percent(25) {
            // Twice in the same moment.
            all.push(one.clone());
        }
        all.push(one);
    }
    all
}

/// A list by what there is not.
fn list(draft: &Draft, dice: &mut Dice) -> String {
    let (_, by) = which(draft, dice);
    let by_what = dice.one(&[
        "limit: -1",
        "offset: -4",
        "status: Asleep",
        "sort: colour",
        "filter: [team]",
        "sort: -age",
    ]);
    format!("by: {by}, deployment: {{list: {{{by_what}}}}}")
}

/// A question about an allocation that is not there, or about one of several.
fn question(draft: &Draft, dice: &mut Dice) -> String {
    let (which, by) = which(draft, dice);
    let allocation = dice.one(&["a0", "n9.a9", "n0.a1", "n1.a0"]);
    format!("by: {by}, deployment: {{logs: {{deployment: {which}, allocation: {allocation}}}}}")
}

/// A node is to log in a way that there is not.
fn logger(_: &Draft, dice: &mut Dice) -> String {
    let peer = dice.one(&["p-0", "alice"]);
    let change = dice.one(&["level: CHATTY", "flush_interval: 0", "elastic_url: nowhere", "level: DEBUG"]);
    format!("by: {peer}, invoke: {{to: {peer}, behaviour: /dms/node/logger/config, logger: {{{change}}}}}")
}

/// A node is to connect to somebody, or to ping him, who may not be there.
fn connection(_: &Draft, dice: &mut Dice) -> String {
    let (peer, other) = (dice.one(&["p-0", "alice"]), dice.one(&["p-1", "alice", "p-0"]));
    let what = dice.one(&["connect", "ping"]);
    format!("by: {peer}, invoke: {{to: {peer}, behaviour: /dms/node/peers/{what}, peer: {other}}}")
}

/// What is to be done in less time than it takes.
fn deadline(draft: &Draft, dice: &mut Dice) -> String {
    let (which, by) = which(draft, dice);
    // Some of it fits few machines, which others want at the same time.
    let cores = dice.one(&["1", "3", "7"]);
    let job = format!(
        "{{version: V1, allocations: {{a0: {{type: task, executor: docker, resources: {{cpu: {{cores: {cores}}}, ram: \
         {{size: 0.5}}, disk: {{size: 1}}}}, execution: {{type: docker, image: x/short}}}}}}, nodes: {{n0: \
         {{allocations: [a0]}}}}}}"
    );
    let timeout_s = dice.between(10, 58);
    match dice.percent(50) {
        true => format!("by: {by}, deployment: {{new: {{ensemble: {job}}}, timeout: {timeout_s}s}}"),
        false => format!(
            "by: {by}, deployment: {{update: {{deployment: {which}, ensemble: {job}}}, timeout: {timeout_s}s}}"
        ),
    }
}

/// Quotes and payments of contracts that are paid otherwise.
fn contract(draft: &Draft, dice: &mut Dice) -> String {
    let (name, _) = dice.any(&draft.deals);
    let by = match dice.percent(70) {
        true => dice.one(&draft.orchestrators),
        false => dice.one(&["p-0", "p-1"]),
    };
    let to_do = dice.one(&[
        "quote",
        "validate_quote",
        "cancel_quote",
        "request_validation",
        "transactions",
        "list",
        "pay",
    ]);
    format!("by: {by}, contract: {{name: {name}, do: {to_do}}}")
}

/// A volume that is there already, for a certificate that is none, or at a node that serves none.
fn volume(draft: &Draft, dice: &mut Dice) -> String {
    let by = draft.orchestrators[0];
    let pem = dice.one(&["\"-----BEGIN CERTIFICATE-----ZG1zaW0=-----END CERTIFICATE-----\"", "none"]);
    let (to, what) = match dice.between(0, 4) {
        0 => ("p-0", format!("create, volume: {{name: data, client_pem: {pem}}}")),
        1 => ("vault", "start, volume: {name: data}".to_owned()),
        2 => ("vault", "start, volume: {name: nothing}".to_owned()),
        _ => ("vault", format!("create, volume: {{name: data, client_pem: {pem}}}")),
    };
    format!("by: {by}, invoke: {{to: {to}, behaviour: /dms/volume/{what}}}")
}

/// A node joins its subnet with an address that is none of it.
fn subnet(draft: &Draft, dice: &mut Dice) -> String {
    let (_, by) = which(draft, dice);
    let address = dice.one(&["10.9.0.2", "10.7.200.0", "192.168.1.1"]);
    format!(
        "by: {by}, invoke: {{to: {by}, behaviour: /dms/node/subnet/join, subnet: {{name: lab, address: {address}}}}}"
    )
}
