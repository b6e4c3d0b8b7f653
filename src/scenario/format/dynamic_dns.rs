//! What the catalogue says of names for peers, and of moves.

use super::{ASN_NEEDS, AT, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};

pub(super) static DYNAMIC_DNS: Map = Map::new(
    "dynamic_dns",
    peers![
        Key::new("zone", Shape::Filled, "below which the names are").required(),
        Key::new("server", Shape::Filled, "the peer that serves it").required(),
        Key::new("ttl", TIME, "how long answers are remembered").or("1m"),
        Key::new("lease", TIME, "how long a name is held without being renewed").or("10m"),
    ],
)
.with_needs(&ASN_NEEDS);

pub(super) static MOVE: Map = Map::new(
    "move",
    drawn_peers![AT, Key::new("every", TIME, "from one time to the next, for the same peers").or("once"),],
)
.with_needs(&ASN_NEEDS);
