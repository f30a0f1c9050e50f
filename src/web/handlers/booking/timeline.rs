//! A booking's way as a timeline: finished steps above, the present one large, later ones below.

use chrono::{DateTime, TimeDelta, Utc};

use super::change::{Asked, is_movable};
use super::stores;
use super::whose::Whose;
use crate::domain::blueprint::{Kind, Spec};
use crate::domain::booking::{EndReason, State};
use crate::domain::calendar;
use crate::domain::reaper::NoShowSignal;
use crate::domain::resource::{Resource as Known, ResourceState as Stored};
use crate::services::booking::{BookingView, Gift};
use crate::web::context::SignedIn;
use crate::web::handlers::lab::hours_text;
use crate::web::handlers::wait::left;
use crate::web::pages::booking::{
    Access, Behind, Command, Earlier, Extend, ExtendOption, Fact, LogLine, Outcome, Phase, Release, Resource,
    ResourceState, ServerLine, Step, Timeline, Unused,
};
use crate::web::pages::layout::{Link, When};
use crate::web::pages::waiting::Answers;
use crate::web::present;

/// The whole of it. What a form asked for in vain stays chosen.
pub(super) fn compose(who: &SignedIn, view: &BookingView, kept: Option<&Asked>) -> Timeline {
    let it = Composer { view, whose: Whose::of(view), kept };
    let (answer, detail) = it.answer();
    Timeline {
        id: view.booking.id.to_string(),
        csrf: who.caller.csrf().to_owned(),
        seen: view.booking.mark(),
        state: present::booking_state(&view.booking),
        answer,
        detail,
        site: it.site(),
        unused: it.unused(),
        answers: it.answers(who.caller.csrf()),
        steps: it.steps(),
        movable: it.whose.own() && is_movable(view),
        release: it.release().filter(|_| it.whose.own()),
        log: it.log(),
        of_other: view.of_other.as_ref().map(|owner| owner.net_id.to_string()),
    }
}

struct Composer<'a> {
    view: &'a BookingView,
    whose: Whose<'a>,
    kept: Option<&'a Asked>,
}

impl Composer<'_> {
    fn when(&self, at: DateTime<Utc>) -> When {
        present::when(self.view.setting.zone, self.view.now, at)
    }

    fn start(&self) -> DateTime<Utc> {
        self.view.booking.slot.start()
    }

    fn end(&self) -> DateTime<Utc> {
        self.view.booking.slot.end()
    }

    fn servers(&self) -> i64 {
        i64::try_from(self.view.setting.lab.blueprint.servers.len()).unwrap_or(0)
    }

    fn server_hours(&self, length: TimeDelta) -> String {
        format!("{} server-hours", hours_text(length.num_minutes().max(0) * self.servers()))
    }

    fn answer(&self) -> (String, Option<String>) {
        let (until, your) = (self.when(self.end()).text, self.whose.your());
        let waits = (self.start() > self.view.now)
            .then(|| format!("It starts in {}.", calendar::in_words(self.start() - self.view.now)));
        match self.view.booking.state {
            State::Offered { until } if until <= self.view.now => {
                ("This offer is over.".to_owned(), Some("It goes to whoever comes next.".to_owned()))
            }
            State::Offered { until } => (
                format!("It is offered to {} until {}.", self.whose.whom(), self.when(until).text),
                Some(format!("{}; until then nobody else can have it.", left(until - self.view.now))),
            ),
            State::Held if self.site_is_down() => (format!("{your} place is not reserved yet."), waits),
            State::Held => (format!("{your} place is being reserved."), waits),
            State::Booked => {
                let until = present::end(self.view.setting.zone, self.start(), self.end()).text;
                let is = self.whose.either("It is yours", "It is booked");
                (format!("{is}, {} until {until}.", self.when(self.start()).text), waits)
            }
            State::Preparing => {
                let ready = self.view.resources.iter().filter(|r| r.state == Stored::Ready).count();
                let all = self.view.resources.len();
                let prepared = format!("{your} servers are being prepared");
                let how = if self.site_is_down() { "Preparing rests" } else { &prepared };
                (format!("{how}: {ready} of {all} parts are ready."), waits)
            }
            State::Active { .. } => {
                let counts =
                    waits.map(|_| format!("{your} time counts from {}.", self.when(self.start()).text));
                (format!("{your} servers are ready until {until}."), counts)
            }
            State::Releasing { reason, .. } => {
                (format!("{} Everything is being deleted.", self.ended_because(reason)), None)
            }
            State::Ended { reason: EndReason::Failed, .. } => {
                (self.ended_because(EndReason::Failed), self.view.booking.trouble.clone())
            }
            State::Ended { reason: reason @ (EndReason::Passed | EndReason::Lapsed), .. } => {
                let yours = self.whose.either("yours", "theirs");
                let next = format!("It went to whoever came next, and does not count as {yours}.");
                (self.ended_because(reason), Some(next))
            }
            State::Ended { reason, .. } => {
                (self.ended_because(reason), Some("Nothing is left on the cloud.".to_owned()))
            }
        }
    }

    /// What does not go well at the site, and what that means for the booking: nothing for one that is over.
    fn site(&self) -> Option<String> {
        let view = self.view;
        let trouble = present::site_trouble(
            view.setting.zone,
            view.now,
            &view.setting.site.title,
            view.health.as_ref(),
        )?;
        let what = match view.booking.state {
            State::Offered { .. } | State::Ended { .. } => return None,
            _ if !self.site_is_down() => "This may take longer than usual.".to_owned(),
            State::Held | State::Booked | State::Preparing => {
                format!("{} booking is kept, and goes on by itself once the site is back.", self.whose.your())
            }
            State::Active { .. } => {
                self.whose.either("What you have may well go on.", "What runs may well go on.")
            }
            State::Releasing { .. } => "What is left is deleted once the site is back.".to_owned(),
        };
        Some(format!("{trouble}. {what}"))
    }

    /// What its student was told of its release, since nobody used it, and whether they still have to do something.
    fn unused(&self) -> Option<Unused> {
        let told = self.view.usage?.told?;
        let at = self.when(told.release_at).text;
        let text = match (told.signal, told.kept) {
            (NoShowSignal::NotOpened, true) => {
                let (doer, have) =
                    (self.whose.doer(), self.whose.either("have: it stays yours", "has: it stays theirs"));
                format!("It was to be released {at}, since nobody had opened this page. {doer} {have}.")
            }
            (NoShowSignal::NotOpened, false) => {
                let (doer, open) = (self.whose.whom(), self.whose.either("open", "opens"));
                format!("Nobody has used it: it is released {at} unless {doer} {open} this page by then.")
            }
            (NoShowSignal::NoServer, true) => {
                let yours = self.whose.either("yours", "theirs");
                format!(
                    "It was to be released {at}, since none of its servers had run. One has: it stays {yours}."
                )
            }
            (NoShowSignal::NoServer, false) => {
                format!("None of its servers has run: it is released {at} unless one runs by then.")
            }
        };
        Some(Unused { text, kept: told.kept })
    }

    fn site_is_down(&self) -> bool {
        self.view.health.as_ref().is_some_and(|health| !health.takes_work())
    }

    /// What stands in the way. At a site that is down nothing is tried, so what the last try came to says nothing.
    fn trouble(&self) -> Option<String> {
        self.view.booking.trouble.clone().filter(|_| !self.site_is_down())
    }

    /// What its student may do about a booking that waits for its site: it may be given back.
    fn way_out(&self) -> String {
        if !self.whose.own() {
            return String::new();
        }
        let start = self.when(self.start()).text;
        match self.view.booking.state {
            State::Preparing if self.start() <= self.view.now => {
                format!("If you release it, what counts is the time since {start}.")
            }
            State::Preparing => format!("If you release it before {start}, it costs you nothing."),
            _ => "You can cancel it, which costs you nothing.".to_owned(),
        }
    }

    fn steps(&self) -> Vec<Step> {
        let state = self.view.booking.state;
        if let State::Offered { until } = state {
            return vec![self.offered(until), self.preparing_later(), self.use_later(), self.deleted_later()];
        }
        let mut steps = vec![self.reserving()];
        match state {
            State::Offered { .. } => {}
            State::Ended { reason: reason @ (EndReason::Passed | EndReason::Lapsed), ended_at, .. } => {
                return vec![self.was_offered(), self.not_taken(reason, ended_at)];
            }
            State::Held => steps.extend([self.preparing_later(), self.use_later(), self.deleted_later()]),
            State::Booked => {
                steps.extend([
                    self.waiting(),
                    self.preparing_later(),
                    self.use_later(),
                    self.deleted_later(),
                ]);
            }
            State::Preparing => steps.extend([self.preparing(), self.use_later(), self.deleted_later()]),
            State::Active { ready_at } => {
                steps.extend([self.prepared(ready_at), self.active(), self.deleted_later()]);
            }
            State::Releasing { ready_at, released_at, reason } => {
                steps.extend(self.used(ready_at, released_at, reason));
                steps.push(self.deleting(released_at));
            }
            State::Ended { ready_at, released_at, reason, ended_at } => {
                steps.extend(self.used(ready_at, released_at, reason));
                steps.push(self.over(ready_at, released_at, reason, ended_at));
            }
        }
        steps
    }

    fn offered(&self, until: DateTime<Utc>) -> Step {
        let mut step = Step::new(Phase::Now, format!("Offered to {}", self.whose.whom()));
        let until = self.when(until).text;
        step.text = self.whose.own().then(|| {
            format!(
                "You waited for it, and came first in line. If you pass, or do not answer by {until}, it goes to whoever \
                 comes next, and you keep waiting."
            )
        });
        step
    }

    /// The two answers, as long as there is one to give.
    fn answers(&self, csrf: &str) -> Option<Answers> {
        let State::Offered { until } = self.view.booking.state else { return None };
        (self.whose.own() && self.view.now < until).then(|| Answers {
            id: self.view.booking.id.to_string(),
            csrf: csrf.to_owned(),
            what: self.when(self.start()).text,
        })
    }

    fn was_offered(&self) -> Step {
        let mut step = Step::new(Phase::Done, format!("Offered to {}", self.whose.whom()));
        step.when = Some(self.when(self.view.booking.created_at));
        step
    }

    fn not_taken(&self, reason: EndReason, ended_at: DateTime<Utc>) -> Step {
        let lab = &self.view.booking.lab;
        let did = if reason == EndReason::Passed { "passed" } else { "did not answer" };
        let mut step = Step::new(Phase::Now, format!("{} {did}", self.whose.doer()));
        step.when = Some(self.when(ended_at));
        if !self.whose.own() {
            return step;
        }
        step.outcome = Some(Outcome {
            facts: Vec::new(),
            next: vec![
                Link::new(format!("/labs/{lab}/wait"), "See your place in line"),
                Link::new(format!("/labs/{lab}"), "Look at the lab's times"),
            ],
            nearest: Vec::new(),
        });
        step
    }

    fn reserving(&self) -> Step {
        let booking = &self.view.booking;
        if booking.state == State::Held {
            let mut step =
                Step::new(Phase::Now, self.whose.either("Reserving your place", "Reserving the place"));
            let (site, servers, whom) = (&self.view.setting.site.title, self.servers(), self.whose.whom());
            step.text = Some(if self.site_is_down() {
                let mail = ", and you get a mail then: you need not keep this page open. ";
                let mail = self.whose.either(mail, ".");
                format!(
                    "{site} is asked to hold {servers} servers for {whom} once it is back{mail}{}",
                    self.way_out()
                )
            } else {
                format!("{site} is asked to hold {servers} servers for {whom}. This takes a few seconds.")
            });
            step.trouble = self.trouble();
            return step;
        }
        let never = booking.state.reason() == Some(EndReason::Failed) && self.lease_was_refused();
        let mut step = if never {
            Step::new(Phase::Failed, "The place could not be reserved")
        } else {
            Step::new(Phase::Done, "Place reserved")
        };
        step.when = Some(self.when(booking.created_at));
        step
    }

    fn lease_was_refused(&self) -> bool {
        self.view.resources.iter().any(|r| r.kind() == Kind::Lease && r.site_ref.is_none())
    }

    fn waiting(&self) -> Step {
        let mut step = Step::new(Phase::Now, "Waiting for the start");
        let begin = self.view.outlook.begin;
        let begins = if self.site_is_down() && begin <= self.view.now {
            format!("Preparing begins once {} is back", self.view.setting.site.title)
        } else {
            format!("Preparing begins {}", self.when(begin).text)
        };
        let way_out = if self.site_is_down() { format!(" {}", self.way_out()) } else { String::new() };
        let mail =
            self.whose.either(" You get a mail when it is ready; you need not keep this page open.", "");
        step.text = Some(format!("{begins}.{mail}{way_out}"));
        step.trouble = self.trouble();
        if let Some(slot) = self.view.booking.wanted_slot {
            step.text = Some(format!(
                "{} is asked for {} instead. Until it agrees, the booking stays here.",
                self.view.setting.site.title,
                calendar::span(self.view.setting.zone, &slot)
            ));
        }
        step
    }

    fn preparing_title(&self) -> String {
        self.whose.either("Preparing your servers", "Preparing the servers")
    }

    fn ready_title(&self) -> String {
        format!("Ready for {}", self.whose.whom())
    }

    fn preparing_later(&self) -> Step {
        let mut step = Step::new(Phase::Later, self.preparing_title());
        step.when = Some(self.when(self.view.outlook.begin));
        step
    }

    fn use_later(&self) -> Step {
        let mut step = Step::new(Phase::Later, self.ready_title());
        step.when = Some(self.when(self.start()));
        step.text = self.view.outlook.late.map(|late| {
            format!(
                "Lately preparing took longer than its lead: it is likely ready {}.",
                self.when(late).text
            )
        });
        step
    }

    fn deleted_later(&self) -> Step {
        let mut step = Step::new(Phase::Later, "Everything is deleted");
        step.when = Some(self.when(self.end()));
        step
    }

    fn preparing(&self) -> Step {
        let mut step = Step::new(Phase::Now, self.preparing_title());
        step.trouble = self.trouble();
        step.text = self.site_is_down().then(|| {
            let mail = self.whose.either(", and you get a mail when it is ready. ", ".");
            format!(
                "What is missing is made once {} is back{mail}{}",
                self.view.setting.site.title,
                self.way_out()
            )
        });
        step.resources = self.view.resources.iter().map(|resource| self.resource(resource)).collect();
        step
    }

    fn prepared(&self, ready_at: DateTime<Utc>) -> Step {
        let mut step = Step::new(Phase::Done, "Prepared");
        step.when = Some(self.when(ready_at));
        step
    }

    fn active(&self) -> Step {
        let mut step = Step::new(Phase::Now, self.ready_title());
        step.trouble.clone_from(&self.view.booking.trouble);
        if let Some(wanted) = self.view.booking.wanted_end {
            let when = if self.site_is_down() { " once it is back." } else { ". This takes a few seconds." };
            step.text = Some(format!(
                "{} is asked to hold it until {}{when}",
                self.view.setting.site.title,
                self.when(wanted).text
            ));
        }
        step.access = Some(self.access());
        step
    }

    fn access(&self) -> Access {
        let left = (self.end() - self.view.now).max(TimeDelta::zero());
        let total = self.view.booking.slot.length();
        let minutes = |length: TimeDelta| u32::try_from(length.num_minutes()).unwrap_or(0);
        let extend = self.extend();
        let servers = self.server_lines();
        Access {
            commands: self.commands(&servers),
            behind: self.behind(&servers),
            ssh: self.view.ssh.clone(),
            stores: stores::lines(&self.view.resources),
            servers,
            dashboard: self.dashboard(),
            left: format!("{} left", calendar::in_words(left)),
            left_minutes: minutes(left.min(total)),
            total_minutes: minutes(total),
            ends: self.when(self.end()),
            no_extend: (self.whose.own() && extend.is_none() && self.view.booking.wanted_end.is_none())
                .then(|| self.why_no_extension()),
            extend,
            earlier: self.earlier(),
        }
    }

    /// The commands that lead to further servers with a public address.
    fn commands(&self, servers: &[ServerLine]) -> Vec<Command> {
        let login = &self.view.setting.lab.blueprint.login;
        let command = |(server, address): (&ServerLine, &String)| Command {
            server: server.name.clone(),
            text: format!("ssh {login}@{address}"),
        };
        servers.iter().filter_map(|it| Some((it, it.public.as_ref()?))).skip(1).map(command).collect()
    }

    /// How to get to the servers without a public address: through the first that has one.
    fn behind(&self, servers: &[ServerLine]) -> Option<Behind> {
        let login = &self.view.setting.lab.blueprint.login;
        let (through, door) = servers.iter().find_map(|it| Some((it.name.clone(), it.public.clone()?)))?;
        let hidden = servers.iter().filter(|it| it.public.is_none() && !it.private.is_empty());
        let commands: Vec<_> = hidden
            .map(|it| Command {
                server: it.name.clone(),
                text: format!("ssh -J {login}@{door} {login}@{}", it.private),
            })
            .collect();
        (!commands.is_empty()).then_some(Behind { through, commands })
    }

    fn dashboard(&self) -> Option<Link> {
        let site = &self.view.setting.site;
        let href = site.dashboard.clone()?;
        Some(Link::new(href, format!("Open {}'s dashboard", site.title)))
    }

    /// Earlier ends, the latest first.
    fn earlier(&self) -> Vec<Earlier> {
        let zone = self.view.setting.zone;
        let option = |end: &DateTime<Utc>| Earlier {
            iso: present::iso(zone, *end),
            text: format!(
                "{}, {} earlier",
                present::end(zone, self.start(), *end).text,
                calendar::in_words(self.end() - *end)
            ),
            chosen: self.keeps(*end),
        };
        self.view.ends.earlier.iter().rev().map(option).collect()
    }

    fn keeps(&self, end: DateTime<Utc>) -> bool {
        self.kept == Some(&Asked::End(end))
    }

    fn why_no_extension(&self) -> String {
        if let Some(fixed) = &self.view.ends.fixed {
            return fixed.sentence(self.view.setting.zone);
        }
        let cap = self.view.setting.lab.policy.cap();
        if self.view.booking.slot.length() >= cap {
            format!("It can't be extended: {} in all is the most.", calendar::in_words(cap))
        } else {
            "It can't be extended: the place is taken afterwards, or the due date comes.".to_owned()
        }
    }

    fn server_lines(&self) -> Vec<ServerLine> {
        let public = |server: &Known| {
            self.view.resources.iter().find_map(|other| match &other.spec {
                Spec::FloatingIp { server: target, .. } if *target == server.key => {
                    other.facts.address.clone()
                }
                _ => None,
            })
        };
        self.view
            .resources
            .iter()
            .filter(|resource| matches!(resource.kind(), Kind::Server | Kind::Container))
            .map(|server| ServerLine {
                name: server.key.to_string(),
                private: server.facts.address.clone().unwrap_or_default(),
                public: public(server),
            })
            .collect()
    }

    /// Whole hours, and the longest even if it is none. That is chosen at first.
    fn extend(&self) -> Option<Extend> {
        let end = self.end();
        let longest = *self.view.ends.later.last()?;
        let chosen = self.view.ends.later.iter().copied().find(|later| self.keeps(*later)).unwrap_or(longest);
        let option = |later: &DateTime<Utc>| {
            let added = *later - end;
            ExtendOption {
                chosen: *later == chosen,
                hours: hours_text(added.num_minutes()),
                text: format!("{} more", calendar::in_words(added)),
                end: present::end(self.view.setting.zone, self.start(), *later),
                cost: self.server_hours(added),
            }
        };
        let offered = self
            .view
            .ends
            .later
            .iter()
            .rev()
            .filter(|later| (**later - end).num_minutes() % 60 == 0 || [longest, chosen].contains(later));
        let cap = self.view.setting.lab.policy.cap();
        let because = if longest - self.start() >= cap {
            format!("{} in all is the most.", calendar::in_words(cap))
        } else {
            "After that the place is taken, or the due date comes.".to_owned()
        };
        Some(Extend { options: offered.map(option).collect(), longest_because: because })
    }

    fn used(
        &self,
        ready_at: Option<DateTime<Utc>>,
        released_at: DateTime<Utc>,
        reason: EndReason,
    ) -> Vec<Step> {
        match (ready_at, reason) {
            (Some(ready_at), _) => {
                let held = calendar::in_words(released_at - ready_at);
                let (title, text) = match reason {
                    EndReason::NoShow => (
                        "Not used",
                        format!("It was kept for {} for {held}, which counts.", self.whose.whom()),
                    ),
                    _ => ("Used", format!("For {held}.")),
                };
                let mut used = Step::new(Phase::Done, title);
                used.when = Some(self.when(released_at));
                used.text = Some(text);
                vec![self.prepared(ready_at), used]
            }
            (None, EndReason::Failed) if !self.lease_was_refused() => {
                let mut failed = Step::new(Phase::Failed, "Preparing failed");
                failed.when = Some(self.when(released_at));
                failed.trouble.clone_from(&self.view.booking.trouble);
                vec![failed]
            }
            _ => Vec::new(),
        }
    }

    fn deleting(&self, released_at: DateTime<Utc>) -> Step {
        let mut step = Step::new(Phase::Now, "Deleting everything");
        step.when = Some(self.when(released_at));
        if self.view.booking.state.reason() != Some(EndReason::Failed) {
            step.trouble = self.trouble();
        }
        let mut made: Vec<&Known> =
            self.view.resources.iter().filter(|r| r.site_ref.is_some() || r.may_exist()).collect();
        made.sort_by_key(|resource| (resource.kind().deleting_rank(), resource.position));
        step.resources = made.into_iter().map(|resource| self.resource(resource)).collect();
        step
    }

    fn over(
        &self,
        ready_at: Option<DateTime<Utc>>,
        released_at: DateTime<Utc>,
        reason: EndReason,
        ended_at: DateTime<Utc>,
    ) -> Step {
        let mut step = Step::new(Phase::Now, "Everything is deleted");
        step.when = Some(self.when(ended_at));
        if reason == EndReason::Failed && self.whose.own() {
            step.text = Some("It is not your fault, and you can book again.".to_owned());
        }
        let used = ready_at.map_or(TimeDelta::zero(), |ready_at| released_at - ready_at);
        let rest = (self.end() - released_at.max(self.start())).max(TimeDelta::zero());
        let another = || Link::new(format!("/labs/{}", self.view.booking.lab), "Book another time");
        let fact = |name: &str, value: String| Fact { name: name.to_owned(), value };
        let amount = |length: TimeDelta| {
            if length < TimeDelta::minutes(1) {
                "0 h".to_owned()
            } else {
                format!("{}, {}", calendar::in_words(length), self.server_hours(length))
            }
        };
        step.outcome = Some(Outcome {
            facts: vec![
                fact(if reason == EndReason::NoShow { "Held" } else { "Used" }, amount(used)),
                fact("Given back", amount(rest)),
                fact("Deleted", format!("{}, confirmed by the site", self.when(ended_at).text)),
            ],
            next: self.whose.own().then(another).into_iter().collect(),
            nearest: Vec::new(),
        });
        step
    }

    fn resource(&self, resource: &Known) -> Resource {
        let age = calendar::in_words(self.view.now - resource.since);
        let seconds = (self.view.now - resource.since).num_seconds();
        let age = if seconds < 60 { format!("{} s", seconds.max(0)) } else { age };
        let live = self.view.booking.state.is_live();
        let (state, age) = match resource.state {
            Stored::Planned => (ResourceState::Pending, String::new()),
            Stored::Making => (ResourceState::Working, format!("for {age}")),
            Stored::Ready if live => (ResourceState::Ready, String::new()),
            Stored::Ready => (ResourceState::Ready, "waits its turn".to_owned()),
            Stored::Deleting => (ResourceState::Deleting, format!("for {age}")),
            Stored::Gone => (ResourceState::Gone, String::new()),
        };
        Resource { name: name(resource), state, age, error: None }
    }

    fn release(&self) -> Option<Release> {
        let (action, consequence, undo) = match self.view.booking.state {
            State::Held | State::Booked => (
                "Cancel this booking",
                "Nothing has been made for it yet, so nothing is deleted.",
                "It can't be undone, but you can book again.",
            ),
            State::Preparing | State::Active { .. } => (
                "Release now",
                "All servers, their network and everything on them are deleted at once.",
                "It can't be undone.",
            ),
            State::Offered { .. } | State::Releasing { .. } | State::Ended { .. } => return None,
        };
        Some(Release {
            open: self.kept == Some(&Asked::Release),
            action: action.to_owned(),
            consequence: consequence.to_owned(),
            undo: undo.to_owned(),
            gift: self.view.gift.as_ref().map(gains).unwrap_or_default(),
        })
    }

    fn ended_because(&self, reason: EndReason) -> String {
        let doer = self.whose.doer();
        match reason {
            EndReason::Released => format!("{doer} released it."),
            EndReason::Cancelled => format!("{doer} cancelled it."),
            EndReason::Expired => "Its time is over.".to_owned(),
            EndReason::Failed => "The cloud could not provide it.".to_owned(),
            EndReason::NoShow => "Nobody used it, so it was released.".to_owned(),
            EndReason::Passed => format!("{doer} passed this offer."),
            EndReason::Lapsed => "This offer went by unanswered.".to_owned(),
            EndReason::Displaced => "An outage came in its way. It costs nothing.".to_owned(),
            EndReason::Dropped => {
                self.whose.either("You have dropped the course.", "Its student has dropped the course.")
            }
        }
    }

    fn log(&self) -> Vec<LogLine> {
        let zone = self.view.setting.zone;
        let line = |event: &crate::domain::booking::Event| LogLine {
            when: When::new(
                present::iso(zone, event.at),
                event.at.with_timezone(&zone).format("%b %-d, %H:%M:%S").to_string(),
            ),
            text: match event.actor.as_str() {
                "fairlease" => event.what.clone(),
                who => format!("{who}: {}", event.what),
            },
        };
        self.view.events.iter().map(line).collect()
    }
}

/// What others gain, in a sentence or two.
fn gains(gift: &Gift) -> String {
    let back = format!("You give back {}.", calendar::in_words(gift.length));
    match gift.fullest {
        None => back,
        Some((_, 1)) => format!("{back} It is the only place, and free for someone else then."),
        Some((taken, places)) if taken >= places => {
            format!(
                "{back} All {places} places are taken for a part of that time: someone else can have yours."
            )
        }
        Some((..=1, places)) => format!("{back} Nobody else has one of the {places} places in that time."),
        Some((taken, places)) => {
            format!("{back} In that time at most {taken} of {places} places are taken, yours among them.")
        }
    }
}

fn name(resource: &Known) -> String {
    match resource.kind() {
        Kind::Lease => "reserved place (lease)".to_owned(),
        Kind::Keypair => "SSH key".to_owned(),
        Kind::Network => "private network".to_owned(),
        Kind::Subnet => "its addresses (subnet)".to_owned(),
        Kind::Router => "router".to_owned(),
        Kind::SecurityGroup => "firewall (security group)".to_owned(),
        Kind::Server => format!("server {}", resource.key),
        Kind::FloatingIp => "public address".to_owned(),
        Kind::Volume | Kind::Share | Kind::Bucket | Kind::Container | Kind::Port => {
            format!("{} {}", resource.kind().word(), resource.key)
        }
    }
}
