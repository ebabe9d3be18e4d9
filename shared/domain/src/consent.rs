//! What an event may be used for. The purposes are part of every event from its first byte, so that code further down
//! cannot forget to ask.

mod signal;
pub mod tcf;

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::Event;

pub use signal::Signal;

/// One use of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Counting visits and sales.
    Measure,
    /// Choosing what this visitor sees and learning from what they did.
    Personalise,
    /// Assigning the visitor to experiments.
    Experiment,
    /// Sending the visitor messages.
    Market,
}

impl Purpose {
    /// All of them, in the order of their bits.
    pub const ALL: [Self; 4] = [Self::Measure, Self::Personalise, Self::Experiment, Self::Market];

    const fn bit(self) -> u8 {
        match self {
            Self::Measure => 1,
            Self::Personalise => 2,
            Self::Experiment => 4,
            Self::Market => 8,
        }
    }
}

/// A set of purposes, stored as one small number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Purposes(u8);

impl Purposes {
    /// Nothing is allowed.
    pub const NONE: Self = Self(0);
    /// Everything is allowed.
    pub const ALL: Self = Self(15);

    /// This set and one purpose more.
    #[must_use]
    pub const fn with(self, purpose: Purpose) -> Self {
        Self(self.0 | purpose.bit())
    }

    /// This set without one purpose.
    #[must_use]
    pub const fn without(self, purpose: Purpose) -> Self {
        Self(self.0 & !purpose.bit())
    }

    /// Whether a purpose is in the set.
    #[must_use]
    pub const fn allows(self, purpose: Purpose) -> bool {
        self.0 & purpose.bit() != 0
    }

    /// What is in either set.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in this set and not in another.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Default for Purposes {
    fn default() -> Self {
        Self::ALL
    }
}

/// A purpose as a type, so that code can ask for it in its signature.
pub trait For {
    /// The purpose.
    const PURPOSE: Purpose;
}

macro_rules! purposes {
    ($($name:ident)+) => {
        $(
            #[doc = concat!("[`Purpose::", stringify!($name), "`] as a type.")]
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}

            impl For for $name {
                const PURPOSE: Purpose = Purpose::$name;
            }
        )+
    };
}

purposes! { Measure Personalise Experiment Market }

/// An event that may be used for a purpose: the only form in which code takes one that learns from it, folds it into a profile,
/// counts it in results or lets it prove that a variant was seen.
///
/// There is no way to make one but to ask the event, so a use that forgets to ask does not compile:
///
/// ```compile_fail,E0308
/// use vitrine_domain::consent::{Granted, Personalise};
/// use vitrine_domain::{Action, Event, MessageId, Millis, Visitor};
///
/// fn learn(_: Granted<'_, Personalise>) {}
///
/// let visitor = Visitor::anonymous("device").unwrap();
/// let event = Event::new(MessageId::new("1").unwrap(), visitor, Millis(0), Action::View);
/// learn(&event);
/// ```
///
/// One that asks for another purpose does not either:
///
/// ```compile_fail,E0308
/// # use vitrine_domain::consent::{Granted, Measure, Personalise};
/// # use vitrine_domain::{Action, Event, MessageId, Millis, Visitor};
/// # fn learn(_: Granted<'_, Personalise>) {}
/// # let visitor = Visitor::anonymous("device").unwrap();
/// # let event = Event::new(MessageId::new("1").unwrap(), visitor, Millis(0), Action::View);
/// learn(event.granted::<Measure>().unwrap());
/// ```
///
/// This one does:
///
/// ```
/// # use vitrine_domain::consent::{Granted, Personalise};
/// # use vitrine_domain::{Action, Event, MessageId, Millis, Visitor};
/// # fn learn(_: Granted<'_, Personalise>) {}
/// # let visitor = Visitor::anonymous("device").unwrap();
/// # let event = Event::new(MessageId::new("1").unwrap(), visitor, Millis(0), Action::View);
/// learn(event.granted::<Personalise>().unwrap());
/// ```
#[derive(Debug)]
pub struct Granted<'e, P> {
    event: &'e Event,
    purpose: PhantomData<P>,
}

impl<P> Clone for Granted<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Granted<'_, P> {}

impl<P> std::ops::Deref for Granted<'_, P> {
    type Target = Event;

    fn deref(&self) -> &Event {
        self.event
    }
}

impl<'e, P> Granted<'e, P> {
    /// The event, for as long as it lives.
    #[must_use]
    pub const fn event(self) -> &'e Event {
        self.event
    }
}

/// Those of some events that may be used for a purpose.
#[must_use]
pub fn granted<P: For>(events: &[Event]) -> Vec<Granted<'_, P>> {
    events.iter().filter_map(Event::granted).collect()
}

impl Event {
    /// The event for a purpose, if it may be used for it.
    #[must_use]
    pub fn granted<P: For>(&self) -> Option<Granted<'_, P>> {
        self.purposes.allows(P::PURPOSE).then_some(Granted { event: self, purpose: PhantomData })
    }
}
