//! Asking every part of a whole model must not allocate once the scratch space has grown: counted by an allocator of its
//! own.
#![allow(unsafe_code, clippy::unwrap_used)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use vitrine_domain::{Action, Event, Line, MessageId, Millis, Product, ProductId, Visitor};
use vitrine_learn::{
    Artifact, Dataset, Interaction, Lineup, Own, OwnVectors, Question, Scratch, Settings, Tally, Trainer, settings,
};

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: everything is passed on to the system's allocator; counting neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A shop where everything happens: looks and orders in visits, orders once more, texts, vectors of the shop's own.
fn artifact() -> Artifact {
    let id = |number: usize| ProductId::new(format!("{number:02}")).unwrap();
    let products: Vec<Product> = (0..40)
        .map(|number| {
            let mut product = Product::new(id(number), format!("{} no {number}", ["soap", "wine"][number % 2]));
            product.category = vec![["Bath", "Cellar"][number % 2].to_owned()];
            product
        })
        .collect();
    let people: Vec<(Visitor, Vec<Event>)> = (0..150_usize)
        .map(|number| {
            let visitor = Visitor::known(number.to_string()).unwrap();
            let event = |step: usize| {
                let action = if step % 3 == 2 { Action::Order } else { Action::View };
                let time = Millis(((step / 3 * 1_440 + step % 3) * 60_000) as i64);
                let message = MessageId::new(format!("{number}-{step}")).unwrap();
                let mut event = Event::new(message, visitor.clone(), time, action);
                let place = if action == Action::Order { 0 } else { step };
                event.lines.push(Line::of(id((number + 2 * place) % 40)));
                if action == Action::Order {
                    event.lines.push(Line::of(id((number + 2 * step) % 40)));
                }
                event
            };
            (visitor.clone(), (0..12).map(event).collect())
        })
        .collect();
    let vector = |number: usize| vec![number as f32, 1.0];
    let own = OwnVectors {
        name: "own".to_owned(),
        dims: 2,
        products: (0..40).map(|number| (id(number), vector(number))).collect(),
        visitors: vec![(Visitor::known("7").unwrap(), vector(7))],
    };
    let settings = Settings {
        threads: 1,
        factors: settings::Factors { dims: 8, iterations: 2, ..Default::default() },
        encoder: settings::Encoder { dims: 8, inner: 8, epochs: 1, ..Default::default() },
        diffusion: settings::Diffusion { dims: 8, ..Default::default() },
        ..Settings::default()
    };
    let data = Dataset::new(&products, &people, &settings.limits).unwrap();
    let trainer = Trainer { lineup: Lineup::default().with(Own::from(own)), settings, ..Trainer::default() };
    let bytes = trainer.train(&data, &mut |_, _, _| ()).unwrap().bytes;
    Artifact::from_bytes(bytes, &Lineup::default()).unwrap()
}

/// What a visitor did: `length` looks and, every third, an order, the last of them just now.
fn history(length: u32, from: u32) -> Vec<Interaction> {
    let past = |step: u32| Interaction {
        row: (from + 2 * step) % 40,
        action: if step % 3 == 2 { Action::Order } else { Action::View },
        age_days: (length - 1 - step) as f32 / 1_440.0,
    };
    (0..length).map(past).collect()
}

#[test]
fn a_request_allocates_nothing() {
    let artifact = artifact();
    let (mut scratch, mut tally) = (Scratch::default(), Tally::new(artifact.len()));
    let mut visitor = vec![0.0; artifact.dims()];
    let mut spoken = vec![0_usize; artifact.parts().len()];
    let mut ask = |history: &[Interaction], who: Option<u64>| {
        scratch.visitor = who;
        for question in Question::ALL {
            artifact.visitor_vector(history, question, &mut scratch, &mut visitor);
            for (at, part) in artifact.parts().iter().enumerate() {
                artifact.part_tally(at, history, &mut scratch, &mut tally);
                let asked = &visitor[part.range.clone()];
                spoken[at] += tally.rows().len() + asked.iter().filter(|x| **x != 0.0).count();
                tally.clear();
            }
        }
    };
    // The longest history is more than is read.
    let longest = [history(300, 1), history(300, 2)];
    let others = [history(0, 0), history(1, 5), history(2, 30), history(50, 7), history(200, 11), history(300, 4)];
    let known = Some(Scratch::visitor_key(&Visitor::known("7").unwrap()));
    longest.iter().for_each(|history| ask(history, None));
    let before = ALLOCATIONS.get();
    assert!(before > 0);
    for history in &others {
        ask(history, None);
        ask(history, known);
    }
    assert_eq!(ALLOCATIONS.get(), before);
    for (part, spoken) in artifact.parts().iter().zip(spoken) {
        assert!(spoken > 0, "{} had nothing to say", part.name);
    }
}
