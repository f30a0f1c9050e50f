//! Figures for Prometheus. Counts and latencies are of this process; what is in the database is put in at each scrape.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus::{
    Encoder as _, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// The media type of what [`Metrics::text`] writes.
pub const MEDIA_TYPE: &str = prometheus::TEXT_FORMAT;

/// Why metrics could not be made or written.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// Calls to a cloud take from milliseconds to the limit of the client, 75 s.
const CALL_BUCKETS: [f64; 11] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 90.0];
/// Requests are answered in milliseconds.
const REQUEST_BUCKETS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// What the database holds, as of a scrape.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Gauges {
    /// Each site and its condition in a word.
    pub sites: Vec<(String, &'static str)>,
    /// Every word that a condition may be.
    pub conditions: Vec<&'static str>,
    /// Bookings that have not ended, by the word of their state.
    pub bookings: Vec<(String, i64)>,
    /// What is due at each site.
    pub due: Vec<Due>,
    /// Notices that wait to be sent.
    pub outbox: i64,
    /// For how many seconds the first of them waits.
    pub outbox_oldest: f64,
    /// How many mails were given up.
    pub given_up: i64,
}

/// Bookings of one site whose next step is due.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// The site.
    pub site: String,
    /// How many.
    pub due: i64,
    /// How many of them have been due for a minute.
    pub overdue: i64,
    /// For how many seconds the first of them has been due.
    pub oldest: f64,
}

/// The figures of this process.
pub struct Metrics {
    registry: Registry,
    calls: HistogramVec,
    requests: HistogramVec,
    jobs: IntCounterVec,
    mails: IntCounterVec,
    stored: Mutex<Stored>,
}

/// Figures that are replaced at each scrape, one scrape at a time.
struct Stored {
    site_condition: IntGaugeVec,
    bookings: IntGaugeVec,
    due: IntGaugeVec,
    overdue: IntGaugeVec,
    due_oldest: GaugeVec,
    outbox: IntGaugeVec,
    outbox_oldest: GaugeVec,
    given_up: IntGaugeVec,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let calls = HistogramVec::new(
            HistogramOpts::new("fairlease_cloud_call_seconds", "How long calls to sites took.")
                .buckets(CALL_BUCKETS.to_vec()),
            &["site", "operation", "outcome"],
        )?;
        let requests = HistogramVec::new(
            HistogramOpts::new("fairlease_http_request_seconds", "How long requests took to be answered.")
                .buckets(REQUEST_BUCKETS.to_vec()),
            &["method", "route", "status"],
        )?;
        let jobs = IntCounterVec::new(
            Opts::new("fairlease_job_runs_total", "Runs of recurring jobs by this process."),
            &["job", "outcome"],
        )?;
        registry.register(Box::new(calls.clone()))?;
        registry.register(Box::new(requests.clone()))?;
        let mails = IntCounterVec::new(
            Opts::new("fairlease_mails_total", "Attempts of this process to send a mail."),
            &["outcome"],
        )?;
        registry.register(Box::new(jobs.clone()))?;
        registry.register(Box::new(mails.clone()))?;
        let stored = Mutex::new(Stored::new(&registry)?);
        Ok(Self { registry, calls, requests, jobs, mails, stored })
    }

    /// A call to a site is over.
    pub fn call(&self, site: &str, operation: &str, outcome: &str, took: Duration) {
        self.calls.with_label_values(&[site, operation, outcome]).observe(took.as_secs_f64());
    }

    /// A request was answered. `route` is the pattern of its path, never the path: there are few patterns.
    pub fn request(&self, method: &str, route: &str, status: u16, took: Duration) {
        self.requests.with_label_values(&[method, route, &status.to_string()]).observe(took.as_secs_f64());
    }

    /// A recurring job has run.
    pub fn job(&self, job: &str, outcome: &str) {
        self.jobs.with_label_values(&[job, outcome]).inc();
    }

    /// It was tried to send a mail: `sent`, `put_off` or `given_up`.
    pub fn mail(&self, outcome: &str) {
        self.mails.with_label_values(&[outcome]).inc();
    }

    /// Everything in Prometheus' text format, with what is stored as `gauges` have it.
    pub fn text(&self, gauges: &Gauges) -> Result<String, MetricsError> {
        let stored = self.stored.lock().unwrap_or_else(PoisonError::into_inner);
        stored.replace(gauges);
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

impl Stored {
    fn new(registry: &Registry) -> Result<Self, MetricsError> {
        let whole = |name: &str, help: &str, labels: &[&str]| -> Result<IntGaugeVec, MetricsError> {
            let gauge = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        let seconds = |name: &str, help: &str, labels: &[&str]| -> Result<GaugeVec, MetricsError> {
            let gauge = GaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        Ok(Self {
            site_condition: whole(
                "fairlease_site_condition",
                "1 for the condition that a site is in.",
                &["site", "condition"],
            )?,
            bookings: whole("fairlease_bookings", "Bookings that have not ended.", &["state"])?,
            due: whole("fairlease_bookings_due", "Bookings whose next step is due.", &["site"])?,
            overdue: whole(
                "fairlease_bookings_overdue",
                "Bookings whose next step has been due for a minute.",
                &["site"],
            )?,
            due_oldest: seconds(
                "fairlease_bookings_due_oldest_seconds",
                "For how long the first of the steps that are due has been due.",
                &["site"],
            )?,
            outbox: whole("fairlease_outbox_waiting", "Mails that wait to be sent.", &[])?,
            outbox_oldest: seconds(
                "fairlease_outbox_oldest_seconds",
                "For how long the first of the mails waits.",
                &[],
            )?,
            given_up: whole(
                "fairlease_outbox_given_up",
                "Mails that were given up and that nobody has had tried again.",
                &[],
            )?,
        })
    }

    fn replace(&self, gauges: &Gauges) {
        self.site_condition.reset();
        for (site, condition) in &gauges.sites {
            for word in &gauges.conditions {
                let gauge = self.site_condition.with_label_values(&[site.as_str(), word]);
                gauge.set(i64::from(word == condition));
            }
        }
        self.bookings.reset();
        for (state, count) in &gauges.bookings {
            self.bookings.with_label_values(&[state]).set(*count);
        }
        self.due.reset();
        self.overdue.reset();
        self.due_oldest.reset();
        for due in &gauges.due {
            self.due.with_label_values(&[&due.site]).set(due.due);
            self.overdue.with_label_values(&[&due.site]).set(due.overdue);
            self.due_oldest.with_label_values(&[&due.site]).set(due.oldest);
        }
        let none: [&str; 0] = [];
        self.outbox.with_label_values(&none).set(gauges.outbox);
        self.outbox_oldest.with_label_values(&none).set(gauges.outbox_oldest);
        self.given_up.with_label_values(&none).set(gauges.given_up);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_replaced_and_what_is_counted_stays() {
        let metrics = Metrics::new().unwrap();
        metrics.call("here", "list", "ok", Duration::from_millis(200));
        metrics.job("reap", "ok");
        let conditions = vec!["up", "down"];
        let first = Gauges {
            sites: vec![("here".to_owned(), "down")],
            conditions: conditions.clone(),
            bookings: vec![("held".to_owned(), 3)],
            ..Gauges::default()
        };
        let text = metrics.text(&first).unwrap();
        assert!(text.contains("fairlease_site_condition{condition=\"down\",site=\"here\"} 1"), "{text}");
        assert!(text.contains("fairlease_bookings{state=\"held\"} 3"), "{text}");
        let then = Gauges { sites: vec![("here".to_owned(), "up")], conditions, ..Gauges::default() };
        let text = metrics.text(&then).unwrap();
        assert!(text.contains("fairlease_site_condition{condition=\"down\",site=\"here\"} 0"), "{text}");
        assert!(!text.contains("state=\"held\""), "{text}");
        let count = "fairlease_cloud_call_seconds_count{operation=\"list\",outcome=\"ok\",site=\"here\"} 1";
        assert!(text.contains(count), "{text}");
        assert!(text.contains("fairlease_job_runs_total{job=\"reap\",outcome=\"ok\"} 1"), "{text}");
    }
}
