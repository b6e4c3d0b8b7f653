//! The catalogue of the scenario format, from which its JSON Schema is made.
//!
//! A test compares it with the readers on every key and word, so that the schema says what they say.

/// These keys, and behind them those that choose peers.
macro_rules! peers {
    ($($key:expr),* $(,)?) => {{
        use $crate::scenario::format as all;
        &[$($key,)* all::GROUP_OF, all::PEER, all::PEERS, all::CONTINENT, all::OF_COUNTRY, all::OF_SYSTEM]
    }};
}

/// These keys, and behind them those that choose peers and draw some of them.
macro_rules! drawn_peers {
    ($($key:expr),* $(,)?) => {{
        use $crate::scenario::format as all;
        &[
            $($key,)* all::GROUP_OF, all::PEER, all::PEERS, all::CONTINENT, all::OF_COUNTRY, all::OF_SYSTEM,
            all::DRAWN, all::SO_MANY,
        ]
    }};
}

mod amounts;
mod arrivals;
mod attacks;
mod contracts;
mod costs;
mod dynamic_dns;
mod gateways;
mod hardware;
mod jobs;
mod machines;
mod nat;
mod observability;
mod operations;
mod population;
mod strategy;
mod traffic;

use self::arrivals::{ARRIVALS, BURST, POISSON};
use self::attacks::ATTACK;
use self::contracts::CONTRACT;
use self::costs::{POWER, PRICE};
use self::dynamic_dns::{DYNAMIC_DNS, MOVE};
use self::gateways::GATEWAYS;
use self::hardware::MACHINES;
use self::jobs::JOBS;
use self::machines::{BYZANTINE, DISK_FULL, EXECUTOR_CRASH, LIES, PULL_FAILURE, SLOW, SLOW_DISK, STALL};
use self::nat::{NAT, NAT_OF_GROUP};
use self::observability::OBSERVED;
use self::operations::{OPERATION, ORGANIZATION};
use self::population::{CLOCK_STEP, FLAPS_OF_FAULT, GROUP_CLOCK, GROUP_JOINS, OUTAGE, PRESENCE};
use self::strategy::{DETECTOR, RECOVERY, STRATEGY};
use self::traffic::TRAFFIC;
use super::units::{BYTE_UNITS, HERTZ_UNITS, RATE_UNITS, TIME_UNITS};
use crate::dms::ensemble::Executor;
use crate::dms::ensemble::config::Word;
use crate::dms::ensemble::shape::{Key, Map, Quantity, Shape};
use crate::dms::fact::DeploymentStatus;

const fn with_unit(units: &'static [(&'static str, u64)], repeated: bool) -> Shape {
    Shape::Quantity(Quantity { units, bare: false, any_case: false, repeated })
}

const TIME: Shape = with_unit(TIME_UNITS, true);
const BYTES: Shape = with_unit(BYTE_UNITS, false);
const RATE: Shape = with_unit(RATE_UNITS, false);
const HERTZ: Shape = with_unit(HERTZ_UNITS, false);
/// `10%` or `0.1`.
const FRACTION: Shape = Shape::Either(&[
    Shape::Share,
    Shape::Matching("^\\s*(100(\\.0*)?|[0-9]{1,2}(\\.[0-9]*)?|\\.[0-9]+)\\s*%\\s*$"),
    Shape::Matching("^\\s*(1(\\.0*)?|0?\\.?[0-9]*([eE]-[0-9]+)?)\\s*$"),
]);
const COUNT: Shape = Shape::Whole(1, 10_000_000);
const NAME: Shape = Shape::Matching("^[^\\s.][^\\s/]*$");
const EXPECTATION: Shape = Shape::Matching("^\\s*[A-Za-z0-9_.]+\\s*(<|<=|==|!=|>=|>)\\s*[+-]?[0-9.]");
/// A file, or what would stand in it.
const ENSEMBLE: Shape = Shape::Either(&[Shape::Filled, Shape::Map(&crate::dms::ensemble::format::ENSEMBLE)]);
/// A time, or a distribution of times.
const TIMES: Shape = Shape::Either(&[TIME, Shape::Map(&DISTRIBUTION)]);

/// The whole file.
pub(super) static SCENARIO: Map = Map::new(
    "scenario",
    &[
        Key::new("version", Shape::Whole(1, 1), "the version of the format").required(),
        Key::new("name", NAME, "names the results folder").or("the name of the file"),
        Key::new("seed", Shape::Whole(0, i64::MAX), "from which all randomness comes").or("42"),
        Key::new("duration", TIME, "simulated time of the run").required(),
        Key::new(
            "epoch",
            Shape::Matching("^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]"),
            "date and time at simulated 0",
        )
        .or("2025-01-01T00:00:00Z"),
        Key::new("profile", PROFILE, "which weaknesses of DMS the peers have").or("intended"),
        Key::new("signatures", Shape::Words(&["modelled", "real"]), "how messages are signed").or("modelled"),
        Key::new(
            "processing",
            Shape::Either(&[Shape::Words(&["none"]), Shape::Map(&PROCESSING)]),
            "what the worker of a peer spends",
        ),
        Key::new("network", Shape::Map(&NETWORK), "who reaches whom, when"),
        Key::new("peers", Shape::List(&Shape::Map(&ROLE)), "who takes part").required(),
        Key::new(
            "images",
            Shape::Either(&[
                Shape::Named(&Shape::Map(&IMAGE)),
                Shape::List(&Shape::Named(&Shape::Map(&IMAGE))),
            ]),
            "what is pulled and how it behaves, by name",
        ),
        Key::new("contracts", Shape::List(&Shape::Map(&CONTRACT)), "who agrees with whom on what"),
        Key::new("workload", Shape::List(&Shape::Map(&WORKLOAD)), "what is asked"),
        Key::new(
            "organizations",
            Shape::List(&Shape::Either(&[NAME, Shape::Map(&ORGANIZATION)])),
            "whose members the peers are",
        )
        .or("those that peers name, with the usual bundle"),
        Key::new("operations", Shape::List(&Shape::Map(&OPERATION)), "what operators do beside deployments"),
        Key::new("traffic", Shape::List(&Shape::Map(&TRAFFIC)), "what is asked of what is deployed"),
        Key::new("dynamic_dns", Shape::Map(&DYNAMIC_DNS), "names for peers whose address changes"),
        Key::new("faults", Shape::List(&Shape::Map(&FAULT)), "what breaks"),
        Key::new("observability", Shape::List(&Shape::Map(&OBSERVED)), "whose logs and metrics are written"),
        Key::new("strategy", Shape::Map(&STRATEGY), "how peers decide"),
        Key::new("expect", Shape::List(&EXPECTATION), "what must be true: METRIC COMPARISON NUMBER"),
    ],
);

static PROCESSING: Map = Map::new(
    "processing",
    &[
        Key::new("signature", TIME, "time for each signature").or("40us"),
        Key::new("message", TIME, "time for each message").or("20us"),
    ],
);

const FLAG: Shape = Shape::Either(&[Shape::Flag, Shape::Words(&["true", "false"])]);

static NETWORK: Map = Map::new(
    "network",
    &[
        Key::new("latency", Shape::Map(&LATENCY), "delays").or("{cities: wonder}"),
        Key::new("loss", FRACTION, "part of the messages lost").or("0"),
        Key::new("packet_loss", FRACTION, "part of the packets sent again").or("0"),
        Key::new("bandwidth", BANDWIDTH, "links of peers").or("{preset: home}"),
        Key::new("hop_processing", TIME, "time at each hop of a broadcast").or("60us"),
        Key::new("nat", Shape::Map(&NAT), "what hides peers from each other").or("nothing"),
        Key::new("hellos", FLAG, "whether peers say hello to those that they are connected to").or("true"),
    ],
);

static LATENCY: Map = Map::new(
    "latency",
    &[
        Key::new("cities", Shape::Words(&["wonder"]), "measured between cities"),
        Key::new("constant", TIME, "the same for all"),
    ],
)
.with_one_of(&["cities", "constant"]);

const BANDWIDTH: Shape =
    Shape::Either(&[Shape::Words(&["unlimited"]), Shape::Map(&LINKS_PRESET), Shape::Map(&LINKS)]);

static LINKS_PRESET: Map = Map::new(
    "link preset",
    &[Key::new("preset", Shape::Words(&["home", "datacentre"]), "links of a kind of place").required()],
);

static LINKS: Map = Map::new(
    "links",
    &[Key::new("up", RATE, "rate out").required(), Key::new("down", RATE, "rate in").required()],
);

static ROLE: Map = Map::new(
    "role",
    &[
        Key::new("providers", Shape::Map(&GROUP), "peers that offer resources"),
        Key::new("orchestrators", Shape::Map(&GROUP), "peers that deploy"),
        Key::new("attackers", Shape::Map(&ATTACKERS), "peers that attack"),
        Key::new("relays", Shape::Map(&GROUP), "peers that relay for those whom nobody can dial"),
        Key::new("bootstraps", Shape::Map(&GROUP), "peers that everybody knows from the start"),
        Key::new("contract_hosts", Shape::Map(&GROUP), "peers that host contracts"),
        Key::new("payment_validators", Shape::Map(&GROUP), "peers that check payments"),
        Key::new("volume_servers", Shape::Map(&GROUP), "peers that serve volumes and buckets"),
        Key::new("gateways", Shape::Map(&GATEWAYS), "peers that have virtual machines made"),
    ],
)
.with_one_of(&[
    "providers",
    "orchestrators",
    "attackers",
    "relays",
    "bootstraps",
    "contract_hosts",
    "payment_validators",
    "volume_servers",
    "gateways",
]);

const GROUP_NAME: Key = Key::new("name", NAME, "of the group").or("its role");
const GROUP_COUNT: Key = Key::new("count", COUNT, "how many").or("as many as names");
const GROUP_NAMES: Key = Key::new("names", Shape::List(&NAME), "names for the first of them");
const GROUP_PLACE: Key =
    Key::new("place", Shape::Map(&PLACE), "where they are").or("by population of the world");
const GROUP_HARDWARE: Key = Key::new("hardware", MACHINES, "the machines").or("{preset: home-pc}");
const GROUP_BANDWIDTH: Key = Key::new("bandwidth", BANDWIDTH, "links of these").or("that of network");
const GROUP_NAT: Key = Key::new("nat", NAT_OF_GROUP, "what stands before these")
    .or("that of network; relays, bootstraps and gateways public");
const GROUP_CHURN: Key = Key::new("churn", PRESENCE, "when they are up").or("always up");
const GROUP_PROFILE: Key = Key::new("profile", PROFILE, "their weaknesses").or("that of the scenario");

const ORGANIZATIONS: Shape = Shape::Either(&[NAME, Shape::FilledList(&NAME)]);
const MEMBERSHIP_OF_GROUP: Key = Key::new(
    "membership",
    Shape::Words(&["full", "provide_only", "require_only", "none"]),
    "how far: may act, accepts, both or nothing",
)
.or("full");

static LOCATION: Map = Map::new(
    "location",
    &[
        Key::new("continent", Shape::Filled, "the continent").required(),
        Key::new("country", Shape::Filled, "the country").or("none"),
        Key::new("city", Shape::Filled, "the city").or("none"),
    ],
);

static GROUP: Map = Map::new(
    "group",
    &[
        GROUP_NAME,
        GROUP_COUNT,
        GROUP_NAMES,
        Key::new("org", ORGANIZATIONS, "organizations of which they are members").or("nunet"),
        MEMBERSHIP_OF_GROUP,
        GROUP_PLACE,
        Key::new("location", Shape::Map(&LOCATION), "where their nodes say that they are")
            .or("where they are"),
        GROUP_HARDWARE,
        Key::new("onboard", Shape::Map(&ONBOARD), "the part that is offered"),
        GROUP_BANDWIDTH,
        GROUP_NAT,
        GROUP_CHURN,
        GROUP_JOINS,
        GROUP_CLOCK,
        GROUP_PROFILE,
        Key::new("require_contracts", FLAG, "whether these providers bid only under contracts").or("false"),
        Key::new("storage", Shape::Map(&STORAGE), "what their disks are like"),
        GROUP_EXECUTORS,
        Key::new("price", Shape::Map(&PRICE), "what their owners want to be paid per hour").or("none"),
        Key::new("power", Shape::Map(&POWER), "what their machines draw, in watts").or("not known"),
        Key::new("queue", Shape::Map(&PLACES), "how many allocations a machine runs at once")
            .or("as many as there are resources for"),
        Key::new("quotas", Shape::Named(&FRACTION), "what organizations may have of each machine")
            .or("all of it"),
    ],
);

static PLACES: Map = Map::new(
    "queue",
    &[
        Key::new("at_once", Shape::Whole(1, 1_000_000), "how many it runs at once").required(),
        Key::new("waiting", Shape::Whole(0, 1_000_000), "how many more may wait").or("any number"),
    ],
);

/// A bare `null` names the executor of that name.
const GROUP_EXECUTORS: Key = Key::new(
    "executors",
    Shape::FilledList(&Shape::Either(&[Shape::Words(Executor::WORDS), Shape::Nothing])),
    "what can run allocations",
)
.or("[docker]");

static STORAGE: Map = Map::new(
    "storage",
    &[
        Key::new("directories", Shape::List(&Shape::Matching("^/")), "where local volumes may be").or("none"),
        Key::new("rate", RATE, "how fast a disk is read and written").or("1.6 Gbit/s"),
    ],
);

static ATTACKERS: Map = Map::new(
    "attackers",
    &[
        GROUP_NAME,
        GROUP_COUNT,
        GROUP_NAMES,
        Key::new("org", ORGANIZATIONS, "organizations of which they are members").or("none"),
        MEMBERSHIP_OF_GROUP,
        GROUP_PLACE,
        GROUP_HARDWARE,
        GROUP_BANDWIDTH,
        GROUP_NAT,
        GROUP_CHURN,
        GROUP_PROFILE,
        Key::new("attack", Shape::Map(&ATTACK), "what they try").required(),
    ],
);

const PROFILE: Shape = Shape::Either(&[PROFILE_BASE, Shape::Map(&MIXED_PROFILE)]);
const PROFILE_BASE: Shape = Shape::Words(&["intended", "as-is"]);
const WEAKNESSES: Shape = Shape::List(&Shape::Matching("^[CW][0-9]+b?$"));

static MIXED_PROFILE: Map = Map::new(
    "mixed profile",
    &[
        Key::new("base", PROFILE_BASE, "which weaknesses to begin with").required(),
        Key::new("fix", WEAKNESSES, "weaknesses to mend"),
        Key::new("add", WEAKNESSES, "weaknesses to have besides"),
    ],
);

static PLACE: Map = Map::new(
    "place",
    &[
        Key::new(
            "by_population",
            Shape::Either(&[Shape::Words(&["world"]), Shape::Map(&AREA)]),
            "drawn by population",
        ),
        Key::new("city", Shape::Filled, "all in one city"),
        Key::new("country", COUNTRY, "of the city"),
    ],
)
.with_one_of(&["by_population", "city"]);

const COUNTRY: Shape = Shape::Matching("^[A-Za-z]{2}$");

static AREA: Map = Map::new(
    "area",
    &[
        Key::new("world", Shape::Scalar, "everywhere"),
        Key::new("continent", Shape::Filled, "a continent"),
        Key::new("country", COUNTRY, "a country"),
    ],
)
.with_one_of(&["world", "continent", "country"]);

static ONBOARD: Map = Map::new(
    "onboard",
    &[
        Key::new("cpu", FRACTION, "of the cores").or("80%"),
        Key::new("ram", FRACTION, "of the memory").or("80%"),
        Key::new("disk", FRACTION, "of the disk").or("50%"),
    ],
);

static IMAGE: Map = Map::new(
    "image",
    &[
        Key::new("size", BYTES, "bytes to pull").required(),
        Key::new("start", TIMES, "from pulled to ready").or("1s"),
        Key::new("task", Shape::Map(&TASK), "it ends by itself"),
        Key::new("service", Shape::Either(&[Shape::Map(&SERVICE), Shape::Nothing]), "it runs on"),
        Key::new(
            "kernel",
            Shape::Either(&[Shape::Map(&KERNEL), Shape::Nothing]),
            "virtual machines boot from it",
        ),
        Key::new("survives", Shape::Whole(0, 1_000_000), "vain attempts to terminate it").or("0"),
        Key::new(
            "stop",
            Shape::Either(&[Shape::Words(&["ignored"]), Shape::Map(&STOP)]),
            "what it does when it is told to end",
        )
        .or("it ends at once"),
        Key::new("uses", Shape::Map(&USES), "what it uses of its machine").or("all that it is given"),
        Key::new("pull_fails", FRACTION, "how likely it cannot be fetched").or("0"),
        Key::new("writes", Shape::Map(&WRITES), "what it adds to its data on a volume"),
        Key::new("checkpoint", Shape::Map(&CHECKPOINT), "what it saves to go on from; of a task"),
        Key::new("input", Shape::Map(&BUCKET), "what it fetches first; of a task"),
        Key::new("output", Shape::Map(&BUCKET), "what it delivers at its end; of a task"),
    ],
)
.with_one_of(&["task", "service", "kernel"]);

static KERNEL: Map = Map::new("kernel", &[]);

static STOP: Map = Map::new(
    "stop",
    &[
        Key::new("after", TIMES, "it ends so long after that; killed after 10 s").required(),
        Key::new("exit_code", Shape::Whole(0, 255), "how it ends then").or("143"),
    ],
);

static USES: Map = Map::new(
    "uses",
    &[
        Key::new("cpu", Shape::Number, "cores").or("all that it is given"),
        Key::new("ram", AMOUNT, "memory").or("all that it is given"),
        Key::new("disk", AMOUNT, "of its own file system").or("nothing"),
    ],
);

const AMOUNT: Shape = Shape::Either(&[BYTES, Shape::Map(&GROWTH)]);

static GROWTH: Map = Map::new(
    "amount that grows",
    &[
        Key::new("start", BYTES, "from the start").or("0"),
        Key::new("size", BYTES, "so much more").required(),
        Key::new("every", TIME, "again and again").required(),
    ],
);

static WRITES: Map = Map::new(
    "writes",
    &[
        Key::new("size", BYTES, "how much").required(),
        Key::new("every", TIME, "from one to the next").required(),
    ],
);

static CHECKPOINT: Map = Map::new(
    "checkpoint",
    &[
        Key::new("size", BYTES, "how much").required(),
        Key::new("every", TIME, "from one to the next").required(),
        Key::new("pauses", FLAG, "whether it stands still meanwhile").or("false"),
    ],
);

static BUCKET: Map = Map::new(
    "bucket",
    &[
        Key::new("at", Shape::Filled, "the peer that keeps it").required(),
        Key::new("size", BYTES, "how much").required(),
    ],
);

const OUTPUT: Key = Key::new("output", Shape::Text, "what it prints");
const STDERR: Key = Key::new("stderr", Shape::Text, "its errors");
const OUTPUT_SIZE: Key = Key::new("output_size", BYTES, "the output is repeated to so many bytes").or("once");
const OUTPUT_EVERY: Key = Key::new("output_every", TIME, "it is printed again so often").or("once");

static TASK: Map = Map::new(
    "task",
    &[
        Key::new("run", TIMES, "how long").required(),
        Key::new("exit_code", Shape::Whole(0, 255), "how it ends").or("0"),
        Key::new("stalls", Shape::Map(&STALLS), "when it is held up").or("never"),
        OUTPUT,
        STDERR,
        OUTPUT_SIZE,
        OUTPUT_EVERY,
    ],
);

static STALLS: Map = Map::new(
    "stalls",
    &[
        Key::new("after", TIMES, "how long it is at work until then").required(),
        Key::new("for", TIMES, "how long it is held up").required(),
    ],
);

static SERVICE: Map = Map::new(
    "service",
    &[
        Key::new("fails_after", TIMES, "when it fails").or("never"),
        Key::new("health", Shape::Text, "what health checks see").or("what they want"),
        Key::new("answers_after", TIMES, "how long a health check takes").or("no time"),
        OUTPUT,
        STDERR,
        OUTPUT_SIZE,
        OUTPUT_EVERY,
    ],
);

static WORKLOAD: Map = Map::new(
    "workload",
    &[
        Key::new("deploy", Shape::Map(&DEPLOY), "deployments"),
        Key::new("jobs", Shape::Map(&JOBS), "jobs with resources and run times of their own"),
    ],
)
.with_one_of(&["deploy", "jobs"]);

static DEPLOY: Map = Map::new(
    "deploy",
    &[
        Key::new("by", Shape::Filled, "the orchestrator, or a group of which all ask in turn").required(),
        Key::new(
            "ensemble",
            ENSEMBLE,
            "a DMS ensemble file, relative to the scenario, or the ensemble itself",
        )
        .required(),
        Key::new("name", NAME, "of the deployments").or("the name of the file"),
        Key::new("arrivals", Shape::Map(&ARRIVALS), "when").or("once, at the start"),
        Key::new("count", COUNT, "at most so many"),
        Key::new("timeout", TIME, "until when it must run").or("5m"),
        Key::new("shutdown_after", TIMES, "when its owner shuts it down").or("never"),
        Key::new("contracts", Shape::List(&NAME), "the contracts under which it runs").or("none"),
        Key::new("recovery", RECOVERY, "what is done about its failures").or("that of `strategy`"),
        Key::new("detector", DETECTOR, "how its failures are noticed").or("that of `strategy`"),
        Key::new("priority", Shape::Whole(0, 1000), "the higher the sooner it has its turn in the queue")
            .or("0"),
    ],
);

static FAULT: Map = Map::new(
    "fault",
    &[
        Key::new("crash", Shape::Map(&CRASH), "peers go down"),
        Key::new("loss", Shape::Map(&LOSS), "messages are lost"),
        Key::new("delay", Shape::Map(&DELAY), "messages take longer"),
        Key::new("partition", Shape::Map(&PARTITION), "two sides do not reach each other"),
        Key::new("restart", Shape::Map(&RESTART), "processes of peers restart, and what they run goes on"),
        Key::new("upgrade", Shape::Map(&UPGRADE), "peers get another version of DMS, one after another"),
        Key::new("move", Shape::Map(&MOVE), "public addresses of peers change"),
        Key::new("executor_crash", Shape::Map(&EXECUTOR_CRASH), "all that executors run ends"),
        Key::new("pull_failure", Shape::Map(&PULL_FAILURE), "images cannot be fetched"),
        Key::new("slow", Shape::Map(&SLOW), "programs take longer"),
        Key::new("stall", Shape::Map(&STALL), "machines freeze, and go on afterwards"),
        Key::new("slow_disk", Shape::Map(&SLOW_DISK), "disks take longer"),
        Key::new("disk_full", Shape::Map(&DISK_FULL), "nothing can be written to disks"),
        Key::new("lies", Shape::Map(&LIES), "what runs does nothing, and says that it is well"),
        Key::new("byzantine", Shape::Map(&BYZANTINE), "tasks have wrong results"),
        Key::new("outage", Shape::Map(&OUTAGE), "what has something in common goes down together"),
        Key::new("clock", Shape::Map(&CLOCK_STEP), "clocks of peers are set"),
    ],
)
.with_one_of(super::faults::KINDS);

static WHEN: [Shape; 2] = [TIME, Shape::Map(&MOMENT)];
const AT: Key = Key::new("at", Shape::Either(&WHEN), "when").required();

static MOMENT: Map = Map::new(
    "at",
    &[
        Key::new("poisson", Shape::Map(&AT_RANDOM), "again and again, at random"),
        Key::new("deployment", Shape::Filled, "the first of this name that comes into a state"),
        Key::new("is", STATES, "the state"),
        Key::new("after", TIME, "how long after that").or("0s"),
    ],
)
.with_one_of(&["poisson", "deployment"])
.with_needs(&[("deployment", "is")]);

static AT_RANDOM: Map = Map::new(
    "poisson",
    &[
        Key::new("mean", TIME, "from one time to the next").required(),
        Key::new("from", TIME, "not before").or("0s"),
        Key::new("until", TIME, "not from then on").or("the end"),
    ],
);

/// DMS's own words for the states of a deployment.
static STATE_WORDS: [&str; DeploymentStatus::ALL.len()] = {
    let mut words = [""; DeploymentStatus::ALL.len()];
    let mut place = 0;
    while place < words.len() {
        words[place] = DeploymentStatus::ALL[place].as_str();
        place += 1;
    }
    words
};
const STATES: Shape = Shape::Words(&STATE_WORDS);
const FOR: Key = Key::new("for", TIME, "how long").required();
const DIRECTION: Key =
    Key::new("direction", Shape::Words(&["both", "out", "in"]), "which of their messages").or("both");
const GROUP_OF: Key = Key::new("group", Shape::Filled, "peers of a group");
const PEER: Key = Key::new("peer", Shape::Filled, "one peer");
const PEERS: Key = Key::new("peers", Shape::List(&Shape::Filled), "some peers");
const CONTINENT: Key = Key::new("continent", Shape::Filled, "peers of a continent");
const OF_COUNTRY: Key = Key::new("country", COUNTRY, "peers of a country");
const OF_SYSTEM: Key =
    Key::new("asn", Shape::Whole(1, 1_000_000), "peers of an autonomous system of that country");
/// Numbers of systems count within a country.
static ASN_NEEDS: [(&str, &str); 1] = [("asn", "country")];
const DRAWN: Key = Key::new("fraction", FRACTION, "the part of them that is drawn");
const SO_MANY: Key = Key::new("count", COUNT, "how many of them are drawn");

static CRASH: Map = Map::new(
    "crash",
    drawn_peers![
        AT,
        Key::new("repair", Shape::Either(&[Shape::Words(&["never"]), TIMES]), "until a peer is back")
            .required(),
        Key::new("state", Shape::Words(&["kept", "lost"]), "what becomes of their disks").or("kept"),
    ],
)
.with_needs(&ASN_NEEDS);

static RESTART: Map = Map::new(
    "restart",
    drawn_peers![AT, Key::new("down", TIMES, "until the process runs again").required(),],
)
.with_needs(&ASN_NEEDS);

static UPGRADE: Map = Map::new(
    "upgrade",
    drawn_peers![
        AT,
        Key::new("within", TIME, "from the first peer to the last").required(),
        Key::new("down", TIMES, "until the process runs again").required(),
        Key::new("to", PROFILE, "which weaknesses the new version has").required(),
    ],
)
.with_needs(&ASN_NEEDS);

static LOSS: Map = Map::new(
    "loss",
    peers![AT, FOR, FLAPS_OF_FAULT, DIRECTION, Key::new("fraction", FRACTION, "of the messages").required(),],
)
.with_needs(&ASN_NEEDS);

static DELAY: Map = Map::new(
    "delay",
    drawn_peers![AT, FOR, FLAPS_OF_FAULT, DIRECTION, Key::new("extra", TIMES, "how much longer").required(),],
)
.with_needs(&ASN_NEEDS);

static PARTITION: Map = Map::new(
    "partition",
    &[
        AT,
        FOR,
        FLAPS_OF_FAULT,
        Key::new("between", Shape::ListOf(2, &Shape::Either(&SIDES)), "the two sides").required(),
    ],
);

static SIDES: [Shape; 2] = [Shape::Map(&SIDE), Shape::Words(&["rest"])];

static SIDE: Map = Map::new("side", drawn_peers![]).with_needs(&ASN_NEEDS);

static DISTRIBUTION: Map = Map::new(
    "distribution",
    &[
        Key::new("constant", TIME, "always the same"),
        Key::new("uniform", Shape::Map(&UNIFORM), "between two times"),
        Key::new("exponential", Shape::Map(&EXPONENTIAL), "without memory"),
        Key::new("normal", Shape::Map(&NORMAL), "by mean and standard deviation"),
        Key::new("lognormal", Shape::Map(&LOGNORMAL), "with a long tail"),
        Key::new("weibull", Shape::Map(&BY_SHAPE), "of lifetimes"),
        Key::new("pareto", Shape::Map(&BY_SHAPE), "with a heavy tail"),
        Key::new("gamma", Shape::Map(&BY_SHAPE), "a sum of waits"),
    ],
)
.with_one_of(&["constant", "uniform", "exponential", "normal", "lognormal", "weibull", "pareto", "gamma"]);

static UNIFORM: Map = Map::new(
    "uniform",
    &[Key::new("from", TIME, "at least").required(), Key::new("to", TIME, "at most").required()],
);

static EXPONENTIAL: Map = Map::new("exponential", &[Key::new("mean", TIME, "the mean").required()]);

static NORMAL: Map = Map::new(
    "normal",
    &[Key::new("mean", TIME, "the mean").required(), Key::new("sd", TIME, "standard deviation").required()],
);

static LOGNORMAL: Map = Map::new(
    "lognormal",
    &[
        Key::new("median", TIME, "the median; with `sigma`"),
        Key::new("mu", Shape::Number, "mean of the logarithm in seconds; with `sigma`"),
        Key::new("sigma", Shape::Number, "standard deviation of the logarithm"),
        Key::new("mean", TIME, "the mean; with `sd`"),
        Key::new("sd", TIME, "standard deviation; with `mean`"),
    ],
)
.with_one_of(&["median", "mu", "mean"])
.with_needs(&[("median", "sigma"), ("mu", "sigma"), ("mean", "sd"), ("sd", "mean")]);

static BY_SHAPE: Map = Map::new(
    "by shape",
    &[
        Key::new("shape", Shape::Number, "the shape").required(),
        Key::new("scale", TIME, "the scale").required(),
    ],
);
