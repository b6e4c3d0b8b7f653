//! `dmsim reproduce`: what is said of the real DMS and of simple systems, shown again.

mod openb;
mod oracles;
mod weaknesses;

use clap::{Args, Subcommand, ValueEnum};

use super::Exit;

/// How the table is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum TableFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For tables.
    Csv,
}

#[derive(Args, Debug)]
pub(super) struct ReproduceArguments {
    #[command(subcommand)]
    what: What,
}

/// What can be shown again.
#[derive(Subcommand, Debug)]
enum What {
    /// The known weaknesses of the real DMS, each run as-is and mended.
    Weaknesses(weaknesses::WeaknessesArguments),
    /// Closed-form cases of queueing, reliability and recovery, each met by runs.
    Oracles(oracles::OraclesArguments),
    /// The openb placement experiment (USENIX ATC 2023): ours, theirs and the largest difference, by policy and metric.
    Openb(openb::OpenbArguments),
}

pub(super) fn run(arguments: &ReproduceArguments) -> Exit {
    match &arguments.what {
        What::Weaknesses(arguments) => weaknesses::run(arguments),
        What::Oracles(arguments) => oracles::run(arguments),
        What::Openb(arguments) => openb::run(arguments),
    }
}
