//! What all kinds of settings that people make have in common: they are written over the version that was seen, with a name
//! and a time, and what they were can be had back.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use vitrine_domain::experiment::MAX_EXPERIMENTS;
use vitrine_domain::rule::{MAX_ID, MAX_RULES};
use vitrine_domain::segment::MAX_SEGMENTS;
use vitrine_domain::{Experiment, Fault, Placement, Rule, Segment};
use vitrine_http::auth::scope::{Manage, View};
use vitrine_http::{App, Problem, ServerAccess};
use vitrine_store::settings::{self, EXPERIMENT, PLACEMENT, RULE, SEGMENT};

use crate::experiments::shape::View as ExperimentView;
use crate::lock::Expected;
use crate::placements::{MAX_PLACEMENTS, View as PlacementView};
use crate::rules::View as RuleView;
use crate::segments::View as SegmentView;

/// Writes a setting over the version that is expected. Answers the shop's new revision.
///
/// # Errors
/// 409 or 412 if somebody else was faster.
pub(crate) async fn put<T: Serialize>(
    app: &App,
    access: &ServerAccess<Manage>,
    (kind, id): (&'static str, &str),
    value: &T,
    (from, expected): (u64, Expected),
) -> Result<u64, Problem> {
    match app.context.table.put_setting_by(&access.shop, kind, id, value, from, &access.author).await {
        Err(vitrine_store::Error::Conflict { .. }) => {
            Err(expected.refusal("somebody else changed it just now; read it again"))
        }
        other => Ok(other?),
    }
}

/// Removes a setting at the version that is expected, if one is; whether there was one.
///
/// # Errors
/// 412 if it stands at another version.
pub(crate) async fn remove(
    app: &App,
    access: &ServerAccess<Manage>,
    (kind, id): (&'static str, &str),
    expected: Expected,
) -> Result<bool, Problem> {
    let from = match expected {
        Expected::Header(version) => Some(version),
        Expected::Foreign => return Err(expected.refusal("that was never a version of it")),
        Expected::Any | Expected::Body(_) | Expected::Unsaid => None,
    };
    match app.context.table.remove_setting(&access.shop, kind, id, from, &access.author).await {
        Err(vitrine_store::Error::Conflict { .. }) => {
            Err(expected.refusal("it stands at another version; read it again"))
        }
        other => Ok(other?.is_some()),
    }
}

/// A kind of setting with a history, in an address.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Placements,
    Rules,
    Segments,
    Experiments,
}

impl Kind {
    /// # Errors
    /// 404 for a word that is no kind.
    fn read(word: &str) -> Result<Self, Problem> {
        Ok(match word {
            "placements" => Self::Placements,
            "rules" => Self::Rules,
            "segments" => Self::Segments,
            "experiments" => Self::Experiments,
            _ => return Err(Problem::not_found("`placements`, `rules`, `segments` and `experiments` have a history")),
        })
    }

    const fn stored(self) -> &'static str {
        match self {
            Self::Placements => PLACEMENT,
            Self::Rules => RULE,
            Self::Segments => SEGMENT,
            Self::Experiments => EXPERIMENT,
        }
    }

    /// Most settings of the kind in a shop.
    const fn most(self) -> usize {
        match self {
            Self::Placements => MAX_PLACEMENTS,
            Self::Rules => MAX_RULES,
            Self::Segments => MAX_SEGMENTS,
            Self::Experiments => MAX_EXPERIMENTS,
        }
    }

    /// A document as its own address shows it; as it is stored, if this program cannot read it any more.
    fn show(self, document: &RawValue, version: u64) -> Value {
        fn shown<T: DeserializeOwned, V: Serialize>(document: &RawValue, view: impl FnOnce(T) -> V) -> Option<Value> {
            serde_json::to_value(view(serde_json::from_str(document.get()).ok()?)).ok()
        }
        let shown = match self {
            Self::Placements => shown(document, |placement: Placement| PlacementView::of(placement, version)),
            Self::Rules => shown(document, |rule: Rule| RuleView::of(rule, version)),
            Self::Segments => {
                shown(document, |segment: Option<Segment>| segment.map(|segment| SegmentView::of(segment, version)))
            }
            Self::Experiments => shown(document, |experiment: Experiment| ExperimentView::of(experiment, version)),
        };
        shown.or_else(|| serde_json::from_str(document.get()).ok()).unwrap_or_default()
    }

    /// What speaks against making a setting again what it was; nothing of a removal but of an experiment that runs.
    fn faults(self, new: Option<&RawValue>, now: Option<&RawValue>) -> Vec<Fault> {
        fn read<T: DeserializeOwned>(document: Option<&RawValue>) -> Option<T> {
            serde_json::from_str(document?.get()).ok()
        }
        let unreadable = || vec![Fault { at: String::new(), how: "a document that this version can read".to_owned() }];
        let of_rule = |(at, how): (&'static str, String)| Fault { at: at.to_owned(), how };
        match (self, new) {
            (Self::Experiments, None) => read::<Experiment>(now).map(|now| now.faults_of_removal()).unwrap_or_default(),
            (_, None) => Vec::new(),
            (Self::Placements, _) => read::<Placement>(new).map_or_else(unreadable, |_| Vec::new()),
            (Self::Rules, _) => {
                read::<Rule>(new).map_or_else(unreadable, |rule| rule.faults().into_iter().map(of_rule).collect())
            }
            (Self::Segments, _) => read::<Option<Segment>>(new)
                .map_or_else(unreadable, |segment| segment.map(|segment| segment.faults()).unwrap_or_default()),
            (Self::Experiments, _) => {
                let Some(experiment) = read::<Experiment>(new) else { return unreadable() };
                let of_change = read::<Experiment>(now).map(|now| experiment.faults_of_change(&now));
                experiment.faults().into_iter().chain(of_change.unwrap_or_default()).collect()
            }
        }
    }
}

/// What a setting was from one of its changes to the next.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingState)]
pub(crate) struct StateView {
    /// The shop's revision that began it: what `undo` can go back to.
    revision: u64,
    /// The setting's version; null where it was not there.
    #[schema(required = true)]
    version: Option<u64>,
    /// Who made it so: the name of whoever signed in, or the key's id; null for the program itself, and where that was not noted.
    #[schema(required = true)]
    author: Option<String>,
    /// When.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    written: Option<String>,
    /// The setting; null where it was removed, was not there yet, or was as shipped.
    #[schema(value_type = Option<Object>, required = true)]
    value: Option<Value>,
}

impl StateView {
    fn of(kind: Kind, state: &settings::State) -> Self {
        let version = state.version;
        Self {
            revision: state.revision,
            version,
            author: state.author.clone(),
            written: state.written.map(|time| time.to_rfc3339()),
            value: state.value.as_ref().map(|value| kind.show(value, version.unwrap_or_default())),
        }
    }
}

/// What a setting is and was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingHistory)]
pub(crate) struct History {
    /// The present state and those before it, newest first: at most 20, of the last 100 days.
    states: Vec<StateView>,
}

/// To what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    /// The revision that began the state to go back to; that before the last change unless it is said.
    revision: Option<u64>,
}

fn unknown() -> Problem {
    Problem::not_found("the shop never had a setting of this name, or not in the last 100 days")
}

/// A stored history, newest first.
async fn states<N>(app: &App, access: &ServerAccess<N>, kind: Kind, id: &str) -> Result<Vec<settings::State>, Problem> {
    // The table takes no key of any length.
    if id.len() > MAX_ID {
        return Err(unknown());
    }
    let states = app.context.table.setting_history(&access.shop, kind.stored(), id).await?;
    if states.is_empty() { Err(unknown()) } else { Ok(states) }
}

/// What a setting was
///
/// The present state and those before it, newest first: at most 20, of the last 100 days.
#[utoipa::path(get, path = "/v1/{kind}/{id}/history", tag = "manage", operation_id = "get_history",
    params(("kind" = String, Path, description = "Of which kind"), ("id" = String, Path, description = "Its id, or name")),
    responses(
        (status = 200, body = History, description = "What it is and was"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There never was such a setting"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn history(
    State(app): State<App>,
    access: ServerAccess<View>,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<History>, Problem> {
    let kind = Kind::read(&kind)?;
    let states = states(&app, &access, kind, &id).await?;
    Ok(Json(History { states: states.iter().map(|state| StateView::of(kind, state)).collect() }))
}

/// Make a setting again what it was
///
/// What it was before the last change, or at a revision. It is a change like any other: it has an author, and can itself be
/// undone.
#[utoipa::path(post, path = "/v1/{kind}/{id}/undo", tag = "manage", operation_id = "undo",
    params(
        ("kind" = String, Path, description = "Of which kind"), ("id" = String, Path, description = "Its id, or name"), Wish,
        ("If-Match" = Option<String>, Header, description = "The version it stands at, in quotes; any if it is not said"),
    ),
    responses(
        (status = 200, body = StateView, description = "What it is now"),
        (status = 401, body = Problem, description = "The key is missing or not known"),
        (status = 403, body = Problem, description = "The key is not a server key"),
        (status = 404, body = Problem, description = "There never was such a setting, or it never was anything else"),
        (status = 412, body = Problem, description = "`If-Match` names another version than the stored one"),
        (status = 422, body = Problem, description = "It cannot be that again: `errors` says why"),
        (status = 503, body = Problem, description = "A store is not available; try again shortly"),
    ))]
pub(crate) async fn undo(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path((kind, id)): Path<(String, String)>,
    wish: Result<Query<Wish>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kind = Kind::read(&kind)?;
    let Query(wish) = wish.map_err(|e| Problem::bad_request("invalid-parameters", e.body_text()))?;
    let states = states(&app, &access, kind, &id).await?;
    let (now, before) = states.split_first().ok_or_else(unknown)?;
    let expected = Expected::of(&headers, None);
    let current = now.version.unwrap_or_default();
    let from = if expected == Expected::Unsaid { current } else { expected.over(current)? };
    let other = match wish.revision {
        Some(revision) => before.iter().find(|state| state.revision == revision),
        None => before.first(),
    };
    let other = other.ok_or_else(|| {
        Problem::not_found("it never was anything else, as far as is known; its history says what it was")
    })?;
    let faults = kind.faults(other.value.as_deref(), now.value.as_deref());
    if !faults.is_empty() {
        return Err(refused("cannot-undo", "it cannot be what it was: `errors` says why", faults));
    }
    match &other.value {
        Some(value) => {
            if current == 0 {
                let all = app.context.table.settings::<Value>(&access.shop, kind.stored()).await?;
                has_room(all.len(), kind.most())?;
            }
            // What was read is what is written over, also where nothing was said of it.
            put(&app, &access, (kind.stored(), &id), value, (from, Expected::Header(from))).await?;
        }
        None => {
            remove(&app, &access, (kind.stored(), &id), Expected::Header(from)).await?;
        }
    }
    let now = app.context.table.setting_history(&access.shop, kind.stored(), &id).await?;
    let now = now.first().ok_or_else(unknown)?;
    Ok((StatusCode::OK, Json(StateView::of(kind, now))).into_response())
}

/// # Errors
/// 422 if a shop has as many as it may have.
pub(crate) fn has_room(has: usize, most: usize) -> Result<(), Problem> {
    if has < most {
        return Ok(());
    }
    Err(Problem::unprocessable("too-many", format!("a shop has at most {most} of them; remove one first")))
}

/// 422 with every fault.
pub(crate) fn refused(code: &'static str, detail: &str, faults: Vec<Fault>) -> Problem {
    faults.into_iter().fold(Problem::unprocessable(code, detail), |problem, fault| problem.at(fault.at, fault.how))
}
