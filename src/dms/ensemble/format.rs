//! The catalogue of the ensemble format: every key with its shape, meaning and default (dms-acceptance 5.2).
//!
//! The validation takes the keys that it knows from here, and so does the JSON Schema that editors use.
use super::config::{
    AllocationKind, AllocationRecovery, EscalationStrategy, Executor, KeyKind, NodeRecovery, RestartPolicy,
    SupervisorStrategy, Word,
};
use super::shape::{Key, Map, Quantity, Shape};
use super::units;

/// A size: a bare number counts GiB.
const SIZE: Shape = Shape::Either(&[
    Shape::Positive,
    Shape::Quantity(Quantity { units: units::SIZES, bare: true, any_case: true, repeated: false }),
]);
/// A clock: a bare number counts GHz.
const CLOCK: Shape = Shape::Either(&[
    Shape::Positive,
    Shape::Quantity(Quantity { units: units::CLOCKS, bare: true, any_case: true, repeated: false }),
]);
/// A duration as Go reads it; a bare number counts seconds.
const DURATION: Shape = Shape::Either(&[
    Shape::Positive,
    Shape::Quantity(Quantity { units: units::GO_DURATIONS, bare: false, any_case: true, repeated: true }),
]);
const CORES: Shape = Shape::Either(&[Shape::Positive, Shape::Matching("^[0-9.]+$")]);
const HOST_NAME: Shape = Shape::Matching(
    "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$",
);
/// `null` names the executor of that name too, although YAML takes it for nothing.
const EXECUTOR: Shape = Shape::Either(&[Shape::Words(Executor::WORDS), Shape::Nothing]);
const TEXTS: Shape = Shape::List(&Shape::Text);
const COUNT: Shape = Shape::Whole(0, i64::MAX);

/// The whole file. Other keys may stand at its top: they hold anchors.
pub static ENSEMBLE: Map = Map::new(
    "an ensemble",
    &[
        Key::new("version", Shape::Words(&["V1", "ensembleV1"]), "the version of the format").or("V1"),
        Key::new(
            "escalation_strategy",
            Shape::Words(EscalationStrategy::WORDS),
            "what to do when recovery of a node has failed",
        ),
        Key::new("metadata", Shape::Named(&Shape::Text), "free labels, for filters"),
        Key::new(
            "resources",
            Shape::Either(&[Shape::Named(&Shape::Map(&RESOURCES)), Shape::List(&Shape::Map(&RESOURCES))]),
            "templates that `resources` of an allocation may name",
        ),
        Key::new(
            "volumes",
            Shape::Either(&[Shape::Named(&Shape::Map(&VOLUME)), Shape::List(&Shape::Map(&VOLUME))]),
            "volumes from which those of the same name inherit",
        ),
        Key::new("allocations", Shape::Hosts(&Shape::Map(&ALLOCATION)), "what to run, by name").required(),
        Key::new(
            "nodes",
            Shape::Named(&Shape::Either(&[Shape::Map(&NODE), Shape::Nothing])),
            "the machines to find, by name",
        ),
        Key::new(
            "edge_constraints",
            Shape::List(&Shape::Map(&EDGE)),
            "limits on the links between two nodes",
        ),
        Key::new("supervisor", Shape::Map(&SUPERVISOR), "the root of the supervision tree"),
        Key::new("scripts", Shape::Named(&Shape::Text), "provision scripts, by name"),
        Key::new("keys", Shape::Named(&Shape::Text), "old form of ssh keys: name to path"),
        Key::new("subnet", Shape::Map(&SUBNET), "the virtual network of the ensemble"),
        Key::new("exclude_peers", TEXTS, "peer ids that must not be used"),
        Key::new(
            "contracts",
            Shape::Named(&Shape::Map(&CONTRACT)),
            "contracts that must hold with the providers, by name",
        ),
    ],
)
.formerly(&[
    ("edges", "edges are written under `edge_constraints`"),
    (
        "jobs",
        "this is the form before V1: write each job as an entry of `allocations` and place it under `nodes`",
    ),
    ("instances", "this is the form before V1: write `redundancy` in a node of `nodes`"),
    ("libraries", "this is the form before V1: put libraries into the image"),
    ("networks", "this is the form before V1: every ensemble has one subnet, with `ports` in `nodes`"),
    ("links", "this is the form before V1: write `edge_constraints`"),
])
.open();

/// One container or virtual machine.
pub static ALLOCATION: Map = Map::new(
    "an allocation",
    &[
        Key::new("type", Shape::Words(AllocationKind::WORDS), "`service` runs on, `task` ends by itself")
            .required(),
        Key::new("executor", EXECUTOR, "what runs it; the same as `execution.type`").required(),
        Key::new(
            "resources",
            Shape::Either(&[Shape::Map(&RESOURCES), Shape::Filled]),
            "what it needs, or the name of a template",
        )
        .required(),
        Key::new("execution", Shape::Tagged("type", EXECUTIONS), "what to run").required(),
        Key::new("dns_name", HOST_NAME, "its name in the subnet, without `.internal`")
            .or("the name of the allocation"),
        Key::new("depends_on", TEXTS, "allocations of the same node that start before"),
        Key::new("healthcheck", Shape::Tagged("type", HEALTH_CHECKS), "how to tell that it works"),
        Key::new("failure_recovery", Shape::Words(AllocationRecovery::WORDS), "what to do when it fails")
            .or("stay_down"),
        Key::new("keys", Shape::List(&Shape::Map(&KEY)), "keys to install"),
        Key::new("provision", TEXTS, "names of scripts to run before the start"),
        Key::new("volume", VOLUMES, "volumes to mount"),
        Key::new("volumes", VOLUMES, "another name of `volume`"),
    ],
)
.formerly(&[
    ("dnsname", "the key is `dns_name` today"),
    ("health_check", "the key is `healthcheck`"),
    ("image", "it belongs under `execution`"),
    ("ports", "ports belong to the node"),
]);

const EXECUTIONS: &[(&str, &Map)] = &[
    ("docker", &CONTAINER),
    ("containerd", &CONTAINER),
    ("firecracker", &FIRECRACKER),
    ("null", &NO_EXECUTION),
];

/// What docker and containerd run.
pub static CONTAINER: Map = Map::new(
    "a container",
    &[
        Key::new("type", EXECUTOR, "the executor").required(),
        Key::new("image", Shape::Matching("^[a-z0-9][a-zA-Z0-9._:/@+-]*$"), "the reference of the image")
            .required(),
        Key::new("entrypoint", TEXTS, "replaces the entry point of the image"),
        Key::new("cmd", TEXTS, "replaces the command of the image"),
        Key::new(
            "environment",
            Shape::Either(&[
                Shape::List(&Shape::Matching("^[A-Za-z_][A-Za-z0-9_]*=")),
                Shape::Named(&Shape::Scalar),
            ]),
            "variables, as a list of `KEY=VALUE` or as a map",
        ),
        Key::new("working_directory", Shape::Filled, "the directory to start in"),
        Key::new("user", Shape::Text, "the user to run as"),
        Key::new("restart_policy", Shape::Words(RestartPolicy::WORDS), "restarts by docker itself"),
        Key::new("registry_auth", Shape::Map(&REGISTRY_AUTH), "how to log in to the registry of the image"),
    ],
)
.formerly(&[("args", "DMS does not pass `args`: write `cmd`")]);

/// A login.
pub static REGISTRY_AUTH: Map = Map::new(
    "`registry_auth`",
    &[
        Key::new("username", Shape::Text, "the user").required(),
        Key::new("password", Shape::Text, "the password, as written").required(),
    ],
);

/// What firecracker runs.
pub static FIRECRACKER: Map = Map::new(
    "a firecracker execution",
    &[
        Key::new("type", EXECUTOR, "the executor").required(),
        Key::new("kernel_image", Shape::Filled, "path of the kernel").required(),
        Key::new("root_file_system", Shape::Filled, "path of the root file system").required(),
        Key::new("kernel_args", Shape::Filled, "the command line of the kernel"),
        Key::new("initrd", Shape::Filled, "path of the initial ram disk"),
    ],
);

/// What the executor `null` runs: nothing, whatever is written.
pub static NO_EXECUTION: Map =
    Map::new("a null execution", &[Key::new("type", EXECUTOR, "the executor").required()]).open();

/// What a machine must have.
pub static RESOURCES: Map = Map::new(
    "resources",
    &[
        Key::new("cpu", Shape::Map(&CPU), "processors").required(),
        Key::new("ram", Shape::Map(&RAM), "memory").required(),
        Key::new("disk", Shape::Map(&DISK), "disk").required(),
        Key::new("gpus", Shape::List(&Shape::Map(&GPU)), "graphics cards"),
        Key::new("name", Shape::Text, "the name of a template, where templates are a list"),
    ],
)
.formerly(&[("gpu", "the key is `gpus`, a list")]);

const FORMER_CLOCK: &[(&str, &str)] = &[("clockspeed", "the key is `clock_speed` today")];

/// Processors.
pub static CPU: Map = Map::new(
    "`cpu`",
    &[
        Key::new("cores", CORES, "how many; fractions are allowed").required(),
        Key::new("clock_speed", CLOCK, "of each; GHz without a unit"),
        Key::new("architecture", Shape::Filled, "as the machine reports it"),
    ],
)
.formerly(FORMER_CLOCK);

/// Memory.
pub static RAM: Map = Map::new(
    "`ram`",
    &[
        Key::new("size", SIZE, "how much; GiB without a unit").required(),
        Key::new("clock_speed", CLOCK, "GHz without a unit"),
    ],
)
.formerly(FORMER_CLOCK);

/// Disk.
pub static DISK: Map = Map::new(
    "`disk`",
    &[
        Key::new("size", SIZE, "how much; GiB without a unit").required(),
        Key::new("type", Shape::Filled, "its kind"),
    ],
);

/// A graphics card.
pub static GPU: Map = Map::new(
    "a gpu",
    &[
        Key::new("vendor", Shape::Filled, "who made it"),
        Key::new("model", Shape::Filled, "its name"),
        Key::new("vram", SIZE, "its memory; write a unit"),
        Key::new("index", COUNT, "its number in the machine"),
        Key::new("pci_address", Shape::Text, "its address"),
        Key::new("uuid", Shape::Text, "its id"),
    ],
)
.formerly(&[("memory", "the key is `vram`")]);

const HEALTH_CHECKS: &[(&str, &Map)] = &[("command", &COMMAND_CHECK), ("http", &HTTP_CHECK)];
const CHECK_TYPE: Shape = Shape::Words(&["command", "http"]);

/// A health check that runs a command.
pub static COMMAND_CHECK: Map = Map::new(
    "a health check",
    &[
        Key::new("type", CHECK_TYPE, "what is asked").required(),
        Key::new("exec", Shape::FilledList(&Shape::Text), "the command to run inside").required(),
        Key::new("endpoint", Shape::Text, "used by `http` only"),
        Key::new("response", Shape::Map(&RESPONSE), "what the output must contain"),
        Key::new("interval", DURATION, "between two checks; DMS checks every 30 s all the same"),
    ],
);

/// A health check that gets a page.
pub static HTTP_CHECK: Map = Map::new(
    "a health check",
    &[
        Key::new("type", CHECK_TYPE, "what is asked").required(),
        Key::new("endpoint", Shape::Filled, "the address to get").required(),
        Key::new("exec", TEXTS, "used by `command` only"),
        Key::new("response", Shape::Map(&RESPONSE), "what the whole body must be"),
        Key::new("interval", DURATION, "between two checks; DMS checks every 30 s all the same"),
    ],
);

/// What a healthy allocation answers.
pub static RESPONSE: Map = Map::new(
    "a response",
    &[
        Key::new("type", Shape::Text, "`string`; anything else means the same"),
        Key::new("value", Shape::Text, "the text to expect"),
    ],
);

/// A key to install.
pub static KEY: Map = Map::new(
    "a key",
    &[
        Key::new("type", Shape::Words(KeyKind::WORDS), "what kind of key").required(),
        Key::new("file", Shape::Filled, "the file that holds it").required(),
        Key::new("dest", Shape::Filled, "where to put it; an ssh key needs none"),
    ],
);

const VOLUMES: Shape = Shape::Either(&[
    Shape::List(&Shape::Either(&[Shape::Map(&VOLUME), Shape::Matching("^[^:]+:.+$")])),
    Shape::Named(&Shape::Map(&VOLUME)),
]);

/// A volume to mount. What it lacks may come from the top-level volume of its name.
pub static VOLUME: Map = Map::new(
    "a volume",
    &[
        Key::new("type", Shape::Words(&["local", "glusterfs"]), "where the data is"),
        Key::new("name", Shape::Text, "its name"),
        Key::new("src", Shape::Matching("^(/.*|[a-zA-Z0-9][a-zA-Z0-9_.-]*)$"), "`local`: a path or a name"),
        Key::new("mount_destination", Shape::Filled, "where it appears inside"),
        Key::new("read_only", Shape::Flag, "whether writing is refused").or("false"),
        Key::new("servers", Shape::FilledList(&Shape::Filled), "`glusterfs`: the servers"),
        Key::new("client_private_key", Shape::Text, "`glusterfs`: the private key of the client"),
        Key::new("client_pem", Shape::Text, "`glusterfs`: the certificate of the client"),
        Key::new("client_ca", Shape::Text, "`glusterfs`: the certificate authority"),
    ],
)
.formerly(&[("mountpoint", "the key is `mount_destination`")]);

/// One machine to find.
pub static NODE: Map = Map::new(
    "a node",
    &[
        Key::new("allocations", TEXTS, "what runs there; an allocation is in one node at most"),
        Key::new("ports", Shape::List(&Shape::Map(&PORT)), "ports that the machine maps"),
        Key::new("location", Shape::Map(&LOCATION), "where it may be"),
        Key::new("peer", Shape::Filled, "the one peer that is asked"),
        Key::new("redundancy", Shape::Whole(0, u32::MAX as i64), "how many standby nodes to add").or("0"),
        Key::new("failure_recovery", Shape::Words(NodeRecovery::WORDS), "what to do when it fails")
            .or("stay_down"),
    ],
)
.formerly(&[("region", "write location.accept with a `continent`")]);

/// A port that is mapped.
pub static PORT: Map = Map::new(
    "a port",
    &[
        Key::new(
            "public",
            Shape::Either(&[Shape::Whole(0, 0), Shape::Whole(1025, 65_535)]),
            "on the machine; 0 lets the provider choose",
        )
        .required(),
        Key::new("private", Shape::Whole(1, 65_535), "inside").required(),
        Key::new("allocation", Shape::Filled, "who listens").required(),
    ],
);

/// Where a node may be.
pub static LOCATION: Map = Map::new(
    "`location`",
    &[
        Key::new("accept", Shape::List(&Shape::Map(&PLACE)), "one of these must match"),
        Key::new(
            "reject",
            Shape::List(&Shape::Map(&PLACE)),
            "none of these may match; ignored beside `accept`",
        ),
    ],
);

/// A constraint on places.
pub static PLACE: Map = Map::new(
    "a location",
    &[
        Key::new("continent", Shape::Filled, "always compared").required(),
        Key::new("country", Shape::Filled, "compared if written"),
        Key::new("city", Shape::Filled, "compared if written; needs a country"),
        Key::new(
            "asn",
            Shape::Whole(0, u32::MAX as i64),
            "number of the autonomous system; no provider fills it",
        ),
        Key::new("isp", Shape::Filled, "provider of the connection; no provider fills it"),
    ],
)
.formerly(&[("region", "the key is `continent` today")])
.with_needs(&[("city", "country")]);

/// A limit on a link.
pub static EDGE: Map = Map::new(
    "an edge constraint",
    &[
        Key::new("edges", Shape::ListOf(2, &Shape::Text), "the two nodes").required(),
        Key::new("rtt", COUNT, "round trip in milliseconds, at most"),
        Key::new("bw", COUNT, "bandwidth in bits a second, at least"),
    ],
)
.formerly(&[("symetric", "no such field is in DMS, whatever its documents show: leave it out")]);

/// One supervisor.
pub static SUPERVISOR: Map = Map::new(
    "a supervisor",
    &[
        Key::new("strategy", Shape::Words(SupervisorStrategy::WORDS), "what it restarts"),
        Key::new("allocations", TEXTS, "its group, in order"),
        Key::new("children", Shape::List(&Shape::Map(&SUPERVISOR)), "the supervisors below"),
    ],
);

/// The virtual network.
pub static SUBNET: Map = Map::new(
    "`subnet`",
    &[Key::new("join", Shape::Flag, "whether the orchestrator joins it too").required().or("false")],
);

/// A contract. Its payment is not looked at.
pub static CONTRACT: Map = Map::new(
    "a contract",
    &[
        Key::new("did", Shape::Matching("^did:"), "the DID of the contract").required(),
        Key::new("host", Shape::Matching("^did:"), "the DID of the host that keeps it"),
    ],
)
.open();
