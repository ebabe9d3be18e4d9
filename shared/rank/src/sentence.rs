//! Reasons as sentences: in English and French, for shoppers and for merchandisers.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use vitrine_domain::Action;

use crate::reason::{Reason, ReasonKind};

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

/// Who reads a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Whoever looks at the shop.
    #[default]
    Shopper,
    /// Whoever sells.
    Merchandiser,
    /// Nobody: an answer without reasons, which takes less time.
    Nobody,
}

/// How reasons are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words {
    /// In which language.
    pub language: Language,
    /// To whom.
    pub audience: Audience,
}

/// The sentence of a reason. `about` is the title of the product that it names, the category, or the name of the rule;
/// empty where there is none.
pub(crate) fn sentence(reason: &Reason, about: &str, words: Words) -> String {
    let (english, french) = phrases(reason, about);
    tell(english, french, about, reason, words)
}

/// The same for a product that speaks for itself, by what was done with it.
pub(crate) fn again(done: &str, reason: &Reason, words: Words) -> String {
    let (english, french) = match done {
        "regularly" => ("You buy this regularly", "Vous l’achetez régulièrement"),
        "bought" => ("You bought this before", "Vous l’avez déjà acheté"),
        "chose" => ("You chose this before", "Vous l’avez déjà choisi"),
        _ => ("You looked at this before", "Vous l’avez déjà regardé"),
    };
    tell(english, french, "", reason, words)
}

fn tell(english: &str, french: &str, about: &str, reason: &Reason, words: Words) -> String {
    let phrase = if words.language == Language::Fr { french } else { english };
    let mut text = phrase.replace("{}", about);
    if words.audience == Audience::Merchandiser {
        details(&mut text, reason, words.language);
    }
    text
}

/// Adds what a merchandiser wants to know: which parts of the model, and how much.
fn details(text: &mut String, reason: &Reason, language: Language) {
    let parts: Vec<&str> = reason.parts.iter().map(|part| &*part.part).collect();
    let percent = f64::from(reason.share) * 100.0;
    let written = match (language, parts.is_empty(), &reason.rule) {
        (Language::En, _, Some(rule)) => write!(text, " (rule {rule})"),
        (Language::Fr, _, Some(rule)) => write!(text, " (règle {rule})"),
        (_, true, None) if reason.amount == 0.0 => Ok(()),
        (Language::En, true, None) => write!(text, ": {percent:.0}% of the score"),
        (Language::Fr, true, None) => write!(text, " : {percent:.0} % du score"),
        (Language::En, false, None) => {
            write!(text, ": {percent:.0}% of the score, {:+.3} by {}", reason.amount, parts.join(", "))
        }
        (Language::Fr, false, None) => {
            let amount = format!("{:+.3}", reason.amount).replace('.', ",");
            write!(text, " : {percent:.0} % du score, {amount} par {}", parts.join(", "))
        }
    };
    debug_assert!(written.is_ok(), "writing to a text does not fail");
}

/// The phrase in English and in French.
fn phrases(reason: &Reason, about: &str) -> (&'static str, &'static str) {
    let named = !about.is_empty();
    match reason.kind {
        ReasonKind::Viewed if named && reason.action == Some(Action::Add) => {
            ("Because you chose {}", "Parce que vous avez choisi {}")
        }
        ReasonKind::Viewed if named && reason.action == Some(Action::Dwell) => {
            ("Because you paused at {}", "Parce que vous vous êtes arrêté sur {}")
        }
        ReasonKind::Viewed if named => ("Because you looked at {}", "Parce que vous avez regardé {}"),
        ReasonKind::Viewed => ("Because of what you looked at", "D’après ce que vous avez regardé"),
        ReasonKind::Bought if named => ("Because you bought {}", "Parce que vous avez acheté {}"),
        ReasonKind::Bought => ("Because of what you bought", "D’après vos achats"),
        ReasonKind::Basket | ReasonKind::Context if named => ("Goes with {}", "Va bien avec {}"),
        ReasonKind::Basket | ReasonKind::Context => ("Goes with your basket", "Va bien avec votre panier"),
        ReasonKind::Taste if named => ("Chosen by the same people as {}", "Choisi par les mêmes personnes que {}"),
        ReasonKind::Taste => ("Fits what you usually choose", "Correspond à vos choix habituels"),
        ReasonKind::Next if named => ("Others went on to this from {}", "D’autres y sont venus depuis {}"),
        ReasonKind::Next => {
            ("Others went on to this from where you are", "D’autres y sont venus depuis là où vous êtes")
        }
        ReasonKind::Content if named && reason.product_id.is_some() => ("Like {}", "Ressemble à {}"),
        ReasonKind::Content if named => ("You have been looking at {}", "Vous regardez le rayon {}"),
        ReasonKind::Content => ("Like what you have been looking at", "Ressemble à ce que vous avez regardé"),
        ReasonKind::Popular => ("Popular in this shop", "Apprécié dans cette boutique"),
        ReasonKind::Trending => ("Many look at this lately", "Très regardé en ce moment"),
        ReasonKind::Recent => ("You looked at this recently", "Regardé récemment"),
        ReasonKind::New => ("New in the shop", "Nouveau dans la boutique"),
        ReasonKind::Rule => ("Selected by the shop", "Sélection de la boutique"),
        ReasonKind::Explored => ("Something to discover", "À découvrir"),
        ReasonKind::Other => ("And smaller reasons", "Et d’autres raisons"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reason::PartAmount;

    #[test]
    fn one_reason_in_two_languages_for_two_readers() {
        let mut reason = Reason::new(ReasonKind::Viewed, String::new());
        reason.product_id = Some("1".into());
        reason.parts = vec![PartAmount { part: "view_view".into(), amount: 0.25 }];
        (reason.amount, reason.share) = (0.25, 0.5);
        let say = |language, audience| sentence(&reason, "Penne", Words { language, audience });
        assert_eq!(say(Language::En, Audience::Shopper), "Because you looked at Penne");
        assert_eq!(say(Language::Fr, Audience::Shopper), "Parce que vous avez regardé Penne");
        let merchandiser = "Because you looked at Penne: 50% of the score, +0.250 by view_view";
        assert_eq!(say(Language::En, Audience::Merchandiser), merchandiser);
        let merchandiser = "Parce que vous avez regardé Penne : 50 % du score, +0,250 par view_view";
        assert_eq!(say(Language::Fr, Audience::Merchandiser), merchandiser);
    }
}
