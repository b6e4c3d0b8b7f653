//! What the catalogue says of jobs.

use super::amounts::{AMOUNTS_OF_BYTES, AMOUNTS_OF_TIME, THINGS};
use super::arrivals::ARRIVALS;
use super::{BYTES, COUNT, DETECTOR, ENSEMBLE, FRACTION, NAME, RECOVERY, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};

pub(super) static JOBS: Map = Map::new(
    "jobs",
    &[
        Key::new("by", Shape::Filled, "the orchestrator, or a group of which all ask in turn").required(),
        Key::new(
            "template",
            ENSEMBLE,
            "a DMS ensemble file with one task, relative to the scenario, or the ensemble itself",
        )
        .required(),
        Key::new("name", NAME, "of the deployments").or("the name of the file"),
        Key::new("source", Shape::Map(&SOURCE), "where jobs come from").required(),
        Key::new("count", COUNT, "at most so many"),
        Key::new("timeout", TIME, "until when it must run").or("5m"),
        Key::new("contracts", Shape::List(&NAME), "the contracts under which it runs").or("none"),
        Key::new("recovery", RECOVERY, "what is done about its failures").or("that of `strategy`"),
        Key::new("detector", DETECTOR, "how its failures are noticed").or("that of `strategy`"),
        Key::new("priority", Shape::Whole(0, 1000), "the higher the sooner it has its turn in the queue")
            .or("0"),
    ],
);

static SOURCE: Map = Map::new(
    "source of jobs",
    &[
        Key::new("generated", Shape::Map(&GENERATED), "they are made up"),
        Key::new("openb", Shape::Map(&OPENB), "pods of the GPU trace of Alibaba of 2023"),
        Key::new("azure_v1", Shape::Map(&AZURE), "virtual machines of the first trace of Azure"),
        Key::new("swf", Shape::Map(&SWF), "a log in the Standard Workload Format"),
    ],
)
.with_one_of(crate::scenario::jobs::SOURCES);

const CPU: Key = Key::new("cpu", THINGS, "cores").or("as in the template");
const RAM: Key = Key::new("ram", AMOUNTS_OF_BYTES, "memory").or("as in the template");
const DISK: Key = Key::new("disk", AMOUNTS_OF_BYTES, "disk").or("as in the template");
const NUMBER_OR_MAP: Shape = Shape::Either(&[Shape::Whole(0, 64), Shape::Map(&GPUS)]);
const CARDS: Key = Key::new("gpus", NUMBER_OR_MAP, "graphics cards").or("as in the template");
const RUNTIME: Key = Key::new("runtime", AMOUNTS_OF_TIME, "how long a job runs");

static GENERATED: Map = Map::new(
    "generated",
    &[
        Key::new("arrivals", Shape::Map(&ARRIVALS), "when jobs come").required(),
        Key::new("classes", Shape::FilledList(&Shape::Map(&CLASS)), "what they are like, by weights"),
        CPU,
        RAM,
        DISK,
        CARDS,
        RUNTIME,
    ],
)
.with_one_of(&["classes", "runtime"]);

static CLASS: Map = Map::new(
    "class",
    &[
        Key::new("weight", Shape::Whole(1, 1_000_000), "how many of all").or("1"),
        CPU,
        RAM,
        DISK,
        CARDS,
        RUNTIME.required(),
    ],
);

static GPUS: Map = Map::new(
    "gpus",
    &[
        Key::new("count", THINGS, "how many").required(),
        Key::new("share", FRACTION, "which part of each").or("100%"),
        Key::new("card_memory", BYTES, "memory of a card of which that is a part").or("by the model"),
        Key::new("model", Shape::Filled, "of which model, or any of several with `|` between").or("any"),
    ],
);

const FROM: Key = Key::new("from", TIME, "jobs that come earlier after the first are left out").or("0s");
const START: Key = Key::new("start", TIME, "when the run gets to that moment").or("0s");
const TIME_SCALE: Key =
    Key::new("time_scale", Shape::Positive, "all times of the trace are multiplied by it").or("1");
const LOAD: Key = Key::new("load", Shape::Positive, "so many times as many jobs in the same time").or("1");

const SAMPLE: Key = Key::new("sample", FRACTION, "which part of the jobs is asked for").or("100%");

static OPENB: Map = Map::new(
    "openb",
    &[
        Key::new("file", Shape::Filled, "the pods").required(),
        Key::new("card_memory", BYTES, "memory of a card of which they take thousandths").or("by the model"),
        FROM,
        START,
        TIME_SCALE,
        LOAD,
        SAMPLE,
    ],
);

static AZURE: Map = Map::new(
    "azure_v1",
    &[
        Key::new("flavors", Shape::Filled, "the flavour trace").required(),
        Key::new("durations", Shape::Filled, "the duration trace").required(),
        Key::new("flavor_map", Shape::Filled, "what the flavours are").required(),
        Key::new("interval_map", Shape::Filled, "what the intervals of durations are").required(),
        FROM,
        START,
        TIME_SCALE,
        LOAD,
        SAMPLE,
    ],
);

static SWF: Map = Map::new(
    "swf",
    &[
        Key::new("file", Shape::Filled, "the log").required(),
        Key::new("partition", Shape::Whole(0, i64::MAX), "only the jobs of this one").or("all"),
        FROM,
        START,
        TIME_SCALE,
        LOAD,
        SAMPLE,
    ],
);
