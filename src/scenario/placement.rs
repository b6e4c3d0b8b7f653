//! Which bid a node gets: `placement` and `scored_bids` of `strategy`.

use std::sync::Arc;

use super::jobs::first_wanted;
use super::peers::Peers;
use super::reader::{Map, Reader};
use super::resolved::text;
use super::workload::{Request, wanted_by};
use crate::dms::ensemble::tree::Node;
use crate::dms::orchestrator::Strategy;
use crate::dms::resources::{Gpu, Resources};
use crate::dms::scored_bids::{Asked, ScoredBids, ask_for, share_milli};
use crate::kernel::Span;
use crate::placement::policy::{Expression, PowerOfD};
use crate::placement::{Ask, LISTED, Mix, Parameters, Placement, Scale, WHOLE_CARD_MILLI};
use crate::sim::setup::{PeerGroup, Requested};
use crate::workload::JobSource;
use crate::workload::nodes::{USUAL_CARD_BYTES, memory_of_card};
use crate::workload::trace::replay::{Format, Replay};

const KEYS: [&str; 4] = ["window", "ask", "refresh", "ties"];
/// Providers that are asked for one node.
const MOST_ASKED: i64 = 1_000_000;
/// A count is forgotten when no bid is remembered any more.
const OLDEST_COUNT: Span = Span::mins(5);
/// So many jobs of an entry of the workload say what is to be expected of it.
const MOST_EXPECTED: u32 = 1000;
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

/// `placement: fgd`, `{power_of_d: 3}` or `{score: "free.gpu / total.gpu"}`.
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
    let drawn = reader.whole(variant.node, "power_of_d", 1, 8)?;
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

/// The kind of a job: cores, thousandths of a card, how many cards, and of which models.
type Kind = (u64, u32, u32, Arc<str>);

/// The jobs that are to be expected: the nodes of what is deployed, each as often as it is, and jobs of traces and
/// classes.
pub(super) fn expected_jobs(requests: &[Request], seed: u64) -> Mix {
    let mut jobs: Vec<(Kind, Ask)> = Vec::new();
    for (Request { deploy, .. }, entry) in requests.iter().zip(0..) {
        match &deploy.requested {
            Requested::Alike(_) => {
                // What arrives without end counts as often as a list of a hundred.
                let count = if deploy.count == u32::MAX { 100 } else { deploy.count.min(MOST_EXPECTED) };
                for name in deploy.ensemble.nodes.keys() {
                    let expected = expected(&wanted_by(&deploy.ensemble, name), None);
                    jobs.extend((0..count).map(|_| expected.clone()));
                }
            }
            Requested::Jobs { source, .. } => {
                let whole = match source {
                    JobSource::Trace(Replay { format: Format::Openb { card_bytes, .. }, .. }) => *card_bytes,
                    JobSource::Generated { classes, .. } => {
                        classes.iter().find_map(|class| class.gpus.as_ref()?.card_bytes)
                    }
                    JobSource::Trace(_) => None,
                };
                let count = deploy.count.min(MOST_EXPECTED);
                let all = first_wanted(&deploy.ensemble, source, (seed, entry), count);
                jobs.extend(all.map(|wanted| expected(&wanted, whole)));
            }
        }
    }
    Mix::of(jobs)
}

/// A job that is to be expected. A share of a card is one of `whole_bytes`, else of the memory of its model.
fn expected(wanted: &Resources, whole_bytes: Option<u64>) -> (Kind, Ask) {
    let share = |wish: &Gpu| {
        let models = wish.model.iter().flat_map(|models| models.split('|'));
        let of_model = || models.filter_map(|model| memory_of_card(model.trim())).max();
        match wish.vram_bytes {
            0 => WHOLE_CARD_MILLI,
            bytes => share_milli(bytes, whole_bytes.or_else(of_model).unwrap_or(USUAL_CARD_BYTES)),
        }
    };
    let ask = ask_for(wanted, share);
    let models = wanted.gpus.first().and_then(|wish| wish.model.clone()).unwrap_or_default();
    ((ask.cpu_milli, ask.card_milli, ask.cards, models), ask)
}

/// Both as a scenario has them.
pub(super) fn write(strategy: &Strategy) -> Vec<String> {
    let placement = &strategy.placement;
    let shown = match (placement.name(), placement.parameters()) {
        ("score", written) => format!("{{score: {}}}", text(&written)),
        ("power_of_d", drawn) => format!("{{power_of_d: {drawn}}}"),
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
