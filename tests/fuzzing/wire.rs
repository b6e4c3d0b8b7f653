//! Tokens and envelopes. What can be read is written as bytes that read back as the same and are written the same.

use dmsim::dms::actor::{WireEnvelope, WireOptions};
use dmsim::dms::capability::{Action, CapabilityContext, Delegation, Rules, SelfSign, Token, TokenList};
use dmsim::dms::identity::{Did, DidDocument, Handle, KeyKind, SecretKey, SignatureMode};
use dmsim::kernel::Timestamp;

use super::{Outcome, Target};

const WORDS: [&str; 24] = [
    "null",
    "{}",
    "[]",
    "\"\"",
    "-1",
    "0",
    "18446744073709551615",
    "1e9",
    "{\"dms\":",
    "{\"ucan\":{}}",
    ",\"chain\":",
    ",\"topic\":[]",
    ",\"depth\":1",
    ",\"sig\":\"\"",
    "\"act\":\"revoke\"",
    "{\"uri\":\"\"}",
    "did:key:z",
    "did:prism:a",
    "\\u0000",
    "\\ud800",
    "\u{2028}",
    "<&>",
    "true",
    "}}}}",
];

/// Readers of tokens and envelopes.
pub(super) struct Wire {
    written: Vec<Vec<u8>>,
    context: CapabilityContext,
}

impl Wire {
    pub(super) fn new() -> Self {
        let (written, context) = written();
        Self { written, context }
    }
}

impl Target for Wire {
    fn name(&self) -> &'static str {
        "wire"
    }

    fn texts(&self) -> Vec<Vec<u8>> {
        self.written.clone()
    }

    fn words(&self) -> &'static [&'static str] {
        &WORDS
    }

    fn longest(&self) -> usize {
        // Twice what a message may carry, so that the limit is passed too.
        2 * TokenList::MAX_BYTES
    }

    fn give(&mut self, bytes: &[u8]) -> Outcome {
        read_all(bytes, &self.context)
    }
}

/// What a reader made of bytes, where that can be told.
fn note<T, E: std::fmt::Display>(outcome: &mut Outcome, reader: &str, read: Result<T, E>) -> Option<T> {
    match read {
        Ok(what) => {
            outcome.read = true;
            outcome.looks.push(format!("{reader} read"));
            Some(what)
        }
        Err(error) => {
            outcome.looks.push(format!("{reader} {error}"));
            None
        }
    }
}

/// Gives bytes to every reader, and holds those that read them to their promises.
fn read_all(bytes: &[u8], context: &CapabilityContext) -> Outcome {
    let mut outcome = Outcome::default();
    if let Some(token) = note(&mut outcome, "token", Token::from_json(bytes)) {
        let written = token.to_json();
        assert_eq!(written.len(), token.json_len(), "{}", shown(bytes));
        let again = Token::from_json(&written).unwrap_or_else(|error| panic!("{error}: {}", shown(bytes)));
        assert_eq!((again.to_json(), &again), (written, &token), "{}", shown(bytes));
    }
    if let Some(list) = note(&mut outcome, "list", TokenList::from_json(bytes)) {
        let written = list.to_json();
        assert_eq!(written.len(), list.json_len(), "{}", shown(bytes));
        let again =
            TokenList::from_json(&written).unwrap_or_else(|error| panic!("{error}: {}", shown(bytes)));
        assert_eq!((again.to_json(), &again), (written, &list), "{}", shown(bytes));
    }
    // Whatever it is, a receiver takes it up or not, explains it, and can forget it.
    let mut receiver = context.clone();
    let now = Timestamp(1);
    if let Ok(consumption) = receiver.consume_blob(context.did(), bytes, now) {
        let refused = consumption.refused.iter().map(|refusal| format!("refused {refusal:?}"));
        outcome.looks.extend(refused);
        let list = TokenList::from_json(bytes).expect("what was consumed was read");
        assert_eq!(usize::from(consumption.kept) + consumption.refused.len(), list.len());
        receiver.discard(&list);
        assert!(receiver.consumed().is_empty(), "{}", shown(bytes));
    }
    if let Some(envelope) = note(&mut outcome, "envelope", WireEnvelope::from_json(bytes)) {
        let written = envelope.to_json();
        let again =
            WireEnvelope::from_json(&written).unwrap_or_else(|error| panic!("{error}: {}", shown(bytes)));
        assert_eq!((again.to_json(), &again), (written, &envelope), "{}", shown(bytes));
        let _ = envelope.is_signed();
    }
    if let Some(document) = note(&mut outcome, "document", serde_json::from_slice::<DidDocument>(bytes)) {
        let _ = document.authentication_key();
    }
    if let Ok(text) = str::from_utf8(bytes) {
        let did = Did::from_text(text);
        assert_eq!(did.to_string(), text);
        assert_eq!(did.text_len(), text.len());
        let _ = (did.public_key(), Did::parse(text));
    }
    outcome
}

fn shown(bytes: &[u8]) -> String {
    format!("the bytes {:?}", String::from_utf8_lossy(bytes))
}

/// Texts as DMS writes them, and a receiver for whom they are meant.
fn written() -> (Vec<Vec<u8>>, CapabilityContext) {
    let mode = SignatureMode::Modelled;
    let key = |seed, kind| SecretKey::from_seed(kind, [seed; 32], mode).expect("a seed below the order");
    let context = |seed, kind| CapabilityContext::new("fuzz", key(seed, kind), Rules::AS_IS);
    let org = context(1, KeyKind::Ed25519);
    let mut user = context(2, KeyKind::Secp256k1);
    let receiver = context(3, KeyKind::Ed25519);
    let (capabilities, topics) = (["/dms/deployment".into(), "/public".into()], ["/nunet".into()]);
    let user_did = user.did().clone();
    let say = Delegation {
        subject: &user_did,
        audience: &Did::Empty,
        topics: &topics,
        expire: Timestamp(u64::MAX / 2),
        depth: 3,
        capabilities: &capabilities,
    };
    let granted = std::sync::Arc::new(org.grant(Action::Delegate, &say, [7; 12]));
    let anchors =
        dmsim::dms::capability::Anchors { provide: std::slice::from_ref(&granted), ..Default::default() };
    user.add_roots(&anchors, Timestamp(1)).expect("a good token");
    let mut tokens = TokenList::new();
    let to_receiver = Delegation { subject: receiver.did(), audience: receiver.did(), ..say };
    user.delegate(&to_receiver, SelfSign::Also, Timestamp(1), &mut || [8; 12], &mut tokens)
        .expect("authority");
    tokens.push(org.revoke(&granted).expect("its issuer"));
    let (sender, to) = (Handle::root(user.secret().public()), Handle::root(receiver.secret().public()));
    let options = |topic: &str| WireOptions {
        expire: Timestamp(30),
        reply_to: "/dms/actor/replyto/1".to_owned(),
        topic: topic.to_owned(),
    };
    let envelope = |to: Option<Handle>, topic| WireEnvelope {
        to,
        behaviour: "/public/hello".to_owned(),
        from: sender.clone(),
        nonce: 5,
        options: options(topic),
        message: b"{\"DID\":\"x\"}".to_vec(),
        tokens: tokens.to_json(),
        signature: vec![9; 64],
    };
    let document = DidDocument::with_key(&Did::from_text("did:prism:abc"), &receiver.secret().public());
    let texts = vec![
        granted.to_json(),
        tokens[0].to_json(),
        tokens.to_json(),
        TokenList::new().to_json(),
        envelope(Some(to), "").to_json(),
        envelope(None, "/nunet/hello").to_json(),
        serde_json::to_vec(&document).expect("a document has only string keys"),
        user.did().to_string().into_bytes(),
    ];
    (texts, receiver)
}
