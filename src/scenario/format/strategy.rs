//! `strategy`, and the `recovery` of single deployments.

use super::{COUNT, FLAG, FRACTION, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};
use crate::placement::policy::NAMES;

pub(super) static STRATEGY: Map = Map::new(
    "strategy",
    &[
        Key::new("placement", PLACEMENT, "which of the bids (`dmsim list policies`)").or("uniform"),
        Key::new("scored_bids", Shape::Map(&SCORED_BIDS), "how bids are asked for and compared")
            .or("as DMS does; for placements other than `uniform` everybody is asked"),
        Key::new("recovery", RECOVERY, "what is done about failures, where an ensemble does not say")
            .or("redeploy"),
        Key::new("force_recovery", FLAG, "whether it is done where an ensemble says otherwise too")
            .or("false"),
        Key::new("detector", DETECTOR, "how it is noticed that a peer is lost").or("dms"),
        Key::new("bid_suppression", FLAG, "whether orchestrators ask only a part of the providers for bids")
            .or("false"),
        Key::new("queue", Shape::Map(&QUEUE), "lets deployments of an orchestrator wait for each other")
            .or("none waits"),
        Key::new(
            "attempts",
            Shape::Whole(1, 1_000_000),
            "how often a place is looked for, before a first run",
        )
        .or("as often as there is time"),
    ],
);

const PLACEMENT: Shape = Shape::Either(&[Shape::Words(&NAMES), Shape::Map(&WITH_DETAILS)]);

static WITH_DETAILS: Map = Map::new(
    "a placement",
    &[
        Key::new("power_of_d", Shape::Whole(1, 8), "the least loaded of so many bids that are drawn"),
        Key::new("score", Shape::Text, "an expression of what is known of a machine; the highest wins"),
    ],
)
.with_one_of(&["power_of_d", "score"]);

static SCORED_BIDS: Map = Map::new(
    "scored_bids",
    &[
        Key::new("window", TIME, "how long a round of bids lasts, at most 2m").or("5s"),
        Key::new("ask", Shape::Whole(1, 1_000_000), "how many providers are asked for a node, drawn")
            .or("all of them"),
        Key::new("refresh", TIME, "how old what providers tell of themselves may be, at most 5m").or("0s"),
        Key::new("ties", Shape::Words(&["drawn", "fixed"]), "which of equal bids wins").or("drawn"),
    ],
);

static QUEUE: Map = Map::new(
    "queue",
    &[Key::new("at_once", Shape::Whole(1, 1_000_000), "how many it works on at once").required()],
);

/// One strategy, or several in the order in which they are asked.
pub(super) const RECOVERY: Shape = Shape::Either(&[MEASURE, Shape::List(&MEASURE)]);

/// Spares of one node.
const SPARES: Shape = Shape::Whole(1, 16);

const MEASURE: Shape = Shape::Either(&[
    Shape::Words(&[
        "stay_down",
        "restart",
        "redeploy",
        "one_for_one",
        "one_for_all",
        "rest_for_one",
        "standby",
        "checkpoint",
        "retry",
        "replication",
        "migration",
        "hand_over",
        "spot_check",
    ]),
    Shape::Map(&WITH_PARAMETERS),
]);

static WITH_PARAMETERS: Map = Map::new(
    "a strategy",
    &[
        Key::new("standby", Shape::Map(&STANDBY), "standbys for every node"),
        Key::new("checkpoint", Shape::Map(&INTERVAL), "tasks save their state"),
        Key::new("retry", Shape::Map(&RETRY), "tasks that end with an error are tried again"),
        Key::new("replication", Shape::Map(&REPLICATION), "copies of tasks"),
        Key::new("spot_check", Shape::Map(&SPOT_CHECK), "results are checked"),
        Key::new("hand_over", Shape::Map(&HAND_OVER), "a standby orchestrator goes on"),
    ],
)
.with_one_of(&["standby", "checkpoint", "retry", "replication", "hand_over", "spot_check"]);

static HAND_OVER: Map = Map::new(
    "hand_over",
    &[Key::new("after", TIME, "for how long the orchestrator may be silent").or("90s")],
);

static STANDBY: Map = Map::new("standby", &[Key::new("count", SPARES, "how many for each node").required()]);

static INTERVAL: Map = Map::new(
    "an interval",
    &[
        Key::new("every", TIME, "always the same"),
        Key::new("young", Shape::Map(&LOSSES), "Young's, of the first order"),
        Key::new("daly", Shape::Map(&LOSSES), "Daly's, of a higher order"),
        Key::new("optimal", Shape::Map(&LOSSES), "the exact optimum for exponential failures"),
    ],
)
.with_one_of(&["every", "young", "daly", "optimal"]);

static LOSSES: Map = Map::new(
    "losses",
    &[
        Key::new("mean_time_between_failures", TIME, "of a peer").required(),
        Key::new("cost", TIME, "how long work stands still for a checkpoint").required(),
    ],
);

static RETRY: Map = Map::new(
    "retry",
    &[
        Key::new("attempts", COUNT, "tries after the first").or("5"),
        Key::new("first", TIME, "the pause before the first of them; it doubles").or("10s"),
        Key::new("longest", TIME, "the longest pause").or("5m"),
    ],
);

static REPLICATION: Map = Map::new(
    "replication",
    &[
        Key::new("copies", SPARES, "how many begin together").or("as many as `majority`, and 2 at least"),
        Key::new("majority", SPARES, "so many equal results decide").or("1"),
    ],
);

static SPOT_CHECK: Map =
    Map::new("spot_check", &[Key::new("share", FRACTION, "how likely a result is checked").or("10%")]);

/// A failure detector, by its name or with its times.
pub(super) const DETECTOR: Shape =
    Shape::Either(&[Shape::Words(&["dms", "fixed", "phi", "swim"]), Shape::Map(&WITH_TIMES)]);

static WITH_TIMES: Map = Map::new(
    "a failure detector",
    &[
        Key::new("fixed", Shape::Map(&FIXED), "a fixed timeout"),
        Key::new("phi", Shape::Map(&PHI), "phi accrual"),
        Key::new("swim", Shape::Map(&SWIM), "asking, also by way of others"),
    ],
)
.with_one_of(&["fixed", "phi", "swim"]);

static FIXED: Map = Map::new(
    "fixed",
    &[
        Key::new("period", TIME, "how often allocations report").or("30s"),
        Key::new("timeout", TIME, "how long silence is borne").or("90s"),
    ],
);

static PHI: Map = Map::new(
    "phi",
    &[
        Key::new("period", TIME, "how often allocations report").or("30s"),
        Key::new("suspicion", Shape::Positive, "of which phi on a peer is suspected").or("1"),
        Key::new("threshold", Shape::Positive, "of which phi on it is lost").or("8"),
        Key::new("least_deviation", TIME, "the standard deviation at the least").or("5s"),
        Key::new("window", Shape::Whole(2, 10_000), "how many of the last times count").or("100"),
    ],
);

static SWIM: Map = Map::new(
    "swim",
    &[
        Key::new("period", TIME, "time between two questions").or("10s"),
        Key::new("timeout", TIME, "how long an answer is waited for").or("2s"),
        Key::new("helpers", Shape::Whole(0, 16), "how many others are asked to ask").or("3"),
        Key::new("suspicion", TIME, "how long a suspicion lasts").or("20s"),
    ],
);
