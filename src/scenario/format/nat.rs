//! What the catalogue says of what hides peers from each other.

use super::{BYTES, COUNT, FRACTION, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};

const PRESET: Key = Key::new(
    "preset",
    Shape::Words(&["measured", "optimistic", "pessimistic"]),
    "shares as measured, in the middle or at an end",
);
const OWN_SHARES: Key = Key::new("shares", Shape::Map(&SHARES), "the part of the peers in each class");

/// `nat` of the network.
pub(super) static NAT: Map = Map::new(
    "nat",
    &[
        PRESET,
        OWN_SHARES,
        Key::new("punching", FRACTION, "chance of an attempt at a hole between classes that allow it")
            .or("97.6%"),
        Key::new("start", Shape::Words(&["stationary", "fresh"]), "whether peers have been up for long")
            .or("stationary"),
        Key::new("relayed", Shape::Map(&RELAYED), "what relays grant"),
    ],
)
.with_one_of(&["preset", "shares"]);

/// `nat` of a group.
pub(super) const NAT_OF_GROUP: Shape = Shape::Either(&[
    Shape::Words(&[
        "public",
        "full_cone",
        "restricted",
        "port_restricted",
        "symmetric",
        "carrier_grade",
        "firewalled",
    ]),
    Shape::Map(&GROUP_SHARES),
]);

static GROUP_SHARES: Map =
    Map::new("nat of a group", &[PRESET, OWN_SHARES]).with_one_of(&["preset", "shares"]);

static SHARES: Map = Map::new(
    "shares",
    &[
        Key::new("public", FRACTION, "nothing stands before them").or("0"),
        Key::new("full_cone", FRACTION, "a translator that lets everyone in").or("0"),
        Key::new("restricted", FRACTION, "lets in addresses that were sent to").or("0"),
        Key::new("port_restricted", FRACTION, "lets in addresses and ports that were sent to").or("0"),
        Key::new("symmetric", FRACTION, "takes another port for every receiver").or("0"),
        Key::new("carrier_grade", FRACTION, "the carrier translates too").or("0"),
        Key::new("firewalled", FRACTION, "lets nothing in and no UDP out").or("0"),
    ],
);

static RELAYED: Map = Map::new(
    "relayed",
    &[
        Key::new("for", TIME, "how long a relayed connection lasts").or("5m"),
        Key::new("bytes", BYTES, "that it carries").or("2 MiB"),
        Key::new("reservations", COUNT, "of peers at one relay").or("128"),
        Key::new("circuits", COUNT, "of one peer at one relay").or("16"),
    ],
);
