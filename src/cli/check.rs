//! `dmsim check FILE...`: every error of scenarios and ensembles, with file, line and column.

use std::path::PathBuf;

use clap::Args;

use super::{Exit, Format, is_styled, metric_names};
use crate::scenario;

#[derive(Args, Debug)]
pub(super) struct CheckArguments {
    /// Scenario or ensemble files.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// How findings are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) fn check(arguments: &CheckArguments) -> Exit {
    let mut bad = false;
    let mut all = Vec::new();
    for file in &arguments.files {
        let report = scenario::check(file, &metric_names());
        bad |= report.has_errors();
        match arguments.format {
            Format::Human if report.diagnostics.is_empty() => println!("{}: fine", file.display()),
            Format::Human => eprint!("{}", report.render(is_styled())),
            Format::Json => all.extend(report.diagnostics),
        }
    }
    if arguments.format == Format::Json {
        println!("{}", serde_json::to_string_pretty(&all).expect("diagnostics have only string keys"));
    }
    if bad { Exit::BadInput } else { Exit::Fine }
}
