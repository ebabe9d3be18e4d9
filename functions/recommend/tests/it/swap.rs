//! Models are swapped under load: nothing fails, nothing is mixed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use vitrine_http::{App, layers};

use crate::proxy::Fault;
use crate::support::{ARTIFACTS, PRODUCTS, Stack, product};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_answer_is_of_one_model_while_models_are_published() {
    let stack = Arc::new(Stack::start().await.patient());
    let done = Arc::new(AtomicBool::new(false));
    let ask = |visitor: usize| {
        let (stack, done) = (stack.clone(), done.clone());
        tokio::spawn(async move {
            let mut answered = [0_usize; 2];
            while !done.load(Ordering::Relaxed) {
                let page = json!({"anonymous_id": format!("v{visitor}"), "placements": [{"placement": "home"}, {"placement": "trending"}]});
                let page = stack.post("browser", "/v1/recommendations", page).await.ok();
                let lists = page.body["placements"].as_array().unwrap();
                let model = lists[0]["model"].as_str().unwrap();
                // `v1` is what the stack starts with: the first edition.
                let second = model.ends_with("-1");
                for list in lists {
                    assert_eq!(list["model"], model);
                    for item in list["items"].as_array().unwrap() {
                        let title = item["product"]["title"].as_str().unwrap();
                        assert_eq!(title.ends_with("(second edition)"), second, "{model} {title}");
                    }
                }
                answered[usize::from(second)] += 1;
            }
            answered
        })
    };
    let asking: Vec<_> = (0..12).map(ask).collect();
    for round in 0..8 {
        stack.publish(&format!("r{round}-{}", (round + 1) % 2), &ARTIFACTS[(round + 1) % 2]).await;
        for _ in 0..6 {
            stack.later(250);
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }
    done.store(true, Ordering::Relaxed);
    let mut answered = [0, 0];
    for one in asking {
        let one = one.await.unwrap();
        answered = [answered[0] + one[0], answered[1] + one[1]];
    }
    assert!(answered.iter().all(|count| *count > 5), "{answered:?}");
}

#[tokio::test]
async fn a_slow_reading_of_the_catalogue_holds_nobody_up_while_the_shelf_is_fresh() {
    let stack = Stack::start().await;
    stack.recommend("trending", json!({})).await;
    stack.sell(&[product(6, " changed")]).await;
    stack.proxy.breaks("Query", "S#demo#X", Fault::Hangs);
    stack.later(700);
    // Whoever waited for it would be told that the catalogue is as it was.
    for _ in 0..5 {
        let answer = stack.recommend("trending", json!({"limit": 48})).await;
        assert_eq!(answer.body.get("degraded"), None);
        assert!(!answer.body.to_string().contains("Article 6 changed"));
    }
    stack.proxy.mends();
    stack.later(1_100);
    let answer = stack.recommend("trending", json!({"limit": 48})).await;
    assert!(answer.body.to_string().contains("Article 6 changed"), "{}", answer.body);
}

#[tokio::test]
async fn while_a_model_is_downloaded_the_one_before_answers_at_once_and_knows_what_changes() {
    let (mut stack, bucket) = Stack::untrained().await.with_bucket().await;
    stack.context.deadlines.catalogue = Duration::from_secs(3);
    stack.router = stack.restarted();
    stack.publish("v1", &ARTIFACTS[0]).await;
    assert_eq!(stack.recommend("trending", json!({})).await.body["model"], "v1");
    bucket.gives(false);
    stack.publish("v2", &ARTIFACTS[1]).await;
    for round in 0..4 {
        let title = format!("Article 6 changed {round}");
        stack.sell(&[product(6, &format!(" changed {round}"))]).await;
        stack.later(1_100);
        let answer = stack.recommend("trending", json!({"limit": PRODUCTS})).await;
        assert_eq!((&answer.body["model"], answer.body.get("degraded")), (&json!("v1"), None), "{round}");
        assert!(answer.body.to_string().contains(&title), "{round}");
    }
    assert_eq!(bucket.asked("v2/artifact"), 1, "it is downloaded once");
    bucket.gives(true);
    let swapped = async {
        loop {
            stack.later(1_100);
            let answer = stack.recommend("trending", json!({"limit": PRODUCTS})).await;
            assert_eq!(answer.body.get("degraded"), None);
            if answer.body["model"] == "v2" {
                break answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(60), swapped).await.unwrap();
    assert!(answer.body.to_string().contains("Article 6 changed 3"), "what changed since v1 is known to v2 too");
    // The disk has the newest version alone, and a function that starts anew does not download it again.
    let names = || std::fs::read_dir(stack.scratch()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(names().count(), 1, "{:?}", names().collect::<Vec<_>>());
    stack.router = stack.restarted();
    assert_eq!(stack.recommend("trending", json!({})).await.body["model"], "v2");
    assert_eq!((bucket.asked("v1/artifact"), bucket.asked("v2/artifact")), (1, 1));
}

#[tokio::test]
async fn a_download_that_is_not_what_was_published_is_not_used() {
    let (stack, bucket) = Stack::untrained().await.patient().with_bucket().await;
    stack.publish("v1", &ARTIFACTS[0]).await;
    stack.recommend("trending", json!({})).await;
    stack.publish("v2", &ARTIFACTS[1]).await;
    bucket.damage("shops/demo/models/v2/artifact.vitrine");
    stack.later(1_100);
    assert_eq!(stack.recommend("trending", json!({})).await.body["model"], "v1");
    assert_eq!(std::fs::read_dir(stack.scratch()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_function_with_one_shop_begins_with_its_model_in_memory() {
    let mut stack = Stack::start().await;
    stack.router = layers::surround(vitrine_recommend::opened(App::new(stack.context.clone())).await);
    // What the table says from now on comes too late.
    stack.proxy.breaks("Query", "S#demo#X", Fault::Hangs);
    let answer = stack.recommend("trending", json!({})).await;
    assert_eq!((&answer.body["model"], answer.body.get("degraded")), (&json!("v1"), None));
    // Where it cannot be read it begins all the same.
    stack.proxy.breaks("", "", Fault::Fails);
    stack.router = layers::surround(vitrine_recommend::opened(App::new(stack.context.clone())).await);
    stack.proxy.mends();
    assert_eq!(stack.recommend("trending", json!({})).await.body["model"], "v1");
}
