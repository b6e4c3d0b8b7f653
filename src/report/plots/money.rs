//! What was invoiced, paid and is owed.

use std::collections::BTreeMap;

use super::{Plot, count_axis, time_axis};
use crate::report::chart::{Chart, Mark, Panel, Series, palette};
use crate::report::tables::Tables;

/// Currencies that get a panel of their own.
const MOST_CURRENCIES: usize = 4;

pub(super) fn money(tables: &Tables) -> Option<Plot> {
    let mut events: BTreeMap<&str, Vec<(f64, f64, f64)>> = BTreeMap::new();
    for invoice in &tables.invoices {
        let contract = tables.contracts.iter().find(|row| row.contract == invoice.contract)?;
        let of_currency = events.entry(&contract.currency).or_default();
        let amount = |text: &str| text.parse::<f64>().unwrap_or(0.0);
        of_currency.push((invoice.invoiced_s, amount(&invoice.amount), 0.0));
        // What is paid in part has no moment of its own.
        if let Some(paid) = invoice.paid_s {
            of_currency.push((paid, 0.0, amount(&invoice.paid)));
        }
    }
    if events.is_empty() {
        return None;
    }
    let end = tables.run.duration_s;
    let all = events.len();
    let left_out = all.saturating_sub(MOST_CURRENCIES);
    let panels = events.into_iter().take(MOST_CURRENCIES).map(|(currency, mut changes)| {
        changes.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut invoiced, mut paid, mut owed) = (vec![(0.0, 0.0)], vec![(0.0, 0.0)], vec![(0.0, 0.0, 0.0)]);
        let mut sums = (0.0, 0.0);
        for (time, more_invoiced, more_paid) in changes.into_iter().chain([(end, 0.0, 0.0)]) {
            sums = (sums.0 + more_invoiced, sums.1 + more_paid);
            invoiced.push((time, sums.0));
            paid.push((time, sums.1));
            owed.push((time, sums.1.min(sums.0), sums.0));
        }
        let series = vec![
            Series::new("owed", palette::ORANGE.alpha(0.55), Mark::Band(owed)),
            Series::new("invoiced", palette::INK, Mark::Step(invoiced)),
            Series::new("paid", palette::GREEN, Mark::Step(paid)),
        ];
        Panel::new(count_axis(currency), series)
    });
    let title = match left_out {
        0 => "Money invoiced and paid".to_owned(),
        _ => format!("Money invoiced and paid, {MOST_CURRENCIES} currencies of {all}"),
    };
    let plot = Plot::of(
        "money",
        "What was invoiced so far under contracts, and what of it was paid. The area between them is owed."
            .into(),
        &Chart::new(&title, time_axis(tables), panels.collect()),
        "time_s",
        "amount",
    );
    Some(plot.leaving_out((left_out > 0).then(|| format!("{left_out} of {all} currencies are left out"))))
}
