//! The vectors of the spec's section 4, properties against the slow authoriser, and the forms of tokens.

mod accounts;
mod forms;
mod lab;
mod properties;
mod scene;
mod vectors;
mod vectors_derived;
mod vectors_identity;
