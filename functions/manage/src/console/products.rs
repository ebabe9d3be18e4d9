//! Products: found by name or id, and why one of them is shown to a visitor, or is not.

use axum::extract::{Path, Query};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::Answer;
use super::fields::escaped;
use super::format::{number, percent};
use super::page::back;
use super::page::page;
use super::parts::{count, empty, list as elements, picture, text};
use super::rules::{Wish, refused, wishes};
use super::segments;
use super::session::{Desk, Face};
use super::words::filled;

/// Places of a list that are looked at.
const DEPTH: usize = 100;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    q: String,
}

pub(super) async fn list(desk: Desk, Query(Search { q }): Query<Search>) -> Answer {
    let face = &*desk.face;
    let search = format!("/v1/products?limit=48&q={}", escaped(&q));
    let by_id = format!("/v1/products/{}", escaped(&q));
    let exact = async { if q.is_empty() { Ok(None) } else { desk.api.find(&by_id).await } };
    let (found, exact) = tokio::join!(desk.api.find(&search), exact);
    let found = found?.unwrap_or_default();
    // What is typed may be no id at all.
    let exact = exact.ok().flatten();
    let products = elements(&found, "products");
    let total = found["total"].as_u64().and_then(|total| usize::try_from(total).ok()).unwrap_or(products.len());
    let body = html! {
        div class="lead" { p { (face.t("products.about")) } }
        form role="search" class="search" action="/console/products" {
            label for="q" class="hidden" { (face.t("products.search")) }
            input id="q" name="q" type="search" value=(q) placeholder=(face.t("products.search"));
            button { (face.t("products.find")) }
        }
        @if let Some(product) = &exact { ul class="products" { (card(face, product)) } }
        @if !products.is_empty() { p class="muted" { (count(face, total, "products.one", "products.many")) } }
        @if products.is_empty() && exact.is_none() { (empty(face.t("products.none"), face.t("products.other"), None)) }
        ul class="products" { @for product in products { (card(face, product)) } }
    };
    Ok(page(&desk, face.t("nav.products"), &body))
}

fn price(face: &Face, product: &Value) -> String {
    let price = product["sale_price"].as_f64().or_else(|| product["price"].as_f64());
    price.map(|price| format!("{} {}", number(face.language, price, 2), text(product, "currency"))).unwrap_or_default()
}

fn card(face: &Face, product: &Value) -> Markup {
    html! {
        li class="product" {
            (picture(product))
            div {
                a href={ "/console/products/" (escaped(text(product, "id"))) } { (text(product, "title")) }
                p class="muted" { (text(product, "brand")) " · " (text(product, "id")) }
                p { (price(face, product)) }
            }
        }
    }
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Why {
    as_visitor: Option<String>,
    in_segment: Option<String>,
    at_placement: Option<String>,
    at_product: Option<String>,
    at_category: Option<String>,
    at_basket: Option<String>,
}

pub(super) async fn show(desk: Desk, Path(id): Path<String>, Query(why): Query<Why>) -> Answer {
    let face = &*desk.face;
    let path = format!("/v1/products/{}", escaped(&id));
    let (product, placements, segments) =
        tokio::join!(desk.api.get(&path), desk.api.get("/v1/placements"), segments::choices(&desk.api));
    let (product, placements, segments) = (product?, placements?, segments?);
    let names: Vec<String> =
        elements(&placements, "placements").iter().map(|one| text(one, "name").to_owned()).collect();
    let typed = |text: Option<String>| text.unwrap_or_default().trim().to_owned();
    let asked = why.at_placement.is_some();
    let wish = Wish {
        visitor: typed(why.as_visitor),
        segment: typed(why.in_segment),
        placement: typed(why.at_placement),
        product: typed(why.at_product),
        category: typed(why.at_category),
        basket: typed(why.at_basket),
    };
    let shown = if asked { Some(reasons(&desk, &id, &wish).await?) } else { None };
    let category = elements(&product, "category").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" › ");
    let body = html! {
        (back("/console/products", face.t("nav.products")))
        div class="columns" {
            section class="card product-page" {
                (picture(&product))
                dl class="facts" {
                    div { dt { (face.t("products.id")) } dd { code { (id) } } }
                    @for (word, value) in [("products.brand", text(&product, "brand").to_owned()), ("products.category", category), ("products.price", price(face, &product)),
                        ("products.stock", product["stock"].as_i64().map(|stock| stock.to_string()).unwrap_or_default())] {
                        @if !value.trim().is_empty() { div { dt { (face.language.word(word)) } dd { (value) } } }
                    }
                }
                @if face.edits() { p { a class="button quiet" href={ "/console/rules/new?kind=pin&product=" (escaped(&id)) } { (face.t("products.pin")) } } }
            }
            section class="card" aria-labelledby="why" {
                h2 id="why" { (face.t("why.title")) }
                p class="muted" { (face.t("why.about")) }
                form id="why-form" action={ "/console/products/" (escaped(&id)) } {
                    (wishes(face, (&names, &segments), &wish, "why-form"))
                    button { (face.t("why.show")) }
                }
                div aria-live="polite" { @if let Some(shown) = shown { (shown) } }
            }
        }
    };
    Ok(page(&desk, text(&product, "title"), &body))
}

/// Where it stands for a visitor and for what reasons. The list is a preview: nobody is told that it was shown.
async fn reasons(desk: &Desk, id: &str, wish: &Wish) -> Result<Markup, super::client::Trouble> {
    let face = &*desk.face;
    let mut question = wish.question(face, &desk.api).await;
    question["limit"] = DEPTH.into();
    let path = format!("/v1/recommendations/{}/preview", escaped(&wish.placement));
    let answer = match desk.api.post(&path, &question).await {
        Ok(answer) => answer,
        Err(trouble) if trouble.status.is_client_error() && trouble.status.as_u16() != 401 => {
            return Ok(refused(&trouble));
        }
        Err(trouble) => return Err(trouble),
    };
    let before = &answer["before"];
    let Some(item) = standing(before, id) else {
        let many = elements(before, "items").len().to_string();
        let absent = html! { p class="told" { (filled(face.t("why.absent"), &[("many", &many)])) } };
        return Ok(html! { (absent) p { (kept_out(desk, id, &path, &question, before).await?) } });
    };
    let place = item["position"].to_string();
    Ok(html! {
        p class="told" { (filled(face.t("why.place"), &[("place", &place)])) }
        (reason_list(face, item))
    })
}

fn standing<'a>(list: &'a Value, id: &str) -> Option<&'a Value> {
    elements(list, "items").iter().find(|item| text(item, "product_id") == id)
}

/// What keeps a product out of a list: found by asking for the list without the shop's rules, and without what its placement
/// leaves out.
async fn kept_out(
    desk: &Desk,
    id: &str,
    path: &str,
    question: &Value,
    list: &Value,
) -> Result<String, super::client::Trouble> {
    let face = &*desk.face;
    let with = |member: &str, value: Value| {
        let mut question = question.clone();
        question[member] = value;
        question
    };
    let open = json!({"filter": null, "viewed": "allow", "bought": "allow"});
    let (ruleless, open) = (with("rules", json!([])), with("placement", open));
    let (ruleless, open) = tokio::join!(desk.api.post(path, &ruleless), desk.api.post(path, &open));
    let place = |answer: &Value| standing(&answer["after"], id).map(|item| item["position"].to_string());
    Ok(match (place(&ruleless?), place(&open?)) {
        (Some(place), _) => {
            let acting: Vec<&str> = elements(list, "rules").iter().filter_map(Value::as_str).collect();
            filled(face.t("why.rules"), &[("place", &place), ("rules", &acting.join(", "))])
        }
        (None, Some(place)) => filled(face.t("why.placement"), &[("place", &place)]),
        (None, None) => face.t("why.lower").to_owned(),
    })
}

/// The reasons of an item, the weightiest first.
pub(super) fn reason_list(face: &Face, item: &Value) -> Markup {
    html! {
        ul class="reasons" {
            @for reason in elements(item, "reasons") {
                @let share = reason["share"].as_f64().unwrap_or_default();
                li {
                    (text(reason, "text"))
                    @if share > 0.0 { " " span class="muted" { (percent(face.language, share, 0)) } }
                }
            }
        }
    }
}
