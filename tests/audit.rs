//! The audit log: what is recorded stays as it is, and whatever is done to it behind its back is found.

pub(crate) mod actions;
mod seen;

pub(crate) use actions::all;

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Text;
use fairlease::db::{self, Db, DbError, DbUrl};
use fairlease::domain::audit::{Action, Doer, Head};
use fairlease::domain::ids::PersonId;
use fairlease::services::audit::verify::{Misfit, Verified, VerifyError, Why, verify};
use fairlease::services::audit::{self, Entry};
use serde_json::json;

use crate::world::{World, on_both_databases};

/// A connection of somebody who owns the database, and asks no service.
enum Owner {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

impl Owner {
    fn of(world: &World) -> Self {
        match world.database_url() {
            DbUrl::Sqlite(path) => Self::Sqlite(SqliteConnection::establish(&path).unwrap()),
            DbUrl::Postgres(url) => Self::Postgres(PgConnection::establish(&url).unwrap()),
        }
    }

    fn run(&mut self, sql: &str) -> Result<usize, String> {
        let done = match self {
            Self::Sqlite(conn) => diesel::sql_query(sql).execute(conn),
            Self::Postgres(conn) => diesel::sql_query(sql).execute(conn),
        };
        done.map_err(|error| error.to_string())
    }

    fn lines(&mut self, sql: &str) -> Vec<String> {
        let lines: Vec<Line> = match self {
            Self::Sqlite(conn) => diesel::sql_query(sql).load(conn).unwrap(),
            Self::Postgres(conn) => diesel::sql_query(sql).load(conn).unwrap(),
        };
        lines.into_iter().map(|line| line.line).collect()
    }

    fn columns(&mut self, table: &str) -> BTreeSet<String> {
        let sql = match self {
            Self::Sqlite(_) => format!("SELECT name AS line FROM pragma_table_info('{table}')"),
            Self::Postgres(_) => {
                format!(
                    "SELECT column_name AS line FROM information_schema.columns WHERE table_name = '{table}'"
                )
            }
        };
        self.lines(&sql).into_iter().collect()
    }

    /// Does what whoever owns the database can do: takes away what keeps the log as it is.
    fn unlock(&mut self) {
        let statements: Vec<String> = match self {
            Self::Sqlite(_) => self
                .lines("SELECT name AS line FROM sqlite_schema WHERE type = 'trigger' AND name LIKE 'audit%'")
                .iter()
                .map(|name| format!("DROP TRIGGER {name}"))
                .chain(["PRAGMA foreign_keys = OFF".to_owned()])
                .collect(),
            Self::Postgres(_) => ["audit_records", "audit_details"]
                .map(|table| format!("ALTER TABLE {table} DISABLE TRIGGER ALL"))
                .to_vec(),
        };
        assert!(statements.len() > 1);
        for sql in statements {
            self.run(&sql).unwrap();
        }
    }

    /// Another value for a column.
    fn other(&self, column: &str) -> String {
        match (self, column) {
            (Self::Postgres(_), "at") => "at + interval '1 microsecond'".to_owned(),
            (_, "at" | "number") => format!("{column} + 1"),
            _ => format!("coalesce({column}, '') || 'x'"),
        }
    }
}

/// Records some things, the second about `about`.
async fn some(world: &World, about: &PersonId) {
    for (number, action) in
        [Action::PausedReaper, Action::GrantedException, Action::ResumedReaper].into_iter().enumerate()
    {
        let entry = Entry::new(action).because("it was asked for").before(json!({"number": number}));
        let entry = if number == 1 { entry.about(about) } else { entry };
        record(world, &Doer::someone(fairlease::domain::audit::Way::Page, about.clone()), entry).await;
    }
}

async fn record(world: &World, doer: &Doer, entry: Entry) {
    let (app, doer) = (world.app.clone(), doer.clone());
    world
        .app
        .db
        .write::<_, DbError, _>("record", move |conn| audit::record(&app, conn, &doer, entry.clone()))
        .await
        .unwrap();
}

async fn verified(db: &Db, expected: Option<&Head>) -> Result<Verified, Misfit> {
    match verify(db, expected, |_| {}).await {
        Ok(verified) => Ok(verified),
        Err(VerifyError::Misfit(misfit)) => Err(misfit),
        Err(VerifyError::Db(error)) => panic!("{error}"),
    }
}

async fn head(world: &World) -> Head {
    verified(&world.app.db, None).await.unwrap().head.unwrap()
}

async fn misfit(world: &World) -> (i64, Why) {
    let misfit = verified(&world.app.db, None).await.unwrap_err();
    (misfit.number, misfit.why)
}

/// A world in which things are recorded from the first number on: the student's key is the first.
async fn recorded(backend: crate::world::Backend) -> (World, PersonId) {
    let world = World::new(backend).await;
    let student = world.student("ff524").await;
    some(&world, &student.id).await;
    assert_eq!(head(&world).await.number, 4);
    (world, student.id)
}

on_both_databases! {
    async fn the_database_itself_keeps_what_is_recorded(backend: Backend) {
        let (world, student) = recorded(backend).await;
        let mut owner = Owner::of(&world);
        let copy = "'page', NULL, NULL, NULL, 'viewed', NULL, NULL, NULL, NULL, 'a', 'b', 'c'";
        let now = match backend { Backend::Sqlite => "1", Backend::Postgres => "now()" };
        let mut statements = vec![
            "UPDATE audit_records SET action = 'viewed' WHERE number = 2".to_owned(),
            "DELETE FROM audit_records WHERE number = 4".to_owned(),
            "DELETE FROM audit_records".to_owned(),
            "UPDATE audit_details SET content = '{}'".to_owned(),
            "DELETE FROM audit_details WHERE number = 3".to_owned(),
            "INSERT INTO audit_details VALUES (2, 'salt', '{}')".to_owned(),
            format!("INSERT INTO audit_records VALUES (9, {now}, {copy})"),
            format!("INSERT INTO audit_records VALUES (5, {now}, {copy})"),
        ];
        statements.extend(match backend {
            Backend::Sqlite => vec![
                format!("INSERT OR REPLACE INTO audit_records VALUES (2, {now}, {copy})"),
                "INSERT OR REPLACE INTO audit_details VALUES (4, 'salt', '{}')".to_owned(),
                "REPLACE INTO audit_details VALUES (2, 'salt', '{}')".to_owned(),
            ],
            Backend::Postgres => vec![
                "TRUNCATE audit_details".to_owned(),
                "TRUNCATE audit_records CASCADE".to_owned(),
                "TRUNCATE people CASCADE".to_owned(),
            ],
        });
        for sql in statements {
            let refused = owner.run(&sql).expect_err(&sql);
            assert!(refused.contains("audit log"), "{sql}: {refused}");
        }
        assert_eq!(verified(&world.app.db, None).await.unwrap().without_details, 0);

        owner.run(&format!("UPDATE people SET erased_at = {now} WHERE id = '{student}'")).unwrap();
        let gone = world.app.db.write::<_, DbError, _>("forget", move |conn| db::forget_audit_details(conn, &student));
        assert_eq!(gone.await.unwrap(), 2, "the key and the exception");
        assert_eq!(verified(&world.app.db, None).await.unwrap().without_details, 2, "the chain holds all the same");
        let refused = owner.run("INSERT INTO audit_details VALUES (2, 'salt', '{}')").unwrap_err();
        assert!(refused.contains("come with their record"), "{refused}");
        assert!(owner.run("DELETE FROM audit_details WHERE number = 3").is_ok_and(|gone| gone == 0));
        assert!(owner.run("DELETE FROM audit_details WHERE number = 4").is_err(), "it is about nobody who was erased");
    }

    async fn a_change_of_any_column_is_found(backend: Backend) {
        let (world, _) = recorded(backend).await;
        let mut owner = Owner::of(&world);
        owner.unlock();
        for table in ["audit_records", "audit_details"] {
            owner.run(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).unwrap();
            let columns = owner.columns(table);
            assert!(columns.len() >= 3, "{columns:?}");
            for column in columns.iter().filter(|column| *column != "number") {
                let other = owner.other(column);
                assert_eq!(owner.run(&format!("UPDATE {table} SET {column} = {other} WHERE number = 3")), Ok(1));
                let (number, why) = misfit(&world).await;
                assert_eq!(number, 3, "{table}.{column}: {why:?}");
                let kept = format!("(SELECT k.{column} FROM kept_{table} k WHERE k.number = {table}.number)");
                owner.run(&format!("UPDATE {table} SET {column} = {kept}")).unwrap();
                assert_eq!(head(&world).await.number, 4, "{table}.{column} is as it was");
            }
        }
        owner.run("UPDATE audit_records SET number = 6 WHERE number = 4").unwrap();
        assert_eq!(misfit(&world).await, (4, Why::Missing));
    }

    async fn what_was_taken_out_or_moved_is_found(backend: Backend) {
        let (world, _) = recorded(backend).await;
        let noted = head(&world).await;
        let mut owner = Owner::of(&world);
        owner.unlock();
        owner.run("UPDATE audit_records SET number = -1 WHERE number = 2").unwrap();
        owner.run("UPDATE audit_records SET number = 2 WHERE number = 3").unwrap();
        owner.run("UPDATE audit_records SET number = 3 WHERE number = -1").unwrap();
        assert_eq!(misfit(&world).await, (2, Why::Unlinked), "a swapped pair");
        owner.run("UPDATE audit_records SET number = -1 WHERE number = 2").unwrap();
        owner.run("UPDATE audit_records SET number = 2 WHERE number = 3").unwrap();
        owner.run("UPDATE audit_records SET number = 3 WHERE number = -1").unwrap();
        assert_eq!(head(&world).await, noted);

        owner.run("DELETE FROM audit_details WHERE number = 4").unwrap();
        assert_eq!(misfit(&world).await, (4, Why::DetailsMissing));
        owner.run("DELETE FROM audit_records WHERE number = 4").unwrap();
        assert_eq!(head(&world).await.number, 3, "that the end was cut off can't be seen in the chain itself");
        let cut = verified(&world.app.db, Some(&noted)).await.unwrap_err();
        assert_eq!((cut.number, cut.why), (4, Why::Cut), "but by a head that was noted");
        owner.run("DELETE FROM audit_details WHERE number = 2").unwrap();
        owner.run("DELETE FROM audit_records WHERE number = 2").unwrap();
        assert_eq!(misfit(&world).await, (2, Why::Missing), "a hole");
    }

    async fn a_log_that_was_written_anew_is_not_the_one_that_was_noted(backend: Backend) {
        let (world, student) = recorded(backend).await;
        let noted = head(&world).await;
        some(&world, &student).await;
        assert_eq!(verified(&world.app.db, Some(&noted)).await.unwrap().head.unwrap().number, 7, "it goes through it");
        let (other, student) = recorded(backend).await;
        some(&other, &student).await;
        let anew = Head { hash: "0".repeat(64), ..noted };
        let misfit = verified(&other.app.db, Some(&anew)).await.unwrap_err();
        assert_eq!((misfit.number, misfit.why), (4, Why::Replaced));
    }

    async fn those_who_record_at_once_make_one_chain(backend: Backend) {
        const EACH: usize = 40;
        let world = World::new(backend).await;
        let beside = Db::open(&world.database_url()).unwrap();
        let recorder = |db: Db| {
            let app = world.app.clone();
            async move {
                for _ in 0..EACH {
                    let app = app.clone();
                    let one = db.write::<_, DbError, _>("record", move |conn| {
                        audit::record(&app, conn, &Doer::itself(), Entry::new(Action::Viewed))
                    });
                    one.await.unwrap();
                }
            }
        };
        let (one, two, three) = (world.app.db.clone(), beside.clone(), beside);
        let tasks = [one, two, three].map(|db| tokio::spawn(recorder(db)));
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(head(&world).await.number, i64::try_from(3 * EACH).unwrap());
    }

    async fn what_does_not_happen_is_not_recorded(backend: Backend) {
        let (world, _) = recorded(backend).await;
        let app = world.app.clone();
        let undone = world.app.db.write::<(), _, _>("undone", move |conn| {
            audit::record(&app, conn, &Doer::itself(), Entry::new(Action::Viewed))?;
            Err(DbError::Unusable("it can't be done".to_owned()))
        });
        assert!(undone.await.is_err());
        assert_eq!(head(&world).await.number, 4);
        some(&world, &world.student("ff524").await.id).await;
        assert_eq!(verified(&world.app.db, None).await.unwrap().head.unwrap().number, 8, "and leaves no hole");
    }
}

/// Whoever reads `docs/audit.md` can make a hash with the tools of any system: this is the example there.
#[test]
fn the_hash_is_the_one_of_the_documents_example() {
    let text = include_str!("../docs/audit.md");
    let record = fairlease::domain::audit::Record {
        number: 7,
        at: chrono::DateTime::from_timestamp_micros(1_796_137_200_000_000).unwrap(),
        way: "page".to_owned(),
        actor: Some("0123456789ab".to_owned()),
        behalf: None,
        token: None,
        action: "paused_reaper".to_owned(),
        course: Some("cloud-fall-2026".to_owned()),
        about: None,
        object: Some("pause:ba9876543210".to_owned()),
        request: None,
        details_hash: "11".repeat(32),
        previous_hash: "22".repeat(32),
    };
    let written = record.encoded().replace(&"11".repeat(32), "11...11").replace(&"22".repeat(32), "22...22");
    assert!(text.contains(&written), "{written}");
    assert!(text.contains(&audit::hash(&record)), "{}", audit::hash(&record));
}
