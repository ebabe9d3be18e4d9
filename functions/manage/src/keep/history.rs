//! What settings were, which were removed, and making one again what it was.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use vitrine_domain::experiment::HoldOut;
use vitrine_domain::results::{Attribution, CloudPrices};
use vitrine_domain::rule::MAX_ID;
use vitrine_domain::{Experiment, Fault, Millis, Placement, Rule, Segment};
use vitrine_http::auth::scope::{Manage, View};
use vitrine_http::{App, Parameters, Problem, ServerAccess};
use vitrine_store::privacy::Privacy;
use vitrine_store::settings;
use vitrine_store::training::Training;

use super::{Finding, Kept, One, Removing, Standing, has_room, put_document, refused, remove_at};
use crate::lock::Expected;

/// What a setting is made to be when it comes back, none being that it is removed; or what speaks against it.
type Again = Result<Option<Value>, Vec<Fault>>;

/// A kind of setting by what its history needs to know of it.
#[derive(Clone, Copy)]
struct Kind {
    stored: &'static str,
    most: usize,
    show: fn(&RawValue, Standing) -> Option<Value>,
    again: fn(Option<&RawValue>, Option<&RawValue>, Millis) -> Again,
}

impl Kind {
    const fn of<T: Kept>() -> Self {
        Self { stored: T::KIND, most: T::MOST, show: show::<T>, again: again::<T> }
    }

    /// The kinds that there are many of, by the word for them in an address.
    fn of_many(word: &str) -> Option<Self> {
        Some(match word {
            "placements" => Self::of::<Placement>(),
            "rules" => Self::of::<Rule>(),
            "segments" => Self::of::<Option<Segment>>(),
            "experiments" => Self::of::<Experiment>(),
            _ => return None,
        })
    }

    /// The kind and the stored identifier of what an address names.
    ///
    /// # Errors
    /// 404 if there can be no such setting.
    fn read<'a>(word: &str, id: &'a str) -> Result<(Self, &'a str), Problem> {
        fn one<T: One>() -> (Kind, &'static str) {
            (Kind::of::<T>(), T::ID)
        }
        // The table takes no key of any length.
        if let Some(kind) = Self::of_many(word) {
            return if id.len() > MAX_ID { Err(unknown()) } else { Ok((kind, id)) };
        }
        Ok(match (word, id) {
            ("settings", "hold-out") => one::<HoldOut>(),
            ("settings", "attribution") => one::<Attribution>(),
            ("settings", "cloud-prices") => one::<Option<CloudPrices>>(),
            ("settings", "privacy") => one::<Privacy>(),
            ("settings", "training") => one::<Training>(),
            _ => return Err(unknown()),
        })
    }
}

/// A document as its own address shows it; as it is stored, if this program cannot read it any more.
fn show<T: Kept>(document: &RawValue, standing: Standing) -> Option<Value> {
    let shown = serde_json::from_str::<T>(document.get()).ok();
    let shown = shown.and_then(|value| serde_json::to_value(value.show(standing)).ok());
    shown.or_else(|| serde_json::from_str(document.get()).ok()).filter(|value| !value.is_null())
}

/// A setting that comes back in the place of what stands now.
fn again<T: Kept>(new: Option<&RawValue>, now: Option<&RawValue>, time: Millis) -> Again {
    let now = now.and_then(|now| serde_json::from_str::<T>(now.get()).ok());
    let Some(new) = new else {
        let faults = now.map(|now| now.faults_of_removal()).unwrap_or_default();
        return if faults.is_empty() { Ok(None) } else { Err(faults) };
    };
    let unreadable = |_| vec![Fault::new("", "a document that this version can read")];
    let new: T = serde_json::from_str(new.get()).map_err(unreadable)?;
    let faults = new.faults_over(now.as_ref());
    if !faults.is_empty() {
        return Err(faults);
    }
    serde_json::to_value(new.again(now, time)).map(Some).map_err(unreadable)
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
        let standing = Standing::new(state.version.unwrap_or_default(), state.author.clone(), state.written);
        let Standing { author, written, .. } = standing.clone();
        let value = state.value.as_ref().and_then(|value| (kind.show)(value, standing));
        Self { revision: state.revision, version: state.version, author, written, value }
    }
}

/// What a setting is and was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettingHistory)]
pub(crate) struct History {
    /// The present state and those before it, newest first: at most 20, of the last 100 days. Of what a bandit did by itself
    /// several times in a row, the last.
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
    let states = app.context.table.setting_history(&access.shop, kind.stored, id).await?;
    if states.is_empty() { Err(unknown()) } else { Ok(states) }
}

/// What a setting was
///
/// The present state and those before it, newest first: at most 20, of the last 100 days. Of what a bandit did by itself several
/// times in a row, the last.
#[utoipa::path(get, path = "/v1/{kind}/{id}/history", tag = "manage", operation_id = "get_history",
    security(("basic" = ["view"])),
    params(("kind" = String, Path, description = "Of which kind: `placements`, `rules`, `segments`, `experiments` or `settings`"), ("id" = String, Path, description = "Its id, or name: of `settings` `hold-out`, `attribution`, `cloud-prices`, `privacy` or `training`")),
    responses((status = 200, body = History, description = "What it is and was"), Finding))]
pub(crate) async fn history(
    State(app): State<App>,
    access: ServerAccess<View>,
    Path((kind, id)): Path<(String, String)>,
) -> Result<Json<History>, Problem> {
    let (kind, id) = Kind::read(&kind, &id)?;
    let states = states(&app, &access, kind, id).await?;
    Ok(Json(History { states: states.iter().map(|state| StateView::of(kind, state)).collect() }))
}

/// Make a setting again what it was
///
/// What it was before the last change, or at a revision. It is a change like any other: it has an author, and can itself be
/// undone.
#[utoipa::path(post, path = "/v1/{kind}/{id}/undo", tag = "manage", operation_id = "undo",
    security(("basic" = ["manage"])),
    params(
        ("kind" = String, Path, description = "Of which kind: `placements`, `rules`, `segments`, `experiments` or `settings`"), ("id" = String, Path, description = "Its id, or name: of `settings` `hold-out`, `attribution`, `cloud-prices`, `privacy` or `training`"), Wish,
        ("If-Match" = Option<String>, Header, description = "The version it stands at, in quotes; any if it is not said"),
    ),
    responses(
        (status = 200, body = StateView, description = "What it is now"),
        Removing,
    ))]
pub(crate) async fn undo(
    State(app): State<App>,
    access: ServerAccess<Manage>,
    Path((kind, id)): Path<(String, String)>,
    Parameters(wish): Parameters<Wish>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (kind, id) = Kind::read(&kind, &id)?;
    let states = states(&app, &access, kind, id).await?;
    let (now, before) = states.split_first().ok_or_else(unknown)?;
    let expected = Expected::of(&headers, None);
    let current = now.version.unwrap_or_default();
    let from = if expected == Expected::Unsaid { current } else { expected.over(now.version)? };
    let other = match wish.revision {
        Some(revision) => before.iter().find(|state| state.revision == revision),
        None => before.first(),
    };
    let other = other.ok_or_else(|| {
        Problem::not_found("it never was anything else, as far as is known; its history says what it was")
    })?;
    let again = (kind.again)(other.value.as_deref(), now.value.as_deref(), app.context.clock.now());
    let again =
        again.map_err(|faults| refused("cannot-undo", "it cannot be what it was: `errors` says why", faults))?;
    // What was read is what is written over, also where nothing was said of it.
    let seen = Expected::Header(from);
    match again {
        Some(value) => {
            if current == 0 {
                let all = app.context.table.settings::<Value>(&access.shop, kind.stored).await?;
                has_room(all.len(), kind.most)?;
            }
            put_document(&app, &access, (kind.stored, id), &value, (from, seen)).await?;
        }
        None => {
            remove_at(&app, &access, (kind.stored, id), seen).await?;
        }
    }
    let now = app.context.table.setting_history(&access.shop, kind.stored, id).await?;
    let now = now.first().ok_or_else(unknown)?;
    Ok((StatusCode::OK, Json(StateView::of(kind, now))).into_response())
}

/// A setting that was removed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RemovedSetting)]
pub(crate) struct RemovedView {
    /// Its id, or name.
    id: String,
    /// That it is not there: since when, and by whom. `undo` over its version, or zero, brings the setting back.
    now: StateView,
    /// What it was; without a value if it was as shipped.
    was: StateView,
}

/// The settings of a kind that were removed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RemovedSettings)]
pub(crate) struct Gone {
    /// The last removed first: at most 20, of the last 100 days.
    removed: Vec<RemovedView>,
}

/// What was removed
///
/// The settings of a kind that are not there any more, the last removed first: at most 20, of the last 100 days. `undo` brings
/// one back. A placement that every shop starts with is not among them: removed, it is as it was shipped.
#[utoipa::path(get, path = "/v1/removed/{kind}", tag = "manage", operation_id = "get_removed",
    security(("basic" = ["view"])),
    params(("kind" = String, Path, description = "Of which kind: `placements`, `rules`, `segments` or `experiments`")),
    responses((status = 200, body = Gone, description = "What was removed"), Finding))]
pub(crate) async fn removed(
    State(app): State<App>,
    access: ServerAccess<View>,
    Path(kind): Path<String>,
) -> Result<Json<Gone>, Problem> {
    let kind = Kind::of_many(&kind).ok_or_else(unknown)?;
    let shipped: Vec<String> = match kind.stored {
        settings::PLACEMENT => Placement::shipped().into_iter().map(|placement| placement.name).collect(),
        _ => Vec::new(),
    };
    let removed = app.context.table.removed_settings(&access.shop, kind.stored).await?;
    let removed = removed.into_iter().filter(|one| !shipped.contains(&one.id));
    let view = |settings::Removed { id, now, was }: settings::Removed| {
        let (now, was) = (StateView::of(kind, &now), StateView::of(kind, &was));
        RemovedView { id, now, was }
    };
    Ok(Json(Gone { removed: removed.map(view).collect() }))
}
