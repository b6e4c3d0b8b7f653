//! `dmsim completions SHELL` and `dmsim man`: what shells and `man` know of the program.

use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Arguments, Exit};
use crate::kernel::path_text;

#[derive(Args, Debug)]
pub(super) struct CompletionArguments {
    /// For which shell.
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(Args, Debug)]
pub(super) struct ManArguments {
    /// The folder of the pages; without it the page of the program is printed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

pub(super) fn completions(arguments: &CompletionArguments) -> Exit {
    let mut command = Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "dmsim", &mut std::io::stdout());
    Exit::Fine
}

pub(super) fn man(arguments: &ManArguments) -> Exit {
    let command = Arguments::command();
    let done = match &arguments.out {
        None => clap_mangen::Man::new(command).render(&mut std::io::stdout()),
        Some(out) => {
            std::fs::create_dir_all(out).and_then(|()| clap_mangen::generate_to(command, out)).map(|()| {
                println!("manual pages in {}: `man -l {0}/dmsim.1`", path_text(out));
            })
        }
    };
    match done {
        Ok(()) => Exit::Fine,
        Err(error) => {
            let place =
                arguments.out.as_ref().map_or_else(String::new, |out| format!(" to {}", path_text(out)));
            eprintln!("error: cannot write the manual{place}: {error}");
            Exit::Internal
        }
    }
}
