//! What a sweep of the reaper costs: a site with 1,000, 10,000 and 100,000 servers that people made by hand, among their leases,
//! networks, ports and floating IPs, bookings' objects and what others have. Prints what a sweep takes as a ratio to the bare
//! listing, in time and in memory: the plan alone, a sweep in which nothing is due, one that marks a third of the servers and
//! writes to their owners, and one that finds all of them marked. Fails if that grows faster than the listing does.
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
    /// The sweep in which all is marked.
    Marking,
    /// A sweep in which all is marked, and nothing is due.
    Marked,
}

impl Part {
    const ALL: [Self; 5] = [Self::Listing, Self::Plan, Self::Sweep, Self::Marking, Self::Marked];

    fn word(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Plan => "plan",
            Self::Sweep => "sweep",
            Self::Marking => "marking",
            Self::Marked => "marked",
        }
    }

    /// A project in which this comes next.
    async fn project(self, servers: u32) -> Project {
        match self {
            Self::Listing | Self::Plan | Self::Sweep => Project::with(servers).await,
            Self::Marking => Project::telling(servers).await,
            Self::Marked => {
                let project = Project::telling(servers).await;
                project.mark().await;
                project
            }
        }
    }

    async fn run(self, project: &Project) -> Duration {
        let began = Instant::now();
        match self {
            Self::Listing => project.list().await,
            Self::Plan => project.plan().await,
            Self::Sweep | Self::Marked => assert!(project.sweep().await > 0),
            Self::Marking => assert!(project.mark().await > 0),
        }
        began.elapsed()
    }

    /// How often it is done: after the first time nothing is left to be marked.
    fn rounds(self, servers: u32) -> u32 {
        if self == Self::Marking { 1 } else { 3 + 20_000 / servers }
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

/// The shortest times of the listing and of a part, in milliseconds: whatever else the machine does only adds to them.
async fn times(part: Part, project: &Project, servers: u32) -> Vec<f64> {
    let (mut listing, mut own) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..part.rounds(servers) {
        listing = listing.min(Part::Listing.run(project).await.as_secs_f64() * 1000.0);
        own = own.min(part.run(project).await.as_secs_f64() * 1000.0);
    }
    vec![listing, own]
}

/// Figures of a process of its own.
fn apart(what: &str, part: Part, servers: u32) -> Vec<f64> {
    let arguments = ["apart", what, part.word(), &servers.to_string()];
    let child = Command::new(std::env::current_exe().unwrap()).args(arguments).output().unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let text = String::from_utf8(child.stdout).unwrap();
    text.split_whitespace().map(|figure| figure.parse().unwrap()).collect()
}

/// The figures that [`apart`] reads.
async fn figures(what: &str, part: Part, servers: u32) -> Vec<f64> {
    let project = part.project(servers).await;
    match what {
        "objects" => vec![f64::from(u32::try_from(project.objects()).unwrap())],
        "peak" => vec![peak(part, &project).await],
        _ => times(part, &project, servers).await,
    }
}

/// What each part takes at a site with so many servers, as ratios to the listing: time and peak memory.
fn measure(servers: u32) -> Vec<(Part, [f64; 2])> {
    let objects = apart("objects", Part::Listing, servers)[0];
    let listed = apart("peak", Part::Listing, servers)[0];
    println!("{servers} servers among {objects} objects; the listing takes {listed:.1} MB");
    println!("  {:<10}{:>14}{:>10}{:>10}", "", "listing, ms", "time: 1", "peak: 1");
    let parts = Part::ALL.into_iter().filter(|part| *part != Part::Listing).map(|part| {
        let [listing, own] = apart("times", part, servers)[..] else { panic!("two times") };
        let ratios = [own / listing, apart("peak", part, servers)[0] / listed];
        println!("  {:<10}{listing:>14.1}{:>10.2}{:>10.2}", part.word(), ratios[0], ratios[1]);
        (part, ratios)
    });
    parts.collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|it| it == "apart") {
        let [what, part, servers] = &arguments[at + 1..] else { panic!("{arguments:?}") };
        let part = Part::ALL.into_iter().find(|it| it.word() == part).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let figures = runtime.block_on(figures(what, part, servers.parse().unwrap()));
        return println!("{}", figures.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
    }
    // The smallest site is too small to tell how memory grows: what every process takes once is most of it.
    let all: Vec<_> = SERVERS.into_iter().map(measure).collect();
    let [small, middle, large] = &all[..] else { panic!("there are three sizes") };
    for (((part, [early, _]), (_, [_, lean])), (_, [time, peak])) in small.iter().zip(middle).zip(large) {
        println!("{}: from small to large, time {:.2}, peak {:.2}", part.word(), time / early, peak / lean);
        assert!(time / early < MOST_GROWTH && peak / lean < MOST_GROWTH, "it grows faster than the listing");
    }
}
