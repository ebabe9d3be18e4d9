//! The form of an experiment.

use super::*;

#[tokio::test]
async fn an_experiment_is_made_of_any_change_and_its_draft_changed_in_the_same_form() {
    let (stack, browser) = listening().await;
    let rule = json!({"name": "Dear", "enabled": false, "effect": {"kind": "hide", "filter": "price > 100"}});
    stack.put("/v1/rules/dear", None, &rule).await;
    hire(&stack, "anna", "marketer").await;
    let anna = browser.sign_in("anna").await;
    let blank = anna.get("/console/experiments/new").await;
    let token = blank.token();
    let mut form = vec![
        ("token", &*token),
        ("title", "Many ways"),
        ("traffic", "40"),
        ("primary", "revenue_per_visitor"),
        ("secondary", "repeat_rate"),
        ("g0-guard", "return_rate"),
        ("g0-margin_of_guard", "10"),
        ("p0-w0-c0-change", "blend"),
        ("p0-w0-c0-placement", "home"),
        ("p0-w0-c0-part", "encoder"),
        ("p0-w0-c0-times", "3"),
        ("p0-part_name", ""),
        ("p0-w0-way_name", ""),
    ];
    // A way more, as the button asks for it; what was typed stays.
    let more = anna.post("/console/experiments/form", &[&form[..], &[("edit", "add:p0")]].concat()).await;
    assert!(more.status == 200 && more.text.contains("name=\"p0-w1-c0-change\""), "{}", more.text);
    assert!(more.text.contains("value=\"Many ways\"") && !blank.text.contains("name=\"p0-w1-c0-change\""));
    form.extend([
        ("p0-w1-way_name", "Without the dear"),
        ("p0-w1-c0-change", "rule_on"),
        ("p0-w1-c0-rule", "dear"),
        ("p0-w1-c1-change", "content"),
        ("p0-w1-c1-place", "hero"),
        ("p0-w1-c1-payload", "Fresh fish"),
    ]);
    let made = anna.post("/console/experiments", &form).await;
    assert_eq!(
        (made.status, made.header("location")),
        (303, "/console/experiments/many-ways?said=saved"),
        "{}",
        made.text
    );
    let stored = stack.get("/v1/experiments/many-ways").await.body;
    let variants = &stored["design"]["variants"];
    assert_eq!(variants[1]["changes"], json!([{"kind": "blend", "placement": "home", "factors": {"encoder": 3.0}}]));
    assert_eq!((&variants[2]["id"], &variants[2]["name"]), (&json!("without-the-dear"), &json!("Without the dear")));
    assert_eq!(variants[2]["changes"][0]["rule"]["enabled"], true);
    assert_eq!(variants[2]["changes"][1], json!({"kind": "content", "slot": "hero", "payload": "Fresh fish"}));
    let metrics = json!({"primary": "revenue_per_visitor", "secondary": ["repeat_rate"], "guardrails": [{"metric": "return_rate", "margin": 0.1}]});
    assert_eq!((&stored["metrics"], &stored["traffic"]), (&metrics, &json!(0.4)));
    let shown = anna.get("/console/experiments/many-ways").await.text;
    assert!(
        shown.contains("The rule “Dear” acts.") && shown.contains("encoder × 3") && shown.contains("Also shown"),
        "{shown}"
    );

    // The draft again, as it was typed, saved over the version that was seen.
    let edit = anna.get("/console/experiments/many-ways/edit").await.text;
    for told in [
        "value=\"dear\" selected",
        "value=\"Without the dear\"",
        "value=\"rule_on\" selected",
        "name=\"version\" value=\"1\"",
    ] {
        assert!(edit.contains(told), "{told}: {edit}");
    }
    let mut seed = stored.clone();
    seed["seed"] = json!("another");
    stack.put("/v1/experiments/many-ways", None, &seed).await;
    let save = async |version: &str| {
        let fields = [&form[..], &[("version", version), ("experiment_id", "many-ways"), ("bandit", "yes")]].concat();
        anna.post("/console/experiments/many-ways", &fields).await
    };
    assert!(save("1").await.text.contains("Somebody else changed it meanwhile"));
    assert_eq!(save("2").await.status, 303);
    let saved = stack.get("/v1/experiments/many-ways").await.body;
    assert_eq!(
        (&saved["version"], &saved["seed"], &saved["bandit"]["floor"]),
        (&json!(3), &json!("another"), &json!(0.1))
    );
    assert_eq!(saved["design"], stored["design"]);
    assert_eq!(saved["planned"], Value::Null, "nothing was said of it");
    // What has begun is not a draft any more.
    anna.post("/console/experiments/many-ways/status", &[("token", &*token), ("version", "3"), ("to", "running")])
        .await;
    let begun = anna.get("/console/experiments/many-ways/edit").await;
    assert_eq!((begun.status, begun.header("location")), (303, "/console/experiments/many-ways"));
}

#[tokio::test]
async fn a_draft_keeps_its_plan_until_another_one_is_worked_out() {
    let (stack, browser) = listening().await;
    hire(&stack, "anna", "marketer").await;
    let anna = browser.sign_in("anna").await;
    let token = anna.get("/console/experiments/new").await.token();
    let form = [
        ("token", &*token),
        ("title", "Plan"),
        ("traffic", "100"),
        ("primary", "conversion"),
        ("p0-w0-c0-change", "strategy"),
        ("p0-w0-c0-placement", "home"),
        ("p0-w0-c0-other_strategy", "trending"),
    ];
    let send = async |path: &str, more: &[(&str, &str)]| {
        let page = anna.post(path, &[&form[..], more].concat()).await;
        assert_eq!(page.status, 303, "{}", page.text);
        let stored = stack.get("/v1/experiments/plan-1").await.body;
        (page.header("location").split_once("said=").unwrap().1.to_owned(), stored["planned"].as_u64())
    };
    let draft = json!({"name": "Plan", "metrics": {"primary": "conversion"}, "planned": 4321, "design": {"kind": "variants", "variants": [
        {"id": "control"}, {"id": "b", "changes": [{"kind": "strategy", "placement": "home", "strategy": "trending"}]}]}});
    let made = stack.put("/v1/experiments/plan-1", None, &draft).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let path = "/console/experiments/plan-1";
    let edit = anna.get(&format!("{path}/edit")).await.text;
    assert!(
        edit.contains("planned for 4,321 visitors") && edit.contains("name=\"baseline\" type=\"number\" value=\"\""),
        "{edit}"
    );
    let plan = |baseline: &'static str| [("baseline", baseline), ("effect", "100"), ("visitors_per_day", "1000")];
    let none = [("baseline", ""), ("effect", ""), ("visitors_per_day", "")];
    let over = |version: &'static str, plan: [(&'static str, &'static str); 3]| {
        [&plan[..], &[("version", version), ("experiment_id", "plan-1")]].concat()
    };
    assert_eq!(send(path, &over("1", none)).await, ("saved".to_owned(), Some(4321)));
    // A conversion of 60 % cannot double.
    assert_eq!(send(path, &over("2", plan("60"))).await, ("unplanned".to_owned(), Some(4321)));
    let told = anna.get(&format!("{path}?said=unplanned")).await.text;
    assert!(told.contains("without a new plan"), "{told}");
    let (said, planned) = send(path, &over("3", plan("20"))).await;
    assert!(said == "saved" && planned.is_some_and(|planned| planned != 4321), "{said} {planned:?}");
}
