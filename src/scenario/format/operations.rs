//! What the catalogue says of organizations and of the operations of operators.

use super::contracts::ABOUT_CONTRACT;
use super::{BYTES, ENSEMBLE, FLAG, NAME, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};
use crate::scenario::control::KINDS as CONTROLS;
use crate::scenario::operations::ACTIONS;

const CAPABILITIES: Shape = Shape::FilledList(&Shape::Matching("^/"));
const TOPICS: Shape = Shape::List(&Shape::Filled);
const FORM: Shape = Shape::Words(&["full", "provide_only", "require_only"]);
const BEHAVIOUR: Shape = Shape::Matching("^/");
const TOKEN: Key = Key::new("token", Shape::Filled, "the name of a grant");
const TIMEOUT: Key = Key::new("timeout", TIME, "how long answers are awaited");

/// An organization.
pub(super) static ORGANIZATION: Map = Map::new(
    "organization",
    &[
        Key::new("name", NAME, "its name").required(),
        Key::new("capabilities", CAPABILITIES, "what members may do").or("the usual bundle"),
        Key::new("topics", TOPICS, "where they may broadcast").or("the usual bundle"),
        Key::new("expire", TIME, "how long a membership lasts").or("a year"),
    ],
);

/// One operation.
pub(super) static OPERATION: Map = Map::new(
    "operation",
    &[
        Key::new("at", TIME, "when, after the start").required(),
        Key::new("by", Shape::Filled, "the peer whose operator it is").required(),
        Key::new("invoke", Shape::Map(&INVOKE), "calls a behaviour of a peer"),
        Key::new("broadcast", Shape::Either(&[BEHAVIOUR, Shape::Map(&BROADCAST)]), "calls one of everybody"),
        Key::new("join", Shape::Either(&[NAME, Shape::Map(&JOIN)]), "joins an organization"),
        Key::new("leave", NAME, "leaves an organization"),
        Key::new("grant", Shape::Map(&GRANT), "makes a token"),
        Key::new("anchor", Shape::Map(&ANCHOR), "has a token anchored at a peer"),
        Key::new("trust", Shape::Filled, "anchors the node of a peer as a root"),
        Key::new("remove_anchor", Shape::Map(&REMOVE_ANCHOR), "drops a token"),
        Key::new("revoke", Shape::Map(&REVOKE), "withdraws a token or a membership"),
        Key::new("list_capabilities", Shape::Filled, "asks a peer what it holds"),
        Key::new("deployment", Shape::Map(&DEPLOYMENT), "does something with deployments"),
        Key::new("contract", Shape::Map(&ABOUT_CONTRACT), "does something about a contract"),
        Key::new("ssh", Shape::Map(&SSH), "logs in to an allocation"),
        Key::new("answer", Shape::Filled, "what the answer must contain"),
        Key::new("refusal", Shape::Filled, "what the refusal must contain"),
    ],
)
.with_one_of(ACTIONS);

/// What is done with deployments.
static DEPLOYMENT: Map = Map::new(
    "deployment operation",
    &[
        Key::new("to", Shape::Filled, "whose deployments").or("those of the operator's node"),
        TIMEOUT,
        Key::new("new", Shape::Either(&[Shape::Filled, Shape::Map(&NEW)]), "deploys an ensemble"),
        Key::new("list", Shape::Map(&LIST), "lists them"),
        Key::new("status", WHICH, "the state of one"),
        Key::new("info", Shape::Either(&[Shape::Filled, Shape::Map(&INFO)]), "all about one"),
        Key::new("manifest", WHICH, "where its parts are"),
        Key::new("logs", Shape::Map(&LOGS), "fetches logs"),
        Key::new("shutdown", WHICH, "ends one, or calls it off"),
        Key::new("prune", Shape::Either(&[Shape::Words(&["all"]), Shape::Map(&PRUNE)]), "forgets ended ones"),
        Key::new("delete", WHICH, "forgets one that has ended"),
        Key::new("update", Shape::Map(&UPDATE), "makes a running one another ensemble"),
    ],
)
.with_one_of(CONTROLS);

static SSH: Map = Map::new(
    "ssh",
    &[
        Key::new("deployment", WHICH, "of which").required(),
        Key::new("allocation", Shape::Filled, "which").required(),
        Key::new("key", Shape::Filled, "the file of the key, as a manifest names it").required(),
        Key::new(
            "from",
            Shape::Either(&[Shape::Words(&["node", "outside"]), Shape::Map(&SSH_FROM)]),
            "where the login comes from",
        )
        .or("node"),
    ],
);

static SSH_FROM: Map = Map::new(
    "ssh from",
    &[Key::new("allocation", Shape::Filled, "another of the same deployment").required()],
);

/// A name, or a map.
const WHICH: Shape = Shape::Either(&[Shape::Filled, Shape::Map(&WHICH_MAP)]);
const NUMBER: Shape = Shape::Whole(1, 1_000_000_000);
const ANY_NUMBER: Shape = Shape::Whole(-1_000_000_000, 1_000_000_000);

static WHICH_MAP: Map = Map::new(
    "deployment",
    &[
        Key::new("name", Shape::Filled, "what the workload or a `new` calls it"),
        Key::new("of", Shape::Filled, "the peer that orchestrates it"),
        Key::new("number", NUMBER, "which of these, by when they were accepted").or("1"),
        Key::new("id", Shape::Matching("^[0-9a-f]{64}$"), "its id"),
    ],
)
.with_one_of(&["name", "of", "id"]);

static NEW: Map = Map::new(
    "new deployment",
    &[
        Key::new(
            "ensemble",
            ENSEMBLE,
            "a DMS ensemble file, relative to the scenario, or the ensemble itself",
        )
        .required(),
        Key::new("name", NAME, "by which operations name it").or("the name of the file"),
    ],
);

static UPDATE: Map = Map::new(
    "update",
    &[
        Key::new("deployment", WHICH, "which").required(),
        Key::new(
            "ensemble",
            ENSEMBLE,
            "the whole ensemble that it is to be, a DMS ensemble file or the ensemble itself",
        )
        .required(),
    ],
);

static LIST: Map = Map::new(
    "list",
    &[
        Key::new("limit", ANY_NUMBER, "how many at most; 0 = all").or("0"),
        Key::new("offset", ANY_NUMBER, "how many are skipped").or("0"),
        Key::new("status", Shape::Filled, "only those in this state"),
        Key::new("sort", Shape::Filled, "created or status, with a minus for the other way round")
            .or("created"),
        Key::new("filter", Shape::List(&Shape::Filled), "key=value of the metadata"),
    ],
);

static INFO: Map = Map::new(
    "info",
    &[
        Key::new("deployment", WHICH, "about which").required(),
        Key::new("usage", FLAG, "with what its allocations use").or("false"),
        Key::new("logs", FLAG, "with their logs").or("false"),
        Key::new("allocations", Shape::List(&Shape::Filled), "logs of these only").or("all"),
    ],
);

static LOGS: Map = Map::new(
    "logs",
    &[
        Key::new("deployment", WHICH, "of which").required(),
        Key::new("allocation", Shape::Filled, "node.allocation, or its name alone").required(),
        Key::new("follow", Shape::Either(&[FLAG, TIME]), "goes on fetching, so often").or("false"),
    ],
);

static PRUNE: Map =
    Map::new("prune", &[Key::new("before", TIME, "those that ended before, after the start").required()]);

static INVOKE: Map = Map::new(
    "call",
    &[
        Key::new("to", Shape::Filled, "whose behaviour").required(),
        Key::new("behaviour", BEHAVIOUR, "its path").required(),
        Key::new("peer", Shape::Filled, "the peer that it is about"),
        Key::new("offer", Shape::Map(&OFFER), "what is onboarded"),
        Key::new("logger", Shape::Map(&LOGGER), "how the node is to log"),
        Key::new("volume", Shape::Map(&VOLUME), "which volume is created, started or deleted"),
        Key::new("subnet", Shape::Map(&SUBNET), "a subnet that is made by hand"),
        TIMEOUT,
    ],
);

static VOLUME: Map = Map::new(
    "volume of a server",
    &[
        Key::new("name", Shape::Filled, "its name").required(),
        Key::new("client_pem", Shape::Filled, "the certificate of those who may mount it").or("none"),
    ],
);

static OFFER: Map = Map::new(
    "offer",
    &[
        Key::new("cpu", Shape::Positive, "cores").required(),
        Key::new("ram", BYTES, "memory").required(),
        Key::new("disk", BYTES, "disk").required(),
        Key::new("gpu", FLAG, "whether with its graphics card").or("true"),
    ],
);

static LOGGER: Map = Map::new(
    "logger",
    &[
        Key::new("level", Shape::Filled, "from which level on"),
        Key::new("flush_interval", Shape::Whole(0, 315_360_000), "seconds that records wait"),
        Key::new("elastic_url", Shape::Filled, "where Elasticsearch is"),
        Key::new("api_key", Shape::Filled, "its key"),
        Key::new("apm_url", Shape::Filled, "where traces go"),
        Key::new("elastic", FLAG, "whether records go there"),
    ],
);

static SUBNET: Map = Map::new(
    "subnet",
    &[
        Key::new("name", Shape::Filled, "its own, or that of a deployment").required(),
        Key::new("range", Shape::Matching("^10\\.[0-9]+\\.[0-9]+\\.0/24$"), "its addresses, to create it"),
        Key::new("address", Shape::Matching("^[0-9]+(\\.[0-9]+){3}$"), "the node's, to join it"),
    ],
);

static BROADCAST: Map =
    Map::new("broadcast", &[Key::new("behaviour", BEHAVIOUR, "its path").required(), TIMEOUT]);

static JOIN: Map = Map::new(
    "join",
    &[
        Key::new("org", NAME, "which organization").required(),
        Key::new("membership", FORM, "how far").or("full"),
        Key::new("for", TIME, "how long").or("as long as its memberships last"),
        Key::new(
            "token",
            Shape::Either(&[Shape::Words(&["granted", "forged"]), Shape::Map(&TOKEN_OF)]),
            "by what right",
        )
        .or("granted"),
    ],
);

static TOKEN_OF: Map =
    Map::new("token of another", &[Key::new("of", Shape::Filled, "whose token").required()]);

static GRANT: Map = Map::new(
    "grant",
    &[
        Key::new("name", NAME, "by which operations name it"),
        Key::new("from", Shape::Filled, "the name of a grant that the own node holds and passes on"),
        Key::new("to", Shape::Filled, "whose node it is for").required(),
        Key::new("capabilities", CAPABILITIES, "what it allows").required(),
        Key::new("topics", TOPICS, "where it allows to broadcast").or("nowhere"),
        Key::new("for", TIME, "how long it lasts").required(),
        Key::new("depth", Shape::Whole(0, 1000), "how many links may follow; 0 = any").or("0"),
        Key::new("anchor", FLAG, "whether that node takes it up").or("true"),
    ],
);

/// As a word or as a truth value of YAML.
static ANCHOR: Map = Map::new(
    "anchor",
    &[
        Key::new("at", Shape::Filled, "at whose node").required(),
        Key::new("slot", Shape::Words(&["provide", "require", "revoke"]), "in which store").required(),
        TOKEN.required(),
        Key::new("behaviour", BEHAVIOUR, "by which path").or("that of the slot"),
    ],
);

static REMOVE_ANCHOR: Map = Map::new(
    "remove anchor",
    &[
        Key::new("slot", Shape::Words(&["provide", "require"]), "from which store").required(),
        TOKEN.required(),
    ],
);

static REVOKE: Map = Map::new(
    "revoke",
    &[
        Key::new("member", Shape::Filled, "whose membership"),
        Key::new("org", NAME, "in which organization").or("its only one"),
        TOKEN,
        Key::new(
            "broadcast",
            Shape::Either(&[FLAG, Shape::Words(&["/dms/cap/broadcast"])]),
            "whether it is published",
        )
        .or("false"),
        Key::new("here", FLAG, "whether the node that publishes it anchors it as well").or("true"),
    ],
);
