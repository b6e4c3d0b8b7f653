//! Bytes that are almost tokens and envelopes. Whatever they are, reading them does not panic; what can be read is
//! written as bytes that read back as the same and are written the same.
//!
//! A round changes a known text at random and gives it to every reader. What was read joins the known texts, so that
//! later rounds start from odd but readable ones. The same seed gives the same rounds.

use dmsim::dms::actor::{WireEnvelope, WireOptions};
use dmsim::dms::capability::{Action, CapabilityContext, Delegation, Rules, SelfSign, Token, TokenList};
use dmsim::dms::identity::{Did, DidDocument, Handle, KeyKind, SecretKey, SignatureMode};
use dmsim::kernel::Timestamp;

/// The most texts that are kept to start from.
const KNOWN: usize = 400;
/// The longest text: twice what a message may carry, so that the limit is passed too.
const LONGEST: usize = 2 * TokenList::MAX_BYTES;
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

/// Rounds from one seed.
pub(super) struct Fuzz {
    state: u64,
    known: Vec<Vec<u8>>,
    context: CapabilityContext,
    /// How many texts were read by some reader.
    pub(super) read: u64,
}

impl Fuzz {
    /// Rounds that start from texts as DMS writes them.
    pub(super) fn new(seed: u64) -> Self {
        let (known, context) = written();
        Self { state: seed, known, context, read: 0 }
    }

    /// A number below `bound`.
    fn pick(&mut self, bound: usize) -> usize {
        // SplitMix64.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) % bound.max(1) as u64) as usize
    }

    /// Changes a known text and gives it to every reader.
    pub(super) fn round(&mut self) {
        let at = self.pick(self.known.len());
        let mut bytes = self.known[at].clone();
        for _ in 0..=self.pick(4) {
            self.change(&mut bytes);
        }
        bytes.truncate(LONGEST);
        if read_all(&bytes, &self.context) {
            self.read += 1;
            if self.known.len() < KNOWN {
                self.known.push(bytes);
            } else {
                let at = self.pick(KNOWN);
                self.known[at] = bytes;
            }
        }
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let from = self.pick(bytes.len() + 1);
        let to = (from + self.pick(32)).min(bytes.len());
        match self.pick(7) {
            0 => drop(bytes.drain(from..to)),
            1 => {
                let copy = bytes[from..to].to_vec();
                let at = self.pick(bytes.len() + 1);
                bytes.splice(at..at, copy);
            }
            2 => {
                let word = WORDS[self.pick(WORDS.len())];
                bytes.splice(from..to, word.bytes());
            }
            3 => {
                let word = WORDS[self.pick(WORDS.len())];
                bytes.splice(from..from, word.bytes());
            }
            4 => {
                let other = self.pick(self.known.len());
                let start = self.pick(self.known[other].len() + 1);
                let end = (start + self.pick(400)).min(self.known[other].len());
                let part = self.known[other][start..end].to_vec();
                bytes.splice(from..to, part);
            }
            5 if from < bytes.len() => bytes[from] ^= 1 << self.pick(8),
            _ if from < bytes.len() => bytes[from] = b"0123456789abcdefAZ\"{}[],:+/= \\"[self.pick(30)],
            _ => {}
        }
    }
}

/// Gives bytes to every reader, and holds those that read them to their promises. True when one read them.
fn read_all(bytes: &[u8], context: &CapabilityContext) -> bool {
    let mut read = false;
    if let Ok(token) = Token::from_json(bytes) {
        read = true;
        let written = token.to_json();
        assert_eq!(written.len(), token.json_len(), "{}", shown(bytes));
        let again = Token::from_json(&written).unwrap_or_else(|error| panic!("{error}: {}", shown(bytes)));
        assert_eq!((again.to_json(), &again), (written, &token), "{}", shown(bytes));
    }
    if let Ok(list) = TokenList::from_json(bytes) {
        read = true;
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
        let list = TokenList::from_json(bytes).expect("what was consumed was read");
        assert_eq!(usize::from(consumption.kept) + consumption.refused.len(), list.len());
        receiver.discard(&list);
        assert!(receiver.consumed().is_empty(), "{}", shown(bytes));
    }
    if let Ok(envelope) = WireEnvelope::from_json(bytes) {
        read = true;
        let written = envelope.to_json();
        let again =
            WireEnvelope::from_json(&written).unwrap_or_else(|error| panic!("{error}: {}", shown(bytes)));
        assert_eq!((again.to_json(), &again), (written, &envelope), "{}", shown(bytes));
        let _ = envelope.is_signed();
    }
    if let Ok(document) = serde_json::from_slice::<DidDocument>(bytes) {
        read = true;
        let _ = document.authentication_key();
    }
    if let Ok(text) = str::from_utf8(bytes) {
        let did = Did::from_text(text);
        assert_eq!(did.to_string(), text);
        assert_eq!(did.text_len(), text.len());
        let _ = (did.public_key(), Did::parse(text));
    }
    read
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
