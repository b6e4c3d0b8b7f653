//! Guesses what a misspelt word was meant to be.

/// The candidate that is most like a word, if one is like enough: at most a third of the letters may differ
/// (Damerau-Levenshtein, ignoring case and taking `-`, `_` and spaces for the same). Of equals the first wins.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const LONGEST_WORD: usize = 64;
    if word.len() > LONGEST_WORD {
        return None;
    }
    let normal = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let word = normal(word);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST_WORD)
        .map(|candidate| (strsim::damerau_levenshtein(&word, &normal(candidate)), candidate))
        .filter(|(distance, candidate)| {
            let letters = word.chars().count().max(candidate.chars().count());
            *distance <= (letters / 3).max(1) && *distance < letters
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The guess as advice: ``did you mean `name`?``
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    did_you_mean(word, candidates).map(|guess| format!("did you mean `{guess}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likely_words_are_suggested_and_unlikely_ones_are_not() {
        let keys = ["name", "healthcheck", "dns_name", "cpu"];
        for (word, guess) in [
            ("nmae", Some("name")),
            ("health_check", Some("healthcheck")),
            ("DNS-Name", Some("dns_name")),
            ("cpus", Some("cpu")),
            ("x", None),
            ("volume", None),
            ("", None),
        ] {
            assert_eq!(did_you_mean(word, keys), guess, "{word}");
        }
        assert_eq!(suggestion("nmae", keys).as_deref(), Some("did you mean `name`?"));
    }
}
