//! What the catalogue says of names for peers, and of moves.

use super::{AT, CONTINENT, DRAWN, GROUP_OF, OF_COUNTRY, PEER, PEERS, SO_MANY, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};

pub(super) static DYNAMIC_DNS: Map = Map::new(
    "dynamic_dns",
    &[
        Key::new("zone", Shape::Filled, "below which the names are").required(),
        Key::new("server", Shape::Filled, "the peer that serves it").required(),
        Key::new("ttl", TIME, "how long answers are remembered").or("1m"),
        Key::new("lease", TIME, "how long a name is held without being renewed").or("10m"),
        GROUP_OF,
        PEER,
        PEERS,
        CONTINENT,
        OF_COUNTRY,
    ],
);

pub(super) static MOVE: Map = Map::new(
    "move",
    &[
        AT,
        Key::new("every", TIME, "from one time to the next, for the same peers").or("once"),
        GROUP_OF,
        PEER,
        PEERS,
        CONTINENT,
        OF_COUNTRY,
        DRAWN,
        SO_MANY,
    ],
);
