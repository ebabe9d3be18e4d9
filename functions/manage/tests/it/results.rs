//! What a shop earned, as it is told.

use serde_json::json;
use vitrine_domain::results::{Attribution, Held, Made, Results, Terms, Trial};
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
async fn write(stack: &Stack) {
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
            &events,
            &["all".to_owned()],
            Some(Held { out: held_out, since: Millis(0) }),
            &logged,
            &Terms::new("EUR"),
        );
    }
    let moments = |n, did| Moments::of_counts(n, did);
    let metric = serde_json::from_value(json!("conversion")).unwrap();
    let trial = Trial {
        exposed: vec![5_000, 5_000],
        metrics: [(metric, vec![moments(5_000, 500), moments(5_000, 650)])].into(),
        ..Trial::default()
    };
    results.trials.insert("bolder".to_owned(), trial);
    let attribution = Attribution { margin: Some(0.25), cost_per_month: Some(1_000.0), ..Attribution::default() };
    let currency = "EUR".to_owned();
    let head = Head { at: NOW, currency, people: 400, held_out: Some(0.5), attribution, ..Head::default() };
    stack.context.objects.put_results(&shop("demo"), Stored { head, results }).await.unwrap();
}

#[tokio::test]
async fn key_figures_funnels_and_what_personalization_caused() {
    let stack = Stack::start().await;
    assert_eq!(stack.get("/v1/results").await.problem(), (409, "no-results"));
    write(&stack).await;
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
    assert!((number("/conversion/value") - 0.2).abs() < 1e-9 && number("/conversion/low") > 0.1);
    assert!((number("/revenue_per_person/value") - 2.0).abs() < 1e-9);
    assert!((number("/revenue/value") - 400.0).abs() < 1e-6, "two euros for each of 200");
    assert!((number("/share_of_revenue/value") - 2.0 / 3.0).abs() < 1e-9);
    assert!(number("/share_of_revenue/low") < 2.0 / 3.0 && number("/share_of_revenue/high") > 2.0 / 3.0);

    // A day of 400 euros caused, a quarter of which is left, makes 3,043.75 a month.
    let case = |at: &str| all["business_case"].pointer(at).unwrap().as_f64().unwrap();
    assert!((case("/benefit/value") - 3_043.75).abs() < 1e-6 && (case("/gain/value") - 2_043.75).abs() < 1e-6);
    assert!((case("/benefit_for_cost") - 3.04375).abs() < 1e-9);
    assert!(case("/gain/low") < case("/gain/value") && case("/benefit/high") - case("/gain/high") == 1_000.0);

    let none = stack.get("/v1/results?from=2026-11-01&to=2026-11-02").await.body;
    assert_eq!((&none["total"]["visitors"], &none["total"]["conversion"]), (&json!(0), &Value::Null));
    for wrong in ["from=yesterday", "to=2026-02-30", "from=2026-11-02&to=2026-11-01"] {
        assert_eq!(stack.get(&format!("/v1/results?{wrong}")).await.problem(), (400, "invalid-day"), "{wrong}");
    }
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
        "version": 0});
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
    let wrong =
        json!({"currency": "pounds", "click_days": 0.0, "view_days": 91.0, "margin": 0.0, "cost_per_month": -1.0});
    let refused = stack.put(path, Some("\"1\""), &wrong).await;
    assert_eq!(refused.problem(), (422, "invalid-attribution"));
    assert_eq!(refused.body["errors"].as_array().unwrap().len(), 5);
    assert_eq!(stack.put(path, Some("\"0\""), &wanted).await.problem(), (412, "precondition-failed"));
}
