//! What steps can say: phrases with what they mean.
//!
//! A step is looked for among all phrases; none is an error of the file, and so are two. A phrase sets the scene
//! ([`Act::Set`], before anything happens), does something ([`Act::Do`]) or asserts something ([`Act::Check`]). A
//! scenario without an assertion is an error, for it would pass whatever happens.

use std::sync::LazyLock;

use super::expression::Phrase;
use super::failure::{Done, Failure};
use super::feature::{Quoted, Step};
use super::play::Play;
use super::setting::Setting;
use super::steps;
use crate::dms::ensemble::suggest::suggestion;

/// What a phrase is for.
#[derive(Clone, Copy)]
pub(super) enum Act {
    /// It says what there is.
    Set(fn(&mut Setting, &Args<'_>) -> Done),
    /// It does something.
    Do(fn(&mut Play<'_, '_>, &Args<'_>) -> Done),
    /// It asserts something.
    Check(fn(&mut Play<'_, '_>, &Args<'_>) -> Done),
}

impl Act {
    /// A word for lists.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Set(_) => "set",
            Self::Do(_) => "do",
            Self::Check(_) => "check",
        }
    }
}

/// A phrase with its meaning.
pub(super) struct Entry {
    /// In Cucumber's expressions.
    pub(super) phrase: &'static str,
    pub(super) act: Act,
    /// What it does or asserts, for readers.
    pub(super) meaning: &'static str,
}

/// Phrases that belong together.
pub(super) struct Chapter {
    /// Their title in lists.
    pub(super) title: &'static str,
    pub(super) entries: &'static [Entry],
}

/// What stands in a step beside its phrase.
pub(super) struct Args<'a> {
    values: Vec<String>,
    step: &'a Step,
}

impl Args<'_> {
    /// The text in the place of this parameter, from 0.
    pub(super) fn text(&self, place: usize) -> &str {
        &self.values[place]
    }

    /// The number in the place of this parameter.
    pub(super) fn int(&self, place: usize) -> Result<u64, Failure> {
        let text = self.text(place);
        text.parse().map_err(|_| Failure::Bad(format!("`{text}` is not a number from 0 on")))
    }

    /// Whether the step contains a word, where its phrase leaves a choice.
    pub(super) fn says(&self, word: &str) -> bool {
        self.step.text.contains(word)
    }

    /// The table below the step.
    pub(super) fn table(&self) -> Result<&[Vec<String>], Failure> {
        let table = self.step.table.as_deref();
        table.ok_or_else(|| Failure::Bad("a table must stand below it".to_owned()))
    }

    /// The text in triple quotes below the step.
    pub(super) fn quoted(&self) -> Result<&Quoted, Failure> {
        let quoted = self.step.quoted.as_ref();
        quoted.ok_or_else(|| Failure::Bad("a text in triple quotes must stand below it".to_owned()))
    }
}

/// A step with the phrase that it is.
pub(super) struct Matched<'a> {
    pub(super) entry: &'static Entry,
    pub(super) args: Args<'a>,
}

/// All phrases.
pub(super) static ALL: &[&Chapter] = steps::ALL;

/// The phrases as they are compared with.
static PHRASES: LazyLock<Vec<(Phrase, &'static Entry)>> = LazyLock::new(|| {
    let entries = ALL.iter().flat_map(|chapter| chapter.entries);
    entries.map(|entry| (Phrase::new(entry.phrase), entry)).collect()
});

/// The phrase that a step is.
///
/// # Errors
/// That it is none, or several; and what to do about it.
pub(super) fn find(step: &Step) -> Result<Matched<'_>, (String, String)> {
    let mut found =
        PHRASES.iter().filter_map(|(phrase, entry)| Some((phrase, entry, phrase.matches(&step.text)?)));
    let Some((phrase, entry, values)) = found.next() else {
        let message = format!("no step is called `{} {}`", step.keyword, step.text);
        let help = suggestion(&shape(&step.text), PHRASES.iter().map(|(phrase, _)| phrase.text()))
            .unwrap_or_else(|| "`dmsim list steps` prints all of them".to_owned());
        return Err((message, help));
    };
    if let Some((other, ..)) = found.next() {
        let message = format!("`{}` is both `{}` and `{}`", step.text, phrase.text(), other.text());
        return Err((message, "say it otherwise".to_owned()));
    }
    Ok(Matched { entry, args: Args { values, step } })
}

/// A step with parameters in the places of what is quoted or counted, to be compared with phrases.
fn shape(step: &str) -> String {
    let mut text = String::new();
    for (place, part) in step.split('"').enumerate() {
        if place % 2 == 1 {
            text += "{string}";
            continue;
        }
        let words = part.split(' ').map(|word| match word.parse::<u64>() {
            Ok(_) => "{int}",
            Err(_) => word,
        });
        text += &words.collect::<Vec<_>>().join(" ");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_phrase_is_an_expression_and_none_stands_twice() {
        let mut all: Vec<&str> = PHRASES.iter().map(|(phrase, _)| phrase.text()).collect();
        all.sort_unstable();
        let count = all.len();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_step_that_is_no_phrase_leads_to_the_closest() {
        assert_eq!(shape("\"A b\" has 2 tasks"), "{string} has {int} tasks");
        let step = |text: &str| Step {
            keyword: "When".to_owned(),
            text: text.to_owned(),
            table: None,
            quoted: None,
            line: 1,
        };
        let own = step("\"Alice\" restart DMS");
        let Err((_, help)) = find(&own) else { panic!("it is found") };
        assert!(help.contains("{string} restarts DMS"), "{help}");
        assert!(find(&step("\"Alice\" restarts DMS")).is_ok());
    }
}
