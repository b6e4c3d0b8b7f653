use std::sync::Arc;

use super::*;
use crate::dms::ensemble::{VolumeConfig, VolumeSource};
use crate::dms::identity::Did;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nZG1z\n-----END CERTIFICATE-----";

fn did(name: &str) -> Did {
    format!("did:key:{name}").parse().expect("a DID")
}

fn create(server: &mut VolumeServer, name: &str, pem: &str) -> Result<(), VolumeError> {
    let request = VolumeRequest::Create { name: name.into(), client_pem: pem.into() };
    server.carry_out(&request, &did("alice"), 7).map(drop)
}

#[test]
fn a_volume_is_created_started_mounted_and_deleted_by_its_creator_alone() {
    let mut server = VolumeServer::new("ca".into());
    create(&mut server, "data", PEM).expect("a free name");
    let name: Arc<str> = "data".into();
    assert_eq!(server.admit(&name, Some(PEM), Some("key")), Err(VolumeError::NotStarted(name.clone())));
    let start = VolumeRequest::Start(name.clone());
    server.carry_out(&start, &did("bob"), 0).expect("whoever may call it may start it");
    assert_eq!(server.carry_out(&start, &did("bob"), 0), Err(VolumeError::Started(name.clone())));
    let brick = server.admit(&name, Some(PEM), Some("key")).expect("the right keys").brick.clone();
    for (pem, key) in [(None, None), (Some(PEM), None), (Some(PEM), Some(" ")), (Some("other"), Some("key"))]
    {
        assert_eq!(
            server.admit(&name, pem, key),
            Err(VolumeError::NotAdmitted(Arc::clone(&name))),
            "{pem:?} {key:?}"
        );
    }
    let delete = VolumeRequest::Delete(name.clone());
    assert_eq!(server.carry_out(&delete, &did("bob"), 0), Err(VolumeError::NotCreator));
    assert!(server.has_brick(&brick));
    server.carry_out(&delete, &did("alice"), 0).expect("the creator");
    assert!(!server.has_brick(&brick));
    assert_eq!(server.carry_out(&delete, &did("alice"), 0), Err(VolumeError::UnknownOwner));
    assert_eq!(server.admit(&name, Some(PEM), Some("key")), Err(VolumeError::Missing(name)));
}

#[test]
fn what_is_wrong_with_a_new_volume_is_said() {
    let mut server = VolumeServer::new("ca".into());
    assert_eq!(create(&mut VolumeServer::default(), "data", PEM), Err(VolumeError::NoCluster));
    assert_eq!(create(&mut server, "", PEM), Err(VolumeError::Unnamed));
    for pem in [
        "",
        "text",
        "-----BEGIN CERTIFICATE-----ZG1z",
        "-----BEGIN CERTIFICATE----------END CERTIFICATE-----",
    ] {
        let refused = create(&mut server, "data", pem);
        assert!(matches!(refused, Err(VolumeError::InvalidPem(_))), "{pem}: {refused:?}");
    }
    create(&mut server, "data", PEM).expect("a free name");
    assert_eq!(create(&mut server, "data", PEM), Err(VolumeError::Exists("data".into())));
}

#[test]
fn a_server_that_forgets_its_owners_lets_nobody_delete() {
    for forgets in [false, true] {
        let mut server = VolumeServer::new("ca".into());
        create(&mut server, "data", PEM).expect("a free name");
        server.stop(forgets);
        let deleted = server.carry_out(&VolumeRequest::Delete("data".into()), &did("alice"), 0);
        assert_eq!(deleted.err(), forgets.then_some(VolumeError::UnknownOwner));
    }
}

fn local(src: &str, destination: &str) -> VolumeConfig {
    VolumeConfig {
        name: None,
        source: VolumeSource::Local { src: src.into() },
        mount_destination: destination.into(),
        read_only: false,
    }
}

fn shared(name: Option<&str>, servers: &[&str]) -> VolumeConfig {
    VolumeConfig {
        name: name.map(Arc::from),
        source: VolumeSource::Glusterfs {
            servers: servers.iter().map(|server| Arc::from(*server)).collect(),
            client_private_key: None,
            client_pem: None,
            client_ca: None,
        },
        mount_destination: "/data".into(),
        read_only: false,
    }
}

#[test]
fn mounts_have_their_places() {
    let mounts = mounts_of("a.b", &[local("/srv/db", "/db"), local("cache", "")]).expect("two places");
    let places: Vec<_> = mounts.iter().map(|mount| (&*mount.target, &*mount.destination)).collect();
    assert_eq!(places, [("volumes/a.b/_srv_db", "/db"), ("volumes/a.b/cache", "/cache")]);
}

#[test]
fn what_cannot_be_mounted_is_refused_before_anything_is_tried() {
    for (volumes, error) in [
        (vec![local("", "/db")], MountError::NoSource),
        (vec![shared(None, &["vault"])], MountError::NoVolume),
        (vec![shared(Some("data"), &[])], MountError::NoServers),
        (vec![local("a", "/db"), local("b", "/db")], MountError::AlreadyMounted("/db".into())),
    ] {
        assert_eq!(mounts_of("x", &volumes), Err(error));
    }
}
