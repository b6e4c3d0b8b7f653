//! How a node logs, and changing that while it runs (dms-capabilities section 9.1): the settings are kept, bad ones
//! refused, and shown in its status. Whoever observes the node goes by them (`dms::observability`).

use std::sync::Arc;

use crate::dms::actor::{FixedLogging, LoggerChange, LoggerReport};
use crate::dms::observability::{Level, ObserverConfig};
use crate::dms::profile::{Profile, Weakness};
use crate::kernel::Span;

/// Why settings were not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum LoggerError {
    /// No such level.
    #[error("`{0}` is no log level: there are {list}", list = Level::ALL.map(Level::as_str).join(", "))]
    Level(Arc<str>),
    /// Records would never be flushed, or without a pause.
    #[error("the flush interval must be at least 1 s")]
    FlushInterval,
    /// Not the address of a server.
    #[error("`{0}` is not the URL of a server")]
    Url(Arc<str>),
}

/// The settings. They live in memory: a restart begins with the defaults.
#[derive(Clone, Debug, Default)]
pub(super) struct Logger {
    settings: LoggerChange,
}

impl Logger {
    /// Takes all of a change or nothing.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn change(&mut self, change: &LoggerChange) -> Result<(), LoggerError> {
        if let Some(level) = &change.level
            && level.parse::<Level>().is_err()
        {
            return Err(LoggerError::Level(Arc::clone(level)));
        }
        if change.flush_interval_s == Some(0) {
            return Err(LoggerError::FlushInterval);
        }
        let is_url = |url: &str| {
            let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
            host.is_some_and(|host| !host.is_empty())
        };
        if let Some(url) =
            [&change.elastic_url, &change.apm_url].into_iter().flatten().find(|url| !is_url(url))
        {
            return Err(LoggerError::Url(Arc::clone(url)));
        }
        let (old, new) = (std::mem::take(&mut self.settings), change.clone());
        self.settings = LoggerChange {
            level: new.level.or(old.level),
            flush_interval_s: new.flush_interval_s.or(old.flush_interval_s),
            elastic_url: new.elastic_url.or(old.elastic_url),
            api_key: new.api_key.or(old.api_key),
            apm_url: new.apm_url.or(old.apm_url),
            elastic: new.elastic.or(old.elastic),
        };
        Ok(())
    }

    /// What was changed.
    pub(super) const fn changes(&self) -> &LoggerChange {
        &self.settings
    }

    /// What a status says of it: what was `configured` and what was changed since, or nothing where neither is the
    /// case. The real DMS reports its whole configuration, keys among it (dms-capabilities section 9.3; C13); as it is
    /// meant, only that there is a key.
    pub(super) fn report(
        &self,
        configured: Option<&ObserverConfig>,
        profile: Profile,
    ) -> Option<LoggerReport> {
        let changes = &self.settings;
        if configured.is_none() && *changes == LoggerChange::default() {
            return None;
        }
        let LoggerChange { level, flush_interval_s, elastic_url, api_key, apm_url, elastic } =
            changes.clone();
        let elastic_config = configured.and_then(|config| config.elastic.as_ref());
        let text = |text: &String| (!text.is_empty()).then(|| Arc::from(text.as_str()));
        let api_key = api_key.or_else(|| text(&elastic_config?.api_key));
        Some(LoggerReport {
            level: level.or_else(|| Some(configured?.level.as_str().into())),
            flush_interval_ms: flush_interval_s
                .map(Span::secs)
                .or_else(|| Some(configured?.flush_interval))
                .map(|interval| interval.0 / 1_000_000),
            elastic_url: elastic_url.or_else(|| text(&elastic_config?.url)),
            has_api_key: api_key.is_some(),
            api_key: api_key.filter(|_| profile.has(Weakness::ToldSecrets)),
            apm_url: apm_url.or_else(|| text(&configured?.apm.url)),
            elastic: elastic.or_else(|| Some(configured?.elastic.is_some())),
            fixed: configured.map(|config| Box::new(fixed(config))),
        })
    }
}

/// What no message changes.
fn fixed(config: &ObserverConfig) -> FixedLogging {
    FixedLogging {
        console: config.console,
        file: config.file,
        events: config.events,
        apm_service: config.apm.service.as_str().into(),
        apm_environment: config.apm.environment.as_str().into(),
        metrics: config.metrics,
        skip: config.skipped.clone(),
        no_op: config.no_op,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_taken_whole_or_not_at_all() {
        let mut logger = Logger::default();
        assert_eq!(logger.report(None, Profile::INTENDED), None);
        let change = LoggerChange {
            level: Some("debug".into()),
            api_key: Some("secret".into()),
            elastic_url: Some("https://logs.example".into()),
            ..LoggerChange::default()
        };
        assert_eq!(logger.change(&change), Ok(()));
        let later =
            LoggerChange { flush_interval_s: Some(5), elastic: Some(true), ..LoggerChange::default() };
        assert_eq!(logger.change(&later), Ok(()));
        let shown = logger.report(None, Profile::INTENDED).expect("it has been changed");
        assert_eq!(
            (shown.level.as_deref(), shown.flush_interval_ms, shown.elastic),
            (Some("debug"), Some(5000), Some(true))
        );
        assert!(shown.has_api_key && !format!("{shown:?}").contains("secret"));
        let told = logger.report(None, Profile::AS_IS).and_then(|report| report.api_key);
        assert_eq!(told.as_deref(), Some("secret"));
        for (wrong, why) in [
            (
                LoggerChange { level: Some("loud".into()), ..later.clone() },
                "`loud` is no log level: there are DEBUG, INFO, WARN, ERROR",
            ),
            (
                LoggerChange { flush_interval_s: Some(0), ..later.clone() },
                "the flush interval must be at least 1 s",
            ),
            (
                LoggerChange { apm_url: Some("https://".into()), elastic: Some(false), ..later.clone() },
                "`https://` is not the URL of a server",
            ),
            (
                LoggerChange { elastic_url: Some("ftp://a".into()), ..later },
                "`ftp://a` is not the URL of a server",
            ),
        ] {
            assert_eq!(logger.change(&wrong).map_err(|error| error.to_string()), Err(why.to_owned()));
            assert_eq!(logger.report(None, Profile::INTENDED).as_ref(), Some(&shown));
        }
    }
}
