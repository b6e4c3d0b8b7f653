//! DID documents, as the resolver of `did:prism` returns them, and the key inside (dms-capabilities section 1.2).

use std::collections::BTreeMap;
use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

use super::did::Did;
use super::key::{KeyKind, PublicKey};

/// Where the documents of DIDs come from. DMS asks a server (`GET <resolver>/api/dids/<did>`); whoever drives a
/// peer supplies one.
pub trait Resolver: fmt::Debug + Send + Sync {
    /// The document of `did`; `None` when there is none or it cannot be had.
    fn resolve(&self, did: &Did) -> Option<DidDocument>;
}

/// Documents that are known beforehand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DocumentTable(BTreeMap<Did, DidDocument>);

impl DocumentTable {
    /// Publishes a document under its id; an older one of the same id is replaced.
    pub fn publish(&mut self, document: DidDocument) {
        self.0.insert(Did::from_text(&document.id), document);
    }
}
impl Resolver for DocumentTable {
    fn resolve(&self, did: &Did) -> Option<DidDocument> {
        self.0.get(did).cloned()
    }
}

/// What a DID's owner publishes about it; members that DMS does not read are passed over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct DidDocument {
    /// The DID.
    pub id: String,
    /// Its keys.
    #[serde(rename = "verificationMethod", default)]
    pub methods: Vec<VerificationMethod>,
    /// Those that prove who it is: the preferred ones of DMS (`PreferredVerificationMethod`).
    #[serde(default)]
    pub authentication: Vec<Reference>,
}

/// A key of a document.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct VerificationMethod {
    /// The document's id, `#` and a name, or only the last two.
    pub id: String,
    /// How the key is written; only `JsonWebKey2020` is read.
    #[serde(rename = "type")]
    pub kind: String,
    /// The key.
    #[serde(rename = "publicKeyJwk", default, skip_serializing_if = "Option::is_none")]
    pub jwk: Option<JsonWebKey>,
}

/// The members of a JSON Web Key that matter here.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct JsonWebKey {
    /// The kind of key; `OKP` for Edwards curves.
    pub kty: String,
    /// The curve.
    #[serde(default)]
    pub crv: String,
    /// The public key, in base64url without padding.
    #[serde(default)]
    pub x: String,
}

/// A use of a key: its id, or the key itself.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reference {
    /// The id of one of the document's methods.
    Id(String),
    /// A method for this use only.
    Embedded(VerificationMethod),
}

impl DidDocument {
    /// The document of a DID with one Ed25519 key for authentication.
    #[must_use]
    pub fn with_key(did: &Did, key: &PublicKey) -> Self {
        let id = format!("{did}#key-1");
        let jwk = JsonWebKey {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            x: BASE64URL_NOPAD.encode(key.raw()),
        };
        let kind = "JsonWebKey2020".to_owned();
        Self {
            id: did.to_string(),
            methods: vec![VerificationMethod { id: id.clone(), kind, jwk: Some(jwk) }],
            authentication: vec![Reference::Id(id)],
        }
    }

    /// The first key for authentication that is an Ed25519 key in the form of `JsonWebKey2020`.
    #[must_use]
    pub fn authentication_key(&self) -> Option<PublicKey> {
        self.authentication.iter().filter_map(|used| self.method(used)).find_map(VerificationMethod::ed25519)
    }

    fn method<'a>(&'a self, used: &'a Reference) -> Option<&'a VerificationMethod> {
        // An id may be written with the document's in front of it or without.
        let name = |id: &'a str| id.strip_prefix(self.id.as_str()).unwrap_or(id);
        match used {
            Reference::Embedded(method) => Some(method),
            Reference::Id(id) => self.methods.iter().find(|method| name(&method.id) == name(id)),
        }
    }
}

impl VerificationMethod {
    fn ed25519(&self) -> Option<PublicKey> {
        let jwk = self.jwk.as_ref()?;
        if self.kind != "JsonWebKey2020" || jwk.kty != "OKP" || jwk.crv != "Ed25519" {
            return None;
        }
        let raw = BASE64URL_NOPAD.decode(jwk.x.as_bytes()).ok()?;
        PublicKey::from_raw(KeyKind::Ed25519, &raw).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{SecretKey, SignatureMode};
    use super::*;

    #[test]
    fn the_key_for_authentication() {
        let key = |seed| SecretKey::ed25519([seed; 32], SignatureMode::Real).public();
        let jwk = |seed| {
            let x = BASE64URL_NOPAD.encode(key(seed).raw());
            format!(r#""publicKeyJwk":{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#)
        };
        let text = format!(
            r##"{{
                "@context": ["https://www.w3.org/ns/did/v1"],
                "id": "did:prism:abc",
                "verificationMethod": [
                    {{"id": "did:prism:abc#old", "type": "EcdsaSecp256k1VerificationKey2019"}},
                    {{"id": "did:prism:abc#sign", "type": "JsonWebKey2020", {}}},
                    {{"id": "did:prism:abc#auth", "type": "JsonWebKey2020", "controller": "did:prism:abc", {}}}
                ],
                "assertionMethod": ["did:prism:abc#sign"],
                "authentication": ["#gone", "#old", "#auth"]
            }}"##,
            jwk(1),
            jwk(2),
        );
        let document: DidDocument = serde_json::from_str(&text).unwrap();
        assert_eq!(document.authentication_key(), Some(key(2)));
        let embedded = format!(
            r##"{{"id":"did:prism:abc","authentication":[{{"id":"#a","type":"JsonWebKey2020",{}}}]}}"##,
            jwk(3)
        );
        let document: DidDocument = serde_json::from_str(&embedded).unwrap();
        assert_eq!(document.authentication_key(), Some(key(3)));
        for (part, with) in [
            ("JsonWebKey2020", "JsonWebKey2019"),
            ("OKP", "EC"),
            ("Ed25519", "X25519"),
            (r#""x":""#, r#""x":"A"#),
            ("publicKeyJwk", "publicKeyHex"),
            ("authentication", "assertionMethod"),
        ] {
            assert!(embedded.contains(part));
            let document: DidDocument = serde_json::from_str(&embedded.replace(part, with)).unwrap();
            assert_eq!(document.authentication_key(), None, "{with}");
        }
    }

    #[test]
    fn a_document_reads_back() {
        let did = Did::from_text("did:prism:abc");
        let key = SecretKey::ed25519([1; 32], SignatureMode::Real).public();
        let document = DidDocument::with_key(&did, &key);
        assert_eq!(document.authentication_key(), Some(key));
        let text = serde_json::to_string(&document).unwrap();
        assert_eq!(serde_json::from_str::<DidDocument>(&text).unwrap(), document);
        let mut table = DocumentTable::default();
        table.publish(document.clone());
        assert_eq!(table.resolve(&did), Some(document));
        assert_eq!(table.resolve(&Did::from_text("did:prism:x")), None);
    }
}
