//! The byte forms of tokens: exact texts, lengths, round trips.

use std::sync::Arc;

use proptest::prelude::*;

use super::lab::{ANY, Lab};
use crate::dms::capability::*;
use crate::dms::identity::{Did, Signable, Signature, SignatureMode};
use crate::kernel::Timestamp;

fn claims(action: Action) -> Claims {
    Claims {
        action,
        issuer: Did::from_text("did:x:i"),
        subject: Did::from_text("did:x:s"),
        audience: ANY,
        topics: TopicList::new(),
        capabilities: CapabilityList::new(),
        nonce: [0; 12],
        expire: Timestamp(7),
        depth: 0,
    }
}

#[test]
fn the_text_is_exact() {
    let parent = Token::assemble(claims(Action::Delegate), None, Some(Signature::from([0; 64])));
    let zeros = format!("{}==", "A".repeat(86));
    let head = r#"{"act":"delegate","iss":{"uri":"did:x:i"},"sub":{"uri":"did:x:s"},"aud":{}"#;
    let parent_text =
        format!(r#"{{"dms":{head},"cap":null,"nonce":"AAAAAAAAAAAAAAAA","exp":7,"sig":"{zeros}"}}}}"#);
    assert_eq!(String::from_utf8(parent.to_json()).unwrap(), parent_text);

    let mut leaf = claims(Action::Broadcast);
    leaf.audience = Did::from_text("did:x:a");
    leaf.topics.push(Capability::fixed("t<"));
    leaf.capabilities.extend([Capability::fixed("/a"), Capability::fixed("/b&")]);
    leaf.depth = 3;
    let leaf = Token::assemble(leaf, Some(Arc::new(parent)), None);
    let expected = format!(
        r#"{{"act":"broadcast","iss":{{"uri":"did:x:i"}},"sub":{{"uri":"did:x:s"}},"aud":{{"uri":"did:x:a"}},"topic":["t\u003c"],"cap":["/a","/b\u0026"],"nonce":"AAAAAAAAAAAAAAAA","exp":7,"depth":3,"chain":{parent_text}}}"#
    );
    assert_eq!(String::from_utf8(leaf.to_json()).unwrap(), format!(r#"{{"dms":{expected}}}"#));
    let mut signed = Vec::new();
    leaf.signing_bytes(&mut signed);
    assert_eq!(String::from_utf8(signed).unwrap(), format!("dms:token:{expected}"));
    let list = TokenList::from(leaf);
    assert_eq!(String::from_utf8(list.to_json()).unwrap(), format!(r#"{{"tok":[{{"dms":{expected}}}]}}"#));
}

#[test]
fn an_empty_list_and_none_are_told_apart() {
    let text = |cap: &str| {
        format!(
            r#"{{"dms":{{"act":"invoke","iss":{{}},"sub":{{}},"aud":{{}},"cap":{cap},"nonce":"AAAAAAAAAAAAAAAA","exp":1}}}}"#
        )
    };
    let (null, empty) = (text("null"), text("[]"));
    let (a, b) = (Token::from_json(null.as_bytes()).unwrap(), Token::from_json(empty.as_bytes()).unwrap());
    assert_eq!((a.to_json(), b.to_json()), (null.into_bytes(), empty.into_bytes()));
    assert_ne!(a, b);
}

#[test]
fn envelopes_without_a_dms_token() {
    assert_eq!(Token::from_json(br#"{"ucan":{}}"#), Err(CapabilityError::BadToken));
    assert_eq!(TokenList::from_json(br#"{"tok":[{"ucan":{}}]}"#).unwrap().len(), 0);
    assert!(TokenList::from_json(br#"{"tok":null}"#).unwrap().is_empty());
    assert!(matches!(TokenList::from_json(b"[").unwrap_err(), CapabilityError::Unmarshal(_)));
}

#[test]
fn a_signature_of_another_length_is_kept_and_never_valid() {
    let lab = Lab::new(SignatureMode::Modelled, Rules::INTENDED);
    let a = lab.context("a");
    let say = lab.say(a.did(), &["/x"]);
    let token = a.grant(Action::Delegate, &say.as_delegation(), [1; 12]);
    let text = String::from_utf8(token.to_json()).unwrap();
    let cut = text.find(r#""sig":""#).unwrap();
    let text = format!("{}\"sig\":\"AAAA\"}}}}", &text[..cut]);
    let spoilt = Token::from_json(text.as_bytes()).unwrap();
    assert_eq!((spoilt.to_json(), spoilt.json_len()), (text.clone().into_bytes(), text.len()));
    let error = verify::verify(&spoilt, a.trust(), lab.now, a.revocations(), lab.rules).unwrap_err();
    assert_eq!(error.rule, Rule::Signature);
}

#[test]
fn revocation_keys_have_their_text() {
    let token = Token::assemble(claims(Action::Delegate), None, None);
    assert_eq!(token.revocation_key().to_bytes(), b"did:x:i#did:x:s#\0\0\0\0\0\0\0\0\0\0\0\0");
}

fn did() -> impl Strategy<Value = Did> {
    prop_oneof![
        Just(Did::Empty),
        (0..5u8).prop_map(|n| {
            crate::dms::identity::SecretKey::ed25519([n; 32], SignatureMode::Modelled).public().into()
        }),
        "[a-z<&\"\u{1}é]{1,6}".prop_map(|text| Did::from_text(&text)),
    ]
}

fn link() -> impl Strategy<Value = (Claims, Option<u8>)> {
    let action = prop_oneof![
        Just(Action::Invoke),
        Just(Action::Delegate),
        Just(Action::Broadcast),
        Just(Action::Revoke)
    ];
    let texts =
        || proptest::collection::vec("[/a-c<>&\\\\\"\n\u{2028}é]{0,8}".prop_map(Capability::from), 0..4);
    let numbers =
        (any::<[u8; 12]>(), prop_oneof![0..20u64, any::<u64>()], prop_oneof![Just(0), any::<u64>()]);
    (action, did(), did(), did(), texts(), texts(), numbers, any::<Option<u8>>()).prop_map(
        |(action, issuer, subject, audience, topics, capabilities, (nonce, expire, depth), signature)| {
            let claims = Claims {
                action,
                issuer,
                subject,
                audience,
                topics: topics.into(),
                capabilities: capabilities.into(),
                nonce,
                expire: Timestamp(expire),
                depth,
            };
            (claims, signature)
        },
    )
}

fn token() -> impl Strategy<Value = Token> {
    proptest::collection::vec(link(), 1..4).prop_map(|links| {
        let mut token = None;
        for (claims, signature) in links {
            let signature = signature.map(|byte| Signature::from([byte; 64]));
            token = Some(Token::assemble(claims, token.map(Arc::new), signature));
        }
        token.expect("at least one link")
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn lengths_are_exact_and_texts_read_back(tokens in proptest::collection::vec(token(), 0..3)) {
        let list: TokenList = tokens.into_iter().collect();
        let text = list.to_json();
        prop_assert_eq!(list.json_len(), text.len());
        let back = TokenList::from_json(&text).unwrap();
        prop_assert_eq!(back.to_json(), text);
        prop_assert_eq!(&back, &list);
        // serde's own form differs in escapes alone.
        let json = serde_json::to_string(&list).unwrap();
        prop_assert_eq!(&serde_json::from_str::<TokenList>(&json).unwrap(), &list);
    }

    #[test]
    fn fingerprints_are_equal_exactly_when_the_signing_bytes_are(
        (a, _) in link(), change in 0..9usize, parent in proptest::option::of(token()),
    ) {
        let mut b = a.clone();
        match change {
            0 => {}
            1 => b.nonce[11] ^= 1,
            2 => b.expire.0 ^= 1,
            3 => b.depth ^= 1,
            4 => b.issuer = Did::from_text("did:x:other"),
            5 => std::mem::swap(&mut b.subject, &mut b.audience),
            6 => b.topics.push(Capability::fixed("/t")),
            7 => b.capabilities.reverse(),
            _ => { b.capabilities.pop(); }
        }
        let parent = parent.map(Arc::new);
        let one = Token::assemble(a, parent.clone(), None);
        let other = Token::assemble(b, parent, None);
        let (mut bytes, mut other_bytes) = (Vec::new(), Vec::new());
        one.signing_bytes(&mut bytes);
        other.signing_bytes(&mut other_bytes);
        prop_assert_eq!(Signable::fingerprint(&one) == Signable::fingerprint(&other), bytes == other_bytes);
    }
}
