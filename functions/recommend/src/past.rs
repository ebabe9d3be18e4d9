//! A decision's ground as it was: everything that its record refers to, read again.

use std::collections::HashSet;
use std::sync::Arc;

use vitrine_domain::profile::{Link, devices, in_fold_order, past_actions};
use vitrine_domain::{Event, Millis, Shop, State, Visitor};
use vitrine_http::Problem;
use vitrine_store::Table;
use vitrine_store::decisions::DecisionKey;

use crate::arms::Arms;
use crate::ground::{Ground, REMEMBERED, Shown};
use crate::record::{Degraded, Record};
use crate::settings::Settings;
use crate::shops::{Display, Stand};
use crate::visit::{OnShelf, Reach, Visit, belongs, in_order};

/// Readings of one partition's past, of 400 events each: more events than a shop's most faithful customer has.
const READINGS: usize = 25;

/// 410: what a decision was made from is no longer kept.
pub(crate) fn gone(what: &str) -> Problem {
    let status = axum::http::StatusCode::GONE;
    Problem::new(status, "no-longer-kept", format!("the decision cannot be made again: {what}"))
}

/// Reads the record of a decision.
///
/// # Errors
/// 404 if there is none, 410 if it was logged by an older version.
pub(crate) async fn record(table: &Table, shop: &Shop, key: &DecisionKey) -> Result<Record, Problem> {
    let text = table.decision(shop, key).await?;
    let text = text.ok_or_else(|| Problem::not_found("there is no such decision; they are kept for 90 days"))?;
    serde_json::from_str(text.get()).map_err(|error| {
        tracing::info!(%error, "a decision was logged in another form");
        gone("it was logged by an older version, which did not note what it was made from")
    })
}

/// Reads the ground of a decision.
///
/// # Errors
/// 410 with what is no longer kept; 503 if a store fails.
pub(crate) async fn ground(
    state: &crate::State,
    shop: &Shop,
    key: &DecisionKey,
    record: &Record,
) -> Result<Ground, Problem> {
    let context = &state.app.context;
    let settings = async {
        match Settings::at(context, shop, Some(record.revision)).await {
            Err(vitrine_store::Error::NotKept { .. }) => Err(gone("the settings of that time are no longer kept")),
            other => other.map_err(Problem::from),
        }
    };
    let (display, settings, shown) =
        tokio::try_join!(display(state, shop, record), settings, shown(context, shop, key, record))?;
    let visit = visit(context, shop, key, record, &display).await?;
    let arms = Arms::logged(&settings, &record.arms, record.held_out);
    Ok(Ground {
        shop: shop.clone(),
        display,
        settings: settings.into(),
        visit: visit.into(),
        shown: shown.into(),
        members: Arc::default(),
        arms: arms.into(),
        words: record.options.words(),
        server: record.options.server(),
        logged: true,
        degraded: record.degraded,
        unindexed: false,
        now: key.time,
    })
}

/// The model and the catalogue as they were.
async fn display(state: &crate::State, shop: &Shop, record: &Record) -> Result<Display, Problem> {
    let table = &state.app.context.table;
    let live = match &record.model {
        Some(version) => {
            let live = table.model_version(shop, version).await?;
            Some(live.ok_or_else(|| gone(&format!("model {version} is no longer kept")))?)
        }
        None => None,
    };
    let from = live.as_ref().map_or(Millis(0), |live| live.delta_from);
    let changes = async {
        match &record.last_change {
            Some(last) => table.changes_between(shop, from, &format!("{last}~")).await.map_err(Problem::from),
            None => Ok(Vec::new()),
        }
    };
    let artifact = async {
        let Some(live) = &live else { return Ok(None) };
        state.shops.artifact(live).await.map(Some).map_err(|error| {
            tracing::warn!(cause = %error, %shop, version = live.version, "a model of the past cannot be opened");
            gone(&format!("model {} cannot be opened any more", live.version))
        })
    };
    let (changes, artifact) = tokio::try_join!(changes, artifact)?;
    if changes.len() < record.changes {
        return Err(gone("the catalogue's changes of that time are no longer kept"));
    }
    Ok(Stand::of_past(live, artifact, &changes).await?.display)
}

/// What had been shown to the visitor.
async fn shown(
    context: &vitrine_runtime::Context,
    shop: &Shop,
    key: &DecisionKey,
    record: &Record,
) -> Result<Shown, Problem> {
    let (Some(newest), Some(visitor)) = (record.newest_shown(), &key.visitor) else {
        return Ok(Shown::default());
    };
    let found = context.table.recent_decisions(shop, visitor, REMEMBERED, Some(newest)).await?;
    Ok(Shown::of(&found, key.time))
}

/// The visitor as they were known.
async fn visit(
    context: &vitrine_runtime::Context,
    shop: &Shop,
    key: &DecisionKey,
    record: &Record,
    display: &Display,
) -> Result<Visit, Problem> {
    let Some(visitor) = key.visitor.clone() else { return Ok(Visit::default()) };
    if record.degraded == Some(Degraded::Profile) {
        return Ok(Visit { visitor: Some(visitor), ..Visit::default() });
    }
    let known = visitor.is_known();
    let long = |key: &String| format!("E#{key}");
    let of_user = record.newest_of_user.as_ref().filter(|_| known).map(long);
    let device = match &record.device {
        Some(id) => Some(Visitor::anonymous(id.as_str())?),
        None => Some(visitor.clone()).filter(|_| !known),
    };
    let of_device = record.newest_of_device.as_ref().map(long);
    let reader = Reader { table: &context.table, shop, now: key.time };
    let mut events = Vec::new();
    let user = Some(&visitor).filter(|_| known);
    if let Some(user) = user {
        events.extend(reader.until(user, of_user.as_deref(), key.time).await?.0);
    }
    if let Some(device) = &device {
        let (own, links) = reader.until(device, of_device.as_deref(), key.time).await?;
        events.extend(own.into_iter().filter(|event| belongs(&links, user, event.time)));
    }
    if let (Some(user), Some(folded)) = (user, record.folded) {
        for other in devices(&reader.links(user, folded).await?) {
            if Some(&other) == device.as_ref() {
                continue;
            }
            // What the profile had taken in of the user's other devices when it was folded.
            let (own, links) = reader.up_to(&other, "E$", folded).await?;
            events.extend(own.into_iter().filter(|event| belongs(&links, Some(user), event.time)));
        }
    }
    in_fold_order(&mut events);
    let actions = events.iter().filter_map(Event::granted).flat_map(past_actions).collect();
    let state = State::default().fold(&events, &OnShelf(&display.shelf));
    let reach = Reach { user: of_user, device: device.map(|device| (device, of_device)), folded: record.folded };
    Ok(Visit { visitor: Some(visitor), history: in_order(actions), state: Some(state), reach })
}

/// Reads partitions as they were.
struct Reader<'a> {
    table: &'a Table,
    shop: &'a Shop,
    now: Millis,
}

impl Reader<'_> {
    /// Everything up to and with an event, which has to be there still.
    async fn until(
        &self,
        visitor: &Visitor,
        newest: Option<&str>,
        received: Millis,
    ) -> Result<(Vec<Event>, Vec<Link>), Problem> {
        let (events, links) = self.up_to(visitor, newest.unwrap_or_default(), received).await?;
        let is_newest = |event: &Event| Some(vitrine_store::keys::event(event.time, &event.id)).as_deref() == newest;
        if newest.is_some() && !events.iter().any(is_newest) {
            return Err(gone("the visitor's events of that time are no longer kept"));
        }
        Ok((events, links))
    }

    /// Events up to a sort key that had been received by a time, and the links as they were.
    async fn up_to(
        &self,
        visitor: &Visitor,
        newest: &str,
        received: Millis,
    ) -> Result<(Vec<Event>, Vec<Link>), Problem> {
        let mut past = self.table.history_until(self.shop, visitor, newest).await?;
        let links = std::mem::take(&mut past.links).into_iter().filter(|link| link.since <= self.now).collect();
        let (mut events, mut seen) = (Vec::new(), HashSet::new());
        for reading in 1.. {
            let oldest = past.events.last().map(|event| vitrine_store::keys::event(event.time, &event.id));
            let new = past.events.into_iter().filter(|event| seen.insert((event.time, event.id.clone())));
            events.extend(new.filter(|event| event.received <= received));
            let Some(oldest) = oldest.filter(|_| !past.complete) else { break };
            if reading == READINGS {
                return Err(gone("the visitor has too many events to be read again"));
            }
            past = self.table.history_until(self.shop, visitor, &oldest).await?;
        }
        Ok((events, links))
    }

    async fn links(&self, visitor: &Visitor, since: Millis) -> Result<Vec<Link>, Problem> {
        let mut links = self.table.links(self.shop, visitor).await?;
        links.retain(|link| link.since <= since);
        Ok(links)
    }
}
