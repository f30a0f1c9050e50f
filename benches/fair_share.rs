//! What it costs to rank 100,000 students in 1,000 teams, against what it costs to read their usage from the database and
//! sort it, which anything that orders people by usage would do. Prints times and their ratio; the goal is a ratio below 1.
//!
//! `cargo bench --bench fair_share` measures on SQLite, in a file of its own.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark stops where it can't go on, prints, and reads the machine's time"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use fairlease::policy::fair_share::fair_tree;
use fairlease::policy::fair_share::lineage::Lineage;
use fairlease::policy::fair_share::tree::{Given, Kind, NodeId, Tree};
use tempfile::TempDir;

const SECTIONS: usize = 10;
const TEAMS: usize = 1_000;
const STUDENTS: usize = 100_000;
const ROUNDS: usize = 21;

/// Students with ids as long as a person's, and usage that is spread by a product; every eighth has used nothing.
const USAGE: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE usage (person_id TEXT NOT NULL PRIMARY KEY, usage BIGINT NOT NULL);
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < COUNT - 1)
    INSERT INTO usage SELECT printf('%012x', i), CASE WHEN i % 8 = 0 THEN 0 ELSE i * 2654435761 % 1000000007 END FROM n;
    ANALYZE;";

#[derive(QueryableByName)]
struct Used {
    #[diesel(sql_type = Text)]
    person_id: String,
    #[diesel(sql_type = BigInt)]
    usage: i64,
}

fn usage_query(conn: &mut SqliteConnection) -> Vec<Used> {
    diesel::sql_query("SELECT person_id, usage FROM usage").load(conn).unwrap()
}

/// A course of sections of teams of students, with shares from 1 to 5.
fn course(used: &[Used]) -> Vec<Given> {
    let shares = |index: usize| u32::try_from(index % 5 + 1).unwrap();
    let group = |parent, index| Given { parent, kind: Kind::Group, shares: shares(index) };
    let sections = (0..SECTIONS).map(|index| group(NodeId::ROOT, index));
    let teams = (0..TEAMS).map(|index| group(NodeId::at(1 + index % SECTIONS), index));
    let students = used.iter().enumerate().map(|(index, row)| Given {
        parent: NodeId::at(1 + SECTIONS + index % TEAMS),
        kind: Kind::User { usage: row.usage.try_into().unwrap() },
        shares: shares(index / TEAMS),
    });
    sections.chain(teams).chain(students).collect()
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = Instant::now();
    let result = black_box(work());
    (began.elapsed(), result)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.swap_remove(times.len() / 2)
}

fn main() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("usage.sqlite");
    let mut conn = SqliteConnection::establish(&file.to_string_lossy()).unwrap();
    conn.batch_execute(&USAGE.replace("COUNT", &STUDENTS.to_string())).unwrap();
    let (mut queries, mut sorts, mut builds, mut ranks, mut lineages) =
        (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let (time, mut used) = timed(|| usage_query(&mut conn));
        queries.push(time);
        let given = course(&used);
        let sort =
            || used.sort_by(|one, other| (one.usage, &one.person_id).cmp(&(other.usage, &other.person_id)));
        sorts.push(timed(sort).0);
        let (time, tree) = timed(|| Tree::new(&given).unwrap());
        builds.push(time);
        let (time, ranked) = timed(|| fair_tree::ranks(&tree));
        ranks.push(time);
        assert_eq!(ranked.iter().flatten().count(), STUDENTS);
        let all = || tree.ids().map(|id| Lineage::of(&tree, id).0.len()).sum::<usize>();
        lineages.push(timed(all).0);
    }
    let [query, sort, build, rank, lineage] = [queries, sorts, builds, ranks, lineages].map(median);
    println!("{STUDENTS} students in {TEAMS} teams: usage query {query:?}, sort {sort:?}");
    println!("tree {build:?}, ranks {rank:?}; a lineage for each, for receipts, {lineage:?}");
    let base = (query + sort).as_secs_f64();
    println!("ratio of ranks to query and sort: {:.2}", rank.as_secs_f64() / base);
    println!("ratio of tree and ranks to query and sort: {:.2}", (build + rank).as_secs_f64() / base);
}
