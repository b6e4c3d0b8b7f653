//! What the catalogue says of requests.

use super::{BANDWIDTH, BYTES, FRACTION, NAME, PLACE, POISSON, TIME, TIMES};
use crate::dms::ensemble::shape::{Key, Map, Shape};

/// A length, or a distribution of lengths.
const SIZES: Shape = Shape::Either(&[BYTES, Shape::Map(&SIZE_DISTRIBUTION)]);

/// A stream of requests.
pub(super) static TRAFFIC: Map = Map::new(
    "traffic",
    &[
        Key::new("name", NAME, "of the stream").or("CALLER-TO"),
        Key::new("deployment", Shape::Filled, "in which deployments, by their name").required(),
        Key::new("from", Shape::Filled, "the allocation that asks"),
        Key::new("clients", Shape::Map(&CLIENTS), "the users outside that ask"),
        Key::new("to", Shape::Filled, "the allocation that is asked").required(),
        Key::new("arrivals", Shape::Map(&REQUESTS), "when requests come, in each deployment").required(),
        Key::new("request", SIZES, "the length of a request").or("1 kB"),
        Key::new("response", SIZES, "the length of an answer").or("10 kB"),
        Key::new("service", TIMES, "how long a worker is busy with a request").or("10ms"),
        Key::new("workers", Shape::Whole(1, 10_000), "how many requests are handled at once")
            .or("any number"),
        Key::new("queue", Shape::Whole(0, 10_000), "how many more may wait").or("100"),
        Key::new("timeout", TIME, "how long a try waits for its answer").or("5s"),
        Key::new("retries", Shape::Whole(0, 100), "tries after the first").or("0"),
        Key::new("pause", TIME, "from a failed try to the next").or("1s"),
        Key::new("interval", TIME, "the length of a row of requests.csv").or("5m"),
        Key::new(
            "samples",
            Shape::Either(&[Shape::Whole(1, 1_000_000), Shape::Words(&["all"])]),
            "requests of an interval that are followed one by one",
        )
        .or("64"),
    ],
)
.with_one_of(&["from", "clients"]);

static CLIENTS: Map = Map::new(
    "clients",
    &[
        Key::new("count", Shape::Whole(1, 4096), "how many").or("1"),
        Key::new("place", Shape::Map(&PLACE), "where they are").or("by population of the world"),
        Key::new("bandwidth", BANDWIDTH, "their links").or("{preset: home}"),
        Key::new("port", Shape::Whole(1, 65_535), "the port inside that they mean").or("any that is mapped"),
        Key::new("via", Shape::Words(&["address", "dynamic_dns"]), "by what they find the host")
            .or("address"),
    ],
);

static REQUESTS: Map = Map::new(
    "requests",
    &[
        Key::new("poisson", Shape::Map(&POISSON), "at random"),
        Key::new("every", TIME, "regularly"),
        Key::new("daily", Shape::Map(&DAILY), "how the rate swings; with `poisson`").or("not at all"),
        Key::new("start", TIME, "from when on").or("0s"),
        Key::new("end", TIME, "until when").or("the end of the run"),
    ],
)
.with_one_of(&["poisson", "every"]);

static DAILY: Map = Map::new(
    "daily",
    &[
        Key::new("swing", FRACTION, "by which part of the mean").required(),
        Key::new("peak", TIME, "the time of the day, in UTC, of the greatest rate").required(),
    ],
);

static SIZE_DISTRIBUTION: Map = Map::new(
    "distribution of lengths",
    &[
        Key::new("constant", BYTES, "always the same"),
        Key::new("uniform", Shape::Map(&UNIFORM), "between two lengths"),
        Key::new("exponential", Shape::Map(&EXPONENTIAL), "without memory"),
        Key::new("lognormal", Shape::Map(&LOGNORMAL), "with a long tail"),
    ],
)
.with_one_of(&["constant", "uniform", "exponential", "lognormal"]);

static UNIFORM: Map = Map::new(
    "uniform lengths",
    &[Key::new("from", BYTES, "at least").required(), Key::new("to", BYTES, "at most").required()],
);

static EXPONENTIAL: Map = Map::new("exponential lengths", &[Key::new("mean", BYTES, "the mean").required()]);

static LOGNORMAL: Map = Map::new(
    "lognormal lengths",
    &[
        Key::new("median", BYTES, "the median; with `sigma`"),
        Key::new("mu", Shape::Number, "mean of the logarithm in bytes; with `sigma`"),
        Key::new("sigma", Shape::Number, "standard deviation of the logarithm"),
        Key::new("mean", BYTES, "the mean; with `sd`"),
        Key::new("sd", BYTES, "standard deviation; with `mean`"),
    ],
)
.with_one_of(&["median", "mu", "mean"])
.with_needs(&[("median", "sigma"), ("mu", "sigma"), ("mean", "sd"), ("sd", "mean")]);
