//! Who is like the visitors of a segment: how many against how alike, and one click to a segment of them.

use maud::{Markup, html};
use serde_json::Value;

use crate::console::fields::escaped;
use crate::console::format::{day_and_time, number, percent};
use crate::console::parts::{list, text};
use crate::console::session::Face;
use crate::console::words::filled;

pub(super) fn section(face: &Face, name: &str, found: Option<&Value>) -> Markup {
    let Some(found) = found else { return html! {} };
    let sizes = list(found, "sizes");
    let language = face.language;
    let real = |value: &Value| value.as_f64().unwrap_or_default();
    let cosine = |value: &Value| number(language, real(value), 2);
    let about = [("when", day_and_time(language, text(found, "made"))), ("own", cosine(&found["own"]))];
    let about: Vec<(&str, &str)> = about.iter().map(|(gap, with)| (*gap, with.as_str())).collect();
    html! {
        section class="card" aria-labelledby="alike" {
            h2 id="alike" { (face.t("alike.title")) }
            @if sizes.is_empty() {
                p class="muted" { (face.t("alike.none")) }
            } @else {
                p class="muted" { (filled(face.t("alike.about"), &about)) }
                div class="wide" {
                    table {
                        caption class="hidden" { (face.t("alike.title")) }
                        thead { tr {
                            @for word in ["alike.size", "alike.visitors", "alike.similarity", "alike.found"] {
                                th scope="col" class="number" { (language.word(word)) }
                            }
                            @if face.edits() { th scope="col" { span class="hidden" { (face.t("alike.make")) } } }
                        } }
                        tbody {
                            @for size in sizes {
                                @let of_all = percent(language, real(&size["percent"]) / 100.0, 0);
                                tr {
                                    th scope="row" class="number" { (of_all) }
                                    td class="number" { (number(language, real(&size["visitors"]), 0)) }
                                    td class="number" { (cosine(&size["similarity"])) }
                                    td class="number" { (percent(language, real(&size["found"]), 0)) }
                                    @if face.edits() {
                                        @let title = filled(face.t("alike.named"), &[("name", name), ("size", &of_all)]);
                                        td { a href={ "/console/segments/new?title=" (escaped(&title)) "&filter=" (escaped(text(size, "filter"))) } { (face.t("alike.make")) } }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
