//! Counts instructions with valgrind's callgrind and compares the counts with a file.
//!
//! Callgrind is called without a runner in between: that needs nothing but valgrind itself and no download of a program
//! that must have the version of its library.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// How much worse a count may be than the file says: 1.05 times.
const LIMIT: f64 = 1.05;
/// The command that writes the file anew.
const BLESS: &str = "cargo bench --bench instructions -- --bless";
/// The mangled name of `measured`, with the length that both manglings put before it.
const MEASURED: &str = "*12instructions8measured*";

/// Something whose instructions are counted.
pub(crate) struct Piece {
    /// Its name in the file.
    pub(crate) name: &'static str,
    /// How many operations of it are counted in one go.
    pub(crate) operations: u64,
    /// Does so many of them inside of `measured`, once.
    pub(crate) run: fn(u64),
}

/// Counts all, compares them and says what came of it. `--bless` writes the file instead.
pub(crate) fn main(pieces: &[Piece]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [option, place] = &arguments[..]
        && option == "--piece"
    {
        let piece = &pieces[place.parse::<usize>().expect("a parent of this program gave it")];
        (piece.run)(piece.operations);
        return ExitCode::SUCCESS;
    }
    // Cargo itself adds `--bench`.
    if let Some(unknown) = arguments.iter().find(|it| !["--bench", "--bless"].contains(&it.as_str())) {
        eprintln!(
            "error: {unknown} is unknown: --bless writes the counts anew, without it they are compared"
        );
        return ExitCode::from(2);
    }
    let is_blessing = arguments.iter().any(|it| it == "--bless");
    match count_all(pieces).and_then(|counts| conclude(pieces, &counts, is_blessing)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn baseline() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/baseline.csv")
}

fn count_all(pieces: &[Piece]) -> Result<Vec<u64>, Error> {
    pieces.iter().enumerate().map(|(place, piece)| count(place, piece.name)).collect()
}

/// Instructions of a piece, counted in a process of its own.
fn count(place: usize, name: &str) -> Result<u64, Error> {
    let folder = std::env::temp_dir().join(format!("dmsim-instructions-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let out = folder.join("callgrind.out");
    let ran = Command::new("valgrind")
        .args(["--tool=callgrind", "--demangle=no", "--collect-atstart=no"])
        .arg(format!("--toggle-collect={MEASURED}"))
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe()?)
        .args(["--piece", &place.to_string()])
        // What is in the environment lies on the stack and moves what lies above it.
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdout(Stdio::null())
        .output();
    let ran = ran.map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::other("valgrind is missing: it counts the instructions"),
        _ => error,
    })?;
    let text = std::fs::read_to_string(&out).unwrap_or_default();
    std::fs::remove_dir_all(&folder)?;
    // "totals: 123", or "summary: 123" in older versions.
    let total = text.lines().find_map(|line| {
        let value = line.strip_prefix("totals: ").or_else(|| line.strip_prefix("summary: "))?;
        value.trim().parse().ok()
    });
    match total {
        Some(total) if ran.status.success() && total > 0 => Ok(total),
        _ => {
            let said = String::from_utf8_lossy(&ran.stderr);
            Err(Error::other(format!("{name}: valgrind counted nothing; it says:\n{said}")))
        }
    }
}

fn conclude(pieces: &[Piece], counts: &[u64], is_blessing: bool) -> Result<ExitCode, Error> {
    let path = baseline();
    if is_blessing {
        std::fs::write(&path, text_of(pieces, counts))?;
        println!("wrote {}", path.display());
        return Ok(ExitCode::SUCCESS);
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|error| Error::other(format!("{}: {error}; write it with {BLESS}", path.display())))?;
    let (written_with, kept) = read(&text);
    let is_same_kind = written_with.ends_with(&format!(" for {}", std::env::consts::ARCH));
    let mut complaints = Vec::new();
    let mut worst = (f64::NEG_INFINITY, "none");
    println!("{:<40}{:>13}{:>11}{:>9}", "piece", "instructions", "each", "change");
    for (piece, &found) in pieces.iter().zip(counts) {
        let each = found as f64 / piece.operations as f64;
        let before = kept.get(piece.name).copied();
        let ratio = before.map_or(f64::NAN, |before| found as f64 / before as f64);
        let change = (ratio - 1.0) * 100.0;
        println!("{:<40}{found:>13}{each:>11.1}{change:>+8.2}%", piece.name);
        if change > worst.0 {
            worst = (change, piece.name);
        }
        match before {
            None => complaints.push(format!("{} is not in {}", piece.name, path.display())),
            Some(before) if ratio > LIMIT => complaints.push(format!(
                "{} takes {change:.1} % more instructions: {found}, and {before} before",
                piece.name
            )),
            Some(_) if ratio < 1.0 / LIMIT => {
                println!("    that is better: {BLESS} makes it the measure");
            }
            Some(_) => {}
        }
    }
    let unknown = kept.keys().filter(|name| pieces.iter().all(|piece| piece.name != **name));
    complaints.extend(unknown.map(|name| format!("{name} of {} is counted no more", path.display())));
    let now = this_compiler();
    println!();
    if !is_same_kind {
        println!(
            "{} pieces counted and not compared: the file is of {written_with}, this is {now}",
            pieces.len()
        );
        return Ok(ExitCode::SUCCESS);
    }
    if complaints.is_empty() {
        println!("{} pieces counted, the worst change is {:+.2} % ({})", pieces.len(), worst.0, worst.1);
        return Ok(ExitCode::SUCCESS);
    }
    for complaint in &complaints {
        println!("FAILED: {complaint}");
    }
    if written_with != now {
        println!("The file was written with {written_with}; this is {now}, which may be all of it.");
    }
    println!("If it is to be so: {BLESS}, and say in the commit why.");
    Ok(ExitCode::FAILURE)
}

/// The file: the compiler in a comment, and a line for each piece.
fn text_of(pieces: &[Piece], counts: &[u64]) -> String {
    let mut text = format!("# {}\nbench,operations,instructions\n", this_compiler());
    for (piece, count) in pieces.iter().zip(counts) {
        let _ = writeln!(text, "\"{}\",{},{count}", piece.name, piece.operations);
    }
    text
}

/// The compiler and the instructions of each piece.
fn read(text: &str) -> (&str, BTreeMap<&str, u64>) {
    let compiler =
        text.lines().next().and_then(|line| line.strip_prefix("# ")).unwrap_or("an unknown compiler");
    let rows = text.lines().filter_map(|line| {
        let (name, numbers) = line.strip_prefix('"')?.split_once("\",")?;
        Some((name, numbers.split_once(',')?.1.parse().ok()?))
    });
    (compiler, rows.collect())
}

/// The compiler and the kind of processor that it compiles for, on which counts depend.
fn this_compiler() -> String {
    let said = Command::new("rustc").arg("--version").output();
    let version = said.map_or_else(
        |_| "an unknown compiler".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    format!("{version} for {}", std::env::consts::ARCH)
}
