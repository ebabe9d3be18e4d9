//! The fields of forms: each with its label, what it means, and what is wrong with it, bound to it for those who do not see
//! the page.

use maud::{Markup, html};

use super::client::Trouble;
use super::fields::Fields;
use super::parts::notice;
use super::session::Face;

/// A form as it is filled in, and what was found wrong with it.
#[derive(Debug)]
pub(super) struct Form<'a> {
    pub(super) face: &'a Face,
    pub(super) fields: &'a Fields,
    pub(super) trouble: Option<&'a Trouble>,
}

/// A choice: its value and what people read.
pub(super) type Choice = (String, String);

impl Form<'_> {
    /// What is wrong with the form as a whole, and with what no field stands for.
    pub(super) fn trouble(&self) -> Markup {
        match self.trouble {
            Some(trouble) => notice("bad", html! { (trouble.told()) }),
            None => html! {},
        }
    }

    fn fault(&self, pointer: &str) -> Option<&str> {
        let faults = &self.trouble?.faults;
        faults.iter().find(|(at, _)| !pointer.is_empty() && at.starts_with(pointer)).map(|(_, how)| how.as_str())
    }

    /// Label, control, meaning and fault. The words are those of the field's name, of one in a list (`w1-name`) those of the end
    /// of it: `field.name`, and `hint.name` if there is one.
    fn field(&self, name: &str, pointer: &str, control: impl Fn(Option<&str>, bool) -> Markup) -> Markup {
        let word = name.rsplit('-').next().unwrap_or(name);
        let hint = self.face.language.find(&format!("hint.{word}"));
        let fault = self.fault(pointer);
        let mut about = Vec::new();
        if hint.is_some() {
            about.push(format!("{name}-hint"));
        }
        if fault.is_some() {
            about.push(format!("{name}-fault"));
        }
        let about = (!about.is_empty()).then(|| about.join(" "));
        html! {
            div class={ "field for-" (word) } {
                label for=(name) { (self.face.language.word(&format!("field.{word}"))) }
                (control(about.as_deref(), fault.is_some()))
                @if let Some(hint) = hint { p class="hint" id={ (name) "-hint" } { (hint) } }
                @if let Some(fault) = fault { p class="fault" id={ (name) "-fault" } { (fault) } }
            }
        }
    }

    /// A field of one line of a type of HTML's.
    pub(super) fn line(&self, name: &str, kind: &str, pointer: &str) -> Markup {
        let value = self.fields.get(name);
        self.field(name, pointer, |about, wrong| {
            html! {
                input id=(name) name=(name) type=(kind) value=(value) autocomplete="off"
                    aria-describedby=[about] aria-invalid=[wrong.then_some("true")];
            }
        })
    }

    /// A number between two bounds, in steps.
    pub(super) fn number(&self, name: &str, pointer: &str, (min, max, step): (&str, &str, &str)) -> Markup {
        let value = self.fields.get(name);
        self.field(name, pointer, |about, wrong| {
            html! {
                input id=(name) name=(name) type="number" value=(value) min=(min) max=(max) step=(step)
                    aria-describedby=[about] aria-invalid=[wrong.then_some("true")];
            }
        })
    }

    pub(super) fn area(&self, name: &str, pointer: &str, rows: u8) -> Markup {
        let value = self.fields.get(name);
        self.field(name, pointer, |about, wrong| {
            html! {
                textarea id=(name) name=(name) rows=(rows) spellcheck="false"
                    aria-describedby=[about] aria-invalid=[wrong.then_some("true")] { (value) }
            }
        })
    }

    pub(super) fn select(&self, name: &str, pointer: &str, choices: &[Choice]) -> Markup {
        self.field(name, pointer, |about, wrong| {
            html! {
                select id=(name) name=(name) aria-describedby=[about] aria-invalid=[wrong.then_some("true")] {
                    @for (value, word) in choices {
                        option value=(value) selected[self.fields.get(name) == value] { (word) }
                    }
                }
            }
        })
    }

    /// Yes or no.
    pub(super) fn check(&self, name: &str) -> Markup {
        let label = self.face.language.word(&format!("field.{name}"));
        html! {
            div class={ "field check for-" (name) } {
                input id=(name) name=(name) type="checkbox" value="yes" checked[self.fields.has(name, "yes")];
                label for=(name) { (label) }
            }
        }
    }

    /// Any of some choices. What stands there and is none of them stays until somebody takes it away.
    pub(super) fn checks(&self, name: &str, choices: &[Choice]) -> Markup {
        let present = self.fields.all(name).into_iter();
        let others = present.filter(|value| choices.iter().all(|(choice, _)| choice != value));
        let others: Vec<Choice> = others.map(|value| (value.to_owned(), value.to_owned())).collect();
        let hint = self.face.language.find(&format!("hint.{name}"));
        html! {
            fieldset class={ "checks for-" (name) } aria-describedby=[hint.map(|_| format!("{name}-hint"))] {
                legend { (self.face.language.word(&format!("field.{name}"))) }
                @if let Some(hint) = hint { p class="hint" id={ (name) "-hint" } { (hint) } }
                div {
                    @for (place, (value, word)) in choices.iter().chain(&others).enumerate() {
                        span class="check" {
                            input id={ (name) "-" (place) } name=(name) type="checkbox" value=(value)
                                checked[self.fields.has(name, value)];
                            label for={ (name) "-" (place) } { (word) }
                        }
                    }
                }
            }
        }
    }
}

/// Choices that are their own words' keys: `prefix.value`.
pub(super) fn worded(face: &Face, prefix: &str, values: &[&str]) -> Vec<Choice> {
    let word = |value: &&str| ((*value).to_owned(), face.language.word(&format!("{prefix}.{value}")).to_owned());
    values.iter().map(word).collect()
}
