//! The two schemas are one: the same tables, columns, nullability, keys, references, checks and indexes.

use std::collections::BTreeSet;

use diesel::prelude::*;
use diesel::sql_types::Text;
use fairlease::db::{Db, DbUrl};

use crate::world::database::{Backend, Database};

#[derive(QueryableByName, Debug)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// Tables with their columns: name, type by the words of SQLite, whether it may be null.
const SQLITE_COLUMNS: &str = "
    SELECT t.name || '.' || c.name || ' ' || lower(c.type) || CASE WHEN c.\"notnull\" OR c.pk THEN '' ELSE ' null' END AS line
    FROM sqlite_schema t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'";
const POSTGRES_COLUMNS: &str = "
    SELECT table_name || '.' || column_name || ' '
        || CASE WHEN data_type IN ('timestamp with time zone', 'bigint') THEN 'integer' ELSE data_type END
        || CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END AS line
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'";

/// References: from column, to table.
const SQLITE_REFERENCES: &str = "
    SELECT t.name || '.' || f.\"from\" || ' -> ' || f.\"table\" AS line
    FROM sqlite_schema t, pragma_foreign_key_list(t.name) f WHERE t.type = 'table'";
const POSTGRES_REFERENCES: &str = "
    SELECT c.conrelid::regclass || '.' || a.attname || ' -> ' || c.confrelid::regclass AS line
    FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f'";

/// Unique keys and other indexes by their columns; those with a name of ours by it, too. SQLite has no index of its own for a
/// primary key that is one integer: the rows are in its order.
const SQLITE_INDEXES: &str = "
    SELECT t.name || CASE WHEN i.\"unique\" THEN ' unique (' ELSE ' index (' END
        || (SELECT group_concat(k.name, ', ') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno) k) || ')'
        || CASE WHEN i.partial THEN ' partial' ELSE '' END
        || CASE WHEN i.origin = 'c' THEN ' ' || i.name ELSE '' END AS line
    FROM sqlite_schema t, pragma_index_list(t.name) i
    WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'
    UNION ALL
    SELECT t.name || ' unique (' || c.name || ')' FROM sqlite_schema t, pragma_table_info(t.name) c
    WHERE t.type = 'table' AND c.pk = 1 AND c.type = 'INTEGER'
        AND (SELECT count(*) FROM pragma_table_info(t.name) k WHERE k.pk > 0) = 1";
const POSTGRES_INDEXES: &str = "
    SELECT i.indrelid::regclass || CASE WHEN i.indisunique THEN ' unique (' ELSE ' index (' END
        || (SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k(att, n)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.att) || ')'
        || CASE WHEN i.indpred IS NULL THEN '' ELSE ' partial' END
        || CASE WHEN EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype IN ('p', 'u')) THEN ''
            ELSE ' ' || i.indexrelid::regclass END AS line
    FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE '\\_\\_%'";

const POSTGRES_CHECKS: &str =
    "SELECT conname AS line FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace";

fn lines(url: &DbUrl, sql: &str) -> BTreeSet<String> {
    let rows: Vec<Line> = match url {
        DbUrl::Sqlite(path) => {
            diesel::sql_query(sql).load(&mut SqliteConnection::establish(path).unwrap()).unwrap()
        }
        DbUrl::Postgres(url) => {
            diesel::sql_query(sql).load(&mut PgConnection::establish(url).unwrap()).unwrap()
        }
    };
    rows.into_iter().map(|row| row.line).collect()
}

fn migrated(backend: Backend) -> (Database, DbUrl) {
    let database = Database::create(backend);
    let url = database.url();
    Db::open(&url).unwrap().migrate().unwrap();
    (database, url)
}

#[test]
fn the_two_schemas_agree() {
    let (_one, sqlite) = migrated(Backend::Sqlite);
    let (_two, postgres) = migrated(Backend::Postgres);
    for (what, sqlite_sql, postgres_sql) in [
        ("columns", SQLITE_COLUMNS, POSTGRES_COLUMNS),
        ("references", SQLITE_REFERENCES, POSTGRES_REFERENCES),
        ("indexes", SQLITE_INDEXES, POSTGRES_INDEXES),
    ] {
        let (on_sqlite, on_postgres) = (lines(&sqlite, sqlite_sql), lines(&postgres, postgres_sql));
        assert!(on_sqlite.len() > 9, "{what}: {on_sqlite:?}");
        let differ: Vec<_> = on_sqlite.symmetric_difference(&on_postgres).collect();
        assert!(differ.is_empty(), "{what} differ: {differ:#?}");
    }
}

#[test]
fn the_checks_have_the_same_names_and_words() {
    let (_one, postgres) = migrated(Backend::Postgres);
    let names = lines(&postgres, POSTGRES_CHECKS);
    assert!(names.len() >= 3, "{names:?}");
    let sqlite = include_str!("../migrations/sqlite/2026-11-24-000001_main_job/up.sql");
    let postgres = include_str!("../migrations/postgres/2026-11-24-000001_main_job/up.sql");
    let checks = |sql: &str| -> BTreeSet<String> {
        sql.lines()
            .filter(|line| line.contains("CHECK"))
            .map(|line| line.trim().trim_end_matches(',').to_owned())
            .collect()
    };
    assert_eq!(checks(sqlite), checks(postgres));
    assert!(names.iter().all(|name| sqlite.contains(name.as_str())));
}

#[test]
fn migrating_again_and_at_once_is_harmless() {
    for backend in [Backend::Sqlite, Backend::Postgres] {
        let database = Database::create(backend);
        let url = database.url();
        let migrate = || {
            let url = url.clone();
            std::thread::spawn(move || Db::open(&url).unwrap().migrate().unwrap().len())
        };
        let threads: Vec<_> = (0..4).map(|_| migrate()).collect();
        let applied: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(applied, 1, "{backend:?}");
    }
}
