//! The part of somebody who asks: what was answered, for exactly as long as it may be remembered.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::name::Name;
use super::zone::Answer;
use crate::kernel::Timestamp;

/// Answers that are remembered, also that a name leads nowhere (RFC 2308).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resolver {
    known: BTreeMap<Name, Known>,
}

/// What is known of a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Known {
    /// Where it leads; none: nowhere.
    pub address: Option<Ipv4Addr>,
    /// At this very moment it is known no more.
    pub until: Timestamp,
}

impl Resolver {
    /// What is still known of a name; none: the server must be asked.
    #[must_use]
    pub fn known(&self, now: Timestamp, name: &Name) -> Option<Known> {
        self.known.get(name).copied().filter(|known| now < known.until)
    }

    /// The server has answered.
    pub fn learn(&mut self, now: Timestamp, name: Name, answer: Answer) {
        self.known.retain(|_, known| now < known.until);
        self.known.insert(name, Known { address: answer.address, until: now + answer.ttl });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Span;

    #[test]
    fn answers_are_remembered_to_the_nanosecond_the_negative_ones_too() {
        let name = |text| Name::parse(text).unwrap();
        let now = Timestamp(1_000);
        let address = Some(Ipv4Addr::new(11, 0, 0, 1));
        let mut resolver = Resolver::default();
        resolver.learn(now, name("a.example"), Answer { address, ttl: Span(50) });
        resolver.learn(now, name("b.example"), Answer { address: None, ttl: Span(20) });
        let known = |resolver: &Resolver, at, text| resolver.known(Timestamp(at), &name(text));
        assert_eq!(known(&resolver, 1_049, "A.example").unwrap().address, address);
        assert_eq!(known(&resolver, 1_050, "a.example"), None);
        assert_eq!(
            known(&resolver, 1_019, "b.example"),
            Some(Known { address: None, until: Timestamp(1_020) })
        );
        assert_eq!(known(&resolver, 1_020, "b.example"), None);
        assert_eq!(known(&resolver, 1_000, "c.example"), None);
        // What has run out is forgotten, and does not fill the memory.
        resolver.learn(Timestamp(1_060), name("b.example"), Answer { address, ttl: Span::ZERO });
        assert_eq!(resolver.known.len(), 1);
        assert_eq!(known(&resolver, 1_060, "b.example"), None);
    }
}
