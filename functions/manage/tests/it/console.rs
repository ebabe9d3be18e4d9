//! The console against a stack that listens: who gets in, what their role shows them, and what a form has to carry.
//! The other functions do not run here; what needs them says so on its page.

mod experiments;
mod preview;

use std::collections::BTreeSet;

use serde_json::json;

use super::staff::hire;
use super::*;

const PASSWORD: &str = "correct horse battery";

/// Somebody's browser.
struct Browser {
    router: Router,
    cookie: String,
    language: &'static str,
}

/// A page.
struct Page {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Page {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The token that the page's forms carry.
    fn token(&self) -> String {
        let (_, rest) = self.text.split_once("name=\"token\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap().to_owned()
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let escaped = |text: &str| {
        text.bytes().fold(String::new(), |out, byte| {
            if byte.is_ascii_alphanumeric() {
                out + &char::from(byte).to_string()
            } else {
                out + &format!("%{byte:02X}")
            }
        })
    };
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
    pairs.collect::<Vec<_>>().join("&")
}

impl Browser {
    async fn send(&self, request: http::request::Builder, body: String) -> Page {
        let request = request.header("cookie", &self.cookie).header("accept-language", self.language);
        let request = request.body(Body::from(body)).unwrap();
        let (head, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Page { status: head.status.as_u16(), headers: head.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path), String::new()).await
    }

    fn form(path: &str) -> http::request::Builder {
        Request::post(path).header("content-type", "application/x-www-form-urlencoded")
    }

    /// A form of the console's own.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send(Self::form(path).header("sec-fetch-site", "same-origin"), encoded(fields)).await
    }

    async fn sign_in(mut self, name: &str) -> Self {
        let fields = [("shop", "demo"), ("name", name), ("password", PASSWORD)];
        let page = self.post("/console/sign-in", &fields).await;
        assert_eq!((page.status, page.header("location")), (303, "/console"), "{}", page.text);
        self.cookie = page.cookie();
        self
    }
}

/// A stack that listens, so that the console reaches the API.
async fn listening() -> (Stack, Browser) {
    beside(Router::new()).await
}

/// The same beside other functions.
async fn beside(others: Router) -> (Stack, Browser) {
    let mut stack = Stack::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let app = App::new(stack.context.clone()).at(&address);
    stack.router = layers::surround(vitrine_manage::router(app));
    let served = others.fallback_service(stack.router.clone());
    tokio::spawn(async move { axum::serve(listener, served).await });
    let browser = Browser { router: stack.router.clone(), cookie: String::new(), language: "en" };
    (stack, browser)
}

fn another(browser: &Browser) -> Browser {
    Browser { router: browser.router.clone(), cookie: String::new(), language: browser.language }
}

#[tokio::test]
async fn whoever_has_not_signed_in_comes_to_the_door() {
    let (stack, browser) = listening().await;
    for path in ["/console", "/console/rules", "/console/visitors?id=u:anna", "/console/staff"] {
        let page = browser.get(path).await;
        assert_eq!((page.status, page.header("location")), (303, "/console/sign-in"), "{path}");
    }
    let part = browser.send(Request::get("/console").header("hx-request", "true"), String::new()).await;
    assert_eq!((part.status, part.header("hx-redirect")), (200, "/console/sign-in"));
    let door = browser.get("/console/sign-in").await;
    assert_eq!(door.status, 200);
    let policy = door.header("content-security-policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!door.text.contains("style=") && !door.text.contains("onclick") && door.text.contains("lang=\"en\""));
    let forged = Browser { cookie: "vitrine-console=AAAA".to_owned(), ..another(&browser) };
    assert_eq!(forged.get("/console/rules").await.status, 303);

    hire(&stack, "anna", "viewer").await;
    let wrong = browser.post("/console/sign-in", &[("shop", "demo"), ("name", "anna"), ("password", "no")]).await;
    assert_eq!((wrong.status, wrong.header("set-cookie")), (401, ""));
    assert!(wrong.text.contains("role=\"alert\"") && wrong.header("www-authenticate").is_empty());
    let right = [("shop", "demo"), ("name", "anna"), ("password", PASSWORD)];
    let page = browser.post("/console/sign-in", &right).await;
    let cookie = page.header("set-cookie");
    for part in ["vitrine-console=", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=28800"] {
        assert!(cookie.contains(part), "{part}: {cookie}");
    }
    assert!(!cookie.contains("vs_") && !cookie.contains("Secure"), "{cookie}");
    let secure = Browser::form("/console/sign-in").header("sec-fetch-site", "same-origin");
    let secure = browser.send(secure.header("x-forwarded-proto", "https"), encoded(&right)).await;
    let cookie = secure.header("set-cookie");
    assert!(cookie.starts_with("__Host-vitrine-console=") && cookie.contains("Secure"), "{cookie}");
}

#[tokio::test]
async fn a_form_is_taken_only_from_the_console_itself() {
    let (stack, browser) = listening().await;
    hire(&stack, "anna", "marketer").await;
    let right = encoded(&[("shop", "demo"), ("name", "anna"), ("password", PASSWORD)]);
    for foreign in [None, Some(("sec-fetch-site", "cross-site")), Some(("origin", "https://evil.example"))] {
        let mut form = Browser::form("/console/sign-in").header("host", "shop.example");
        if let Some((name, value)) = foreign {
            form = form.header(name, value);
        }
        assert_eq!(browser.send(form, right.clone()).await.status, 403, "{foreign:?}");
    }
    let anna = another(&browser).sign_in("anna").await;
    let token = anna.get("/console/rules/new").await.token();
    let rule = [("title", "First"), ("kind", "pin"), ("product", "p"), ("slot", "1"), ("enabled", "yes")];
    let made = async |token: &str| anna.post("/console/rules", &[&rule[..], &[("token", token)]].concat()).await;
    for wrong in ["", "0", &token.replace(|c| c != '0', "0")] {
        assert_eq!(made(wrong).await.status, 403, "{wrong}");
    }
    assert_eq!(stack.get("/v1/rules").await.body["rules"], json!([]));
    let other = another(&browser).sign_in("anna").await;
    let of_other = other.get("/console/rules/new").await.token();
    assert_eq!(made(&of_other).await.status, 403, "another session's token");
    let page = made(&token).await;
    assert_eq!(page.status, 303, "{}", page.text);
    let stored = stack.get("/v1/rules/first").await.body;
    assert_eq!((&stored["name"], &stored["effect"]["slot"]), (&json!("First"), &json!(1)));
    let author = &stack.get("/v1/rules/first/history").await.body["states"][0]["author"];
    assert_eq!(author, "anna");
}

#[tokio::test]
async fn every_page_opens_for_every_role_in_both_languages() {
    let (stack, browser) = listening().await;
    stack.put("/v1/rules/a", None, &json!({"effect": {"kind": "pin", "product": "p", "slot": 1}})).await;
    let design = json!({"kind": "variants", "variants": [{"id": "control"}, {"id": "b", "changes": [{"kind": "strategy", "placement": "home", "strategy": "trending"}]}]});
    let made =
        stack.put("/v1/experiments/e", None, &json!({"design": design, "metrics": {"primary": "conversion"}})).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let paths = [
        "/console",
        "/console/results",
        "/console/results?last=7",
        "/console/results?from=2026-11-02&to=2026-11-01",
        "/console/placements",
        "/console/placements/home",
        "/console/rules",
        "/console/rules/a",
        "/console/segments",
        "/console/segments/deal-hunters",
        "/console/experiments",
        "/console/experiments/e",
        "/console/models",
        "/console/settings",
    ];
    let of_editors = [
        "/console/placements/new",
        "/console/rules/new",
        "/console/segments/new",
        "/console/experiments/new",
        "/console/experiments/e/edit",
    ];
    for role in ["viewer", "marketer", "admin"] {
        hire(&stack, role, role).await;
        let mut one = another(&browser).sign_in(role).await;
        for language in ["en", "fr"] {
            one.language = language;
            for path in paths {
                let page = one.get(path).await;
                assert_eq!(page.status, 200, "{role} {language} {path}: {}", page.text);
                assert!(
                    page.text.contains(&format!("<html lang=\"{language}\">"))
                        && page.header("cache-control") == "no-store"
                );
                let saves =
                    page.text.contains(if language == "en" { ">Save</button>" } else { ">Enregistrer</button>" });
                assert!(!saves || role != "viewer", "{path} offers what a viewer cannot do");
            }
            for path in of_editors {
                assert_eq!(one.get(path).await.status, if role == "viewer" { 403 } else { 200 }, "{role} {path}");
            }
            let visitors = one.get("/console/visitors").await.status;
            assert_eq!(visitors, if role == "admin" { 200 } else { 403 }, "{role}");
            let staff = one.get("/console/staff").await;
            assert_eq!(staff.status, if role == "admin" { 200 } else { 403 }, "{role}");
            assert_eq!(staff.text.contains("/console/staff\""), role == "admin", "the way there is shown to admins");
        }
        // A language that was chosen is remembered, whatever the browser prefers.
        one.language = "en";
        let chosen = one.get("/console?lang=fr").await;
        assert!(chosen.text.contains("<html lang=\"fr\">"));
        one.cookie = format!("{}; {}", one.cookie, chosen.cookie());
        assert!(one.get("/console").await.text.contains("<html lang=\"fr\">"));
    }
}

#[tokio::test]
async fn a_viewer_who_sends_a_form_all_the_same_is_refused_by_the_api() {
    let (stack, browser) = listening().await;
    hire(&stack, "vera", "viewer").await;
    let vera = browser.sign_in("vera").await;
    let token = vera.get("/console/rules").await.token();
    let rule = [("title", "First"), ("kind", "hide"), ("filter", "price > 1"), ("token", &*token)];
    let page = vera.post("/console/rules", &rule).await;
    assert_eq!(page.status, 403);
    assert!(page.text.contains("Your role does not allow this"), "{}", page.text);
    assert_eq!(stack.get("/v1/rules").await.body["rules"], json!([]));
}

#[tokio::test]
async fn what_people_call_things_is_text_and_nothing_else() {
    let (stack, browser) = listening().await;
    let name = "<script>alert(1)</script>\"'>&";
    let rule = json!({"name": name, "when": {"categories": [name]}, "effect": {"kind": "hide", "filter": {"field": "brand", "op": "=", "value": name}}});
    let made = stack.put("/v1/rules/hostile", None, &rule).await;
    let filter = json!({"name": name, "description": name, "filter": "orders > 1"});
    stack.put("/v1/segments/hostile", None, &filter).await;
    hire(&stack, "anna", "marketer").await;
    let anna = browser.sign_in("anna").await;
    let paths = ["/console", "/console/rules", "/console/rules/new", "/console/segments", "/console/segments/hostile"];
    for path in paths.into_iter().chain((made.status == 200).then_some("/console/rules/hostile")) {
        let page = anna.get(path).await;
        assert!(!page.text.contains("<script>alert"), "{path}");
    }
    let listed = anna.get("/console/segments").await.text;
    assert!(listed.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{listed}");
    let token = anna.get("/console/rules").await.token();
    let refused =
        [("title", name), ("kind", "boost"), ("filter", "\"><img src=x>"), ("factor", "0"), ("token", &*token)];
    let page = anna.post("/console/rules", &refused).await;
    assert_eq!(page.status, 422);
    assert!(!page.text.contains("<img src=x") && page.text.contains("aria-invalid=\"true\""), "{}", page.text);
    assert!(page.text.contains("aria-describedby=\"factor-hint factor-fault\""), "the fault is bound to its field");
}

#[tokio::test]
async fn nothing_has_a_name_as_long_as_an_address_can_be() {
    let (stack, browser) = listening().await;
    hire(&stack, "anna", "admin").await;
    let anna = browser.sign_in("anna").await;
    let token = anna.get("/console/staff").await.token();
    let name = "x".repeat(70_000);
    let staff = [("name", &*name), ("role", "viewer"), ("new_password", "long enough of nobody"), ("token", &*token)];
    assert!((400..500).contains(&anna.post("/console/staff", &staff).await.status));
}

#[tokio::test]
async fn a_session_that_has_ended_leads_to_the_door() {
    let (stack, browser) = listening().await;
    hire(&stack, "anna", "marketer").await;
    let anna = another(&browser).sign_in("anna").await;
    let token = anna.get("/console/rules").await.token();
    stack.put("/v1/staff/anna", None, &json!({"role": "viewer"})).await;
    let page = anna.get("/console/rules").await;
    assert_eq!((page.status, page.header("location")), (303, "/console/sign-in?said=over"));
    assert_eq!(
        anna.post("/console/rules", &[("token", &*token)]).await.header("location"),
        "/console/sign-in?said=over"
    );

    let anna = another(&browser).sign_in("anna").await;
    let token = anna.get("/console/rules").await.token();
    let left = anna.post("/console/sign-out", &[("token", &*token)]).await;
    assert_eq!((left.status, left.header("location")), (303, "/console/sign-in?said=left"));
    assert!(left.header("set-cookie").contains("Max-Age=0"), "{}", left.header("set-cookie"));
    assert_eq!(anna.get("/console/rules").await.status, 303, "the old cookie opens nothing any more");
}

#[tokio::test]
async fn rules_are_put_in_order_and_settings_changed_over_what_was_seen() {
    let (stack, browser) = listening().await;
    for id in ["a", "b", "c"] {
        stack
            .put(
                &format!("/v1/rules/{id}"),
                None,
                &json!({"effect": {"kind": "at_most", "attribute": "brand", "count": 3}}),
            )
            .await;
    }
    hire(&stack, "anna", "marketer").await;
    let anna = browser.sign_in("anna").await;
    let token = anna.get("/console/rules").await.token();
    let order = async |fields: &[(&str, &str)]| {
        let page = anna.post("/console/rules/order", &[fields, &[("token", &*token)]].concat()).await;
        assert_eq!(page.status, 303, "{}", page.text);
        let rules = stack.get("/v1/rules").await.body;
        let ids = rules["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap().to_owned());
        ids.collect::<Vec<_>>().join(",")
    };
    assert_eq!(order(&[("order", "a,b,c"), ("move", "up:c")]).await, "a,c,b");
    assert_eq!(order(&[("order", "c,b,a")]).await, "c,b,a");
    assert_eq!(order(&[("order", "c,b,a"), ("move", "up:c")]).await, "c,b,a", "it is the first already");

    let edit = [("title", "B"), ("kind", "hide"), ("filter", "price > 9"), ("version", "1"), ("token", &*token)];
    let stale = anna.post("/console/rules/b", &edit).await;
    assert_eq!(stale.status, 412);
    assert!(stale.text.contains("Somebody else changed it meanwhile"), "{}", stale.text);
    let hold_out = [("hold_share", "12,5"), ("version", "0"), ("token", &*token)];
    assert_eq!(anna.post("/console/settings/hold-out", &hold_out).await.status, 303);
    assert_eq!(stack.get("/v1/settings/hold-out").await.body["share"], 0.125);
    let too_much = [("hold_share", "99"), ("version", "1"), ("token", &*token)];
    assert_eq!(anna.post("/console/settings/hold-out", &too_much).await.status, 422);
}

#[tokio::test]
async fn what_was_removed_has_a_page_with_the_way_back() {
    let (stack, browser) = listening().await;
    let pin = json!({"name": "A pin", "effect": {"kind": "pin", "product": "p", "slot": 3}});
    stack.put("/v1/rules/a", None, &pin).await;
    stack.delete("/v1/rules/a", None).await;
    for (name, role) in [("anna", "marketer"), ("vera", "viewer")] {
        hire(&stack, name, role).await;
        let one = another(&browser).sign_in(name).await;
        for path in ["/console/rules/a", "/console/rules"] {
            let page = one.get(path).await;
            assert_eq!((page.status, page.text.contains("A pin")), (200, true), "{path}");
            assert_eq!(page.text.contains("Have it back"), role == "marketer", "{path}, {role}");
        }
        assert_eq!(one.get("/console/rules/never").await.status, 404);
    }
    let anna = another(&browser).sign_in("anna").await;
    let token = anna.get("/console/rules/a").await.token();
    let undo = |version| [("revision", "1"), ("version", version), ("token", &*token)];
    let stale = anna.post("/console/undo/rules/a", &undo("7")).await;
    assert_eq!(stale.status, 412, "somebody else made it anew");
    let back = anna.post("/console/undo/rules/a", &undo("0")).await;
    assert_eq!((back.status, back.header("location")), (303, "/console/rules/a?said=undone"), "{}", back.text);
    assert_eq!(stack.get("/v1/rules/a").await.body["effect"]["slot"], 3);

    // A setting that there is one of goes back on its own page.
    stack.put("/v1/settings/training", None, &json!({"keep": 5})).await;
    let page = anna.get("/console/settings").await;
    assert!(page.text.contains("Versions kept: 5"), "{}", page.text);
    let back =
        anna.post("/console/undo/settings/training", &[("revision", "0"), ("version", "1"), ("token", &*token)]).await;
    assert_eq!((back.status, back.header("location")), (303, "/console/settings?said=undone"), "{}", back.text);
    assert_eq!(stack.get("/v1/settings/training").await.body["keep"], 3);
}

#[tokio::test]
async fn what_the_api_refuses_is_said_in_the_language_of_the_page() {
    let (stack, browser) = listening().await;
    hire(&stack, "anna", "admin").await;
    let mut anna = browser.sign_in("anna").await;
    let token = anna.get("/console/rules").await.token();
    let rule = [("title", "A"), ("kind", "hide"), ("filter", "brand >"), ("slot", "3"), ("version", "0")];
    let placement = [("placement_name", "A"), ("strategy", "trending"), ("limit", ""), ("version", "0")];
    let attribution = [("click_days", "99"), ("view_days", "1"), ("currency", "euros"), ("version", "0")];
    let staff = [("name", "bert"), ("role", "marketer"), ("new_password", "short")];
    for (path, fields, english, french) in [
        (
            "/console/rules",
            &rule[..],
            "the filter cannot be read at character 8",
            "la condition ne se lit pas au caractère 8",
        ),
        ("/console/placements", &placement[..], "is not what belongs here", "n’est pas ce qui se met ici"),
        ("/console/settings/attribution", &attribution[..], "three capital letters", "trois capitales"),
        ("/console/staff", &staff[..], "12 characters to 200 bytes", "au moins 12 caractères"),
    ] {
        for (language, said, other) in [("en", english, french), ("fr", french, english)] {
            anna.language = language;
            let page = anna.post(path, &[fields, &[("token", &*token)]].concat()).await;
            assert_eq!(page.status, 422, "{path}: {}", page.text);
            assert!(page.text.contains(said) && !page.text.contains(other), "{path} {language}: {}", page.text);
        }
    }
}

#[tokio::test]
async fn results_are_told_for_a_period_with_what_is_attributed_beside_what_is_caused() {
    let (stack, browser) = listening().await;
    super::results::write(&stack).await;
    hire(&stack, "vera", "viewer").await;
    let mut vera = browser.sign_in("vera").await;
    let page = vera.get("/console/results").await;
    // The words of the card, its figures (all that was ordered followed a click, two of three would not be there), and how sure.
    for told in [
        "Everybody counts once",
        "last=28\" aria-current=\"true\"",
        "Attributed to recommendations",
        "100.0%",
        "800 EUR, 80 products",
        "more (0 EUR, 0 products)",
        "Caused by personalization",
        "66.7%",
        ">sure<",
        "So it is sure that personalization sells more.",
        "Star",
        "By channel",
        "Visits each",
        "Days to first order",
        "Say what is left of revenue",
    ] {
        assert!(page.text.contains(told), "{told}: {}", page.text);
    }
    let days = vera.get("/console/results?from=2026-11-01&to=2026-11-22").await;
    assert!(
        days.text.contains("counts on each of them") && days.text.contains("value=\"2026-11-01\""),
        "{}",
        days.text
    );
    assert!(!days.text.contains("28\" aria-current"), "no window is chosen");
    let none = vera.get("/console/results?from=2026-11-02&to=2026-11-01").await;
    assert!(none.status == 200 && none.text.contains("has to come before the last one"), "{}", none.text);
    vera.language = "fr";
    let page = vera.get("/console/results?last=7").await;
    assert!(page.text.contains("Causé par la personnalisation") && page.text.contains("66,7"), "{}", page.text);

    // The cost of what was measured, with the day and the pages of its prices.
    vera.language = "en";
    let by = json!({"click_days": 7.0, "view_days": 1.0, "margin": 0.25, "per_dollar": 0.5});
    stack.put("/v1/settings/attribution", None, &by).await;
    let prices = json!({"region": "eu-west-3", "as_of": "2026-11-01", "verified": false, "sources": ["https://example.com/"],
        "recorded": "a run", "million_decisions": 6_000.0, "million_events": 4_000.0, "month": 3.0});
    stack.put("/v1/settings/cloud-prices", None, &prices).await;
    let page = vera.get("/console/results").await.text;
    // (3 + 8 x 30.4375) dollars are 123.25 euros.
    for told in
        ["123.25 EUR", "1 Nov 2026, eu-west-3", "not compared with their pages", "href=\"https://example.com/\""]
    {
        assert!(page.contains(told), "{told}: {page}");
    }
}

#[tokio::test]
async fn files_are_kept_for_good_and_named_by_what_they_hold() {
    let (_stack, browser) = listening().await;
    let door = browser.get("/console/sign-in").await.text;
    let files: Vec<&str> = door.split('"').filter(|text| text.starts_with("/console/assets/")).collect();
    assert_eq!(files.len(), 3);
    for file in files {
        let page = browser.get(file).await;
        assert!(
            page.status == 200 && page.header("cache-control").contains("immutable") && page.text.len() > 500,
            "{file}"
        );
        assert_eq!(browser.get(&file.replace('-', "-0")).await.status, 404);
    }
}
