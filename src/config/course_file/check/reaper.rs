//! The reaper's policy.

use std::ops::RangeInclusive;

use super::Check;
use super::times::{DAYS, HOURS};
use crate::config::course_file::CourseFile;
use crate::config::course_file::reaper::{
    IdleTable, LeasesTable, LimitsTable, NoShowTable, ProjectTable, ReaperTable,
};
use crate::domain::blueprint::Kind;
use crate::domain::ids::LabId;
use crate::domain::reaper::{IdleRule, LeaseRule, Limits, NoShowRule, ProjectRule, ReaperPolicy, bounds};

/// Minutes between the warning and the release of a booking that nobody uses, unless staff say otherwise.
const NO_SHOW_GRACE: i32 = 15;

/// What may be deleted without an owner: it holds no data, and is made anew in a minute.
const WITHOUT_DATA: [Kind; 4] = [Kind::FloatingIp, Kind::Port, Kind::Router, Kind::Network];

impl Check<'_> {
    pub(super) fn reaper(&mut self, file: &CourseFile) -> Option<ReaperPolicy> {
        let usual = ReaperPolicy::default();
        let Some(table) = &file.reaper else { return Some(usual) };
        let step = |check: &mut Self, key, hours, usual| {
            check.time(&format!("reaper.{key}"), hours, HOURS, bounds::STEP_MINUTES, usual)
        };
        let stop_after = step(self, "stop_after_hours", table.stop_after_hours, usual.stop_after_minutes);
        let delete_after =
            step(self, "delete_after_hours", table.delete_after_hours, usual.delete_after_minutes);
        let restored = step(self, "restored_hours", table.restored_hours, usual.restored_minutes);
        let judged_by = self.judged_by(file, table);
        for kind in table.nobodys.iter().filter(|kind| !WITHOUT_DATA.contains(kind)) {
            self.error("reaper.nobodys", format!("a {} is never deleted without an owner", kind.word()));
        }
        let quiet = match &table.quiet_hours {
            Some(table) => self.quiet("reaper.quiet_hours", table).map(Some),
            None => Some(None),
        };
        let limits = table.limits.as_ref().map_or(Some(usual.limits), |table| self.limits(table));
        let leases = table.leases.as_ref().map_or(Some(usual.leases), |table| self.leases(table));
        let idle = table.idle.as_ref().map_or(Some(usual.idle), |table| self.idle(table));
        let project = match &table.project {
            Some(table) => self.project(table).map(Some),
            None => Some(None),
        };
        let no_show = table.no_show.as_ref().map(|table| self.no_show(table));
        Some(ReaperPolicy {
            by_hand: table.by_hand.unwrap_or(usual.by_hand),
            judged_by: judged_by?,
            stop_after_minutes: stop_after?,
            delete_after_minutes: delete_after?,
            stop_by: table.stop_by.unwrap_or(usual.stop_by),
            restored_minutes: restored?,
            nobodys: table.nobodys.clone(),
            quiet: quiet?,
            limits: limits?,
            leases: leases?,
            idle: idle?,
            project: project?,
            no_show,
        })
    }

    fn judged_by(&mut self, file: &CourseFile, table: &ReaperTable) -> Option<Vec<LabId>> {
        let mut labs = Vec::new();
        for lab in &table.judged_by {
            if file.lab.iter().all(|known| known.id != *lab) {
                self.error("reaper.judged_by", format!("there is no lab \"{lab}\""));
            }
            labs.push(self.parse("reaper.judged_by", lab));
        }
        labs.into_iter().collect()
    }

    fn limits(&mut self, table: &LimitsTable) -> Option<Limits> {
        let usual = Limits::default();
        let mut number = |key, number: Option<i32>, range: RangeInclusive<i32>, usual| {
            let number = number.unwrap_or(usual);
            self.range(&format!("reaper.limits.{key}"), number, range.clone());
            range.contains(&number).then_some(number)
        };
        Some(Limits {
            most: number("most", table.most, bounds::MOST, usual.most)?,
            percent: number("percent", table.percent, bounds::PERCENT, usual.percent)?,
            shrunk_percent: number(
                "shrunk_percent",
                table.shrunk_percent,
                bounds::PERCENT,
                usual.shrunk_percent,
            )?,
            shrunk_minutes: number(
                "shrunk_minutes",
                table.shrunk_minutes,
                bounds::STEP_MINUTES,
                usual.shrunk_minutes,
            )?,
        })
    }

    fn leases(&mut self, table: &LeasesTable) -> Option<LeaseRule> {
        let usual = LeaseRule::default();
        let mut hours = |key, number, range, usual| {
            self.time(&format!("reaper.leases.{key}"), number, HOURS, range, usual)
        };
        let warn = hours("warn_hours", table.warn_hours, bounds::STEP_MINUTES, usual.warn_minutes);
        let delete = hours("delete_hours", table.delete_hours, bounds::STEP_MINUTES, usual.delete_minutes);
        let short = hours("short_hours", table.short_hours, 0..=43_200, usual.short_minutes);
        let longest = table
            .longest_hours
            .map(|number| hours("longest_hours", Some(number), bounds::LONG_MINUTES, usual.warn_minutes));
        if let (Some(warn), Some(delete)) = (warn, delete)
            && warn >= delete
        {
            self.error("reaper.leases.delete_hours", "it is not more than warn_hours");
        }
        Some(LeaseRule {
            warn_minutes: warn?,
            delete_minutes: delete?,
            short_minutes: short?,
            longest_minutes: super::all_right(longest)?,
        })
    }

    fn idle(&mut self, table: &IdleTable) -> Option<IdleRule> {
        let usual = IdleRule::default();
        let mut days = |key, number, usual| {
            self.time(&format!("reaper.idle.{key}"), number, DAYS, bounds::IDLE_MINUTES, usual)
        };
        let floating_ip = days("floating_ip_days", table.floating_ip_days, usual.floating_ip_minutes);
        let network = days("network_days", table.network_days, usual.network_minutes);
        let data = table.data_days.map(|number| days("data_days", Some(number), usual.network_minutes));
        Some(IdleRule {
            floating_ip_minutes: floating_ip?,
            network_minutes: network?,
            data_minutes: super::all_right(data)?,
        })
    }

    fn project(&mut self, table: &ProjectTable) -> Option<ProjectRule> {
        let mut hours = |key, number, usual| {
            self.time(&format!("reaper.project.{key}"), number, HOURS, bounds::LONG_MINUTES, usual)
        };
        let minutes = hours("hours", Some(table.hours), 0)?;
        let bare_metal_minutes = hours("bare_metal_hours", table.bare_metal_hours, minutes)?;
        Some(ProjectRule { minutes, bare_metal_minutes })
    }

    fn no_show(&mut self, table: &NoShowTable) -> NoShowRule {
        let grace_minutes = table.grace_minutes.unwrap_or(NO_SHOW_GRACE);
        self.range("reaper.no_show.minutes", table.minutes, bounds::NO_SHOW_MINUTES);
        self.range("reaper.no_show.grace_minutes", grace_minutes, bounds::NO_SHOW_MINUTES);
        NoShowRule { minutes: table.minutes, grace_minutes, signal: table.signal }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::course_file::CourseFile;
    use crate::domain::blueprint::Kind;
    use crate::domain::reaper::{ByHand, NoShowSignal, ReaperPolicy, StopBy};

    const EXAMPLE: &str = include_str!("../../../../docs/examples/course.toml");

    fn read(reaper: &str) -> Result<ReaperPolicy, Vec<String>> {
        let text = format!("{EXAMPLE}\n{reaper}");
        let file = CourseFile::parse("course.toml", &text).and_then(|file| file.check("course.toml"));
        file.map(|course| course.reaper).map_err(|errors| errors.0)
    }

    #[test]
    fn a_course_that_says_nothing_has_what_people_made_reported() {
        let policy = read("").unwrap();
        assert_eq!(policy, ReaperPolicy::default());
        assert_eq!((policy.by_hand, policy.idle.data_minutes, policy.project), (ByHand::Report, None, None));
        assert_eq!(read("[reaper]\n[reaper.limits]\n[reaper.leases]\n[reaper.idle]"), Ok(policy));
    }

    #[test]
    fn all_of_it_can_be_said() {
        let policy = read(
            "[reaper]\nby_hand = \"delete\"\njudged_by = [\"k8s\"]\nstop_after_hours = 0.5\ndelete_after_hours = 48\n\
             stop_by = \"shelve\"\nrestored_hours = 4\nnobodys = [\"floating_ip\", \"port\"]\n\
             quiet_hours = { from = \"22:00\", to = \"24:00\" }\nlimits = { most = 5, percent = 10 }\n\
             leases = { warn_hours = 3, delete_hours = 4, longest_hours = 168 }\nidle = { floating_ip_days = 365, data_days = 30 }\n\
             project = { hours = 24, bare_metal_hours = 6 }\nno_show = { minutes = 30, signal = \"not_opened\" }\n",
        )
        .unwrap();
        assert_eq!((policy.by_hand, policy.stop_by), (ByHand::Delete, StopBy::Shelve));
        assert_eq!(policy.judged_by, ["k8s".parse().unwrap()]);
        let steps = (policy.stop_after_minutes, policy.delete_after_minutes, policy.restored_minutes);
        assert_eq!(steps, (30, 2880, 240));
        assert_eq!(policy.nobodys, [Kind::FloatingIp, Kind::Port]);
        assert_eq!(policy.quiet.unwrap().to_string(), "22:00 to 00:00");
        assert_eq!((policy.limits.most, policy.limits.percent, policy.limits.shrunk_percent), (5, 10, 50));
        assert_eq!((policy.leases.warn_minutes, policy.leases.longest_minutes), (180, Some(10_080)));
        assert_eq!((policy.idle.floating_ip_minutes, policy.idle.data_minutes), (525_600, Some(43_200)));
        let project = policy.project.unwrap();
        assert_eq!((project.minutes, project.bare_metal_minutes), (1440, 360));
        let no_show = policy.no_show.unwrap();
        assert_eq!((no_show.grace_minutes, no_show.signal), (15, NoShowSignal::NotOpened));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        for (reaper, key, what) in [
            ("by_hand = \"kill\"", "by_hand", "\"kill\" is none of report, warn, delete"),
            ("judged_by = [\"gpu\"]", "judged_by", "there is no lab \"gpu\""),
            ("stop_after_hours = 0", "stop_after_hours", "0 is not from 0.017 to 720 hours"),
            ("restored_hours = 1e12", "restored_hours", "is not from"),
            ("nobodys = [\"volume\"]", "nobodys.1", "is none of floating_ip, port, router, network"),
            ("quiet_hours = { from = \"08:00\", to = \"08:00\" }", "quiet_hours", "no part of a day"),
            ("quiet_hours = { from = \"22\", to = \"08:00\" }", "quiet_hours", "no part of a day"),
            ("limits = { most = -1 }", "limits.most", "-1 is not from 0 to 10000"),
            ("limits = { percent = 101 }", "limits.percent", "101 is not from 0 to 100"),
            ("limits = { shrunk_minutes = 0 }", "limits.shrunk_minutes", "0 is not from 1"),
            ("leases = { delete_hours = 6 }", "leases.delete_hours", "not more than warn_hours"),
            ("leases = { longest_hours = 0.5 }", "leases.longest_hours", "0.5 is not from 1 to 8784 hours"),
            ("idle = { data_days = 0 }", "idle.data_days", "0 is not from 0.042 to 366 days"),
            ("project = { hours = 0 }", "project.hours", "0 is not from 1 to 8784 hours"),
            ("project = {}", "project.hours", "missing"),
            (
                "no_show = { minutes = 4, signal = \"no_server\" }",
                "no_show.minutes",
                "4 is not from 5 to 1440",
            ),
            ("no_show = { minutes = 30, signal = \"x\" }", "no_show.signal", "none of no_server, not_opened"),
            ("by_hands = \"warn\"", "by_hands", "is by_hand meant?"),
        ] {
            let errors = read(&format!("[reaper]\n{reaper}\n")).unwrap_err();
            let line = EXAMPLE.lines().count() + 3;
            let told = format!("course.toml:{line}: reaper.{key}: ");
            assert!(errors.len() == 1 && errors[0].contains(what), "{reaper}: {errors:?}");
            assert!(errors[0].starts_with(&told), "{reaper}: {errors:?}");
        }
    }
}
