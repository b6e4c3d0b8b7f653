//! The constants of the real DMS, with their own names (dms-orchestration section 0).
//!
//! A value that is only meant for one place still stands here, so that a reader who knows DMS finds all of them in
//! one list and a change of one is a change in one line.

use crate::kernel::Span;

/// A new-deployment message must have at least this left before it expires.
pub const MIN_DEPLOYMENT_TIME: Span = Span::secs(59);
/// The deadline of a deployment is the expiry of its message less this.
pub const MIN_ENSEMBLE_DEPLOYMENT_TIME: Span = Span::secs(15);
/// An update message must have at least this left before it expires.
pub const MIN_UPDATE_DEPLOYMENT_TIME: Span = Span::secs(118);
/// The deadline of an update is the expiry of its message less this.
pub const MIN_ENSEMBLE_UPDATE_TIMEOUT: Span = Span::secs(15);
/// Length of one bid round and expiry of its messages.
pub const BID_REQUEST_TIMEOUT: Span = Span::secs(5);
/// Bids kept for a node; the first round closes early at this many times the number of nodes.
pub const MAX_BID_MULTIPLIER: usize = 8;
/// Answers that a request for bids wants for each of its nodes where not all providers are to answer (an extension).
pub const BID_ANSWERS_WANTED: u32 = 32;
/// Candidate draws in one search.
pub const MAX_PERMUTATIONS: u64 = 1_000_000;
/// Wait for the verification of an edge.
pub const VERIFY_EDGE_CONSTRAINT_TIMEOUT: Span = Span::secs(5);
/// Expiry of and wait for a commit, for each allocation of the node.
pub const COMMIT_DEPLOYMENT_TIMEOUT: Span = Span::secs(3);
/// Expiry of and wait for an allocate, for each allocation of the node.
pub const ALLOCATION_DEPLOYMENT_TIMEOUT: Span = Span::secs(5);
/// Expiry of and wait for a start, image pull included.
pub const ALLOCATION_START_TIMEOUT: Span = Span::mins(5);
/// Wait for the shutdown of an allocation.
pub const ALLOCATION_SHUTDOWN_TIMEOUT: Span = Span::secs(15);
/// Expiry of subnet, DNS and port messages. The real DMS waits 2 minutes for the reply although the message is dead
/// after this (W24); the intended behaviour waits as long as the message lives.
pub const PROVISION_MESSAGE_TIMEOUT: Span = Span::secs(5);
/// How long the real DMS waits for the replies to these messages (W24).
pub const STALLED_PROVISION_WAIT: Span = Span::mins(2);
/// Wait for the destruction of a subnet on one node.
pub const SUBNET_DESTROY_TIMEOUT: Span = Span::secs(10);
/// Wait for the reply to a revert, for each node in turn.
pub const REVERT_TIMEOUT: Span = Span::secs(30);
/// Life of what an orchestrator grants to the providers of a deployment. A grant must outlive the messages that it
/// authorises, so it is renewed at half of its life; the real DMS renews it once, at its very end (W12).
pub const GRANT_ORCHESTRATOR_CAPS_FREQUENCY: Span = Span::mins(5);
/// Life of a stored bid on the provider and of a commit's lease.
pub const BID_STATE_TIMEOUT: Span = Span::mins(5);
/// Interval at which a provider drops expired bids and answered nonces.
pub const BID_STATE_GC_INTERVAL: Span = Span::mins(1);
/// Interval of the sweep over commit leases.
pub const CLEAR_COMMITS_FREQUENCY: Span = Span::secs(60);
/// Life of what a provider grants to an orchestrator for its allocations; renewed at half of it.
pub const GRANT_ALLOCATION_CAPS_FREQUENCY: Span = Span::hours(1);
/// The supervisor's tick.
pub const HEALTH_CHECK_INTERVAL: Span = Span::secs(30);
/// Wait for one health check, and for the registration of one.
pub const HEALTH_CHECK_TIMEOUT: Span = Span::secs(5);
/// How long a provider waits for what it asks in a health check: shorter than its supervisor waits for the provider.
pub const HEALTH_PROBE_TIMEOUT: Span = Span::secs(3);
/// Wait for the restart of an allocation.
pub const FAILURE_ESCALATION_TIMEOUT: Span = Span::mins(2);
/// Consecutive failures after which a supervisor acts.
pub const ESCALATION_THRESHOLD: u32 = 3;
/// Life of a health check grant.
pub const HEALTH_CHECK_GRANT_DURATION: Span = Span::hours(2);
/// Interval of the push heartbeat of an allocation.
pub const LIVENESS_REPORT_INTERVAL: Span = Span::secs(30);
/// Expiry of a heartbeat.
pub const LIVENESS_REPORT_TIMEOUT: Span = Span::mins(2);
/// Expiry of the notification that a task has ended.
pub const TASK_TERMINATION_TIMEOUT: Span = Span::mins(2);
/// How long logs are kept after the execution that printed them has ended.
pub const DELETE_LOGS_AFTER: Span = Span::mins(30);
/// The longest part of a log in one message.
pub const LOG_CHUNK_BYTES: usize = 512 << 10;
/// Interval at which a log is followed, when none is named.
pub const LOG_FOLLOW_INTERVAL: Span = Span::secs(10);
/// The shortest and the longest interval at which a log is followed.
pub const LOG_FOLLOW_LIMITS: (Span, Span) = (Span::secs(1), Span::mins(5));
/// Wait for the logs of an allocation, all chunks together.
pub const GET_LOGS_TIMEOUT: Span = Span::mins(2);
/// Expiry of a message that names none.
pub const DEFAULT_MESSAGE_TIMEOUT: Span = Span::secs(30);
/// Messages that wait for their verification before further ones are dropped; as many may wait for dispatch.
pub const DISPATCH_QUEUE_CAPACITY: u32 = 100;
/// The longest message in bytes; longer ones are dropped.
pub const MAX_MESSAGE_BYTES: u64 = 1 << 20;
/// Interval at which a node drops what has expired of its behaviours (dms-capabilities section 3.3); tokens and
/// nonces go with them.
pub const BEHAVIOUR_GC_INTERVAL: Span = Span::secs(120);
/// A hello is sent at least this long after a connection.
pub const HELLO_MIN_DELAY: Span = Span::secs(10);
/// A hello is sent at most this long after a connection.
pub const HELLO_MAX_DELAY: Span = Span::secs(20);
/// Wait for the answer to a hello.
pub const HELLO_TIMEOUT: Span = Span::secs(3);
/// Hellos that are tried on one connection.
pub const HELLO_ATTEMPTS: u8 = 3;
/// What a gossip peer is worth that answers hellos in both directions.
pub const SCORE_GREETED: f64 = 5.0;
/// What a gossip peer is worth that speaks the root protocol.
pub const SCORE_CONNECTED: f64 = 1.0;
/// Wait for the answer when two peers compare their revocations (an extension; the real DMS does not compare).
pub const REVOCATION_EXCHANGE_TIMEOUT: Span = Span::secs(10);
/// Within so long a peer that knows of revocations compares them with each of its neighbours that has not agreed on
/// them (an extension).
pub const REVOCATION_COMPARISON_ROUND: Span = Span::mins(4);
/// Attempts at one message of that exchange.
pub const REVOCATION_EXCHANGE_ATTEMPTS: u8 = 3;
/// Interval at which a deployment of tasks looks whether all have ended; only restored ones need to.
pub const MONITOR_ONLY_TASK_MANIFEST_INTERVAL: Span = Span::secs(10);
/// Pause of a provider that has started again before it asks an orchestrator for the first time; it doubles.
pub const CONFIRM_COOLDOWN_MIN: Span = Span::secs(15);
/// Longest pause before a provider asks again.
pub const CONFIRM_COOLDOWN_MAX: Span = Span::hours(1);
/// A provider that has not heard an orchestrator for so long gives up what it hosts for it.
pub const CONFIRM_GIVE_UP: Span = Span::hours(3);
/// Wait for an orchestrator's host to answer at all.
pub const CONFIRM_PING_TIMEOUT: Span = Span::secs(3);
/// Wait for the answer whether a deployment still wants what it has.
pub const CONFIRM_QUERY_TIMEOUT: Span = Span::mins(1);
/// Times that this is asked in a row.
pub const CONFIRM_QUERIES: u8 = 3;
/// Pause between two of them.
pub const CONFIRM_QUERY_PAUSE: Span = Span::secs(30);
/// Wait for a provider to say what it has of a deployment that is being restored (intended behaviour; the real DMS
/// does not ask).
pub const RECONCILE_TIMEOUT: Span = Span::secs(10);
/// Time for which the watcher that saves deployments is busy with one of them (as-is; estimated).
pub const STATUS_SAVE_TIME: Span = Span::millis(100);
/// Two writes of a deployment's status maps within this time fall together (as-is; estimated).
pub const STATUS_WRITE_WINDOW: Span = Span::millis(1);
/// One of so many such pairs breaks the process down (as-is; estimated).
pub const STATUS_RACE_ODDS: u64 = 4;
/// The public ports that a provider hands out by default: first and one past the last.
pub const PUBLIC_PORT_RANGE: (u32, u32) = (16_384, 65_536);

/// Heartbeats older than this make an allocation suspected (intended behaviour; the real DMS has no such timer).
pub const LIVENESS_STALE: Span = Span::secs(90);
/// More restarts than [`RESTART_INTENSITY`] within this span escalate to the node (intended behaviour).
pub const RESTART_PERIOD: Span = Span::mins(5);
/// Restarts of one allocation tolerated within [`RESTART_PERIOD`].
pub const RESTART_INTENSITY: usize = 3;
/// First pause before a provider tries again to terminate what its executor could not (the intended answer to W9).
pub const TERMINATION_RETRY_MIN: Span = Span::secs(30);
/// Longest such pause.
pub const TERMINATION_RETRY_MAX: Span = Span::mins(5);
/// First pause between two attempts of a deployment that found no candidate (the intended answer to W21).
pub const BACKOFF_MIN: Span = Span::secs(5);
/// Longest pause between two attempts.
pub const BACKOFF_MAX: Span = Span::mins(5);
/// Steps in a row that the same peer leaves unanswered, beyond the first one, before there is such a pause: so many are
/// more than a network that loses some messages.
pub const SILENCES_OF_ONE_PEER: u32 = 8;
/// First pause before the end of a task is told again (the intended answer to W17); it doubles.
pub const TASK_TERMINATION_RETRY_MIN: Span = Span::secs(10);
/// Longest pause between two times that the end of a task is told.
pub const TASK_TERMINATION_RETRY_MAX: Span = Span::mins(5);
/// After this nobody is told of a task's end any more: as long as the real DMS lets a provider look for its
/// orchestrator (dms-orchestration section 4.6).
pub const TASK_TERMINATION_GIVE_UP: Span = Span::hours(3);
/// Shortest time between two looks at the account of a contract (dms-capabilities section 6.9).
pub const BILLING_CHECK_MIN: Span = Span::secs(30);
/// Longest time between two looks at the account of a contract, unless half of its cycle is shorter.
pub const BILLING_CHECK_MAX: Span = Span::hours(24);
/// Interval at which the billing scheduler looks for accounts that are due.
pub const BILLING_POLL_INTERVAL: Span = Span::secs(30);
/// Accounts that it takes at one poll.
pub const BILLING_TASKS: usize = 10;
/// Interval at which a contract's actor notices that its end date has passed.
pub const CONTRACT_EXPIRY_INTERVAL: Span = Span::mins(5);
/// Wait for a message between the parties of a contract, its host and its validator.
pub const CONTRACT_MESSAGE_TIMEOUT: Span = Span::secs(20);
/// Wait for the signature of an approved contract to be taken.
pub const CONTRACT_SIGN_TIMEOUT: Span = Span::mins(2);
/// Life of what a contract's actor grants to its host, parties and validator.
pub const CONTRACT_GRANT_DURATION: Span = Span::hours(7 * 24);
/// Workers that deliver usage events (dms-capabilities section 6.7).
pub const USAGE_EVENT_WORKERS: usize = 2;
/// Usage events that wait for a worker before further ones are dropped.
pub const USAGE_EVENT_QUEUE: usize = 200;
/// Attempts to deliver one usage event after the first.
pub const USAGE_EVENT_RETRIES: u32 = 10;
/// Pause before the first of them; it doubles.
pub const USAGE_EVENT_BACKOFF_MIN: Span = Span::secs(5);
/// The longest such pause.
pub const USAGE_EVENT_BACKOFF_MAX: Span = Span::secs(15);
/// How far back a validator looks for a transfer on Ethereum, in blocks.
pub const ETHEREUM_LOOK_BACK_BLOCKS: u64 = 45_000;
/// Life of a quote.
pub const QUOTE_TTL: Span = Span::mins(10);
/// Wait of an orchestrator for the machine that a gateway has promised.
pub const PROMISE_CONVERSION_TIMEOUT: Span = Span::mins(5);
/// Attempts of a gateway to connect to a machine that it has provisioned.
pub const MACHINE_CONNECT_ATTEMPTS: u8 = 5;
/// Time between two of them.
pub const MACHINE_CONNECT_INTERVAL: Span = Span::secs(1);
/// Wait for the bid of a machine (a choice of dmsim: that of a bid round).
pub const MACHINE_SIGN_TIMEOUT: Span = Span::secs(5);
/// Interval at which a gateway looks which of its machines are in use.
pub const MACHINE_POLL_INTERVAL: Span = Span::mins(1);

/// Wait for the answer to a ping that an operator asks for (dms-orchestration section 0).
pub const PING_TIMEOUT: Span = Span::secs(1);
/// How often metrics are exported (dms-capabilities section 9.2).
pub const METRICS_EXPORT_INTERVAL: Span = Span::secs(3);
/// How long the APM agent gathers (dms-capabilities section 9.2).
pub const APM_INTERVAL: Span = Span::secs(10);
