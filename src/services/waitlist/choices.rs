//! What someone may ask for: the parts of days that the rules make possible for them.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::join::possible;
use crate::db::{self, Conn, DbError, LabSetting};
use crate::domain::calendar::{self, DailyWindow};
use crate::domain::ids::LabId;
use crate::domain::interval::Interval;
use crate::domain::occupancy::Occupancy;
use crate::domain::person::Person;
use crate::domain::waitlist::Asked;
use crate::policy::availability;
use crate::services::App;
use crate::services::situation::Situation;

/// A part of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// From midnight on.
    Night,
    /// From 06:00 on.
    Morning,
    /// From 12:00 on.
    Afternoon,
    /// From 18:00 on.
    Evening,
}

impl Part {
    /// Each of them, in the order of a day.
    pub const ALL: [Self; 4] = [Self::Night, Self::Morning, Self::Afternoon, Self::Evening];

    /// The part in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Night => "night",
            Self::Morning => "morning",
            Self::Afternoon => "afternoon",
            Self::Evening => "evening",
        }
    }

    /// The hour with which it begins; it has six.
    fn hour(self) -> u32 {
        match self {
            Self::Night => 0,
            Self::Morning => 6,
            Self::Afternoon => 12,
            Self::Evening => 18,
        }
    }

    /// Its hours: `06–12`.
    pub fn hours(self) -> String {
        format!("{:02}–{:02}", self.hour(), self.hour() + 6)
    }

    /// Its time on a day.
    pub fn on(self, zone: Tz, date: NaiveDate) -> Option<Interval> {
        let from = self.hour() * 60;
        DailyWindow { from, to: from + 6 * 60 }.on(zone, date)
    }
}

/// How many days are listed where no due date comes before.
const FURTHEST: u64 = 28;

/// What someone may ask for.
#[derive(Debug, Clone)]
pub struct Choices {
    /// The lab with its surroundings, with the person's own terms.
    pub setting: LabSetting,
    /// Days with something possible, soonest first, and of each its possible parts.
    pub days: Vec<(NaiveDate, Vec<Part>)>,
    /// How long an offer stands.
    pub offer: TimeDelta,
    /// As of when.
    pub now: DateTime<Utc>,
}

/// What this person may ask for of a lab; nothing if there is no such lab.
pub fn choices(
    app: &App,
    conn: &mut Conn<'_>,
    person: &Person,
    lab: &LabId,
) -> Result<Option<Choices>, DbError> {
    let now = app.now();
    let Some(situation) = Situation::load(conn, lab, person, None, now)? else { return Ok(None) };
    let offer = db::waitlist_policy(conn)?.offer();
    let days = days(&situation, now);
    Ok(Some(Choices { setting: situation.setting, days, offer, now }))
}

fn days(situation: &Situation, now: DateTime<Utc>) -> Vec<(NaiveDate, Vec<Part>)> {
    let LabSetting { lab, pool, zone, .. } = &situation.setting;
    let occupancy = Occupancy::default();
    let length = availability::shortest(&situation.case(&occupancy, now));
    let first = calendar::local_date(*zone, now.max(lab.open));
    let last = lab.last_end(pool).map(|end| calendar::local_date(*zone, end));
    let is_possible = |date: NaiveDate, part: Part| {
        let ahead = part.on(*zone, date).and_then(|span| Interval::new(span.start().max(now), span.end()));
        ahead.is_some_and(|window| {
            let asked =
                Asked { length_minutes: length.num_minutes(), windows: vec![window], auto_accept: false };
            possible(situation, &asked, now).is_ok()
        })
    };
    let parts = |date| Part::ALL.into_iter().filter(|part| is_possible(date, *part)).collect::<Vec<_>>();
    (0..FURTHEST)
        .map(|n| first + Days::new(n))
        .take_while(|date| last.is_none_or(|last| *date <= last))
        .map(|date| (date, parts(date)))
        .filter(|(_, parts)| !parts.is_empty())
        .collect()
}
