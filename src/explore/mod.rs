//! The search for failures that nobody scripted.
//!
//! From a seed a whole configuration is drawn ([`draw`]): who takes part, over which network, what is asked, who harms,
//! what breaks. It is the text of a scenario, so that whatever is found is a file that a person can read and run. It is
//! run with every rule watched ([`trial`], `sim::check`); the seeds of a search share the cores, and what they reached
//! steers what later ones draw ([`search`]); what there is to come to is listed ([`coverage`]). What is found is made
//! small ([`shrink`]), and a weakness of real DMS is named for it where the finding goes with that one fix ([`blame`],
//! [`rediscover`]).
//! Apart from that, one scenario is run again and again, each time with a crash at another point ([`crash_points`]).

pub mod blame;
pub mod choices;
pub mod coverage;
pub mod crash_points;
mod dice;
pub mod draw;
pub mod rediscover;
pub mod search;
pub mod shrink;
pub mod trial;
