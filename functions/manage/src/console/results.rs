//! What the shop earned in a period: key figures, by day, channel, segment and placement; what is attributed to personalization
//! and what it caused; who buys again; what it is worth when it is paid.

pub(super) mod figures;
mod funnels;
mod tables;
pub(super) mod worth;

use axum::extract::Query;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;
use vitrine_domain::results::WINDOWS;

use super::client::Answer;
use super::page::page as whole_page;
use super::session::{Desk, Face};

/// A period as it is asked for: a window, or two days.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    last: String,
    from: String,
    to: String,
}

/// What the page asks for where nobody says another period.
pub(super) const USUAL: &str = "/v1/results?last=28";

impl Asked {
    /// The address of the API, or none for a period that is none.
    fn path(&self) -> Option<String> {
        // As a day of the API, or of a field of a form.
        let is_day = |day: &str| day.len() == 10 && day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
        match (&*self.last, &*self.from, &*self.to) {
            ("", "", "") => Some(USUAL.to_owned()),
            ("", from, "") if is_day(from) => Some(format!("/v1/results?from={from}")),
            ("", "", to) if is_day(to) => Some(format!("/v1/results?to={to}")),
            ("", from, to) if is_day(from) && is_day(to) => Some(format!("/v1/results?from={from}&to={to}")),
            (last, "", "") => last.parse::<u16>().ok().map(|last| format!("/v1/results?last={last}")),
            _ => None,
        }
    }
}

pub(super) async fn page(desk: Desk, Query(asked): Query<Asked>) -> Answer {
    let face = &*desk.face;
    let path = asked.path().unwrap_or_else(|| USUAL.to_owned());
    let (results, segments) = tokio::join!(desk.api.get(&path), desk.api.get("/v1/segments"));
    // Figures are worth looking at under the segments' ids too.
    let segments = segments.unwrap_or_default();
    let body = match results {
        Err(trouble) if trouble.status.as_u16() == 401 => return Err(trouble),
        // Before the first training there are none; a period that is none is said where it is chosen.
        Err(trouble) => html! {
            (period(face, &asked, None))
            @if trouble.status.as_u16() == 400 { p class="fault" role="alert" { (face.t("period.wrong")) } }
            @else { p class="muted" { (face.t("overview.none")) } }
        },
        Ok(results) => html! {
            (period(face, &asked, Some((&results["from"], &results["to"]))))
            (figures::told(face, &results))
            (figures::key(face, &results, true))
            (figures::charts(face, &results))
            (worth::section(face, &results))
            (funnels::section(face, &results, "placements"))
            (funnels::section(face, &results, "rules"))
            (funnels::section(face, &results, "content"))
            (funnels::uses(face, &results))
            (tables::section(face, &results, "channels", &Value::Null))
            (tables::section(face, &results, "segments", &segments))
            (tables::days(face, &results))
            div class="columns halves" { (worth::loyalty(face, &results)) (worth::case(face, &results)) }
        },
    };
    Ok(whole_page(&desk, face.t("nav.results"), &body))
}

/// The period, by one click or as two days.
fn period(face: &Face, asked: &Asked, shown: Option<(&Value, &Value)>) -> Markup {
    let named = !asked.from.is_empty() || !asked.to.is_empty();
    let chosen = |days: u16| match asked.last.parse::<u16>() {
        Ok(last) => last == days,
        Err(_) => days == 28 && !named,
    };
    let day = |typed: &str, shown: Option<&Value>| match typed {
        "" => shown.and_then(|day| day.as_str()).unwrap_or_default().to_owned(),
        typed => typed.to_owned(),
    };
    let (from, to) = (day(&asked.from, shown.map(|days| days.0)), day(&asked.to, shown.map(|days| days.1)));
    html! {
        div class="period" {
            nav aria-label=(face.t("period.label")) {
                @for days in WINDOWS {
                    a href={ "/console/results?last=" (days) } aria-current=[chosen(days).then_some("true")] {
                        (face.language.word(&format!("period.{days}")))
                    }
                }
            }
            form method="get" action="/console/results" {
                label for="from-day" { (face.t("period.from")) }
                input id="from-day" name="from" type="date" value=(from);
                label for="to-day" { (face.t("period.to")) }
                input id="to-day" name="to" type="date" value=(to);
                button class="quiet" { (face.t("period.show")) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_asked_for_as_it_is_chosen_and_nothing_else_reaches_the_address() {
        let path = |last: &str, from: &str, to: &str| {
            Asked { last: last.to_owned(), from: from.to_owned(), to: to.to_owned() }.path()
        };
        assert_eq!(path("", "", "").as_deref(), Some("/v1/results?last=28"));
        assert_eq!(path("7", "", "").as_deref(), Some("/v1/results?last=7"));
        let days = path("", "2026-11-01", "2026-11-14");
        assert_eq!(days.as_deref(), Some("/v1/results?from=2026-11-01&to=2026-11-14"));
        assert_eq!(path("", "", "2026-11-14").as_deref(), Some("/v1/results?to=2026-11-14"));
        for (last, from, to) in
            [("7", "2026-11-01", ""), ("seven", "", ""), ("", "1&last=7&a", ""), ("", "2026-11-01", "x")]
        {
            assert_eq!(path(last, from, to), None, "{last} {from} {to}");
        }
    }
}
