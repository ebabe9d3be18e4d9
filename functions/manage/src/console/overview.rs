//! The first page: how the shop does, what personalization caused of it, and what is being tried.

use maud::{Markup, html};
use serde_json::Value;

use super::chart::{Point, bars};
use super::client::Answer;
use super::fields::escaped;
use super::format::number;
use super::models::quality;
use super::page;
use super::parts::{list, text};
use super::results::{USUAL, figures, worth};
use super::session::{Desk, Face};

pub(super) async fn page(desk: Desk) -> Answer {
    let face = &*desk.face;
    let api = &desk.api;
    let (results, segments, models, experiments) =
        tokio::join!(api.get(USUAL), api.get("/v1/segments"), api.get("/v1/models"), api.get("/v1/experiments"),);
    let (segments, models, experiments) = (segments?, models?, experiments?);
    // Before the first training there are none; the rest of the page is worth looking at.
    let results = match results {
        Err(trouble) if trouble.status.as_u16() == 401 => return Err(trouble),
        results => results.ok(),
    };
    let running: Vec<&Value> =
        list(&experiments, "experiments").iter().filter(|one| text(one, "status") == "running").collect();
    let body = html! {
        @match &results {
            Some(results) => {
                div class="lead" {
                    (figures::told(face, results))
                    a href="/console/results" { (face.t("overview.all")) }
                }
                (figures::key(face, results, false))
                (figures::two(face, results))
                (worth::section(face, results))
            }
            None => p class="muted" { (face.t("overview.none")) },
        }
        div class="columns halves" {
            section class="card" aria-labelledby="sizes" {
                h2 id="sizes" { (face.t("overview.segments")) }
                (sizes(face, &segments))
            }
            div {
                (tests(face, &running))
                (quality(face, list(&models, "versions")))
            }
        }
    };
    Ok(page::page(&desk, face.t("nav.overview"), &body))
}

fn tests(face: &Face, running: &[&Value]) -> Markup {
    html! {
        section class="card" aria-labelledby="tests" {
            h2 id="tests" { (face.t("overview.running")) }
            @if running.is_empty() {
                p { (face.t("overview.quiet")) }
                @if face.edits() { p { a class="button quiet" href="/console/experiments/new" { (face.t("experiments.new")) } } }
            }
            ul {
                @for one in running {
                    @let name = text(one, "name");
                    li { a href={ "/console/experiments/" (escaped(text(one, "id"))) } { (if name.is_empty() { text(one, "id") } else { name }) } }
                }
            }
        }
    }
}

/// The largest segments first.
#[allow(clippy::cast_precision_loss, reason = "shown to people")]
fn sizes(face: &Face, segments: &Value) -> Markup {
    let mut counted: Vec<(u64, &str)> = list(segments, "segments")
        .iter()
        .filter_map(|segment| Some((segment["members"].as_u64()?, text(segment, "name"))))
        .collect();
    counted.sort_by(|a, b| b.cmp(a));
    if counted.is_empty() {
        return html! { p class="muted" { (face.t("segments.uncounted")) } };
    }
    let point = |(members, name): (u64, &str)| Point {
        label: name.to_owned(),
        value: members as f64,
        shown: number(face.language, members as f64, 0),
    };
    let points: Vec<Point> = counted.into_iter().take(10).map(point).collect();
    bars(face, face.t("overview.segments"), &points)
}
