//! What a shop earned, as it is told.

use serde_json::json;
use vitrine_domain::consent::granted;
use vitrine_domain::results::{Held, Made, Results, Side, Terms, Trial};
use vitrine_domain::statistics::Moments;
use vitrine_domain::{Action, Event, Line, MessageId, ProductId, Visitor};
use vitrine_store::results::{Head, Stored};

use super::*;

/// An event of a day, an order worth an amount.
fn event(n: u32, action: Action, amount: f64) -> Event {
    let visitor = Visitor::anonymous(format!("device-{n}")).unwrap();
    let mut event = Event::new(MessageId::new(format!("m{n}{action:?}")).unwrap(), visitor, NOW, action);
    event.lines = vec![Line { price: Some(amount), ..Line::of(ProductId::new("tea").unwrap()) }];
    event
}

/// 400 people look at a list, every other one is held out; of the served three of ten order, of the others one of ten.
pub(super) async fn write(stack: &Stack) {
    let mut results = Results::default();
    let made = Made { rules: vec!["spring".to_owned()], ..Made::default() };
    for n in 0..400 {
        let held_out = n % 2 == 1;
        let orders = (n / 2) % 10 < if held_out { 1 } else { 3 };
        let mut events = Vec::new();
        for (list, decision) in [("home", "d1"), ("similar", "d2")] {
            for action in [Action::List, Action::Click] {
                let mut event = event(n, action, 1.0);
                (event.list, event.decision_id) = (Some(list.to_owned()), Some(decision.to_owned()));
                // The second placement is seen by all and clicked by few.
                events.extend((list == "home" || action == Action::List || n < 40).then_some(event));
            }
        }
        events.extend(orders.then(|| event(n, Action::Order, 10.0)));
        let logged = |decision: &str| (decision == "d1").then_some(&made);
        results.take_in(
            &granted(&events),
            &["all".to_owned()],
            Some(Held { out: held_out, since: Millis(0) }),
            &logged,
            &Terms { made: Some(NOW), ..Terms::new("EUR") },
        );
        if n == 0 {
            (0..1_000).for_each(|_| results.decided(NOW, Some("home"), &Made::default()));
            (0..500).for_each(|_| results.kept(&events[0]));
        }
    }
    let moments = |n, did| Moments::of_counts(n, did);
    let metric = serde_json::from_value(json!("conversion")).unwrap();
    let trial = Trial {
        exposed: vec![5_000, 5_000],
        metrics: [(metric, vec![moments(5_000, 500), moments(5_000, 650)])].into(),
        ..Trial::default()
    };
    results.trials.insert("bolder".to_owned(), trial);
    let currency = "EUR".to_owned();
    let head = Head { at: NOW, currency, people: 400, held_out: Some(0.5), ..Head::default() };
    stack.context.objects.put_results(&shop("demo"), Stored { head, results }).await.unwrap();
}

#[tokio::test]
async fn key_figures_funnels_and_what_personalization_caused() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/results").await.problem(), (409, "no-results"));
    write(&stack).await;
    assert_eq!(stack.get("/v1/results").await.body["business_case"], Value::Null, "nobody said the margin");
    let by = json!({"click_days": 7.0, "view_days": 1.0, "margin": 0.25, "cost_per_month": 1_000.0});
    assert_eq!(stack.put("/v1/settings/attribution", None, &by).await.status, StatusCode::OK);
    let all = stack.get("/v1/results").await.body;
    assert_eq!(
        (&all["to"], &all["from"], &all["currency"]),
        (&json!("2026-11-22"), &json!("2026-10-24"), &json!("EUR"))
    );
    let total = &all["total"];
    assert_eq!((&total["visitors"], &total["orders"], &total["revenue"]), (&json!(400), &json!(80), &json!(800.0)));
    assert_eq!((&total["conversion"], &total["order_value"]), (&json!(0.2), &json!(10.0)));
    assert_eq!((all["days"].as_array().unwrap().len(), &all["segments"]["all"]), (1, total));
    let (home, similar) = (&all["placements"]["home"], &all["placements"]["similar"]);
    assert_eq!((&home["shown"], &home["click_through"], &similar["clicked"]), (&json!(400), &json!(1.0), &json!(40)));
    let rules = all["rules"].as_object().unwrap();
    assert_eq!((rules.len(), &rules["spring"]["shown"], &rules["spring"]["ordered"]), (1, &json!(400), &json!(72)));
    assert!(rules["spring"]["use_case"].is_null(), "one has no others to be measured by");
    // Of the forty who clicked there last, eight ordered.
    assert_eq!((&similar["ordered"], &home["ordered"]), (&json!(8), &json!(72)));
    assert_eq!((&home["use_case"], &similar["use_case"]), (&json!("star"), &json!("question")));
    assert_eq!((&all["loyalty"]["one_time"], &all["loyalty"]["one_time_share"]), (&json!(80), &json!(1.0)));

    let caused = &all["personalization"];
    assert_eq!((&caused["served"], &caused["held_out"]), (&json!(200), &json!(200)));
    let number = |at: &str| caused.pointer(at).unwrap().as_f64().unwrap();
    assert!((number("/conversion/value") - 0.2).abs() < 1e-9 && number("/conversion/low") > 0.05);
    assert!((number("/revenue_per_person/value") - 2.0).abs() < 1e-9);
    assert!((number("/revenue/value") - 400.0).abs() < 1e-6, "two euros for each of 200");
    // Three euros each against one: two of three would not be there.
    for share in ["/share_of_revenue", "/share_of_conversion"] {
        assert!((number(&format!("{share}/value")) - 2.0 / 3.0).abs() < 1e-9, "{share}");
        let (low, high) = (number(&format!("{share}/low")), number(&format!("{share}/high")));
        assert!(0.2 < low && low < 0.5 && 0.85 < high && high < 1.1, "{share}: {low} to {high}");
    }
    assert_eq!((&caused["division"]["alarm"], &caused["division"]["expected"]), (&json!(false), &json!(200.0)));
    assert_eq!(all["experiments"], Value::Null, "people are held out of personalization too");
    // Beside it, in the same days: all eighty orders were clicked before.
    let beside = &caused["attributed"];
    assert_eq!((&caused["from"], &caused["to"]), (&json!("2026-11-22"), &json!("2026-11-22")));
    assert_eq!(
        (&beside["ordered"], &beside["revenue"], &beside["share_of_revenue"]),
        (&json!(80), &json!(800.0), &json!(1.0))
    );
    assert_eq!((&beside["seen_ordered"], &beside["seen_share_of_revenue"]), (&json!(0), &json!(0.0)));
    assert_eq!(all["attributed"]["from"], "2026-10-24");

    // A day of 400 euros caused, a quarter of which is left, makes 3,043.75 a month.
    let case = |at: &str| all["business_case"].pointer(at).unwrap().as_f64().unwrap();
    assert!((case("/benefit/value") - 3_043.75).abs() < 1e-6 && (case("/gain/value") - 2_043.75).abs() < 1e-6);
    assert!((case("/benefit_for_cost") - 3.04375).abs() < 1e-9);
    assert!(case("/gain/low") < case("/gain/value") && case("/benefit/high") - case("/gain/high") == 1_000.0);

    // The prices of the cloud make the cost out of what was measured; in euros once somebody says what a dollar is.
    let prices = json!({"region": "eu-west-3", "as_of": "2026-11-01", "verified": false, "sources": ["https://example.com/"],
        "recorded": "a run", "million_decisions": 6_000.0, "million_events": 4_000.0, "month": 3.0});
    let told = stack.put("/v1/settings/cloud-prices", None, &prices).await;
    assert_eq!((told.status, told.header("etag")), (StatusCode::OK, "\"1\""), "{}", told.body);
    let unknown = stack.get("/v1/results").await.body;
    let cloud = &unknown["business_case"]["cloud"];
    // A day of a thousand lists for 6 dollars and of five hundred events for 2, thirty times and a bit.
    let dollars = 3.0 + (6.0 + 2.0) * 365.25 / 12.0;
    assert!((cloud["dollars"].as_f64().unwrap() - dollars).abs() < 1e-6, "{cloud}");
    assert!((cloud["decisions"].as_f64().unwrap() - 1e3 * 365.25 / 12.0).abs() < 1e-3);
    assert_eq!((&cloud["amount"], &unknown["business_case"]["cost"]), (&Value::Null, &Value::Null));
    assert_eq!(
        (&unknown["business_case"]["gain"], &unknown["placements"]["home"]["cost"]),
        (&Value::Null, &Value::Null)
    );
    let rated =
        json!({"click_days": 7.0, "view_days": 1.0, "margin": 0.25, "cost_per_month": 1_000.0, "per_dollar": 0.5});
    stack.put("/v1/settings/attribution", Some("\"1\""), &rated).await;
    let known = stack.get("/v1/results").await.body;
    let cost = known["business_case"]["cost"].as_f64().unwrap();
    assert!((cost - 1_000.0 - dollars / 2.0).abs() < 1e-6, "{cost}");
    assert_eq!(
        (&known["placements"]["home"]["cost"], &known["placements"]["home"]["decisions"]),
        (&json!(3.0), &json!(1_000))
    );
    // Told again it is replaced; a wrong version and what is no price are refused.
    assert_eq!(stack.put("/v1/settings/cloud-prices", None, &prices).await.body["version"], 2);
    assert_eq!(
        stack.put("/v1/settings/cloud-prices", Some("\"1\""), &prices).await.problem(),
        (412, "precondition-failed")
    );
    let mut wrong = prices.clone();
    (wrong["month"], wrong["as_of"], wrong["sources"]) = (json!(-1.0), json!("lately"), json!(["javascript:alert(1)"]));
    let refused = stack.put("/v1/settings/cloud-prices", None, &wrong).await;
    assert_eq!(refused.problem(), (422, "invalid-prices"));
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 3);
    assert_eq!(stack.get("/v1/settings/cloud-prices").await.body["prices"], prices);

    let none = stack.get("/v1/results?from=2026-11-01&to=2026-11-02").await.body;
    assert_eq!((&none["total"]["visitors"], &none["total"]["conversion"]), (&json!(0), &Value::Null));
    for wrong in ["from=yesterday", "to=2026-02-30", "from=2026-11-02&to=2026-11-01", "last=30", "last=7&to=2026-11-22"]
    {
        assert_eq!(stack.get(&format!("/v1/results?{wrong}")).await.problem(), (400, "invalid-day"), "{wrong}");
    }
}

#[tokio::test]
async fn a_hold_out_is_believed_of_enough_orders_and_a_right_division_only() {
    let stack = Stack::start().await;
    let by = json!({"click_days": 7.0, "view_days": 1.0, "margin": 0.25, "cost_per_month": 1_000.0});
    assert_eq!(stack.put("/v1/settings/attribution", None, &by).await.status, StatusCode::OK);
    // People and those of them who ordered for ten euros.
    let told = async |share: f64, served: (u64, u64), held_out: (u64, u64), experiments_only: bool| {
        let side = |(people, ordered): (u64, u64)| {
            let of = Moments::of_counts(people, ordered);
            Side { ordered: of, revenue: Moments { y: of.y * 10.0, yy: of.yy * 100.0, ..of } }
        };
        let mut results = Results { served: side(served), held_out: side(held_out), ..Results::default() };
        results.kept(&event(1, Action::View, 1.0));
        let currency = "EUR".to_owned();
        let head = Head { at: NOW, currency, held_out: Some(share), experiments_only, ..Head::default() };
        stack.context.objects.put_results(&shop("demo"), Stored { head, results }).await.unwrap();
        stack.get("/v1/results").await.body
    };
    for held_out in [(100, 0), (100, 9), (99, 20)] {
        let all = told(0.05, (1_900, 19), held_out, false).await;
        assert_eq!((&all["personalization"], &all["business_case"]["benefit"]), (&Value::Null, &Value::Null));
    }
    // A difference of two standard errors is one that many daily looks come upon by chance.
    let chance = told(0.5, (1_000, 130), (1_000, 100), false).await["personalization"].clone();
    let low = |of: &Value, at: &str| of.pointer(&format!("{at}/low")).unwrap().as_f64().unwrap();
    assert!(["/conversion", "/revenue", "/share_of_revenue"].iter().all(|at| low(&chance, at) < 0.0), "{chance}");
    let clear = told(0.5, (1_000, 200), (1_000, 100), false).await;
    assert!(low(&clear["personalization"], "/share_of_revenue") > 0.2);
    assert!(low(&clear["business_case"], "/benefit") > 0.0);
    // A third of those who go without are lost: whoever is left says nothing of the others.
    let lost = told(0.5, (1_000, 200), (670, 67), false).await;
    assert_eq!(lost["personalization"]["division"]["alarm"], json!(true), "{lost}");
    assert_eq!(lost["business_case"]["benefit"], Value::Null);
    // Held out of experiments only, they tell nothing of personalization.
    let together = told(0.5, (1_000, 200), (1_000, 100), true).await;
    assert!(low(&together["experiments"], "/share_of_revenue") > 0.2);
    assert_eq!((&together["personalization"], &together["business_case"]["benefit"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn in_a_window_everybody_counts_once() {
    let stack = Stack::start().await;
    let mut results = Results::default();
    let mut events = [event(1, Action::View, 1.0), event(1, Action::List, 1.0), event(1, Action::Order, 10.0)];
    events[0].time = NOW.plus(-2 * vitrine_domain::time::DAY);
    (events[1].list, events[1].decision_id) = (Some("home".to_owned()), Some("d1".to_owned()));
    let terms = Terms { made: Some(NOW), ..Terms::new("EUR") };
    results.take_in(&granted(&events), &["all".to_owned()], None, &|_| None, &terms);
    let put = async |results: Results| {
        let head = Head { at: NOW, currency: "EUR".to_owned(), people: 1, ..Head::default() };
        stack.context.objects.put_results(&shop("demo"), Stored { head, results }).await.unwrap();
    };
    put(results.clone()).await;
    let week = stack.get("/v1/results?last=7").await.body;
    assert_eq!((&week["last"], &week["from"], &week["to"]), (&json!(7), &json!("2026-11-16"), &json!("2026-11-22")));
    let total = &week["total"];
    assert_eq!(
        (&total["visitors"], &total["conversion"], &total["visit_frequency"]),
        (&json!(1), &json!(1.0), &json!(2.0))
    );
    assert_eq!((&total["newcomers"], &total["days_to_first_order"]), (&json!(1), &json!(2.0)));
    assert_eq!((&week["segments"]["all"], &week["channels"]["web"]), (total, total));
    // What adds up day by day is there too.
    assert_eq!((&week["placements"]["home"]["shown"], week["days"].as_array().unwrap().len()), (&json!(1), 2));
    let days = stack.get("/v1/results?from=2026-11-16&to=2026-11-22").await.body;
    assert_eq!(
        (&days["last"], &days["total"]["visitors"], &days["total"]["conversion"]),
        (&Value::Null, &json!(2), &json!(0.5))
    );
    // Results that were made before there were windows are told by days, and say so.
    put(Results { windows: Default::default(), ..results }).await;
    let week = stack.get("/v1/results?last=7").await.body;
    assert_eq!((&week["last"], &week["total"]), (&Value::Null, &days["total"]));
}

#[tokio::test]
async fn an_experiment_is_judged_by_what_was_measured() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/experiments/bolder/results").await.problem(), (404, "not-found"));
    let experiment = json!({
        "design": {"kind": "variants", "variants": [{"id": "control"}, {"id": "bold", "changes": [
            {"kind": "content", "slot": "hero", "payload": "Bold"}]}]},
        "metrics": {"primary": "conversion"}, "planned": 10_000,
    });
    let written = stack.put("/v1/experiments/bolder", None, &experiment).await;
    assert_eq!(written.status, StatusCode::OK, "{}", written.body);
    assert_eq!(stack.get("/v1/experiments/bolder/results").await.problem(), (409, "no-results"));
    write(&stack).await;
    let told = stack.get("/v1/experiments/bolder/results").await.body;
    assert_eq!((&told["variants"][1]["people"], &told["planned"]), (&json!(5_000), &json!(10_000)));
    let bold = told.pointer("/report/metrics/0/variants/1").unwrap();
    assert_eq!(bold["verdict"], "better", "{told}");
    let absolute = &bold["effect"]["absolute"];
    assert!((absolute["value"].as_f64().unwrap() - 0.03).abs() < 1e-9 && absolute["low"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn attribution_is_a_setting_with_bounds() {
    let stack = Stack::start().await;
    let path = "/v1/settings/attribution";
    let shipped = stack.get(path).await;
    let expected = json!({"currency": null, "click_days": 7.0, "view_days": 1.0, "margin": null, "cost_per_month": null,
        "per_dollar": null, "version": 0});
    assert_eq!((&shipped.body, shipped.header("etag")), (&expected, "\"0\""));
    let wanted =
        json!({"currency": "GBP", "click_days": 30.0, "view_days": 0.0, "margin": 0.3, "cost_per_month": 400.0});
    let changed = stack.put(path, Some("\"0\""), &wanted).await;
    assert_eq!((changed.status, &changed.body["version"]), (StatusCode::OK, &json!(1)), "{}", changed.body);
    let stored = stack.get(path).await.body;
    assert_eq!(
        (&stored["click_days"], &stored["margin"], &stored["cost_per_month"]),
        (&json!(30.0), &json!(0.3), &json!(400.0))
    );
    let wrong = json!({"currency": "pounds", "click_days": 0.0, "view_days": 91.0, "margin": 0.0, "cost_per_month": -1.0,
            "per_dollar": 0.0});
    let refused = stack.put(path, Some("\"1\""), &wrong).await;
    assert_eq!(refused.problem(), (422, "invalid-attribution"));
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 6);
    assert_eq!(stack.put(path, Some("\"0\""), &wanted).await.problem(), (412, "precondition-failed"));
}
