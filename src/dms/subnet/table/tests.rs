//! One provider's subnets, from creation to the end, and everything that they refuse.

use proptest::prelude::*;

use super::*;
use crate::dms::identity::{SecretKey, SignatureMode};

const RANGE: AddressRange = AddressRange::new([7, 200]);
const ID: EnsembleId = EnsembleId([1; 32]);
const OTHER: EnsembleId = EnsembleId([2; 32]);

fn peer(seed: u8) -> PeerId {
    SecretKey::ed25519([seed; 32], SignatureMode::Modelled).public().into()
}

fn address(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 7, 200, last)
}

fn record(name: &str, last: u8) -> DnsRecord {
    DnsRecord { name: name.into(), address: address(last) }
}

fn route(last: u8, seed: u8) -> Route {
    Route { address: address(last), peer: peer(seed) }
}

/// A subnet with `web` at .2 on this peer (1) and a route to .3 on another (2).
fn with_web() -> (Subnets, Arc<str>) {
    let mut subnets = Subnets::default();
    let web: Arc<str> = "web".into();
    subnets.create(ID, RANGE, &[route(2, 1), route(3, 2)]).expect("it is the first");
    subnets.add_peer(ID, &web, address(2), peer(1)).expect("the address is free and here");
    (subnets, web)
}

#[test]
fn a_name_leads_to_an_address_and_a_peer() {
    let (mut subnets, _) = with_web();
    let records = [record("web.internal", 2), record("db.internal", 3), record("late.internal", 4)];
    let own = subnets.add_records(ID, "web", &records).expect("it has an address");
    assert_eq!(own.as_deref(), Some("web.internal"));
    let db = Endpoint { address: address(3), peer: peer(2) };
    assert_eq!(subnets.resolve(ID, "web", "db.internal"), Ok(db));
    assert_eq!(subnets.at(ID, address(2)).map(|id| &**id), Some("web"));
    assert_eq!(subnets.at(ID, address(3)), None, "that one lives elsewhere");

    // Why a name leads nowhere, in the order in which it is followed.
    let failed = |from: &str, name: &str| subnets.resolve(ID, from, name).expect_err(name).to_string();
    assert_eq!(failed("db", "web.internal"), "the allocation has no address in the subnet");
    assert_eq!(failed("web", "db"), "no such name: db");
    assert_eq!(failed("web", "late.internal"), "no route to 10.7.200.4");
    assert_eq!(subnets.resolve(OTHER, "web", "web.internal"), Err(LookupError::NotConnected));
}

#[test]
fn an_allocation_that_has_moved_is_found_where_it_is_now() {
    let (mut subnets, _) = with_web();
    subnets.add_records(ID, "web", &[record("db.internal", 3)]).expect("it has an address");
    subnets.accept_peers(ID, &[route(3, 9)]).expect("the subnet exists");
    let moved = subnets.resolve(ID, "web", "db.internal").expect("the name is known");
    assert_eq!(moved.peer, peer(9));
    assert_eq!(subnets.accept_peers(OTHER, &[]), Err(SubnetError::Missing(OTHER)));
}

#[test]
fn a_subnet_that_was_not_destroyed_is_in_the_way() {
    let (mut subnets, web) = with_web();
    let again = subnets.create(ID, RANGE, &[]).expect_err("it exists");
    assert_eq!(again.to_string(), format!("subnet with ID {ID} already exists"));
    assert!(subnets.at(ID, address(2)).is_some(), "the former one keeps what it has");

    subnets.destroy(ID);
    subnets.destroy(ID);
    let missing = format!("subnet with ID {ID} does not exist");
    let refused = subnets.add_peer(ID, &web, address(2), peer(1)).expect_err("it is gone");
    assert_eq!(refused.to_string(), missing);
    let names = subnets.add_records(ID, "web", &[]).expect_err("it is gone");
    assert_eq!(names.to_string(), missing);
    let mapped = subnets.map_port(ID, "web", (0, 80), &Ports::default());
    assert_eq!(mapped, Err(SubnetError::Missing(ID)));
    assert_eq!(subnets.create(ID, RANGE, &[]), Ok(()));
    assert_eq!(subnets.at(ID, address(2)), None, "nothing of the former one is left");
}

#[test]
fn addresses_are_given_once() {
    let (mut subnets, web) = with_web();
    let db: Arc<str> = "db".into();
    let mut add = |id, who, last, here| {
        subnets.add_peer(id, who, address(last), peer(here)).expect_err("it is refused").to_string()
    };
    assert_eq!(add(ID, &db, 2, 1), "address 10.7.200.2 is already in use on this machine");
    assert_eq!(add(ID, &web, 2, 1), "the allocation has the address 10.7.200.2 already");
    assert_eq!(add(ID, &db, 1, 1), "address 10.7.200.1 is not one for an allocation of 10.7.200.0/24");
    assert_eq!(add(ID, &db, 3, 1), "address 10.7.200.3 has no route to this peer");
    assert_eq!(add(ID, &db, 9, 1), "address 10.7.200.9 has no route to this peer");

    // Another ensemble has drawn the same range.
    subnets.create(OTHER, RANGE, &[route(2, 1), route(3, 1)]).expect("it is another one");
    let taken = subnets.add_peer(OTHER, &db, address(2), peer(1));
    assert_eq!(taken, Err(SubnetError::AddressInUse(address(2))));
    assert_eq!(subnets.add_peer(OTHER, &db, address(3), peer(1)), Ok(()));
    subnets.remove(ID, "web");
    subnets.remove(OTHER, "db");
    assert_eq!(subnets.add_peer(OTHER, &db, address(2), peer(1)), Ok(()), "what has ended holds nothing");
}

#[test]
fn a_port_leads_to_its_allocation_once() {
    let (mut subnets, _) = with_web();
    let mut ports = Ports::default();
    ports.reserve(&"web".into(), &[20_000], 2).expect("all are free");
    ports.reserve(&"other".into(), &[20_001], 0).expect("all are free");
    let mut map = |public| subnets.map_port(ID, "web", (public, 80), &ports);
    assert_eq!(map(20_000), Ok(20_000));
    assert_eq!(map(0), Ok(16_384), "any means one of the dynamic ones, lowest first");
    assert_eq!(map(0), Ok(16_385));
    let said = |result: Result<u16, SubnetError>| result.expect_err("it is refused").to_string();
    assert_eq!(said(map(0)), "not enough free dynamic ports");
    assert_eq!(said(map(20_000)), "port 20000 is already mapped");
    assert_eq!(said(map(20_001)), "port 20001 is already reserved");
    assert_eq!(said(map(20_002)), "port 20002 is not reserved");
    assert_eq!(
        said(subnets.map_port(ID, "db", (0, 80), &ports)),
        "the allocation has no address in the subnet"
    );
}

proptest! {
    /// Whatever is asked in whatever order: no address of a machine is given twice, and each leads to who has it.
    #[test]
    fn no_two_allocations_of_a_machine_share_an_address(
        steps in prop::collection::vec((0_u8..4, 0_u8..2, 0_u8..6, 0_u8..8), 0..60)
    ) {
        let mut subnets = Subnets::default();
        for (what, ensemble, who, last) in steps {
            let (id, name): (_, Arc<str>) = (EnsembleId([ensemble; 32]), format!("a{who}").into());
            match what {
                0 => drop(subnets.create(id, RANGE, &[2, 3, 4, 5, 6].map(|last| route(last, 1)))),
                1 => {
                    let added = subnets.add_peer(id, &name, address(last), peer(1)).is_ok();
                    prop_assert!(!added || subnets.at(id, address(last)) == Some(&name));
                }
                2 => subnets.remove(id, &name),
                _ if who == 0 => subnets.destroy(id),
                _ => {}
            }
            let members = subnets.all.values().flat_map(|subnet| subnet.members.values());
            let mut given: Vec<Ipv4Addr> = members.map(|member| member.address).collect();
            prop_assert!(given.iter().all(|address| RANGE.is_for_allocation(*address)));
            given.sort_unstable();
            let count = given.len();
            given.dedup();
            prop_assert_eq!(given.len(), count);
        }
    }
}

#[test]
fn a_node_that_joins_keeps_the_subnet_and_learns_everything_anew() {
    let mut subnets = Subnets::default();
    let join = |subnets: &mut Subnets, last, routes: &[Route], name: &str| {
        subnets.join(ID, address(last), peer(1), routes, &[record(name, 3)])
    };
    let routes = [route(9, 1), route(3, 2)];
    assert_eq!(join(&mut subnets, 9, &routes, "web"), Err(SubnetError::Missing(ID)));
    subnets.create(ID, RANGE, &[]).expect("it is the first");
    join(&mut subnets, 9, &routes, "web").expect("the address is free and here");
    let there = Endpoint { address: address(3), peer: peer(2) };
    assert_eq!(subnets.resolve_here(ID, "web"), Ok(there));
    // A join that fails changes nothing.
    assert_eq!(join(&mut subnets, 3, &routes, "db"), Err(SubnetError::NotRoutedHere(address(3))));
    assert_eq!(subnets.resolve_here(ID, "web"), Ok(there));
    // The next one replaces all that was known.
    join(&mut subnets, 9, &routes, "db").expect("its own address is no other's");
    assert_eq!(subnets.resolve_here(ID, "web"), Err(LookupError::NoSuchName("web".into())));
    subnets.abandon(ID);
    assert_eq!(subnets.resolve_here(ID, "db"), Ok(there), "the node is still in it");
    assert_eq!(subnets.on_disk(|_| true).resolve_here(ID, "db"), Err(LookupError::NotConnected));
    subnets.destroy(ID);
    assert_eq!(subnets.resolve_here(ID, "db"), Err(LookupError::NotConnected));
}

#[test]
fn what_is_gone_leads_nowhere() {
    let (mut subnets, web) = with_web();
    subnets
        .add_records(ID, &web, &[record("web.internal", 2), record("db.internal", 3)])
        .expect("it has an address");
    subnets.remove_peers(ID, &[address(3), address(77)]).expect("the subnet is there");
    assert_eq!(subnets.resolve(ID, &web, "db.internal"), Err(LookupError::NoRoute(address(3))));
    subnets
        .remove_records(ID, &web, &["db.internal".into(), "nobody.internal".into()])
        .expect("it has an address");
    assert_eq!(subnets.resolve(ID, &web, "db.internal"), Err(LookupError::NoSuchName("db.internal".into())));
    assert!(subnets.resolve(ID, &web, "web.internal").is_ok(), "the others stay");
    assert_eq!(subnets.remove_peers(OTHER, &[]), Err(SubnetError::Missing(OTHER)));
    assert_eq!(subnets.remove_records(ID, "db", &[]), Err(SubnetError::NoAddress));
}
