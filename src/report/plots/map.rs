//! Where the peers are, and between which places their messages go.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;

use super::Plot;
use crate::observe::{PeerRow, Table};
use crate::report::chart::{
    Arc, Axis, Chart, Color, Mark, Panel, Quantity, Series, grouped, number, palette, text,
};
use crate::report::tables::Tables;

/// Longitude and latitude in degrees, and a radius in pixels.
type Dot = (f64, f64, f64);

/// Places that the map shows exactly; more are gathered by the degree.
const MOST_PLACES: usize = 2000;

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

/// Peers of one place on one continent, and whether one of them ran an allocation.
struct Place<'a> {
    lat: f64,
    lon: f64,
    continent: &'a str,
    peers: u32,
    hosts: bool,
}

/// The places of peers, gathered by `at`.
fn places_of(tables: &Tables, at: impl Fn(f64) -> f64) -> Vec<Place<'_>> {
    let hosts: BTreeSet<&str> = tables.allocations.iter().map(|row| &*row.peer).collect();
    let mut places: IndexMap<(u64, u64), Place<'_>> = IndexMap::new();
    for peer in placed(tables) {
        let (lat, lon) = (at(peer.lat), at(peer.lon));
        let key = (lat.to_bits(), lon.to_bits());
        let new = Place { lat, lon, continent: &peer.continent, peers: 0, hosts: false };
        let place = places.entry(key).or_insert(new);
        place.peers += 1;
        place.hosts |= hosts.contains(&*peer.peer);
    }
    places.into_values().collect()
}

/// The peers that have a place.
fn placed(tables: &Tables) -> impl Iterator<Item = &PeerRow> {
    tables.peers.iter().filter(|peer| peer.lat.is_finite() && peer.lon.is_finite())
}

pub(super) fn map(tables: &Tables) -> Option<Plot> {
    let exact: BTreeSet<_> = placed(tables).map(|peer| (peer.lat.to_bits(), peer.lon.to_bits())).collect();
    // Where every peer has a place of its own, dots a degree apart say the same in a file that opens quickly.
    let coarse = exact.len() > MOST_PLACES;
    let at = |degrees: f64| if coarse { libm::round(degrees) } else { degrees };
    let places = places_of(tables, at);
    if places.is_empty() {
        return None;
    }
    let radius = |place: &Place<'_>| (2.0 + libm::sqrt(f64::from(place.peers))).min(14.0);
    let mut dots: BTreeMap<&str, (Color, Vec<Dot>)> = BTreeMap::new();
    let mut rings = Vec::new();
    for place in &places {
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
    let ways = ways(tables, at);
    let most = ways.values().copied().max().unwrap_or(0);
    // The least at the back, so that the thickest are seen in full.
    let mut sorted: Vec<(&(Spot, Spot), &u64)> = ways.iter().collect();
    sorted.sort_by_key(|(way, bytes)| (**bytes, **way));
    let shown = &sorted[sorted.len().saturating_sub(MOST_WAYS)..];
    let left_out = sorted.len() - shown.len();
    let which = match left_out {
        0 => String::new(),
        _ => format!(", the {MOST_WAYS} thickest lines of {}", grouped(sorted.len() as f64)),
    };
    if !shown.is_empty() {
        let arcs = shown.iter().map(|((from, to), bytes)| Arc {
            from: from.degrees(),
            to: to.degrees(),
            width: 0.5 + 3.5 * libm::sqrt(**bytes as f64 / most.max(1) as f64),
        });
        let (arcs, name) = (arcs.collect(), format!("messages of deployments{which}"));
        series.insert(0, Series::new(&name, palette::INK.alpha(0.2), Mark::Arcs(arcs)));
    }
    let mut panel = Panel::new(Axis::new("", Quantity::Latitude).over(-58.0, 80.0), series);
    panel.ground = palette::SEA;
    panel.backdrop = land();
    let x = Axis::new("", Quantity::Longitude).over(-180.0, 180.0);
    let mut chart = Chart::new("Where the peers are", x, vec![panel]);
    chart.size = (900.0, 490.0);
    let traffic = match most {
        0 => String::new(),
        _ => format!(
            " Lines are messages of deployments between two places, thicker for more bytes: {} at most.",
            bytes_text(most)
        ),
    };
    let plot = Plot {
        name: "map",
        caption: format!(
            "Peers by place; a larger dot stands for more of them. Equal steps of latitude and longitude.{traffic} \
             Land outline: Natural Earth (public domain)."
        ),
        left_out: None,
        svg: chart.svg(),
        data: table_of(places.iter().map(|place| (place.lon, place.lat, f64::from(place.peers))), shown),
    };
    let said = || {
        format!("{} thinner lines of {} are left out", grouped(left_out as f64), grouped(sorted.len() as f64))
    };
    Some(plot.leaving_out((left_out > 0).then(said)))
}

/// Lines between two places.
const MOST_WAYS: usize = 150;

/// A place in tenths of thousandths of a degree, so that places can be compared.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Spot(i64, i64);

impl Spot {
    fn of(lon: f64, lat: f64) -> Self {
        Self(libm::round(lon * 1e4) as i64, libm::round(lat * 1e4) as i64)
    }
    fn degrees(self) -> (f64, f64) {
        (self.0 as f64 / 1e4, self.1 as f64 / 1e4)
    }
}

/// Bytes of messages between two places, either way.
fn ways(tables: &Tables, at: impl Fn(f64) -> f64) -> BTreeMap<(Spot, Spot), u64> {
    let spots: BTreeMap<&str, Spot> =
        placed(tables).map(|peer| (&*peer.peer, Spot::of(at(peer.lon), at(peer.lat)))).collect();
    let mut ways = BTreeMap::new();
    for row in &tables.messages {
        if let (Some(from), Some(to)) = (spots.get(&*row.from), spots.get(&*row.to))
            && from != to
        {
            *ways.entry((*from.min(to), *from.max(to))).or_insert(0) += row.size_bytes;
        }
    }
    ways
}

fn bytes_text(bytes: u64) -> String {
    match bytes as f64 {
        it if it < 1e3 => format!("{it:.0} B"),
        it if it < 1e6 => format!("{:.1} kB", it / 1e3),
        it if it < 1e9 => format!("{:.1} MB", it / 1e6),
        it => format!("{:.1} GB", it / 1e9),
    }
}

fn table_of(places: impl Iterator<Item = (f64, f64, f64)>, ways: &[(&(Spot, Spot), &u64)]) -> Table<'static> {
    let header = ["what", "lon_deg", "lat_deg", "to_lon_deg", "to_lat_deg", "peers", "size_bytes"];
    let none = f64::NAN;
    let mut rows: Vec<Vec<_>> = places
        .map(|(lon, lat, peers)| {
            [lon, lat, none, none, peers, none].map(number).into_iter().collect::<Vec<_>>()
        })
        .map(|fields| [vec![text("place")], fields].concat())
        .collect();
    rows.extend(ways.iter().map(|((from, to), bytes)| {
        let ((lon, lat), (to_lon, to_lat)) = (from.degrees(), to.degrees());
        let fields = [lon, lat, to_lon, to_lat, none, **bytes as f64].map(number);
        [vec![text("way")], fields.to_vec()].concat()
    }));
    Table { header: header.map(str::to_owned).to_vec(), rows }
}

/// The outlines of the land, as longitude and latitude.
fn land() -> Vec<Vec<(f64, f64)>> {
    const LAND: &str = include_str!("../../../data/geo/land.json");
    let rings: Vec<Vec<(f64, f64)>> = serde_json::from_str(LAND).expect("the file is compiled in");
    // What lies below the map would be drawn as a line along its edge.
    rings.into_iter().filter(|ring| ring.iter().any(|(_, lat)| *lat > -58.0)).collect()
}
