//! What the catalogue says of observability.

use super::{BYTES, FLAG, NAME, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};

/// Peers that are observed in one way.
pub(super) static OBSERVED: Map = Map::new(
    "observed",
    &[
        Key::new("peers", Shape::FilledList(&NAME), "who is observed").required(),
        Key::new("level", Shape::Words(&["debug", "info", "warn", "error"]), "from which level on")
            .or("info"),
        Key::new(
            "sinks",
            Shape::List(&Shape::Words(&["console", "events"])),
            "where records go beside file and Elasticsearch",
        )
        .or("[console]"),
        Key::new("file", Shape::Map(&FILE), "the log file").or("none"),
        Key::new("elastic", Shape::Map(&ELASTIC), "where records are indexed").or("nowhere"),
        Key::new("flush_interval", TIME, "how long records wait for that").or("5s"),
        Key::new("apm", Shape::Map(&APM), "where traces go").or("nowhere"),
        Key::new("metrics", FLAG, "whether metrics are exported").or("true"),
        Key::new(
            "skip",
            Shape::List(&Shape::Words(&[
                "accounting",
                "metric",
                "deployment",
                "allocation",
                "node",
                "contract",
                "user",
            ])),
            "labels that are not indexed",
        )
        .or("none"),
        Key::new("no_op", FLAG, "whether all of it is silenced").or("false"),
        Key::new("servers_away", Shape::List(&Shape::Map(&OUTAGE)), "when the servers do not answer")
            .or("never"),
    ],
);

static FILE: Map = Map::new(
    "log file",
    &[
        Key::new("size", BYTES, "when it is full").or("100 MB"),
        Key::new("kept", Shape::Whole(0, 1000), "how many full ones are kept").or("3"),
    ],
);

static ELASTIC: Map = Map::new(
    "elastic",
    &[
        Key::new("url", Shape::Filled, "its address").required(),
        Key::new("api_key", Shape::Filled, "the key for it").or("none"),
    ],
);

static APM: Map = Map::new(
    "apm",
    &[
        Key::new("url", Shape::Filled, "its address").or("none: no traces"),
        Key::new("service", Shape::Filled, "as which service").or("none: no traces"),
        Key::new("environment", Shape::Filled, "in which environment").or("none: no traces"),
    ],
);

static OUTAGE: Map = Map::new(
    "outage",
    &[
        Key::new("at", TIME, "from when on, after the start").required(),
        Key::new("for", TIME, "how long").required(),
    ],
);
