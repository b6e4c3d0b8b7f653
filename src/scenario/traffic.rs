//! The `traffic` of a scenario: what programs and users ask of what is deployed.

use std::sync::Arc;

use super::deployed::Deployed;
use super::distribution::write_sizes;
use super::network::bandwidth;
use super::peers::identifier;
use super::reader::{Map, Reader, listed, shortened};
use super::resolved::{after, links, map, place, text};
use super::workload::moment;
use crate::dms::ensemble::EnsembleConfig;
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::Node;
use crate::kernel::{Distribution, Span, Time};
use crate::net::{BandwidthConfig, BandwidthPreset};
use crate::sim::setup::traffic::{Clients, Daily, Rate, RequestStream, Source};
use crate::workload::{PlaceConfig, PopulationOf};

const KEYS: &[&str] = &[
    "name",
    "deployment",
    "from",
    "clients",
    "to",
    "arrivals",
    "request",
    "response",
    "service",
    "workers",
    "queue",
    "timeout",
    "retries",
    "pause",
    "interval",
    "samples",
];
/// Lengths where nothing is said.
const REQUEST_BYTES: f64 = 1_000.0;
const RESPONSE_BYTES: f64 = 10_000.0;
/// How long a service works on a request where nothing is said.
const SERVICE: Span = Span::millis(10);

/// What streams are checked against: what is deployed, by name.
pub(super) struct Context<'a> {
    duration: Option<Span>,
    deployed: &'a Deployed<'a>,
    /// Whether peers have names.
    names: bool,
}

/// Reads the streams in the order of the file.
pub(super) fn read(reader: &mut Reader, top: &Map<'_>, context: &Context<'_>) -> Vec<RequestStream> {
    let mut streams: Vec<RequestStream> = Vec::new();
    for item in reader.list(top, "traffic") {
        let Some(map) = reader.map(item, "traffic", item.position, KEYS) else { continue };
        let Some(stream) = context.stream(reader, &map) else { continue };
        if streams.iter().any(|other| other.name == stream.name) {
            let at = item.entry("name").map_or(item.position, |(key, _)| key.position);
            let help = "give each a `name` of its own".to_owned();
            reader.error(at, format!("two streams are called `{}`", stream.name), help);
        }
        streams.push(stream);
    }
    streams
}

impl<'a> Context<'a> {
    /// Of a scenario in which this is deployed.
    pub(super) fn new(top: &Map<'_>, duration: Option<Span>, deployed: &'a Deployed<'a>) -> Self {
        Self { duration, deployed, names: top.node.present("dynamic_dns").is_some() }
    }

    fn stream(&self, reader: &mut Reader, map: &Map<'_>) -> Option<RequestStream> {
        let help = "the name of what is deployed, as in `deployment: web`";
        let deployment = reader.required(map, "deployment", help, |r, node| self.deployed.name(r, node));
        let ensembles: Vec<&EnsembleConfig> = self.deployed.called(deployment.as_deref()).collect();
        let help = "the allocation that is asked, as in `to: web`";
        let to = reader.required(map, "to", help, |r, node| allocation(r, node, "to", &ensembles));
        let from = self.source(reader, map, to.as_deref(), &ensembles);
        let help = "when requests come, as in `arrivals: {poisson: {mean: 100ms}}`";
        let rate = reader.required(map, "arrivals", help, |r, node| self.rate(r, node));
        let sizes = |r: &mut Reader, key: &str, usual: f64| match map.node.entry(key) {
            Some(_) => r.optional(map, key, |r, node| r.sizes(node, key)),
            None => Some(Distribution::Constant { value_s: usual }),
        };
        let request_bytes = sizes(reader, "request", REQUEST_BYTES);
        let response_bytes = sizes(reader, "response", RESPONSE_BYTES);
        let service = match map.node.entry("service") {
            Some(_) => reader.optional(map, "service", |r, node| r.distribution(node, "service")),
            None => Some(Distribution::constant(SERVICE)),
        };
        let workers = workers(reader, map);
        let span = |r: &mut Reader, key: &str, usual: Span| match map.node.entry(key) {
            Some(_) if key == "interval" => r.optional(map, key, |r, node| r.period(node, key)),
            Some(_) => r.optional(map, key, |r, node| r.positive_span(node, key)),
            None => Some(usual),
        };
        let timeout = span(reader, "timeout", RequestStream::TIMEOUT);
        let pause = span(reader, "pause", RequestStream::PAUSE);
        let interval = span(reader, "interval", RequestStream::INTERVAL);
        let retries = match map.node.entry("retries") {
            Some(_) => reader.optional(map, "retries", |r, node| r.whole(node, "retries", 0, 100)),
            None => Some(0),
        };
        let samples = match map.node.entry("samples") {
            Some(_) => reader.optional(map, "samples", samples),
            None => Some(Some(RequestStream::SAMPLES)),
        };
        let name = reader.optional(map, "name", |r, node| identifier(r, node, "name"));
        let (from, to) = (from?, to?);
        let caller = match &from {
            Source::Allocation(from) => from,
            Source::Clients(_) => "clients",
        };
        Some(RequestStream {
            name: name.map_or_else(|| format!("{caller}-{to}"), |name| name.to_string()),
            deployment: deployment?,
            from,
            to,
            rate: rate?,
            request_bytes: request_bytes?,
            response_bytes: response_bytes?,
            service: service?,
            workers: workers?,
            timeout: timeout?,
            retries: retries? as u32,
            pause: pause?,
            interval: interval?,
            samples: samples?,
        })
    }

    /// Who asks: `from: api`, or `clients: {...}`.
    fn source(
        &self,
        reader: &mut Reader,
        map: &Map<'_>,
        to: Option<&str>,
        ensembles: &[&EnsembleConfig],
    ) -> Option<Source> {
        match (map.node.entry("from"), map.node.entry("clients")) {
            (Some(_), None) => {
                let from = reader.optional(map, "from", |r, node| allocation(r, node, "from", ensembles));
                from.map(Source::Allocation)
            }
            (None, Some(_)) => {
                let clients = reader.optional(map, "clients", |r, node| clients(r, node, to, ensembles));
                if clients.as_ref().is_some_and(|clients| clients.by_name) && !self.names {
                    let help = "add one, as in `dynamic_dns: {zone: dyn.example, server: dora}`".to_owned();
                    reader.error(map.at, "`via: dynamic_dns` needs a section `dynamic_dns`", help);
                }
                clients.map(Source::Clients)
            }
            _ => {
                let help = "write `from: api` for an allocation, or `clients: {count: 20}` for users outside";
                reader.error(map.at, "`traffic` needs one of `from` or `clients`", help.to_owned());
                None
            }
        }
    }

    fn rate(&self, reader: &mut Reader, node: &Node) -> Option<Rate> {
        const KINDS: &[&str] = &["poisson", "every"];
        let keys = ["poisson", "every", "daily", "start", "end"];
        let map = reader.map(node, "arrivals", node.position, &keys)?;
        let chosen: Vec<_> = node.entries().iter().filter(|(key, _)| KINDS.contains(&&*key.text)).collect();
        let [(kind, content)] = chosen.as_slice() else {
            reader.error(node.position, format!("`arrivals` needs exactly one of {}", listed(KINDS)), None);
            return None;
        };
        let moment =
            |r: &mut Reader, key: &str| r.optional(&map, key, |r, n| moment(r, n, key, self.duration));
        let start = moment(reader, "start").unwrap_or_default();
        let end = moment(reader, "end");
        if let (Some(end), Some((key, _))) = (end, node.entry("end"))
            && end <= start
        {
            reader.error(key.position, "`end` must be after `start`", None);
        }
        let daily = reader.optional(&map, "daily", daily);
        let regular = &*kind.text == "every";
        if let (true, Some((key, _))) = (regular, node.entry("daily")) {
            let help = "write `poisson: {mean: ...}`".to_owned();
            reader.error(key.position, "`daily` has no meaning beside `every`", help);
        }
        let interval = if regular {
            reader.positive_span(content, "every")?
        } else {
            let map = reader.map(content, "poisson", kind.position, &["mean"])?;
            let help = "the mean time between two, as in `mean: 100ms`";
            reader.required(&map, "mean", help, |r, node| r.positive_span(node, "mean"))?
        };
        let end = end.map(|end| Time::ZERO + end);
        Some(Rate { interval, regular, daily, start: Time::ZERO + start, end })
    }
}

/// An allocation that every ensemble of the name has.
fn allocation(
    reader: &mut Reader,
    node: &Node,
    what: &str,
    ensembles: &[&EnsembleConfig],
) -> Option<Arc<str>> {
    let name = reader.text(node, what)?;
    if let Some(without) = ensembles.iter().find(|one| !one.allocations.contains_key(&name)) {
        let known: Vec<&str> = without.allocations.keys().map(|name| &**name).collect();
        let help = suggestion(&name, known.iter().copied())
            .unwrap_or_else(|| format!("its allocations are {}", listed(&known)));
        let message = format!("the ensemble has no allocation `{}`", shortened(&name));
        reader.error(node.position, message, help);
    }
    Some(name)
}

fn clients(
    reader: &mut Reader,
    node: &Node,
    to: Option<&str>,
    ensembles: &[&EnsembleConfig],
) -> Option<Clients> {
    let map = reader.map(node, "clients", node.position, &["count", "place", "bandwidth", "port", "via"])?;
    let count = match node.entry("count") {
        Some(_) => reader.optional(&map, "count", |r, node| r.whole(node, "count", 1, 4096)),
        None => Some(1),
    };
    let place = match node.entry("place") {
        Some(_) => reader.optional(&map, "place", Reader::place),
        None => Some(PlaceConfig::ByPopulation(PopulationOf::World)),
    };
    let links = match node.entry("bandwidth") {
        Some(_) => reader.optional(&map, "bandwidth", bandwidth),
        None => Some(BandwidthConfig::Preset(BandwidthPreset::Home)),
    };
    let port = match node.entry("port") {
        Some(_) => reader.optional(&map, "port", |r, node| r.whole(node, "port", 1, 65_535)).map(Some),
        None => Some(None),
    };
    let port = port?.map(|port| port as u16);
    let words = [("address", false), ("dynamic_dns", true)];
    let by_name = match node.entry("via") {
        Some(_) => reader.optional(&map, "via", |r, node| r.word(node, "via", &words)),
        None => Some(false),
    };
    let mapped = |one: &&&EnsembleConfig| {
        let mut ports = one.nodes.values().flat_map(|node| &node.ports);
        ports.any(|own| Some(&*own.allocation) == to && port.is_none_or(|port| port == own.private))
    };
    let exists = |one: &&&EnsembleConfig| to.is_some_and(|to| one.allocations.contains_key(to));
    if ensembles.iter().filter(exists).any(|one| !mapped(&one)) {
        let help = "map one under `ports` of its node; `port` is the one inside".to_owned();
        let message = format!("users outside find no public port of `{}`", to.unwrap_or_default());
        reader.error(map.at, message, help);
    }
    Some(Clients { count: count? as u32, place: place?, bandwidth: links?, port, by_name: by_name? })
}

fn daily(reader: &mut Reader, node: &Node) -> Option<Daily> {
    let map = reader.map(node, "daily", node.position, &["swing", "peak"])?;
    let help = "by which part of the mean, as in `swing: 60%`";
    let swing = reader.required(&map, "swing", help, |r, node| r.fraction(node, "swing"));
    let peak = reader.required(&map, "peak", "the time of the day in UTC, as in `peak: 20h`", |r, node| {
        let peak = r.span(node, "peak")?;
        if peak >= Span::hours(24) {
            r.error(node.position, format!("`peak: {peak}` is no time of the day"), None);
        }
        Some(peak)
    });
    Some(Daily { swing: swing?, peak: peak? })
}

/// How many requests are handled at once, and how many wait.
fn workers(reader: &mut Reader, map: &Map<'_>) -> Option<Option<(u32, u32)>> {
    let queue = match map.node.entry("queue") {
        Some(_) => reader.optional(map, "queue", |r, node| r.whole(node, "queue", 0, 10_000)),
        None => Some(i64::from(RequestStream::QUEUE)),
    };
    let Some((key, _)) = map.node.entry("workers") else {
        if let Some((key, _)) = map.node.entry("queue") {
            let help = "say how many requests are handled at once, as in `workers: 8`".to_owned();
            reader.error(key.position, "nothing waits in a `queue` without `workers`", help);
        }
        return Some(None);
    };
    let workers = reader.optional(map, &key.text, |r, node| r.whole(node, "workers", 1, 10_000));
    Some(Some((workers? as u32, queue? as u32)))
}

fn samples(reader: &mut Reader, node: &Node) -> Option<Option<u32>> {
    match node.as_text() {
        Some(word) if &**word == "all" => Some(None),
        _ => reader.whole(node, "samples", 1, 1_000_000).map(|samples| Some(samples as u32)),
    }
}

/// A stream with every default written out.
pub(super) fn write(stream: &RequestStream) -> String {
    let (from, clients) = match &stream.from {
        Source::Allocation(from) => (Some(text(from)), None),
        Source::Clients(clients) => {
            let content = map(&[
                ("count", Some(clients.count.to_string())),
                ("place", Some(place(&clients.place))),
                ("bandwidth", Some(links(clients.bandwidth))),
                ("port", clients.port.map(|port| port.to_string())),
                ("via", clients.by_name.then(|| "dynamic_dns".to_owned())),
            ]);
            (None, Some(content))
        }
    };
    let rate = &stream.rate;
    let daily = rate.daily.map(|daily| format!("{{swing: {}, peak: {}}}", daily.swing, daily.peak));
    let (poisson, every) = match rate.regular {
        true => (None, Some(rate.interval.to_string())),
        false => (Some(format!("{{mean: {}}}", rate.interval)), None),
    };
    let arrivals = map(&[
        ("poisson", poisson),
        ("every", every),
        ("daily", daily),
        ("start", Some(after(rate.start))),
        ("end", rate.end.map(after)),
    ]);
    map(&[
        ("name", Some(text(&stream.name))),
        ("deployment", Some(text(&stream.deployment))),
        ("from", from),
        ("clients", clients),
        ("to", Some(text(&stream.to))),
        ("arrivals", Some(arrivals)),
        ("request", Some(write_sizes(&stream.request_bytes))),
        ("response", Some(write_sizes(&stream.response_bytes))),
        ("service", Some(super::distribution::write(&stream.service))),
        ("workers", stream.workers.map(|(workers, _)| workers.to_string())),
        ("queue", stream.workers.map(|(_, queue)| queue.to_string())),
        ("timeout", Some(stream.timeout.to_string())),
        ("retries", Some(stream.retries.to_string())),
        ("pause", Some(stream.pause.to_string())),
        ("interval", Some(stream.interval.to_string())),
        ("samples", Some(stream.samples.map_or_else(|| "all".to_owned(), |samples| samples.to_string()))),
    ])
}
