//! Logging in to allocations that run (dms-acceptance section 2.2, "SSH into a running deployment").

use super::{act, check, holds};
use crate::accept::failure::Done;
use crate::accept::play::Play;
use crate::accept::vocabulary::{Args, Chapter};
use crate::kernel::Span;
use crate::sim::setup::{OperationKind, Ssh, SshFrom, Which};

/// How long a login may take.
const LOGIN_LIMIT: Span = Span::secs(10);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "SSH",
    entries: &[
        act(
            "{string} logs in to {string} of {string} with the key {string}",
            "who, an allocation of whose deployment, the file of a key; from its own node, which must have joined the \
             subnet",
            |play, args| log_in(play, args, args.text(3), SshFrom::Node),
        ),
        act(
            "{string} logs in to {string} of {string} from outside with the key {string}",
            "the same, at the public port that leads to port 22",
            |play, args| log_in(play, args, args.text(3), SshFrom::Outside),
        ),
        act(
            "{string} logs in to {string} of {string} from allocation {string} with the key {string}",
            "the same, from an allocation of the deployment",
            |play, args| log_in(play, args, args.text(4), SshFrom::Allocation(args.text(3).to_owned())),
        ),
        check("the login should succeed", "the last one", |play, _| {
            let heard = play.heard()?;
            let said = heard.how_it_ended();
            holds(heard.is_answered() && said.contains("logged in as"), || said)
        }),
        check(
            "the login should fail with {string}",
            "what the client of the last one says contains this",
            |play, args| {
                let heard = play.heard()?;
                let said = heard.how_it_ended();
                holds(!heard.is_answered() && said.contains(args.text(0)), || said)
            },
        ),
    ],
};

fn log_in(play: &mut Play<'_, '_>, args: &Args<'_>, key: &str, from: SshFrom) -> Done {
    let of = Which::Id(play.id_of(args.text(2))?);
    let (allocation, key) = (args.text(1).to_owned(), key.to_owned());
    let order = OperationKind::Ssh(Box::new(Ssh { of, allocation, key, from }));
    play.order(args.text(0), order, LOGIN_LIMIT).map(drop)
}
