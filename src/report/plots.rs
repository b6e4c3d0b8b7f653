//! Which plots a run gets, and how they follow from its tables.

mod requests;

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use rayon::prelude::*;

use self::requests::requests;
use super::chart::{
    Axis, Bar, BarChart, Chart, Color, Mark, Marker, Panel, Quantity, Series, cumulative, grouped, palette,
    quantile,
};
use super::tables::Tables;
use crate::observe::ConnectionRow;

/// Bars of the refusals plot.
const TOP_REFUSALS: usize = 12;
/// Kinds of messages that get a line of their own.
const TOP_KINDS: usize = 6;

/// Longitude and latitude in degrees, and a radius in pixels.
type Dot = (f64, f64, f64);

/// Places that the map shows exactly; more are gathered by the degree.
const MOST_PLACES: usize = 2000;

/// A plot of a run.
#[derive(Clone, PartialEq, Debug)]
pub struct Plot {
    /// File name without `.svg`.
    pub name: &'static str,
    /// What it shows and how to read it, in a sentence or two.
    pub caption: String,
    /// The picture.
    pub svg: String,
}

/// All plots that the run has data for, in the order of the report.
#[must_use]
pub fn plots(tables: &Tables) -> Vec<Plot> {
    let makers = [
        deployments,
        time_to_running,
        availability,
        requests,
        peers,
        messages,
        resources,
        map,
        connections,
        money,
        refusals,
    ];
    makers.par_iter().filter_map(|make| make(tables)).collect()
}

fn time_axis(tables: &Tables) -> Axis {
    Axis::new("simulated time", Quantity::Time).over(0.0, tables.run.duration_s)
}

fn count_axis(title: &str) -> Axis {
    Axis::new(title, Quantity::Number)
}

fn peers(tables: &Tables) -> Option<Plot> {
    let up = tables.samples("peers.up");
    if up.is_empty() {
        return None;
    }
    let mut panels =
        vec![Panel::new(count_axis("peers up"), vec![Series::new("", palette::BLUE, Mark::Step(up))])];
    let running =
        tables.samples_by("deployments", "status").into_iter().find(|(status, _)| status == "running");
    if let Some((_, running)) = running {
        let series = Series::new("", palette::GREEN, Mark::Step(running));
        panels.push(Panel::new(count_axis("deployments running"), vec![series]));
    }
    Some(Plot {
        name: "peers",
        caption:
            "Peers that were up, and deployments that ran on them. A drop above that is missing below was \
                  masked by redundancy or recovery."
                .into(),
        svg: Chart::new("Peers up and deployments running", time_axis(tables), panels).svg(),
    })
}

fn time_to_running(tables: &Tables) -> Option<Plot> {
    let spans = tables.times_to_running();
    let greatest = spans.last()?;
    let mut panel = Panel::new(
        Axis::new("deployments that ran by then, of those that ever ran", Quantity::Share).over(0.0, 1.0),
        vec![Series::new("", palette::BLUE, cumulative(&spans))],
    );
    for (name, fraction) in [("p50", 0.5), ("p95", 0.95)] {
        let x = quantile(&spans, fraction)?;
        panel.markers.push(Marker { x, text: format!("{name} {}", duration_text(x)) });
    }
    let x = Axis::new("time from submission to running", Quantity::Time).over(0.0, greatest * 1.02);
    Some(Plot {
        name: "time_to_running",
        caption: format!(
            "Cumulative distribution over the {} deployments that ran (of {} asked for); dashed: median and 95th \
             percentile.",
            grouped(spans.len() as f64),
            grouped(tables.deployments.len() as f64)
        ),
        svg: Chart::new("Time to running", x, vec![panel]).svg(),
    })
}

/// The states of a deployment from the bottom of the stack up, as the tables name them, with their colours.
const STATUSES: [(&str, Color); 8] = [
    ("completed", palette::GREEN),
    ("running", palette::BLUE),
    ("updating", palette::PURPLE),
    ("provisioning", palette::SKY),
    ("committing", palette::YELLOW),
    ("preparing", palette::ORANGE),
    ("shuttingdown", palette::GREY),
    ("failed", palette::VERMILLION),
];

fn deployments(tables: &Tables) -> Option<Plot> {
    let mut found = tables.samples_by("deployments", "status");
    found.retain(|(_, samples)| samples.iter().any(|(_, value)| *value > 0.0));
    if found.is_empty() {
        return None;
    }
    let rank = |status: &str| STATUSES.iter().position(|(name, _)| *name == status).unwrap_or(STATUSES.len());
    found.sort_by_key(|(status, _)| rank(status));
    // States may be sampled at different moments; each keeps its last value until its next sample. Keyed by
    // the bits of the time: for positive floats their order is that of the times.
    let mut moments: BTreeMap<u64, Vec<(usize, f64)>> = BTreeMap::new();
    for (at, (_, samples)) in found.iter().enumerate() {
        for (time, value) in samples {
            moments.entry(time.max(0.0).to_bits()).or_default().push((at, *value));
        }
    }
    let mut current = vec![0.0; found.len()];
    let mut bands = vec![Vec::with_capacity(moments.len()); found.len()];
    for (time, changes) in moments {
        for (at, value) in changes {
            current[at] = value;
        }
        let mut floor = 0.0;
        for (band, value) in bands.iter_mut().zip(&current) {
            band.push((f64::from_bits(time), floor, floor + value));
            floor += value;
        }
    }
    let series = found.iter().zip(bands).map(|((status, _), band)| {
        let color = STATUSES.get(rank(status)).map_or(palette::INK, |(_, color)| *color);
        let name = if *status == "shuttingdown" { "shutting down" } else { status };
        Series::new(name, color, Mark::Band(band))
    });
    let panel = Panel::new(count_axis("deployments asked for so far"), series.collect());
    Some(Plot {
        name: "deployments",
        caption:
            "Every deployment asked for so far, by its state at that moment. Stacked: the upper edge is the \
                  number asked for."
                .into(),
        svg: Chart::new("Deployments by state", time_axis(tables), vec![panel]).svg(),
    })
}

fn refusals(tables: &Tables) -> Option<Plot> {
    let mut counts: IndexMap<(&str, &str), u64> = IndexMap::new();
    for row in &tables.refusals {
        *counts.entry((&*row.stage, &*row.reason)).or_default() += row.count;
    }
    if counts.is_empty() {
        return None;
    }
    let total: u64 = counts.values().sum();
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let shown: Vec<_> = sorted.iter().take(TOP_REFUSALS).collect();
    let bars = shown.iter().map(|((stage, reason), count)| Bar {
        name: format!("{stage}: {reason}"),
        value: *count as f64,
        color: palette::VERMILLION,
    });
    let title = if sorted.len() > TOP_REFUSALS {
        format!("Refusals by reason, the {TOP_REFUSALS} most frequent of {}", sorted.len())
    } else {
        "Refusals by reason".to_owned()
    };
    Some(Plot {
        name: "refusals",
        caption: format!(
            "How often peers refused a request, by stage and exact reason; {} refusals in all.",
            grouped(total as f64)
        ),
        svg: BarChart::new(&title, bars.collect()).svg(),
    })
}

/// The ends of a dial, with their colours and the column that counts them.
type DialEnd = (&'static str, Color, fn(&ConnectionRow) -> u64);
const DIAL_ENDS: [DialEnd; 6] = [
    ("direct: dialled at its own address", palette::GREEN, |row| row.direct),
    ("reversed: relayed first, then dialled back", palette::SKY, |row| row.reversed),
    ("punched: relayed first, then through a hole", palette::BLUE, |row| row.punched),
    ("relayed to the end", palette::ORANGE, |row| row.relayed),
    ("failed: unreachable", palette::VERMILLION, |row| row.unreachable),
    ("failed: refused or cut off", palette::PURPLE, |row| row.refused),
];

fn connections(tables: &Tables) -> Option<Plot> {
    let rows = &tables.connections;
    let total = |count: fn(&ConnectionRow) -> u64| rows.iter().map(count).sum::<u64>() as f64;
    let bars: Vec<Bar> = DIAL_ENDS
        .iter()
        .map(|(name, color, count)| Bar { name: (*name).to_owned(), value: total(*count), color: *color })
        .collect();
    let dials: f64 = bars.iter().map(|bar| bar.value).sum();
    if dials == 0.0 {
        return None;
    }
    let reached = tables.metric("pairs.reached_fraction");
    let would = reached.map_or_else(String::new, |share| {
        format!(" At the end {} of all ordered pairs of peers would connect.", percent_text(share))
    });
    Some(Plot {
        name: "connections",
        caption: format!(
            "How the {} dials for messages ended; connections.csv has them by what stands before both.{would}",
            grouped(dials)
        ),
        svg: BarChart::new("Connections dialled for messages, by their way", bars).svg(),
    })
}

/// Currencies that get a panel of their own.
const MOST_CURRENCIES: usize = 4;

fn money(tables: &Tables) -> Option<Plot> {
    let mut events: BTreeMap<&str, Vec<(f64, f64, f64)>> = BTreeMap::new();
    for invoice in &tables.invoices {
        let contract = tables.contracts.iter().find(|row| row.contract == invoice.contract)?;
        let of_currency = events.entry(&contract.currency).or_default();
        let amount = |text: &str| text.parse::<f64>().unwrap_or(0.0);
        of_currency.push((invoice.invoiced_s, amount(&invoice.amount), 0.0));
        // What is paid in part has no moment of its own.
        if let Some(paid) = invoice.paid_s {
            of_currency.push((paid, 0.0, amount(&invoice.paid)));
        }
    }
    if events.is_empty() {
        return None;
    }
    let end = tables.run.duration_s;
    let panels = events.into_iter().take(MOST_CURRENCIES).map(|(currency, mut changes)| {
        changes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut invoiced, mut paid, mut owed) = (vec![(0.0, 0.0)], vec![(0.0, 0.0)], vec![(0.0, 0.0, 0.0)]);
        let mut sums = (0.0, 0.0);
        for (time, more_invoiced, more_paid) in changes.into_iter().chain([(end, 0.0, 0.0)]) {
            sums = (sums.0 + more_invoiced, sums.1 + more_paid);
            invoiced.push((time, sums.0));
            paid.push((time, sums.1));
            owed.push((time, sums.1.min(sums.0), sums.0));
        }
        let series = vec![
            Series::new("owed", palette::ORANGE.alpha(0.55), Mark::Band(owed)),
            Series::new("invoiced", palette::INK, Mark::Step(invoiced)),
            Series::new("paid", palette::GREEN, Mark::Step(paid)),
        ];
        Panel::new(count_axis(currency), series)
    });
    Some(Plot {
        name: "money",
        caption: "What was invoiced so far under contracts, and what of it was paid. The area between them is owed."
            .into(),
        svg: Chart::new("Money invoiced and paid", time_axis(tables), panels.collect()).svg(),
    })
}

fn availability(tables: &Tables) -> Option<Plot> {
    let (wanted, running) = (tables.samples("services.wanted"), tables.samples("services.running"));
    if !wanted.iter().any(|(_, value)| *value > 0.0) {
        return None;
    }
    // Both are sorted by time: the running count in force at a moment is the last one sampled up to it.
    let (mut missing, mut seen) = (Vec::new(), 0);
    for (time, wanted) in &wanted {
        while running.get(seen).is_some_and(|(at, _)| at <= time) {
            seen += 1;
        }
        let running = seen.checked_sub(1).map_or(0.0, |last| running[last].1);
        missing.push((*time, running.min(*wanted), *wanted));
    }
    let panel = Panel::new(
        count_axis("service allocations"),
        vec![
            Series::new("missing", palette::ORANGE.alpha(0.55), Mark::Band(missing)),
            Series::new("wanted", palette::INK, Mark::Step(wanted)),
            Series::new("running", palette::BLUE, Mark::Step(running)),
        ],
    );
    let share = tables.metric("services.availability");
    Some(Plot {
        name: "availability",
        caption: format!(
            "Service allocations that should run and that do. The area between them is unavailability{}.",
            share.map_or_else(String::new, |share| format!(
                "; over the whole run {} were served",
                percent_text(share)
            ))
        ),
        svg: Chart::new("Availability of services", time_axis(tables), vec![panel]).svg(),
    })
}

/// Names of the continents by their usual codes, with the colours of the map.
const CONTINENTS: [(&str, &str, Color); 7] = [
    ("AF", "Africa", palette::ORANGE),
    ("AN", "Antarctica", palette::INK),
    ("AS", "Asia", palette::VERMILLION),
    ("EU", "Europe", palette::BLUE),
    ("NA", "North America", palette::GREEN),
    ("OC", "Oceania", palette::SKY),
    ("SA", "South America", palette::PURPLE),
];

fn continent(text: &str) -> (&str, Color) {
    let known = CONTINENTS.iter().find(|(code, name, _)| *code == text || *name == text);
    known.map_or((if text.is_empty() { "elsewhere" } else { text }, palette::GREY), |(_, name, color)| {
        (name, *color)
    })
}

fn map(tables: &Tables) -> Option<Plot> {
    /// Peers of one place on one continent, and whether one of them ran an allocation.
    struct Place<'a> {
        lat: f64,
        lon: f64,
        continent: &'a str,
        peers: u32,
        hosts: bool,
    }
    let placed = || tables.peers.iter().filter(|peer| peer.lat.is_finite() && peer.lon.is_finite());
    let exact: BTreeSet<_> = placed().map(|peer| (peer.lat.to_bits(), peer.lon.to_bits())).collect();
    // Where every peer has a place of its own, dots a degree apart say the same in a file that opens quickly.
    let coarse = exact.len() > MOST_PLACES;
    let at = |degrees: f64| if coarse { libm::round(degrees) } else { degrees };
    let hosts: BTreeSet<&str> = tables.allocations.iter().map(|row| &*row.peer).collect();
    let mut places: IndexMap<(u64, u64), Place<'_>> = IndexMap::new();
    for peer in placed() {
        let (lat, lon) = (at(peer.lat), at(peer.lon));
        let key = (lat.to_bits(), lon.to_bits());
        let new = Place { lat, lon, continent: &peer.continent, peers: 0, hosts: false };
        let place = places.entry(key).or_insert(new);
        place.peers += 1;
        place.hosts |= hosts.contains(&*peer.peer);
    }
    if places.is_empty() {
        return None;
    }
    let radius = |place: &Place<'_>| (2.0 + libm::sqrt(f64::from(place.peers))).min(14.0);
    let mut dots: BTreeMap<&str, (Color, Vec<Dot>)> = BTreeMap::new();
    let mut rings = Vec::new();
    for place in places.values() {
        let (name, color) = continent(place.continent);
        dots.entry(name).or_insert((color, Vec::new())).1.push((place.lon, place.lat, radius(place)));
        if place.hosts {
            rings.push((place.lon, place.lat, radius(place) + 1.0));
        }
    }
    let mut series: Vec<_> = dots
        .into_iter()
        .map(|(name, (color, points))| Series::new(name, color.alpha(0.75), Mark::Scatter(points)))
        .collect();
    if !rings.is_empty() {
        series.push(Series::new("ran an allocation", palette::INK.alpha(0.8), Mark::Rings(rings)));
    }
    let mut panel = Panel::new(Axis::new("", Quantity::Latitude).over(-58.0, 80.0), series);
    panel.ground = palette::SEA;
    let x = Axis::new("", Quantity::Longitude).over(-180.0, 180.0);
    let mut chart = Chart::new("Where the peers are", x, vec![panel]);
    chart.size = (900.0, 490.0);
    Some(Plot {
        name: "map",
        caption:
            "Peers by place; a larger dot stands for more of them. Equal steps of latitude and longitude."
                .into(),
        svg: chart.svg(),
    })
}

/// The rate of a counter between its samples, by the second, placed at the start of each interval.
fn rate(samples: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let pairs = samples.windows(2).filter(|pair| pair[1].0 > pair[0].0);
    let mut rates: Vec<_> =
        pairs.map(|pair| (pair[0].0, (pair[1].1 - pair[0].1).max(0.0) / (pair[1].0 - pair[0].0))).collect();
    if let (Some((time, _)), Some((_, last))) = (samples.last(), rates.last().copied()) {
        rates.push((*time, last));
    }
    rates
}

/// The rates of a counter by one of its labels, the most frequent first, the rest summed as `other`; the
/// plain counter where it has no such label.
fn rates(tables: &Tables, metric: &str, key: &str) -> Vec<(String, Vec<(f64, f64)>)> {
    let mut kinds = tables.samples_by(metric, key);
    if kinds.is_empty() {
        let plain = rate(&tables.samples(metric));
        return if plain.is_empty() { Vec::new() } else { vec![(String::new(), plain)] };
    }
    let total = |samples: &[(f64, f64)]| samples.last().map_or(0.0, |(_, value)| *value);
    kinds.sort_by(|a, b| total(&b.1).total_cmp(&total(&a.1)).then_with(|| a.0.cmp(&b.0)));
    let rest = kinds.split_off(kinds.len().min(TOP_KINDS));
    if !rest.is_empty() {
        let mut sum: BTreeMap<u64, f64> = BTreeMap::new();
        for (time, value) in rest.iter().flat_map(|(_, samples)| samples) {
            *sum.entry(time.max(0.0).to_bits()).or_default() += value;
        }
        kinds.push((
            "other".to_owned(),
            sum.into_iter().map(|(time, value)| (f64::from_bits(time), value)).collect(),
        ));
    }
    kinds
        .into_iter()
        .map(|(kind, samples)| (kind, rate(&samples)))
        .filter(|(_, rates)| !rates.is_empty())
        .collect()
}

fn messages(tables: &Tables) -> Option<Plot> {
    let sent = rates(tables, "messages.sent", "kind");
    if sent.is_empty() {
        return None;
    }
    let lines = |rates: Vec<(String, Vec<(f64, f64)>)>, start: usize| {
        let colored = rates.into_iter().enumerate();
        let series = colored.map(|(at, (kind, rate))| {
            Series::new(&kind, palette::CYCLE[(at + start) % palette::CYCLE.len()], Mark::Step(rate))
        });
        series.collect::<Vec<_>>()
    };
    let mut panels = vec![Panel::new(count_axis("messages sent per second"), lines(sent, 0))];
    let rejected = rates(tables, "messages.rejected", "kind");
    if rejected.iter().any(|(_, rate)| rate.iter().any(|(_, value)| *value > 0.0)) {
        panels.push(Panel::new(count_axis("messages rejected per second"), lines(rejected, 3)));
    }
    Some(Plot {
        name: "messages",
        caption: "Messages by the simulated second: handed to the network, and refused by their receivers."
            .into(),
        svg: Chart::new("Messages", time_axis(tables), panels).svg(),
    })
}

fn resources(tables: &Tables) -> Option<Plot> {
    let quantities = [
        ("resources.allocated_cpu_cores", "CPU cores allocated", palette::BLUE),
        ("flows.active", "transfers in flight", palette::ORANGE),
    ];
    let panels: Vec<_> = quantities
        .into_iter()
        .map(|(metric, title, color)| (tables.samples(metric), title, color))
        .filter(|(samples, _, _)| samples.iter().any(|(_, value)| *value > 0.0))
        .map(|(samples, title, color)| {
            Panel::new(count_axis(title), vec![Series::new("", color, Mark::Step(samples))])
        })
        .collect();
    if panels.is_empty() {
        return None;
    }
    Some(Plot {
        name: "resources",
        caption: "CPU cores held by allocations over all peers, and transfers (images, volumes) in flight."
            .into(),
        svg: Chart::new("Resources in use", time_axis(tables), panels).svg(),
    })
}

/// A length of time for people: `320 ms`, `12.3 s`, `5.2 min`, `3.4 h`.
#[must_use]
pub fn duration_text(seconds: f64) -> String {
    match seconds {
        s if s < 0.9995 => format!("{:.0} ms", s * 1000.0),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.1} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// A share for people. Only a share of exactly one is `100 %`.
#[must_use]
pub fn percent_text(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    if share < 1.0 && text == "100.00" { "99.99 %".to_owned() } else { format!("{text} %") }
}
