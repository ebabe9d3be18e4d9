//! Visitors that are programs: those that say so, and those whose pace no person has.
//!
//! Both are marked, the event by what it says and the profile by what its events amount to. They are served like everybody,
//! and nothing is learned or counted from them.
//!
//! **Declared** is a user agent with one of the words of [`CRAWLERS`], or of a program's HTTP library where it is told as the
//! visitor's own. A list of words ages slowly: crawlers of search engines, previews, monitors and assistants name themselves
//! `...bot`, `...spider` or `...crawler` by convention (RFC 9309 and the crawlers' own pages).
//!
//! **Behaving** like one is a matter of the times of actions on products:
//!
//! - more than [`MOST_LOOKS`] looks within a minute, that is events that a product was viewed or clicked, or
//! - [`EVEN_STEPS`] actions in a row whose distances, each from half a second to a minute, differ by no more than a tenth from the
//!   first of them: the time that people stay on a page varies several times over (Weibull-distributed with a shape below
//!   one; Liu, White and Dumais, Understanding web browsing behaviors through Weibull analysis of dwell time, SIGIR 2010), so
//!   that hardly one in ten of their pauses falls within a tenth of the one before, and never forty in a row.
//!
//! Putting things into a basket does not count as looking: a button that fills the usual basket again sends fifty events at once.
//! Nor do orders, of which an order book names many at the same time.

use serde::{Deserialize, Serialize};

use crate::time::{MINUTE, SECOND};
use crate::{Action, Event, Millis};

/// Words of user agents that declare a robot, in lower case.
pub const CRAWLERS: [&str; 27] = [
    "bot",
    "crawl",
    "spider",
    "slurp",
    "scraper",
    "archiver",
    "headless",
    "phantomjs",
    "lighthouse",
    "pagespeed",
    "gtmetrix",
    "pingdom",
    "uptime",
    "site24x7",
    "statuscake",
    "facebookexternalhit",
    "bingpreview",
    "feedfetcher",
    "mediapartners-google",
    "google-inspectiontool",
    "googleother",
    "chatgpt-user",
    "claude-user",
    "perplexity-user",
    "mistralai-user",
    "anthropic-ai",
    "wordpress/",
];

/// Beginnings of user agents of HTTP libraries, in lower case.
pub const LIBRARIES: [&str; 13] = [
    "curl/",
    "wget/",
    "python-requests/",
    "python-urllib/",
    "python-httpx/",
    "aiohttp/",
    "scrapy/",
    "go-http-client/",
    "libwww-perl/",
    "java/",
    "apache-httpclient/",
    "node-fetch",
    "guzzlehttp/",
];

/// Words with `bot` in them that name no robot: phones of the brand Cubot.
const NO_BOTS: [&str; 1] = ["cubot"];

/// Most looks that a person has in a minute: two a second for all of it.
pub const MOST_LOOKS: u32 = 120;
/// So many even distances are a robot's.
pub const EVEN_STEPS: u32 = 40;
/// Shorter distances are within one step: a click and the view that it leads to.
const TOGETHER: i64 = SECOND / 2;
/// Longest distance that is looked at for evenness: a page that reloads itself is no robot of interest.
const EVEN_GAP: i64 = MINUTE;

/// Whether the user agent of a request is a declared robot's. A library's is not: it may be the shop's own server.
#[must_use]
pub fn is_crawler(user_agent: &str) -> bool {
    let agent = NO_BOTS.iter().fold(user_agent.to_ascii_lowercase(), |agent, name| agent.replace(name, ""));
    CRAWLERS.iter().any(|word| agent.contains(word))
}

/// Whether a visitor's own user agent is a program's.
#[must_use]
pub fn is_declared(user_agent: &str) -> bool {
    let agent = user_agent.trim_start().to_ascii_lowercase();
    is_crawler(user_agent) || LIBRARIES.iter().any(|library| agent.starts_with(library))
}

/// Whether an event is a look.
#[must_use]
pub const fn is_look(action: Action) -> bool {
    matches!(action, Action::View | Action::Click)
}

/// The pace of a visitor so far, five numbers however many there were; stored as an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "(Millis, u32, Millis, i64, u32)", into = "(Millis, u32, Millis, i64, u32)")]
pub struct Pace {
    /// When the minute began whose looks are counted.
    since: Millis,
    /// Looks of that minute.
    looks: u32,
    /// The last action.
    last: Millis,
    /// The first distance of the even ones.
    gap: i64,
    /// How many distances were even.
    even: u32,
}

impl From<(Millis, u32, Millis, i64, u32)> for Pace {
    fn from((since, looks, last, gap, even): (Millis, u32, Millis, i64, u32)) -> Self {
        Self { since, looks, last, gap, even }
    }
}

impl From<Pace> for (Millis, u32, Millis, i64, u32) {
    fn from(p: Pace) -> Self {
        (p.since, p.looks, p.last, p.gap, p.even)
    }
}

impl Pace {
    /// Takes the next event in; whether this is a robot's pace now. Actions that say nothing of products are no part of it, nor
    /// are dwells: the page's timer has an even pace, whoever looks at it.
    /// Events come in the order of the fold, so one may be a little earlier than the one before it: then it is as if they came
    /// together.
    pub fn sees(&mut self, action: Action, at: Millis) -> bool {
        if !action.is_interest() || action == Action::Dwell {
            return false;
        }
        if is_look(action) {
            if self.looks == 0 || at.since(self.since) >= MINUTE {
                (self.since, self.looks) = (at, 0);
            }
            self.looks = self.looks.saturating_add(1);
        }
        // The first step has no distance to one before it, and one of more than a minute is as good as any.
        let gap = if self.last == Millis(0) { 0 } else { at.since(self.last).clamp(0, EVEN_GAP + 1) };
        if gap >= TOGETHER {
            if self.even > 0 && gap <= EVEN_GAP && gap.abs_diff(self.gap) * 10 <= self.gap.unsigned_abs() {
                self.even = self.even.saturating_add(1);
            } else {
                // This distance may be the first of even ones.
                (self.gap, self.even) = (gap, u32::from(gap <= EVEN_GAP));
            }
        }
        self.last = self.last.max(at);
        self.looks > MOST_LOOKS || self.even >= EVEN_STEPS
    }

    /// Whether nothing was seen yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether a visitor's events, in the order of the fold, are a robot's: one of them was declared to be, or their pace is.
#[must_use]
pub fn is_robot<'a>(events: impl IntoIterator<Item = &'a Event>) -> bool {
    let mut pace = Pace::default();
    events.into_iter().any(|event| event.robot || pace.sees(event.action, event.at()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::DAY;

    const START: i64 = 1_795_358_400_000;

    /// Whether somebody with looks at these distances is taken for a robot.
    fn paced(gaps: impl IntoIterator<Item = i64>) -> bool {
        let (mut pace, mut at) = (Pace::default(), START);
        gaps.into_iter().any(|gap| {
            at += gap;
            pace.sees(Action::View, Millis(at))
        })
    }

    #[test]
    fn declared_robots_and_people() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
        let cubot =
            "Mozilla/5.0 (Linux; Android 13; CUBOT P80) AppleWebKit/537.36 Chrome/150.0.0.0 Mobile Safari/537.36";
        let edge =
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36 Edg/150.0";
        let app = "okhttp/4.12.0";
        for person in [chrome, cubot, edge, app, ""] {
            assert!(!is_declared(person), "{person}");
        }
        let google = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        let in_browser = "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 Chrome/150.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
        let bing = "Mozilla/5.0 AppleWebKit/537.36 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/150.0 Safari/537.36";
        let baidu = "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)";
        let headless = chrome.replace("Chrome/", "HeadlessChrome/");
        let assistant = "Mozilla/5.0 AppleWebKit/537.36 (compatible; ChatGPT-User/1.0; +https://openai.com/bot)";
        for robot in [google, in_browser, bing, baidu, &headless, assistant, "facebookexternalhit/1.1"] {
            assert!(is_crawler(robot) && is_declared(robot), "{robot}");
        }
        for library in ["curl/8.5.0", "python-requests/2.34", "Go-http-client/2.0", "Java/21.0.2"] {
            assert!(is_declared(library) && !is_crawler(library), "{library}");
        }
    }

    #[test]
    fn a_flood_and_a_metronome_are_robots() {
        assert!(paced((0..200).map(|n| 100 + n % 7 * 60)), "three a second, unevenly");
        assert!(paced(std::iter::repeat_n(0, 200)), "all at once");
        assert!(paced(std::iter::repeat_n(2_000, 50)), "every two seconds");
        assert!(paced((0..50).map(|n| 10_000 + n % 5 * 100)), "every ten seconds, give or take");
        assert!(paced((0..100).map(|n| if n % 2 == 0 { 5 } else { 3_000 })), "a click and a view every three seconds");
        assert!(paced((0..3).chain(std::iter::repeat_n(30_000, 45))), "an uneven start hides nothing");
    }

    #[test]
    fn a_bound_is_a_bound() {
        assert!(!paced(std::iter::repeat_n(0, MOST_LOOKS as usize)));
        assert!(paced(std::iter::repeat_n(0, MOST_LOOKS as usize + 1)));
        // The first look has no distance to one before it.
        let even = |steps: u32| paced(std::iter::once(0).chain(std::iter::repeat_n(5_000, steps as usize)));
        assert!(!even(EVEN_STEPS - 1) && even(EVEN_STEPS));
        assert!(!paced(std::iter::repeat_n(MINUTE + 1, 500)), "a page that reloads itself");
        let orders = [0, MINUTE - 2_000].into_iter().chain(std::iter::repeat_n(7 * DAY, 100));
        assert!(!paced(orders), "what lies further apart than a minute is not even");
    }

    #[test]
    fn what_is_put_into_a_basket_or_ordered_at_once_is_a_person_s() {
        let of = |action| {
            let event = |n: i64| {
                let id = crate::MessageId::new(format!("m{n}")).unwrap();
                Event::new(id, crate::Visitor::anonymous("v").unwrap(), Millis(START + n / 50), action)
            };
            is_robot(&(0..500).map(event).collect::<Vec<_>>())
        };
        assert!(!of(Action::Add) && !of(Action::Order) && !of(Action::List));
        assert!(of(Action::View) && of(Action::Click));
    }

    proptest! {
        /// Pauses of people: log-normal with the spread of dwell times, a median of eight seconds, sometimes a double event.
        #[test]
        fn people_are_not_taken_for_robots(normals in prop::collection::vec((-3.0..3.0_f64, 0..12_u8), 1..800)) {
            let gaps = normals.into_iter().map(|(z, double)| if double == 0 { 0 } else { (8_000.0 * (z * 1.1).exp()) as i64 });
            prop_assert!(!paced(gaps));
        }

        #[test]
        fn a_stored_pace_goes_on_where_it_stopped(gaps in prop::collection::vec(0..20_000_i64, 1..100), cut in 0..100_usize) {
            let (mut whole, mut parted, mut at) = (Pace::default(), Pace::default(), START);
            for (place, gap) in gaps.into_iter().enumerate() {
                at += gap;
                if place == cut {
                    parted = serde_json::from_str(&serde_json::to_string(&parted).unwrap()).unwrap();
                }
                prop_assert_eq!(whole.sees(Action::View, Millis(at)), parted.sees(Action::View, Millis(at)));
            }
            prop_assert_eq!(whole, parted);
        }
    }
}
