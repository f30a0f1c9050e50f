//! `/api/v1/fairshare`: how one stands; for staff, how everyone does, in the columns of `sshare`.

use actix_web::HttpResponse;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{ok, rfc3339};
use crate::auth::permissions::Permission;
use crate::db::DbError;
use crate::domain::fair_share::Measure;
use crate::domain::usage::{Source, UsageLine};
use crate::policy::fair_share::Figures;
use crate::policy::fair_share::lineage::Level;
use crate::services::fair_share::{self, Mine, Standings};
use crate::web::context::SignedIn;
use crate::web::error::WebError;
use crate::web::handlers::standing::{micro, place};
use crate::web::pages::spread::FEWEST;

/// Tells it.
pub(super) async fn show(who: SignedIn) -> Result<HttpResponse, WebError> {
    let (zone, now) = (who.context.zone(), who.context.app().now());
    let (db, person) = (who.context.app().db.clone(), who.caller.person.clone());
    let staff = who.caller.sees_all(Permission::SeeUsage);
    let (mine, standings) = db
        .read::<_, DbError, _>("fairshare", move |conn| {
            let mine = fair_share::mine(conn, &person, now)?;
            let standings = staff.then(|| fair_share::standings(conn, now)).transpose()?;
            Ok((mine, standings))
        })
        .await?;
    let mut body = mine_json(zone, now, &mine);
    if let (Some(standings), Some(fields)) = (standings, body.as_object_mut()) {
        fields.insert("shares".to_owned(), shares(&standings));
    }
    Ok(ok(&body))
}

/// Millionths as a number.
fn number(micro: u64) -> Value {
    let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    text.parse::<f64>().map_or(Value::Null, |number| json!(number))
}

fn mine_json(zone: Tz, now: DateTime<Utc>, mine: &Mine) -> Value {
    let figures = mine.own.as_ref().map(|own| own.figures);
    let levels = mine.own.as_ref().map(|own| own.lineage.0.as_slice()).unwrap_or_default();
    let spread = (mine.of >= FEWEST).then(|| mine.spread.iter().map(|it| number(*it)).collect::<Vec<_>>());
    let line = |line: &UsageLine| line_json(zone, now, mine.measure, line);
    json!({
        "counts": mine.measure,
        "half_life_minutes": mine.half_life.num_minutes(),
        "usage": number(mine.usage),
        "fair_share": figures.and_then(|figures| figures.fair_share),
        "not_before": figures.and_then(|figures| figures.rank),
        "students": mine.of,
        "levels": levels.iter().map(level).collect::<Vec<_>>(),
        "spread": spread,
        "ledger": mine.lines.iter().map(line).collect::<Vec<_>>(),
    })
}

fn level(level: &Level) -> Value {
    json!({
        "raw_shares": level.shares,
        "level_shares": level.level_shares,
        "raw_usage": number(level.usage),
        "level_usage": number(level.level_usage),
        "level_fs": finite(level.level_fs().to_f64()),
    })
}

/// A number, or "inf", which JSON has no number for.
fn finite(number: f64) -> Value {
    if number.is_finite() { json!(number) } else { json!("inf") }
}

fn line_json(zone: Tz, now: DateTime<Utc>, measure: Measure, line: &UsageLine) -> Value {
    let (booking, by_hand) = match &line.source {
        Source::Booking(id) => (Some(id), None),
        Source::ByHand(name) => (None, Some(name)),
    };
    let length = (line.until.unwrap_or(now) - line.from).max(TimeDelta::zero());
    json!({
        "at": rfc3339(zone, line.at),
        "why": line.why,
        "gives_back": line.gives_back,
        "booking": booking,
        "by_hand": by_hand,
        "start": rfc3339(zone, line.from),
        "end": line.until.map(|at| rfc3339(zone, at)),
        "amount": number(micro(line, measure, length)),
    })
}

fn shares(standings: &Standings) -> Value {
    let mut groups = Vec::new();
    let row = |node: &fair_share::Node| {
        let (account, user) = place(node, &mut groups);
        share(node.depth, &account, &user, &node.figures)
    };
    standings.nodes.iter().map(row).collect()
}

fn share(depth: usize, account: &str, user: &str, figures: &Figures) -> Value {
    json!({
        "depth": depth,
        "account": account,
        "user": (!user.is_empty()).then_some(user),
        "raw_shares": figures.raw_shares,
        "norm_shares": figures.norm_shares,
        "raw_usage": number(figures.raw_usage),
        "effectv_usage": figures.effectv_usage,
        "fair_share": figures.fair_share,
        "level_fs": figures.level_fs.map(|level| finite(level.to_f64())),
    })
}
