//! Charts, drawn here: a picture for those who see it and a table with the same figures for everybody.

use maud::{Markup, html};

use super::session::Face;

/// A value with its name and as it is written.
#[derive(Debug)]
pub(super) struct Point {
    pub(super) label: String,
    pub(super) value: f64,
    pub(super) shown: String,
}

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 180.0;

/// Values over time, the oldest first.
#[allow(clippy::cast_precision_loss, reason = "places on a picture")]
pub(super) fn line(face: &Face, title: &str, points: &[Point]) -> Markup {
    // One value is a number and no line.
    if let [only] = points {
        return html! { p class="value" { (only.shown) } p class="muted" { (only.label) } };
    }
    let top = points.iter().map(|point| point.value).fold(0.0, f64::max).max(f64::MIN_POSITIVE) * 1.1;
    let place = |at: usize, value: f64| {
        let x =
            if points.len() < 2 { WIDTH / 2.0 } else { 12.0 + (WIDTH - 24.0) * at as f64 / (points.len() - 1) as f64 };
        (x, HEIGHT - 12.0 - (HEIGHT - 36.0) * (value / top).max(0.0))
    };
    let places: Vec<(f64, f64)> = points.iter().enumerate().map(|(at, point)| place(at, point.value)).collect();
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
    let path = format!("M{}", path.join(" L"));
    let ends = places.first().zip(places.last());
    let few = points.len() <= 12;
    html! {
        figure class="chart" {
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(spoken(title, points)) {
                @for part in 0..4 { @let y = 12.0 + (HEIGHT - 24.0) * f64::from(part) / 3.0; line class="grid" x1="0" x2=(WIDTH) y1=(y) y2=(y) {} }
                @if let Some((first, last)) = ends {
                    path class="area" d={ (path) " L" (format!("{:.1}", last.0)) " " (HEIGHT - 12.0) " L" (format!("{:.1}", first.0)) " " (HEIGHT - 12.0) " Z" } {}
                    path class="curve" d=(path) {}
                }
                @if let Some(most) = points.iter().max_by(|a, b| a.value.total_cmp(&b.value)).filter(|_| !few) {
                    @let (x, y) = place(points.iter().position(|point| std::ptr::eq(point, most)).unwrap_or_default(), most.value);
                    circle class="point" cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="4" {}
                    text x=(format!("{:.1}", x.clamp(40.0, WIDTH - 40.0))) y=(format!("{:.1}", y - 9.0)) text-anchor="middle" { (most.shown) }
                }
                @if few {
                    @for ((x, y), point) in places.iter().zip(points) {
                        circle class="point" cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="4" {}
                        text x=(format!("{:.1}", x.clamp(30.0, WIDTH - 30.0))) y=(format!("{:.1}", y - 10.0)) text-anchor="middle" { (point.shown) }
                    }
                }
            }
            @if let Some((first, last)) = points.first().zip(points.last()) {
                p class="ends" aria-hidden="true" { span { (first.label) } span { (last.label) } }
            }
            (table(face, title, points))
        }
    }
}

/// Values side by side.
pub(super) fn bars(face: &Face, title: &str, points: &[Point]) -> Markup {
    let most = points.iter().map(|point| point.value).fold(0.0, f64::max).max(f64::MIN_POSITIVE);
    html! {
        figure class="chart" {
            ul class="bars" role="list" aria-label=(title) {
                @for point in points {
                    li {
                        span class="label" { (point.label) }
                        svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                            rect class="all" width="100" height="10" {}
                            rect class="part" width=(format!("{:.2}", (point.value / most * 100.0).max(0.4))) height="10" {}
                        }
                        span class="value" { (point.shown) }
                    }
                }
            }
            @if points.is_empty() { p class="muted" { (face.t("chart.none")) } }
        }
    }
}

fn spoken(title: &str, points: &[Point]) -> String {
    let each: Vec<String> = points.iter().map(|point| format!("{} {}", point.label, point.shown)).collect();
    format!("{title}: {}", each.join(", "))
}

fn table(face: &Face, title: &str, points: &[Point]) -> Markup {
    html! {
        details {
            summary { (face.t("chart.table")) }
            table {
                caption class="hidden" { (title) }
                thead { tr { th scope="col" { (face.t("chart.when")) } th scope="col" class="number" { (face.t("chart.value")) } } }
                tbody { @for point in points { tr { th scope="row" { (point.label) } td class="number" { (point.shown) } } } }
            }
        }
    }
}
