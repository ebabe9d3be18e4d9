//! What a visitor said of consent, in the dialects in use.
//!
//! `context.consent` of an event holds one or several of:
//!
//! - `categoryPreferences`: names and yes or no, as in the Segment protocol;
//! - `tcf`: a TC string of the IAB's Transparency and Consent Framework (see [`tcf`](super::tcf));
//! - `google`: Google consent mode, as the object of its types (`{"analytics_storage": "granted", ...}`) or as the text that
//!   its tags send (`G111`).
//!
//! What is granted by one and refused by another is refused. What can be recognised as a signal and not be read is a
//! refusal: whoever sent it meant to restrict something.

use serde_json::{Map, Value};

use super::{Purpose, Purposes, tcf};

/// What was said of each purpose; nothing of those that are in neither set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signal {
    granted: Purposes,
    refused: Purposes,
}

impl Signal {
    /// Nothing was said.
    pub const SILENCE: Self = Self { granted: Purposes::NONE, refused: Purposes::NONE };
    /// Everything was refused.
    pub const REFUSAL: Self = Self { granted: Purposes::NONE, refused: Purposes::ALL };
    /// What `Sec-GPC: 1` says ([Global Privacy Control](https://www.w3.org/TR/gpc/)): no use of the visitor's data beyond
    /// counting.
    pub const GPC: Self = Self { granted: Purposes::NONE, refused: Purposes::ALL.without(Purpose::Measure) };

    /// Reads `context.consent` of an event.
    #[must_use]
    pub fn read(consent: &Value) -> Self {
        let said = match consent {
            Value::Object(said) => said,
            Value::Null => return Self::SILENCE,
            _ => return Self::REFUSAL,
        };
        let dialect = |name: &str, read: fn(&Value) -> Self| match said.get(name) {
            None | Some(Value::Null) => Self::SILENCE,
            Some(value) => read(value),
        };
        dialect("categoryPreferences", |value| value.as_object().map_or(Self::REFUSAL, categories))
            .and(dialect("tcf", |value| value.as_str().map_or(Self::REFUSAL, of_tcf)))
            .and(dialect("google", google))
    }

    /// This signal and another one: what either refuses is refused.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        let refused = self.refused.or(other.refused);
        Self { granted: self.granted.or(other.granted).minus(refused), refused }
    }

    /// Whether a purpose was refused.
    #[must_use]
    pub const fn refuses(self, purpose: Purpose) -> bool {
        self.refused.allows(purpose)
    }

    /// Whether a purpose was granted.
    #[must_use]
    pub const fn grants(self, purpose: Purpose) -> bool {
        self.granted.allows(purpose)
    }

    /// The purposes, where nothing was said those of a shop's setting.
    #[must_use]
    pub const fn over(self, default: Purposes) -> Purposes {
        default.or(self.granted).minus(self.refused)
    }

    const fn say(self, purpose: Purpose, granted: bool) -> Self {
        match granted {
            true => Self { granted: self.granted.with(purpose), ..self },
            false => Self { refused: self.refused.with(purpose), ..self },
        }
    }
}

/// Names as shops give them to their categories of consent.
fn categories(preferences: &Map<String, Value>) -> Signal {
    let mut signal = Signal::SILENCE;
    for (name, granted) in preferences {
        if granted.is_null() {
            continue;
        }
        let purpose = match name.to_ascii_lowercase().as_str() {
            "measure" | "analytics" | "statistics" => Purpose::Measure,
            "personalise" | "personalize" | "personalization" | "functional" => Purpose::Personalise,
            "experiment" | "performance" => Purpose::Experiment,
            "market" | "marketing" | "advertising" => Purpose::Market,
            _ => continue,
        };
        signal = signal.and(Signal::SILENCE.say(purpose, *granted == Value::Bool(true)));
    }
    signal
}

fn of_tcf(text: &str) -> Signal {
    let Some(consent) = tcf::Consent::parse(text) else { return Signal::REFUSAL };
    Purpose::ALL.into_iter().fold(Signal::SILENCE, |signal, purpose| signal.say(purpose, consent.allows(purpose)))
}

/// The types of Google consent mode by purpose: all that are named have to be granted.
const GOOGLE: [(Purpose, &[&str]); 4] = [
    (Purpose::Measure, &["analytics_storage"]),
    (Purpose::Personalise, &["personalization_storage", "analytics_storage"]),
    (Purpose::Experiment, &["analytics_storage"]),
    (Purpose::Market, &["ad_storage", "ad_user_data", "ad_personalization"]),
];

fn google(value: &Value) -> Signal {
    match value {
        Value::Object(types) => {
            let mut signal = Signal::SILENCE;
            for (purpose, names) in GOOGLE {
                for state in names.iter().filter_map(|name| types.get(*name)) {
                    signal = signal.and(Signal::SILENCE.say(purpose, state == "granted"));
                }
            }
            signal
        }
        // `G1`, then advertising and analytics storage: 1 granted, 0 denied, - not asked for.
        Value::String(text) => match text.as_bytes() {
            [b'G', b'1', ads, analytics] => {
                let said = |signal: Signal, purpose, state: u8| match state {
                    b'1' => signal.say(purpose, true),
                    b'-' => signal,
                    _ => signal.say(purpose, false),
                };
                let signal = said(Signal::SILENCE, Purpose::Market, *ads);
                let analysed = [Purpose::Measure, Purpose::Personalise, Purpose::Experiment];
                analysed.into_iter().fold(signal, |signal, purpose| said(signal, purpose, *analytics))
            }
            _ => Signal::REFUSAL,
        },
        _ => Signal::REFUSAL,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Of each purpose `+` if it was granted, `-` if it was refused, `.` if nothing was said.
    fn said(consent: Value) -> String {
        let signal = Signal::read(&consent);
        let word = |purpose| match (signal.grants(purpose), signal.refuses(purpose)) {
            (true, false) => '+',
            (false, true) => '-',
            (false, false) => '.',
            (true, true) => panic!("granted and refused: {consent}"),
        };
        Purpose::ALL.into_iter().map(word).collect()
    }

    #[test]
    fn every_dialect_says_yes_no_and_nothing() {
        for (consent, expected) in [
            (json!(null), "...."),
            (json!({}), "...."),
            (json!({"categoryPreferences": null, "tcf": null, "google": null}), "...."),
            (json!("denied"), "----"),
            (json!(false), "----"),
            (json!({"categoryPreferences": [1]}), "----"),
            (json!({"categoryPreferences": {"marketing": "denied", "analytics": "true", "functional": 1}}), "--.-"),
            (json!({"categoryPreferences": {"marketing": null, "unheard of": "denied"}}), "...."),
            (json!({"categoryPreferences": {"Personalization": false, "Analytics": true, "unheard of": true}}), "+-.."),
            (json!({"categoryPreferences": {"functional": true, "personalise": false}}), ".-.."),
            (json!({"google": {"analytics_storage": "granted", "ad_storage": "denied"}}), "+++-"),
            (json!({"google": {"analytics_storage": "granted", "personalization_storage": "denied"}}), "+-+."),
            (json!({"google": {"ad_storage": "granted", "ad_user_data": "denied"}}), "...-"),
            (json!({"google": {"analytics_storage": true}}), "---."),
            (json!({"google": "G111"}), "++++"),
            (json!({"google": "G101"}), "+++-"),
            (json!({"google": "G110"}), "---+"),
            (json!({"google": "G1--"}), "...."),
            (json!({"google": "G2"}), "----"),
            (json!({"google": 1}), "----"),
            (json!({"tcf": 1}), "----"),
            (json!({"tcf": "nonsense"}), "----"),
            (json!({"google": "G111", "categoryPreferences": {"marketing": false}}), "+++-"),
        ] {
            assert_eq!(said(consent.clone()), expected, "{consent}");
        }
    }

    #[test]
    fn the_setting_decides_where_nothing_was_said() {
        let measure = Purposes::NONE.with(Purpose::Measure);
        let granted = Signal::read(&json!({"categoryPreferences": {"personalise": true}}));
        assert_eq!(granted.over(measure), measure.with(Purpose::Personalise));
        assert_eq!(Signal::SILENCE.over(measure), measure);
        assert_eq!(Signal::GPC.over(Purposes::ALL), measure);
        assert_eq!(granted.and(Signal::GPC).over(Purposes::ALL), measure);
        assert_eq!(Signal::REFUSAL.over(Purposes::ALL), Purposes::NONE);
    }
}
