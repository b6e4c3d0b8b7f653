//! Peers that are up, and deployments that run on them.

use super::{Plot, count_axis, time_axis};
use crate::report::chart::{Chart, Mark, Panel, Series, palette};
use crate::report::tables::Tables;

pub(super) fn peers(tables: &Tables) -> Option<Plot> {
    let up = tables.samples("peers.up");
    if up.is_empty() {
        return None;
    }
    let mut panels =
        vec![Panel::new(count_axis("peers up"), vec![Series::new("", palette::BLUE, Mark::Step(up))])];
    let running =
        tables.samples_by("deployments", "status").into_iter().find(|(status, _)| status == "running");
    if let Some((_, running)) = running {
        let series = Series::new("", palette::GREEN, Mark::Step(running));
        panels.push(Panel::new(count_axis("deployments running"), vec![series]));
    }
    Some(Plot::of(
        "peers",
        "Peers that were up, and deployments that ran on them. A drop above that is missing below was \
                  masked by redundancy or recovery."
            .into(),
        &Chart::new("Peers up and deployments running", time_axis(tables), panels),
        "time_s",
        "count",
    ))
}
