//! What the catalogue says of when things are asked for.

use super::amounts::THINGS;
use super::{COUNT, FRACTION, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};

pub(super) static ARRIVALS: Map = Map::new(
    "arrivals",
    &[
        Key::new("poisson", Shape::Map(&POISSON), "at random"),
        Key::new("every", TIME, "at equal distances"),
        Key::new("at", Shape::Either(&[TIME, Shape::FilledList(&TIME)]), "at given times"),
        Key::new("burst", Shape::Map(&BURST), "many at once"),
        Key::new(
            "mmpp",
            Shape::FilledList(&Shape::Map(&STATE)),
            "in bursts: at random, by the state of the time",
        ),
        Key::new("diurnal", Shape::Map(&DIURNAL), "at random, by the time of the day"),
        Key::new("batches", Shape::Map(&BATCHES), "several together, again and again"),
        Key::new("start", TIME, "not before").or("0s"),
    ],
)
.with_one_of(crate::scenario::arrivals::KINDS);

pub(super) static POISSON: Map =
    Map::new("poisson", &[Key::new("mean", TIME, "mean time between two").required()]);

pub(super) static BURST: Map = Map::new(
    "burst",
    &[
        Key::new("at", TIME, "when").required(),
        Key::new("count", COUNT, "how many").required(),
        Key::new("within", TIME, "spread over").or("0s"),
    ],
);

static STATE: Map = Map::new(
    "state",
    &[
        Key::new("mean", TIME, "mean time between two while it lasts").or("nothing arrives"),
        Key::new("stay", TIME, "how long it lasts on the average").required(),
    ],
);

static DIURNAL: Map = Map::new(
    "diurnal",
    &[
        Key::new("mean", TIME, "mean time between two, over a whole period").required(),
        Key::new("swing", FRACTION, "by which part of the mean the rate goes up and down").required(),
        Key::new("peak", TIME, "when the rate is highest, after the start of the run").required(),
        Key::new("period", TIME, "the length of a day").or("24h"),
    ],
);

static BATCHES: Map = Map::new(
    "batches",
    &[
        Key::new("poisson", Shape::Map(&POISSON), "a batch at random"),
        Key::new("every", TIME, "a batch at equal distances"),
        Key::new("size", THINGS, "how many come together").required(),
    ],
)
.with_one_of(&["poisson", "every"]);
