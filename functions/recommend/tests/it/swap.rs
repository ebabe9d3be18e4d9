//! Models are swapped under load: nothing fails, nothing is mixed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::proxy::Fault;
use crate::support::{ARTIFACTS, Stack, product};

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
            tokio::time::sleep(std::time::Duration::from_millis(40)).await;
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
