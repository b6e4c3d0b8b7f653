//! The part of the server: who holds which name, until when, and where it leads.
//!
//! A name belongs to whoever claims it first, for as long as they renew it. What is refused is refused with its reason,
//! in the order in which the reasons can be known: the form of the update, its signature, its age, then the record.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::name::{Name, NameError};
use super::update::{Purpose, SignedUpdate};
use crate::dms::identity::{Did, SignatureMode};
use crate::kernel::{Span, Timestamp};

/// The longest time for which an update may be good: so long must the server remember what it has taken.
pub const LONGEST_LIFE: Span = Span::mins(5);

/// What a server is told about its zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ZoneConfig {
    /// The zone: names below it are served.
    pub zone: Name,
    /// For how long answers may be remembered, and for how long that there is none.
    pub ttl: Span,
    /// For how long a name is held without being renewed.
    pub lease: Span,
}

/// A record of a zone.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Record {
    owner: Did,
    address: Ipv4Addr,
    until: Timestamp,
}

/// The last that an owner has said of a name, so that it is not taken twice: also when the name has been lost since.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Said {
    sequence: u64,
    /// Nothing older can be good after this.
    until: Timestamp,
}

/// What a server keeps of its zone.
#[derive(Clone, Debug)]
pub struct Zone {
    config: ZoneConfig,
    mode: SignatureMode,
    records: BTreeMap<Name, Record>,
    said: BTreeMap<(Name, Did), Said>,
}

/// An update was taken: the name is held for so long, counted from when it was taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lease(pub Span);

/// What is answered to somebody who asks for a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Where it leads; none where nobody holds the name.
    pub address: Option<Ipv4Addr>,
    /// For how long this may be remembered.
    pub ttl: Span,
}

/// Why an update was not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refusal {
    /// The text is no name.
    #[error("malformed name: {0}")]
    Malformed(#[from] NameError),
    /// The server has no say in it.
    #[error("the name is not below {0}")]
    OutsideZone(Name),
    /// Its owner did not sign it, or has no key.
    #[error("bad signature")]
    BadSignature,
    /// It came too late.
    #[error("the update has expired")]
    Expired,
    /// It would be good for longer than the server remembers.
    #[error("an update may be good for at most {LONGEST_LIFE}")]
    TooLong,
    /// The same owner has said this or something newer: the number is the last that was taken.
    #[error("stale sequence: the last was {0}")]
    Stale(u64),
    /// Another holds the name.
    #[error("name owned by another: {0}")]
    Taken(Did),
    /// Who wants to renew the name has lost it, or never had it.
    #[error("the lease has lapsed")]
    Lapsed,
}

impl Refusal {
    /// Its kind, in a few words: for tables.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed name",
            Self::OutsideZone(_) => "outside zone",
            Self::BadSignature => "bad signature",
            Self::Expired => "expired",
            Self::TooLong => "good for too long",
            Self::Stale(_) => "stale sequence",
            Self::Taken(_) => "owned by another",
            Self::Lapsed => "lease lapsed",
        }
    }
}

impl Zone {
    /// A zone without records.
    #[must_use]
    pub const fn new(config: ZoneConfig, mode: SignatureMode) -> Self {
        Self { config, mode, records: BTreeMap::new(), said: BTreeMap::new() }
    }

    /// What it was told about itself.
    #[must_use]
    pub const fn config(&self) -> &ZoneConfig {
        &self.config
    }

    /// Takes an update, or says why not.
    ///
    /// # Errors
    /// Why not; the records are as they were.
    pub fn update(&mut self, now: Timestamp, signed: &SignedUpdate) -> Result<Lease, Refusal> {
        self.forget(now);
        let update = &signed.update;
        let name = Name::parse(&update.name)?;
        if !name.is_below(&self.config.zone) {
            return Err(Refusal::OutsideZone(self.config.zone.clone()));
        }
        if !signed.holds(self.mode) {
            return Err(Refusal::BadSignature);
        }
        if update.expire <= now {
            return Err(Refusal::Expired);
        }
        if update.expire > now + LONGEST_LIFE {
            return Err(Refusal::TooLong);
        }
        let key = (name, update.owner.clone());
        let last = self.said.get(&key).copied();
        if let Some(Said { sequence, .. }) = last.filter(|last| last.sequence >= update.sequence) {
            return Err(Refusal::Stale(sequence));
        }
        match (self.records.get(&key.0), update.purpose) {
            (Some(record), _) if record.owner != update.owner => {
                return Err(Refusal::Taken(record.owner.clone()));
            }
            (None, Purpose::Renew) => return Err(Refusal::Lapsed),
            _ => {}
        }
        let until = last.map_or(update.expire, |last| last.until.max(update.expire));
        let record =
            Record { owner: update.owner.clone(), address: update.address, until: now + self.config.lease };
        self.records.insert(key.0.clone(), record);
        self.said.insert(key, Said { sequence: update.sequence, until });
        Ok(Lease(self.config.lease))
    }

    /// Where a name leads. What may be remembered of it never outlives the lease.
    #[must_use]
    pub fn look_up(&self, now: Timestamp, name: &Name) -> Answer {
        match self.records.get(name).filter(|record| now < record.until) {
            Some(record) => {
                let ttl = self.config.ttl.min(record.until.since(now));
                Answer { address: Some(record.address), ttl }
            }
            None => Answer { address: None, ttl: self.config.ttl },
        }
    }

    /// Records whose lease has ended are free for all; what was said is remembered for as long as it could be repeated,
    /// and while the name is still held by who said it.
    fn forget(&mut self, now: Timestamp) {
        self.records.retain(|_, record| now < record.until);
        let records = &self.records;
        self.said.retain(|(name, owner), said| {
            now < said.until || records.get(name).is_some_and(|record| record.owner == *owner)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dms::dynamic_dns::Update;
    use crate::dms::dynamic_dns::examples::{HERE, THERE, at};
    use crate::dms::identity::SecretKey;

    fn key(seed: u8, mode: SignatureMode) -> SecretKey {
        SecretKey::ed25519([seed; 32], mode)
    }

    fn zone(mode: SignatureMode) -> Zone {
        let zone = Name::parse("dyn.example").unwrap();
        Zone::new(ZoneConfig { zone, ttl: Span::secs(60), lease: Span::secs(600) }, mode)
    }

    fn update(purpose: Purpose, key: &SecretKey, address: Ipv4Addr, sequence: u64, now: Timestamp) -> Update {
        let (owner, expire) = (Did::from(key.public()), now + Span::secs(30));
        Update { purpose, name: "laptop.dyn.example".into(), address, owner, sequence, expire }
    }

    fn address(zone: &Zone, now: Timestamp) -> Option<Ipv4Addr> {
        zone.look_up(now, &Name::parse("laptop.dyn.example").unwrap()).address
    }

    #[test]
    fn a_name_is_its_owner_s_for_as_long_as_it_is_renewed() {
        for mode in [SignatureMode::Modelled, SignatureMode::Real] {
            let (mut zone, ann, bob) = (zone(mode), key(1, mode), key(2, mode));
            let say = |purpose, key: &SecretKey, place, sequence, second| {
                update(purpose, key, place, sequence, at(second)).sign(key)
            };
            assert_eq!(
                zone.update(at(0), &say(Purpose::Claim, &ann, HERE, 1, 0)),
                Ok(Lease(Span::secs(600)))
            );
            let taken = Err(Refusal::Taken(Did::from(ann.public())));
            assert_eq!(zone.update(at(1), &say(Purpose::Claim, &bob, THERE, 1, 1)), taken);
            assert_eq!(zone.update(at(2), &say(Purpose::Renew, &bob, THERE, 2, 2)), taken);
            assert_eq!(address(&zone, at(3)), Some(HERE));
            zone.update(at(300), &say(Purpose::Renew, &ann, THERE, 2, 300)).unwrap();
            assert_eq!(address(&zone, at(899)), Some(THERE));
            assert_eq!(address(&zone, at(900)), None);
            // To the second: it is free now, and its former owner must claim it like all others.
            let late = say(Purpose::Renew, &ann, HERE, 3, 900);
            assert_eq!(zone.update(at(900), &late), Err(Refusal::Lapsed));
            zone.update(at(901), &say(Purpose::Claim, &bob, THERE, 3, 901)).unwrap();
            assert_eq!(
                zone.update(at(902), &say(Purpose::Claim, &ann, HERE, 4, 902)),
                Err(Refusal::Taken(Did::from(bob.public())))
            );
        }
    }

    #[test]
    fn nothing_is_taken_twice_and_nothing_old() {
        let mode = SignatureMode::Modelled;
        let (mut zone, ann) = (zone(mode), key(1, mode));
        let first = update(Purpose::Claim, &ann, HERE, 7, at(0)).sign(&ann);
        zone.update(at(0), &first).unwrap();
        assert_eq!(zone.update(at(1), &first), Err(Refusal::Stale(7)));
        zone.update(at(2), &update(Purpose::Renew, &ann, THERE, 8, at(2)).sign(&ann)).unwrap();
        assert_eq!(zone.update(at(3), &first), Err(Refusal::Stale(8)));
        assert_eq!(zone.update(at(30), &first), Err(Refusal::Expired));
        assert_eq!(address(&zone, at(31)), Some(THERE));
        let mut eternal = update(Purpose::Renew, &ann, HERE, 9, at(31));
        eternal.expire = at(31) + LONGEST_LIFE + Span(1);
        assert_eq!(zone.update(at(31), &eternal.sign(&ann)), Err(Refusal::TooLong));
        // A short lease: the name is lost while what was said could still be repeated.
        zone.config.lease = Span::secs(5);
        let short = update(Purpose::Claim, &ann, HERE, 10, at(40)).sign(&ann);
        zone.update(at(40), &short).unwrap();
        assert_eq!(zone.update(at(50), &short), Err(Refusal::Stale(10)));
        assert_eq!(address(&zone, at(50)), None);
    }

    #[test]
    fn what_is_not_signed_by_its_owner_or_misnamed_is_refused() {
        for mode in [SignatureMode::Modelled, SignatureMode::Real] {
            let (mut zone, ann, bob) = (zone(mode), key(1, mode), key(2, mode));
            let honest = update(Purpose::Claim, &ann, HERE, 1, at(0));
            assert_eq!(zone.update(at(0), &honest.clone().sign(&bob)), Err(Refusal::BadSignature));
            let mut changed = honest.clone().sign(&ann);
            changed.update.address = THERE;
            assert_eq!(zone.update(at(0), &changed), Err(Refusal::BadSignature));
            let keyless = Update { owner: Did::from_text("did:prism:ann"), ..honest.clone() };
            assert_eq!(zone.update(at(0), &keyless.sign(&ann)), Err(Refusal::BadSignature));
            let named = |name: &str| Update { name: name.into(), ..honest.clone() }.sign(&ann);
            let wrong = NameError::Character(' ');
            assert_eq!(zone.update(at(0), &named("a b.dyn.example")), Err(Refusal::Malformed(wrong)));
            let outside = Err(Refusal::OutsideZone(Name::parse("dyn.example").unwrap()));
            for name in ["laptop.example", "dyn.example", "laptopdyn.example"] {
                assert_eq!(zone.update(at(0), &named(name)), outside);
            }
            assert!(zone.records.is_empty() && zone.said.is_empty());
        }
    }

    #[test]
    fn an_answer_never_outlives_the_lease() {
        let mode = SignatureMode::Modelled;
        let (mut zone, ann) = (zone(mode), key(1, mode));
        zone.update(at(0), &update(Purpose::Claim, &ann, HERE, 1, at(0)).sign(&ann)).unwrap();
        let name = Name::parse("Laptop.DYN.example.").unwrap();
        let ttl = |second| zone.look_up(at(second), &name).ttl;
        assert_eq!([ttl(0), ttl(540), ttl(590), ttl(600)].map(|ttl| ttl.0 / 1_000_000_000), [60, 60, 10, 60]);
    }
}
