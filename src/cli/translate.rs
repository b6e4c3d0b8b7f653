//! `dmsim translate COMPOSE`: a docker-compose file to an ensemble.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::{Exit, is_styled};
use crate::kernel::path_text;
use crate::scenario::compose;

#[derive(Args, Debug)]
pub(super) struct TranslateArguments {
    /// The docker-compose file.
    compose: PathBuf,
    /// Where to write the ensemble; without it, it is printed.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) fn translate(arguments: &TranslateArguments) -> Exit {
    let translated = match compose::translate(&arguments.compose) {
        Ok(translated) => translated,
        Err(report) => {
            eprint!("{}", report.render(is_styled()));
            return Exit::BadInput;
        }
    };
    eprint!("{}", translated.warnings.render(is_styled()));
    let Some(output) = &arguments.output else {
        print!("{}", translated.text);
        return Exit::Fine;
    };
    if let Err(error) = fs::write(output, &translated.text) {
        eprintln!("error: cannot write {}: {error}", path_text(output));
        return Exit::Internal;
    }
    println!("{}", path_text(output));
    Exit::Fine
}
