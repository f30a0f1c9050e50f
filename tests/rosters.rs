//! Roster files as Canvas, Brightspace, Gradescope and Excel write them, read as a whole. The people are invented.

use fairlease::domain::roster::{Format, Mail, Roster, Row};
use fairlease::policy::roster::{Options as PlanOptions, plan};
use fairlease::roster::{Entry, MOST_BYTES, MOST_ERRORS, Options, Refused, read, write};

pub mod generator;

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/tests/rosters/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn at_example() -> Options {
    Options { mail_domain: Some("example.edu".parse().unwrap()), ..Options::default() }
}

fn good(name: &str) -> Roster {
    read(&file(name), &at_example()).unwrap_or_else(|refused| panic!("{name}: {refused}"))
}

fn who(roster: &Roster) -> Vec<(u64, &str, &str, Option<&str>)> {
    roster
        .rows
        .iter()
        .map(|row| {
            (row.line, row.net_id.as_str(), row.name.as_deref().unwrap_or_default(), row.section.as_deref())
        })
        .collect()
}

#[test]
fn a_canvas_gradebook_is_read_without_what_is_no_student() {
    let roster = good("canvas.csv");
    let (one, two) = (Some("CS-GY-9223-INET-Spring-2026-Lec-01"), Some("CS-GY-9223-INET-Spring-2026-Lec-02"));
    // One character too long: its end is kept, and digits that follow from the whole name.
    let third = Some("INET-Spring-2026-Recitation-A1-36a0fe");
    assert_eq!(roster.format, Format::Canvas);
    assert_eq!(
        who(&roster),
        [
            (4, "qa101", "Quentin Abernathy", one),
            (5, "za202", "Zo\u{eb} \u{c5}ngstr\u{f6}m", one),
            (6, "tn33", "Th\u{1ecb} H\u{1b0}\u{1a1}ng Nguy\u{1ec5}n", two),
            (7, "so404", "Siobh\u{e1}n O'Malley-Brandt", two),
            (8, "xl5051", "\u{5c0f}\u{9f8d} \u{674e}", one),
            (9, "mk606", "Martin King, Jr.", two),
            (10, "sk707", "Sukarno", one),
            (11, "ad8080", "Ana\u{ef}s Dupr\u{e9}", one),
            (12, "lf909", "Layla Farouk", one),
            (13, "wz1112", "Wei Zhou", third),
            (14, "jmuller", "J\u{f6}rg M\u{fc}ller", two),
            (15, "eh1213", "Eve =HYPERLINK(\"x\")", two),
        ]
    );
    assert!(
        roster.rows.iter().all(|row| matches!(&row.mail, Mail::Made(mail) if mail.ends_with("@example.edu")))
    );
    assert_eq!(roster.left_out.iter().map(|it| it.line).collect::<Vec<_>>(), [16]);
    assert_eq!(roster.renamed.len(), 3);
    assert!(
        roster.notes.iter().any(|note| note.starts_with("2 students are in several sections")),
        "{:?}",
        roster.notes
    );
}

#[test]
fn a_canvas_gradebook_without_addresses_needs_the_mail_domain() {
    let refused = read(&file("canvas.csv"), &Options::default()).unwrap_err();
    assert_eq!(refused.errors.len(), 1);
    assert!(refused.to_string().contains("say the course's mail domain"), "{refused}");
}

#[test]
fn a_canvas_gradebook_with_semicolons_and_addresses_as_logins_is_read() {
    let roster = good("canvas_semicolons.csv");
    assert_eq!(
        who(&roster),
        [
            (3, "ba301", "Bj\u{f6}rn \u{c5}kesson", Some("Gruppe-1")),
            (4, "wb302", "Willemijn van der Berg", Some("Gruppe-2"))
        ]
    );
    assert_eq!(roster.left_out.len(), 1);
    let other = Options { mail_domain: Some("other.edu".parse().unwrap()), ..Options::default() };
    let refused = read(&file("canvas_semicolons.csv"), &other).unwrap_err();
    assert_eq!(refused.errors.len(), 2);
    assert!(refused.to_string().contains("is not at other.edu"), "{refused}");
}

#[test]
fn a_brightspace_export_is_read_without_its_signs() {
    let roster = good("brightspace.csv");
    assert_eq!(roster.format, Format::Brightspace);
    assert_eq!(
        who(&roster),
        [
            (2, "qa101", "Quentin Abernathy", Some("Lec-01")),
            (3, "za202", "Zo\u{eb} \u{c5}ngstr\u{f6}m", Some("Lec-01")),
            (4, "pl314", "PING LEE", Some("Lec-02")),
            (5, "wz1112", "Wei Zhou", Some("Lec-01")),
            (6, "rg77", "Ren\u{e9}e Garc\u{ed}a M\u{e1}rquez", Some("Lec-02")),
        ]
    );
    assert_eq!(roster.rows[1].mail, Mail::Given("zoe.angstrom@mail.example.edu".into()));
    assert_eq!(roster.notes[0], "1 line says again what a line before does.");
}

#[test]
fn of_a_gradescope_roster_only_students_are_taken() {
    for (name, sections) in [("gradescope.csv", true), ("gradescope_excel.txt", false)] {
        let roster = good(name);
        let ids: Vec<_> = roster.rows.iter().map(|row| row.net_id.as_str()).collect();
        assert_eq!(ids, ["qa101", "za202", "tn33", "xl5051"], "{name}");
        assert_eq!((roster.format, roster.has_sections), (Format::Gradescope, sections), "{name}");
        assert_eq!(roster.left_out.len(), 3, "{name}");
        assert!(roster.left_out.iter().all(|it| it.why.ends_with("staff are set by hand")), "{name}");
    }
    let roster = good("gradescope.csv");
    assert_eq!((roster.rows[1].line, roster.rows[3].section.as_deref()), (4, Some("Lec-01")));
}

#[test]
fn our_own_form_is_read_as_an_old_excel_writes_it() {
    let roster = read(&file("plain_windows.csv"), &Options::default()).unwrap();
    let row = |line: usize| &roster.rows[line - 2];
    assert_eq!(row(2).cloud_users.as_deref().unwrap(), ["qa101@example.edu", "chi-qa101"]);
    assert_eq!((row(2).shares, row(4).shares, row(5).shares), (Some(2), None, Some(0)));
    assert_eq!(row(4).name.as_deref(), Some("Ren\u{e9}e Garc\u{ed}a \u{2013} M\u{e1}rquez"));
    assert_eq!((row(4).team.as_deref(), row(4).line), (Some("The-Lazy-Foxes"), 4));
    assert_eq!((row(5).name.as_deref(), row(5).section.as_deref()), (Some("=No\u{eb}l"), None));
    assert!(roster.notes[0].contains("Windows-1252"));
}

#[test]
fn every_error_of_a_bad_file_is_told_with_its_line() {
    let refused = read(&file("bad.csv"), &Options::default()).unwrap_err();
    let told: Vec<(u64, Option<&str>)> =
        refused.errors.iter().map(|error| (error.line, error.column.as_deref())).collect();
    assert_eq!(
        told,
        [
            (3, Some("mail")),
            (3, Some("net_id")),
            (3, Some("shares")),
            (7, None),
            (8, Some("shares")),
            (9, Some("cloud_user")),
            (10, None),
            (11, Some("mail")),
            (11, Some("net_id")),
        ],
        "{refused}"
    );
    let told = refused.to_string();
    assert!(told.contains("line 3: net_id: \"5za\" is not a net ID: 2 to 16 letters"), "{told}");
    assert!(told.contains("line 7: qa101 is in line 2, too, with another mail, section"), "{told}");
    assert!(told.contains("line 10: the row has 8 columns, and the header 7"), "{told}");
}

#[test]
fn two_people_do_not_have_one_address() {
    let text = "net_id,mail\nab1,one@example.edu\nab2,ONE@example.edu\n";
    let refused = read(text.as_bytes(), &Options::default()).unwrap_err();
    assert_eq!(refused.to_string(), "line 3: mail: line 2 has the same address, for ab1; each has their own");
}

#[test]
fn a_hundred_errors_are_told_and_how_many_there_are_beside() {
    let rows: Vec<_> = (0..150).map(|number| format!("{number},x@example.edu\n")).collect();
    let rows = rows.concat();
    let refused = read(format!("net_id,mail\n{rows}").as_bytes(), &Options::default()).unwrap_err();
    assert_eq!((refused.errors.len(), refused.more), (MOST_ERRORS, 50));
    assert!(refused.to_string().ends_with("and 50 more"));
}

#[test]
fn a_file_that_is_too_large_or_without_students_is_refused() {
    let long = vec![b'a'; MOST_BYTES + 1];
    let told = |bytes: &[u8]| read(bytes, &Options::default()).unwrap_err().to_string();
    assert!(told(&long).contains("4194304 at most"));
    assert!(told(b"net_id,mail\n").contains("no student"));
    assert!(told(b"").contains("empty"));
}

#[test]
fn what_is_written_is_read_again() {
    let entries = [
        Entry {
            net_id: "ab12".into(),
            name: "=cmd \"x\", y".into(),
            mail: "-a@example.edu".into(),
            section: Some("-1".into()),
            team: Some("red".into()),
            shares: 3,
            cloud_users: vec!["@one".into(), "two words".into()],
        },
        Entry {
            net_id: "cd34".into(),
            name: "Zo\u{eb}".into(),
            mail: "z@example.edu".into(),
            ..Entry::default()
        },
    ];
    let written = write(&entries).unwrap();
    assert!(written.contains("\"'=cmd \"\"x\"\", y\""), "{written}");
    let roster = read(written.as_bytes(), &Options::default()).unwrap();
    let read: Vec<Entry> = roster.rows.iter().map(entry).collect();
    assert_eq!(read, entries);
}

fn entry(row: &Row) -> Entry {
    Entry {
        net_id: row.net_id.to_string(),
        name: row.name.clone().unwrap(),
        mail: row.mail.as_str().to_owned(),
        section: row.section.clone(),
        team: row.team.clone(),
        shares: row.shares.unwrap(),
        cloud_users: row.cloud_users.clone().unwrap_or_default(),
    }
}

#[test]
fn five_thousand_rows_of_each_format_are_read_and_planned() {
    let ids = |roster: &Roster| roster.rows.iter().map(|row| row.net_id.clone()).collect::<Vec<_>>();
    let mut first = None;
    for format in Format::ALL {
        let bytes = generator::file(format, 5_000, 7);
        let roster = read(&bytes, &at_example()).unwrap_or_else(|refused: Refused| panic!("{refused}"));
        assert_eq!((roster.format, roster.rows.len()), (format, 5_000));
        assert_eq!(*first.get_or_insert_with(|| ids(&roster)), ids(&roster), "{format:?}");
        let plan = plan(&roster, &[], &PlanOptions::default()).unwrap();
        assert_eq!((plan.added.len(), plan.steps()), (5_000, 5_000));
    }
}
