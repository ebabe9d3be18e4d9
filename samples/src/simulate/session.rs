//! One visit: from the products somebody wants to see to the events their browser sends.

use vitrine_domain::{Action, Channel, Event, Line, MessageId, Millis, Order as OrderHead, Visitor};

use super::random::{Random, sums};
use super::structure::Structure;
use super::truth::{self, Device, Manner};
use crate::grocery::CURRENCY;
use crate::{Error, Grocery, Order};

/// A product that is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target {
    /// Which.
    pub(crate) product: usize,
    /// How many go into the basket.
    pub(crate) add: u32,
}

/// Who visits, with what, and when.
pub(crate) struct Visit<'a> {
    /// Index of the customer, unless nobody knows them.
    pub(crate) customer: Option<usize>,
    /// The device.
    pub(crate) device: &'a Device,
    /// What they are like.
    pub(crate) manner: Manner,
    /// The day, for the campaigns that run.
    pub(crate) day: i64,
    /// The order at the end.
    pub(crate) order: Option<&'a Order>,
    /// Makes the identifiers of the events.
    pub(crate) key: u64,
}

/// Writes visits.
pub(crate) struct Writer<'a> {
    pub(crate) shop: &'a Grocery,
    pub(crate) structure: &'a Structure,
}

/// A visit while it is written; its clock starts at zero.
struct Draft<'v> {
    visit: &'v Visit<'v>,
    events: Vec<Event>,
    clock: i64,
    /// Events from here on carry the customer; before it they carry the device only.
    login: usize,
    listed: Vec<usize>,
    basket: Vec<Line>,
}

impl Draft<'_> {
    /// Whether pages are left after seconds.
    const fn hurried(&self) -> bool {
        self.visit.manner.just_browsing && self.visit.order.is_none()
    }

    fn event(&mut self, action: Action) -> Result<&mut Event, Error> {
        let number = self.events.len();
        let id = MessageId::new(format!("{:016x}{number:x}", self.visit.key))?;
        let mut event = Event::new(id, Visitor::anonymous(&self.visit.device.id)?, Millis(self.clock), action);
        event.context.device = Some(self.visit.device.class.to_owned());
        if self.visit.device.app {
            event.channel = Channel::Mobile;
        }
        self.events.push(event);
        Ok(&mut self.events[number])
    }

    const fn wait(&mut self, random: &mut Random, low: i64, high: i64) {
        // Seconds with a random rest of milliseconds, as clocks show them.
        let span = (high - low) as u128 * 1_000;
        self.clock += low * 1_000 + ((random.bits() as u128 * span) >> 64) as i64;
    }
}

impl Writer<'_> {
    /// The events of a visit, the first at time zero, and the time at which it ends.
    ///
    /// Fails only on identifiers, which the shop's data does not make possible.
    pub(crate) fn write(
        &self,
        visit: &Visit<'_>,
        targets: &[Target],
        random: &mut Random,
    ) -> Result<(Vec<Event>, i64), Error> {
        let logged_out = random.chance(truth::LOGGED_OUT);
        let login = if visit.customer.is_none() || logged_out { usize::MAX } else { 0 };
        let mut draft = Draft { visit, events: Vec::new(), clock: 0, login, listed: Vec::new(), basket: Vec::new() };
        self.arrive(&mut draft, random)?;
        for target in targets {
            self.reach(&mut draft, target.product, random)?;
            self.look(&mut draft, *target, random)?;
        }
        self.leave(&mut draft, random)?;
        let Draft { mut events, clock, login, .. } = draft;
        if let Some(customer) = visit.customer {
            for event in events.iter_mut().skip(login) {
                event.visitor = Visitor::known(&self.shop.customers[customer].id)?;
                event.device_id = Some(visit.device.id.clone());
            }
        }
        Ok((events, clock))
    }

    /// The home page, and perhaps a promotion on it.
    fn arrive(&self, draft: &mut Draft<'_>, random: &mut Random) -> Result<(), Error> {
        let page = if draft.visit.device.app { Action::Screen } else { Action::Page };
        let search_engine = random.chance(0.3);
        let home = draft.event(page)?;
        home.name = Some("Home".to_owned());
        home.context.path = Some("/".to_owned());
        home.context.referrer = search_engine.then(|| "www.google.com".to_owned());
        draft.wait(random, 2, 15);
        if !random.chance(truth::PROMOTION_SHOWN) {
            return Ok(());
        }
        let (id, name, covered) = self.promotion(draft.visit);
        let shown = draft.event(Action::PromotionView)?;
        (shown.list, shown.name) = (Some(id.clone()), Some(name.clone()));
        draft.wait(random, 1, 8);
        let deal_lover = draft.visit.manner.deal_lover;
        if !random.chance(if deal_lover { truth::PROMOTION_CLICK_DEAL_LOVER } else { truth::PROMOTION_CLICK }) {
            return Ok(());
        }
        let clicked = draft.event(Action::PromotionClick)?;
        (clicked.list, clicked.name) = (Some(id), Some(name));
        draft.wait(random, 2, 10);
        let product = match covered.get(random.below(covered.len())) {
            Some(product) => *product,
            None => self.structure.reduced(random),
        };
        self.look(draft, Target { product, add: 0 }, random)
    }

    /// The newest campaign that runs and was sent to the visitor, else the deals that everybody sees.
    fn promotion(&self, visit: &Visit<'_>) -> (String, String, &[usize]) {
        let received = visit.customer.and_then(|customer| {
            let runs = |day: i64| move |c: &&crate::Campaign| c.start <= day && day <= c.end;
            let mine = self.shop.campaigns.iter().filter(runs(visit.day));
            mine.filter(|c| c.customers.binary_search(&customer).is_ok()).max_by_key(|c| (c.start, c.id))
        });
        match received {
            Some(campaign) => (format!("campaign-{}", campaign.id), campaign.kind.clone(), &campaign.products),
            None => ("weekly-deals".to_owned(), "Weekly deals".to_owned(), &[]),
        }
    }

    /// The way to a product: a search, a category list, or straight there.
    fn reach(&self, draft: &mut Draft<'_>, product: usize, random: &mut Random) -> Result<(), Error> {
        let toss = random.unit();
        if draft.listed.contains(&product) {
            return Ok(());
        }
        if draft.hurried() {
            return self.list(draft, product, random);
        }
        if toss < truth::BY_SEARCH {
            return self.search(draft, product, random);
        }
        if toss < truth::BY_SEARCH + truth::BY_LIST {
            return self.list(draft, product, random);
        }
        Ok(())
    }

    fn search(&self, draft: &mut Draft<'_>, product: usize, random: &mut Random) -> Result<(), Error> {
        let leaf = &self.structure.leaves[self.structure.leaf_of[product]].name;
        let loyal = draft.visit.manner.brand_loyal;
        let by_brand = random.chance(if loyal { truth::BRAND_QUERY_LOYAL } else { truth::BRAND_QUERY });
        let brand = self.shop.products[product].brand.as_deref().filter(|_| by_brand);
        let words = brand.map_or_else(|| leaf.clone(), |brand| format!("{brand} {leaf}"));
        draft.event(Action::Search)?.query = Some(words.to_lowercase());
        draft.wait(random, 5, 20);
        Ok(())
    }

    /// A list of the product's category and the click on it.
    fn list(&self, draft: &mut Draft<'_>, product: usize, random: &mut Random) -> Result<(), Error> {
        let leaf = self.structure.leaf_of[product];
        let name = &self.structure.leaves[leaf].name;
        let length = truth::LISTED.min(self.structure.leaves[leaf].products.len());
        let mut listed = vec![product];
        while listed.len() < length {
            let other = self.structure.of_leaf(leaf, random);
            if !listed.contains(&other) {
                listed.push(other);
            }
        }
        let weight = |position: usize| {
            let root = (position as f64).sqrt();
            1.0 / (root * root.sqrt())
        };
        let place = random.by_weight(&sums((1..=length).map(weight)));
        listed[..=place].rotate_left(1);
        let line = |(index, product): (usize, &usize)| Line {
            position: u32::try_from(index + 1).ok(),
            ..Line::of(self.shop.products[*product].id.clone())
        };
        let lines: Vec<Line> = listed.iter().enumerate().map(line).collect();
        let clicked = lines[place].clone();
        let shown = draft.event(Action::List)?;
        (shown.list, shown.lines) = (Some(name.clone()), lines);
        if draft.hurried() {
            draft.wait(random, 3, 12);
        } else {
            draft.wait(random, 8, 40);
        }
        let click = draft.event(Action::Click)?;
        (click.list, click.lines) = (Some(name.clone()), vec![clicked]);
        draft.listed = listed;
        draft.wait(random, 1, 3);
        Ok(())
    }

    /// The product's page, and perhaps the basket.
    fn look(&self, draft: &mut Draft<'_>, target: Target, random: &mut Random) -> Result<(), Error> {
        let known = &self.shop.products[target.product];
        let line = Line { price: known.price, ..Line::of(known.id.clone()) };
        let view = draft.event(Action::View)?;
        view.lines = vec![line.clone()];
        view.currency = Some(CURRENCY.to_owned());
        if draft.hurried() {
            draft.wait(random, 3, 12);
        } else {
            draft.wait(random, 20, 120);
        }
        if target.add > 0 {
            let line = Line { quantity: f64::from(target.add), ..line };
            let add = draft.event(Action::Add)?;
            add.lines = vec![line.clone()];
            add.currency = Some(CURRENCY.to_owned());
            draft.basket.push(line);
            draft.wait(random, 2, 10);
        }
        Ok(())
    }

    /// The basket, and the checkout of a visit that buys.
    fn leave(&self, draft: &mut Draft<'_>, random: &mut Random) -> Result<(), Error> {
        if draft.visit.order.is_some() && draft.login == usize::MAX {
            draft.login = draft.events.len();
            draft.event(Action::Identify)?;
            draft.wait(random, 1, 4);
        }
        if !draft.basket.is_empty() && random.chance(truth::CART) {
            let basket = draft.basket.clone();
            draft.event(Action::Cart)?.lines = basket;
            draft.wait(random, 5, 40);
        }
        if let Some(order) = draft.visit.order {
            let head = OrderHead { id: Some(order.id.clone()), ..OrderHead::default() };
            draft.event(Action::Checkout)?.order = Some(head);
            draft.wait(random, 30, 180);
            return Ok(());
        }
        if let Some(line) = draft.basket.first().cloned()
            && random.chance(truth::REMOVE)
        {
            draft.event(Action::Remove)?.lines = vec![line];
        }
        Ok(())
    }
}
