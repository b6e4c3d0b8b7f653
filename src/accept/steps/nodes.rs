//! Nodes, the network between them, and time.

use super::{act, set, span};
use crate::accept::failure::Failure;
use crate::accept::vocabulary::Chapter;
use crate::kernel::{Distribution, Span};
use crate::sim::setup::{Fault, Selection};

/// How long a process is down that its operator starts again at once.
const RESTART: Span = Span::secs(2);
/// How long a step waits for a process that starts again.
const RESTART_LIMIT: Span = Span::secs(30);

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Nodes and time",
    entries: &[
        set(
            "the following nodes(:)",
            "a table `nodes | role | onboarded | org`, with the columns continent, country, city, cpu, ram, disk, gpu, \
             nat, executors, profile, clock, storage where they matter; roles are SP, CP, CH, PV, VS, RELAY, \
             BOOTSTRAP, GW",
            |setting, args| setting.add_nodes(args.table()?),
        ),
        set(
            "I have {int} DMS nodes on isolated NAT networks",
            "nodes alice, bob, ... of one organization, each behind a translator of its own, with a relay and a \
             bootstrap",
            |setting, args| setting.add_hidden_nodes(args.int(0)?),
        ),
        set(
            "the scenario(:)",
            "sections of a scenario file in triple quotes: network, organizations, peers, images, strategy, ...",
            |setting, args| {
                let quoted = args.quoted()?;
                setting.add_section(&quoted.text, quoted.line, quoted.column);
                Ok(())
            },
        ),
        set(
            "the ensemble {string}(:)",
            "an ensemble file in triple quotes, under this name",
            |setting, args| {
                let quoted = args.quoted()?;
                setting.add_ensemble(args.text(0), &quoted.text, quoted.line)
            },
        ),
        act("{int} {word} pass(es)", "lets so many seconds, minutes, hours or days pass", |play, args| {
            play.pass(span(args.int(0)?, args.text(1))?);
            Ok(())
        }),
        act(
            "{string} restarts DMS",
            "its process ends and starts again two seconds later; what it runs goes on",
            |play, args| {
                let name = play.node(args.text(0))?;
                let (at, who) = (play.world.now().into(), only(&name));
                play.world.inflict(Fault::Restart { at, who, down: Distribution::constant(RESTART) });
                play.pass(Span::millis(1));
                if play.wait(RESTART_LIMIT, |world| world.is_peer_up(&name)) {
                    play.pass(Span::secs(1));
                    return Ok(());
                }
                Failure::wrong(format!("within {RESTART_LIMIT} {name} is not up again"))
            },
        ),
    ],
};

/// The peer of this name.
pub(super) fn only(name: &str) -> Selection {
    Selection { peers: vec![name.to_owned()], ..Selection::default() }
}
