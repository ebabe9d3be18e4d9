//! The door: signing in and out.

use axum::extract::{FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use maud::{Markup, html};

use super::Console;
use super::client::{Answer, Trouble};
use super::fields::{Asked, Fields, Sent};
use super::form::Form;
use super::guard::see;
use super::page::shell;
use super::parts::notice;
use super::session::{Face, Guest, Ticket, cookie, is_secure};
use crate::address::Address;
use crate::sessions::{SignIn, open};

fn door(face: &Face, fields: &Fields, wrong: Option<&str>) -> Markup {
    let form = Form { face, fields, trouble: None };
    let body = html! {
        @if let Some(wrong) = wrong { (notice("bad", html! { (wrong) })) }
        form method="post" action="/console/sign-in" class="card" {
            (form.line("shop", "text", ""))
            (form.line("name", "text", ""))
            div class="field" {
                label for="password" { (face.t("field.password")) }
                input id="password" name="password" type="password" autocomplete="current-password" required;
            }
            button { (face.t("door.enter")) }
        }
        p class="muted" { (face.t("door.help")) }
    };
    shell(face, face.t("door.title"), &body)
}

pub(super) async fn page(Guest(face): Guest) -> Response {
    if face.ticket.is_some() {
        return see("/console");
    }
    door(&face, &Fields::default(), None).into_response()
}

/// Signs in. It is what `POST /v1/sessions` does, with the address that the browser's request came from.
pub(super) async fn submit(State(console): State<Console>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Address(address) = match Address::from_request_parts(&mut parts, &console).await {
        Ok(address) => address,
        Err(never) => match never {},
    };
    let secure = is_secure(&parts);
    let asked =
        <Asked as axum::extract::FromRequest<Console>>::from_request(Request::from_parts(parts, body), &console);
    let Asked { guest: Guest(face), fields } = match asked.await {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let text = |name: &str| fields.get(name).to_owned();
    let sign_in = SignIn { shop: text("shop"), name: text("name"), password: fields.raw("password").to_owned() };
    match open(&console.app, sign_in, &address).await {
        Ok(session) => {
            let ticket = Ticket::of(session, console.app.context.clock.now());
            let mut response = see("/console");
            if let Some(cookie) = cookie(&console, Some(&ticket), secure) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            response
        }
        Err(problem) => {
            let word = match problem.status.as_u16() {
                401 => "door.wrong",
                429 => "door.often",
                _ => "trouble.unavailable",
            };
            (problem.status, door(&face, &fields, Some(face.language.word(word)))).into_response()
        }
    }
}

/// Signs out. The cookie goes whatever the API says of the session.
pub(super) async fn leave(State(console): State<Console>, sent: Sent) -> Answer {
    let ended: Result<_, Trouble> = sent.desk.api.delete("/v1/sessions", None).await;
    if let Err(trouble) = ended {
        tracing::warn!(why = trouble.detail, "a session was not ended");
    }
    let mut response = see("/console/sign-in?said=left");
    for secure in [true, false] {
        if let Some(cookie) = cookie(&console, None, secure) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
    }
    Ok(response)
}
