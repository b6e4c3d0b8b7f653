//! What the catalogue says of contracts.

use super::{BYTES, NAME, TIME};
use crate::dms::ensemble::shape::{Key, Map, Shape};

/// An amount of money, as a number or a text.
const MONEY: Shape = Shape::Either(&[Shape::Number, Shape::Matching("^[0-9]+(\\.[0-9]{1,8})?$")]);
const MODELS: Shape = Shape::Words(&[
    "pay_per_allocation",
    "pay_per_deployment",
    "pay_per_time_utilization",
    "pay_per_resource_utilization",
    "fixed_rental",
    "periodic",
]);

/// A contract.
pub(super) static CONTRACT: Map = Map::new(
    "contract",
    &[
        Key::new("name", NAME, "by which deployments and operations name it").required(),
        Key::new("at", TIME, "when its requestor asks for it, after the start").or("0s"),
        Key::new("requestor", Shape::Filled, "who asks and pays").required(),
        Key::new("provider", Shape::Filled, "who provides and is paid").required(),
        Key::new("host", Shape::Filled, "who hosts it").required(),
        Key::new("validator", Shape::Filled, "who computes and checks payments").required(),
        Key::new("for", TIME, "how long it holds").required(),
        Key::new("resources", Shape::Map(&QUANTITIES), "what the machines are to have").or("unsaid"),
        Key::new("model", MODELS, "the payment model").required(),
        Key::new("fee", MONEY, "the price of a unit of the model"),
        Key::new("resource_fees", Shape::Map(&RESOURCE_FEES), "the prices of resources"),
        Key::new("time_unit", Shape::Words(&["second", "minute", "hour"]), "in which time is paid")
            .or("hour"),
        Key::new("period", Shape::Words(&["minute", "hour", "day", "week", "month"]), "of the billing cycle")
            .or("hour, for models that need none"),
        Key::new("periods", Shape::Whole(1, 10_000), "how many periods make a cycle")
            .or("1, for models that need none"),
        Key::new("orchestration_fee", Shape::Map(&ORCHESTRATION_FEE), "what the host takes").or("nothing"),
        Key::new("currency", Shape::Filled, "of the prices").or("NTX"),
        Key::new("blockchain", Shape::Words(&["ethereum", "cardano"]), "where is paid").or("ethereum"),
        Key::new("quote", Shape::Map(&QUOTE), "pay in another currency").or("in that of the prices"),
        Key::new("termination", Shape::Words(&["allowed", "refused", "unsaid"]), "whether it may end early")
            .or("allowed"),
        Key::new("role", Shape::Words(&["head", "tail"]), "its place in a chain").or("in none"),
        Key::new("terms", Shape::Filled, "whatever else was agreed").or("nothing"),
        Key::new("billing", Shape::Words(&["automatic", "on_request"]), "who triggers invoices")
            .or("automatic"),
        Key::new("approve_after", TIME, "when the provider agrees by itself, after `at`").or("never"),
        Key::new("pay_after", TIME, "when the requestor pays by itself what it learns to owe").or("never"),
    ],
);

static QUANTITIES: Map = Map::new(
    "resources of a contract",
    &[
        Key::new("cpu", Shape::Whole(0, 4096), "cores").or("0"),
        Key::new("ram", BYTES, "memory").or("nothing"),
        Key::new("disk", BYTES, "disk").or("nothing"),
        Key::new("gpus", Shape::Whole(0, 4096), "graphics cards").or("0"),
    ],
);

static RESOURCE_FEES: Map = Map::new(
    "resource fees",
    &[
        Key::new("cpu", MONEY, "of a core").or("0"),
        Key::new("ram", MONEY, "of a GiB of memory").or("0"),
        Key::new("disk", MONEY, "of a GiB of disk").or("0"),
        Key::new("gpu", MONEY, "of a graphics card").or("0"),
    ],
);

static ORCHESTRATION_FEE: Map = Map::new(
    "orchestration fee",
    &[
        Key::new("fixed", MONEY, "for each invoice").or("0"),
        Key::new("percentage", MONEY, "hundredths of the invoice's total").or("0"),
    ],
);

static QUOTE: Map = Map::new(
    "quote",
    &[
        Key::new("currency", Shape::Filled, "in what is paid").required(),
        Key::new("rate", MONEY, "what a unit of the prices is worth in it").required(),
    ],
);

/// An operator's action about a contract.
pub(super) static ABOUT_CONTRACT: Map = Map::new(
    "action about a contract",
    &[
        Key::new("name", NAME, "which contract").required(),
        Key::new(
            "do",
            Shape::Words(&[
                "approve",
                "terminate",
                "complete",
                "settle",
                "state",
                "validate",
                "calculate",
                "pay",
                "claim_paid",
                "quote",
                "validate_quote",
                "cancel_quote",
                "payment_status",
                "request_validation",
                "info",
                "list",
                "transactions",
                "forge",
                "list_incoming",
                "list_outgoing",
            ]),
            "what about it",
        )
        .required(),
    ],
);
