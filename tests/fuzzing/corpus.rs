//! Stored texts: one file a target, a list in JSON with a text a line. A character stands for the byte of its number,
//! so that a text is legible and any bytes can be stored.

use std::fs;
use std::path::PathBuf;

/// Where those of a target are.
pub(crate) fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzzing/corpus").join(name).with_extension("json")
}

/// The stored texts of a target.
pub(crate) fn of(name: &str) -> Vec<Vec<u8>> {
    let Ok(text) = fs::read_to_string(path(name)) else { return Vec::new() };
    let lines: Vec<String> = serde_json::from_str(&text).expect("a list of texts");
    let byte = |letter: char| u8::try_from(letter).expect("a character for a byte");
    lines.into_iter().map(|line| line.chars().map(byte).collect()).collect()
}

/// A text as it is stored.
pub(crate) fn line(bytes: &[u8]) -> String {
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    serde_json::to_string(&text).expect("it is text")
}
