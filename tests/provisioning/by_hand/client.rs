//! The client that people use: `openstack`, as it comes, with its plugin for Blazar.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tokio::task::block_in_place;

use crate::support::bed::Bed;
use crate::support::given;

/// Someone at a command line.
pub(super) struct Client {
    program: PathBuf,
    clouds_file: PathBuf,
    cloud: &'static str,
}

impl Client {
    /// Someone with the credentials of this cloud.
    pub(super) fn of(bed: &Bed, cloud: &'static str) -> Self {
        let python = given("FAIRLEASE_TEST_PYTHON");
        let program = Path::new(&python).with_file_name("openstack");
        assert!(program.exists(), "{} is missing: run the tests with tests/run", program.display());
        Self { program, clouds_file: bed.clouds_yaml().to_owned(), cloud }
    }

    /// Types this, and reads the answer.
    pub(super) fn types(&self, words: &[&str]) -> Value {
        let told = self.run(&[words, &["-f", "json"]].concat());
        // Before the object there may be a sentence.
        let from = told.find(['{', '[']).unwrap_or_else(|| panic!("{words:?}: {told}"));
        serde_json::from_str(&told[from..]).unwrap_or_else(|error| panic!("{words:?}: {error}: {told}"))
    }

    /// Makes something, and reads its id.
    pub(super) fn makes(&self, words: &[&str]) -> String {
        let made = self.types(words);
        made["id"].as_str().unwrap_or_else(|| panic!("{words:?}: {made}")).to_owned()
    }

    /// Types what is answered with no object.
    pub(super) fn run(&self, words: &[&str]) -> String {
        let mut command = Command::new(&self.program);
        command.args(words).env("OS_CLIENT_CONFIG_FILE", &self.clouds_file).env("OS_CLOUD", self.cloud);
        let ended = block_in_place(|| command.output()).unwrap();
        let (out, error) = (String::from_utf8(ended.stdout).unwrap(), String::from_utf8_lossy(&ended.stderr));
        assert!(ended.status.success(), "openstack {}: {error}", words.join(" "));
        out
    }
}
