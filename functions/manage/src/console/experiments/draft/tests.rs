use vitrine_domain::experiment::Change;

use super::*;

/// Two rules of a shop as the API lists them: one that acts, and a draft.
fn rules() -> Vec<Value> {
    vec![
        json!({"id": "sale", "name": "Sale", "enabled": true, "priority": 3, "when": {"from": "2026-11-27T00:00:00.000Z"},
            "effect": {"kind": "boost", "filter": "discount > 0.1", "factor": 1.3}, "conflicts": [], "warnings": [], "version": 4}),
        json!({"id": "fish", "name": "", "enabled": false, "priority": 0, "when": {},
            "effect": {"kind": "share", "filter": "category = \"Fish\"", "share": 0.3}, "conflicts": [], "version": 1}),
    ]
}

fn fields(pairs: &[(&str, &str)]) -> Fields {
    pairs.iter().fold(Fields::default(), |fields, (name, value)| fields.with(name, value))
}

/// What the API shows of a design that it took: filters as JSON, and numbers of rules widened from 32 bits.
fn shown(design: &Value) -> Value {
    let mut design = design.clone();
    for change in design.pointer_mut("/variants/1/changes").and_then(Value::as_array_mut).into_iter().flatten() {
        if change["kind"] == "rule" {
            let mut read = change.clone();
            read["rule"]["when"] = json!({});
            let when = change["rule"]["when"].clone();
            let read: Change = serde_json::from_value(read).unwrap();
            *change = serde_json::to_value(read).unwrap();
            if when != json!({}) {
                change["rule"]["when"] = when;
            }
        }
    }
    design
}

#[test]
fn every_kind_of_change_is_what_the_api_takes_and_comes_back_as_it_was_typed() {
    let at = |c: usize, pairs: &[(&str, &str)]| -> Fields {
        pairs.iter().fold(Fields::default(), |all, (name, value)| all.with(&format!("p0-w0-c{c}-{name}"), value))
    };
    let changes: [&[(&str, &str)]; 9] = [
        &[("change", "strategy"), ("placement", "home"), ("other_strategy", "trending")],
        &[("change", "blend"), ("placement", "home"), ("part", "encoder"), ("times", "0,5")],
        &[("change", "blend"), ("placement", "home"), ("part", "popularity"), ("times", "2")],
        &[("change", "rule_on"), ("rule", "fish")],
        &[("change", "rule_off"), ("rule", "sale")],
        &[("change", "layout"), ("placement", "home"), ("layout", "{\"columns\": 2}")],
        &[("change", "content"), ("place", "hero"), ("payload", "Fresh fish")],
        &[("change", "rule_instead"), ("rule", "sale"), ("instead", "fish")],
        &[
            ("change", "other"),
            (
                "raw",
                "{\"kind\": \"rule\", \"rule\": {\"id\": \"gone\", \"enabled\": false, \"effect\": {\"kind\": \"hide\", \"filter\": \"price > 1\"}}}",
            ),
        ],
    ];
    let mut form =
        fields(&[("title", "All"), ("p0-part_name", ""), ("p0-w0-way_name", "Été"), ("p0-w0-way_share", "30")]);
    for (c, pairs) in changes.iter().enumerate() {
        form = form.with_all("", &at(c, pairs));
    }
    let draft = Draft::of(&form);
    let design = draft.design(&rules());
    let [control, way] = list(&design, "variants") else { panic!("{design}") };
    assert_eq!((text(way, "id"), text(way, "name")), ("ete", "Été"));
    assert_eq!((control["weight"].as_f64(), way["weight"].as_f64()), (Some(0.7), Some(0.3)));
    let made = list(way, "changes");
    assert_eq!(made[0], json!({"kind": "strategy", "placement": "home", "strategy": "trending"}));
    // Two parts of one score are one change.
    assert_eq!(made[1], json!({"kind": "blend", "placement": "home", "factors": {"encoder": 0.5, "popularity": 2.0}}));
    let rule = |place: usize| {
        (
            text(&made[place]["rule"], "id"),
            made[place]["rule"]["enabled"] == true,
            text(&made[place]["rule"]["effect"], "kind"),
        )
    };
    assert_eq!(
        (rule(2), rule(3), rule(6)),
        (("fish", true, "share"), ("sale", false, "boost"), ("sale", true, "share"))
    );
    assert_eq!(made[2]["rule"].get("version"), None, "only what a rule is");
    assert_eq!(made[4], json!({"kind": "layout", "placement": "home", "payload": {"columns": 2}}));
    assert_eq!(made[5], json!({"kind": "content", "slot": "hero", "payload": "Fresh fish"}));

    // Each comes back as the same kind of change with what matters of it.
    let again = Draft::of_design(&shown(&design), &rules());
    let told: Vec<(String, String)> = again.parts[0].ways[0]
        .changes
        .iter()
        .map(|change| {
            let what = ["other_strategy", "part", "rule", "layout", "place"].map(|name| change.get(name)).concat();
            (change.get("change").to_owned(), what)
        })
        .collect();
    let expected = [
        ("strategy", "trending"),
        ("blend", "encoder"),
        ("blend", "popularity"),
        ("rule_on", "fish"),
        ("rule_off", "sale"),
        ("layout", "{\"columns\":2}"),
        ("content", "hero"),
        ("rule_instead", "sale"),
        ("other", ""),
    ];
    assert_eq!(told, expected.map(|(kind, what)| (kind.to_owned(), what.to_owned())));
    assert_eq!(again.parts[0].ways[0].changes[7].get("instead"), "fish");
    assert_eq!((&*again.parts[0].ways[0].name, &*again.parts[0].ways[0].share), ("Été", "30"));
    // A rule that was changed since is another one: nothing of what is tried gets lost.
    let mut changed = rules();
    changed[1]["effect"]["share"] = json!(0.4);
    let kept = &Draft::of_design(&shown(&design), &changed).parts[0].ways[0].changes[3];
    assert!(kept.get("change") == "other" && kept.get("raw").contains("Fish"), "{kept:?}");
}

#[test]
fn one_part_makes_variants_and_several_every_combination() {
    let mut form = fields(&[("p0-part_name", ""), ("p0-w0-way_name", ""), ("p0-w0-way_share", "")]);
    form = form.with_all("p0-w0-c0-", &blank());
    let variants = Draft::of(&form).design(&[]);
    let ids = |of: &Value| list(of, "variants").iter().map(|one| text(one, "id").to_owned()).collect::<Vec<_>>();
    assert_eq!(ids(&variants), ["control", "trending"]);
    assert_eq!(variants["variants"][1].get("weight"), None);
    let mut draft = Draft::of(&form);
    assert_eq!(draft.edit("add:p0").as_deref(), Some("p0-w1-"));
    assert_eq!(ids(&draft.design(&[])), ["control", "trending", "trending-2"]);
    assert_eq!(draft.edit("add:p0-w1").as_deref(), Some("p0-w1-c1-"));
    assert_eq!(draft.edit("add:").as_deref(), Some("p1-w0-"));
    draft.parts[1].name = "Panier & co".to_owned();
    let factors = draft.design(&[]);
    let told: Vec<(&str, &str, usize)> = list(&factors, "factors")
        .iter()
        .map(|one| (text(one, "id"), text(one, "name"), list(one, "levels").len()))
        .collect();
    assert_eq!(told, [("home", "", 3), ("panier-co", "Panier & co", 2)]);
    // What a form is made of, it says.
    let again = Draft::of(&draft.clone().into_fields(&fields(&[("title", "x"), ("p0-gone", "y")])));
    assert_eq!(again.design(&[]), factors);
    assert_eq!(again.clone().into_fields(&fields(&[("title", "x")])).get("title"), "x");

    for (what, left) in [
        ("drop:p0-w1-c1", vec![vec![1, 1], vec![1]]),
        ("drop:p0-w1-c0", vec![vec![1], vec![1]]),
        ("drop:p0", vec![vec![1]]),
    ] {
        assert_eq!(draft.edit(what), None);
        let counts: Vec<Vec<usize>> =
            draft.parts.iter().map(|part| part.ways.iter().map(|way| way.changes.len()).collect()).collect();
        assert_eq!(counts, left, "{what}");
    }
    assert_eq!(draft.parts[0].name, "Panier & co");
    // Something is always left, and nonsense does nothing.
    for what in ["drop:p0-w0", "drop:p7", "drop:p0-w9", "add:p7", "add:p0-w9", "p0", "drop:px"] {
        draft.edit(what);
        assert_eq!((draft.parts.len(), draft.parts[0].ways.len()), (1, 1), "{what}");
    }
    for _ in 0..40 {
        draft.edit("add:p0");
        draft.edit("add:p0-w0");
    }
    assert_eq!((draft.parts[0].ways.len(), draft.parts[0].ways[0].changes.len()), (31, 20));
}

/// Whatever is typed as JSON goes to the API as it is, beside what the form knows.
#[test]
fn json_that_is_no_change_is_left_to_the_api() {
    let known = json!({"kind": "blend", "placement": "home", "factors": {"popularity": 2.0}});
    for raw in
        [json!({"kind": "blend", "placement": "home", "factors": 7}), json!({"kind": "blend"}), json!([7]), json!("x")]
    {
        for (first, second) in [(&raw, &known), (&known, &raw)] {
            let of = |change: &Value| match change == &known {
                true => [("change", "blend"), ("placement", "home"), ("part", "popularity"), ("times", "2")]
                    .into_iter()
                    .fold(Fields::default(), |fields, (name, value)| fields.with(name, value)),
                false => Fields::default().with("change", "other").with("raw", change),
            };
            let way = Way { changes: vec![of(first), of(second)], ..Way::default() };
            assert_eq!(way.changes(&[]), [first.clone(), second.clone()], "{raw}");
        }
    }
}
