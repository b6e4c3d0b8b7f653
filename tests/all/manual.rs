//! What shells and `man` are told of the program.

use std::fs;

use crate::program::{dmsim, program, text};

fn printed(arguments: &[&str]) -> String {
    let output = dmsim(arguments);
    assert!(output.status.success(), "{arguments:?}");
    text(&output.stdout)
}

#[test]
fn shells_complete_every_command() {
    for (shell, word) in [
        ("bash", "complete -F _dmsim"),
        ("zsh", "#compdef dmsim"),
        ("fish", "complete -c dmsim"),
        ("elvish", "edit:completion"),
        ("powershell", "Register-ArgumentCompleter"),
    ] {
        let script = printed(&["completions", shell]);
        assert!(script.contains(word) && script.contains("retry-failed"), "{shell}");
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("there is room");
    printed(&["man", "--out", &folder.path().to_string_lossy()]);
    let page = printed(&["man"]);
    for command in ["run", "sweep-submit", "baseline-check", "reproduce-openb"] {
        let own = fs::read_to_string(folder.path().join(format!("dmsim-{command}.1"))).expect(command);
        assert!(own.contains(".SH DESCRIPTION"), "{command}");
        let first = command.split('-').next().expect("it has a word");
        assert!(page.contains(first), "{command}");
    }
}

#[test]
fn what_cannot_be_printed_is_said() {
    let full = fs::File::options().write(true).open("/dev/full").expect("there is one");
    let output = program().args(["list", "metrics"]).stdout(full).output().expect("it starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{errors}");
    assert!(
        errors.starts_with("error: failed printing to stdout") && !errors.contains("panicked"),
        "{errors}"
    );
}
