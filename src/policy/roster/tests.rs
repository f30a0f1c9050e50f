use super::*;
use crate::domain::roster::Format;

fn id(text: &str) -> NetId {
    text.parse().unwrap()
}

fn held(net_id: &str) -> Held {
    Held {
        name: net_id.to_uppercase(),
        mail: format!("{net_id}@example.edu"),
        section: Some("a".into()),
        team: Some("red".into()),
        shares: 2,
        cloud_users: vec![format!("{net_id}-chi")],
    }
}

fn member(number: u64, net_id: &str) -> Member {
    Member {
        person: PersonId::from_bits(number),
        net_id: id(net_id),
        standing: Standing::Student,
        by_hand: false,
        has_parity_set: false,
        held: held(net_id),
    }
}

/// A row that says no more than it has to.
fn row(line: u64, net_id: &str) -> Row {
    Row {
        line,
        net_id: id(net_id),
        name: None,
        mail: Mail::Made(format!("{net_id}@other.edu")),
        section: None,
        team: None,
        shares: None,
        cloud_users: None,
    }
}

fn roster(rows: Vec<Row>) -> Roster {
    Roster {
        format: Format::Plain,
        has_sections: rows.iter().any(|row| row.section.is_some()),
        has_teams: rows.iter().any(|row| row.team.is_some()),
        rows,
        renamed: Vec::new(),
        left_out: Vec::new(),
        notes: Vec::new(),
    }
}

fn drop() -> Options {
    Options { drop: true, ..Options::default() }
}

fn ids(dropped: &[Dropped]) -> Vec<&str> {
    dropped.iter().map(|it| it.net_id.as_str()).collect()
}

#[test]
fn what_a_file_does_not_say_is_left_alone() {
    let plan = plan(&roster(vec![row(2, "ab1")]), &[member(1, "ab1")], &drop()).unwrap();
    assert_eq!((plan.is_empty(), plan.unchanged), (true, 1));
}

#[test]
fn a_change_says_what_was_and_what_will_be() {
    let mut given = row(2, "ab1");
    given.name = Some("Ada".into());
    given.section = Some("b".into());
    let plan = plan(&roster(vec![given]), &[member(1, "ab1")], &drop()).unwrap();
    let fields = plan.changed[0].fields();
    let words: Vec<_> =
        fields.iter().map(|(field, was, will)| (field.word(), was.as_str(), will.as_str())).collect();
    assert_eq!(words, [("name", "AB1", "Ada"), ("section", "a", "b"), ("team", "red", "")]);
}

#[test]
fn who_is_not_in_the_file_is_dropped_but_no_staff_and_nobody_added_by_hand() {
    let mut members =
        [member(1, "ab1"), member(2, "cd2"), member(3, "ef3"), member(4, "gh4"), member(5, "ij5")];
    members[1].standing = Standing::Other;
    members[2].by_hand = true;
    members[3].standing = Standing::Dropped;
    let file = roster(vec![row(2, "kl6")]);
    let plan = plan(&file, &members, &drop()).unwrap();
    assert_eq!((ids(&plan.dropped), plan.enrolled), (vec!["ab1", "ij5"], 3));
    assert_eq!(super::plan(&file, &members, &Options::default()).unwrap().dropped, []);
}

#[test]
fn a_file_of_one_section_drops_nobody_of_another() {
    let mut members = [member(1, "ab1"), member(2, "cd2"), member(3, "ef3")];
    members[1].held.section = Some("b".into());
    members[2].held.section = None;
    let options = Options { drop: true, only_sections: ["b".to_owned(), "c".to_owned()].into() };
    let plan = plan(&roster(vec![row(2, "kl6")]), &members, &options).unwrap();
    assert_eq!(ids(&plan.dropped), ["cd2"]);
    assert_eq!(plan.warnings, ["Nobody is in the section c, neither here nor in the file."]);
}

#[test]
fn who_dropped_returns_and_staff_stay_what_they_are() {
    let mut members = [member(1, "ab1"), member(2, "cd2")];
    members[0].standing = Standing::Dropped;
    members[1].standing = Standing::Other;
    let plan = plan(&roster(vec![row(2, "ab1"), row(3, "cd2")]), &members, &drop()).unwrap();
    assert_eq!((plan.returning.len(), plan.changed.len(), plan.steps()), (1, 0, 1));
    assert_eq!((plan.left_out.len(), plan.left_out[0].line), (1, 3));
}

#[test]
fn many_drops_look_like_the_wrong_file() {
    let members: Vec<Member> = (0..30).map(|number| member(number, &format!("ab{number}"))).collect();
    let keeping = |count: u64| {
        let rows = (0..count).map(|number| row(number + 2, &format!("ab{number}"))).collect();
        plan(&roster(rows), &members, &drop()).unwrap().looks_wrong()
    };
    // 6 of 30 are a fifth and no more, 7 are more.
    assert!(!keeping(24) && keeping(23));
    let few: Vec<Member> = members[..6].to_vec();
    let plan = |kept: &str| plan(&roster(vec![row(2, kept)]), &few, &drop()).unwrap();
    assert!(!plan("ab0").looks_wrong() && plan("zz9").looks_wrong());
}

#[test]
fn those_without_a_parity_are_told_unless_staff_have_set_it() {
    let mut members = [member(1, "abcd"), member(2, "efgh")];
    members[1].has_parity_set = true;
    let rows = vec![row(2, "abcd"), row(3, "efgh"), row(4, "ijkl"), row(5, "mn5")];
    let plan = plan(&roster(rows), &members, &drop()).unwrap();
    assert_eq!(plan.without_parity, [id("abcd"), id("ijkl")]);
}

#[test]
fn an_account_of_somebody_else_is_told_with_its_line() {
    let given = |line: u64, net_id: &str, account: &str| Row {
        cloud_users: Some(vec![account.to_owned()]),
        ..row(line, net_id)
    };
    let members = [member(1, "ab1"), member(2, "cd2")];
    let clashes = |rows: Vec<Row>| {
        let clashes = plan(&roster(rows), &members, &drop()).err().unwrap_or_default();
        clashes.into_iter().map(|clash| clash.line).collect::<Vec<_>>()
    };
    assert_eq!(clashes(vec![given(2, "ef3", "AB1-chi"), given(3, "gh4", "cd2")]), [2, 3]);
    // Whose it was gets another by the same file, or gives it to nobody else.
    assert_eq!(clashes(vec![given(2, "ef3", "ab1-chi"), given(3, "ab1", "new")]), [0_u64; 0]);
    assert_eq!(clashes(vec![given(2, "ab1", "ab1-CHI"), given(3, "ef3", "ef3")]), [0_u64; 0]);
}

#[test]
fn a_new_net_id_with_an_old_address_is_told() {
    let mut given = row(2, "zz9");
    given.mail = Mail::Given("AB1@example.edu".into());
    let plan = plan(&roster(vec![given]), &[member(1, "ab1")], &drop()).unwrap();
    assert_eq!(plan.warnings.len(), 1);
    assert!(plan.warnings[0].starts_with("zz9 in line 2 has the address of ab1"), "{:?}", plan.warnings);
}
