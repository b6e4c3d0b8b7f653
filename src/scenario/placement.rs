//! Which bid a node gets: `placement` and `scored_bids` of `strategy`.

use std::sync::Arc;

use super::peers::Peers;
use super::reader::{Map, Reader};
use super::resolved::text;
use super::workload::Request;
use crate::dms::ensemble::tree::Node;
use crate::dms::orchestrator::Strategy;
use crate::dms::resources::Resources;
use crate::dms::scored_bids::{Asked, ScoredBids};
use crate::kernel::Span;
use crate::placement::policy::{Expression, PowerOfD};
use crate::placement::{Ask, LISTED, Mix, Parameters, Placement, Scale, WHOLE_CARD_MILLI};
use crate::sim::setup::PeerGroup;

const KEYS: [&str; 4] = ["window", "ask", "refresh", "ties"];
/// Providers that are asked for one node.
const MOST_ASKED: i64 = 1_000_000;
/// A count is forgotten when no bid is remembered any more.
const OLDEST_COUNT: Span = Span::mins(5);
/// Longer than a provider keeps a bid nobody can wait.
const LONGEST_WINDOW: Span = Span::mins(2);

/// Reads both. What fleets and jobs are like is part of some policies.
pub(super) fn read(
    reader: &mut Reader,
    map: &Map<'_>,
    peers: &Peers,
    expected_jobs: &Arc<Mix>,
    strategy: &mut Strategy,
) {
    if let Some(placement) =
        reader.optional(map, "placement", |r, node| placement(r, node, peers, expected_jobs))
    {
        // A policy that does more than to draw needs bids that can be compared.
        if placement != Placement::default() {
            strategy.scored_bids = Some(ScoredBids::default());
        }
        strategy.placement = placement;
    }
    if let Some(scored) = reader.optional(map, "scored_bids", scored_bids) {
        strategy.scored_bids = Some(scored);
    }
}

/// `placement: fgd`, `{power_of_d: {d: 3}}` or `{score: "free.gpu / total.gpu"}`.
fn placement(reader: &mut Reader, node: &Node, peers: &Peers, expected_jobs: &Arc<Mix>) -> Option<Placement> {
    if !node.is_map() {
        let names: Vec<(&str, usize)> = LISTED.iter().map(|one| one.name).zip(0..).collect();
        let place = reader.word(node, "placement", &names)?;
        let parameters = Parameters {
            scale: scale_of(&peers.groups),
            mix: Arc::clone(expected_jobs),
            ..Parameters::default()
        };
        return Some((LISTED[place].make)(&parameters));
    }
    let variant = reader.variant(node, "a placement", &["power_of_d", "score"])?;
    if variant.name == "score" {
        let text = reader.text(variant.node, "score")?;
        return match Expression::parse(&text) {
            Ok(expression) => Some(Placement::new(expression)),
            Err(error) => {
                let message = format!("`score`, character {}: {}", error.column + 1, error.message);
                reader.error(variant.node.position, message, error.help);
                None
            }
        };
    }
    let map = reader.map(variant.node, "power_of_d", variant.at, &["d"])?;
    let help = "how many bids are drawn, as in `d: 2`";
    let drawn = reader.required(&map, "d", help, |r, node| r.whole(node, "d", 1, 8))?;
    Some(Placement::new(PowerOfD(drawn as u32)))
}

/// `{window: 5s, ask: 8, refresh: 30s, ties: fixed}`, all of it optional.
fn scored_bids(reader: &mut Reader, node: &Node) -> Option<ScoredBids> {
    let map = reader.map(node, "scored_bids", node.position, &KEYS)?;
    let usual = ScoredBids::default();
    let mut span = |key: &str, longest: Span| {
        reader.optional(&map, key, |r, node| {
            let span = if key == "window" { r.positive_span(node, key)? } else { r.span(node, key)? };
            if span > longest {
                r.error(node.position, format!("`{key}` must be at most {longest}, not {span}"), None);
                return None;
            }
            Some(span)
        })
    };
    let window = span("window", LONGEST_WINDOW).unwrap_or(usual.window);
    let refresh = span("refresh", OLDEST_COUNT).unwrap_or(usual.refresh);
    let ask = reader.optional(&map, "ask", |r, node| r.whole(node, "ask", 1, MOST_ASKED));
    let ties = [("drawn", false), ("fixed", true)];
    let fixed_ties = reader.optional(&map, "ties", |r, node| r.word(node, "ties", &ties)).unwrap_or(false);
    let ask = ask.map(|count| Asked { count: count as u32, known: Arc::default() });
    Some(ScoredBids { window, ask, refresh, fixed_ties })
}

/// The largest of everything that a provider may have.
fn scale_of(groups: &[PeerGroup]) -> Scale {
    let largest = groups.iter().map(|group| group.hardware.largest());
    let (cores, cards) =
        largest.fold((1, 1), |(cores, cards), (more, others)| (cores.max(more), cards.max(others)));
    Scale {
        cpu_milli: f64::from(cores) * 1000.0,
        cards_milli: f64::from(cards) * f64::from(WHOLE_CARD_MILLI),
    }
}

/// The nodes that are to be expected, each as often as it is deployed.
pub(super) fn expected_jobs(requests: &[Request]) -> Mix {
    let mut jobs: Vec<((u64, u32, u32), Ask)> = Vec::new();
    for Request { deploy, .. } in requests {
        // What arrives without end counts as often as a list of a hundred.
        let count = if deploy.count == u32::MAX { 100 } else { deploy.count.min(100_000) };
        for node in deploy.ensemble.nodes.values() {
            let own = node.allocations.iter().filter_map(|name| deploy.ensemble.allocations.get(name));
            let wanted = own.fold(Resources::default(), |sum, allocation| sum.plus(&allocation.resources));
            let ask = Ask {
                cpu_milli: wanted.cpu.cores_milli,
                cards: wanted.gpus.len() as u32,
                card_milli: if wanted.gpus.is_empty() { 0 } else { WHOLE_CARD_MILLI },
                ..Ask::default()
            };
            let kind = (ask.cpu_milli, ask.card_milli, ask.cards);
            jobs.extend((0..count).map(|_| (kind, ask.clone())));
        }
    }
    Mix::of(jobs)
}

/// Both as a scenario has them.
pub(super) fn write(strategy: &Strategy) -> Vec<String> {
    let placement = &strategy.placement;
    let shown = match (placement.name(), placement.parameters()) {
        ("score", written) => format!("{{score: {}}}", text(&written)),
        ("power_of_d", drawn) => format!("{{power_of_d: {{d: {drawn}}}}}"),
        (name, _) => name.to_owned(),
    };
    let mut entries = vec![format!("placement: {shown}")];
    if let Some(ScoredBids { window, ask, refresh, fixed_ties }) = &strategy.scored_bids {
        let ask = ask.as_ref().map_or_else(String::new, |asked| format!(", ask: {}", asked.count));
        let ties = if *fixed_ties { "fixed" } else { "drawn" };
        entries.push(format!("scored_bids: {{window: {window}{ask}, refresh: {refresh}, ties: {ties}}}"));
    }
    entries
}
