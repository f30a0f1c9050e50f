//! What staff decide of the reaper: the table `[reaper]` of the course file.

use std::fmt;

use chrono::{DateTime, NaiveTime, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::blueprint::Kind;
use super::calendar;
use super::ids::LabId;

/// How the reaper deals with what is not a booking's. The default only reports what people made by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReaperPolicy {
    /// What is done about objects that people made by hand.
    pub by_hand: ByHand,
    /// Labs by whose cap and weekdays servers are judged that people made by hand; without any all labs at the site.
    pub judged_by: Vec<LabId>,
    /// Time between the warning and the next step, in minutes.
    pub stop_after_minutes: i32,
    /// Time between stopping a server and deleting it, in minutes.
    pub delete_after_minutes: i32,
    /// How a server is stopped.
    pub stop_by: StopBy,
    /// How long an object is left alone whose owner took it back, in minutes.
    pub restored_minutes: i32,
    /// Kinds that may be deleted though nobody is known whose they are.
    pub nobodys: Vec<Kind>,
    /// Hours in which nobody is warned and nothing of others is stopped or deleted.
    pub quiet: Option<QuietHours>,
    /// What a sweep may do at most.
    pub limits: Limits,
    /// When a lease is of no use.
    pub leases: LeaseRule,
    /// When other things are of no use.
    pub idle: IdleRule,
    /// What projects may do; without it what is a project's is left alone.
    pub project: Option<ProjectRule>,
    /// When a booking counts as not used, if that is looked at.
    pub no_show: Option<NoShowRule>,
}

impl Default for ReaperPolicy {
    fn default() -> Self {
        Self {
            by_hand: ByHand::Report,
            judged_by: Vec::new(),
            stop_after_minutes: 2 * 60,
            delete_after_minutes: 24 * 60,
            stop_by: StopBy::Stop,
            restored_minutes: 8 * 60,
            nobodys: Vec::new(),
            quiet: None,
            limits: Limits::default(),
            leases: LeaseRule::default(),
            idle: IdleRule::default(),
            project: None,
            no_show: None,
        }
    }
}

impl ReaperPolicy {
    /// Time between the warning and the next step.
    pub fn stop_after(&self) -> TimeDelta {
        minutes(self.stop_after_minutes)
    }

    /// Time between stopping a server and deleting it.
    pub fn delete_after(&self) -> TimeDelta {
        minutes(self.delete_after_minutes)
    }

    /// How long an object is left alone whose owner took it back.
    pub fn restored(&self) -> TimeDelta {
        minutes(self.restored_minutes)
    }
}

fn minutes(number: i32) -> TimeDelta {
    TimeDelta::minutes(number.into())
}

/// What is done about objects that people made by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByHand {
    /// They are reported to staff.
    Report,
    /// Their owners are told, once.
    Warn,
    /// Their owners are told; later they are stopped, and later deleted.
    Delete,
}

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopBy {
    /// It is shut off.
    Stop,
    /// It is shelved, where the site can: what it holds is kept, and its machine is free.
    Shelve,
}

/// What one sweep may do at one site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Objects of one class: what is our own, and what people made.
    pub most: i32,
    /// The part of the listing that may be what people made, in percent. Not asked of a listing of fewer than
    /// [`SMALL_LISTING`] objects.
    pub percent: i32,
    /// A listing smaller than this part of the last whole one, in percent, is not trusted.
    pub shrunk_percent: i32,
    /// For how long it is not, in minutes; then the site is taken to hold less.
    pub shrunk_minutes: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { most: 50, percent: 50, shrunk_percent: 50, shrunk_minutes: 60 }
    }
}

/// In a listing of fewer objects a percentage says little: one student's may be all of it.
pub const SMALL_LISTING: usize = 20;

/// That fewer objects are gone since the last listing is no sign that a listing is wrong: one student cleans up.
pub const FEW: usize = 5;

/// When a lease is of no use. All in minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LeaseRule {
    /// Without a server for so long, its owner is told.
    pub warn_minutes: i32,
    /// Without a server for so long, it is deleted.
    pub delete_minutes: i32,
    /// A lease no longer than this is a class slot: its owner is told after a quarter of its length, and it is deleted later
    /// in the same proportion.
    pub short_minutes: i32,
    /// The longest lease that people may make by hand, if that is bounded.
    pub longest_minutes: Option<i32>,
}

impl Default for LeaseRule {
    fn default() -> Self {
        Self { warn_minutes: 6 * 60, delete_minutes: 9 * 60, short_minutes: 12 * 60, longest_minutes: None }
    }
}

impl LeaseRule {
    /// After how long without a server the owner of a lease of this length is told.
    pub fn warn_after(&self, length: TimeDelta) -> TimeDelta {
        let usual = minutes(self.warn_minutes);
        if length <= minutes(self.short_minutes) { usual.min(length / 4) } else { usual }
    }

    /// How long after that it is deleted.
    pub fn grace(&self, length: TimeDelta) -> TimeDelta {
        let between = self.delete_minutes - self.warn_minutes;
        self.warn_after(length) * between / self.warn_minutes.max(1)
    }

    /// The longest lease.
    pub fn longest(&self) -> Option<TimeDelta> {
        self.longest_minutes.map(minutes)
    }
}

/// After how long without use other things are left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IdleRule {
    /// Floating IPs, in minutes.
    pub floating_ip_minutes: i32,
    /// Ports, routers and networks, in minutes.
    pub network_minutes: i32,
    /// Volumes, shares and buckets, in minutes; without it they are reported after as long as networks and never deleted.
    pub data_minutes: Option<i32>,
}

impl Default for IdleRule {
    fn default() -> Self {
        Self { floating_ip_minutes: 7 * 24 * 60, network_minutes: 14 * 24 * 60, data_minutes: None }
    }
}

impl IdleRule {
    /// How long an object of this kind may be without use.
    pub fn after(&self, kind: Kind) -> TimeDelta {
        minutes(match kind {
            Kind::FloatingIp => self.floating_ip_minutes,
            Kind::Volume | Kind::Share | Kind::Bucket => self.data_minutes.unwrap_or(self.network_minutes),
            _ => self.network_minutes,
        })
    }
}

/// What projects of students may do: what is called `...project51`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProjectRule {
    /// The longest time that a server may be there, in minutes.
    pub minutes: i32,
    /// The same on bare metal.
    pub bare_metal_minutes: i32,
}

impl ProjectRule {
    /// The longest time.
    pub fn longest(&self, bare_metal: bool) -> TimeDelta {
        minutes(if bare_metal { self.bare_metal_minutes } else { self.minutes })
    }
}

/// When a booking counts as not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoShowRule {
    /// After how many minutes of being active.
    pub minutes: i32,
    /// How many minutes after the warning it is released.
    pub grace_minutes: i32,
    /// What tells that nobody uses it.
    pub signal: NoShowSignal,
}

impl NoShowRule {
    /// After how long of being active.
    pub fn after(&self) -> TimeDelta {
        minutes(self.minutes)
    }

    /// How long after the warning it is released.
    pub fn grace(&self) -> TimeDelta {
        minutes(self.grace_minutes)
    }
}

/// What tells that nobody uses a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoShowSignal {
    /// None of its servers was ever seen to run.
    NoServer,
    /// Its student has never opened its page.
    NotOpened,
}

/// Hours of every day, in minutes after midnight. They may go over midnight, and are never all of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuietHours {
    /// Their first minute of the day.
    pub from: u32,
    /// The first minute after them.
    pub to: u32,
}

impl QuietHours {
    /// Whether the wall clock of `zone` shows one of them at `at`.
    pub fn hold(self, zone: Tz, at: DateTime<Utc>) -> bool {
        let local = at.with_timezone(&zone);
        let minute = local.hour() * 60 + local.minute();
        let (from, to) = (self.from, self.to);
        if from < to { (from..to).contains(&minute) } else { minute >= from || minute < to }
    }

    /// When the hours that hold at `at` are over. Where clocks go back over their end, they hold twice.
    pub fn end(self, zone: Tz, at: DateTime<Utc>) -> DateTime<Utc> {
        let today = calendar::local_date(zone, at);
        let time = NaiveTime::from_num_seconds_from_midnight_opt(self.to * 60, 0).unwrap_or_default();
        let ends = [Some(today), today.succ_opt(), today.succ_opt().and_then(|date| date.succ_opt())];
        let mut ends = ends.into_iter().flatten().map(|date| date.and_time(time)).flat_map(|local| {
            let first = calendar::instant(zone, local);
            [first, zone.from_local_datetime(&local).latest().map_or(first, |last| last.to_utc())]
        });
        ends.find(|end| *end > at).unwrap_or(at)
    }
}

/// "22:00 to 08:00".
impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02} to {:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// What the numbers may be.
pub mod bounds {
    use std::ops::RangeInclusive;

    /// Times between steps: a minute to 30 days.
    pub const STEP_MINUTES: RangeInclusive<i32> = 1..=43_200;
    /// How long something may be idle: an hour to a year.
    pub const IDLE_MINUTES: RangeInclusive<i32> = 60..=527_040;
    /// How long a lease or a project's server may be.
    pub const LONG_MINUTES: RangeInclusive<i32> = 60..=527_040;
    /// Objects that one sweep may delete.
    pub const MOST: RangeInclusive<i32> = 0..=10_000;
    /// Parts of a whole.
    pub const PERCENT: RangeInclusive<i32> = 0..=100;
    /// A booking that is not used.
    pub const NO_SHOW_MINUTES: RangeInclusive<i32> = 5..=1440;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::interval::Interval;
    use chrono_tz::America::New_York;

    fn local(text: &str) -> DateTime<Utc> {
        calendar::instant(New_York, text.parse().unwrap())
    }

    #[test]
    fn quiet_hours_may_go_over_midnight_and_end_after_every_instant_of_them() {
        let night = QuietHours { from: 22 * 60, to: 8 * 60 };
        let day = QuietHours { from: 0, to: 7 * 60 };
        let holds = |quiet: QuietHours, at: &str| quiet.hold(New_York, local(at));
        for (at, night_holds, day_holds) in [
            ("2025-02-08T21:59:59", false, false),
            ("2025-02-08T22:00:00", true, false),
            ("2025-02-09T00:00:00", true, true),
            ("2025-02-09T07:59:59", true, false),
            ("2025-02-09T08:00:00", false, false),
        ] {
            assert_eq!((holds(night, at), holds(day, at)), (night_holds, day_holds), "{at}");
        }
        assert_eq!(night.end(New_York, local("2025-02-08T22:00:00")), local("2025-02-09T08:00:00"));
        assert_eq!(night.end(New_York, local("2025-02-09T07:59:59")), local("2025-02-09T08:00:00"));
        let spring = Interval::new(local("2025-03-08T22:00:00"), local("2025-03-09T08:00:00")).unwrap();
        assert_eq!(spring.length(), TimeDelta::hours(9), "clocks go forward in it");
        assert_eq!(night.end(New_York, spring.start()), spring.end());
        assert_eq!(night.to_string(), "22:00 to 08:00");
        let short = QuietHours { from: 22 * 60, to: 90 };
        let again = local("2025-11-02T01:10:00") + TimeDelta::hours(1);
        assert!(short.hold(New_York, again), "clocks went back from 02:00 to 01:00");
        assert_eq!(short.end(New_York, again), again + TimeDelta::minutes(20));
    }

    #[test]
    fn a_class_slot_is_told_after_a_quarter_and_deleted_in_proportion() {
        let rule = LeaseRule::default();
        let told = |hours| {
            let length = TimeDelta::hours(hours);
            (rule.warn_after(length).num_minutes(), rule.grace(length).num_minutes())
        };
        assert_eq!(told(24), (360, 180));
        assert_eq!(told(8), (120, 60));
        assert_eq!(told(12), (180, 90));
        assert_eq!(told(13), (360, 180));
    }
}
