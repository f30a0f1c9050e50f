//! Fair share and the waitlist.

use super::Check;
use super::times::{DAYS, HOURS};
use crate::config::course_file::CourseFile;
use crate::config::course_file::sharing::WeightsTable;
use crate::domain::fair_share::{FairSharePolicy, WaitlistPolicy, Weights, bounds};

impl Check<'_> {
    pub(super) fn fair_share(&mut self, file: &CourseFile) -> Option<FairSharePolicy> {
        let usual = FairSharePolicy::default();
        let Some(table) = &file.fair_share else { return Some(usual) };
        let half_life = self.time(
            "fair_share.half_life_days",
            table.half_life_days,
            DAYS,
            bounds::HALF_LIFE_MINUTES,
            usual.half_life_minutes,
        );
        Some(FairSharePolicy {
            algorithm: table.algorithm.unwrap_or(usual.algorithm),
            half_life_minutes: half_life?,
            counts: table.counts.unwrap_or(usual.counts),
        })
    }

    pub(super) fn waitlist(&mut self, file: &CourseFile) -> Option<WaitlistPolicy> {
        let usual = WaitlistPolicy::default();
        let Some(table) = &file.waitlist else { return Some(usual) };
        let weights = table.weights.as_ref().map_or(usual.weights, |table| self.weights(table));
        let mut cap = |key, hours, usual| {
            self.time(&format!("waitlist.{key}"), hours, HOURS, bounds::CAP_MINUTES, usual)
        };
        let age_cap = cap("age_cap_hours", table.age_cap_hours, usual.age_cap_minutes);
        let due_within = cap("due_within_hours", table.due_within_hours, usual.due_within_minutes);
        let offer_minutes = table.offer_minutes.unwrap_or(usual.offer_minutes);
        self.range("waitlist.offer_minutes", offer_minutes, bounds::OFFER_MINUTES);
        let quiet = table.quiet_hours.as_ref().map(|table| self.quiet("waitlist.quiet_hours", table));
        Some(WaitlistPolicy {
            weights,
            age_cap_minutes: age_cap?,
            due_within_minutes: due_within?,
            offer_minutes,
            quiet: super::all_right(quiet)?,
        })
    }

    fn weights(&mut self, table: &WeightsTable) -> Weights {
        let usual = Weights::default();
        let mut weight = |key, number: Option<i32>, usual| {
            let number = number.unwrap_or(usual);
            self.range(&format!("waitlist.weights.{key}"), number, bounds::WEIGHT);
            number
        };
        Weights {
            fair_share: weight("fair_share", table.fair_share, usual.fair_share),
            age: weight("age", table.age, usual.age),
            due: weight("due", table.due, usual.due),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::course_file::CourseFile;
    use crate::domain::course::Course;
    use crate::domain::fair_share::{Algorithm, FairSharePolicy, Measure, WaitlistPolicy, Weights};

    const EXAMPLE: &str = include_str!("../../../../docs/examples/course.toml");

    fn read(more: &str) -> Result<Course, Vec<String>> {
        read_text(&format!("{EXAMPLE}\n{more}"))
    }

    fn read_text(text: &str) -> Result<Course, Vec<String>> {
        let file = CourseFile::parse("course.toml", text).and_then(|file| file.check("course.toml"));
        file.map_err(|errors| errors.0)
    }

    #[test]
    fn a_course_that_says_nothing_has_the_defaults() {
        for nothing in ["", "[fair_share]\n[waitlist]\n[waitlist.weights]"] {
            let course = read(nothing).unwrap();
            assert_eq!(course.fair_share, FairSharePolicy::default());
            assert_eq!(course.waitlist, WaitlistPolicy::default());
        }
    }

    #[test]
    fn all_of_it_can_be_said() {
        let course = read(
            "[fair_share]\nalgorithm = \"classic\"\nhalf_life_days = 3.5\ncounts = \"server_hours\"\n\
             [waitlist]\nweights = { fair_share = 500, age = 900 }\nage_cap_hours = 48\ndue_within_hours = 24\n\
             offer_minutes = 30\nquiet_hours = { from = \"23:00\", to = \"07:30\" }\n",
        )
        .unwrap();
        let fair_share = course.fair_share;
        assert_eq!((fair_share.algorithm, fair_share.half_life_minutes), (Algorithm::Classic, 5040));
        assert_eq!(fair_share.counts, Measure::ServerHours);
        let waitlist = course.waitlist;
        assert_eq!(waitlist.weights, Weights { fair_share: 500, age: 900, due: 200 });
        let times = (waitlist.age_cap_minutes, waitlist.due_within_minutes, waitlist.offer_minutes);
        assert_eq!(times, (2880, 1440, 30));
        assert_eq!(waitlist.quiet.unwrap().to_string(), "23:00 to 07:30");
    }

    #[test]
    fn service_units_need_prices() {
        let counts = "[fair_share]\ncounts = \"su\"\n";
        let errors = read(counts).unwrap_err();
        let what = "site.kvm-tacc.su_per_hour: there is no price of \"m1.medium\", and fair_share counts service units";
        assert!(errors.len() == 1 && errors[0].contains(what), "{errors:?}");
        let site = "id = \"kvm-tacc\"\n";
        let priced = EXAMPLE.replacen(site, &format!("{site}su_per_hour = {{ \"m1.medium\" = 0.04 }}\n"), 1);
        let course = read_text(&format!("{priced}\n{counts}")).unwrap();
        assert_eq!(course.fair_share.counts, Measure::Su);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        for (table, line, key, what) in [
            ("fair_share", "algorithm = \"tree\"", "algorithm", "\"tree\" is none of fair_tree, classic"),
            ("fair_share", "half_life_days = 0", "half_life_days", "0 is not from 0.042 to 365 days"),
            ("fair_share", "half_life_days = 400", "half_life_days", "400 is not from 0.042 to 365 days"),
            ("fair_share", "counts = \"hours\"", "counts", "\"hours\" is none of server_hours, su"),
            ("fair_share", "halflife_days = 7", "halflife_days", "is half_life_days meant?"),
            ("waitlist", "weights = { age = -1 }", "weights.age", "-1 is not from 0 to 1000000"),
            ("waitlist", "weights = { due = 1.5 }", "weights.due", "a whole number is wanted"),
            ("waitlist", "age_cap_hours = 0", "age_cap_hours", "0 is not from 1 to 1440 hours"),
            ("waitlist", "due_within_hours = 1e9", "due_within_hours", "is not from 1 to 1440 hours"),
            ("waitlist", "offer_minutes = 4", "offer_minutes", "4 is not from 5 to 2880"),
            ("waitlist", "quiet_hours = { from = \"9\", to = \"08:00\" }", "quiet_hours", "no part of a day"),
            ("waitlist", "quiet_hours = { from = \"22:00\" }", "quiet_hours.to", "missing"),
        ] {
            let errors = read(&format!("[{table}]\n{line}\n")).unwrap_err();
            let told = format!("course.toml:{}: {table}.{key}: ", EXAMPLE.lines().count() + 3);
            assert!(errors.len() == 1 && errors[0].contains(what), "{line}: {errors:?}");
            assert!(errors[0].starts_with(&told), "{line}: {errors:?}");
        }
    }
}
