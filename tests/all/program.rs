//! The program itself, as users start it.

use std::process::{Command, Output};

/// The program, to be given its arguments. It is no task of an engine, even where the tests are.
pub(super) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dmsim"));
    for name in ["SLURM_ARRAY_TASK_ID", "HQ_TASK_ID", "JOB_COMPLETION_INDEX"] {
        command.env_remove(name);
    }
    command
}

/// What comes of it with these arguments.
pub(super) fn dmsim(arguments: &[&str]) -> Output {
    program().args(arguments).output().expect("it starts")
}

/// Its exit code, -1 where it was killed, its output and its errors.
pub(super) fn said(arguments: &[&str]) -> (i32, String, String) {
    told(&dmsim(arguments))
}

/// The same of what has come of it.
pub(super) fn told(output: &Output) -> (i32, String, String) {
    (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

/// What was printed, which is always text.
#[track_caller]
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("it is UTF-8")
}
