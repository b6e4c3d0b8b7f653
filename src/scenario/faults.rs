//! The `faults` of a scenario: what breaks, when, and whose.

mod machine;

use std::sync::Arc;

use super::deployed::Deployed;
use super::peers::Peers;
use super::reader::{Map, Reader, Variant};
use super::workload::within_the_run;
use super::{clocks, flaps, outages};
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::{Node, Value};
use crate::dms::fact::DeploymentStatus;
use crate::kernel::{Span, Time};
use crate::net::{Cities, Continent, Systems};
use crate::sim::setup::{Direction, Fault, PeerGroup, Selection, When};
use crate::workload::{PlaceConfig, PlaceDraw};

/// What may break: exactly one of these.
pub(super) const KINDS: &[&str] = &[
    "crash",
    "loss",
    "delay",
    "partition",
    "restart",
    "upgrade",
    "move",
    "executor_crash",
    "pull_failure",
    "slow",
    "stall",
    "slow_disk",
    "disk_full",
    "lies",
    "byzantine",
    "outage",
    "clock",
];
/// The keys that choose peers.
pub(super) const WHO: [&str; 6] = ["group", "peer", "peers", "continent", "country", "asn"];
/// Those, and the part of the peers that is drawn.
pub(super) const DRAWN: [&str; 8] =
    ["group", "peer", "peers", "continent", "country", "asn", "fraction", "count"];
const AT_HELP: &str = "when it happens after the start, as in `at: 2h`";
const FOR_HELP: &str = "how long it lasts, as in `for: 10m`";

/// Reads the faults and checks them against the peers, the end of the run and what is deployed.
pub(super) fn read(
    reader: &mut Reader,
    top: &Map<'_>,
    context: &Context<'_>,
    deployed: &Deployed<'_>,
) -> Vec<Fault> {
    let items = reader.list(top, "faults");
    let faults = Faults { context, deployed };
    items.iter().filter_map(|item| faults.fault(reader, item)).collect()
}

/// What faults and attacks are checked against.
pub(super) struct Context<'a> {
    /// The end of the run, if it could be read.
    pub duration: Option<Span>,
    /// Whom they may concern.
    pub peers: &'a Peers,
}

/// Faults, with what they are checked against.
struct Faults<'a> {
    context: &'a Context<'a>,
    /// What they may wait for.
    deployed: &'a Deployed<'a>,
}

impl Faults<'_> {
    fn fault(&self, reader: &mut Reader, node: &Node) -> Option<Fault> {
        let variant = reader.variant(node, "a kind of fault", KINDS)?;
        match variant.name {
            "crash" => self.crash(reader, &variant),
            "restart" => self.restart(reader, &variant),
            "upgrade" => self.upgrade(reader, &variant),
            "loss" => self.loss(reader, &variant),
            "delay" => self.delay(reader, &variant),
            "move" => self.relocation(reader, &variant),
            "partition" => self.partition(reader, &variant),
            "outage" => self.outage(reader, &variant),
            "clock" => self.clock(reader, &variant),
            _ => self.machine(reader, &variant),
        }
    }

    fn crash(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let map = reader.map(
            variant.node,
            "crash",
            variant.at,
            &[&["at", "repair", "state"][..], &DRAWN].concat(),
        )?;
        let at = self.at(reader, &map);
        let who = self.context.selection(reader, &map, true);
        let help = "how long until a peer is back, as in `repair: 1h`, or `repair: never`";
        let repair = reader.required(&map, "repair", help, |r, node| match node.as_text() {
            Some(text) if &**text == "never" => Some(None),
            _ => r.distribution(node, "repair").map(Some),
        });
        let states = [("kept", false), ("lost", true)];
        let loses_disk = reader.optional(&map, "state", |r, node| r.word(node, "state", &states));
        Some(Fault::Crash { at: at?, who: who?, repair: repair?, loses_disk: loses_disk.unwrap_or(false) })
    }

    fn restart(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let map = reader.map(variant.node, "restart", variant.at, &[&["at", "down"][..], &DRAWN].concat())?;
        let at = self.at(reader, &map);
        let who = self.context.selection(reader, &map, true);
        let help = "how long until the process runs again, as in `down: 30s`";
        let down = reader.required(&map, "down", help, |r, node| r.distribution(node, "down"));
        Some(Fault::Restart { at: at?, who: who?, down: down? })
    }

    fn upgrade(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let keys = [&["at", "within", "to", "down"][..], &DRAWN].concat();
        let map = reader.map(variant.node, "upgrade", variant.at, &keys)?;
        let at = self.at(reader, &map);
        let who = self.context.selection(reader, &map, true);
        let help = "from the first peer to the last, as in `within: 3h`";
        let within = reader.required(&map, "within", help, |r, node| r.span(node, "within"));
        let help = "how long until each process runs again, as in `down: 30s`";
        let down = reader.required(&map, "down", help, |r, node| r.distribution(node, "down"));
        let help = "what the new version is like, as in `to: intended` or `to: {base: as-is, fix: [W2]}`";
        let to = reader.required(&map, "to", help, |r, node| super::profile::value(r, node, "to"));
        Some(Fault::Upgrade { at: at?, within: within?, who: who?, down: down?, to: to? })
    }

    fn loss(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let keys = [&["at", "for", "flaps", "fraction", "direction"][..], &WHO].concat();
        let map = reader.map(variant.node, "loss", variant.at, &keys)?;
        let (at, lasts) = (self.at(reader, &map), Self::lasts(reader, &map));
        let flaps = reader.optional(&map, "flaps", flaps::read);
        let who = self.context.selection(reader, &map, false);
        let help = "the part of messages that is lost, as in `fraction: 5%`";
        let fraction = reader.required(&map, "fraction", help, |r, node| r.fraction(node, "fraction"));
        let direction = direction(reader, &map);
        Some(Fault::Loss { at: at?, lasts: lasts?, flaps, who: who?, direction, fraction: fraction? })
    }

    fn delay(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let keys = [&["at", "for", "flaps", "extra", "direction"][..], &DRAWN].concat();
        let map = reader.map(variant.node, "delay", variant.at, &keys)?;
        let (at, lasts) = (self.at(reader, &map), Self::lasts(reader, &map));
        let flaps = reader.optional(&map, "flaps", flaps::read);
        let who = self.context.selection(reader, &map, true);
        let help = "how much longer messages take, as in `extra: 200ms`";
        let extra = reader.required(&map, "extra", help, |r, node| r.distribution(node, "extra"));
        let direction = direction(reader, &map);
        Some(Fault::Delay { at: at?, lasts: lasts?, flaps, who: who?, direction, extra: extra? })
    }

    fn partition(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let map = reader.map(variant.node, "partition", variant.at, &["at", "for", "flaps", "between"])?;
        let (at, lasts) = (self.at(reader, &map), Self::lasts(reader, &map));
        let flaps = reader.optional(&map, "flaps", flaps::read);
        let help =
            "two sets of peers, as in `between: [{continent: EU}, {continent: NA}]`, or one and the rest";
        let between = reader.required(&map, "between", help, |r, node| {
            let [first, second] = node.items() else {
                r.error(node.position, "`between` needs exactly two sets of peers", help.to_owned());
                return None;
            };
            let rest = second.as_text().is_some_and(|text| &**text == "rest");
            // Whoever is on both sides stays with the first.
            let second = if rest { Some(Selection::default()) } else { self.side(r, second) };
            let first = self.side(r, first);
            Some([first?, second?])
        });
        Some(Fault::Partition { at: at?, lasts: lasts?, flaps, between: between? })
    }

    fn relocation(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let map = reader.map(variant.node, "move", variant.at, &[&["at", "every"][..], &DRAWN].concat())?;
        let at = self.at(reader, &map);
        let who = self.context.selection(reader, &map, true);
        let every = match map.node.entry("every") {
            Some(_) => reader.optional(&map, "every", |r, node| r.period(node, "every")).map(Some),
            None => Some(None),
        };
        Some(Fault::Move { at: at?, who: who?, every: every? })
    }

    fn outage(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let map = reader.map(variant.node, "outage", variant.at, &[&outages::KEYS[..], &WHO].concat())?;
        let (at, who) = (self.at(reader, &map), self.context.selection(reader, &map, false));
        outages::read(reader, &map, (at, who)).map(Fault::Outage)
    }

    fn clock(&self, reader: &mut Reader, variant: &Variant<'_>) -> Option<Fault> {
        let map =
            reader.map(variant.node, "clock", variant.at, &[&["at", "for", "jump"][..], &DRAWN].concat())?;
        let (at, who) = (self.at(reader, &map), self.context.selection(reader, &map, true));
        let help = "by how much clocks are set, as in `jump: 10m`, or `jump: -10m` to set them back";
        let by_ns = reader.required(&map, "jump", help, clocks::jump);
        let lasts = match map.node.entry("for") {
            Some(_) => reader.optional(&map, "for", |r, node| r.positive_span(node, "for")).map(Some),
            None => Some(None),
        };
        Some(Fault::Clock { at: at?, lasts: lasts?, who: who?, by_ns: by_ns? })
    }

    fn side(&self, reader: &mut Reader, node: &Node) -> Option<Selection> {
        let map = reader.map(node, "between", node.position, &DRAWN)?;
        if node.entries().is_empty() {
            let help = "say which peers, as in `{continent: EU}`".to_owned();
            reader.error(node.position, "a side of a partition must not be everyone", help);
            return None;
        }
        self.context.selection(reader, &map, true)
    }

    /// When it happens: at a time within the run, at random, or when a deployment has come into a state.
    fn at(&self, reader: &mut Reader, map: &Map<'_>) -> Option<When> {
        reader.required(map, "at", AT_HELP, |r, node| {
            if !matches!(node.value, Value::Mapping(_)) {
                return self.within_the_run(r, node, "at").map(When::At);
            }
            let map = r.map(node, "at", node.position, &["poisson", "deployment", "is", "after"])?;
            match (map.node.entry("poisson"), map.node.entry("deployment")) {
                (Some((_, process)), None) if map.node.entries().len() == 1 => self.at_random(r, process),
                (None, Some(_)) => self.once(r, &map),
                _ => {
                    let help = "write `{poisson: {mean: 1h}}` or `{deployment: web, is: Running}`".to_owned();
                    r.error(node.position, "`at` must be a time, at random, or wait for a deployment", help);
                    None
                }
            }
        })
    }

    fn within_the_run(&self, reader: &mut Reader, node: &Node, what: &str) -> Option<Time> {
        let at = within_the_run(reader, node, what, self.context.duration, "the fault")?;
        Some(Time::ZERO + at)
    }

    fn at_random(&self, reader: &mut Reader, node: &Node) -> Option<When> {
        let map = reader.map(node, "poisson", node.position, &["mean", "from", "until"])?;
        let help = "from one time to the next, on the average, as in `mean: 1h`";
        let mean = reader.required(&map, "mean", help, |r, node| {
            let mean = r.positive_span(node, "mean")?;
            if mean < Span::secs(1) {
                r.error(node.position, "`mean` must be at least 1s", None);
                return None;
            }
            Some(mean)
        });
        let from = reader.optional(&map, "from", |r, node| self.within_the_run(r, node, "from"));
        let until = reader.optional(&map, "until", |r, node| r.span(node, "until").map(|at| Time::ZERO + at));
        let from = from.unwrap_or(Time::ZERO);
        if let (Some((key, _)), Some(end)) = (map.node.entry("until"), until)
            && end <= from
        {
            let help = "nothing would ever happen: write a later time".to_owned();
            reader.error(key.position, "`until` is not after `from`", help);
        }
        Some(When::Random { mean: mean?, from, until })
    }

    fn once(&self, reader: &mut Reader, map: &Map<'_>) -> Option<When> {
        let help = "the name of what is deployed, as in `deployment: web`";
        let deployment = reader.required(map, "deployment", help, |r, node| self.deployed.name(r, node));
        let states = DeploymentStatus::ALL.map(|status| (status.as_str(), status));
        let help = "the state, as in `is: Running`";
        let is = reader.required(map, "is", help, |r, node| r.word(node, "is", &states));
        let after = reader.optional(map, "after", |r, node| r.span(node, "after")).unwrap_or(Span::ZERO);
        Some(When::Once { deployment: deployment?, is: is?, after })
    }

    fn lasts(reader: &mut Reader, map: &Map<'_>) -> Option<Span> {
        reader.required(map, "for", FOR_HELP, |r, node| r.positive_span(node, "for"))
    }
}

impl Context<'_> {
    /// Which peers; `drawn` where `fraction` and `count` are parts of the selection.
    pub(super) fn selection(&self, reader: &mut Reader, map: &Map<'_>, drawn: bool) -> Option<Selection> {
        let before = reader.errors;
        let group = reader.optional(map, "group", |r, node| self.group(r, node));
        let mut peers: Vec<String> = Vec::new();
        peers.extend(reader.optional(map, "peer", |r, node| peer(r, node, "peer", self.peers)));
        for item in reader.list(map, "peers") {
            peers.extend(peer(reader, item, "peer", self.peers));
        }
        let continent = reader.optional(map, "continent", Reader::continent);
        let country = reader.optional(map, "country", Reader::country);
        let asn = reader.optional(map, "asn", |r, node| asn(r, node, map, country.as_deref()));
        let (mut fraction, mut count) = (None, None);
        if drawn {
            fraction = reader.optional(map, "fraction", |r, node| {
                let fraction = r.fraction(node, "fraction")?;
                if fraction == 0.0 {
                    r.error(node.position, "`fraction` must be above 0%", None);
                }
                Some(fraction)
            });
            count = reader.optional(map, "count", |r, node| r.count(node, "count"));
            if let (Some(_), Some((key, _))) = (fraction, map.node.entry("count")) {
                let help = "write one or the other".to_owned();
                reader.error(key.position, "`fraction` and `count` exclude each other", help);
            }
        }
        if reader.errors > before {
            return None;
        }
        self.warn_of_nobody(reader, map, group.as_deref(), continent, country.as_deref());
        Some(Selection {
            group: group.map(|name| name.to_string()),
            peers,
            continent: continent.map(|one| one.code().to_owned()),
            country: country.map(|code| code.to_string()),
            asn,
            fraction,
            count,
        })
    }

    fn group(&self, reader: &mut Reader, node: &Node) -> Option<Arc<str>> {
        let name = reader.text(node, "group")?;
        let groups = &self.peers.groups;
        if !self.peers.incomplete && !groups.iter().any(|group| group.name == *name) {
            let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
            let help = suggestion(&name, names.iter().copied())
                .unwrap_or_else(|| format!("the groups are {}", super::reader::listed(&names)));
            reader.error(node.position, format!("there is no group `{name}`"), help);
        }
        Some(name)
    }

    /// Warns where no peer can be at the place that is meant.
    fn warn_of_nobody(
        &self,
        reader: &mut Reader,
        map: &Map<'_>,
        group: Option<&str>,
        continent: Option<Continent>,
        country: Option<&str>,
    ) {
        let Some((key, _)) = map.node.entry("country").or_else(|| map.node.entry("continent")) else {
            return;
        };
        let possible = |one: &PeerGroup| {
            group.is_none_or(|group| one.name == group) && may_be_at(&one.place, continent, country)
        };
        if !self.peers.incomplete && !self.peers.groups.iter().any(possible) {
            let help = "see the `place` of the groups".to_owned();
            reader.warning(key.position, "no peer can be there: this selects nobody", help);
        }
    }
}

/// The number of an autonomous system, which counts within its country.
fn asn(reader: &mut Reader, node: &Node, map: &Map<'_>, country: Option<&str>) -> Option<u32> {
    let number = reader.whole(node, "asn", 1, 1_000_000)? as u32;
    let Some(country) = country else {
        // A country that cannot be read has been reported.
        if map.node.entry("country").is_none() {
            let help = "numbers count within a country, as in `country: DE, asn: 3`".to_owned();
            reader.error(node.position, "`asn` needs `country`", help);
        }
        return None;
    };
    let most = Systems::world().count(country);
    if number > most {
        let help = format!("the model has {most} there; 1 is the largest");
        reader.error(node.position, format!("{country} has no autonomous system {number}"), help);
        return None;
    }
    Some(number)
}

/// Which messages are meant; both where nothing is written.
fn direction(reader: &mut Reader, map: &Map<'_>) -> Direction {
    let written = reader.optional(map, "direction", |r, node| r.word(node, "direction", &Direction::ALL));
    written.unwrap_or(Direction::Both)
}

/// A peer by its own name, or by its group and number.
pub(super) fn peer(reader: &mut Reader, node: &Node, what: &str, peers: &Peers) -> Option<String> {
    let name = reader.text(node, what)?;
    let numbered = peers.groups.iter().any(|group| is_number_of(&name, group));
    if !peers.incomplete && !numbered && !peers.named.contains_key(&name) {
        let names = peers.named.keys().map(|name| &**name);
        let help = suggestion(&name, names).unwrap_or_else(|| {
            "name peers with `names`, or write the group and a number from 0: `providers-0`".to_owned()
        });
        reader.error(node.position, format!("there is no peer `{name}`"), help);
    }
    Some(name.to_string())
}

/// Whether a name is that of an unnamed peer of a group: `providers-17`.
pub(super) fn is_number_of(name: &str, group: &PeerGroup) -> bool {
    number_in(name, group).is_some()
}

/// The number in its group that the name of an unnamed peer says: 17 of `providers-17`.
pub(super) fn number_in(name: &str, group: &PeerGroup) -> Option<usize> {
    let digits = name.strip_prefix(group.name.as_str())?.strip_prefix('-')?;
    let number = digits.parse().ok()?;
    let is_whole = (group.names.len()..group.count as usize).contains(&number);
    (is_whole && name == format!("{}-{number}", group.name)).then_some(number)
}

/// Whether a group at `place` may have a peer on the continent and in the country.
fn may_be_at(place: &PlaceConfig, continent: Option<Continent>, country: Option<&str>) -> bool {
    let world = Cities::world();
    let fits = |id| {
        let city = world.city(id);
        continent.is_none_or(|continent| continent == city.continent)
            && country.is_none_or(|country| country == city.country)
    };
    match place.prepare() {
        Ok(PlaceDraw::City(id)) => fits(id),
        Ok(PlaceDraw::Cities(draw)) => draw.cities().iter().any(|&id| fits(id)),
        Err(_) => false,
    }
}
