//! Look-alikes ([`vitrine_domain::alike`]): who is nearest to a segment in the space of the live model, for every segment how
//! many against how alike, and for the sizes that a segment, rule or experiment of the shop asks for, who.
//!
//! A visitor is told by an event, [`Action::Audience`], which says the visitor's audiences anew where they are others than before:
//! so a profile stays a fold of events, decisions and replays see what they saw, and an erasure finds it where everything is.
//! The lake does not keep these events, because every training makes them from it. They are over with what the visitor did last,
//! and change nothing but a trait that nobody else can set.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use vitrine_domain::alike::{ALIKE, Code, Crowd, asked, audience, is_audience};
use vitrine_domain::experiment::Status;
use vitrine_domain::{
    Action, Channel, Event, Experiment, MessageId, Millis, PastAction, Purposes, Rule, Segment, Shop, State, Visitor,
};
use vitrine_learn::{Artifact, Interaction, Question, Scratch, interactions};
use vitrine_runtime::Context;
use vitrine_store::results::Audiences as Stored;
use vitrine_store::settings::{EXPERIMENT, RULE, SEGMENT, Snapshot};

use crate::Error;

/// Events written at once.
const BATCH: usize = 2_000;
/// Settings that can ask for audiences.
pub(crate) const KINDS: [&str; 3] = [EXPERIMENT, RULE, SEGMENT];

/// The audiences that a shop's settings ask for.
pub(crate) fn asked_by(snapshot: &Snapshot) -> BTreeSet<(String, u8)> {
    let segments = snapshot.segments();
    let rules: Vec<Rule> = snapshot.readable(RULE);
    let experiments: Vec<Experiment> = snapshot.readable(EXPERIMENT);
    let running = experiments.iter().filter(|experiment| experiment.status == Status::Running);
    let filters = segments.iter().map(|segment| &segment.filter);
    let filters = filters.chain(rules.iter().filter_map(|rule| rule.when.visitor.as_ref()));
    asked(&segments, filters.chain(running.filter_map(|experiment| experiment.audience.as_ref())))
}

/// Whether the last training told all audiences that are asked for, and no others.
pub(crate) async fn are_told(context: &Context, shop: &Shop) -> Result<bool, Error> {
    let (snapshot, told) =
        tokio::try_join!(context.table.settings_at(shop, &KINDS, None), context.objects.audiences(shop))?;
    Ok(asked_by(&snapshot) == told.unwrap_or_default().asked)
}

/// Where visitors are, as a model sees them.
pub(crate) struct Vectors<'m> {
    model: &'m Artifact,
    scratch: Scratch,
    vector: Vec<f32>,
    /// What everybody has in common: what somebody would ask for of whom nothing is known.
    nobody: Vec<f32>,
}

impl<'m> Vectors<'m> {
    pub(crate) fn of(model: &'m Artifact) -> Self {
        let (mut scratch, mut nobody) = (Scratch::default(), vec![0.0; model.dims()]);
        model.visitor_vector(&[], Question::Any, &mut scratch, &mut nobody);
        Self { model, scratch, vector: vec![0.0; model.dims()], nobody }
    }

    /// How what somebody would ask for next differs from what anybody would; nothing of somebody who has done nothing.
    pub(crate) fn at(&mut self, who: &Visitor, actions: &[PastAction]) -> &[f32] {
        let history = interactions(actions, |id| self.model.position(id)).filter(|past| past.row != u32::MAX);
        let history: Vec<Interaction> = history.collect();
        self.scratch.visitor = Some(Scratch::visitor_key(who));
        if history.is_empty() {
            self.vector.fill(0.0);
            return &self.vector;
        }
        self.model.visitor_vector(&history, Question::Any, &mut self.scratch, &mut self.vector);
        self.vector.iter_mut().zip(&self.nobody).for_each(|(x, nobody)| *x -= nobody);
        &self.vector
    }
}

/// A visitor who is compared with others.
#[derive(Debug)]
pub(crate) struct Drawn {
    /// By which some of many are drawn.
    pub(crate) lot: u64,
    who: Visitor,
    purposes: Purposes,
    /// When the visitor's newest event came.
    newest: Millis,
    code: Code,
    /// A bit for each segment in force, in their order.
    segments: u128,
}

impl Drawn {
    pub(crate) fn new(lot: u64, who: &Visitor, newest: &Event, vector: &[f32], of: &[String], all: &[Segment]) -> Self {
        let bit = |(at, segment): (u32, &Segment)| u128::from(of.contains(&segment.id)).checked_shl(at).unwrap_or(0);
        let segments = (0..).zip(all).map(bit).fold(0, |bits, bit| bits | bit);
        let (purposes, newest) = (newest.purposes, newest.received.max(newest.time));
        Self { lot, who: who.clone(), purposes, newest, code: Code::from(vector), segments }
    }
}

/// Which audiences are asked for, and who is in which by what their profiles say.
#[derive(Debug, Default)]
pub(crate) struct Audiences {
    asked: BTreeSet<(String, u8)>,
    /// With the time at which the visitor was last there.
    told: HashMap<Visitor, (Vec<String>, Millis)>,
}

impl Audiences {
    /// Reads them, which reads the whole table if the shop asks for audiences, or did until now.
    pub(crate) async fn read(context: &Context, shop: &Shop, asked: BTreeSet<(String, u8)>) -> Result<Self, Error> {
        let (mut told, mut after) = (HashMap::new(), None);
        let before = context.objects.audiences(shop).await?;
        if asked.is_empty() && before.is_none_or(|before| before.asked.is_empty()) {
            return Ok(Self::default());
        }
        loop {
            let page = context.table.profiles_page(after).await?;
            for (_, profile) in page.profiles.into_iter().filter(|(of, _)| of == shop) {
                let names = profile.state.traits.get(ALIKE).and_then(Value::as_array);
                let names: Vec<String> =
                    names.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
                if !names.is_empty() {
                    told.insert(profile.visitor, (names, profile.state.last));
                }
            }
            after = page.next;
            if after.is_none() {
                return Ok(Self { asked, told });
            }
        }
    }

    /// Puts somebody's audiences where a profile has them.
    pub(crate) fn tell(&self, who: &Visitor, state: &mut State) {
        if let Some((names, _)) = self.told.get(who) {
            state.traits.insert(ALIKE.to_owned(), names.clone().into());
        }
    }
}

/// Finds the look-alikes of every segment, writes how many there are against how alike, and tells those who are in other
/// audiences than before.
pub(crate) async fn renew(
    context: &Context,
    shop: &Shop,
    segments: Vec<Segment>,
    before: Audiences,
    mut drawn: Vec<Drawn>,
) -> Result<(), Error> {
    let at = context.clock.now();
    let crowd: Crowd = drawn.iter_mut().map(|drawn| std::mem::take(&mut drawn.code)).collect();
    let find = move || {
        let (found, names) = find(&crowd, &drawn, &segments, &before.asked, at);
        (found, changes(before.told, &drawn, names))
    };
    // Some seconds of work, during which others are served on one machine.
    let (found, mut events) = tokio::task::spawn_blocking(find).await?;
    let (key, mut told) = (context.tombstone_key(), 0);
    for batch in events.chunks_mut(BATCH) {
        // Before it is asked who was erased: an erasure in between then holds it.
        let now = context.clock.now();
        batch.iter_mut().for_each(|event| event.time = now);
        // Whoever was erased, or refused, since the lake was read.
        let barred = context.table.barred_now(&key, shop, batch.iter().map(|event| event.visitor.clone())).await?;
        let may = |event: &&Event| !barred.is_whole(&event.visitor) && !barred.refused(&event.visitor);
        let events: Vec<Event> = batch.iter().filter(may).cloned().collect();
        context.table.import_events(shop, &events).await?;
        told += events.len();
    }
    if told > 0 {
        tracing::info!(%shop, visitors = told, "visitors are in other audiences than before");
    }
    // At the end: what was not told to the end is told by the next training.
    Ok(context.objects.put_audiences(shop, &found).await?)
}

/// The look-alikes of all segments, and the audiences that are asked for of each person, by their places.
fn find(
    crowd: &Crowd,
    drawn: &[Drawn],
    segments: &[Segment],
    asked: &BTreeSet<(String, u8)>,
    at: Millis,
) -> (Stored, BTreeMap<usize, Vec<String>>) {
    let (mut all, mut names) = (BTreeMap::new(), BTreeMap::<usize, Vec<String>>::new());
    for (bit, segment) in (0..).zip(segments).filter(|(_, segment)| !is_audience(segment)) {
        let is_in: Vec<bool> = drawn.iter().map(|one| one.segments.checked_shr(bit).unwrap_or(0) & 1 == 1).collect();
        let Some(mut found) = crowd.look_alikes(&is_in) else { continue };
        let nearest = std::mem::take(&mut found.nearest);
        for size in found.sizes.iter().filter(|size| asked.contains(&(segment.id.clone(), size.percent))) {
            let many = usize::try_from(size.visitors).unwrap_or(usize::MAX);
            for place in nearest.iter().take(many) {
                names.entry(*place).or_default().push(audience(&segment.id, size.percent));
            }
        }
        all.insert(segment.id.clone(), found);
    }
    (Stored { at, visitors: drawn.len() as u64, asked: asked.clone(), segments: all }, names)
}

/// An event for everybody whose audiences are others than before, without its time. It says of purposes what the visitor said
/// last; of those who are not among the drawn any more, that they are in none.
fn changes(
    mut before: HashMap<Visitor, (Vec<String>, Millis)>,
    drawn: &[Drawn],
    mut names: BTreeMap<usize, Vec<String>>,
) -> Vec<Event> {
    let mut events = Vec::new();
    for (place, one) in drawn.iter().enumerate() {
        let mut new = names.remove(&place).unwrap_or_default();
        new.sort();
        let old = before.remove(&one.who).map(|(names, _)| names).unwrap_or_default();
        if old != new {
            events.extend(event(&one.who, one.purposes, one.newest, new));
        }
    }
    let mut gone: Vec<(Visitor, Millis)> = before.into_iter().map(|(who, (_, last))| (who, last)).collect();
    gone.sort();
    events.extend(gone.iter().filter_map(|(who, last)| event(who, Purposes::NONE, *last, Vec::new())));
    events
}

/// The event that tells a visitor's audiences.
fn event(who: &Visitor, purposes: Purposes, newest: Millis, names: Vec<String>) -> Option<Event> {
    // Of a person two partitions may be told at one time; what they are told are two events.
    let id = MessageId::new(format!("audience-{:016x}", Scratch::visitor_key(who))).ok()?;
    let mut event = Event::new(id, who.clone(), newest, Action::Audience);
    (event.channel, event.purposes) = (Channel::Server, purposes);
    event.traits.insert(ALIKE.to_owned(), if names.is_empty() { Value::Null } else { names.into() });
    Some(event)
}
