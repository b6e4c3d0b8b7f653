//! A `Setup` as a scenario with every default written out. Loading that gives the same `Setup`.

use std::fmt::{Display, Write as _};

use super::attacks::FORGERIES;
use super::churn;
use super::distribution::write as span_of;
use super::network::BANDWIDTH_PRESETS;
use super::resolved_contracts::contract;
use super::resolved_faults::{fault, selection};
use super::resolved_operations::{operation, organization};
use super::storage;
use super::units::{write_bytes, write_rate};
use super::{clocks, costs, executors, joins, nat, profile, strategy, traffic, yaml};
use crate::dms::capability::Form;
use crate::dms::ensemble::config::Location;
use crate::kernel::{Time, date};
use crate::net::{BandwidthConfig, CityDataSet, LatencyConfig};
use crate::sim::setup::{
    AttackKind, AttackPlan, Deploy, Image, ImageBehaviour, PeerGroup, Prints, Requested, Role, Setup,
    StorageConfig,
};
use crate::workload::{PlaceConfig, PopulationOf};

/// The whole scenario; `copies` are the names of the ensembles of its deployments.
pub(super) fn write(setup: &Setup, copies: &[String]) -> String {
    let mut out = String::new();
    top(&mut out, setup);
    list(&mut out, "organizations", setup.organizations.iter().map(organization));
    // The virtual machines of gateways follow from these.
    let groups = setup.groups.iter().filter(|group| group.role != Role::Machine);
    list(&mut out, "peers", groups.map(group));
    out.push_str("images:\n");
    for image in &setup.images {
        line(&mut out, format_args!("  {}: {}", text(&image.name), behaviour(image)));
    }
    list(&mut out, "contracts", setup.contracts.iter().map(contract));
    list(&mut out, "workload", setup.workload.iter().zip(copies).map(|(one, copy)| deploy(one, copy)));
    let mut further = copies.iter().skip(setup.workload.len());
    list(&mut out, "operations", setup.operations.iter().map(|one| operation(one, &mut further)));
    list(&mut out, "traffic", setup.traffic.iter().map(traffic::write));
    if let Some(plan) = &setup.dynamic_dns {
        line(&mut out, format_args!("dynamic_dns: {}", super::dynamic_dns::write(plan)));
    }
    list(&mut out, "faults", setup.faults.iter().map(fault));
    if !setup.observability.is_empty() {
        list(&mut out, "observability", setup.observability.iter().map(super::observability::write));
    }
    line(&mut out, format_args!("strategy: {}", strategy::write(&setup.strategy)));
    let expect = setup.expect.iter();
    list(
        &mut out,
        "expect",
        expect.map(|one| format!("{} {} {}", one.metric, one.comparison.as_str(), one.bound)),
    );
    out
}

fn line(out: &mut String, content: impl Display) {
    let _ = writeln!(out, "{content}");
}

fn list(out: &mut String, key: &str, items: impl Iterator<Item = String>) {
    let mut empty = true;
    for item in items {
        if empty {
            line(out, format_args!("{key}:"));
        }
        line(out, format_args!("  - {item}"));
        empty = false;
    }
    if empty {
        line(out, format_args!("{key}: []"));
    }
}

fn top(out: &mut String, setup: &Setup) {
    line(out, "version: 1");
    line(out, format_args!("name: {}", text(&setup.name)));
    line(out, format_args!("seed: {}", setup.seed));
    line(out, format_args!("duration: {}", setup.duration));
    line(out, format_args!("epoch: {}", date::write(setup.epoch)));
    line(out, format_args!("profile: {}", profile::write_profile(setup.profile)));
    line(out, format_args!("signatures: {}", setup.signatures.as_str()));
    let cost = setup.processing;
    line(out, format_args!("processing: {{signature: {}, message: {}}}", cost.signature, cost.message));
    let network = &setup.network;
    let latency = match network.latency {
        LatencyConfig::Cities(CityDataSet::Wonder) => "{cities: wonder}".to_owned(),
        LatencyConfig::Constant(delay) => format!("{{constant: {delay}}}"),
    };
    line(out, "network:");
    line(out, format_args!("  latency: {latency}"));
    line(out, format_args!("  loss: {}", network.loss));
    line(out, format_args!("  packet_loss: {}", network.packet_loss));
    line(out, format_args!("  bandwidth: {}", links(network.bandwidth)));
    line(out, format_args!("  hop_processing: {}", network.hop_processing));
    line(out, format_args!("  hellos: {}", setup.hellos));
    if let Some(hidden) = &network.nat {
        line(out, format_args!("  nat: {}", nat::write(hidden)));
    }
}

/// A text, quoted where YAML or a reader would take it for something else.
pub(super) fn text(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_alphanumeric() || "-_./".contains(c));
    let same =
        yaml::parse(text.as_bytes()).is_ok_and(|node| node.as_text().is_some_and(|own| **own == *text));
    if plain && same && !text.starts_with(['-', '.']) {
        return text.to_owned();
    }
    // Texts of JSON are texts of YAML.
    serde_json::Value::from(text).to_string()
}

/// `{a: 1, b: 2}` of what is written.
pub(super) fn map(entries: &[(&str, Option<String>)]) -> String {
    let written = entries.iter().filter_map(|(key, value)| Some(format!("{key}: {}", value.as_ref()?)));
    format!("{{{}}}", written.collect::<Vec<_>>().join(", "))
}

pub(super) fn links(config: BandwidthConfig) -> String {
    match config {
        BandwidthConfig::Unlimited => "unlimited".to_owned(),
        BandwidthConfig::Constant(links) => {
            format!("{{up: {}, down: {}}}", write_rate(links.up_bps), write_rate(links.down_bps))
        }
        BandwidthConfig::Preset(preset) => {
            let name = BANDWIDTH_PRESETS.iter().find(|(_, one)| *one == preset).map_or("home", |one| one.0);
            format!("{{preset: {name}}}")
        }
    }
}

fn group(group: &PeerGroup) -> String {
    let role = match group.role {
        Role::Provider => "providers",
        Role::Orchestrator => "orchestrators",
        Role::Attacker => "attackers",
        Role::Relay => "relays",
        Role::Bootstrap => "bootstraps",
        Role::ContractHost => "contract_hosts",
        Role::PaymentValidator => "payment_validators",
        Role::VolumeServer => "volume_servers",
        Role::Gateway | Role::Machine => "gateways",
    };
    let names: Vec<String> = group.names.iter().map(|name| text(name)).collect();
    let organizations: Vec<String> = group.organizations.iter().map(|name| text(name)).collect();
    let onboard =
        group.onboard.map(|part| format!("{{cpu: {}, ram: {}, disk: {}}}", part.cpu, part.ram, part.disk));
    let mut content = vec![
        ("name", Some(text(&group.name))),
        ("count", Some(group.count.to_string())),
        ("names", Some(format!("[{}]", names.join(", ")))),
        ("org", (!organizations.is_empty()).then(|| format!("[{}]", organizations.join(", ")))),
        ("membership", Some(group.membership.map_or("none", Form::as_str).to_owned())),
        ("place", Some(place(&group.place))),
        ("location", group.location.as_ref().map(location)),
        ("hardware", Some(super::hardware::write(&group.hardware))),
        ("onboard", onboard),
        ("bandwidth", group.bandwidth.map(links)),
        ("nat", group.nat.as_ref().map(nat::write_of_group)),
        ("churn", churn::write(group)),
        ("joins", group.joins.as_ref().map(joins::write)),
        ("clock", group.clock.as_ref().map(clocks::write)),
        ("profile", group.profile.map(profile::write_profile)),
        ("attack", group.attack.as_ref().map(attack)),
        (
            "storage",
            (group.storage != StorageConfig::default()).then(|| storage::write_of_group(&group.storage)),
        ),
        ("require_contracts", group.require_contracts.then(|| "true".to_owned())),
        ("executors", executors::write_of_group(&group.executors)),
        ("price", group.tariff.as_ref().map(costs::write_price)),
        ("power", group.power.map(costs::write_power)),
        ("queue", group.places.map(executors::write_places)),
        ("quotas", quotas(&group.quotas)),
    ];
    content.extend(group.gateway.iter().flat_map(super::gateways::write));
    format!("{role}: {}", map(&content))
}

/// What organizations may have, in percent.
fn quotas(quotas: &[(String, u32)]) -> Option<String> {
    let one =
        |(name, share_milli): &(String, u32)| format!("{}: {}%", text(name), f64::from(*share_milli) / 10.0);
    (!quotas.is_empty()).then(|| format!("{{{}}}", quotas.iter().map(one).collect::<Vec<_>>().join(", ")))
}

fn location(said: &Location) -> String {
    map(&[
        ("continent", Some(text(&said.continent))),
        ("country", said.country.as_deref().map(text)),
        ("city", said.city.as_deref().map(text)),
    ])
}

fn attack(plan: &AttackPlan) -> String {
    let targets = selection(&plan.targets);
    let mut entries = vec![
        ("start", Some(after(plan.start))),
        ("end", plan.end.map(after)),
        ("every", Some(plan.every.to_string())),
        ("broadcasts", Some(plan.broadcasts.to_string())),
        ("targets", (!targets.is_empty()).then(|| format!("{{{}}}", targets.trim_end_matches(", ")))),
    ];
    match &plan.kind {
        AttackKind::Forger { forges } => {
            let named = |forgery| FORGERIES.iter().find(|(_, one)| one == forgery).map_or("", |one| one.0);
            let names: Vec<&str> = forges.iter().map(named).collect();
            entries.push(("forges", Some(format!("[{}]", names.join(", ")))));
        }
        AttackKind::Sybil { identities } => entries.push(("identities", Some(identities.to_string()))),
        AttackKind::Flooder { burst } => entries.push(("burst", Some(burst.to_string()))),
        AttackKind::RevokedInsider { revoked, anchored, delay } => {
            entries.push(("revoked", Some(after(*revoked))));
            entries.push(("anchored", Some(anchored.to_string())));
            entries.push(("delay", Some(span_of(delay))));
        }
        AttackKind::ClockSkew { offset_ns } => {
            let by = crate::kernel::Span(offset_ns.unsigned_abs()).to_string();
            entries.push((if *offset_ns < 0 { "behind" } else { "ahead" }, Some(by)));
        }
        AttackKind::Replayer | AttackKind::TokenThief | AttackKind::OverDelegator => {}
    }
    format!("{{{}: {}}}", plan.kind.name(), map(&entries))
}

pub(super) fn place(place: &PlaceConfig) -> String {
    match place {
        PlaceConfig::ByPopulation(PopulationOf::World) => "{by_population: world}".to_owned(),
        PlaceConfig::ByPopulation(PopulationOf::Continent(continent)) => {
            format!("{{by_population: {{continent: {}}}}}", text(continent.code()))
        }
        PlaceConfig::ByPopulation(PopulationOf::Country(country)) => {
            format!("{{by_population: {{country: {}}}}}", text(country))
        }
        PlaceConfig::City(city) => match city.rsplit_once(',') {
            Some((name, country)) => format!("{{city: {}, country: {}}}", text(name), text(country.trim())),
            None => format!("{{city: {}}}", text(city)),
        },
    }
}

fn behaviour(image: &Image) -> String {
    let behaviour = match &image.behaviour {
        ImageBehaviour::Task { run, exit_code, stalls, prints } => {
            let stalls = stalls.map(|stalls| {
                map(&[("after", Some(span_of(&stalls.after))), ("for", Some(span_of(&stalls.lasts)))])
            });
            let exit_code = ("exit_code", Some(exit_code.to_string()));
            let own = [("run", Some(span_of(run))), exit_code, ("stalls", stalls)];
            format!("task: {}", map(&[&own[..], &printed(prints)].concat()))
        }
        ImageBehaviour::Kernel => "kernel: {}".to_owned(),
        ImageBehaviour::Service { fails_after, health, answers_after, prints } => {
            let own = [
                ("fails_after", fails_after.as_ref().map(span_of)),
                ("health", Some(text_or_empty(health))),
                ("answers_after", answers_after.as_ref().map(span_of)),
            ];
            format!("service: {}", map(&[&own[..], &printed(prints)].concat()))
        }
    };
    let survives = if image.survives > 0 { format!(", survives: {}", image.survives) } else { String::new() };
    let (size, start) = (write_bytes(image.size_bytes), span_of(&image.start));
    let data = storage::write_of_image(&image.data);
    let ends = executors::write_of_image(image.stop.as_ref(), &image.uses, image.pull_fails);
    format!("{{size: {size}, start: {start}, {behaviour}{survives}{ends}{data}}}")
}

fn printed(prints: &Prints) -> [(&'static str, Option<String>); 4] {
    [
        ("output", Some(text_or_empty(&prints.output))),
        ("stderr", (!prints.stderr.is_empty()).then(|| text(&prints.stderr))),
        ("output_size", prints.output_bytes.map(write_bytes)),
        ("output_every", prints.every.map(|every| every.to_string())),
    ]
}

fn text_or_empty(value: &str) -> String {
    if value.is_empty() { "\"\"".to_owned() } else { text(value) }
}

pub(super) fn after(time: Time) -> String {
    time.since(Time::ZERO).to_string()
}

fn deploy(deploy: &Deploy, copy: &str) -> String {
    let arrivals = match &deploy.requested {
        Requested::Alike(arrivals) => arrivals,
        Requested::Jobs { source, .. } => return super::jobs::write(deploy, source, copy),
    };
    let contracts: Vec<String> = deploy.contracts.iter().map(|name| text(name)).collect();
    let content = map(&[
        ("by", Some(text(&deploy.by.name))),
        ("ensemble", Some(text(&format!("ensembles/{copy}.yaml")))),
        ("name", Some(text(&deploy.name))),
        ("arrivals", Some(super::arrivals::write(arrivals))),
        ("count", (deploy.count != u32::MAX).then(|| deploy.count.to_string())),
        ("timeout", Some(deploy.timeout.to_string())),
        ("shutdown_after", deploy.shutdown_after.as_ref().map(span_of)),
        ("contracts", (!contracts.is_empty()).then(|| format!("[{}]", contracts.join(", ")))),
        ("recovery", deploy.wishes.recovery.as_ref().map(strategy::write_recovery)),
        ("detector", deploy.wishes.detector.map(strategy::write_detector)),
        ("priority", deploy.wishes.priority.map(|priority| priority.to_string())),
    ]);
    format!("deploy: {content}")
}
