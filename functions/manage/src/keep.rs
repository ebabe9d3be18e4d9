//! What all settings that people make have in common: they are written over the version that was seen, they carry a name and
//! a time, and what they were can be had back.

pub(crate) mod history;
mod responses;

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::Segment;
use utoipa::ToSchema;
use vitrine_domain::{Fault, Millis};
use vitrine_http::auth::scope::Manage;
use vitrine_http::{App, Problem, ServerAccess, body, is_word, said};
use vitrine_store::settings::Versioned;

use crate::lock::{Expected, etag};
pub(crate) use responses::{Finding, Reading, Removing, Writing};

/// A kind of setting, as it is stored.
pub(crate) trait Kept: Serialize + DeserializeOwned {
    /// The kind's name in the table.
    const KIND: &'static str;
    /// Most settings of the kind in a shop, where their names do not bound them.
    const MOST: usize = usize::MAX;

    /// As its own address shows it.
    fn show(self, standing: Standing) -> impl Serialize;

    /// What is wrong with it, or with making it what it is of what stands now.
    fn faults_over(&self, now: Option<&Self>) -> Vec<Fault>;

    /// What speaks against removing it.
    fn faults_of_removal(&self) -> Vec<Fault> {
        Vec::new()
    }

    /// What it becomes when it comes back in the place of what stands now.
    fn again(self, _now: Option<Self>, _time: Millis) -> Self {
        self
    }
}

/// A setting that there is one of.
pub(crate) trait One: Kept {
    /// Its identifier in the table.
    const ID: &'static str;
    /// The code of the problem that something is no such setting.
    const WRONG: &'static str;
    /// Whether it is told whole, not made from what was read: then it is written over whatever there is, unless a version is named.
    const WHOLE: bool = false;

    /// What is stored; as shipped where nothing is.
    ///
    /// # Errors
    /// If it cannot be read.
    fn read(stored: Option<Value>) -> serde_json::Result<Self>;
}

/// At which version a setting stands, who made it so, and when.
#[derive(Debug, Default, Clone, Serialize, ToSchema)]
pub(crate) struct Standing {
    /// Grows with every change; zero is a setting as it was shipped.
    pub(crate) version: u64,
    /// Who made it so: the name of whoever signed in, or the key's id. Absent for a setting as shipped, and where it was not noted.
    #[serde(skip_serializing_if = "Option::is_none")]
    author: Option<String>,
    /// When. Absent as above.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    written: Option<String>,
}

impl Standing {
    pub(crate) fn of<T>(setting: &Versioned<T>) -> Self {
        Self::new(setting.version, setting.author.clone(), setting.written)
    }

    fn new(version: u64, author: Option<String>, written: Option<Millis>) -> Self {
        Self { version, author, written: written.map(|time| time.to_rfc3339()) }
    }
}

/// A setting as somebody wants it.
pub(crate) trait Wanted: DeserializeOwned {
    /// Members that an answer has besides, so that what was read can be sent back; `author` and `written` everywhere.
    const SHOWN: &'static [&'static str] = &[];

    /// The version it was made from, if the body says it.
    fn version(&self) -> Option<u64>;
}

/// A request to change a setting: what it shall be, and over which version.
pub(crate) struct Change<W> {
    pub(crate) wanted: W,
    pub(crate) expected: Expected,
}

impl<W: Wanted> FromRequest<App> for Change<W> {
    type Rejection = Problem;

    /// Of JSON of another shape the place is named by its JSON pointer.
    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let headers = request.headers().clone();
        let wanted: W = read(&body::read(request, app).await?)?;
        Ok(Self { expected: Expected::of(&headers, wanted.version()), wanted })
    }
}

/// Reads a setting as somebody wants it.
///
/// # Errors
/// 400 if it is no JSON, 422 with the JSON pointer of what has another shape.
pub(crate) fn read<W: Wanted>(bytes: &[u8]) -> Result<W, Problem> {
    let mut sent: Map<String, Value> = body::parse(bytes)?;
    sent.retain(|name, _| !["author", "written"].contains(&name.as_str()) && !W::SHOWN.contains(&name.as_str()));
    serde_path_to_error::deserialize(Value::Object(sent)).map_err(|error| {
        let part = |part: &Segment| match part {
            Segment::Seq { index } => format!("/{index}"),
            Segment::Map { key } if is_word(key) => format!("/{key}"),
            Segment::Enum { variant } if is_word(variant) => format!("/{variant}"),
            _ => "/…".to_owned(),
        };
        let pointer: String = error.path().iter().map(part).collect();
        let how = said(&error.inner().to_string());
        Problem::unprocessable("unexpected-shape", format!("the JSON does not fit: {how}")).at(pointer, how)
    })
}

/// Writes a setting over the version that is expected. Answers how it stands, and the shop's new revision.
///
/// # Errors
/// 409 or 412 if somebody else was faster.
pub(crate) async fn put<T: Kept>(
    app: &App,
    access: &ServerAccess<Manage>,
    id: &str,
    value: &T,
    (from, expected): (u64, Expected),
) -> Result<(Standing, u64), Problem> {
    let revision = put_document(app, access, (T::KIND, id), value, (from, expected)).await?;
    Ok((Standing::new(from + 1, Some(access.author.clone()), Some(app.context.clock.now())), revision))
}

async fn put_document(
    app: &App,
    access: &ServerAccess<Manage>,
    (kind, id): (&'static str, &str),
    value: &impl Serialize,
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
pub(crate) async fn remove<T: Kept>(
    app: &App,
    access: &ServerAccess<Manage>,
    id: &str,
    expected: Expected,
) -> Result<bool, Problem> {
    remove_at(app, access, (T::KIND, id), expected).await
}

async fn remove_at(
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

/// A setting that there is one of, and how it stands.
pub(crate) async fn one<T: One, N>(app: &App, access: &ServerAccess<N>) -> Result<(T, Standing), Problem> {
    let stored = app.context.table.setting::<Value>(&access.shop, T::KIND, T::ID).await?;
    let standing = stored.as_ref().map(Standing::of).unwrap_or_default();
    let value = T::read(stored.map(|setting| setting.value)).map_err(|error| Problem::internal(&error))?;
    Ok((value, standing))
}

/// The answer with a setting.
pub(crate) fn shown<T: Kept>(value: T, standing: Standing) -> Response {
    (etag(standing.version), Json(value.show(standing))).into_response()
}

/// Answers with a setting that there is one of.
pub(crate) async fn get_one<T: One, N>(app: &App, access: &ServerAccess<N>) -> Result<Response, Problem> {
    let (value, standing) = one::<T, N>(app, access).await?;
    Ok(shown(value, standing))
}

/// Changes a setting that there is one of to what is made of what stands now, and answers with it.
pub(crate) async fn put_one<T: One>(
    app: &App,
    access: &ServerAccess<Manage>,
    expected: Expected,
    make: impl FnOnce(&T) -> T,
) -> Result<Response, Problem> {
    let (before, standing) = one::<T, _>(app, access).await?;
    let value = make(&before);
    faultless(&value, Some(&before))?;
    let expected = if T::WHOLE && expected == Expected::Unsaid { Expected::Body(standing.version) } else { expected };
    let from = expected.over(Some(standing.version))?;
    let (standing, _) = put(app, access, T::ID, &value, (from, expected)).await?;
    Ok(shown(value, standing))
}

/// # Errors
/// 422 with every fault of a setting that there is one of.
pub(crate) fn faultless<T: One>(value: &T, before: Option<&T>) -> Result<(), Problem> {
    let faults = value.faults_over(before);
    if faults.is_empty() {
        return Ok(());
    }
    Err(refused(T::WRONG, "this is no such setting; `errors` says where", faults))
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
