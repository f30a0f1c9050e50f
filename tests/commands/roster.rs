//! The roster on the command line.

use serde_json::json;

use super::Desk;
use crate::rosters::generator;
use fairlease::domain::roster::Format;

fn file(desk: &Desk, name: &str, text: &str) -> String {
    let path = desk.directory.path().join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

const TWO: &str = "net_id,name,mail,section,team,shares,cloud_user\nab12,Ada,ab12@example.edu,lec-1,red,2,chi-1\ncd34,Chu,cd34@example.edu,,,1,\n";

#[test]
fn a_roster_is_planned_imported_listed_and_written() {
    let desk = Desk::set();
    let two = file(&desk, "two.csv", TWO);
    let planned = desk.done(&["roster", "import", &two, "--plan"]);
    assert!(planned.ends_with("2 added, 0 changed, 0 taken back, 0 dropped, 0 unchanged\n"), "{planned}");
    assert_eq!(desk.json(&["roster", "list"])["people"], json!([]));
    let done = desk.json(&["roster", "import", &two]);
    assert_eq!((&done["state"], &done["done"], &done["total"]), (&json!("done"), &json!(2), &json!(2)));
    let people = desk.json(&["roster", "list"])["people"].clone();
    assert_eq!(
        (&people[0]["net_id"], &people[0]["parity"], &people[0]["by_hand"]),
        (&json!("ab12"), &json!("even"), &json!(false))
    );
    assert_eq!(desk.done(&["roster", "export"]), TWO);
    assert!(desk.done(&["roster", "import", &two]).ends_with("0 dropped, 2 unchanged\n"));

    let one = file(&desk, "one.csv", &TWO.replace("cd34,Chu,cd34@example.edu,,,1,\n", ""));
    assert!(desk.done(&["roster", "import", &one, "--no-drop"]).ends_with("0 dropped, 1 unchanged\n"));
    assert!(
        desk.done(&["roster", "import", &one, "--only-section", "lec-1", "--plan"])
            .ends_with("0 dropped, 1 unchanged\n")
    );
    assert!(desk.done(&["roster", "import", &one]).ends_with("applied: 1 of 1\n"));
    assert_eq!(desk.json(&["roster", "list", "--who", "dropped"])["people"][0]["net_id"], json!("cd34"));

    let bad = file(&desk, "bad.csv", "net_id,mail\n5a,a@example.edu\nab12,nowhere\n");
    let (code, said) = desk.refused(&["roster", "import", &bad]);
    assert!(
        code == 1 && said.contains("bad.csv: line 2: net_id: ") && said.contains("bad.csv: line 3: mail: "),
        "{said}"
    );
    assert_eq!(desk.refused(&["roster", "import", &two, "--format", "excel"]).0, 2);
}

#[test]
fn many_rows_say_how_far_they_are_and_many_drops_need_a_yes() {
    let desk = Desk::set();
    let bytes = generator::file(Format::Canvas, 450, 2);
    let many = file(&desk, "canvas.csv", std::str::from_utf8(&bytes).unwrap());
    let import = ["roster", "import", &many, "--mail-domain", "example.edu"];
    let output = desk.run(&import);
    assert!(output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().collect::<Vec<_>>(), ["200 of 450", "400 of 450", "450 of 450"]);

    let few = generator::file(Format::Canvas, 10, 2);
    let few = file(&desk, "few.csv", std::str::from_utf8(&few).unwrap());
    let import = ["roster", "import", &few, "--mail-domain", "example.edu"];
    let (code, said) = desk.refused(&import);
    assert!(code == 1 && said.contains("this drops 440 of 450 students") && said.contains("--yes"), "{said}");
    assert!(desk.done(&[&import[..], &["--yes"]].concat()).ends_with("applied: 440 of 440\n"));
}
