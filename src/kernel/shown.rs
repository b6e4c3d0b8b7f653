//! Texts that come from outside, where people look at them: none of them may move a cursor, change a terminal or turn
//! the order in which what stands beside them is read.

use std::path::Path;

/// Whether a character does something where it is shown: control characters, and what turns the direction of writing.
#[must_use]
pub fn has_power(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// A path in a message: on one line, and what is not UTF-8 or has power is replaced.
#[must_use]
pub fn path_text(path: &Path) -> String {
    let shown = |character| if has_power(character) { char::REPLACEMENT_CHARACTER } else { character };
    path.to_string_lossy().chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_line_without_power() {
        assert_eq!(path_text(Path::new("a b/ü.yaml")), "a b/ü.yaml");
        assert_eq!(
            path_text(Path::new("a\nerror: \u{202e}x\u{1b}[2J\t")),
            "a\u{fffd}error: \u{fffd}x\u{fffd}[2J\u{fffd}"
        );
    }
}
