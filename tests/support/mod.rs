//! What stories stand on: the service as a process of its own, and around it a browser, a mail server, databases and
//! clouds, all real. Each test starts its own; nothing outlives the test.

pub(crate) mod accessibility;
pub(crate) mod bed;
pub(crate) mod browser;
pub(crate) mod calendar_reader;
pub(crate) mod course;
pub(crate) mod demo;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod provider;
pub(crate) mod service;
pub(crate) mod smtp;
pub(crate) mod visitor;

use std::time::Duration;

/// How long anything may take that a test waits for. Long, because a test that fails is rare and a busy machine is not.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);

/// Between two looks at what can't be listened to.
pub(crate) const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// What `tests/run` sets up and names in the environment.
pub(crate) fn given(name: &str) -> String {
    named(name).unwrap_or_else(|| panic!("{name} is not set: run the tests with tests/run, which sets it up"))
}

/// An environment variable, if it is set.
#[allow(clippy::disallowed_methods, reason = "tests are told about their surroundings in the environment")]
pub(crate) fn named(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Looks until there is something to return, or gives up.
pub(crate) async fn until<T, F>(mut look: impl FnMut() -> F) -> Option<T>
where
    F: Future<Output = Option<T>>,
{
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    };
    tokio::time::timeout(PATIENCE, looking).await.ok()
}
