//! Programs that a test starts, and that end with it.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::PATIENCE;

/// How a program is told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is asked, and killed if it does not comply.
    Asked,
    /// It is killed: it keeps nothing, and its children would not hear the question.
    Killed,
}

/// A program with all that it starts itself. It ends when this is dropped; if the test fails, what it said is shown.
pub(crate) struct Process {
    name: String,
    child: Child,
    ending: Ending,
    said: Arc<Mutex<String>>,
    lines: UnboundedReceiver<String>,
}

/// How long a program may take to end after it was asked to.
const TO_END: Duration = Duration::from_secs(15);

impl Process {
    /// Starts `command` in a process group of its own.
    pub(crate) fn start(name: &str, command: &mut Command, ending: Ending) -> Self {
        let started = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child =
            started.unwrap_or_else(|error| panic!("{name} can't be started: {error} ({command:?})"));
        let (heard, lines) = unbounded_channel();
        let said = Arc::new(Mutex::new(String::new()));
        listen(child.stdout.take().unwrap(), heard.clone(), said.clone());
        listen(child.stderr.take().unwrap(), heard, said.clone());
        Self { name: name.to_owned(), child, ending, said, lines }
    }

    /// Waits for a line in which `find` finds something.
    pub(crate) async fn hear<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        let listening = async {
            while let Some(line) = self.lines.recv().await {
                if let Some(found) = find(&line) {
                    return found;
                }
            }
            panic!("{} ended before it was ready:\n{}", self.name, self.said());
        };
        let heard = tokio::time::timeout(PATIENCE, listening).await;
        heard.unwrap_or_else(|_| panic!("{} is not ready after {PATIENCE:?}:\n{}", self.name, self.said()))
    }

    /// All that it has said up to now.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn signal(&self, signal: &str) {
        let group = format!("-{}", self.child.id());
        let sent = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
        if let Err(error) = sent {
            eprintln!("{} can't be ended: {error}", self.name);
        }
    }

    fn has_ended_in(&mut self, patience: Duration) -> bool {
        let pause = Duration::from_millis(20);
        (0..patience.as_millis() / pause.as_millis()).any(|_| {
            let ended = matches!(self.child.try_wait(), Ok(Some(_)));
            if !ended {
                std::thread::sleep(pause);
            }
            ended
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.ending == Ending::Asked {
            self.signal("-TERM");
            if !self.has_ended_in(TO_END) {
                eprintln!("{} did not end within {TO_END:?} and is killed", self.name);
            }
        }
        self.signal("-KILL");
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- what {} said ---\n{}", self.name, self.said());
        }
    }
}

/// Reads to the end, so that the program never blocks on a full pipe.
fn listen(pipe: impl Read + Send + 'static, heard: UnboundedSender<String>, said: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = writeln!(said.lock().unwrap_or_else(PoisonError::into_inner), "{line}");
            let _ = heard.send(line);
        }
    });
}
