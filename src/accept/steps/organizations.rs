//! Organizations: a key with what it grants, and who is part of it (dms-capabilities section 7).

use super::capabilities::{DESK_LIMIT, at_desk, listed};
use super::{act, check, holds, set, span};
use crate::accept::failure::{Done, Failure};
use crate::accept::play::Play;
use crate::accept::vocabulary::{Args, Chapter};
use crate::dms::capability::Form;
use crate::kernel::Span;
use crate::sim::setup::{OperationKind, Proof};

pub(super) static CHAPTER: Chapter = Chapter {
    title: "Organizations",
    entries: &[
        set(
            "the organization {string}",
            "a key that grants the usual bundle; nobody need be a member of it",
            |setting, args| setting.add_organization(args.text(0), None),
        ),
        set(
            "the organization {string} grants {string}",
            "the same, with these capabilities, with commas between them",
            |setting, args| setting.add_organization(args.text(0), Some(args.text(1))),
        ),
        act(
            "{string} joins {string}",
            "which organization: it admits the operator, whose node anchors both tokens",
            |play, args| joins(play, args, Form::Full, None),
        ),
        act("{string} joins {string} for {int} {word}", "the same, for so long", |play, args| {
            let lasts = Some(span(args.int(2)?, args.text(3))?);
            joins(play, args, Form::Full, lasts)
        }),
        act(
            "{string} accepts the members of {string} without joining it",
            "its node lets them act here, and holds nothing to show to them",
            |play, args| joins(play, args, Form::RequireOnly, None),
        ),
        act(
            "{string} tries to join {string} with the token of {string}",
            "which was granted to another operator; it may come to nothing",
            |play, args| {
                let proof = Proof::Of(play.node(args.text(2))?);
                tries(play, args.text(0), args.text(1), proof)
            },
        ),
        act(
            "{string} tries to join {string} with a forged token",
            "which the organization has never signed; it may come to nothing",
            |play, args| tries(play, args.text(0), args.text(1), Proof::Forged),
        ),
        act("{string} leaves {string}", "its node drops what it has anchored for it", |play, args| {
            let organization = organization(play, args.text(1))?;
            at_desk(play, args.text(0), OperationKind::Leave { organization })
        }),
        check(
            "{string} should be part of {string}",
            "the organizations that its node lists are exactly these, with commas between them",
            |play, args| {
                let mut wanted: Vec<String> =
                    args.text(1).split(',').map(|name| name.trim().to_lowercase()).collect();
                wanted.sort();
                part_of(play, args.text(0), &wanted)
            },
        ),
        check("{string} should be part of no organization", "its node lists none", |play, args| {
            part_of(play, args.text(0), &[])
        }),
    ],
};

/// The organization of this name, in any letter case.
pub(super) fn organization(play: &Play<'_, '_>, name: &str) -> Result<String, Failure> {
    let name = name.to_lowercase();
    if play.world.has_organization(&name) {
        return Ok(name);
    }
    Failure::bad(format!("there is no organization {name}: say `Given the organization \"{name}\"`"))
}

fn joining(
    play: &Play<'_, '_>,
    name: &str,
    form: Form,
    lasts: Option<Span>,
    proof: Proof,
) -> Result<OperationKind, Failure> {
    Ok(OperationKind::Join { organization: organization(play, name)?, form, lasts, proof })
}

/// The operator of a step joins its organization.
fn joins(play: &mut Play<'_, '_>, args: &Args<'_>, form: Form, lasts: Option<Span>) -> Done {
    let kind = joining(play, args.text(1), form, lasts, Proof::Granted)?;
    at_desk(play, args.text(0), kind)
}

fn tries(play: &mut Play<'_, '_>, by: &str, organization: &str, proof: Proof) -> Done {
    let kind = joining(play, organization, Form::Full, None, proof)?;
    play.order(by, kind, DESK_LIMIT).map(drop)
}

/// The organizations of a node, as it lists them, by name.
fn part_of(play: &mut Play<'_, '_>, name: &str, wanted: &[String]) -> Done {
    let of = play.node(name)?;
    at_desk(play, name, OperationKind::ListCapabilities { of })?;
    let mut found: Vec<String> = Vec::new();
    for did in &listed(play)?.organizations {
        let name = play.world.name_of_organization(did);
        let name = name.ok_or_else(|| Failure::Wrong(format!("{did} is no organization")))?;
        found.push(name.to_owned());
    }
    found.sort();
    holds(found == wanted, || match found.as_slice() {
        [] => "it is part of none".to_owned(),
        all => format!("it is part of {}", all.join(", ")),
    })
}
