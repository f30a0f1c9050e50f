//! What a sweep of the reaper costs: a site with 1,000, 10,000 and 100,000 servers that people made by hand, among their leases,
//! networks, ports and floating IPs, bookings' objects and what others have. Prints what a plan and a whole sweep take as a ratio
//! to the bare listing, in time and in memory, and how that grows. Fails if it grows faster than the listing does.
//!
//!     cargo bench --bench sweep
//!
//! Measures on SQLite. Memory is measured in a process of its own for each figure, so none is lent what another has left.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a load test stops where it can't go on, prints, and reads the machine's time"
)]

mod project;

use std::process::Command;
use std::time::{Duration, Instant};

use project::Project;

const SERVERS: [u32; 3] = [1_000, 10_000, 100_000];
/// Of the ratio at the smallest site, what that at the largest may be.
const MOST_GROWTH: f64 = 1.5;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The listing alone.
    Listing,
    /// What the dry run does: the listing, and the plan.
    Plan,
    /// A whole sweep in which nothing is due.
    Sweep,
}

impl Part {
    const ALL: [Self; 3] = [Self::Listing, Self::Plan, Self::Sweep];

    fn word(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Plan => "plan",
            Self::Sweep => "sweep",
        }
    }

    async fn run(self, project: &Project) -> Duration {
        let began = Instant::now();
        match self {
            Self::Listing => project.list().await,
            Self::Plan => project.plan().await,
            Self::Sweep => project.sweep().await,
        }
        began.elapsed()
    }
}

/// What the process has, or had at most since it was last reset, as Linux tells it, in megabytes.
fn megabytes(line: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(':')).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// How much more than before the process had at most while it did this once.
async fn peak(part: Part, project: &Project) -> f64 {
    // From here on the peak is counted anew.
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = megabytes("VmRSS");
    part.run(project).await;
    megabytes("VmHWM") - before
}

/// The shortest time of each part, in milliseconds: whatever else the machine does only adds to it. The parts take turns.
async fn times(project: &Project, servers: u32) -> Vec<f64> {
    let rounds = 3 + 20_000 / servers;
    let mut shortest = [f64::INFINITY; Part::ALL.len()];
    for _ in 0..rounds {
        for (shortest, part) in shortest.iter_mut().zip(Part::ALL) {
            *shortest = shortest.min(part.run(project).await.as_secs_f64() * 1000.0);
        }
    }
    shortest.to_vec()
}

/// Figures of a process of its own.
fn apart(what: &str, servers: u32) -> Vec<f64> {
    let child =
        Command::new(std::env::current_exe().unwrap()).args(["apart", what, &servers.to_string()]).output();
    let child = child.unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let text = String::from_utf8(child.stdout).unwrap();
    text.split_whitespace().map(|figure| figure.parse().unwrap()).collect()
}

/// The figures that [`apart`] reads.
async fn figures(what: &str, servers: u32) -> Vec<f64> {
    let project = Project::with(servers).await;
    match Part::ALL.into_iter().find(|part| part.word() == what) {
        Some(part) => vec![peak(part, &project).await],
        None if what == "objects" => vec![f64::from(u32::try_from(project.objects()).unwrap())],
        None => times(&project, servers).await,
    }
}

fn print(what: &str, figures: &[f64]) {
    let [listing, plan, sweep] = figures else { panic!("{what}: {figures:?}") };
    let (plan, sweep) = (plan / listing, sweep / listing);
    println!("  {what:<10}{listing:>12.1}{plan:>12.2}{sweep:>12.2}");
}

/// By how much the ratio of a part to the listing has grown from the smallest site to the largest.
fn growth(all: &[Vec<f64>], part: usize) -> f64 {
    let ratio = |figures: &Vec<f64>| figures[part] / figures[0];
    ratio(all.last().unwrap()) / ratio(all.first().unwrap())
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|it| it == "apart") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let figures = runtime.block_on(figures(&arguments[at + 1], arguments[at + 2].parse().unwrap()));
        return println!("{}", figures.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
    }
    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    for servers in SERVERS {
        println!("{servers} servers among {} objects", apart("objects", servers)[0]);
        println!("  {:<10}{:>12}{:>12}{:>12}", "", "listing", "plan: 1", "sweep: 1");
        times.push(apart("times", servers));
        print("time, ms", times.last().unwrap());
        peaks.push(Part::ALL.iter().flat_map(|part| apart(part.word(), servers)).collect::<Vec<_>>());
        print("peak, MB", peaks.last().unwrap());
    }
    for (what, part) in [("plan", 1), ("sweep", 2)] {
        let (time, peak) = (growth(&times, part), growth(&peaks[1..], part));
        println!("ratio of the {what} from the smallest site to the largest: time {time:.2}, peak {peak:.2}");
        assert!(time < MOST_GROWTH && peak < MOST_GROWTH, "a sweep grows faster than the listing");
    }
}
