//! The fidelity `profile` of a scenario or of a group of peers: `intended`, `as-is`, or a base with differences.

use super::reader::{Map, Reader};
use crate::dms::ensemble::suggest::suggestion;
use crate::dms::ensemble::tree::Node;
use crate::dms::profile::{Profile, Weakness};

const WORDS: &[(&str, Profile)] = &[("intended", Profile::INTENDED), ("as-is", Profile::AS_IS)];
const KEYS: &[&str] = &["base", "fix", "add"];

/// `profile: as-is`, or `profile: {base: as-is, fix: [C1]}`, or `profile: {base: intended, add: [C9]}`.
pub(super) fn read(reader: &mut Reader, map: &Map<'_>) -> Option<Profile> {
    reader.optional(map, "profile", |reader, node| value(reader, node, "profile"))
}

/// A profile in one of its forms, under the key that it stands at.
pub(super) fn value(reader: &mut Reader, node: &Node, key: &str) -> Option<Profile> {
    if !node.is_map() {
        return reader.word(node, key, WORDS);
    }
    let mixed = reader.map(node, key, node.position, KEYS)?;
    let help = "write `base: as-is` or `base: intended`";
    let base = reader.required(&mixed, "base", help, |r, node| r.word(node, "base", WORDS));
    let fixed = weaknesses(reader, &mixed, "fix");
    let added = weaknesses(reader, &mixed, "add");
    let base = fixed.into_iter().fold(base?, Profile::without);
    Some(added.into_iter().fold(base, Profile::with))
}

/// A profile as it stands behind `profile:`.
///
/// # Errors
/// What is wrong with it.
pub fn parse_profile(text: &str) -> Result<Profile, String> {
    let node = super::yaml::parse(text.as_bytes()).map_err(|all| {
        all.first().map_or_else(|| "it is no profile".to_owned(), |finding| finding.message.clone())
    })?;
    let mut reader = Reader::default();
    let found = value(&mut reader, &node, "profile");
    let wrong = reader.findings.into_sorted();
    match (found, wrong.first()) {
        (Some(profile), None) => Ok(profile),
        (_, wrong) => Err(wrong.map_or_else(
            || "it is no profile".to_owned(),
            |finding| {
                let help = finding.help.as_deref().map(|help| format!("; {help}")).unwrap_or_default();
                format!("{}{help}", finding.message)
            },
        )),
    }
}

fn weaknesses(reader: &mut Reader, map: &Map<'_>, key: &str) -> Vec<Weakness> {
    reader.list(map, key).iter().filter_map(|node| weakness(reader, node)).collect()
}

fn weakness(reader: &mut Reader, node: &Node) -> Option<Weakness> {
    let text = reader.text(node, "the number of a weakness")?;
    let Ok(weakness) = text.parse() else {
        let help = suggestion(&text, Weakness::ALL.iter().map(|weakness| weakness.id()))
            .unwrap_or_else(|| "`dmsim list weaknesses` has all of them".to_owned());
        let shown = super::reader::shortened(&text);
        reader.error(node.position, format!("`{shown}` is not a weakness that this version has"), help);
        return None;
    };
    Some(weakness)
}

/// A profile as a scenario has it.
#[must_use]
pub fn write_profile(profile: Profile) -> String {
    let list = |present: bool| {
        let ids = Weakness::ALL.iter().filter(|&&w| profile.has(w) == present).map(|w| w.id());
        ids.collect::<Vec<_>>().join(", ")
    };
    match profile {
        Profile::INTENDED => "intended".to_owned(),
        Profile::AS_IS => "as-is".to_owned(),
        _ if profile.is_nearer_as_is() => {
            format!("{{base: as-is, fix: [{}]}}", list(false))
        }
        _ => format!("{{base: intended, add: [{}]}}", list(true)),
    }
}
