//! Look-alikes: found among those of the same taste, told by events, kept as long as nothing changes.

use serde_json::json;
use vitrine_domain::alike::ALIKE;
use vitrine_domain::segment::Segment;
use vitrine_domain::{Action, Event, Millis, Product, ProductId, Profile, Purpose, Purposes, Shop, State, Visitor};
use vitrine_retrain::results::{HELD, refresh};
use vitrine_store::settings::SEGMENT;

use crate::{END, Stack, device, event, shop};

/// Visitors: those with even numbers like tea, the others cups.
const VISITORS: usize = 240;
/// Of those who like tea the first so many are in the club.
const CLUB: usize = 40;

fn name(at: usize) -> Visitor {
    device(&format!("visitor-{at}"))
}

fn in_club(at: usize) -> bool {
    at.is_multiple_of(2) && at / 2 < CLUB
}

/// One who likes tea and allows nothing to be learned of them.
const REFUSER: usize = 2 * CLUB;

fn products() -> Vec<Product> {
    let of = |n: usize| {
        let kind = if n.is_multiple_of(2) { "Tea" } else { "Cups" };
        let id = ProductId::new(format!("{kind}-{n}")).unwrap();
        Product { category: vec![kind.to_owned()], ..Product::new(id, format!("{kind} {n}")) }
    };
    (0..40).map(of).collect()
}

/// Everybody looks at some of the products that they like, at other times and not the same ones.
fn events() -> Vec<Event> {
    let mut all = Vec::new();
    for at in 0..VISITORS {
        let kind = if at.is_multiple_of(2) { "Tea" } else { "Cups" };
        for look in 0..8_usize {
            let n = 2 * ((at / 2 * 7 + look * look * 3 + look) % 20) + at % 2;
            let minutes = 3_000 - (at * 8 + look) as i64;
            let mut event = event(&name(at), minutes, Action::View, &[&format!("{kind}-{n}")]);
            if at == REFUSER {
                event.purposes = Purposes::ALL.without(Purpose::Personalise);
            }
            all.push(event);
        }
        if in_club(at) {
            let mut joined = event(&name(at), 1, Action::Identify, &[]);
            joined.traits.insert("club".to_owned(), json!("tea"));
            all.push(joined);
        }
    }
    all
}

async fn segment(stack: &Stack, shop: &Shop, id: &str, filter: &str) {
    let segment: Segment = serde_json::from_value(json!({"id": id, "filter": filter})).unwrap();
    stack.context.table.put_setting(shop, SEGMENT, id, &segment, 0).await.unwrap();
}

/// What the table says of a visitor's audiences, in the order in which it was told.
async fn told(stack: &Stack, shop: &Shop, at: usize) -> Vec<serde_json::Value> {
    let events = stack.context.table.recent(shop, &name(at)).await.unwrap().events;
    events
        .into_iter()
        .filter(|event| event.action == Action::Audience)
        .map(|event| event.traits[ALIKE].clone())
        .collect()
}

/// Writes profiles as the fold does.
async fn fold(stack: &Stack, shop: &Shop, all: &[Event]) {
    for at in 0..VISITORS {
        let mut events: Vec<Event> = all.iter().filter(|event| event.visitor == name(at)).cloned().collect();
        events.extend(stack.context.table.recent(shop, &name(at)).await.unwrap().events);
        let before = stack.context.table.profile(shop, &name(at)).await.unwrap();
        let profile = Profile {
            visitor: name(at),
            version: before.map_or(0, |profile| profile.version) + 1,
            state: State::default().fold(&events, &()),
            linked: Vec::new(),
            folded: END,
            compacted: None,
            segments: Default::default(),
        };
        stack.context.table.save_profile(shop, &profile, None).await.unwrap();
    }
}

#[tokio::test]
async fn those_of_one_taste_are_found_told_once_and_let_go() {
    let (stack, shop, all) = (Stack::start().await, shop("demo"), events());
    stack.sell(&shop, &products()).await;
    stack.archive(&shop, "a", &all).await;
    segment(&stack, &shop, "club", r#"club = "tea""#).await;
    stack.publish(&shop).await;

    // How many against how alike is told of every segment; nobody is told anything before somebody asks.
    let found = stack.context.objects.audiences(&shop).await.unwrap().unwrap();
    let club = &found.segments["club"];
    assert_eq!((found.visitors, club.members, club.sizes.len()), (VISITORS as u64 - 1, CLUB as u64, 5));
    assert!(club.own > 0.5 && club.sizes[0].similarity > 0.5, "{club:?}");
    // The hidden half of the club is among 239 visitors of whom half like tea; a fifth of all can hold all of them.
    assert!(club.sizes[4].found > 0.3, "{club:?}");
    for at in 0..VISITORS {
        assert_eq!(told(&stack, &shop, at).await, [] as [serde_json::Value; 0]);
    }

    segment(&stack, &shop, "like-club", r#"alike = "club-10""#).await;
    fold(&stack, &shop, &all).await;
    stack.advance(60);
    stack.train(&shop).await;
    let mut chosen = Vec::new();
    for at in 0..VISITORS {
        match told(&stack, &shop, at).await.as_slice() {
            [] => {}
            [names] => {
                assert_eq!(*names, json!(["club-10"]));
                chosen.push(at);
            }
            more => panic!("{at} was told {more:?}"),
        }
    }
    assert_eq!(chosen.len(), (VISITORS - 1).div_ceil(10));
    assert!(chosen.iter().all(|at| at % 2 == 0 && !in_club(*at) && *at != REFUSER), "{chosen:?}");

    // Folded, they pass the filter, and what they are told is no visit.
    fold(&stack, &shop, &all).await;
    let profile = stack.context.table.profile(&shop, &name(chosen[0])).await.unwrap().unwrap();
    assert_eq!((profile.state.traits[ALIKE].clone(), profile.state.visits), (json!(["club-10"]), 1));
    assert!(profile.state.last < END && !profile.state.counts.contains_key(&Action::Audience));

    // The same model says the same again: nobody is told twice. Results know who is in the audience.
    stack.advance(60);
    stack.train(&shop).await;
    for at in &chosen {
        assert_eq!(told(&stack, &shop, *at).await.len(), 1);
    }
    let results = stack.context.objects.results(&shop).await.unwrap().unwrap().results;
    assert_eq!(results.between("0", "9").segments["like-club"].visitors, chosen.len() as u64);

    // Somebody who refuses while a training reads the lake, which still has them, is told nothing.
    let key = stack.context.tombstone_key();
    stack.context.table.note_refusal(&key, &shop, &name(chosen[1]), true, END).await.unwrap();
    let live = stack.artifact(&shop).await;
    refresh(&stack.context, &shop, &products(), Some(&live), HELD).await.unwrap();
    assert_eq!(told(&stack, &shop, chosen[1]).await, [] as [serde_json::Value; 0]);

    // Whoever joins the club is no longer like it.
    let mut joined = event(&name(chosen[0]), 0, Action::Identify, &[]);
    (joined.time, joined.received) = (Millis(END.0 + 1), Millis(END.0 + 1));
    joined.traits.insert("club".to_owned(), json!("tea"));
    stack.archive(&shop, "b", &[joined]).await;
    stack.advance(60);
    stack.train(&shop).await;
    assert_eq!(told(&stack, &shop, chosen[0]).await, [json!(["club-10"]), json!(null)]);

    // Nobody asks any more: everybody is let go.
    fold(&stack, &shop, &all).await;
    let mut still = Vec::new();
    for at in 0..VISITORS {
        let profile = stack.context.table.profile(&shop, &name(at)).await.unwrap().unwrap();
        still.extend(profile.state.traits.contains_key(ALIKE).then_some(at));
    }
    // The one who refused has left the lake.
    assert_eq!(still.len(), (VISITORS - 2).div_ceil(10));
    stack.context.table.remove_setting(&shop, SEGMENT, "like-club", Some(1), "test").await.unwrap();
    stack.advance(60);
    stack.train(&shop).await;
    for at in still {
        assert_eq!(told(&stack, &shop, at).await.last(), Some(&json!(null)));
    }
    assert!(stack.context.objects.audiences(&shop).await.unwrap().unwrap().asked.is_empty());
}
