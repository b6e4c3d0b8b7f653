//! When something that has ended is started again: Docker's restart policies and the pauses of its restart manager.

use super::kind::Restarts;
use crate::dms::ensemble::RestartPolicy;
use crate::kernel::{Span, Time};

/// The first pause.
const FIRST: Span = Span::millis(100);
/// The longest.
const LONGEST: Span = Span::mins(1);
/// What has run for so long begins with the first pause again.
const RAN_WELL: Span = Span::secs(10);

/// Whether a policy starts something again that has ended with this code. Nobody has stopped it: what was stopped is
/// not there to be asked about.
pub(super) fn wants(policy: Option<RestartPolicy>, code: i32) -> bool {
    match policy {
        None | Some(RestartPolicy::No) => false,
        Some(RestartPolicy::OnFailure) => code != 0,
        Some(RestartPolicy::Always | RestartPolicy::UnlessStopped) => true,
    }
}

/// Whether a policy starts something again after its machine has stopped: Docker does not for `on-failure`.
pub(super) fn survives_reboot(policy: Option<RestartPolicy>) -> bool {
    matches!(policy, Some(RestartPolicy::Always | RestartPolicy::UnlessStopped))
}

/// The pauses of one container.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Pauses {
    /// The last one.
    last: Span,
}

impl Pauses {
    /// The pause after something that ran for so long. None where the executor starts nothing again.
    pub(super) fn next(&mut self, now: Time, ran: Span, restarts: Restarts) -> Option<Span> {
        match restarts {
            Restarts::Never => None,
            Restarts::EveryRound(round) => Some(Span(round.0 - now.0 % round.0)),
            Restarts::BackOff => {
                let last = if ran >= RAN_WELL { Span::ZERO } else { self.last };
                self.last = if last == Span::ZERO { FIRST } else { last.times(2).min(LONGEST) };
                Some(self.last)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_begin_anew_after_ten_seconds_of_running() {
        let mut pauses = Pauses::default();
        let mut next = |ran| pauses.next(Time::ZERO, ran, Restarts::BackOff).map(|pause| pause.0 / 1_000_000);
        let taken: Vec<_> = (0..12).map(|_| next(Span::secs(9))).collect();
        let millis = [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000];
        assert_eq!(taken, millis.map(Some));
        assert_eq!(next(Span::secs(10)), Some(100));
        assert_eq!(next(Span::ZERO), Some(200));
    }

    #[test]
    fn a_monitor_comes_round_and_some_never_do() {
        let (mut pauses, round) = (Pauses::default(), Restarts::EveryRound(Span::secs(10)));
        let at = |time: Span| Time::ZERO + time;
        assert_eq!(pauses.next(at(Span::secs(13)), Span::ZERO, round), Some(Span::secs(7)));
        assert_eq!(pauses.next(at(Span::secs(20)), Span::ZERO, round), Some(Span::secs(10)));
        assert_eq!(pauses.next(Time::ZERO, Span::ZERO, Restarts::Never), None);
    }

    #[test]
    fn each_policy_wants_what_docker_says() {
        use RestartPolicy::{Always, No, OnFailure, UnlessStopped};
        for (policy, after_success, after_failure, after_reboot) in [
            (None, false, false, false),
            (Some(No), false, false, false),
            (Some(OnFailure), false, true, false),
            (Some(Always), true, true, true),
            (Some(UnlessStopped), true, true, true),
        ] {
            let found = (wants(policy, 0), wants(policy, 137), survives_reboot(policy));
            assert_eq!(found, (after_success, after_failure, after_reboot), "{policy:?}");
        }
    }
}
