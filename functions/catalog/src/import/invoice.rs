//! An order or return that is being put together from its lines.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use vitrine_domain::{Action, Channel, Event, Line, MessageId, Millis, Order, Visitor};

use super::options::Options;
use super::orders::earlier;
use super::report::{At, Reason, Refusal};
use super::text::clip;

/// What is said of an order as a whole.
#[derive(Debug, Clone, Default)]
pub(super) struct Head {
    pub(super) time: Option<Millis>,
    pub(super) customer: Option<String>,
    pub(super) device: Option<String>,
    pub(super) channel: Option<Channel>,
    pub(super) currency: Option<String>,
    pub(super) coupon: Option<String>,
    pub(super) total: Option<f64>,
    pub(super) revenue: Option<f64>,
    /// What no other member holds.
    pub(super) extras: Map<String, Value>,
}

impl Head {
    /// What it weighs in memory, roughly.
    pub(super) fn weight(&self) -> usize {
        let text = |value: &Value| value.as_str().map_or(0, str::len);
        300 + self.extras.iter().map(|(name, value)| name.len() + text(value) + 100).sum::<usize>()
    }

    /// Takes over what another line of the same order says and the earlier ones did not.
    pub(super) fn complete(&mut self, other: Self) {
        self.time = earlier(self.time, other.time);
        self.customer = self.customer.take().or(other.customer);
        self.device = self.device.take().or(other.device);
        self.channel = self.channel.or(other.channel);
        self.currency = self.currency.take().or(other.currency);
        self.coupon = self.coupon.take().or(other.coupon);
        self.total = self.total.or(other.total);
        self.revenue = self.revenue.or(other.revenue);
        if self.extras.is_empty() {
            self.extras = other.extras;
        }
    }
}

/// An order or return.
pub(super) struct Invoice {
    id: String,
    refund: bool,
    pub(super) head: Head,
    pub(super) lines: Vec<Line>,
    pub(super) rows: u64,
    pub(super) first: At,
}

impl Invoice {
    pub(super) fn new(id: String, refund: bool, first: At) -> Self {
        Self { id, refund, head: Head::default(), lines: Vec::new(), rows: 0, first }
    }

    /// What lines weigh in memory, roughly.
    pub(super) fn weight(lines: &[Line]) -> usize {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let one = |line: &Line| {
            let texts = text(&line.variant) + text(&line.category) + text(&line.brand);
            size_of::<Line>() + line.product.as_str().len() + texts + 48
        };
        lines.iter().map(one).sum::<usize>() + 64
    }

    /// The event; importing the same order again gives the same.
    pub(super) fn into_event(self, options: &Options) -> Result<Event, Refusal> {
        let bad_id = |error: vitrine_domain::InvalidId| Refusal::new(Reason::BadId, error.to_string());
        let Some(time) = self.head.time else {
            return Err(Refusal::new(Reason::BadTime, "the order has no time").value(&self.id));
        };
        let (action, kind) = if self.refund { (Action::Refund, "refund") } else { (Action::Order, "order") };
        let visitor = match (self.head.customer, &self.head.device) {
            (Some(customer), _) => Visitor::known(customer),
            (None, Some(device)) => Visitor::anonymous(device.clone()),
            (None, None) => Visitor::anonymous(format!("invoice-{}", digest(&[&options.secret, &self.id]))),
        };
        let id = message_id(kind, &self.id).map_err(bad_id)?;
        let mut event = Event::new(id, visitor.map_err(bad_id)?, time, action);
        if event.visitor.is_known() {
            event.device_id = self.head.device.filter(|device| Visitor::anonymous(device.clone()).is_ok());
        }
        event.received = options.now;
        event.channel = self.head.channel.unwrap_or(options.channel);
        event.purposes = options.purposes;
        event.currency = self.head.currency.or_else(|| options.currency.clone());
        event.lines = self.lines;
        event.order = Some(Order {
            id: Some(self.id),
            total: self.head.total,
            revenue: self.head.revenue,
            discount: None,
            coupon: self.head.coupon.map(|coupon| clip(&coupon, 100).to_owned()),
        });
        event.properties = self.head.extras;
        Ok(event)
    }
}

/// The identity of an imported event: its kind and the shop's own number, or a hash where that is too long.
pub(super) fn message_id(kind: &str, id: &str) -> Result<MessageId, vitrine_domain::InvalidId> {
    let plain = format!("{kind}:{id}");
    if plain.len() <= 100 {
        return MessageId::new(plain);
    }
    MessageId::new(format!("{kind}:sha256-{}", digest(&[id])))
}

/// Sixteen bytes of a hash of some texts, in hexadecimal.
pub(super) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitrine_domain::ProductId;

    fn event(secret: &str, customer: Option<&str>, id: &str) -> Event {
        let mut invoice = Invoice::new(id.to_owned(), false, At::default());
        invoice.head.time = Some(Millis(5));
        invoice.head.customer = customer.map(str::to_owned);
        invoice.lines.push(Line::of(ProductId::new("p").unwrap()));
        let options = Options { secret: secret.to_owned(), ..Options::at(Millis(9)) };
        invoice.into_event(&options).unwrap()
    }

    #[test]
    fn a_guest_is_the_same_visitor_every_time_and_cannot_be_guessed() {
        let guest = event("s", None, "7");
        assert_eq!(guest, event("s", None, "7"));
        assert_ne!(guest.visitor, event("other", None, "7").visitor);
        assert_ne!(guest.visitor, event("s", None, "8").visitor);
        assert!(!guest.visitor.is_known());
        assert_eq!(event("s", Some("c"), "7").visitor, Visitor::known("c").unwrap());
    }

    #[test]
    fn an_order_has_the_same_identity_however_long_its_number() {
        assert_eq!(event("s", None, "7").id.as_str(), "order:7");
        let long = "x".repeat(120);
        assert_eq!(event("s", None, &long).id, event("t", None, &long).id);
        assert_ne!(event("s", None, &long).id, event("s", None, &"x".repeat(121)).id);
        assert_eq!((event("s", None, "7").time, event("s", None, "7").received), (Millis(5), Millis(9)));
    }
}
