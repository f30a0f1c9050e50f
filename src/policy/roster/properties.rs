//! What holds of any plan: applied it makes the file hold, and there is nothing left to do after it.

use proptest::prelude::*;

use super::*;
use crate::domain::roster::Format;

fn net_id() -> impl Strategy<Value = NetId> {
    // Few, so that files and courses meet.
    (0usize..12).prop_map(|number| {
        let ids = ["aa1", "bb2", "cc3", "dd4", "ee5", "ff6", "gg", "hh", "ii9", "jj10", "kk11", "ll12"];
        ids[number].parse().unwrap()
    })
}

fn group() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof!["a", "b", "c"])
}

fn standing(bits: u8) -> Standing {
    match bits & 3 {
        0 => Standing::Other,
        1 => Standing::Dropped,
        _ => Standing::Student,
    }
}

/// Accounts that nobody else has.
fn accounts(net_id: &NetId, number: u8) -> Vec<String> {
    (0..number % 3).map(|it| format!("{net_id}-{it}")).collect()
}

fn members() -> impl Strategy<Value = Vec<Member>> {
    let flags = (0u8..16).prop_map(|bits| (standing(bits), bits & 4 == 4, bits & 8 == 8));
    let one = (net_id(), flags, group(), group(), 0i32..3, any::<u8>());
    proptest::collection::btree_map(net_id(), one, 0..12).prop_map(|people| {
        people
            .into_iter()
            .enumerate()
            .map(|(number, (net_id, (_, flags, section, team, shares, own)))| Member {
                person: PersonId::from_bits(u64::try_from(number).unwrap()),
                standing: flags.0,
                by_hand: flags.1,
                has_parity_set: flags.2,
                held: Held {
                    name: format!("name {own}"),
                    mail: format!("{net_id}@example.edu"),
                    section,
                    team,
                    shares,
                    cloud_users: accounts(&net_id, own),
                },
                net_id,
            })
            .collect()
    })
}

fn rosters() -> impl Strategy<Value = Roster> {
    let name = proptest::option::of("[a-c]");
    let one = (
        name,
        any::<bool>(),
        group(),
        group(),
        proptest::option::of(0i32..3),
        proptest::option::of(any::<u8>()),
    );
    proptest::collection::btree_map(net_id(), one, 1..12).prop_map(|people| {
        let rows: Vec<Row> = people
            .into_iter()
            .zip(2..)
            .map(|((net_id, (name, given, section, team, shares, own)), line)| Row {
                line,
                name,
                mail: if given {
                    Mail::Given(format!("{net_id}@other.edu"))
                } else {
                    Mail::Made(format!("{net_id}@example.edu"))
                },
                section,
                team,
                shares,
                cloud_users: own.map(|own| accounts(&net_id, own)),
                net_id,
            })
            .collect();
        Roster {
            format: Format::Plain,
            has_sections: rows.iter().any(|row| row.section.is_some()),
            has_teams: rows.iter().any(|row| row.team.is_some()),
            rows,
            renamed: Vec::new(),
            left_out: Vec::new(),
            notes: Vec::new(),
        }
    })
}

fn options() -> impl Strategy<Value = Options> {
    let sections = proptest::collection::btree_set(prop_oneof!["a", "b", "d"], 0..2);
    (any::<bool>(), sections).prop_map(|(drop, only_sections)| Options { drop, only_sections })
}

/// The course after the plan.
fn applied(plan: &Plan, members: &[Member]) -> Vec<Member> {
    let mut after = members.to_vec();
    for change in plan.changed.iter().chain(&plan.returning) {
        let member = after.iter_mut().find(|member| member.person == change.person).unwrap();
        member.held = change.after.clone();
        member.standing = Standing::Student;
    }
    for dropped in &plan.dropped {
        after.iter_mut().find(|member| member.person == dropped.person).unwrap().standing = Standing::Dropped;
    }
    after.extend(plan.added.iter().zip(1000..).map(|(added, number)| Member {
        person: PersonId::from_bits(number),
        net_id: added.net_id.clone(),
        standing: Standing::Student,
        by_hand: false,
        has_parity_set: false,
        held: added.held.clone(),
    }));
    after
}

/// Whether a member has all that a row says.
fn holds(row: &Row, member: &Member, roster: &Roster) -> bool {
    let held = &member.held;
    row.name.as_ref().is_none_or(|name| *name == held.name)
        && !matches!(&row.mail, Mail::Given(mail) if *mail != held.mail)
        && (!roster.has_sections || row.section == held.section)
        && (!roster.has_teams || row.team == held.team)
        && row.shares.is_none_or(|shares| shares == held.shares)
        && row.cloud_users.as_ref().is_none_or(|accounts| *accounts == held.cloud_users)
}

proptest! {
    #[test]
    fn applied_it_makes_the_file_hold(roster in rosters(), members in members(), options in options()) {
        let plan = plan(&roster, &members, &options).unwrap();
        let after = applied(&plan, &members);
        for row in &roster.rows {
            let member = after.iter().find(|member| member.net_id == row.net_id).unwrap();
            let is_as_told = member.standing == Standing::Other
                || member.standing == Standing::Student && holds(row, member, &roster);
            prop_assert!(is_as_told, "{row:?} {member:?}");
        }
        let named = |member: &Member| roster.rows.iter().any(|row| row.net_id == member.net_id);
        for (before, after) in members.iter().zip(&after) {
            prop_assert!(named(before) || before.held == after.held);
            let may_drop = options.drop && !before.by_hand && !named(before);
            prop_assert!(may_drop || before.standing != Standing::Student || after.standing == Standing::Student, "{before:?}");
        }
    }

    #[test]
    fn planned_again_there_is_nothing_to_do(roster in rosters(), members in members(), options in options()) {
        let first = plan(&roster, &members, &options).unwrap();
        let after = applied(&first, &members);
        let second = plan(&roster, &after, &options).unwrap();
        prop_assert!(second.is_empty(), "{second:?}");
        let students = roster.rows.len() - (second.left_out.len());
        prop_assert_eq!(second.unchanged, students);
    }

    #[test]
    fn the_order_of_rows_and_people_means_nothing(
        (roster, shuffled) in rosters().prop_flat_map(|it| (Just(it.clone()), Just(it.rows).prop_shuffle())),
        (members, turned) in members().prop_flat_map(|it| (Just(it.clone()), Just(it).prop_shuffle())),
        options in options(),
    ) {
        let other = Roster { rows: shuffled, ..roster.clone() };
        prop_assert_eq!(plan(&roster, &members, &options), plan(&other, &turned, &options));
    }
}
