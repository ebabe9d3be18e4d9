//! The program outside Lambda, as AWS Batch starts it: one payload, one training, and an exit code.

use std::process::{Command, Output};

use super::*;

/// Runs the program as a task of a stack.
async fn run(stack: &Stack, payload: &'static str) -> Output {
    let config = stack.context.config.clone();
    let Place::Folder(folder) = config.objects else { panic!("the stack has a folder") };
    let mut program = Command::new(env!("CARGO_BIN_EXE_retrain"));
    program
        .env_remove("AWS_LAMBDA_RUNTIME_API")
        .env("VITRINE_SECRET", config.secret)
        .env("VITRINE_TABLE", config.table)
        .env("VITRINE_FOLDER", folder)
        .env("AWS_ENDPOINT_URL_DYNAMODB", config.dynamodb_endpoint.unwrap())
        .env("VITRINE_PAYLOAD", payload);
    tokio::task::spawn_blocking(move || program.output()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_task_trains_one_shop_and_ends() {
    let stack = Stack::start().await;
    let (one, two) = (shop("one"), shop("two"));
    for shop in [&one, &two] {
        stack.sell(shop, &products(&["a", "b"])).await;
    }
    let done = run(&stack, r#"{"shop": "one"}"#).await;
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{said}");
    assert!(said.contains("the task is done"), "{said}");
    assert_eq!(stack.artifact(&one).await.len(), 2);
    assert!(stack.context.table.live_model(&two).await.unwrap().is_none(), "nobody asked for it");
}

#[tokio::test]
async fn a_task_that_fails_says_so_by_its_exit_code() {
    let stack = Stack::start().await;
    stack.sell(&shop("bad"), &products(&["a"])).await;
    stack.context.objects.put("shops/bad/events/2026-11-22/x.ndjson.zst", "no zstd".to_owned()).await.unwrap();
    for (payload, why) in [
        (r#"{"shop": "bad"}"#, "1 of 1 shops could not be trained: bad"),
        (r#"{"shp": "bad"}"#, "the invocation cannot be understood"),
        ("no JSON", "expected"),
    ] {
        let failed = run(&stack, payload).await;
        assert_eq!(failed.status.code(), Some(1), "{payload}");
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(said.contains(why), "{payload}: {said}");
    }
}
