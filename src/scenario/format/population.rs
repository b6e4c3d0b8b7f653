//! What the catalogue says of how peers and conditions come and go.

use super::{COUNT, TIMES};
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
