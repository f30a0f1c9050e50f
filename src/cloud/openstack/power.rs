//! Nova: servers that are stopped or shelved, and started again.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::OpenStackCloud;
use super::identity::Service;
use crate::cloud::port::{CloudError, Progress};
use crate::domain::reaper::StopBy;

#[derive(Debug, Deserialize)]
struct One {
    server: Server,
}

#[derive(Debug, Deserialize)]
struct Server {
    status: String,
    #[serde(rename = "OS-EXT-STS:task_state")]
    task: Option<String>,
    fault: Option<Fault>,
}

#[derive(Debug, Deserialize)]
struct Fault {
    #[serde(default)]
    message: String,
}

/// What is to be done about a server.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    /// Nothing, but to say how far it is.
    Told(Progress),
    /// This action is to be asked for.
    Ask(&'static str),
    /// It is gone, though the site still shows it.
    Gone,
}

impl Server {
    fn to_stop(&self, by: StopBy) -> Step {
        self.unless_busy(match (self.status.as_str(), by) {
            ("SHELVED" | "SHELVED_OFFLOADED", _) | ("SHUTOFF" | "PAUSED" | "SUSPENDED", StopBy::Stop) => {
                Step::Told(Progress::Ready)
            }
            ("ACTIVE", StopBy::Stop) => Step::Ask("os-stop"),
            ("ACTIVE" | "SHUTOFF" | "PAUSED" | "SUSPENDED", StopBy::Shelve) => Step::Ask("shelve"),
            _ => Step::Told(Progress::Working),
        })
    }

    fn to_start(&self) -> Step {
        self.unless_busy(match self.status.as_str() {
            "ACTIVE" => Step::Told(Progress::Ready),
            "SHUTOFF" => Step::Ask("os-start"),
            "PAUSED" => Step::Ask("unpause"),
            "SUSPENDED" => Step::Ask("resume"),
            "SHELVED" | "SHELVED_OFFLOADED" => Step::Ask("unshelve"),
            _ => Step::Told(Progress::Working),
        })
    }

    fn unless_busy(&self, step: Step) -> Step {
        match (self.status.as_str(), &self.task) {
            ("DELETED" | "SOFT_DELETED", _) => Step::Gone,
            (_, Some(_)) => Step::Told(Progress::Working),
            ("ERROR", None) => Step::Told(Progress::Broken(self.fault.as_ref().map_or_else(
                || "the server is in ERROR, and the site gives no reason".to_owned(),
                |fault| fault.message.clone(),
            ))),
            _ => step,
        }
    }
}

impl OpenStackCloud {
    pub(super) async fn stop_server(&self, id: &str, by: StopBy) -> Result<Progress, CloudError> {
        let server = self.server_to_turn(id).await?;
        self.turn(id, server.to_stop(by)).await
    }

    pub(super) async fn start_server(&self, id: &str) -> Result<Progress, CloudError> {
        let server = self.server_to_turn(id).await?;
        self.turn(id, server.to_start()).await
    }

    async fn server_to_turn(&self, id: &str) -> Result<Server, CloudError> {
        let found: One = self.session.get(Service::Compute, &["servers", id], &[]).await?;
        Ok(found.server)
    }

    async fn turn(&self, id: &str, step: Step) -> Result<Progress, CloudError> {
        let action = match step {
            Step::Told(progress) => return Ok(progress),
            Step::Gone => return Err(CloudError::NotFound(format!("the server {id} is deleted"))),
            Step::Ask(action) => action,
        };
        let body = Map::from_iter([(action.to_owned(), json!(null))]);
        let path = ["servers", id, "action"];
        match self.session.post::<Value>(Service::Compute, &path, &Value::Object(body)).await {
            Ok(_) => Ok(Progress::Working),
            // Our credential was good for the look at the server: it is this that it is not good for.
            Err(CloudError::Unauthorised(message)) => {
                Err(CloudError::Permanent(format!("{action} is not for us to do: {message}")))
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(status: &str, task: Option<&str>) -> Server {
        let server = json!({"status": status, "OS-EXT-STS:task_state": task,
                            "fault": {"code": 500, "message": "No valid host was found."}});
        serde_json::from_value(server).unwrap()
    }

    #[test]
    fn each_state_has_its_way_down_and_up() {
        let (ready, working) = (|| Step::Told(Progress::Ready), || Step::Told(Progress::Working));
        for (status, stop, shelve, start) in [
            ("ACTIVE", Step::Ask("os-stop"), Step::Ask("shelve"), ready()),
            ("SHUTOFF", ready(), Step::Ask("shelve"), Step::Ask("os-start")),
            ("SUSPENDED", ready(), Step::Ask("shelve"), Step::Ask("resume")),
            ("PAUSED", ready(), Step::Ask("shelve"), Step::Ask("unpause")),
            ("SHELVED_OFFLOADED", ready(), ready(), Step::Ask("unshelve")),
            ("BUILD", working(), working(), working()),
            ("VERIFY_RESIZE", working(), working(), working()),
            ("DELETED", Step::Gone, Step::Gone, Step::Gone),
        ] {
            let of = server(status, None);
            let told = (of.to_stop(StopBy::Stop), of.to_stop(StopBy::Shelve), of.to_start());
            assert_eq!(told, (stop, shelve, start), "{status}");
        }
    }

    #[test]
    fn what_is_under_way_is_not_asked_for_again() {
        for (status, task) in [("ACTIVE", "powering-off"), ("SHUTOFF", "powering-on"), ("ERROR", "deleting")]
        {
            let busy = server(status, Some(task));
            assert_eq!(busy.to_stop(StopBy::Stop), Step::Told(Progress::Working), "{task}");
            assert_eq!(busy.to_start(), Step::Told(Progress::Working), "{task}");
        }
        let broken = Step::Told(Progress::Broken("No valid host was found.".to_owned()));
        assert_eq!(server("ERROR", None).to_start(), broken);
    }
}
