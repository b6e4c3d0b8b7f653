//! Who takes part, and over which network.

use super::{Bounds, Draft, Group, Times};
use crate::explore::choices::Choice;
use crate::explore::dice::{Dice, listed};

/// The cities of the places that nodes may want, with their countries and continents.
const CITIES: [(&str, &str, &str); 6] = [
    ("Berlin", "DE", "EU"),
    ("Paris", "FR", "EU"),
    ("Tokyo", "JP", "AS"),
    ("Chicago", "US", "NA"),
    ("Sydney", "AU", "OC"),
    ("Singapore", "SG", "AS"),
];

/// The executors that what is deployed wants.
pub(super) const CONTAINERS: [&str; 2] = ["docker", "containerd"];

/// An organization whose members may publish revocations, with what more is said of it.
fn organization(name: &str, more: &str) -> String {
    format!(
        "{{name: {name}, capabilities: [/dms/deployment, /broadcast, /public, /dms/tokenomics, \
         /dms/cap/revoke]{more}}}"
    )
}

pub(super) fn draw(draft: &mut Draft, bounds: &Bounds) {
    let mut dice = draft.dice(1);
    network(draft, &mut dice);
    draft.providers = dice.between(bounds.providers.0, bounds.providers.1 + 1);
    providers(draft, &mut dice);
    // Whoever hands over needs somebody to hand over to.
    let orchestrators = dice.between(1 + u64::from(draft.has(Choice::HandOver)), 4) as usize;
    draft.orchestrators = ["alice", "bob", "carol"][..orchestrators].to_vec();
    let names = listed(&draft.orchestrators);
    let org = organizations_of(draft);
    draft.peers.push(format!("orchestrators: {{names: {names}{org}}}"));
    if draft.has(Choice::Organizations) {
        organizations(draft, &mut dice);
    } else if draft.has(Choice::Revocations) && !draft.has(Choice::Expiry) {
        draft.organizations.push(organization("nunet", ""));
    } else if draft.has(Choice::Expiry) {
        let expire = dice.between(8, 38);
        draft.organizations.push(format!("{{name: acme, expire: {expire}m}}"));
    }
    if draft.has(Choice::Volumes) {
        let hardware = "hardware: {cpu: 8, ram: 16 GiB, disk: 2 TB}";
        draft.peers.push(format!("volume_servers: {{names: [vault]{org}, {hardware}}}"));
    }
    if draft.has(Choice::Contracts) {
        contracts(draft, org, &mut dice);
    }
    if draft.has(Choice::Gateways) {
        let fails = dice.one(&["0", "30%"]);
        draft.peers.push(format!(
            "gateways: {{names: [cloud]{org}, plans: [{{cpu: 8, ram: 16 GiB, disk: 100 GiB}}], machines: {}, \
             boot: {}s, fails: {fails}}}",
            dice.between(1, 5),
            dice.between(5, 200)
        ));
    }
    if draft.has(Choice::Nat) {
        draft.peers.push("relays: {count: 2}".to_owned());
        draft.peers.push("bootstraps: {count: 1}".to_owned());
    }
    attackers(draft, &mut dice);
}

fn network(draft: &mut Draft, dice: &mut Dice) {
    let latency = match dice.percent(50) {
        true => "{cities: wonder}".to_owned(),
        false => format!("{{constant: {}ms}}", dice.scaled(1, 400)),
    };
    let bandwidth = dice.one(&["{preset: home}", "{preset: datacentre}", "unlimited"]);
    draft.network = format!("latency: {latency}, bandwidth: {bandwidth}");
    if draft.has(Choice::Nat) {
        let preset = dice.one(&["measured", "optimistic", "pessimistic"]);
        draft.network.push_str(&format!(", nat: {{preset: {preset}}}"));
    }
}

/// `, org: ...` of providers and orchestrators.
fn organizations_of(draft: &Draft) -> &'static str {
    if draft.has(Choice::Expiry) && !draft.has(Choice::Organizations) { ", org: acme" } else { "" }
}

fn providers(draft: &mut Draft, dice: &mut Dice) {
    let groups = dice.between(1, 4);
    for group in 0..groups {
        let count = (draft.providers / groups).max(2);
        let name = ["p", "q", "r"][group as usize];
        let mut entry = format!("name: {name}, count: {count}");
        entry.push_str(organizations_of(draft));
        let place = (draft.has(Choice::Places) || dice.percent(30)).then(|| dice.any(&CITIES));
        if let Some((city, country, _)) = place {
            entry.push_str(&format!(", place: {{city: {city}, country: {country}}}"));
        }
        let (cpu, ram, disk) = match draft.has(Choice::Tight) {
            true => (dice.between(2, 5), dice.between(4, 9), 60),
            false => (dice.scaled(4, 32), dice.scaled(8, 64), 400),
        };
        let has_cards = draft.has(Choice::Cards) && dice.percent(60);
        let cards = match has_cards {
            true => {
                format!(", gpu: {{vendor: NVIDIA, model: T4, vram: 16 GiB, count: {}}}", dice.between(1, 4))
            }
            false => String::new(),
        };
        // Not every processor is as the others.
        let (kind, processor) = match draft.has(Choice::Executors) && dice.percent(30) {
            true => (", arch: arm64", ", architecture: arm64"),
            false => ("", ", architecture: x86_64"),
        };
        entry.push_str(&format!(", hardware: {{cpu: {cpu}, ram: {ram} GiB, disk: {disk} GB{kind}{cards}}}"));
        let mut executors = vec!["docker"];
        if draft.has(Choice::Executors) {
            executors = dice.some(&["docker", "containerd", "firecracker", "\"null\""]);
            entry.push_str(&format!(", executors: {}", listed(&executors)));
        }
        executors.retain(|one| CONTAINERS.contains(one));
        if draft.has(Choice::Queues) && dice.percent(40) {
            entry.push_str(&format!(
                ", queue: {{at_once: {}, waiting: {}}}",
                dice.between(1, 4),
                dice.between(1, 9)
            ));
        }
        if draft.has(Choice::Clocks) && dice.percent(50) {
            entry.push_str(&format!(", clock: {{skew: {}ms}}", dice.scaled(10, 3000)));
        }
        let wants_contracts = draft.has(Choice::Contracts) && groups > 1 && dice.percent(20);
        if wants_contracts {
            entry.push_str(", require_contracts: true");
        }
        draft.peers.push(format!("providers: {{{entry}}}"));
        let continent = place.map(|(_, _, continent)| *continent);
        draft.groups.push(Group {
            name,
            count,
            cores: cpu,
            ram_gib: ram,
            processor,
            has_cards,
            executors,
            continent,
            wants_contracts,
        });
    }
}

/// Another organization, some of whose members are in both.
fn organizations(draft: &mut Draft, dice: &mut Dice) {
    let expire = match draft.has(Choice::Expiry) {
        true => format!(", expire: {}m", dice.between(8, 38)),
        false => String::new(),
    };
    draft.organizations.push(organization("acme", &expire));
    draft.organizations.push(organization("nunet", ""));
    let membership = dice.one(&["full", "provide_only", "require_only"]);
    let quotas = if draft.has(Choice::Mistakes) { ", quotas: {acme: 20%}" } else { "" };
    draft.peers.push(format!(
        "providers: {{name: own, count: {}, org: acme, hardware: {{cpu: 8, ram: 16 GiB, disk: 400 GB}}{quotas}}}",
        dice.between(2, 6)
    ));
    draft
        .peers
        .push(format!("providers: {{name: both, count: 2, org: [acme, nunet], membership: {membership}}}"));
    draft.peers.push("orchestrators: {name: others, names: [dora, doug], org: acme}".to_owned());
    draft.peers.push("providers: {name: strangers, names: [eve], membership: none}".to_owned());
}

fn contracts(draft: &mut Draft, org: &str, dice: &mut Dice) {
    // A second host is drawn for itself, so that what else there is stays as it was.
    let mut hosts = draft.dice(5);
    let two = hosts.percent(50);
    let hosting = if two { "hosta, hostb" } else { "hosta" };
    draft.peers.push(format!("contract_hosts: {{names: [{hosting}]{org}}}"));
    draft.peers.push(format!("payment_validators: {{names: [vera]{org}}}"));
    // An organization that others deal with through a chain is an orchestrator, too.
    let mut chains = draft.dice(6);
    let organization = draft.orchestrators.get(1).copied().filter(|_| chains.percent(35));
    let most = draft.groups[0].count.min(5);
    for number in 0..dice.between(2, 7) {
        let name = format!("deal{number}");
        let requestor = dice.one(&draft.orchestrators);
        let model = dice.one(&[
            "pay_per_allocation, fee: 3",
            "pay_per_deployment, fee: 2.5",
            "pay_per_time_utilization, fee: 0.36, time_unit: minute",
            "pay_per_resource_utilization, resource_fees: {cpu: 0.1, ram: 0.02, disk: 0.001}, time_unit: minute",
            "fixed_rental, fee: 5",
            "periodic, fee: 1",
        ]);
        let periods = dice.scaled(2, 60);
        let agreed = match dice.percent(75) {
            true => format!(", approve_after: {}s", dice.between(1, 60)),
            false => String::new(),
        };
        let paid = if dice.percent(60) { ", pay_after: 1m" } else { "" };
        let at = dice.between(0, 120);
        let termination = match draft.has(Choice::Mistakes) {
            true => dice.one(&["", ", termination: refused", ", termination: unsaid"]),
            false => "",
        };
        let host = if two && hosts.percent(50) { "hostb" } else { "hosta" };
        let own = format!("p-{}", dice.between(0, most));
        let ends = dice.between(15, 120);
        // Of a chain the first is the head, between somebody else and the organization; the others are tails.
        let (asks, provider, role) = match organization {
            None => (requestor, own, ""),
            Some(organization) if number == 0 => {
                (draft.orchestrators[0], organization.to_owned(), ", role: head")
            }
            Some(organization) => (organization, own, ", role: tail"),
        };
        draft.contracts.push(format!(
            "{{name: {name}, at: {at}s, requestor: {asks}, provider: {provider}, host: {host}, validator: vera, \
             for: {ends}m, model: {model}, period: minute, periods: {periods}{role}{agreed}{paid}{termination}}}"
        ));
        draft.deals.push((name, asks));
    }
}

fn attackers(draft: &mut Draft, dice: &mut Dice) {
    let end = Times::HEALED;
    if draft.has(Choice::Forgers) {
        let attack = dice.one(&["forger", "replayer", "token_thief", "sybil", "flooder"]);
        let (start, every) = (dice.between(10, 900), dice.between(2, 30));
        // A flood is a thousand messages already.
        let every = if attack == "flooder" { every * 60 } else { every };
        draft.peers.push(format!(
            "attackers: {{name: foes, count: {}, attack: {{{attack}: {{start: {start}s, end: {end}s, \
             every: {every}s}}}}}}",
            dice.between(1, 4)
        ));
    }
    if draft.has(Choice::Insiders) {
        let own = match dice.between(0, 4) {
            0 => "over_delegator: {".to_owned(),
            1 => "forger: {forges: [dids], ".to_owned(),
            2 => format!("revoked_insider: {{revoked: {}s, ", dice.between(100, 1200)),
            _ => "clock_skew: {ahead: 1h, ".to_owned(),
        };
        draft.peers.push(format!(
            "attackers: {{name: moles, count: 2, org: nunet, attack: {{{own}start: 60s, end: {end}s, every: {}s}}}}}}",
            dice.between(5, 40)
        ));
    }
}
