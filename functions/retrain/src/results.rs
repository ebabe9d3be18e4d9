//! What a shop earned, read from the lake whenever a training reads it: sums by day, channel, segment and placement, who buys
//! again, experiments and the hold-out ([`vitrine_domain::results`]); the groups that visitors fall into
//! ([`vitrine_domain::clusters`]); and who is like whom ([`vitrine_domain::alike`]).
//!
//! A person's visits, first order and clicks before an order lie in many files, so the whole is made anew from all of them:
//! what is delivered twice, corrected or erased counts as it stands. Events of so many people are held at once as fit; of a
//! longer log the people are taken in parts, which are put aside on the disk, so that the lake is read twice and no more.
//!
//! There is no row for each file that could be kept and added up. Of most figures a file does not know its part: whether a visit
//! began in it, whether an order is the first, which click an order follows, what somebody did before they saw a variant. And
//! what depends on no file, who is in which segment today, changes for everybody every day.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Deserialize;
use vitrine_domain::alike;
use vitrine_domain::clusters::{self, Clusters, Member};
use vitrine_domain::consent::granted;
use vitrine_domain::experiment::{HoldOut, Measurement, Outcome, Pricing, Status};
use vitrine_domain::filter::Person;
use vitrine_domain::profile::{Facts, Found, People, in_fold_order};
use vitrine_domain::results::{Attribution, Held, Made, Results};
use vitrine_domain::segment::{Scale, memberships};
use vitrine_domain::time::DAY;
use vitrine_domain::{Action, Event, Experiment, Millis, Product, Purpose, Segment, Shop, State, Visitor};
use vitrine_learn::Artifact;
use vitrine_learn::log::Window;
use vitrine_runtime::Context;
use vitrine_runtime::seal::Sealer;
use vitrine_store::aside::Aside;
use vitrine_store::decisions::open_id;
use vitrine_store::lake::Kind;
use vitrine_store::results::{Head, Stored};
use vitrine_store::settings::{ATTRIBUTION, EXPERIMENT, HOLD_OUT, SCALE, SEGMENT, Snapshot};

use crate::Error;
use crate::audiences::{self, Audiences, Drawn, Vectors};
use crate::lake::{ATTEMPTS, still_has};

/// Events that are held at once, about 300 MB of them.
pub const HELD: usize = 400_000;
/// Shares of a bandit that move by less stay as they are.
const SHIFT: f64 = 0.01;

/// How logged decisions were made: of those where there is anything to say. Many are made alike.
#[derive(Debug, Default)]
struct Logged {
    ways: Vec<Made>,
    /// By a hash of what tells decisions apart, the place among the ways.
    of: HashMap<u64, u32>,
}

impl Logged {
    fn get(&self, nonce: &str) -> Option<&Made> {
        self.ways.get(*self.of.get(&hash(nonce))? as usize)
    }
}

/// What results are made by.
struct Terms {
    now: Millis,
    attribution: Attribution,
    experiments: Vec<Experiment>,
    /// Who is held out of experiments, or of personalization too, if anybody is.
    hold_out: Option<HoldOut>,
    segments: Vec<Segment>,
    scale: Option<Scale>,
    facts: BTreeMap<String, Facts>,
    costs: HashMap<String, f64>,
    /// Who is in which audience of look-alikes since the training before.
    audiences: Audiences,
}

/// Reads the lake and writes the shop's results; then bandits shift their traffic, and visitors are told which segments they are
/// like. The products say what events leave out, and what they cost; the live model says where visitors are among them. At most `held` events are held at once, [`HELD`] unless a test wants few.
///
/// # Errors
/// If a store fails, or the lake's files were merged again and again while they were read.
pub async fn refresh(
    context: &Context,
    shop: &Shop,
    products: &[Product],
    live: Option<&Artifact>,
    held: usize,
) -> Result<(), Error> {
    let kinds = [ATTRIBUTION, EXPERIMENT, HOLD_OUT, SCALE, SEGMENT];
    let snapshot = context.table.settings_at(shop, &kinds, None).await?;
    let known = |product: &Product| (product.id.as_str().to_owned(), Facts::from(product));
    let cost = |product: &Product| Some((product.id.as_str().to_owned(), product.cost?));
    let begun = |experiment: &Experiment| experiment.status != Status::Draft;
    let segments = snapshot.segments();
    let terms = Terms {
        now: context.clock.now(),
        audiences: Audiences::read(context, shop, audiences::asked_by(&snapshot)).await?,
        attribution: snapshot.one(ATTRIBUTION).unwrap_or_default(),
        experiments: snapshot.readable(EXPERIMENT).into_iter().filter(begun).collect(),
        hold_out: snapshot.one(HOLD_OUT).filter(|out: &HoldOut| out.share > 0.0),
        segments,
        scale: snapshot.one(SCALE),
        facts: products.iter().map(known).collect(),
        costs: products.iter().filter_map(cost).collect(),
    };
    for _ in 0..ATTEMPTS {
        let before = context.objects.lake_files(shop, Kind::Events).await?;
        let Gathered { stored, members, drawn } = read(context, shop, &terms, live, held).await?;
        if still_has(context, shop, &before).await? {
            shift(context, shop, &terms, &snapshot, &stored.results).await?;
            context.objects.put_results(shop, stored).await?;
            group(context, shop, members, terms.now).await?;
            // Without a model nobody is anywhere, and whoever was told something stays with it.
            return match live {
                Some(_) => audiences::renew(context, shop, terms.segments, terms.audiences, drawn).await,
                None => Ok(()),
            };
        }
    }
    Err(Error::LakeMoved)
}

/// Groups the visitors anew; groups that are found again keep their numbers.
async fn group(context: &Context, shop: &Shop, members: Vec<Member>, now: Millis) -> Result<(), Error> {
    let before = context.objects.clusters(shop).await?;
    let find = move || Clusters::find(&members, before.as_ref(), now);
    // Some seconds of work, during which others are served on one machine.
    let found = tokio::task::spawn_blocking(find).await?;
    Ok(context.objects.put_clusters(shop, &found).await?)
}

/// What was gathered from the lake.
struct Gathered {
    stored: Stored,
    /// Visitors to be grouped.
    members: Vec<Member>,
    /// Visitors to be compared.
    drawn: Vec<Drawn>,
}

async fn read(
    context: &Context,
    shop: &Shop,
    terms: &Terms,
    live: Option<&Artifact>,
    most: usize,
) -> Result<Gathered, Error> {
    let window = Window::ending(terms.now, context.config.retention);
    let counts = |event: &Event| window.holds(event) && event.purposes.allows(Purpose::Measure);
    let (mut found, mut held, mut count) = (Found::default(), Vec::new(), 0_usize);
    let mut currencies: BTreeMap<String, usize> = BTreeMap::new();
    let mut results = Results::default();
    let each = &mut |event: Event| {
        if !counts(&event) {
            return;
        }
        results.kept(&event);
        found.note(&event);
        count += 1;
        if let Some(currency) = event.currency.as_ref().filter(|_| event.action == Action::Order) {
            *currencies.entry(currency.clone()).or_default() += 1;
        }
        if count > most { held.clear() } else { held.push(event) }
    };
    context.objects.read_events(shop, each).await?;
    let usual = currencies.into_iter().max_by_key(|(_, orders)| *orders).map(|(currency, _)| currency);
    let terms_of_sums =
        vitrine_domain::results::Terms { made: Some(terms.now), ..terms.attribution.terms(&usual.unwrap_or_default()) };
    let people = found.people();
    let logged = logged(context, shop, &mut results).await?;
    let mut sums = Sums {
        terms,
        of: &terms_of_sums,
        shop,
        sealer: Sealer::new(&context.config.secret),
        logged: &logged,
        results,
        people: 0,
        robots: 0,
        vectors: live.map(Vectors::of),
        members: Vec::new(),
        drawn: Vec::new(),
    };
    let parts = count.div_ceil(most.max(1)).max(1);
    if parts == 1 {
        sums.take_in(held, &people);
    } else {
        let mut aside = Aside::create(context.scratch().join(format!("results-{shop}")), parts)?;
        let each = &mut |event: Event| {
            if counts(&event) {
                aside.put(part_of(person(&people, &event), parts), &event);
            }
        };
        context.objects.read_events(shop, each).await?;
        for part in 0..parts {
            sums.take_in(aside.take(part)?, &people);
        }
    }
    let head = Head {
        at: terms.now,
        currency: terms_of_sums.currency.clone(),
        attribution: terms.attribution.clone(),
        people: sums.people,
        robots: sums.robots,
        held_out: terms.hold_out.as_ref().map(|out| out.share),
        experiments_only: terms.hold_out.as_ref().is_some_and(|out| !out.personalization),
        held_out_since: terms.hold_out.as_ref().map(|out| out.since).unwrap_or_default(),
    };
    draw(&mut sums.members, clusters::MOST, |(lot, _)| *lot);
    draw(&mut sums.drawn, alike::MOST, |drawn| drawn.lot);
    let members = sums.members.into_iter().map(|(_, member)| member).collect();
    Ok(Gathered { stored: Stored { head, results: sums.results }, members, drawn: sums.drawn })
}

/// How the decisions of the lake were made; how many there were goes into the results.
async fn logged(context: &Context, shop: &Shop, results: &mut Results) -> Result<Logged, Error> {
    /// What is read of a line.
    #[derive(Deserialize)]
    struct Decision {
        nonce: Option<String>,
        t: Option<Millis>,
        p: Option<String>,
        #[serde(flatten)]
        made: Made,
    }
    let (mut logged, mut places, mut seen) = (Logged::default(), HashMap::new(), HashSet::new());
    let each = &mut |line: &str| {
        let Ok(Decision { nonce: Some(nonce), t, p, made }) = serde_json::from_str(line) else { return };
        // One may come twice.
        if !seen.insert(hash(&nonce)) {
            return;
        }
        if let Some(at) = t {
            results.decided(at, p.as_deref(), &made);
        }
        if made == Made::default() {
            return;
        }
        let place = *places.entry(made).or_insert_with_key(|made| {
            logged.ways.push(made.clone());
            logged.ways.len() as u32 - 1
        });
        logged.of.insert(hash(&nonce), place);
    };
    context.objects.read_decisions(shop, each).await?;
    Ok(logged)
}

fn person<'a>(people: &'a People, event: &'a Event) -> &'a Visitor {
    people.owner(&event.visitor, event.time).unwrap_or(&event.visitor)
}

/// A number of a person by which some of many are drawn.
fn lot(person: &Visitor) -> u64 {
    hash(person)
}

fn hash(what: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn part_of(person: &Visitor, parts: usize) -> usize {
    usize::try_from(lot(person) % parts as u64).unwrap_or_default()
}

/// Keeps those with the lowest lots, in their order.
fn draw<T>(of: &mut Vec<T>, most: usize, lot: impl Fn(&T) -> u64) {
    of.sort_by_key(lot);
    of.truncate(most);
}

/// Results under way.
struct Sums<'a> {
    terms: &'a Terms,
    of: &'a vitrine_domain::results::Terms,
    shop: &'a Shop,
    sealer: Sealer,
    logged: &'a Logged,
    results: Results,
    people: u64,
    robots: u64,
    /// Where visitors are, as the live model sees them; none without a model.
    vectors: Option<Vectors<'a>>,
    /// Some of the people, each with a lot.
    members: Vec<(u64, Member)>,
    /// More of them, by where they are; none without a model.
    drawn: Vec<Drawn>,
}

impl Sums<'_> {
    /// Takes in everything that some people did.
    fn take_in(&mut self, events: Vec<Event>, people: &People) {
        let mut by_person: BTreeMap<Visitor, Vec<Event>> = BTreeMap::new();
        for event in events {
            by_person.entry(person(people, &event).clone()).or_default().push(event);
        }
        for (person, mut events) in by_person {
            in_fold_order(&mut events);
            self.take_in_person(&person, &events);
        }
    }

    fn take_in_person(&mut self, who: &Visitor, events: &[Event]) {
        let terms = self.terms;
        let mut state = State::default().fold(events, &terms.facts);
        if state.robot {
            self.robots += 1;
            return;
        }
        self.people += 1;
        terms.audiences.tell(who, &mut state);
        let person = Person { state: &state, now: terms.now };
        let segments: Vec<String> = memberships(&terms.segments, person, terms.scale.as_ref()).into_iter().collect();
        let cost = |product: &str| terms.costs.get(product).copied();
        let pricing = Pricing { currency: &self.of.currency, cost: &cost };
        self.sample(who, &person, events, &segments, pricing);
        let held = terms.hold_out.as_ref().and_then(|out| side(out, events));
        let logged = |id: &str| {
            if self.logged.ways.is_empty() {
                return None;
            }
            let (key, _) = open_id(self.shop, |purpose| self.sealer.open(purpose, id))?;
            self.logged.get(&key.nonce)
        };
        let measured = granted(events);
        self.results.take_in(&measured, &segments, held, &logged, self.of);
        self.results.take_in_trials(&measured, &terms.experiments, &logged, pricing);
    }

    /// Takes a person into what is learned of people, if they agree to it.
    fn sample(
        &mut self,
        who: &Visitor,
        person: &Person<'_>,
        events: &[Event],
        segments: &[String],
        pricing: Pricing<'_>,
    ) {
        let Some(newest) = events.last().filter(|event| event.purposes.allows(Purpose::Personalise)) else { return };
        let (lot, mut member) = (lot(who), Member::of(person));
        if !self.terms.costs.is_empty() {
            member.margin = Some(Outcome::of(events, pricing).margin);
        }
        if let Some(vectors) = &mut self.vectors {
            member.vector = vectors.at(who, &person.state.actions).to_vec();
            self.drawn.push(Drawn::new(lot, who, newest, &member.vector, segments, &self.terms.segments));
        }
        self.members.push((lot, member));
        if self.members.len() > 2 * clusters::MOST {
            draw(&mut self.members, clusters::MOST, |(lot, _)| *lot);
        }
        if self.drawn.len() > alike::MOST + alike::MOST / 4 {
            draw(&mut self.drawn, alike::MOST, |drawn| drawn.lot);
        }
    }
}

/// Whether a person is held out, by the id that decisions go by: that of the device which is named first, and the user's only
/// where none is. An order book or a server names the user alone, and no list is decided for that. None of those who allow no
/// experiment.
fn side(out: &HoldOut, events: &[Event]) -> Option<Held> {
    let allowing = || events.iter().filter(|event| event.purposes.allows(Purpose::Experiment));
    let device = allowing().find_map(|event| match &event.visitor {
        Visitor::Anonymous(device) => Some(device.as_str()),
        Visitor::Known(_) => event.device_id.as_deref(),
    });
    let id = device.or_else(|| Some(allowing().next()?.visitor.id()))?;
    Some(Held { out: out.holds(id), since: out.since })
}

/// Gives the variants of each running bandit the shares that what was measured speaks for.
async fn shift(
    context: &Context,
    shop: &Shop,
    terms: &Terms,
    snapshot: &Snapshot,
    results: &Results,
) -> Result<(), Error> {
    for experiment in terms.experiments.iter().filter(|experiment| experiment.status == Status::Running) {
        let id = &experiment.id;
        let stored = snapshot.stored(EXPERIMENT).iter().find(|stored| stored.id == *id);
        let Some((trial, version)) = results.trials.get(id).zip(stored.map(|stored| stored.version)) else { continue };
        #[allow(clippy::cast_precision_loss, reason = "days")]
        let measured = trial.days.iter().filter_map(|(day, variants)| {
            let at = Millis::parse(day)?;
            let age = (terms.now.since(at) / DAY).max(0) as f64;
            Some(Measurement { age, variants: variants.clone() })
        });
        let shares = match experiment.shifted(&measured.collect::<Vec<_>>()) {
            Ok(Some(shares)) => shares,
            Ok(None) => continue,
            Err(error) => {
                tracing::warn!(%shop, experiment = id, %error, "a bandit cannot decide");
                continue;
            }
        };
        let old: Vec<f64> = experiment.cells().iter().map(|cell| cell.weight).collect();
        if old.iter().zip(&shares).all(|(old, new)| (old - new).abs() < SHIFT) {
            continue;
        }
        let design = experiment.design.clone().with_weights(&shares);
        let shifted = Experiment { design, ..experiment.clone() };
        match context.table.put_setting(shop, EXPERIMENT, id, &shifted, version).await {
            Ok(_) => tracing::info!(%shop, experiment = id, ?shares, "a bandit shifted its traffic"),
            // Somebody changed it just now: the next time.
            Err(vitrine_store::Error::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
