//! What the catalogue says of how peers and conditions come and go.

use super::TIMES;
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
