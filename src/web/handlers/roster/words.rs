//! What the pages of the roster say, in sentences.

use crate::policy::roster::Plan;
use crate::services::roster::List;

pub(super) fn people(count: i32) -> String {
    if count == 1 { "1 person".to_owned() } else { format!("{count} people") }
}

pub(super) fn students(count: usize) -> String {
    if count == 1 { "1 student".to_owned() } else { format!("{count} students") }
}

pub(super) fn enrolled(count: usize) -> String {
    match count {
        0 => "Nobody takes the course yet.".to_owned(),
        1 => "1 student takes the course.".to_owned(),
        many => format!("{many} students take the course."),
    }
}

pub(super) fn lead(list: &List, dropped: usize, enrolled: usize) -> String {
    if enrolled + dropped == 0 {
        return "Bring the roster as Canvas, Brightspace or Gradescope exports it.".to_owned();
    }
    let left = match dropped {
        0 => "Nobody has dropped it.".to_owned(),
        1 => "1 has dropped it.".to_owned(),
        many => format!("{many} have dropped it."),
    };
    match list.without_parity {
        0 => left,
        1 => format!(
            "{left} 1 has no parity, since their net ID does not end in a digit: set it on their page."
        ),
        many => {
            format!(
                "{left} {many} have no parity, since their net ID does not end in a digit: set it on their pages."
            )
        }
    }
}

pub(super) fn found(from: usize, shown: usize, matching: usize) -> String {
    match matching {
        0 => "Nobody is found.".to_owned(),
        _ if from == 0 && shown == matching => format!("All {matching} are shown, by net ID."),
        _ => format!("{} to {} of {matching}, by net ID.", from + 1, from + shown),
    }
}

/// What a plan does to how many: "add", 12; only what it does.
fn counts(plan: &Plan) -> Vec<(&'static str, usize)> {
    let all = [
        ("add", plan.added.len()),
        ("change", plan.changed.len()),
        ("take back", plan.returning.len()),
        ("drop", plan.dropped.len()),
    ];
    all.into_iter().filter(|(_, count)| *count > 0).collect()
}

/// "It adds 12 students, changes 3 and drops 2."
pub(super) fn answer(plan: &Plan) -> String {
    let third = |word: &str| match word {
        "take back" => "takes back".to_owned(),
        word => format!("{word}s"),
    };
    match list(plan, third, true) {
        Some(list) => format!("It {list}."),
        None => "It changes nothing.".to_owned(),
    }
}

/// "Add 12, change 3 and drop 2 students"
pub(super) fn button(plan: &Plan) -> String {
    let list = list(plan, str::to_owned, false).unwrap_or_default();
    let mut letters = list.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn list(plan: &Plan, verb: impl Fn(&str) -> String, noun_first: bool) -> Option<String> {
    let counts = counts(plan);
    let last = counts.len().checked_sub(1)?;
    let part = |(at, (word, count)): (usize, &(&str, usize))| {
        let with_noun = at == if noun_first { 0 } else { last };
        let count = if with_noun { students(*count) } else { count.to_string() };
        format!("{} {count}", verb(word))
    };
    let parts: Vec<String> = counts.iter().enumerate().map(part).collect();
    let (end, start) = parts.split_last()?;
    Some(if start.is_empty() { end.clone() } else { format!("{} and {end}", start.join(", ")) })
}

/// What happens to who drops, in a sentence; nothing if nobody does.
pub(super) fn drops(plan: &Plan, hours: i64) -> Option<String> {
    let who = match plan.dropped.len() {
        0 => return None,
        1 => "The one who drops books",
        _ => "Those who drop book",
    };
    let when = match hours {
        0 => "ends at once".to_owned(),
        hours => format!("ends {hours} h after this is applied"),
    };
    Some(format!(
        "{who} nothing from then on. What they have booked {when}; whoever has something booked gets a mail."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::PersonId;
    use crate::policy::roster::Dropped;

    fn dropping(count: u64) -> Plan {
        let one = |number| Dropped {
            person: PersonId::from_bits(number),
            net_id: format!("ab{number}").parse().unwrap(),
            name: String::new(),
            section: None,
        };
        Plan { dropped: (0..count).map(one).collect(), ..Plan::default() }
    }

    #[test]
    fn a_plan_is_told_in_a_sentence() {
        assert_eq!(answer(&Plan::default()), "It changes nothing.");
        assert_eq!(answer(&dropping(1)), "It drops 1 student.");
        assert_eq!((button(&dropping(2)), drops(&dropping(0), 48)), ("Drop 2 students".to_owned(), None));
        assert!(drops(&dropping(2), 0).unwrap().contains("ends at once"));
    }
}
