//! Generators of stimuli: where peers are, what machines they have, when they come and go, when work arrives.
//!
//! Each generator is a plain description, read from a scenario, that draws from a stream of its own. It knows
//! nothing of what its numbers are used for.

pub mod amounts;
pub mod arrivals;
pub mod churn;
pub mod fitting;
pub mod hardware;
pub mod jobs;
pub mod joins;
pub mod nodes;
pub mod place;
pub mod trace;
pub mod uptrace;
pub mod workshop;

pub use amounts::{Amounts, AmountsError};
pub use arrivals::{Arrivals, ArrivalsConfig, ArrivalsError, BatchMoments, MmppState};
pub use churn::{ChurnConfig, ChurnError, ChurnModel, ChurnPreset, ChurnStart, Comings, PeerChurn};
pub use hardware::{Gpu, Hardware, HardwareConfig, HardwarePreset};
pub use jobs::{CardsOfClass, Job, JobClass, JobSource, Jobs};
pub use joins::{Growth, Joins};
pub use nodes::{NodeDefaults, NodeList};
pub use place::{PlaceConfig, PlaceDraw, PlaceError, PopulationOf};
pub use uptrace::{TraceChurn, UpTrace, UpTraceError};
pub use workshop::Workshop;
