//! What the catalogue says of organizations and of the operations of operators.

use super::contracts::ABOUT_CONTRACT;
use super::{NAME, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};
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
        Key::new("remove_anchor", Shape::Map(&REMOVE_ANCHOR), "drops a token"),
        Key::new("revoke", Shape::Map(&REVOKE), "withdraws a token or a membership"),
        Key::new("list_capabilities", Shape::Filled, "asks a peer what it holds"),
        Key::new("contract", Shape::Map(&ABOUT_CONTRACT), "does something about a contract"),
    ],
)
.with_one_of(ACTIONS);

static INVOKE: Map = Map::new(
    "call",
    &[
        Key::new("to", Shape::Filled, "whose behaviour").required(),
        Key::new("behaviour", BEHAVIOUR, "its path").required(),
        Key::new("peer", Shape::Filled, "the peer that it is about"),
        TIMEOUT,
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
        Key::new("to", Shape::Filled, "whose node it is for").required(),
        Key::new("capabilities", CAPABILITIES, "what it allows").required(),
        Key::new("topics", TOPICS, "where it allows to broadcast").or("nowhere"),
        Key::new("for", TIME, "how long it lasts").required(),
        Key::new("depth", Shape::Whole(0, 1000), "how many links may follow; 0 = any").or("0"),
        Key::new("anchor", FLAG, "whether that node takes it up").or("true"),
    ],
);

/// As a word or as a truth value of YAML.
const FLAG: Shape = Shape::Either(&[Shape::Flag, Shape::Words(&["true", "false"])]);

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
    ],
);
