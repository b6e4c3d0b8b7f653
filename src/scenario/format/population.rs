//! What the catalogue says of how peers and conditions come and go.

use super::{ASN_NEEDS, AT, BURST, COUNT, DISTRIBUTION, FRACTION, POISSON, TIME, TIMES};
use crate::dms::ensemble::shape::{Key, Map, Shape};

/// `flaps` of a fault of the network.
pub(super) const FLAPS_OF_FAULT: Key =
    Key::new("flaps", Shape::Map(&FLAPS), "how it comes and goes meanwhile").or("it stays");

static FLAPS: Map = Map::new(
    "flaps",
    &[
        Key::new("on", TIMES, "how long it is there each time").required(),
        Key::new("off", TIMES, "how long it is gone each time").required(),
    ],
);

/// `churn` of a group.
pub(super) const PRESENCE: Shape =
    Shape::Either(&[Shape::Map(&CHURN_PRESET), Shape::Map(&CHURN), Shape::Map(&CHURN_TRACE)]);

const CHURN_START: Key =
    Key::new("start", Shape::Words(&["stationary", "fresh"]), "whether the run begins in the middle")
        .or("stationary");
const REPAIRERS: Key =
    Key::new("repairers", COUNT, "how many of the group are under repair at a time").or("all that are down");

static CHURN_PRESET: Map = Map::new(
    "churn preset",
    &[
        Key::new(
            "preset",
            Shape::Words(&["desktop-pc", "overnet", "skype", "planetlab", "condor", "grid5000", "lanl"]),
            "a measured system",
        )
        .required(),
        CHURN_START,
        REPAIRERS,
    ],
);

static CHURN: Map = Map::new(
    "churn",
    &[
        Key::new("up", TIMES, "how long a peer stays").required(),
        Key::new("down", TIMES, "how long it is away").required(),
        CHURN_START,
        REPAIRERS,
    ],
);

static CHURN_TRACE: Map = Map::new(
    "churn of a trace",
    &[
        Key::new("trace", Shape::Filled, "a CSV file with columns `host`, `start` and `end`").required(),
        Key::new("hosts", Shape::Words(&["drawn", "in_order"]), "which host each peer follows").or("drawn"),
        Key::new("unit", Shape::Words(&["seconds", "hours"]), "of the times in the file").or("seconds"),
        CHURN_START,
    ],
);

/// `joins` of a group.
pub(super) const GROUP_JOINS: Key =
    Key::new("joins", Shape::Map(&JOINS), "when they join").or("all are there from the start");

static JOINS: Map = Map::new(
    "joins",
    &[
        Key::new("over", TIME, "at even distances"),
        Key::new("poisson", Shape::Map(&POISSON), "at random"),
        Key::new("burst", Shape::Map(&BURST), "many at once; the others are there from the start"),
        Key::new("stays", TIMES, "how long each that has joined stays").or("to the end"),
    ],
)
.with_one_of(&["over", "poisson", "burst"]);

/// `clock` of a group.
pub(super) const GROUP_CLOCK: Key =
    Key::new("clock", Shape::Map(&CLOCK), "how their clocks are wrong").or("they are right");

/// A time, with a sign before it.
const SIGNED: Shape = Shape::Matching("^\\s*[+-]\\s*[0-9.]");

static CLOCK: Map = Map::new(
    "clock",
    &[
        Key::new(
            "skew",
            Shape::Either(&[TIME, SIGNED, Shape::Map(&DISTRIBUTION)]),
            "by how much they are off; with a sign all by the same, else at most, or drawn",
        )
        .or("0s"),
        Key::new(
            "drift",
            Shape::Matching("^\\s*[+-]?[0-9.eE-]+\\s*ppm$"),
            "how much too fast or slow; with a sign all the same, else at most",
        )
        .or("0 ppm"),
    ],
);

/// `clock` of the faults.
pub(super) static CLOCK_STEP: Map = Map::new(
    "clock step",
    drawn_peers![
        AT,
        Key::new("jump", Shape::Either(&[TIME, SIGNED]), "by how much they are set; back with `-`")
            .required(),
        Key::new("for", TIME, "after which they are set right again").or("they stay so"),
    ],
)
.with_needs(&ASN_NEEDS);

/// `outage` of the faults.
pub(super) static OUTAGE: Map = Map::new(
    "outage",
    peers![
        AT,
        Key::new(
            "by",
            Shape::Words(&["continent", "country", "city", "organization", "asn"]),
            "what those that go down have in common",
        )
        .required(),
        Key::new("units", COUNT, "how many of these are hit each time").or("1"),
        Key::new("fraction", FRACTION, "the part of the peers of each that goes down").or("100%"),
        Key::new("repair", Shape::Either(&[Shape::Words(&["never"]), TIMES]), "until all of a unit are back"),
        Key::new("repair_each", TIMES, "until each peer is back"),
    ],
)
.with_one_of(&["repair", "repair_each"])
.with_needs(&ASN_NEEDS);
