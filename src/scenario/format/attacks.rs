//! What the catalogue says of attackers.

use super::{FRACTION, TIME, TIMES};
use crate::dms::ensemble::shape::{Key, Map, Shape};
use crate::scenario::attacks::KINDS;

/// What attackers try.
pub(super) static ATTACK: Map = Map::new(
    "attack",
    &[
        Key::new("forger", Shape::Map(&FORGER), "makes up tokens, signatures and names"),
        Key::new("replayer", Shape::Map(&PLAIN_ATTACK), "sends again what others have sent"),
        Key::new("token_thief", Shape::Map(&PLAIN_ATTACK), "uses tokens made for others"),
        Key::new("over_delegator", Shape::Map(&PLAIN_ATTACK), "passes on more than it holds"),
        Key::new("sybil", Shape::Map(&SYBIL), "acts under many identities"),
        Key::new("flooder", Shape::Map(&FLOODER), "sends more than anyone can handle"),
        Key::new("revoked_insider", Shape::Map(&INSIDER), "goes on after its revocation"),
        Key::new("clock_skew", Shape::Map(&CLOCK_SKEW), "has a wrong clock"),
    ],
)
.with_one_of(KINDS);

const ATTACK_START: Key = Key::new("start", TIME, "from when on").or("0s");
const ATTACK_END: Key = Key::new("end", TIME, "until when").or("the end of the run");
const ATTACK_EVERY: Key = Key::new("every", TIME, "mean time between two").or("10s, replayers 1s");
const ATTACK_BROADCASTS: Key = Key::new("broadcasts", FRACTION, "the part that is broadcast").or("20%");
const ATTACK_TARGETS: Key = Key::new("targets", Shape::Map(&TARGETS), "whom").or("everyone");

static TARGETS: Map = Map::new("targets", drawn_peers![]).with_needs(&super::ASN_NEEDS);

static PLAIN_ATTACK: Map =
    Map::new("plain attack", &[ATTACK_START, ATTACK_END, ATTACK_EVERY, ATTACK_BROADCASTS, ATTACK_TARGETS]);

static FORGER: Map = Map::new(
    "forger",
    &[
        ATTACK_START,
        ATTACK_END,
        ATTACK_EVERY,
        ATTACK_BROADCASTS,
        ATTACK_TARGETS,
        Key::new("forges", Shape::List(&Shape::Words(&["tokens", "signatures", "dids"])), "what")
            .or("all that it can"),
    ],
);

static SYBIL: Map = Map::new(
    "sybil",
    &[
        ATTACK_START,
        ATTACK_END,
        ATTACK_EVERY,
        ATTACK_BROADCASTS,
        ATTACK_TARGETS,
        Key::new("identities", Shape::Whole(1, 10_000), "how many each has").or("10"),
    ],
);

static FLOODER: Map = Map::new(
    "flooder",
    &[
        ATTACK_START,
        ATTACK_END,
        ATTACK_EVERY,
        ATTACK_BROADCASTS,
        ATTACK_TARGETS,
        Key::new("burst", Shape::Whole(1, 100_000), "messages at a time").or("200"),
    ],
);

static INSIDER: Map = Map::new(
    "revoked insider",
    &[
        ATTACK_START,
        ATTACK_END,
        ATTACK_EVERY,
        ATTACK_BROADCASTS,
        ATTACK_TARGETS,
        Key::new("revoked", TIME, "when its membership is revoked").required(),
        Key::new("anchored", FRACTION, "the part of its organization that learns of it").or("100%"),
        Key::new("delay", TIMES, "how long that takes").or("0s"),
    ],
);

static CLOCK_SKEW: Map = Map::new(
    "clock skew",
    &[
        ATTACK_START,
        ATTACK_END,
        ATTACK_EVERY,
        ATTACK_BROADCASTS,
        ATTACK_TARGETS,
        Key::new("ahead", TIME, "how far its clock is ahead"),
        Key::new("behind", TIME, "how far it is behind"),
    ],
)
.with_one_of(&["ahead", "behind"]);
