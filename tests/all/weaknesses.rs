//! Each scenario of `scenarios/weaknesses` shows the damage of one weakness of the real DMS: as-is an expectation
//! fails, and with that single weakness mended all of them pass. A file is called after the weakness:
//! `C04-displaced-token.yaml`.

use std::path::{Path, PathBuf};

use dmsim::dms::profile::Weakness;
use dmsim::reproduce::{ReproduceError, reproduce, scenarios};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/weaknesses")
}

#[test]
fn each_weakness_does_its_damage_until_it_alone_is_mended() {
    let mut wrong = Vec::new();
    for (weakness, file) in scenarios(&folder(), &[]).unwrap() {
        let found = reproduce(weakness, &file).unwrap_or_else(|error| panic!("{error}"));
        if !found.is_shown {
            wrong.push(format!("{}: as-is {:?}, mended {:?}", found.scenario, found.as_is, found.mended));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_known_weakness_is_a_switch() {
    let of_deployments = (1..=26).map(|number| format!("W{number}")).chain(["W6b".to_owned()]);
    let numbers: Vec<String> = of_deployments.chain((1..=16).map(|number| format!("C{number}"))).collect();
    let missing: Vec<&String> = numbers.iter().filter(|number| number.parse::<Weakness>().is_err()).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_eq!(Weakness::ALL.len(), numbers.len());
}

#[test]
fn every_weakness_has_a_scenario() {
    let found = scenarios(&folder(), &[]).unwrap();
    for weakness in Weakness::ALL {
        assert!(found.iter().any(|(own, _)| own == weakness), "{weakness} has no scenario");
    }
}

#[test]
fn a_scenario_of_a_weakness_is_short_and_says_what_it_shows() {
    for (weakness, path) in scenarios(&folder(), &[]).unwrap() {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.lines().count() <= 60, "{} is too long", path.display());
        let head = format!("# {weakness}: ");
        assert!(text.starts_with(&head), "{} must begin with `{head}`", path.display());
    }
}

#[test]
fn what_cannot_be_shown_is_said() {
    let said = |result: Result<_, ReproduceError>| result.err().map(|error| error.to_string());
    let nowhere = said(scenarios(Path::new("no/such/folder"), &[]).map(|_| ())).unwrap();
    assert!(nowhere.starts_with("cannot read the folder no/such/folder: "), "{nowhere}");
    let others = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let misnamed = said(scenarios(&others, &[]).map(|_| ())).unwrap();
    assert!(misnamed.contains("is not called after a weakness"), "{misnamed}");
    let file = folder().join("C01-replay.yaml");
    let mended = said(reproduce(Weakness::UnboundDid, &others.join("calm.yaml")).map(|_| ())).unwrap();
    assert!(mended.ends_with("calm.yaml mends C2, which it is to show"), "{mended}");
    assert_eq!(said(scenarios(&folder(), &[Weakness::UncheckedNonces]).map(|_| ())), None);
    assert!(!reproduce(Weakness::UnboundDid, &file).unwrap().is_shown, "C2 is not what C01 shows");
}
