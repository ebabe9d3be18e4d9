//! From a message of the protocol to an event of ours. Pure: the time, the retention and the shop's setting are arguments.

use serde_json::{Map, Value};
use vitrine_domain::consent::Signal;
use vitrine_domain::{Action, Event, Millis, Purposes, robot};

use crate::identity::{Tie, identity, ties};
use crate::message::{Kind, Message};
use crate::names::meaning;
use crate::values::{identifier, take, text};
use crate::{Error, bounds, canonical, circumstances, commerce, timing};

/// What an event is judged by besides itself.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// Time of receipt.
    pub now: Millis,
    /// How old an event may be, in milliseconds.
    pub retention: i64,
    /// What an event may be used for if it says nothing itself.
    pub purposes: Purposes,
    /// Whether the request's own user agent declares a robot.
    pub robot: bool,
    /// What the request says of consent.
    pub said: Signal,
}

/// An event as it will be stored, and what has to be written with it.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The event.
    pub event: Event,
    /// Whether a mark under its message id has to be written with it.
    pub marked: bool,
    /// Who belongs together because of it.
    pub ties: Vec<Tie>,
    /// What it says of consent, or its request.
    pub said: Signal,
}

/// Reads a message.
///
/// # Errors
/// If it belongs to nobody, is a track event without a name, or an alias that lacks one side.
pub fn accept(message: &Message, terms: &Terms) -> Result<Accepted, Error> {
    let identity = identity(message)?;
    let timing = timing::timing(message.time(), message.sent_at, terms.now, terms.retention);
    let ties = ties(message, &identity, timing.time)?;
    let id = canonical::message_id(&message.members)?;

    let mut event = Event::new(id, identity.visitor, timing.time, Action::Custom);
    event.device_id = identity.device.map(|device| device.id().to_owned());
    event.skew = timing.skew;
    event.received = terms.now;
    let said = message.context("consent").map_or(Signal::SILENCE, Signal::read).and(terms.said);
    event.purposes = said.over(terms.purposes);
    event.robot = terms.robot || of_robot(message);

    let mut properties = properties(message);
    event.channel = circumstances::channel(message, &mut properties);
    event.context = circumstances::circumstances(message, &mut properties);
    describe(message, &mut properties, &mut event)?;
    event.properties = bounds::bounded(properties, false);
    Ok(Accepted { event, marked: timing.marked, ties, said })
}

/// Whether the visitor's user agent, which is not kept, declares a robot.
fn of_robot(message: &Message) -> bool {
    message.context("userAgent").and_then(Value::as_str).is_some_and(robot::is_declared)
}

/// What the event says besides its frame.
fn properties(message: &Message) -> Map<String, Value> {
    let kept: &[&str] = match message.kind {
        Kind::Track | Kind::Page | Kind::Screen => return message.object("properties").cloned().unwrap_or_default(),
        Kind::Identify => &[],
        // The traits of a group are not the person's.
        Kind::Group => &["groupId", "traits"],
        Kind::Alias => {
            // As text, as the link to it has it: whoever is named is found by that when they are erased.
            let previous = message.members.get("previousId").and_then(identifier);
            return previous.map(|id| ("previousId".to_owned(), id.into())).into_iter().collect();
        }
    };
    let member = |name: &&str| message.members.get(*name).map(|value| ((*name).to_owned(), value.clone()));
    kept.iter().filter_map(member).collect()
}

fn describe(message: &Message, properties: &mut Map<String, Value>, event: &mut Event) -> Result<(), Error> {
    match message.kind {
        Kind::Track => {
            let name = message.members.get("event").and_then(text).ok_or(Error::NoName)?;
            let meaning = meaning(&name);
            if meaning.action == Action::Custom {
                event.name = Some(name);
            }
            commerce::understand(meaning, properties, event);
        }
        Kind::Page | Kind::Screen => {
            event.action = if message.kind == Kind::Page { Action::Page } else { Action::Screen };
            event.name = said(message, properties, "name");
            event.list = said(message, properties, "category");
            event.decision_id = commerce::decision_id(properties);
        }
        Kind::Identify => {
            event.action = Action::Identify;
            event.traits = bounds::bounded(traits(message), true);
        }
        Kind::Group => event.action = Action::Group,
        Kind::Alias => event.action = Action::Alias,
    }
    Ok(())
}

/// Pages and screens say their name and category beside their properties, among them, or both.
fn said(message: &Message, properties: &mut Map<String, Value>, name: &str) -> Option<String> {
    let among = take(properties, &[name], text);
    message.members.get(name).and_then(text).or(among)
}

/// Some clients say what is known of a person in the context; what stands beside it wins.
fn traits(message: &Message) -> Map<String, Value> {
    let mut traits = message.context("traits").and_then(Value::as_object).cloned().unwrap_or_default();
    traits.extend(message.object("traits").cloned().unwrap_or_default());
    traits
}

#[cfg(test)]
mod tests;
