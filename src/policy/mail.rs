//! What becomes of a notice whose time to be sent has come.

use chrono::{DateTime, Utc};

use crate::domain::notice::Notice;

/// So many mails that are not urgent one person gets within an hour. What is more waits for their digest.
pub const AN_HOUR: i64 = 6;

/// What becomes of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is sent.
    Send,
    /// Its time is over: nobody needs it any more.
    SetAside,
    /// Its person has had many: their digest tells it.
    Gather,
}

/// Whether it counts against [`AN_HOUR`].
pub fn is_bounded(notice: &Notice) -> bool {
    !notice.is_urgent() && notice.may_gather()
}

/// What becomes of this notice, whose person was sent `recent` in the last hour that are not urgent.
pub fn fate(notice: &Notice, recent: i64, now: DateTime<Utc>) -> Fate {
    if notice.is_stale(now) {
        Fate::SetAside
    } else if is_bounded(notice) && recent >= AN_HOUR {
        Fate::Gather
    } else {
        Fate::Send
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::ids::{NoticeId, PersonId};
    use crate::domain::notice::Topic;

    fn notice(topic: Topic) -> Notice {
        Notice {
            id: NoticeId::from_bits(1),
            dedupe_key: "key".to_owned(),
            topic,
            person: Some(PersonId::from_bits(2)),
            recipient: "ff524@example.edu".to_owned(),
            subject: "A subject".to_owned(),
            body: "A text".to_owned(),
            calendar: None,
            created_at: at(0),
            stale_at: None,
            attempts: 0,
        }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_seventh_within_an_hour_waits_unless_it_is_urgent() {
        for topic in Topic::ALL {
            let it = notice(topic);
            assert_eq!(fate(&it, AN_HOUR - 1, at(0)), Fate::Send, "{topic:?}");
            let many = if topic.may_gather() { Fate::Gather } else { Fate::Send };
            assert_eq!(fate(&it, AN_HOUR, at(0)), many, "{topic:?}");
        }
        let with_calendar = Notice { calendar: Some("BEGIN".to_owned()), ..notice(Topic::Ended) };
        assert_eq!(fate(&with_calendar, AN_HOUR, at(0)), Fate::Send, "a calendar has to know");
        let to_the_course = Notice { person: None, ..notice(Topic::Failures) };
        assert_eq!(fate(&to_the_course, AN_HOUR, at(0)), Fate::Send, "nobody in particular has a digest");
    }

    #[test]
    fn what_is_out_of_date_is_not_sent_from_the_very_instant() {
        let it = Notice { stale_at: Some(at(60)), ..notice(Topic::Ready) };
        assert_eq!(fate(&it, 0, at(59)), Fate::Send);
        assert_eq!(fate(&it, 0, at(59) + TimeDelta::seconds(1)), Fate::SetAside);
    }
}
