//! A slow, plain computation of what has to be paid, to compare with. It shares no code with what it judges: whole
//! numbers only, one second after another idea of time left out, every window looked at from the whole story.

/// One thing that happens to an allocation or, where there is none, to a deployment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// When the host is told, in nanoseconds by its clock.
    pub(super) at: i128,
    pub(super) deployment: u8,
    pub(super) allocation: Option<u64>,
    pub(super) starts: bool,
}

/// Everything that the amounts depend on. Money is in hundred-millionths, time in nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct Story {
    pub(super) model: &'static str,
    pub(super) tail: bool,
    pub(super) fee: i128,
    /// Of a core, a GiB of memory, a GiB of disk, a card.
    pub(super) resource_fees: [i128; 4],
    /// Thousandths of cores, bytes, bytes, cards: of every allocation.
    pub(super) resources: [i128; 4],
    pub(super) unit: i128,
    pub(super) cycle: i128,
    pub(super) fixed: i128,
    /// In hundred-millionths of a percent.
    pub(super) percentage: i128,
    pub(super) start: i128,
    pub(super) end: i128,
    pub(super) moments: Vec<Moment>,
}

/// What one invoice asks for: the amounts of its items, with the deployment where it has one, sorted.
pub(super) type Amounts = Vec<(Option<u8>, i128)>;

/// `numerator / denominator` to the nearest whole number, halves to the even one.
fn divided(numerator: i128, denominator: i128) -> i128 {
    let (whole, rest) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    match (rest * 2).cmp(&denominator) {
        std::cmp::Ordering::Less => whole,
        std::cmp::Ordering::Greater => whole + 1,
        std::cmp::Ordering::Equal => whole + whole.rem_euclid(2),
    }
}

/// The invoices of looks at these times.
pub(super) fn invoices(story: &Story, looks: &[i128]) -> Vec<(i128, i128, Amounts)> {
    let mut made = Vec::new();
    let mut from = story.start;
    for &look in looks {
        if look < story.start {
            continue;
        }
        let mut to = story.start;
        while to + story.cycle <= look {
            to += story.cycle;
        }
        if look >= story.end {
            to = story.end;
        }
        if to <= from {
            continue;
        }
        let amounts = amounts(story, from, to);
        if !amounts.is_empty() {
            made.push((from, to, amounts));
        }
        from = to;
    }
    made
}

fn amounts(story: &Story, from: i128, to: i128) -> Amounts {
    let mut items: Amounts = match story.model {
        "pay_per_allocation" => once(story.fee * distinct(story, from, to, true)),
        "pay_per_deployment" => once(story.fee * distinct(story, from, to, false)),
        "pay_per_time_utilization" => by_deployment(story, |deployment| {
            allocations(story, deployment).into_iter().map(|a| ran(story, deployment, &[a], from, to)).sum()
        }),
        "periodic" => by_deployment(story, |deployment| {
            let told = if story.tail { allocations(story, deployment) } else { vec![None] };
            ran(story, deployment, &told, from, to)
        }),
        "pay_per_resource_utilization" => {
            let time: i128 = deployments(story)
                .into_iter()
                .flat_map(|d| allocations(story, d).into_iter().map(move |a| (d, a)))
                .map(|(d, a)| ran(story, d, &[a], from, to))
                .sum();
            let gib = 1_i128 << 30;
            let [core, ram, disk, card] = story.resource_fees;
            let [cores, ram_bytes, disk_bytes, cards] = story.resources;
            let rate = core * cores * gib + (ram * ram_bytes + disk * disk_bytes + card * cards * gib) * 1000;
            once(divided(rate * time, 1000 * gib * story.unit))
        }
        "fixed_rental" => once(divided(story.fee * (to - from), story.cycle)),
        other => panic!("{other}"),
    };
    if !items.is_empty() && (story.fixed > 0 || story.percentage > 0) {
        let total: i128 = items.iter().map(|(_, amount)| amount).sum();
        let hundred_percent = 100 * 100_000_000;
        items
            .push((None, divided(story.fixed * hundred_percent + story.percentage * total, hundred_percent)));
    }
    items.sort_unstable();
    items
}

fn once(amount: i128) -> Amounts {
    if amount == 0 { Vec::new() } else { vec![(None, amount)] }
}

fn by_deployment(story: &Story, time: impl Fn(u8) -> i128) -> Amounts {
    let times = deployments(story).into_iter().map(|deployment| (deployment, time(deployment)));
    let used = times.filter(|(_, time)| *time > 0);
    used.map(|(deployment, time)| (Some(deployment), divided(story.fee * time, story.unit))).collect()
}

fn deployments(story: &Story) -> Vec<u8> {
    let mut all: Vec<u8> = story.moments.iter().map(|moment| moment.deployment).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn allocations(story: &Story, deployment: u8) -> Vec<Option<u64>> {
    let of = story.moments.iter().filter(|moment| moment.deployment == deployment);
    let mut all: Vec<Option<u64>> = of.map(|moment| moment.allocation).filter(Option::is_some).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Different allocations, or deployments, that started.
fn distinct(story: &Story, from: i128, to: i128, of_allocations: bool) -> i128 {
    let told = |moment: &&Moment| {
        let by_allocation = of_allocations || story.tail;
        moment.starts && moment.allocation.is_some() == by_allocation && moment.at >= from && moment.at < to
    };
    let started = story.moments.iter().filter(told);
    let mut all: Vec<(u8, Option<u64>)> =
        started.map(|moment| (moment.deployment, moment.allocation.filter(|_| of_allocations))).collect();
    all.sort_unstable();
    all.dedup();
    all.len() as i128
}

/// The time within `from..to` in which any of these ran.
fn ran(story: &Story, deployment: u8, which: &[Option<u64>], from: i128, to: i128) -> i128 {
    let mut running: Vec<Option<u64>> = Vec::new();
    let (mut since, mut time) = (0, 0);
    let mut moments: Vec<&Moment> = story
        .moments
        .iter()
        .filter(|moment| moment.deployment == deployment && which.contains(&moment.allocation))
        .collect();
    moments.sort_by_key(|moment| moment.at);
    let part = |since: i128, until: i128| (until.min(to) - since.max(from)).max(0);
    for moment in moments {
        let before = running.is_empty();
        running.retain(|other| *other != moment.allocation);
        if moment.starts {
            running.push(moment.allocation);
        }
        match (before, running.is_empty()) {
            (true, false) => since = moment.at,
            (false, true) => time += part(since, moment.at),
            _ => {}
        }
    }
    if !running.is_empty() {
        time += part(since, to);
    }
    time
}
