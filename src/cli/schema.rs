//! `dmsim schema KIND`: the JSON Schema of a file format, for editors.

use clap::{Args, ValueEnum};

use super::Exit;
use crate::scenario::schema;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Kind {
    /// DMS ensemble files.
    Ensemble,
    /// Scenario files.
    Scenario,
}

#[derive(Args, Debug)]
pub(super) struct SchemaArguments {
    /// Of which files.
    #[arg(value_enum)]
    kind: Kind,
}

pub(super) fn schema(arguments: &SchemaArguments) -> Exit {
    let schema = match arguments.kind {
        Kind::Ensemble => schema::of_ensembles(),
        Kind::Scenario => schema::of_scenarios(),
    };
    println!("{schema:#}");
    Exit::Fine
}
