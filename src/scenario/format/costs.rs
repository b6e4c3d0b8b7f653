//! `price` and `power` of a group.

use super::COUNT;
use crate::dms::ensemble::shape::{Key, Map, Shape};

const MONEY: Shape = Shape::Number;
const AMOUNT: Shape = Shape::Either(&[MONEY, Shape::Map(&RANGE)]);

static RANGE: Map = Map::new(
    "a range of prices",
    &[Key::new("from", MONEY, "the lowest").required(), Key::new("to", MONEY, "the highest").required()],
);

pub(super) static PRICE: Map = Map::new(
    "price",
    &[
        Key::new("node", AMOUNT, "for a node, whatever it asks for").or("0"),
        Key::new("core", AMOUNT, "for a core").or("0"),
        Key::new("ram_gib", AMOUNT, "for a GiB of memory").or("0"),
        Key::new("disk_gib", AMOUNT, "for a GiB of disk").or("0"),
        Key::new("card", AMOUNT, "for a graphics card, or a part of one in proportion").or("0"),
        Key::new("markup", Shape::Map(&MARKUP), "how much more than it costs them they ask for")
            .or("nothing"),
    ],
);

static MARKUP: Map = Map::new(
    "markup",
    &[
        Key::new("bidders", COUNT, "how many bid").required(),
        Key::new("highest", MONEY, "the highest cost").required(),
    ],
);

pub(super) static POWER: Map = Map::new(
    "power",
    &[
        Key::new("idle", Shape::Number, "while nothing is held").required(),
        Key::new("busy", Shape::Number, "while all cores are held").required(),
    ],
);
