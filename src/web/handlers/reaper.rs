//! `/staff/reaper`: the reaper as staff see it, and what they say to it.

mod answer;
mod exemptions;
mod lists;
mod pauses;
mod sweeps;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;

pub(in crate::web) use self::pauses::problem as guard_problem;

pub(super) use self::lists::{called, place, sentence, state_of};

use super::{page, page_once};
use crate::db::DbError;
use crate::domain::blueprint::Kind;
use crate::domain::calendar;
use crate::domain::ids::{NetId, SiteId};
use crate::policy::reaping::Plan;
use crate::services::reaping::{self, RestoreError, Restored};
use crate::services::sweeps::{self as looks, Overview};
use crate::web::context::{Context, Done, Staff};
use crate::web::error::WebError;
use crate::web::pages::layout::{Link, Problem, Section};
use crate::web::pages::reaper::{PlanPage, ReaperPage, Things};
use crate::web::present;
use crate::web::table::routes;

routes! {
    /// The reaper, as staff see it.
    ROWS in "", routes:
    get "/staff/reaper", SeeCourse => show;
    post "/staff/reaper/look", SeeCourse => look;
    get "/staff/reaper/plan/{list}", SeeCourse => list;
    post "/staff/reaper/restore", RunReaper => restore;
    post "/staff/reaper/pauses", RunReaper => pauses::pause;
    post "/staff/reaper/pauses/{pause}/end", RunReaper => pauses::resume;
    get "/staff/reaper/exemptions", SeeCourse => exemptions::show;
    post "/staff/reaper/exemptions", RunReaper => exemptions::add;
    post "/staff/reaper/exemptions/{exemption}/revoke", RunReaper => exemptions::revoke;
    get "/staff/reaper/sweeps", SeeCourse => sweeps::history;
    get "/staff/reaper/sweeps/{sweep}", SeeCourse => sweeps::show;
}

/// How many of each list the first page has.
const FIRST: usize = 10;

/// How many a page of one list has.
const PAGE: usize = 50;

/// Where a page begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Paged {
    page: Option<usize>,
}

impl Paged {
    fn number(&self) -> usize {
        self.page.unwrap_or(1).clamp(1, 1_000_000)
    }

    fn offset(&self, size: usize) -> usize {
        (self.number() - 1) * size
    }

    /// The pages before and after this one of `address`, which may have a query.
    fn links(&self, address: &str, more: bool) -> Vec<Link> {
        let joint = if address.contains('?') { '&' } else { '?' };
        let link = |number: usize, text| Link::new(format!("{address}{joint}page={number}"), text);
        let number = self.number();
        let before = (number > 1).then(|| link(number - 1, "Before"));
        before.into_iter().chain(more.then(|| link(number + 1, "After"))).collect()
    }
}

async fn overview(who: &Staff) -> Result<Overview, WebError> {
    let app = who.0.context.app().clone();
    let db = app.db.clone();
    Ok(db.read::<_, DbError, _>("reaper", move |conn| looks::overview(&app, conn)).await?)
}

async fn show(who: Staff, request: HttpRequest) -> Result<HttpResponse, WebError> {
    let view = overview(&who).await?;
    Ok(page_once(&request, compose(&who, &view, &pauses::Form::default(), Vec::new()).render()?))
}

fn compose(who: &Staff, view: &Overview, form: &pauses::Form, problems: Vec<Problem>) -> ReaperPage {
    let (answer, lead) = answer::answer(view);
    let (trouble, mut undone) = answer::skipped(view);
    undone.extend(view.holds.iter().map(|hold| answer::held(view, hold)));
    ReaperPage {
        layout: who.0.context.layout("Reaper", Section::Reaper),
        answer,
        lead,
        state: answer::state(view),
        course: answer::by_hand(view.policy.by_hand).to_owned(),
        pauses: view.pauses.iter().map(|pause| pauses::line(view, pause)).collect(),
        may_pause: view.pauses.iter().all(|pause| pause.what.site.is_some()),
        form: form.shown(view, problems),
        trouble,
        undone,
        last: answer::last(view),
        lists: lists::stored(view, FIRST),
        saved: answer::saved(&view.saved),
    }
}

/// Looks at the sites at once, and shows what a sweep would do. Nothing is stored: the answer is the page.
async fn look(who: Staff) -> Result<HttpResponse, WebError> {
    let plan = reaping::observe(who.0.context.app()).await?.plan;
    let view = overview(&who).await?;
    let skipped =
        plan.skipped.iter().map(|it| format!("{}: {}", place(&view, &it.site), sentence(&it.reason)));
    let shown = PlanPage {
        layout: who.0.context.layout("A look just now", Section::Reaper),
        answer: looked(&plan),
        lead: "This was a look: nothing was changed, and nobody was told.".to_owned(),
        skipped: skipped.collect(),
        lists: lists::looked(&view, &plan, PAGE),
        pages: Vec::new(),
    };
    Ok(page(StatusCode::OK, shown.render()?))
}

fn looked(plan: &Plan) -> String {
    match plan.actions.len() {
        0 if plan.skipped.is_empty() => "A sweep would do nothing now.".to_owned(),
        0 => "A sweep would do nothing now, and skip something.".to_owned(),
        1 => "A sweep would do 1 thing now.".to_owned(),
        many => format!("A sweep would do {many} things now."),
    }
}

/// One list of what the last sweep saw.
async fn list(
    who: Staff,
    path: web::Path<String>,
    query: web::Query<Paged>,
) -> Result<HttpResponse, WebError> {
    let view = overview(&who).await?;
    let all = lists::whole(&view, &path).ok_or(WebError::NotFound)?;
    let (count, from) = (all.rows.len(), query.offset(PAGE));
    if from > 0 && from >= count {
        return Err(WebError::NotFound);
    }
    let to = count.min(from + PAGE);
    let pages = query.links(&format!("/staff/reaper/plan/{}", all.key), to < count);
    let title = all.title.clone();
    let rows = all.rows.into_iter().skip(from).take(PAGE).collect();
    let seen = view.sweep.as_ref().map(|sweep| present::when(view.zone, view.now, sweep.at).text);
    let shown = PlanPage {
        layout: who.0.context.layout(&title, Section::Reaper),
        answer: format!("{title}: {count}"),
        lead: match seen {
            None => "No sweep has run yet.".to_owned(),
            Some(at) if count == 0 => format!("As the sweep of {at} saw it."),
            Some(at) => format!("As the sweep of {at} saw it; here are {} to {to}.", from + 1),
        },
        skipped: Vec::new(),
        lists: vec![Things { rows, title: "The list".to_owned(), ..all }],
        pages,
    };
    Ok(page(StatusCode::OK, shown.render()?))
}

/// What names an object to take back.
#[derive(Debug, Deserialize)]
pub struct Restore {
    site: String,
    kind: String,
    id: String,
}

impl Restore {
    /// Takes it back for someone, who has to be its owner; or for staff, who need not.
    pub(in crate::web) async fn carry_out(
        &self,
        context: &Context,
        of: Option<&NetId>,
    ) -> Result<Restored, WebError> {
        let site: SiteId = self.site.parse()?;
        let kind = Kind::from_word(&self.kind).ok_or(WebError::NotFound)?;
        let done = reaping::restore(context.app(), &context.doer(), &site, kind, &self.id, of).await;
        done.map_err(|error| match error {
            RestoreError::NotMarked => WebError::NotFound,
            RestoreError::Before(until) => {
                let until = calendar::date_and_time(context.zone(), until);
                WebError::WrongState(format!("it was taken back before, and is left alone until {until}"))
            }
            RestoreError::Db(error) => error.into(),
            error @ (RestoreError::TooLate | RestoreError::Often) => WebError::WrongState(error.to_string()),
        })
    }
}

/// What is told on the next page.
pub(super) fn told(restored: &Restored) -> Done {
    if let Some(why) = &restored.not_started {
        tracing::warn!(target = %restored.marked.target, why, "what was taken back does not start");
        return Done::NotStarted;
    }
    Done::Restored
}

async fn restore(who: Staff, form: web::Form<Restore>) -> Result<HttpResponse, WebError> {
    let restored = form.carry_out(&who.0.context, None).await?;
    Ok(who.0.context.done("/staff/reaper", told(&restored)))
}
