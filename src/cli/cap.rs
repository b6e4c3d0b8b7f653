//! `dmsim cap SCRIPT`: capability operations, each decision with its full explanation.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Exit, Format, is_styled};
use crate::dms::identity::SignatureMode;
use crate::scenario;
use crate::sim::capabilities;

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Signatures {
    /// As DMS computes them.
    Real,
    /// The same decisions in nanoseconds.
    Modelled,
}

#[derive(Args, Debug)]
pub(super) struct CapArguments {
    /// The script.
    script: PathBuf,
    /// How signatures are made and checked, instead of what the script says.
    #[arg(long, value_enum)]
    signatures: Option<Signatures>,
    /// How the decisions are printed.
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

pub(super) fn cap(arguments: &CapArguments) -> Exit {
    let mut script = match scenario::load_script(&arguments.script) {
        Ok(script) => script,
        Err(report) => {
            eprint!("{}", report.render(is_styled()));
            return Exit::BadInput;
        }
    };
    if let Some(signatures) = arguments.signatures {
        script.signatures = match signatures {
            Signatures::Real => SignatureMode::Real,
            Signatures::Modelled => SignatureMode::Modelled,
        };
    }
    let report = capabilities::run(&script);
    match arguments.format {
        Format::Human => print!("{}", report.text()),
        Format::Json => {
            println!("{}", serde_json::to_string_pretty(&report).expect("a report has only string keys"));
        }
    }
    if report.failed > 0 { Exit::ExpectationFailed } else { Exit::Fine }
}
