//! What the catalogue says of machines.

use super::{BYTES, HERTZ};
use crate::dms::ensemble::shape::{Key, Map, Shape};
use crate::workload::HardwarePreset;

/// The machines of a group.
pub(super) const MACHINES: Shape = Shape::Either(&[
    Shape::Map(&HARDWARE_PRESET),
    Shape::Map(&HARDWARE),
    Shape::Map(&NODE_LIST),
    Shape::Map(&MIX),
]);

const CLOCK: Key = Key::new("clock", HERTZ, "of each core").or("3 GHz");
const ARCHITECTURE: Key = Key::new("arch", Shape::Filled, "architecture").or("x86_64");

static HARDWARE_PRESET: Map = Map::new(
    "hardware preset",
    &[Key::new("preset", Shape::Words(&HardwarePreset::NAMES), "machines as is usual in such a place")
        .required()],
);

pub(super) static HARDWARE: Map = Map::new(
    "hardware",
    &[
        Key::new("cpu", Shape::Whole(1, 4096), "cores").required(),
        CLOCK,
        ARCHITECTURE,
        Key::new("ram", BYTES, "memory").required(),
        Key::new("disk", BYTES, "disk").required(),
        Key::new(
            "gpu",
            Shape::Either(&[Shape::Map(&GPU), Shape::FilledList(&Shape::Map(&GPU))]),
            "graphics cards",
        )
        .or("none"),
    ],
);

static GPU: Map = Map::new(
    "gpu",
    &[
        Key::new("vendor", Shape::Filled, "who made it").required(),
        Key::new("model", Shape::Filled, "its name").required(),
        Key::new("vram", BYTES, "its memory").required(),
        Key::new("count", Shape::Whole(1, 64), "how many of them").or("1"),
    ],
);

static NODE_LIST: Map = Map::new(
    "list of machines",
    &[
        Key::new("csv", Shape::Filled, "a file with a machine in each row, relative to the scenario")
            .required(),
        CLOCK,
        ARCHITECTURE,
        Key::new("disk", BYTES, "of each, where the list does not say it").or("1 TB"),
        Key::new("card_memory", BYTES, "of every card, where the list does not say it").or("by the model"),
    ],
);

static MIX: Map = Map::new(
    "mix",
    &[Key::new("mix", Shape::FilledList(&Shape::Map(&PART)), "parts by their weights").required()],
);

static PART: Map = Map::new(
    "part",
    &[
        Key::new("weight", Shape::Whole(1, 1_000_000), "how many of all").or("1"),
        Key::new(
            "hardware",
            Shape::Either(&[Shape::Map(&HARDWARE_PRESET), Shape::Map(&HARDWARE), Shape::Map(&NODE_LIST)]),
            "the machines of this part",
        )
        .required(),
    ],
);
