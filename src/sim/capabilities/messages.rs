//! The operations of a message: providing tokens, consuming them, requiring authority.

use super::bench::{Bench, Done, counted};
use super::script::{Broadcasting, Calling, Requiring, Slot, Who};
use crate::dms::capability::{
    Action, Broadcast, Consumption, Delegation, Invocation, Reach, Requirement, TokenList,
};
use crate::dms::identity::Did;

impl Bench<'_> {
    pub(super) fn provide(&mut self, calling: &Calling) -> Done {
        let (target, now) = (self.did(&calling.target), self.now);
        let sender = self.members[calling.sender].secret.public();
        let receiver = self.members[calling.receiver].secret.public();
        let expire = now + calling.expire;
        let (invoke, delegate) = (&calling.invoke, &calling.delegate);
        let parents = self.members[calling.by].context.explain_delegation(
            Action::Invoke,
            Some(&target),
            &Delegation {
                subject: &Did::Key(sender),
                audience: &Did::Key(receiver),
                topics: &[],
                expire,
                depth: 0,
                capabilities: invoke,
            },
            now,
        );
        let invocation = Invocation { target: &target, sender, receiver, expire, invoke, delegate };
        let mut out = TokenList::new();
        let result = self.counting(|bench, nonces| {
            bench.members[calling.by].context.provide(&invocation, now, nonces, &mut out)
        });
        self.delegated(result, out, &parents)
    }

    pub(super) fn provide_broadcast(&mut self, one: &Broadcasting) -> Done {
        let now = self.now;
        let sender = self.members[one.sender].secret.public();
        let (topic, capabilities, expire) = (&one.topic, &one.capabilities, now + one.expire);
        let parents = self.members[one.by].context.explain_delegation(
            Action::Broadcast,
            None,
            &Delegation {
                subject: &Did::Key(sender),
                audience: &Did::Empty,
                topics: std::slice::from_ref(topic),
                expire,
                depth: 0,
                capabilities,
            },
            now,
        );
        let broadcast = Broadcast { sender, topic, expire, capabilities };
        let mut out = TokenList::new();
        let result = self.counting(|bench, nonces| {
            bench.members[one.by].context.provide_broadcast(&broadcast, now, nonces, &mut out)
        });
        self.delegated(result, out, &parents)
    }

    pub(super) fn consume(&mut self, by: usize, from: &Who, slots: &[Slot]) -> Done {
        let (origin, now) = (self.did(from), self.now);
        let tokens: TokenList = self.tokens(slots).into_iter().collect();
        let account = self.members[by].context.explain_consume(&origin, &tokens, now);
        let explanation =
            account.map(|account| self.told(|words| words.explanation(&account))).unwrap_or_default();
        let member = &mut self.members[by];
        match member.context.consume(&origin, &tokens, now) {
            Err(error) => Done::refused(&error),
            Ok(consumption) => {
                let line = format!("kept {} of {}", consumption.kept, counted(tokens.len(), "token"));
                member.refused.refused.extend(consumption.refused);
                Done::fine(line).explained(explanation)
            }
        }
    }

    pub(super) fn discard(&mut self, by: usize, slots: &[Slot]) -> Done {
        let tokens: TokenList = self.tokens(slots).into_iter().collect();
        let member = &mut self.members[by];
        let before = member.context.consumed().len();
        member.context.discard(&tokens);
        member.refused = Consumption::default();
        Done::fine(format!("dropped {}", counted(before - member.context.consumed().len(), "token")))
    }

    pub(super) fn require(&mut self, wanted: &Requiring) -> Done {
        let member = &self.members[wanted.by];
        let (context, now) = (&member.context, self.now);
        let subject = self.members[wanted.sender].secret.public();
        let audience = self.members[wanted.receiver].secret.public();
        let (anchor, capabilities) = (context.did(), &wanted.capabilities);
        let reach = wanted.topic.as_ref().map_or(Reach::Actor(audience), Reach::Topic);
        let requirement = Requirement { anchor, subject, reach, capabilities };
        let account = context.explain_require(&requirement, now);
        let explanation = self.told(|words| words.explanation(&account));
        let done = match context.require(&requirement, now) {
            Ok(found) => {
                let capability = &capabilities[usize::from(found.capability)];
                let line = format!(
                    "authorised by {}: token {} gives {capability}",
                    super::report::word(found.route),
                    found.token
                );
                Done { route: Some(found.route), ..Done::fine(line) }
            }
            Err(refusal) => {
                let reason = refusal.clone().with_consumption(&member.refused).explain();
                Done { outcome: format!("{refusal}: {reason}"), ..Done::refused(&refusal) }
            }
        };
        done.explained(explanation)
    }
}
