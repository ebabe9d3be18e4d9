//! Who may sign in, and as what. For admins.

use axum::extract::Path;
use http::StatusCode;
use maud::{Markup, html};
use serde_json::{Value, json};
use vitrine_store::staff::Role;

use super::client::{Answer, Trouble};
use super::fields::{Fields, Sent, escaped};
use super::form::{Form, worded};
use super::format::day;
use super::guard::see;
use super::page::{page as whole_page, token};
use super::parts::{confirmed, list, text};
use super::session::{Desk, Face};

pub(super) async fn page(desk: Desk) -> Answer {
    show(&desk, &Fields::default().with("role", "marketer"), None).await
}

async fn show(desk: &Desk, fields: &Fields, trouble: Option<&Trouble>) -> Answer {
    let face = &*desk.face;
    let answer = desk.api.get("/v1/staff").await?;
    let form = Form { face, fields, trouble };
    let roles = worded(face, "role", &Role::ALL.map(Role::as_str));
    let body = html! {
        div class="lead" { p { (face.t("staff.about")) } }
        div class="wide" { table {
            caption class="hidden" { (face.t("nav.staff")) }
            thead { tr { th scope="col" { (face.t("field.name")) } th scope="col" { (face.t("field.role")) } th scope="col" { (face.t("staff.since")) } th scope="col" { span class="hidden" { (face.t("staff.remove")) } } } }
            tbody { @for one in list(&answer, "staff") { (row(face, one)) } }
        } }
        section class="card narrow" aria-labelledby="add" {
            h2 id="add" { (face.t("staff.add")) }
            p class="muted" { (face.t("staff.adding")) }
            (form.trouble())
            form method="post" action="/console/staff" {
                (token(face))
                (form.line("name", "text", "name"))
                (form.select("role", "/role", &roles))
                (form.line("new_password", "password", "/password"))
                p class="actions" { button { (face.t("form.save")) } }
            }
        }
    };
    let mut response = whole_page(desk, face.t("nav.staff"), &body);
    *response.status_mut() = trouble.map_or(StatusCode::OK, |trouble| trouble.status);
    Ok(response)
}

fn row(face: &Face, one: &Value) -> Markup {
    let name = text(one, "name");
    let own = face.ticket.as_ref().is_some_and(|ticket| ticket.name == name);
    html! {
        tr {
            th scope="row" { (name) }
            td { (face.language.word(&format!("role.{}", text(one, "role")))) }
            td { (day(face.language, text(one, "created"))) }
            td { @if !own { (confirmed(face, &format!("/console/staff/{}/remove", escaped(name)), face.t("staff.remove"), face.t("staff.removing"), &[])) } }
        }
    }
}

pub(super) async fn save(Sent { desk, fields }: Sent) -> Answer {
    let mut body = json!({"role": fields.get("role")});
    if !fields.raw("new_password").is_empty() {
        body["password"] = fields.raw("new_password").into();
    }
    match desk
        .api
        .send(http::Method::PUT, &format!("/v1/staff/{}", escaped(fields.get("name"))), None, Some(&body))
        .await
    {
        Ok(_) => Ok(see("/console/staff?said=saved")),
        Err(trouble) if trouble.is_mendable() => {
            // What was typed as a password does not come back in a page.
            let kept = Fields::default().with("name", fields.get("name")).with("role", fields.get("role"));
            show(&desk, &kept, Some(&trouble)).await
        }
        Err(trouble) => Err(trouble),
    }
}

pub(super) async fn remove(Path(name): Path<String>, Sent { desk, .. }: Sent) -> Answer {
    desk.api.delete(&format!("/v1/staff/{}", escaped(&name)), None).await?;
    Ok(see("/console/staff?said=removed"))
}
