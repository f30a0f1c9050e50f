//! The web: routes, who is asking, how errors are shown. `pages` says what a page holds, `handlers` what a request does,
//! `api` serves the same as JSON.

mod address;
mod agent;
mod api;
mod body;
mod caller;
mod context;
mod error;
mod guard;
mod handlers;
mod headers;
pub mod limits;
mod log;
mod metrics;
pub mod pages;
mod present;
mod routes;
mod sign_in_fault;
mod statics;
mod table;

pub use address::Proxies;
pub use context::{Demo, WebState};
pub use metrics::serve as serve_metrics;
pub use routes::{every_row, serve};
pub use table::{Row, Verb};
