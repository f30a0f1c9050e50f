//! The real OpenStack services, asked with OpenStack's own command.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::given;

/// What `bed.json` tells.
pub(crate) struct Bed {
    clouds_yaml: PathBuf,
    openstack: PathBuf,
}

/// The entry of `clouds.yaml` that courses use: an application credential of their project.
pub(crate) const CLOUD: &str = "course";

impl Bed {
    /// The one that `FAIRLEASE_TEST_BED` names.
    pub(crate) fn given() -> Self {
        let file = PathBuf::from(given("FAIRLEASE_TEST_BED"));
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}: is the bed up?", file.display()));
        let told: Value = serde_json::from_str(&text).unwrap();
        let root = file.parent().and_then(Path::parent).unwrap();
        Self {
            clouds_yaml: told["clouds_yaml"].as_str().unwrap().into(),
            openstack: root.join("venv/bin/openstack"),
        }
    }

    /// Where the clouds' addresses and credentials are.
    pub(crate) fn clouds_yaml(&self) -> &Path {
        &self.clouds_yaml
    }

    /// What `openstack WORDS` prints, such as `server list --long`.
    pub(crate) fn openstack(&self, words: &str) -> Vec<Value> {
        let mut command = Command::new(&self.openstack);
        command.env("OS_CLIENT_CONFIG_FILE", &self.clouds_yaml).args(["--os-cloud", CLOUD]);
        command.args(words.split(' ')).args(["-f", "json"]);
        let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{command:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }
}
