//! The booking page in every state that it can be in.

use super::{
    Access, Behind, BookingPage, Changed, Command, Earlier, Extend, ExtendOption, Fact, LogLine, Outcome,
    Phase, Release, Resource, ResourceState, ServerLine, Step, StoreLine, Timeline, Unused,
};
use crate::web::pages::layout::{BookingState, Flash, FlashKind, Layout, Link, NearestStart, Section, When};
use crate::web::pages::waiting::Answers;

impl Step {
    fn at(mut self, iso: &str, text: &str) -> Self {
        self.when = Some(When::new(iso, text));
        self
    }

    fn saying(mut self, text: &str) -> Self {
        self.text = Some(text.to_owned());
        self
    }
}

impl BookingPage {
    /// Every state of the page.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        let timelines = Timeline::samples().into_iter();
        let mut pages: Vec<_> = timelines.map(|(name, timeline)| (name, Self::around(timeline))).collect();
        pages.push(("booking_changed", Self::changed()));
        pages
    }

    fn changed() -> Self {
        let mut page = Self::around(Timeline::active());
        page.changed = Some(Changed {
            asked: "to move it to Wed Nov 25, 10:00 to 14:00".to_owned(),
            now: "It has begun, and ends today 18:00 now.".to_owned(),
            again: Some(Link::new("/bookings/b-7f3a/move", "Choose that time again")),
        });
        page
    }

    fn around(timeline: Timeline) -> Self {
        let over = matches!(timeline.state, BookingState::Ended | BookingState::Failed);
        let mut layout = Layout::sample("Kubernetes cluster, today 14:00", Section::Labs);
        let moves =
            matches!(timeline.state, BookingState::Held | BookingState::Preparing | BookingState::Releasing);
        layout.refresh_seconds = moves.then_some(5);
        layout.flash = (timeline.state == BookingState::Booked).then(|| Flash {
            kind: FlashKind::Done,
            text: "Booked. A confirmation with a calendar file is on its way to ff524@example.edu."
                .to_owned(),
        });
        Self {
            layout,
            changed: None,
            whose: timeline.of_other.as_ref().map(|owner| {
                format!(
                    "{owner}'s booking. You see it because you are in their team; only they can change it."
                )
            }),
            id: timeline.id.clone(),
            lab: Link::new("/labs/k8s", "Kubernetes cluster"),
            start: When::new("2026-11-23T14:00:00-05:00", "today 14:00"),
            end: When::new("2026-11-23T18:00:00-05:00", "18:00"),
            length: "4 h".to_owned(),
            printed: "Kubernetes cluster at KVM@TACC, Mon Nov 23, 14:00 to 18:00".to_owned(),
            nodes: None,
            live: !over,
            outage: None,
            calendar: !over && timeline.answers.is_none() && timeline.of_other.is_none(),
            timeline,
        }
    }
}

impl Timeline {
    /// Every state of the timeline.
    #[must_use]
    pub fn samples() -> Vec<(&'static str, Self)> {
        vec![
            ("booking_offered", Self::offered()),
            ("booking_not_taken", Self::not_taken()),
            ("booking_held", Self::held()),
            ("booking_held_site_down", Self::held_site_down()),
            ("booking_booked", Self::booked()),
            ("booking_preparing", Self::preparing()),
            ("booking_trouble", Self::trouble()),
            ("booking_site_down", Self::site_down()),
            ("booking_active", Self::active()),
            ("booking_active_of_other", Self::of_other()),
            ("booking_active_cap", Self::at_cap()),
            ("booking_active_unused", Self::unused()),
            ("booking_active_kept", Self::kept_by_use()),
            ("booking_releasing", Self::releasing()),
            ("booking_released", Self::released()),
            ("booking_failed", Self::failed()),
        ]
    }

    fn of_other() -> Self {
        let mut page = Self::active();
        page.of_other = Some("gg222".to_owned());
        "The servers are ready until today 18:00.".clone_into(&mut page.answer);
        page.release = None;
        for step in &mut page.steps {
            step.title = step.title.replace("you", "gg222");
            if let Some(access) = &mut step.access {
                access.extend = None;
                access.earlier.clear();
            }
        }
        page
    }

    fn offered() -> Self {
        let now = Step::new(Phase::Now, "Offered to you").saying(
            "You waited for it, and come first in line. If you pass, or do not answer, it goes to whoever comes next, and you \
             keep waiting.",
        );
        let later = |title: &str| Step::new(Phase::Later, title);
        let steps = vec![
            now,
            later("Preparing your servers"),
            later("Ready for you"),
            later("Everything is deleted"),
        ];
        let mut page = Self::of(BookingState::Offered, "It is offered to you until today 14:20.", steps);
        page.detail = Some("38 min left; until then nobody else can have it.".to_owned());
        page.answers =
            Some(Answers { id: page.id.clone(), csrf: page.csrf.clone(), what: "today 14:00".to_owned() });
        page.release = None;
        page
    }

    fn not_taken() -> Self {
        let offered = Step::new(Phase::Done, "Offered to you").at("2026-11-23T09:20:00-05:00", "today 09:20");
        let mut now =
            Step::new(Phase::Now, "You did not answer").at("2026-11-23T10:20:00-05:00", "today 10:20");
        now.outcome = Some(Outcome {
            facts: Vec::new(),
            next: vec![
                Link::new("/labs/k8s/wait", "See your place in line"),
                Link::new("/labs/k8s", "Look at the lab's times"),
            ],
            nearest: Vec::new(),
        });
        let mut page = Self::of(BookingState::Ended, "This offer went by unanswered.", vec![offered, now]);
        page.detail = Some("It went to whoever came next. It does not count as yours.".to_owned());
        page.release = None;
        page
    }

    fn of(state: BookingState, answer: &str, steps: Vec<Step>) -> Self {
        let line =
            |iso: &str, when: &str, text: &str| LogLine { when: When::new(iso, when), text: text.to_owned() };
        Self {
            id: "b-7f3a".to_owned(),
            csrf: "sample-csrf".to_owned(),
            seen: "begun-1795459200-1795473600".to_owned(),
            state,
            answer: answer.to_owned(),
            detail: None,
            site: None,
            unused: None,
            answers: None,
            steps,
            movable: state == BookingState::Booked,
            release: Some(Release {
                open: false,
                action: "Cancel this booking".to_owned(),
                consequence: "Nothing has been made for it yet, so nothing is deleted.".to_owned(),
                undo: "It can't be undone, but you can book again.".to_owned(),
                gift: "You give back 4 h. All 30 places are taken for a part of that time: someone else can have yours.".to_owned(),
            }),
            of_other: None,
            log: vec![
                line("2026-11-22T21:01:07-05:00", "Nov 22, 21:01:07", "You asked for 14:00 to 18:00."),
                line(
                    "2026-11-22T21:01:09-05:00",
                    "Nov 22, 21:01:09",
                    "The site reserved 3 servers (lease 5d0c…).",
                ),
                line(
                    "2026-11-22T21:01:10-05:00",
                    "Nov 22, 21:01:10",
                    "A confirmation was mailed to ff524@example.edu.",
                ),
            ],
        }
    }

    fn kept() -> String {
        let kept = "Your booking is kept, and goes on by itself once the site is back.";
        format!("KVM@TACC does not answer since 13:52. {kept}")
    }

    fn held_site_down() -> Self {
        let mut page = Self { site: Some(Self::kept()), ..Self::held() };
        "Your place is not reserved yet.".clone_into(&mut page.answer);
        if let Some(step) = page.steps.first_mut() {
            step.text = Some("KVM@TACC is asked to hold 3 servers for you once it is back, and you get a mail then: you need not keep this page open. You can cancel it, which costs you nothing.".to_owned());
        }
        page
    }

    fn unused() -> Self {
        let text =
            "None of its servers has run: it is released today 14:45 unless one runs by then.".to_owned();
        Self { unused: Some(Unused { text, kept: false }), ..Self::active() }
    }

    fn kept_by_use() -> Self {
        let text =
            "It was to be released today 14:45, since nobody had opened this page. You have: it stays yours.";
        Self { unused: Some(Unused { text: text.to_owned(), kept: true }), ..Self::active() }
    }

    fn site_down() -> Self {
        let mut page = Self { site: Some(Self::kept()), detail: None, ..Self::preparing() };
        "Preparing rests: 5 of 8 parts are ready.".clone_into(&mut page.answer);
        if let Some(step) = page.steps.iter_mut().find(|step| step.phase == Phase::Now) {
            step.text = Some("What is missing is made once KVM@TACC is back, and you get a mail when it is ready. If you release it before today 14:00, it costs you nothing.".to_owned());
        }
        page
    }

    fn later() -> [Step; 2] {
        [
            Step::new(Phase::Later, "Ready for you").at("2026-11-23T14:00:00-05:00", "today 14:00"),
            Step::new(Phase::Later, "Everything is deleted").at("2026-11-23T18:00:00-05:00", "today 18:00"),
        ]
    }

    fn reserved() -> Step {
        Step::new(Phase::Done, "Place reserved").at("2026-11-22T21:01:09-05:00", "yesterday 21:01")
    }

    fn held() -> Self {
        let mut steps = vec![
            Step::new(Phase::Now, "Reserving your place")
                .saying("The site is asked for a lease on 3 servers. This takes a few seconds."),
            Step::new(Phase::Later, "Preparing your servers").at("2026-11-23T13:50:00-05:00", "today 13:50"),
        ];
        steps.extend(Self::later());
        let mut held = Self::of(BookingState::Held, "Your place is being reserved.", steps);
        held.log.truncate(1);
        held
    }

    fn booked() -> Self {
        let mut steps = vec![
            Self::reserved(),
            Step::new(Phase::Now, "Waiting for the start")
                .saying("Preparing begins at 13:50. You get a mail when it is ready; you need not keep this page open."),
            Step::new(Phase::Later, "Preparing your servers").at("2026-11-23T13:50:00-05:00", "today 13:50"),
        ];
        steps.extend(Self::later());
        let mut booked = Self::of(BookingState::Booked, "It is yours, today 14:00 to 18:00.", steps);
        booked.detail = Some("It starts in 3 h 12 min.".to_owned());
        booked
    }

    fn preparing() -> Self {
        let resource = |name: &str, state, age: &str| Resource {
            name: name.to_owned(),
            state,
            age: age.to_owned(),
            error: None,
        };
        let mut now =
            Step::new(Phase::Now, "Preparing your servers").at("2026-11-23T13:50:00-05:00", "since 13:50");
        now.resources = vec![
            resource("SSH key", ResourceState::Ready, "1 s"),
            resource("private network", ResourceState::Ready, "2 s"),
            resource("router", ResourceState::Ready, "6 s"),
            resource("security group", ResourceState::Ready, "2 s"),
            resource("server node1", ResourceState::Ready, "41 s"),
            resource("server node2", ResourceState::Working, "for 48 s"),
            resource("server node3", ResourceState::Working, "for 48 s"),
            resource("public address", ResourceState::Pending, ""),
        ];
        let mut steps = vec![Self::reserved(), now];
        steps.extend(Self::later());
        let mut page = Self::of(
            BookingState::Preparing,
            "Your cluster is being prepared: 5 of 8 parts are ready.",
            steps,
        );
        page.detail = Some("It usually takes 2 min. Your time counts from 14:00.".to_owned());
        page
    }

    fn trouble() -> Self {
        let mut page = Self::preparing();
        if let Some(step) = page.steps.iter_mut().find(|step| step.phase == Phase::Now) {
            step.trouble = Some("The cloud did not answer; trying again in 20 s.".to_owned());
            if let Some(server) = step.resources.get_mut(5) {
                server.error = Some("no answer for 30 s, attempt 2 of 8".to_owned());
            }
        }
        page
    }

    fn active() -> Self {
        let store = |name: &str, label: &str, text: &str| StoreLine {
            label: label.to_owned(),
            reached: Command { server: name.to_owned(), text: text.to_owned() },
        };
        let server = |name: &str, private: &str, public: Option<&str>| ServerLine {
            name: name.to_owned(),
            private: private.to_owned(),
            public: public.map(str::to_owned),
        };
        let option = |hours: u32| ExtendOption {
            chosen: hours == 3,
            hours: hours.to_string(),
            text: format!("{hours} h more"),
            end: When::new(format!("2026-11-23T{}:00:00-05:00", 18 + hours), format!("{}:00", 18 + hours)),
            cost: format!("{} server-hours", 3 * hours),
        };
        let mut now = Step::new(Phase::Now, "Ready for you").at("2026-11-23T13:58:00-05:00", "since 13:58");
        now.access = Some(Access {
            ssh: Some("ssh cc@203.0.113.9".to_owned()),
            commands: vec![Command { server: "node2".to_owned(), text: "ssh cc@203.0.113.10".to_owned() }],
            behind: Some(Behind {
                through: "node1".to_owned(),
                commands: vec![Command {
                    server: "node3".to_owned(),
                    text: "ssh -J cc@203.0.113.9 cc@192.168.1.13".to_owned(),
                }],
            }),
            dashboard: Some(Link::new("https://kvm.example.org", "Open KVM@TACC's dashboard")),
            servers: vec![
                server("node1", "192.168.1.11", Some("203.0.113.9")),
                server("node2", "192.168.1.12", Some("203.0.113.10")),
                server("node3", "192.168.1.13", None),
            ],
            stores: vec![
                store("data", "volume data: a disk of node1", "/dev/vdb"),
                store(
                    "home",
                    "share home: mount it on any of the servers",
                    "sudo mount -t nfs 10.0.0.10:/home /mnt",
                ),
            ],
            left: "2 h 41 min left".to_owned(),
            left_minutes: 161,
            total_minutes: 240,
            ends: When::new("2026-11-23T18:00:00-05:00", "today 18:00"),
            extend: Some(Extend {
                options: vec![option(3), option(2), option(1)],
                longest_because: "Someone else has the place from 21:00.".to_owned(),
            }),
            no_extend: None,
            earlier: vec![Earlier {
                iso: "2026-11-23T17:00:00-05:00".to_owned(),
                text: "17:00, 1 h earlier".to_owned(),
                chosen: false,
            }],
        });
        let steps = vec![
            Self::reserved(),
            Step::new(Phase::Done, "Prepared")
                .at("2026-11-23T13:58:00-05:00", "today 13:58")
                .saying("It took 2 min 4 s."),
            now,
            Step::new(Phase::Later, "Everything is deleted").at("2026-11-23T18:00:00-05:00", "today 18:00"),
        ];
        let mut page = Self::of(BookingState::Active, "Your cluster is ready until 18:00.", steps);
        page.release = Some(Release {
            open: false,
            action: "Release now".to_owned(),
            consequence: "All three servers, their network and everything on them are deleted at once."
                .to_owned(),
            undo: "It can't be undone.".to_owned(),
            gift:
                "You give back 2 h 41 min. In that time at most 29 of 30 places are taken, yours among them."
                    .to_owned(),
        });
        page
    }

    fn at_cap() -> Self {
        let mut page = Self::active();
        if let Some(access) = page.steps.iter_mut().find_map(|step| step.access.as_mut()) {
            access.extend = None;
            access.no_extend = Some("It can't be extended: 8 h in all is the most.".to_owned());
            "14 min left".clone_into(&mut access.left);
            access.left_minutes = 14;
        }
        page
    }

    fn releasing() -> Self {
        let resource = |name: &str, state, age: &str| Resource {
            name: name.to_owned(),
            state,
            age: age.to_owned(),
            error: None,
        };
        let mut now =
            Step::new(Phase::Now, "Deleting everything").at("2026-11-23T15:20:00-05:00", "since 15:20");
        now.resources = vec![
            resource("public address", ResourceState::Gone, "after 1 s"),
            resource("server node1", ResourceState::Gone, "after 9 s"),
            resource("server node2", ResourceState::Deleting, "for 14 s"),
            resource("server node3", ResourceState::Deleting, "for 14 s"),
            resource("router", ResourceState::Ready, "next"),
            resource("private network", ResourceState::Ready, "next"),
            resource("lease", ResourceState::Ready, "last"),
        ];
        let steps = vec![
            Self::reserved(),
            Step::new(Phase::Done, "Prepared").at("2026-11-23T13:58:00-05:00", "today 13:58"),
            Step::new(Phase::Done, "Used").saying("14:00 to 15:20, 1 h 20 min."),
            now,
        ];
        let mut page =
            Self::of(BookingState::Releasing, "You released it. Everything is being deleted.", steps);
        page.release = None;
        page
    }

    fn released() -> Self {
        let fact = |name: &str, value: &str| Fact { name: name.to_owned(), value: value.to_owned() };
        let mut now =
            Step::new(Phase::Now, "Ended: you released it").at("2026-11-23T15:20:00-05:00", "today 15:20");
        now.outcome = Some(Outcome {
            facts: vec![
                fact("Used", "1 h 20 min, 4 server-hours"),
                fact("Given back", "2 h 40 min, 8 server-hours"),
                fact("Deleted", "today 15:20:41, confirmed"),
            ],
            next: vec![Link::new("/labs/k8s?week=2026-11-23", "Book another time")],
            nearest: NearestStart::samples(),
        });
        let steps = vec![
            Self::reserved(),
            Step::new(Phase::Done, "Prepared").at("2026-11-23T13:58:00-05:00", "today 13:58"),
            Step::new(Phase::Done, "Used").saying("14:00 to 15:20, 1 h 20 min."),
            Step::new(Phase::Done, "Everything deleted").at("2026-11-23T15:20:41-05:00", "today 15:20"),
            now,
        ];
        let mut page = Self::of(BookingState::Ended, "It ended today at 15:20: you released it.", steps);
        page.detail = Some("Nothing is left on the cloud.".to_owned());
        page.release = None;
        page
    }

    fn failed() -> Self {
        let fact = |name: &str, value: &str| Fact { name: name.to_owned(), value: value.to_owned() };
        let mut prepare =
            Step::new(Phase::Failed, "Preparing failed").at("2026-11-23T13:54:00-05:00", "today 13:54");
        prepare.resources = vec![Resource {
            name: "server node2".to_owned(),
            state: ResourceState::Failed,
            age: "after 3 min".to_owned(),
            error: Some("No valid host was found. There are not enough hosts available.".to_owned()),
        }];
        let mut now = Step::new(Phase::Now, "Ended: the cloud could not make it");
        now.text = Some(
            "It is not your fault, and nothing was counted against you. Staff have been told.".to_owned(),
        );
        now.outcome = Some(Outcome {
            facts: vec![
                fact("Used", "0 h"),
                fact("Given back", "4 h, 12 server-hours"),
                fact("Deleted", "today 13:56"),
            ],
            next: vec![Link::new("/labs/k8s?week=2026-11-23", "Choose another time")],
            nearest: NearestStart::samples(),
        });
        let mut page = Self::of(
            BookingState::Failed,
            "It failed: the cloud had no room for one of your servers.",
            vec![Self::reserved(), prepare, now],
        );
        page.release = None;
        page
    }
}
