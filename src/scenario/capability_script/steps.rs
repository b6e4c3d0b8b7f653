//! The steps of a script: one operation each, with a name for its tokens and what must come out.

use std::sync::Arc;

use super::super::reader::{Map, Reader, listed};
use super::{Names, parties, paths};
use crate::dms::capability::setup::{MEMBER_CAPABILITIES, MEMBER_TOPICS};
use crate::dms::capability::{Action, Capability, Route, SelfSign};
use crate::dms::ensemble::tree::{Key, Node, Position, Value};
use crate::kernel::Span;
use crate::sim::capabilities::{
    Broadcasting, Calling, Expected, Expire, Held, Operation, Requiring, Say, Slot, Step, Who,
};

const OPERATIONS: &[&str] = &[
    "grant",
    "delegate",
    "delegate_invocation",
    "delegate_broadcast",
    "provide",
    "provide_broadcast",
    "anchor",
    "remove",
    "consume",
    "require",
    "require_broadcast",
    "discard",
    "revoke",
    "forge",
    "list_roots",
    "gc",
    "save",
    "load",
    "publish",
    "organization",
    "advance",
    "at",
];
const SELF_SIGN: &[(&str, SelfSign)] =
    &[("no", SelfSign::No), ("also", SelfSign::Also), ("only", SelfSign::Only)];
const ACTIONS: &[(&str, Action)] =
    &[("delegate", Action::Delegate), ("invoke", Action::Invoke), ("broadcast", Action::Broadcast)];
/// How long messages live that say nothing else.
const MESSAGE_LIFE: Span = Span::secs(30);

const BY: &str = "the context that does it";
const TO: &str = "who receives the authority: a name or a DID";
const CAPABILITIES: &str = "what may be done, as in `capabilities: [/dms/deployment]`";
const EXPIRE: &str = "how long it is valid from now, as in `expire: 1h`";
const TOKENS: &str = "the name of tokens that an earlier step made, or a list of names";
const SENDER: &str = "whose key the sending actor has";

/// Reads the steps in their order: a name is known from the step that gives it.
pub(super) fn read(reader: &mut Reader, top: &Map<'_>, names: &mut Names) -> Vec<Step> {
    let items = reader.list(top, "steps");
    if items.is_empty()
        && top.node.present("steps").is_none_or(|node| matches!(node.value, Value::Sequence(_)))
    {
        reader.error(top.at, "the script has no steps", "write at least one under `steps`".to_owned());
    }
    items.iter().filter_map(|item| step(reader, item, names)).collect()
}

fn step(reader: &mut Reader, node: &Node, names: &mut Names) -> Option<Step> {
    let keys: Vec<&str> = OPERATIONS.iter().copied().chain(["as", "expect"]).collect();
    let before = reader.errors;
    let map = reader.map(node, "step", node.position, &keys)?;
    let is_operation = |(key, _): &&(Key, Node)| OPERATIONS.contains(&&*key.text);
    let mut written = node.entries().iter().filter(is_operation);
    let Some((key, content)) = written.next() else {
        if reader.errors == before {
            let help = format!("write one of {}", listed(OPERATIONS));
            reader.error(node.position, "the step does nothing", help);
        }
        return None;
    };
    if let Some((second, _)) = written.next() {
        let help = "begin a step of its own with `- `".to_owned();
        reader.error(second.position, "a step does one thing", help);
    }
    let operation = Reading { reader, names }.operation(key, content);
    let name = reader.optional(&map, "as", |r, node| r.text(node, "as").map(|name| (name, node.position)));
    let expect =
        reader.optional(&map, "expect", |r, node| expectations(r, node, &key.text)).unwrap_or_default();
    let result = name.as_ref().and_then(|(name, at)| result(reader, names, (name, *at), &key.text, content));
    let name = name.map(|(name, _)| name.to_string());
    Some(Step { line: key.position.line, operation: operation?, result, name, expect })
}

/// A place for the tokens of a step.
fn result(
    reader: &mut Reader,
    names: &mut Names,
    (name, at): (&Arc<str>, Position),
    word: &str,
    content: &Node,
) -> Option<Slot> {
    let makes =
        ["grant", "delegate", "delegate_invocation", "delegate_broadcast", "provide", "provide_broadcast"];
    let joins = word == "organization" && content.get("join").is_some();
    if !makes.contains(&word) && !["revoke", "forge"].contains(&word) && !joins {
        let help = "remove `as`, or name the step that makes them".to_owned();
        reader.error(at, format!("`as` names tokens, and `{word}` makes none"), help);
        return None;
    }
    let given: Vec<Arc<str>> = if joins {
        ["org_to_user", "user_to_org", "user_to_dms"].map(|part| format!("{name}.{part}").into()).into()
    } else {
        vec![name.clone()]
    };
    let first = Slot(names.places);
    for name in given {
        if names.slots.insert(name.clone(), Slot(names.places)).is_some() {
            let help = "give each result a name of its own".to_owned();
            reader.error(at, format!("the tokens `{name}` are named twice"), help);
        }
        names.places += 1;
    }
    Some(first)
}

/// `ok`, a route, or a part of the outcome; or a list of these.
fn expectations(reader: &mut Reader, node: &Node, word: &str) -> Option<Vec<Expected>> {
    let items =
        if matches!(node.value, Value::Sequence(_)) { node.items() } else { std::slice::from_ref(node) };
    let mut expectation = |item: &Node| {
        let text = reader.text(item, "expect")?;
        let route = match &*text {
            "ok" => return Some(Expected::Ok),
            "own" => Route::Own,
            "root" => Route::Root,
            "side_chain" => Route::SideChain,
            words => return Some(Expected::Says(words.to_owned())),
        };
        if !word.starts_with("require") {
            let help = "routes are found by `require` and `require_broadcast`".to_owned();
            reader.error(item.position, format!("`{word}` has no route"), help);
        }
        Some(Expected::Route(route))
    };
    let found: Vec<_> = items.iter().map(&mut expectation).collect();
    found.into_iter().collect()
}

/// Reads the content of one operation.
struct Reading<'a> {
    reader: &'a mut Reader,
    names: &'a mut Names,
}

impl Reading<'_> {
    fn operation(&mut self, key: &Key, node: &Node) -> Option<Operation> {
        let word = &*key.text;
        match word {
            "grant" | "delegate" | "delegate_invocation" | "delegate_broadcast" => self.making(key, node),
            "provide" => self.provide(key, node),
            "provide_broadcast" => self.provide_broadcast(key, node),
            "anchor" => self.held(key, node).map(Operation::Anchor),
            "remove" => self.held(key, node).map(Operation::Remove),
            "consume" => self.consume(key, node),
            "require" | "require_broadcast" => self.require(key, node),
            "discard" | "revoke" | "forge" => {
                let map = self.reader.map(node, word, key.position, &["by", "tokens"])?;
                let (by, tokens) = (self.context(&map, "by", BY), self.tokens(&map));
                let (by, tokens) = (by?, tokens?);
                Some(match word {
                    "discard" => Operation::Discard { by, tokens },
                    "revoke" => Operation::Revoke { by, tokens },
                    _ => Operation::Forge { by, tokens },
                })
            }
            "list_roots" => self.names.context(self.reader, node, word).map(Operation::ListRoots),
            "gc" => self.names.context(self.reader, node, word).map(Operation::Gc),
            "save" => {
                let of = self.names.context(self.reader, node, word)?;
                self.names.saved.insert(of);
                Some(Operation::Save(of))
            }
            "load" => self.load(key, node),
            "publish" => parties::document(self.reader, node, self.names).map(Operation::Publish),
            "organization" => self.organization(node),
            "advance" => {
                let span = self.reader.positive_span(node, word)?;
                self.names.clock += span;
                Some(Operation::Advance(span))
            }
            _ => self.at(node),
        }
    }

    fn context(&mut self, map: &Map<'_>, key: &str, help: &str) -> Option<usize> {
        let names = &*self.names;
        self.reader.required(map, key, help, |r, node| names.context(r, node, key))
    }

    fn who(&mut self, map: &Map<'_>, key: &str, help: &str) -> Option<Who> {
        let names = &*self.names;
        self.reader.required(map, key, help, |r, node| names.who(r, node, key))
    }

    fn tokens(&mut self, map: &Map<'_>) -> Option<Vec<Slot>> {
        let names = &*self.names;
        self.reader.required(map, "tokens", TOKENS, |r, node| names.tokens(r, node, "tokens"))
    }

    fn capabilities(&mut self, map: &Map<'_>) -> Option<Vec<Capability>> {
        self.reader.required(map, "capabilities", CAPABILITIES, |r, node| paths(r, node, "capabilities"))
    }

    fn topic(&mut self, map: &Map<'_>) -> Option<Capability> {
        let help = "the topic of the broadcast, as in `topic: /nunet/deployment`";
        self.reader.required(map, "topic", help, |r, node| r.text(node, "topic").map(Capability::from))
    }

    /// The party whose key an actor has; by default the context's own.
    fn actor(&mut self, map: &Map<'_>, key: &str, default: Option<usize>) -> Option<usize> {
        let names = &*self.names;
        match map.node.entry(key) {
            None => default,
            Some(_) => self.reader.optional(map, key, |r, node| names.key(r, node, key)),
        }
    }

    fn life(&mut self, map: &Map<'_>) -> Option<Span> {
        match map.node.entry("expire") {
            None => Some(MESSAGE_LIFE),
            Some(_) => self.reader.optional(map, "expire", |r, node| r.span(node, "expire")),
        }
    }

    /// Grants and delegations.
    fn making(&mut self, key: &Key, node: &Node) -> Option<Operation> {
        let word = &*key.text;
        let own: &[&str] = match word {
            "grant" => &["action", "audience", "topics", "depth"],
            "delegate" => &["audience", "topics", "depth", "self_sign"],
            "delegate_invocation" => &["target", "audience", "self_sign"],
            _ => &["topic", "self_sign"],
        };
        let keys: Vec<&str> = ["by", "to", "expire", "capabilities"].iter().chain(own).copied().collect();
        let map = self.reader.map(node, word, key.position, &keys)?;
        let action = match word {
            "grant" => self
                .reader
                .optional(&map, "action", |r, node| r.word(node, "action", ACTIONS))
                .or_else(|| map.node.entry("action").is_none().then_some(Action::Delegate)),
            "delegate" => Some(Action::Delegate),
            "delegate_invocation" => Some(Action::Invoke),
            _ => Some(Action::Broadcast),
        };
        let (by, to) = (self.context(&map, "by", BY), self.who(&map, "to", TO));
        let names = &*self.names;
        let audience = self.reader.optional(&map, "audience", |r, node| names.who(r, node, "audience"));
        let topics = match word {
            "delegate_broadcast" => self.topic(&map).map(|topic| vec![topic]),
            _ => Some(
                self.reader.optional(&map, "topics", |r, node| paths(r, node, "topics")).unwrap_or_default(),
            ),
        };
        let capabilities = self.capabilities(&map);
        let expire = self.reader.required(&map, "expire", EXPIRE, |r, node| match node.as_text() {
            Some(text) if &**text == "inherit" && word == "delegate" => Some(Expire::Inherit),
            _ => r.span(node, "expire").map(Expire::After),
        });
        let depth = self.reader.optional(&map, "depth", |r, node| r.whole(node, "depth", 0, i64::MAX));
        let self_sign =
            self.reader.optional(&map, "self_sign", |r, node| r.word(node, "self_sign", SELF_SIGN));
        let self_sign = self_sign.unwrap_or(SelfSign::No);
        let target = (word == "delegate_invocation")
            .then(|| self.who(&map, "target", "the DID of the receiver: a name or a DID"));
        let say = Say {
            by: by?,
            action: action?,
            to: to?,
            audience,
            topics: topics?,
            capabilities: capabilities?,
            expire: expire?,
            depth: depth.unwrap_or(0).unsigned_abs(),
        };
        Some(match (word, target) {
            ("grant", _) => Operation::Grant(say),
            ("delegate", _) => Operation::Delegate { say, self_sign },
            (_, Some(target)) => Operation::DelegateInvocation { say, target: target?, self_sign },
            _ => Operation::DelegateBroadcast { say, self_sign },
        })
    }

    fn provide(&mut self, key: &Key, node: &Node) -> Option<Operation> {
        let keys = ["by", "to", "sender", "receiver", "expire", "invoke", "delegate"];
        let map = self.reader.map(node, "provide", key.position, &keys)?;
        let (by, target) =
            (self.context(&map, "by", BY), self.who(&map, "to", "the receiver: a name or a DID"));
        let sender = self.actor(&map, "sender", by);
        let of_target = match &target {
            Some(Who::Party(number)) => Some(*number),
            _ => None,
        };
        let receiver = self.actor(&map, "receiver", of_target);
        if receiver.is_none() && map.node.entry("receiver").is_none() && matches!(target, Some(Who::Did(_))) {
            let help = "name the key of the receiving actor".to_owned();
            self.reader.error(map.at, "`provide` to a DID needs `receiver`", help);
        }
        let expire = self.life(&map);
        let mut list =
            |key| self.reader.optional(&map, key, |r, node| paths(r, node, key)).unwrap_or_default();
        let (invoke, delegate) = (list("invoke"), list("delegate"));
        Some(Operation::Provide(Calling {
            by: by?,
            target: target?,
            sender: sender?,
            receiver: receiver?,
            expire: expire?,
            invoke,
            delegate,
        }))
    }

    fn provide_broadcast(&mut self, key: &Key, node: &Node) -> Option<Operation> {
        let keys = ["by", "sender", "topic", "expire", "capabilities"];
        let map = self.reader.map(node, "provide_broadcast", key.position, &keys)?;
        let by = self.context(&map, "by", BY);
        let sender = self.actor(&map, "sender", by);
        let (topic, expire, capabilities) = (self.topic(&map), self.life(&map), self.capabilities(&map));
        Some(Operation::ProvideBroadcast(Broadcasting {
            by: by?,
            sender: sender?,
            topic: topic?,
            expire: expire?,
            capabilities: capabilities?,
        }))
    }

    fn held(&mut self, key: &Key, node: &Node) -> Option<Held> {
        let keys = ["on", "root", "require", "provide", "revoke"];
        let map = self.reader.map(node, &key.text, key.position, &keys)?;
        let before = self.reader.errors;
        let on = self.context(&map, "on", "the context that holds it");
        let names = &*self.names;
        let roots = self.reader.optional(&map, "root", |r, node| match &node.value {
            Value::Sequence(items) => {
                Some(items.iter().filter_map(|item| names.who(r, item, "root")).collect())
            }
            _ => names.who(r, node, "root").map(|who| vec![who]),
        });
        let mut slot =
            |key| self.reader.optional(&map, key, |r, node| names.tokens(r, node, key)).unwrap_or_default();
        let (require, provide, revoke) = (slot("require"), slot("provide"), slot("revoke"));
        if node.entries().iter().all(|(key, _)| &*key.text == "on") && self.reader.errors == before {
            let help = "write one of `root`, `require`, `provide` or `revoke`".to_owned();
            self.reader.error(key.position, format!("`{}` names nothing", key.text), help);
        }
        Some(Held { on: on?, roots: roots.unwrap_or_default(), require, provide, revoke })
    }

    fn consume(&mut self, key: &Key, node: &Node) -> Option<Operation> {
        let map = self.reader.map(node, "consume", key.position, &["by", "from", "tokens"])?;
        let by = self.context(&map, "by", BY);
        let from = self.who(&map, "from", "the sender of the message: a name or a DID");
        let tokens = self.tokens(&map);
        Some(Operation::Consume { by: by?, from: from?, tokens: tokens? })
    }

    fn require(&mut self, key: &Key, node: &Node) -> Option<Operation> {
        let broadcast = &*key.text == "require_broadcast";
        let keys: &[&str] = if broadcast {
            &["by", "sender", "topic", "capabilities"]
        } else {
            &["by", "sender", "receiver", "capabilities"]
        };
        let map = self.reader.map(node, &key.text, key.position, keys)?;
        let by = self.context(&map, "by", BY);
        let names = &*self.names;
        let sender = self.reader.required(&map, "sender", SENDER, |r, node| names.key(r, node, "sender"));
        let receiver = if broadcast { by } else { self.actor(&map, "receiver", by) };
        let topic = if broadcast { Some(self.topic(&map)?) } else { None };
        let capabilities = self.capabilities(&map);
        Some(Operation::Require(Requiring {
            by: by?,
            sender: sender?,
            receiver: receiver?,
            topic,
            capabilities: capabilities?,
        }))
    }

    fn load(&mut self, key: &Key, node: &Node) -> Option<Operation> {
        let (of, from, at) = if node.is_map() {
            let map = self.reader.map(node, "load", key.position, &["context", "from"])?;
            let of = self.context(&map, "context", "the context that restarts");
            let from = self.context(&map, "from", "the context whose saved form it reads");
            (of?, from?, map.node.get("from").map_or(map.at, |node| node.position))
        } else {
            let of = self.names.context(self.reader, node, "load")?;
            (of, of, node.position)
        };
        if !self.names.saved.contains(&from) {
            let name = &self.names.parties[from].name;
            let help = format!("write `- save: {name}` before it");
            self.reader.error(at, format!("`{name}` was not saved before this step"), help);
        }
        Some(Operation::Load { of, from })
    }

    fn organization(&mut self, node: &Node) -> Option<Operation> {
        let names = ["create", "join", "leave"];
        let variant = self.reader.variant(node, "what an organization does", &names)?;
        if variant.name == "create" {
            let name = self.reader.text(variant.node, "create")?;
            if !parties::free(self.reader, &name, variant.node.position, self.names) {
                return None;
            }
            self.names.parties.push(parties::plain(name.to_string()));
            return Some(Operation::Create(self.names.parties.len() - 1));
        }
        let join = variant.name == "join";
        let keys: &[&str] = if join {
            &["organization", "user", "node", "capabilities", "topics", "expire"]
        } else {
            &["organization", "user", "node"]
        };
        let map = self.reader.map(variant.node, variant.name, variant.at, keys)?;
        let organization = self.context(&map, "organization", "the context of the organization");
        let user = self.context(&map, "user", "the context of the member");
        let member = self.context(&map, "node", "the context of the member's node");
        if let (Some(user), true) = (user, user == member) {
            let help = "a user and its node have keys of their own".to_owned();
            let name = &self.names.parties[user].name;
            self.reader.error(map.at, format!("`{name}` cannot be user and node at once"), help);
        }
        if !join {
            return Some(Operation::Leave { organization: organization?, user: user?, node: member? });
        }
        let mut list = |key, usual: &[Capability]| {
            let written = self.reader.optional(&map, key, |r, node| paths(r, node, key));
            written.unwrap_or_else(|| usual.to_vec())
        };
        let (capabilities, topics) =
            (list("capabilities", &MEMBER_CAPABILITIES), list("topics", &MEMBER_TOPICS));
        let expire = self.reader.required(&map, "expire", EXPIRE, |r, node| r.span(node, "expire"));
        Some(Operation::Join {
            organization: organization?,
            user: user?,
            node: member?,
            capabilities,
            topics,
            expire: expire?,
        })
    }

    fn at(&mut self, node: &Node) -> Option<Operation> {
        let since = self.reader.span(node, "at")?;
        let clock = self.names.clock;
        if since < clock {
            let help = format!("it is already {clock} after the start here");
            self.reader.error(node.position, "time does not go back", help);
        }
        self.names.clock = clock.max(since);
        Some(Operation::At(since))
    }
}
