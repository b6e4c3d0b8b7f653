//! The byte-exact JSON of tokens, as Go's encoder writes it: field order of the spec's table, omitted fields,
//! escapes (spec section 2.1). Lengths are computed without writing; parsing goes through serde.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use super::path::Capability;
use super::token::{Action, Claims, Seal, Token};
use crate::dms::identity::Did;
use crate::kernel::Timestamp;

/// Appends `text` as a JSON string with Go's escapes.
pub(super) fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match escape(c) {
            Escape::None => {
                let mut utf8 = [0; 4];
                out.extend_from_slice(c.encode_utf8(&mut utf8).as_bytes());
            }
            Escape::Short(letter) => out.extend_from_slice(&[b'\\', letter]),
            Escape::Long => out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
        }
    }
    out.push(b'"');
}

/// Bytes that [`write_string`] appends.
pub(super) fn string_len(text: &str) -> usize {
    let plain = |b: u8| {
        (0x20..0x7f).contains(&b) & (b != b'"') & (b != b'\\') & (b != b'<') & (b != b'>') & (b != b'&')
    };
    // Without an early exit the loop is done many bytes at a time.
    if text.bytes().fold(true, |all, b| all & plain(b)) {
        return text.len() + 2;
    }
    let escaped = |c: char| match escape(c) {
        Escape::None => c.len_utf8(),
        Escape::Short(_) => 2,
        Escape::Long => 6,
    };
    2 + text.chars().map(escaped).sum::<usize>()
}

enum Escape {
    None,
    Short(u8),
    Long,
}

fn escape(c: char) -> Escape {
    match c {
        '"' => Escape::Short(b'"'),
        '\\' => Escape::Short(b'\\'),
        '\n' => Escape::Short(b'n'),
        '\r' => Escape::Short(b'r'),
        '\t' => Escape::Short(b't'),
        '\u{8}' => Escape::Short(b'b'),
        '\u{c}' => Escape::Short(b'f'),
        '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => Escape::Long,
        _ => Escape::None,
    }
}

fn write_did(did: &Did, out: &mut Vec<u8>) {
    if did.is_empty() {
        out.extend_from_slice(b"{}");
    } else {
        out.extend_from_slice(b"{\"uri\":");
        write_string(&did.to_string(), out);
        out.push(b'}');
    }
}

fn did_len(did: &Did) -> usize {
    match did {
        // In tokens more is escaped than elsewhere.
        Did::Other(text) => r#"{"uri":}"#.len() + string_len(text),
        did => did.json_len(),
    }
}

fn write_list(list: &[Capability], out: &mut Vec<u8>) {
    out.push(b'[');
    for (i, capability) in list.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        write_string(capability.as_str(), out);
    }
    out.push(b']');
}

fn list_len(list: &[Capability]) -> usize {
    let texts: usize = list.iter().map(|capability| string_len(capability.as_str())).sum();
    texts + list.len().saturating_sub(1) + 2
}

/// Digits of a number.
pub(in crate::dms) fn decimal_len(n: u64) -> usize {
    n.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

/// Appends the inner `dms` object; without a `seal` it is the object that gets signed.
pub(super) fn write_claims(
    claims: &Claims,
    empty_list: bool,
    chain: Option<&Token>,
    seal: &Seal,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"act\":");
    write_string(claims.action.as_str(), out);
    for (name, did) in [("iss", &claims.issuer), ("sub", &claims.subject), ("aud", &claims.audience)] {
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        write_did(did, out);
    }
    if !claims.topics.is_empty() {
        out.extend_from_slice(b",\"topic\":");
        write_list(&claims.topics, out);
    }
    out.extend_from_slice(b",\"cap\":");
    if claims.capabilities.is_empty() && !empty_list {
        out.extend_from_slice(b"null");
    } else {
        write_list(&claims.capabilities, out);
    }
    let nonce = BASE64.encode(&claims.nonce);
    out.extend_from_slice(format!(",\"nonce\":\"{nonce}\",\"exp\":{}", claims.expire.0).as_bytes());
    if claims.depth > 0 {
        out.extend_from_slice(format!(",\"depth\":{}", claims.depth).as_bytes());
    }
    if let Some(parent) = chain {
        out.extend_from_slice(b",\"chain\":");
        parent.write_json(out);
    }
    match seal {
        Seal::Missing => {}
        Seal::Signature(signature) => {
            out.extend_from_slice(b",\"sig\":\"");
            signature.write_base64(out);
            out.push(b'"');
        }
        Seal::Malformed(bytes) => {
            out.extend_from_slice(format!(",\"sig\":\"{}\"", BASE64.encode(bytes)).as_bytes());
        }
    }
    out.push(b'}');
}

/// Bytes of the whole envelope `{"dms":...}`.
pub(super) fn token_len(claims: &Claims, empty_list: bool, chain: Option<&Token>, seal: &Seal) -> usize {
    let mut length =
        r#"{"dms":{"act":"","iss":,"sub":,"aud":,"cap":,"nonce":"0123456789abcdef","exp":}}"#.len();
    length += claims.action.as_str().len();
    length += did_len(&claims.issuer) + did_len(&claims.subject) + did_len(&claims.audience);
    if !claims.topics.is_empty() {
        length += r#","topic":"#.len() + list_len(&claims.topics);
    }
    length += if claims.capabilities.is_empty() && !empty_list { 4 } else { list_len(&claims.capabilities) };
    length += decimal_len(claims.expire.0);
    if claims.depth > 0 {
        length += r#","depth":"#.len() + decimal_len(claims.depth);
    }
    if let Some(parent) = chain {
        length += r#","chain":"#.len() + parent.json_len();
    }
    length
        + match seal {
            Seal::Missing => 0,
            Seal::Signature(signature) => r#","sig":"""#.len() + signature.text_len(),
            Seal::Malformed(bytes) => r#","sig":"""#.len() + bytes.len().div_ceil(3) * 4,
        }
}

/// The envelope as serde reads and writes it. Unknown members are ignored, as in Go.
#[derive(Serialize, Deserialize)]
pub(super) struct RawEnvelope {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dms: Option<Box<RawToken>>,
}

/// The inner object.
#[derive(Serialize, Deserialize)]
pub(super) struct RawToken {
    #[serde(rename = "act")]
    pub(super) action: Action,
    #[serde(rename = "iss", default)]
    pub(super) issuer: Did,
    #[serde(rename = "sub", default)]
    pub(super) subject: Did,
    #[serde(rename = "aud", default)]
    pub(super) audience: Did,
    #[serde(rename = "topic", default, skip_serializing_if = "Option::is_none")]
    pub(super) topics: Option<Vec<Capability>>,
    #[serde(rename = "cap", default)]
    pub(super) capabilities: Option<Vec<Capability>>,
    #[serde(default)]
    pub(super) nonce: String,
    #[serde(rename = "exp", default)]
    pub(super) expire: Timestamp,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) depth: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) chain: Option<RawEnvelope>,
    #[serde(rename = "sig", default, skip_serializing_if = "Option::is_none")]
    pub(super) signature: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// `{"tok":[...]}`.
#[derive(Deserialize)]
pub(super) struct RawList {
    #[serde(rename = "tok", default)]
    pub(super) tokens: Option<Vec<RawEnvelope>>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_those_of_go() {
        let mut out = Vec::new();
        write_string("a<b>&\"\\\n\t\r\u{8}\u{c}\u{1}\u{7f}\u{2028}\u{e9}", &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "\"a\\u003cb\\u003e\\u0026\\\"\\\\\\n\\t\\r\\b\\f\\u0001\u{7f}\\u2028\u{e9}\""
        );
    }

    proptest! {
        #[test]
        fn lengths_are_exact_and_serde_reads_the_text_back(text in "\\PC{0,20}|[<>&\"\\\\\n\u{1}\u{2028}a]{0,12}") {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert_eq!(out.len(), string_len(&text));
            prop_assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        }
    }
}
