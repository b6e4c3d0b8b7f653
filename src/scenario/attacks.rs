//! What a group of `attackers` tries.

use super::faults::Context;
use super::peers::Peers;
use super::reader::{Map, Reader, Variant};
use crate::dms::ensemble::tree::Node;
use crate::kernel::sample::Distribution;
use crate::kernel::{Span, Time};
use crate::sim::setup::{AttackKind, AttackPlan, Forgery};

/// What attackers can try: exactly one of these.
pub(super) const KINDS: &[&str] = &[
    "forger",
    "replayer",
    "token_thief",
    "over_delegator",
    "sybil",
    "flooder",
    "revoked_insider",
    "clock_skew",
];
/// The attacks that only a member can try.
const MEMBERS_ONLY: &[&str] = &["over_delegator", "revoked_insider", "clock_skew"];
/// What forgers make up.
pub(super) const FORGERIES: &[(&str, Forgery)] =
    &[("tokens", Forgery::Tokens), ("signatures", Forgery::Signatures), ("dids", Forgery::Dids)];

const DEFAULT_EVERY: Span = Span::secs(10);
/// What others have sent can be sent again for a few seconds only.
const DEFAULT_EVERY_OF_REPLAYER: Span = Span::secs(1);
const DEFAULT_BROADCASTS: f64 = 0.2;
const DEFAULT_BURST: u32 = 200;
const DEFAULT_IDENTITIES: u32 = 10;
/// The largest error of a clock that can be counted and is still within an epoch: a year.
const LARGEST_SKEW: Span = Span::hours(365 * 24);

/// Reads the attacks of all groups, now that their targets can be looked up.
pub(super) fn read(reader: &mut Reader, duration: Option<Span>, peers: &mut Peers) {
    for (group, node) in std::mem::take(&mut peers.attacks) {
        let context = Context { duration, peers };
        let plan = plan(reader, &node, &context, peers.groups[group].membership.is_some());
        peers.groups[group].attack = plan;
    }
}

fn plan(reader: &mut Reader, node: &Node, context: &Context<'_>, member: bool) -> Option<AttackPlan> {
    let variant = reader.variant(node, "an attack", KINDS)?;
    if !member && MEMBERS_ONLY.contains(&variant.name) {
        let help = "say of what organization they are members, as in `org: nunet`".to_owned();
        reader.error(variant.at, format!("`{}` is an attack by members", variant.name), help);
    }
    let own: &[&str] = match variant.name {
        "forger" => &["forges"],
        "sybil" => &["identities"],
        "flooder" => &["burst"],
        "revoked_insider" => &["revoked", "anchored", "delay"],
        "clock_skew" => &["ahead", "behind"],
        _ => &[],
    };
    let common = ["start", "end", "every", "broadcasts", "targets"];
    let keys: Vec<&str> = common.iter().chain(own).copied().collect();
    let map = reader.map(variant.node, variant.name, variant.at, &keys)?;
    let start = moment(reader, &map, "start", context.duration);
    let end = moment(reader, &map, "end", context.duration);
    let start = start.unwrap_or(Time::ZERO);
    if let (Some(end), Some((key, _))) = (end, map.node.entry("end"))
        && end <= start
    {
        reader.error(key.position, "the attack ends before it has begun", None);
    }
    let default = if variant.name == "replayer" { DEFAULT_EVERY_OF_REPLAYER } else { DEFAULT_EVERY };
    let every = reader.optional(&map, "every", |r, node| r.period(node, "every"));
    let broadcasts = reader.optional(&map, "broadcasts", |r, node| r.fraction(node, "broadcasts"));
    let targets = reader.optional(&map, "targets", |r, node| {
        let targets = r.map(node, "targets", node.position, &super::faults::DRAWN)?;
        context.selection(r, &targets, true)
    });
    let kind = kind(reader, &variant, &map, context, member);
    Some(AttackPlan {
        kind: kind?,
        start,
        end,
        every: every.unwrap_or(default),
        broadcasts: broadcasts.unwrap_or(DEFAULT_BROADCASTS),
        targets: targets.unwrap_or_default(),
    })
}

fn kind(
    reader: &mut Reader,
    variant: &Variant<'_>,
    map: &Map<'_>,
    context: &Context<'_>,
    member: bool,
) -> Option<AttackKind> {
    Some(match variant.name {
        "forger" => AttackKind::Forger { forges: forges(reader, map, member)? },
        "replayer" => AttackKind::Replayer,
        "token_thief" => AttackKind::TokenThief,
        "over_delegator" => AttackKind::OverDelegator,
        "sybil" => {
            let identities = reader.optional(map, "identities", |r, node| {
                r.whole(node, "identities", 1, 10_000).map(|number| number as u32)
            });
            AttackKind::Sybil { identities: identities.unwrap_or(DEFAULT_IDENTITIES) }
        }
        "flooder" => {
            let burst = reader.optional(map, "burst", |r, node| {
                r.whole(node, "burst", 1, 100_000).map(|number| number as u32)
            });
            AttackKind::Flooder { burst: burst.unwrap_or(DEFAULT_BURST) }
        }
        "revoked_insider" => {
            let help = "when their membership is revoked, as in `revoked: 30m`";
            let revoked = reader.required(map, "revoked", help, |_, _| Some(()));
            let revoked = revoked.and_then(|()| moment(reader, map, "revoked", context.duration));
            let anchored = reader.optional(map, "anchored", |r, node| r.fraction(node, "anchored"));
            let delay = reader.optional(map, "delay", |r, node| r.distribution(node, "delay"));
            AttackKind::RevokedInsider {
                revoked: revoked?,
                anchored: anchored.unwrap_or(1.0),
                delay: delay.unwrap_or(Distribution::constant(Span::ZERO)),
            }
        }
        _ => AttackKind::ClockSkew { offset_ns: skew(reader, map)? },
    })
}

fn forges(reader: &mut Reader, map: &Map<'_>, member: bool) -> Option<Vec<Forgery>> {
    let mut forges = Vec::new();
    for item in reader.list(map, "forges") {
        let forgery = reader.word(item, "forges", FORGERIES)?;
        if forgery == Forgery::Dids && !member {
            let help = "say of what organization they are members, as in `org: nunet`".to_owned();
            reader.error(item.position, "`dids` stand above a valid membership", help);
        }
        forges.push(forgery);
    }
    if forges.is_empty() {
        let possible = FORGERIES.iter().map(|(_, forgery)| *forgery);
        forges = possible.filter(|forgery| member || *forgery != Forgery::Dids).collect();
    }
    Some(forges)
}

fn skew(reader: &mut Reader, map: &Map<'_>) -> Option<i64> {
    let (ahead, behind) = (map.node.entry("ahead"), map.node.entry("behind"));
    let ((Some((key, _)), None) | (None, Some((key, _)))) = (ahead, behind) else {
        let help = "write `ahead: 10m` or `behind: 10m`".to_owned();
        reader.error(map.at, "`clock_skew` needs exactly one of `ahead` and `behind`", help);
        return None;
    };
    let name = if ahead.is_some() { "ahead" } else { "behind" };
    let by = reader.optional(map, name, |r, node| r.positive_span(node, name))?;
    if by > LARGEST_SKEW {
        reader.error(key.position, format!("`{name}` may be at most a year"), None);
        return None;
    }
    let by = by.0 as i64;
    Some(if ahead.is_some() { by } else { -by })
}

/// A time within the run.
fn moment(reader: &mut Reader, map: &Map<'_>, key: &str, duration: Option<Span>) -> Option<Time> {
    reader.optional(map, key, |r, node| {
        let at = r.span(node, key)?;
        if let Some(duration) = duration.filter(|duration| at > *duration) {
            let help = format!("the run lasts {duration}: move it, or raise `duration`");
            r.error(node.position, format!("`{key}: {at}` is after the end of the run"), help);
            return None;
        }
        Some(Time::ZERO + at)
    })
}
