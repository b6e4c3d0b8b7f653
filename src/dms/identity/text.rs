//! The texts of keys in base58, remembered: to write one takes longer than to handle the message that it stands in.

use std::cell::RefCell;

use arrayvec::ArrayString;

use super::key::PublicKey;

/// Texts that are remembered: those of a small network, and of the peers of a large one that talk just now.
const REMEMBERED: usize = 1024;
/// Bytes of the longest: the peer id that the key of a wallet would have.
const LONGEST: usize = 56;

/// Which of a key's encodings.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// The multicodec and the key, as a did:key has them.
    Multicodec,
    /// The identity multihash of the protobuf key, as libp2p has it.
    Multihash,
}

type Text = ArrayString<LONGEST>;

thread_local! {
    /// Each key has one place for each encoding, and who comes later takes it.
    static TEXTS: RefCell<Vec<Option<(PublicKey, Encoding, Text)>>> = const { RefCell::new(Vec::new()) };
}

/// The base58 text of a key.
pub(super) fn base58(key: &PublicKey, encoding: Encoding) -> Text {
    // Some keys begin with a byte that tells their kind, so a later one says where.
    let place = (usize::from(key.raw()[8]) << 8 | usize::from(key.raw()[9])) ^ encoding as usize;
    let place = place % REMEMBERED;
    TEXTS.with_borrow_mut(|texts| {
        texts.resize(REMEMBERED, None);
        match &texts[place] {
            Some((of, form, text)) if *form == encoding && of == key => *text,
            _ => {
                let text = written(key, encoding);
                texts[place] = Some((*key, encoding, text));
                text
            }
        }
    })
}

fn written(key: &PublicKey, encoding: Encoding) -> Text {
    let bytes = match encoding {
        Encoding::Multicodec => [key.kind().multicodec(), key.raw()].concat(),
        Encoding::Multihash => {
            let protobuf = key.to_protobuf();
            [&[0x00, protobuf.len() as u8], &*protobuf].concat()
        }
    };
    let text = bs58::encode(bytes).into_string();
    Text::from(&text).expect("no key has a longer text")
}

#[cfg(test)]
mod tests {
    use super::super::KeyKind;
    use super::*;

    #[test]
    fn more_keys_than_places_have_their_own_texts_in_both_encodings() {
        let key = |n: usize| {
            let mut raw = [0x5a; 33];
            raw[..8].copy_from_slice(&(n as u64).to_le_bytes());
            let kind = KeyKind::ALL[n % 4];
            PublicKey::from_raw(kind, &raw[..kind.public_len()]).expect("its length fits")
        };
        for encoding in [Encoding::Multicodec, Encoding::Multihash, Encoding::Multicodec] {
            for n in (0..3 * REMEMBERED).chain(0..10) {
                // The second time it is remembered.
                assert_eq!(base58(&key(n), encoding), written(&key(n), encoding));
                assert_eq!(base58(&key(n), encoding), written(&key(n), encoding));
            }
        }
    }
}
