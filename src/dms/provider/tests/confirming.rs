//! When a provider that has started again asks whether what runs here is still wanted, and when it gives up, to the
//! second (dms-capabilities section 9.4, dms-orchestration section 4.6).

use super::*;

/// What it asks: the orchestrator's host, or the deployment there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Question {
    Host,
    Deployment,
}

use Question::{Deployment, Host};

/// A provider that has started again, with a run that its executor has kept.
struct Restarted {
    lab: Lab,
    run: RunId,
    timers: Vec<(Timestamp, Timer)>,
}

impl Restarted {
    fn new(profile: Profile) -> Self {
        let mut lab = Lab::with_profile(profile);
        let run = lab.run("web");
        let record = lab.provider.record();
        lab.provider.stop();
        lab.effects = Effects::default();
        lab.happens(|provider, _, desk| provider.recover(desk, record, &[run], &[]));
        Self { lab, run, timers: Vec::new() }
    }

    /// Seconds since the start.
    fn second(&self) -> u64 {
        let since = self.lab.now.since(Lab::NOW);
        assert_eq!(since.0 % 1_000_000_000, 0, "all its times are whole seconds");
        since.0 / 1_000_000_000
    }

    /// Lets time pass until nothing is asked any more, or it gives up. What was asked at which second; `answer` says
    /// what is answered at once, if anything.
    fn asks(&mut self, answer: impl Fn(u64, Question) -> Option<Message>) -> Vec<(u64, Question)> {
        let mut asked = Vec::new();
        loop {
            let of_questions =
                |timer: &Timer| matches!(timer, Timer::Confirm(_) | Timer::Reply(Owner::Provider, _));
            self.timers.extend(self.lab.effects.timers.drain(..).filter(|(_, timer)| of_questions(timer)));
            let question = |sent: Envelope| {
                let question = match sent.behaviour.kind {
                    BehaviourKind::PublicHello => Host,
                    BehaviourKind::DeploymentState => Deployment,
                    _ => return None,
                };
                Some((question, sent.reply_to?.reply_nonce()?))
            };
            let sent = self.lab.effects.sends.drain(..).find_map(question);
            if let Some((question, nonce)) = sent {
                asked.push((self.second(), question));
                if let Some(message) = answer(self.second(), question) {
                    self.lab.happens(|provider, _, desk| {
                        provider.resolve_confirmation(desk, nonce, Some(&message));
                    });
                }
                continue;
            }
            if self.said_of_the_end().is_some() {
                return asked;
            }
            let Some(next) = (0..self.timers.len()).min_by_key(|place| self.timers[*place].0) else {
                return asked;
            };
            let (at, timer) = self.timers.remove(next);
            self.lab.now = at;
            self.lab.happens(|provider, _, desk| provider.handle_timer(desk, timer));
        }
    }

    /// Why it has given up, if it has.
    fn said_of_the_end(&self) -> Option<&str> {
        self.lab.effects.facts.iter().find_map(|fact| match fact {
            Fact::StageFailed { reason, .. } => Some(&**reason),
            _ => None,
        })
    }

    /// Whether it has given up, at this second and for this reason, and rolls everything back.
    #[track_caller]
    fn has_given_up(&mut self, second: u64, reason: &str) {
        let said = self.said_of_the_end().expect("it has given up").to_string();
        assert!(said.contains(reason), "{said}");
        assert_eq!(self.second(), second);
        let run = self.run;
        assert!(
            self.lab
                .effects
                .actions
                .iter()
                .any(|action| matches!(action, Action::Terminate(it) if *it == run))
        );
        self.lab.report(Execution::Terminated(run, None));
        assert_eq!((self.lab.free_cores(), self.lab.provider.allocations.len()), (8, 0));
    }

    #[track_caller]
    fn has_kept_it(&self) {
        assert_eq!((self.lab.free_cores(), self.lab.provider.allocations.len()), (7, 1));
    }
}

/// The first pause is 15 s. A host gets 3 s to answer; then come 15 s, and twice as much each time up to an hour, until
/// three hours are over.
#[test]
fn a_host_that_is_silent_is_called_after_ever_longer_pauses_for_three_hours() {
    for profile in [Profile::INTENDED, Profile::INTENDED.with(Weakness::HastyDestruction)] {
        let mut provider = Restarted::new(profile);
        let asked = provider.asks(|_, _| None);
        let (mut at, mut pause) = (15, 15);
        let mut expected = Vec::new();
        while at < 3 * 3600 {
            expected.push((at, Host));
            at += 3 + pause;
            pause = (2 * pause).min(3600);
        }
        assert_eq!(asked, expected);
        assert_eq!(asked.iter().map(|(second, _)| *second).collect::<Vec<_>>()[..5], [15, 33, 66, 129, 252]);
        assert_eq!(asked.last(), Some(&(7467, Host)), "the hour after it is cut short");
        provider.has_given_up(3 * 3600, "silent for 3 h");
    }
}

/// A deployment gets a minute to answer, and is asked three times with 30 s between. Then its host is called anew; to
/// the real DMS it was a "no" (W23).
#[test]
fn a_deployment_that_is_silent_is_asked_three_times() {
    let host_only = |_, question| (question == Host).then_some(Message::Ok);
    let round = |at: u64| [(at, Host), (at, Deployment), (at + 90, Deployment), (at + 180, Deployment)];
    let mut as_read = Restarted::new(Profile::INTENDED.with(Weakness::HastyDestruction));
    assert_eq!(as_read.asks(host_only), round(15));
    as_read.has_given_up(255, "its deployment does not");
    let mut intended = Restarted::new(Profile::INTENDED);
    let asked = intended.asks(host_only);
    // Each round takes 240 s, and the pauses are those after a silent host.
    assert_eq!(asked[..12], [round(15), round(270), round(540)].concat());
    intended.has_given_up(3 * 3600, "silent for 3 h");
}

#[test]
fn an_answer_decides_at_once() {
    for (answer, keeps) in [(Message::Ok, true), (Message::Error("unknown".into()), false)] {
        let mut provider = Restarted::new(Profile::INTENDED);
        let asked =
            provider.asks(|_, question| Some(if question == Host { Message::Ok } else { answer.clone() }));
        assert_eq!(asked, [(15, Host), (15, Deployment)]);
        if keeps {
            provider.has_kept_it();
        } else {
            provider.has_given_up(15, "does not want it any more");
        }
    }
}

/// However long the pauses have become, after a "wait" they begin with 15 s.
#[test]
fn who_is_told_to_wait_asks_again_after_the_shortest_pause() {
    let mut provider = Restarted::new(Profile::INTENDED);
    let asked = provider.asks(|second, question| match question {
        Host if second < 200 => None,
        Host => Some(Message::Ok),
        Deployment if second < 280 => Some(Message::Wait),
        Deployment => Some(Message::Ok),
    });
    let silent = [15, 33, 66, 129].map(|second| (second, Host));
    let rounds = [252, 267, 282].map(|second| [(second, Host), (second, Deployment)]);
    assert_eq!(asked[..4], silent);
    assert_eq!(asked[4..], rounds.concat());
    provider.has_kept_it();
}

/// The pause before the last attempt is cut short by the three hours; an answer to that attempt still counts.
#[test]
fn an_orchestrator_that_comes_back_in_the_last_hour_keeps_what_it_has() {
    let mut provider = Restarted::new(Profile::INTENDED);
    let asked = provider.asks(|second, _| (second >= 7000).then_some(Message::Ok));
    assert_eq!(asked.last(), Some(&(7467, Deployment)));
    provider.has_kept_it();
}

#[test]
fn a_provider_bids_only_after_everything_runs_again() {
    let mut lab = Lab::new();
    lab.run("web");
    let record = lab.provider.record();
    lab.provider.stop();
    lab.effects = Effects::default();
    lab.happens(|provider, _, desk| provider.recover(desk, record, &[], &[]));
    let asks = |lab: &mut Lab, nonce| {
        let ensemble = EnsembleId([6; 32]);
        let requests = vec![node("other", 1)];
        let request = BidRequest {
            ensemble,
            nonce,
            requests,
            exclude: Vec::new(),
            contracts: Arc::default(),
            draw: None,
            offers: None,
        };
        lab.effects.sends.clear();
        lab.tell(None, Message::BidRequest(Arc::new(request)))
    };
    assert_eq!(asks(&mut lab, 1), None);
    let run = lab.provider.allocations[&full("web")].run;
    lab.report(Execution::Started(run));
    assert!(matches!(asks(&mut lab, 2), Some(Message::Bid(_))));
}
