//! A model that shows worse than the live one is not published.

use std::sync::Arc;

use vitrine_learn::{Algorithm, Error, Interaction, Learned, Lesson, Lineup, Scratch, Tally};
use vitrine_retrain::{Gate, Start, retrain_with};

use super::*;

/// People walk along a circle of 20 products in an hour each, some minutes before the end: so many of those by whom models
/// are judged, and as many of the others.
fn walks(name: &str, people: usize, minutes: i64) -> Vec<Event> {
    let step = |person: &str, number: usize, step: usize| {
        let product = format!("{:02}", (number * 7 + step) % 20);
        event(&device(person), minutes - step as i64, Action::View, &[&product])
    };
    let walk = |(number, person): (usize, String)| (0..6).map(|n| step(&person, number, n)).collect::<Vec<_>>();
    let half = |judging: bool| {
        let names = (0..).map(move |n| format!("{name}{n}"));
        names.filter(move |name| (Scratch::visitor_key(&device(name)) % 2 == 1) == judging).take(people)
    };
    half(true).enumerate().chain(half(false).enumerate()).flat_map(walk).collect()
}

/// An algorithm that answers for what others learned, and learns nothing itself.
#[derive(Debug)]
struct Forgetful(Arc<dyn Algorithm>);

impl Algorithm for Forgetful {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn learn(&self, lesson: &Lesson<'_>, report: &mut dyn FnMut(u64, u64)) -> Result<Learned, Error> {
        let nothing = lesson.data.cut(&(0..lesson.data.people()).map(|person| (person, 0)).collect::<Vec<_>>());
        let mut lesson = *lesson;
        (lesson.data, lesson.exam) = (&nothing, None);
        self.0.learn(&lesson, report)
    }

    fn query(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, query: &mut [f32]) {
        self.0.query(model, history, scratch, query);
    }

    fn tally(&self, model: &Artifact, history: &[Interaction], scratch: &mut Scratch, tally: &mut Tally) {
        self.0.tally(model, history, scratch, tally);
    }

    fn check(&self, model: &Artifact) -> Result<(), Error> {
        self.0.check(model)
    }
}

/// Trains with algorithms that learn nothing.
async fn train_forgetfully(stack: &Stack, shop: &Shop) -> Outcome {
    let shipped = Lineup::default();
    let lineup = shipped.iter().fold(Lineup::default(), |lineup, known| lineup.with(Forgetful(known.clone())));
    let context = stack.context.clone().with(lineup);
    retrain_with(&context, shop, &quick(), &quiet).await.unwrap()
}

/// A shop with a good model, and then another day of the same.
async fn shop_with_a_good_model(stack: &Stack) -> (Shop, String) {
    let demo = shop("demo");
    let ids: Vec<String> = (0..20).map(|n| format!("{n:02}")).collect();
    stack.sell(&demo, &products(&ids.iter().map(String::as_str).collect::<Vec<_>>())).await;
    stack.archive(&demo, "1", &walks("a", 60, 20_000)).await;
    let version = stack.publish(&demo).await;
    assert_eq!(stack.card(&demo).await.gate, Some(Gate::NotJudged { reason: "there was no live model".to_owned() }));
    stack.advance(60);
    (demo, version)
}

#[tokio::test]
async fn a_model_that_is_worse_on_the_newest_days_is_refused_and_one_that_is_not_passes() {
    let stack = Stack::start().await;
    let (demo, version) = shop_with_a_good_model(&stack).await;
    stack.archive(&demo, "2", &walks("b", 80, 5_000)).await;
    let live = stack.live(&demo).await;
    let outcome = train_forgetfully(&stack, &demo).await;
    let Outcome::Refused { version: stays, reason, judgement } = &outcome else { panic!("{outcome:?}") };
    assert_eq!((stays, judgement.cases), (&version, 80));
    assert!(judgement.live > judgement.candidate + 0.1, "{judgement:?}");
    assert!(judgement.interval[1] < 0.0 && judgement.interval[0] < judgement.interval[1]);
    let figures = format!("NDCG@20 {:.4} against {:.4}", judgement.candidate, judgement.live);
    assert!(reason.contains(&figures) && reason.contains(&version), "{reason}");
    assert_eq!(outcome.to_string(), *reason);
    assert_eq!(stack.live(&demo).await, live);
    assert_eq!(stack.files(&demo, "models").await.len(), 4, "nothing of it is left");

    // The same data again would give the same answer: a schedule does not ask before something happens.
    let idle = vitrine_retrain::handle(&stack.context, serde_json::json!({})).await.unwrap();
    assert_eq!(idle[0]["result"]["outcome"], "idle");

    let better = stack.publish(&demo).await;
    assert_ne!(better, version);
    let card = stack.card(&demo).await;
    let Some(Gate::Passed(judgement)) = card.gate else { panic!("{:?}", card.gate) };
    assert!(judgement.cases == 80 && judgement.interval[1] >= 0.0 && judgement.candidate > 0.2, "{judgement:?}");
}

#[tokio::test]
async fn with_few_people_to_judge_by_or_without_a_gate_a_model_is_published_and_its_card_says_why() {
    let stack = Stack::start().await;
    let (demo, _) = shop_with_a_good_model(&stack).await;
    let reason = async || match stack.card(&demo).await.gate {
        Some(Gate::NotJudged { reason }) => reason,
        other => panic!("{other:?}"),
    };
    stack.archive(&demo, "2", &walks("b", 49, 5_000)).await;
    let outcome = train_forgetfully(&stack, &demo).await;
    assert!(matches!(outcome, Outcome::Published { .. }), "{outcome:?}");
    assert_eq!(reason().await, "49 people to judge by since the live model, 50 are needed");

    stack.go_to(&demo, &stack.context.table.model_versions(&demo).await.unwrap()[0].version).await;
    stack.configure(&demo, &Training { gate: false, ..Training::default() }).await;
    stack.archive(&demo, "3", &walks("c", 80, 4_000)).await;
    stack.advance(60);
    let outcome = train_forgetfully(&stack, &demo).await;
    assert!(matches!(outcome, Outcome::Published { .. }), "{outcome:?}");
    assert_eq!(reason().await, "the shop's training setting says so");
}

#[tokio::test]
async fn a_live_model_that_cannot_be_compared_with_does_not_keep_the_next_one_from_being_published() {
    let stack = Stack::start().await;
    let (demo, _) = shop_with_a_good_model(&stack).await;
    stack.archive(&demo, "2", &walks("b", 80, 5_000)).await;
    let artifact = stack.live(&demo).await.artifact;
    let bytes = stack.context.objects.get(&artifact).await.unwrap().unwrap();
    let damaged: Vec<u8> = bytes.iter().enumerate().map(|(n, b)| if n == bytes.len() / 2 { !b } else { *b }).collect();
    stack.context.objects.put(&artifact, damaged).await.unwrap();
    stack.publish(&demo).await;
    let expected = Gate::NotJudged { reason: "the live model cannot be opened".to_owned() };
    assert_eq!(stack.card(&demo).await.gate, Some(expected));
}

#[tokio::test]
async fn the_card_says_what_was_learned_from_and_where_the_training_started() {
    let stack = Stack::start().await;
    let (demo, version) = shop_with_a_good_model(&stack).await;
    let first = stack.card(&demo).await;
    assert_eq!(first.start, Some(Start::Cold { reason: "as the shop's training setting says".to_owned() }));
    assert_eq!((first.erasures, first.fingerprint.len()), (Some(0), 16));
    stack.configure(&demo, &Training { warm: true, ..Training::default() }).await;
    stack.archive(&demo, "2", &walks("b", 1, 5_000)).await;
    let second = stack.publish(&demo).await;
    let card = stack.card(&demo).await;
    assert_eq!(card.start, Some(Start::Warm { parent: version }));
    assert_ne!(card.fingerprint, first.fingerprint);
    stack.advance(60);
    stack.context.table.note_erasure(&demo).await.unwrap();
    stack.archive(&demo, "3", &walks("c", 1, 4_000)).await;
    let third = stack.publish(&demo).await;
    let card = stack.card(&demo).await;
    let cold = Start::Cold { reason: "something was erased since the live model was trained".to_owned() };
    assert_eq!((card.start, card.erasures, card.replaces), (Some(cold), Some(1), Some(second)));
    stack.advance(60);
    stack.archive(&demo, "4", &walks("d", 1, 3_000)).await;
    stack.publish(&demo).await;
    assert_eq!(stack.card(&demo).await.start, Some(Start::Warm { parent: third }));
}

#[tokio::test]
async fn the_same_events_in_other_files_have_the_same_fingerprint() {
    let (one, other) = (Stack::start().await, Stack::start().await);
    let demo = shop("demo");
    let events: Vec<Event> = walks("a", 12, 900).into_iter().chain(walks("b", 5, 400)).collect();
    for (stack, size) in [(&one, 7), (&other, 40)] {
        let ids: Vec<String> = (0..20).map(|n| format!("{n:02}")).collect();
        stack.sell(&demo, &products(&ids.iter().map(String::as_str).collect::<Vec<_>>())).await;
        let mut files: Vec<&[Event]> = events.chunks(size).collect();
        if size == 7 {
            files.reverse();
        }
        for (n, file) in files.into_iter().enumerate() {
            stack.archive(&demo, &format!("{n:03}"), file).await;
        }
        stack.publish(&demo).await;
    }
    let (a, b) = (one.card(&demo).await, other.card(&demo).await);
    assert_eq!((a.fingerprint, a.model.checksum), (b.fingerprint, b.model.checksum));
    assert_eq!(a.model.counts.people, 34);
}
