//! The lab page in every state that it can be in.

use super::{
    Cell, CellKind, Day, DayBox, DayKind, Find, Found, Free, Hour, LabPage, Length, LengthOption, List,
    ListDay, Mine, NoWeek, NothingFree, Panel, Refused, Run, ViewLink, Week, WeekBar,
};
use crate::web::pages::announcements::{Announced, AnnouncementLine};
use crate::web::pages::layout::{
    BookingLine, Field, LabState, Layout, Link, NearestStart, Problem, Section, When,
};

impl LabPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let week = Self::sample();
        let mut chosen = week.clone();
        chosen.week = Some(Week::sample(Some((2, 18, 0))));
        chosen.panel = Some(Panel::sample());
        let mut due = week.clone();
        "Your net ID ends in 4, so this week you may start on Sun, Tue or Thu, until Thu Dec 3, 23:59; at most 8 h at \
         once."
            .clone_into(&mut due.rule);
        due.rule_more = None;
        due.week = Some(Week::sample_of_the_due_date());
        let mut refused = chosen.clone();
        refused.refused = Some(Refused {
            title: "Tue Nov 24, 14:00 for 9 h was not booked".to_owned(),
            problems: vec![
                Problem::rule(
                    "parity_day",
                    "Tue Nov 24 belongs to odd net IDs this week. Yours ends in 4: Sat, Mon or Wed.",
                ),
                Problem::rule("length_cap", "9 h is over the cap: at most 8 h at once."),
            ],
            nearest: NearestStart::samples(),
            wait: None,
        });
        if let Some(panel) = &mut refused.panel {
            panel.start = When::new("2026-11-24T14:00-05:00", "Tue Nov 24, 14:00");
            panel.lengths.clear();
            panel.free.clear();
        }
        refused.week = Some(Week::sample(None));
        let mut no_key = chosen.clone();
        no_key.needs_key = true;
        no_key.bookings.clear();
        if let Some(panel) = &mut no_key.panel {
            panel.blocked = Some(Link::new("/me#key", "Add your SSH key first"));
        }
        let mut taken = chosen.clone();
        taken.week = Some(Week::sample(None));
        if let Some(panel) = &mut taken.panel {
            panel.lengths.clear();
            panel.free.clear();
            "Every place is taken at that time.".clone_into(&mut panel.longest_because);
            panel.wait = Some("/labs/k8s/wait?hours=4&at=2026-11-28.evening".to_owned());
        }
        let mut full = week.clone();
        if let Some(week) = &mut full.week {
            week.fill();
        }
        let mut deferred = week.clone();
        deferred.state = LabState::Deferred;
        "deferred: due date to be announced".clone_into(&mut deferred.state_text);
        "Your net ID ends in 4, so this week you may start on Sat, Mon or Wed, with the due date to be announced; at most \
         8 h at once."
            .clone_into(&mut deferred.rule);
        let mut closed = week.clone();
        closed.state = LabState::Closed;
        "closed".clone_into(&mut closed.state_text);
        closed.rule_more = None;
        closed.week = None;
        closed.views.clear();
        closed.no_week = Some(NoWeek {
            title: "This lab is over".to_owned(),
            text: "It was due on Thu Nov 5, 23:59. Nothing can be booked any more.".to_owned(),
        });
        closed.bookings = BookingLine::samples().into_iter().skip(1).collect();
        vec![
            ("lab_list", Self::as_list()),
            ("lab_find", Self::as_search(Find::sample())),
            ("lab_find_wrong", Self::as_search(Find::sample_of_mistakes())),
            ("lab_week", week),
            ("lab_due_week", due),
            ("lab_chosen", chosen),
            ("lab_refused", refused),
            ("lab_no_key", no_key),
            ("lab_taken", taken),
            ("lab_nothing_free", full),
            ("lab_deferred", deferred),
            ("lab_closed", closed),
        ]
    }

    fn as_list() -> Self {
        Self { week: None, list: Some(List::sample()), views: views(1), ..Self::sample() }
    }

    fn as_search(find: Find) -> Self {
        Self { week: None, find: Some(find), views: views(2), ..Self::sample() }
    }

    fn sample() -> Self {
        Self {
            layout: Layout::sample("Kubernetes cluster", Section::Labs),
            id: "k8s".to_owned(),
            title: "Kubernetes cluster".to_owned(),
            staff: None,
            state: LabState::DueSoon,
            state_text: "due in 9 days".to_owned(),
            rule: "Your net ID ends in 4, so this week you may start on Sat, Mon or Wed, until Thu Dec 3, 23:59; at \
                   most 8 h at once."
                .to_owned(),
            rule_more: Some("Next week your days are Sun, Tue and Thu.".to_owned()),
            about: vec![
                "Build a Kubernetes cluster on three servers and deploy a service that scales on it.".to_owned(),
            ],
            expected: Some("Expect about 5 h of work.".to_owned()),
            links: vec![Link::new("https://course.example.edu/labs/k8s", "Instructions")],
            reading: vec![
                Link::new("https://kubernetes.io/docs/concepts/", "Kubernetes concepts"),
                Link::new("https://course.example.edu/notes/scaling.html", "Notes on scaling a service"),
            ],
            gets: vec![
                "3 servers, m1.medium (2 CPUs, 4 GB)".to_owned(),
                "a private network, 192.168.1.0/24".to_owned(),
                "a public address on the first server".to_owned(),
            ],
            bookings: BookingLine::samples(),
            needs_key: false,
            rules: vec!["You may have 2 bookings of this lab at a time.".to_owned()],
            site: None,
            announced: Announced { lines: AnnouncementLine::samples() },
            moving: None,
            refused: None,
            views: views(0),
            week: Some(Week::sample(None)),
            list: None,
            find: None,
            panel: None,
            no_week: None,
        }
    }
}

/// The ways to look at the times, of which this one is shown.
fn views(shown: usize) -> Vec<ViewLink> {
    let links = [
        Link::new("/labs/k8s?week=2026-11-23", "Week"),
        Link::new("/labs/k8s?view=list&week=2026-11-23", "List"),
        Link::new("/labs/k8s?view=find", "Find a slot"),
    ];
    (0..).zip(links).map(|(at, link)| ViewLink { link, current: at == shown }).collect()
}

impl WeekBar {
    fn sample() -> Self {
        Self {
            title: "Nov 23 to 29".to_owned(),
            caption: "Even net IDs: Sat, Mon and Wed. New York time (EST).".to_owned(),
            previous: None,
            next: Some("/labs/k8s?week=2026-11-30".to_owned()),
            due: Some(Link::new("/labs/k8s?week=2026-11-30#week", "Due Thu Dec 3, 23:59")),
            today: None,
            wait: Some("/labs/k8s/wait".to_owned()),
            nothing_free: None,
        }
    }
}

impl List {
    /// The same week as that of the grid, in part.
    #[must_use]
    pub fn sample() -> Self {
        let free = |from: u8, to: u8| {
            let cells = (from..to).flat_map(|hour| [(hour, 0), (hour, 30)]);
            let cells = cells.map(|(hour, minute)| Cell::sample(2, hour, minute, None).kind);
            let free = cells.filter_map(|kind| match kind {
                CellKind::Free(free) => Some(free),
                _ => None,
            });
            Run::Free(
                free.map(|it| Free { text: it.spoken.get(12..17).unwrap_or_default().to_owned(), ..it })
                    .collect(),
            )
        };
        let closed = |span: &str, why: &str| Run::Closed { span: span.to_owned(), why: why.to_owned() };
        let day = |title: &str, iso: &str, note: &str, runs| ListDay {
            title: title.to_owned(),
            iso: iso.to_owned(),
            note: note.to_owned(),
            runs,
        };
        Self {
            bar: WeekBar::sample(),
            days: vec![
                day(
                    "Mon Nov 23, today",
                    "2026-11-23",
                    "15 free",
                    vec![
                        closed("00:00 to 14:00", "That start is over: it is Mon Nov 23, 15:20 now."),
                        Run::Mine(Mine {
                            href: "/bookings/b-7f3a".to_owned(),
                            spoken: "Mon Nov 23, 14:00 to 18:00".to_owned(),
                            first: true,
                        }),
                        free(18, 24),
                    ],
                ),
                day("Tue Nov 24", "2026-11-24", "odd IDs", vec![closed("", "It is a day of odd net IDs.")]),
                day(
                    "Wed Nov 25",
                    "2026-11-25",
                    "32 free",
                    vec![free(0, 10), closed("10:00 to 13:00", "Every place is taken."), free(13, 16)],
                ),
            ],
        }
    }
}

impl Find {
    /// Something that was found.
    #[must_use]
    pub fn sample() -> Self {
        let field = |id, kind, label, hint: &str, value: &str| Field {
            id,
            kind: Some(kind),
            label,
            hint: hint.to_owned(),
            value: value.to_owned(),
            problem: None,
            required: false,
        };
        let length = |hours: u32| LengthOption {
            hours: hours.to_string(),
            text: format!("{hours} h"),
            chosen: hours == 4,
        };
        let day = |name: &str| DayBox { name: name.to_owned(), wanted: name == "Sat" };
        Self {
            action: "/labs/k8s".to_owned(),
            problems: Vec::new(),
            lengths: (1..=8).map(length).collect(),
            days: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].map(day).into(),
            fields: vec![
                field("after", "date", "First day", "Today, if you leave it out.", "2026-11-28"),
                field("before", "date", "Last day", "It is over by the end of it.", ""),
                field("from", "time", "Not earlier than", "On the day on which it starts.", "09:00"),
                field("to", "time", "Over by", "On the same day.", ""),
            ],
            found: Some(Found {
                title: "The first 3 times for 4 h".to_owned(),
                text: None,
                slots: NearestStart::samples(),
            }),
        }
    }

    fn sample_of_mistakes() -> Self {
        let mut find = Self::sample();
        let text = "\"soon\" is not a date such as 2026-11-28.";
        find.problems = vec![Problem::with_field("after", text)];
        if let Some(field) = find.fields.first_mut() {
            field.problem = Some(text.to_owned());
        }
        find.found = None;
        find
    }
}

impl Week {
    /// The week of Nov 23 at Mon 15:20, for an even student; `chosen` is a day from 0, an hour and a minute.
    #[must_use]
    pub fn sample(chosen: Option<(u8, u8, u8)>) -> Self {
        let hours: Vec<Hour> = (0..24).map(|hour| Hour::sample(hour, chosen)).collect();
        let (night, hours) = hours.split_at_checked(7).unwrap_or_default();
        Self {
            bar: WeekBar::sample(),
            days: Day::samples(),
            shown_day: chosen.map_or(1, |(day, _, _)| usize::from(day) + 1),
            per_hour: 2,
            night: night.to_vec(),
            night_note: "28 free".to_owned(),
            night_open: false,
            hours: hours.to_vec(),
        }
    }

    /// The week after, at whose Thursday the lab is due.
    fn sample_of_the_due_date() -> Self {
        let mut week = Self::sample(None);
        "Nov 30 to Dec 6".clone_into(&mut week.bar.title);
        "Even net IDs start on Sun, Tue, Thu".clone_into(&mut week.bar.caption);
        week.bar.previous = Some("/labs/k8s?week=2026-11-23#week".to_owned());
        week.bar.next = None;
        week.bar.due = None;
        week.bar.today = Some(Link::new("/labs/k8s#week", "This week"));
        let (dates, notes) = (
            ["Nov 30", "Dec 1", "Dec 2", "Dec 3", "Dec 4", "Dec 5", "Dec 6"],
            ["odd IDs", "48 free", "odd IDs", "due 23:59, 46 free", "past due", "past due", "past due"],
        );
        for ((day, date), note) in week.days.iter_mut().zip(dates).zip(notes) {
            date.clone_into(&mut day.date);
            note.clone_into(&mut day.note);
            day.today = false;
            day.kind = if note.ends_with("free") { DayKind::Yours } else { DayKind::NotYours };
        }
        let free = CellKind::Free(Free {
            href: "/labs/k8s?start=2026-12-01T10:00-05:00#book".to_owned(),
            text: ":00".to_owned(),
            spoken: "Tue Dec 1, 10:00, 30 of 30 free".to_owned(),
            few: None,
            tint: 4,
            chosen: false,
        });
        for hour in week.night.iter_mut().chain(&mut week.hours) {
            for (at, cell) in hour.cells.iter_mut().enumerate() {
                let (kind, why) = match at {
                    7 if hour.label == "23" => {
                        (CellKind::NotAllowed, Some("Less than an hour is left before the due date."))
                    }
                    2 | 3 | 6 | 7 => (free.clone(), None),
                    8.. => (CellKind::NotThatDay, Some("The lab is due on Thu Dec 3, 23:59.")),
                    _ => (CellKind::NotThatDay, Some("It is a day of odd net IDs.")),
                };
                *cell = Cell { why: why.map(str::to_owned), due_edge: at == 7, ..Cell::of(kind) };
            }
        }
        week.shown_day = 4;
        week
    }

    /// Takes every free place.
    fn fill(&mut self) {
        for cell in self.night.iter_mut().chain(&mut self.hours).flat_map(|hour| &mut hour.cells) {
            if matches!(cell.kind, CellKind::Free(_)) {
                cell.kind = CellKind::Full;
            }
        }
        for day in &mut self.days {
            if day.kind == DayKind::Yours {
                "all full".clone_into(&mut day.note);
            }
        }
        "none free".clone_into(&mut self.night_note);
        self.bar.nothing_free = Some(NothingFree {
            title: "Nothing is free for you this week.".to_owned(),
            text: "Everything on Sat, Mon and Wed is taken or past.".to_owned(),
            nearest: NearestStart::samples(),
        });
    }
}

impl Day {
    /// The week of Nov 23 on its first day.
    #[must_use]
    pub fn samples() -> Vec<Self> {
        [
            ("Mon", 23, DayKind::Yours, "15 free"),
            ("Tue", 24, DayKind::NotYours, "odd IDs"),
            ("Wed", 25, DayKind::Yours, "32 free"),
            ("Thu", 26, DayKind::NotYours, "odd IDs"),
            ("Fri", 27, DayKind::NotYours, "no starts"),
            ("Sat", 28, DayKind::Yours, "38 free"),
            ("Sun", 29, DayKind::NotYours, "odd IDs"),
        ]
        .into_iter()
        .map(|(name, date, kind, note)| Self {
            name: name.to_owned(),
            date: format!("Nov {date}"),
            iso: format!("2026-11-{date}"),
            href: format!("/labs/k8s?week=2026-11-23&day=2026-11-{date}#week"),
            today: date == 23,
            kind,
            note: note.to_owned(),
        })
        .collect()
    }
}

impl Hour {
    fn sample(hour: u8, chosen: Option<(u8, u8, u8)>) -> Self {
        let cells =
            (0..7).flat_map(|day| [Cell::sample(day, hour, 0, chosen), Cell::sample(day, hour, 30, chosen)]);
        Self { label: format!("{hour:02}"), cells: cells.collect() }
    }
}

impl Cell {
    fn sample(day: u8, hour: u8, minute: u8, chosen: Option<(u8, u8, u8)>) -> Self {
        let mine = |from: u8, href: &str, spoken: &str| {
            CellKind::Mine(Mine {
                href: href.to_owned(),
                spoken: spoken.to_owned(),
                first: hour == from && minute == 0,
            })
        };
        let kind = match (day, hour) {
            (0, 14..18) => mine(14, "/bookings/b-7f3a", "Mon Nov 23, 14:00 to 18:00"),
            (5, 10..15) => mine(10, "/bookings/b-81c0", "Sat Nov 28, 10:00 to 15:00"),
            (0, 0..14) => CellKind::Past,
            (1 | 3 | 4 | 6, _) => CellKind::NotThatDay,
            (0, 20) | (2, 10..13 | 16..18) => CellKind::Full,
            (5, 9) if minute == 30 => CellKind::NotAllowed,
            _ => {
                let left = match (hour, day) {
                    (9 | 13 | 14, _) => 2,
                    (15 | 21, 2) => 5,
                    (18..22, _) => 9,
                    (8 | 22, _) => 17,
                    _ => 30,
                };
                let date = day + 23;
                let name =
                    ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"].get(usize::from(day)).unwrap_or(&"");
                CellKind::Free(Free {
                    href: format!("/labs/k8s?start=2026-11-{date}T{hour:02}:{minute:02}-05:00#book"),
                    text: format!(":{minute:02}"),
                    spoken: format!("{name} Nov {date}, {hour:02}:{minute:02}, {left} of 30 free"),
                    few: (left < 6).then(|| format!("{left}")),
                    tint: match left {
                        0..6 => 1,
                        6..12 => 2,
                        12..24 => 3,
                        _ => 4,
                    },
                    chosen: chosen == Some((day, hour, minute)),
                })
            }
        };
        let why = match kind {
            CellKind::Past => Some("That start is over: it is Mon Nov 23, 15:20 now."),
            CellKind::NotThatDay => Some("It is a day of odd net IDs."),
            CellKind::NotAllowed => Some("Your booking at 10:00 leaves no hour before it."),
            CellKind::Full => Some("Every place is taken."),
            CellKind::Free(_) | CellKind::Mine(_) | CellKind::Skipped => None,
        };
        Self {
            kind,
            why: why.map(str::to_owned),
            due_edge: false,
            now: day == 0 && hour == 15 && minute == 0,
        }
    }
}

impl Panel {
    /// Wed Nov 25, 18:00, with up to eight hours to choose from.
    #[must_use]
    pub fn sample() -> Self {
        let length = |hours: u32| {
            let (day, clock, text) = if hours < 6 { (25, 18 + hours, "") } else { (26, hours - 6, "Thu ") };
            Length {
                hours: hours.to_string(),
                text: format!("{hours} h"),
                end: When::new(
                    format!("2026-11-{day}T{clock:02}:00:00-05:00"),
                    format!("{text}{clock:02}:00"),
                ),
                cost: format!("{} server-hours, 0.{:02} SU", hours * 3, hours * 12),
                notes: match hours {
                    1..=5 => vec![format!("Leaves you {} h of 10 h.", 6 - hours)],
                    6 => vec![
                        "Leaves you nothing of 10 h.".to_owned(),
                        "It leaves 30 min free, which is of use to nobody.".to_owned(),
                    ],
                    _ => Vec::new(),
                },
                chosen: hours == 4,
            }
        };
        Self {
            action: "/labs/k8s/bookings".to_owned(),
            button: "Book".to_owned(),
            csrf: "sample-csrf".to_owned(),
            idempotency_key: "sample-key".to_owned(),
            start: When::new("2026-11-25T18:00-05:00", "Wed Nov 25, 18:00"),
            free: "9 of 30 free".to_owned(),
            lengths: (1..=8).map(length).collect(),
            longest_because: "8 h at once is the most.".to_owned(),
            preparing: "Preparing begins at 17:50, so that it is ready at 18:00.".to_owned(),
            leaves: None,
            close_href: "/labs/k8s?week=2026-11-23#week".to_owned(),
            wait: None,
            blocked: None,
        }
    }
}
