//! A segment as it is sent and shown.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use vitrine_domain::segment::{FEATURES, Feature, WINDOWS, shipped};
use vitrine_domain::{Filter, Segment};
use vitrine_http::Problem;
use vitrine_store::census::Head;

use crate::filters;
use crate::keep::{self, Standing};

/// A segment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Segment)]
pub(crate) struct View {
    /// Its name in the address, and in rules and experiments.
    pub(super) id: String,
    /// What people call it.
    name: String,
    /// Whom it means, in a sentence.
    description: String,
    /// Who is in it: a filter over visitors, as text if it can be written so.
    #[schema(schema_with = filters::schema)]
    filter: Value,
    /// The names in it that are no features: they are taken for fields of the customer, and one that no customer has is
    /// probably misspelled.
    fields: Vec<String>,
    /// Whether it is just as every shop has it at first.
    shipped: bool,
    /// How many visitors were in it at the last daily sweep; absent before the first one, and outside of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    members: Option<u64>,
    /// How it stands.
    #[serde(flatten)]
    pub(super) standing: Standing,
}

impl View {
    pub(crate) fn of(segment: Segment, standing: Standing) -> Self {
        let fields = segment.fields().into_iter().map(str::to_owned).collect();
        let shipped = shipped().contains(&segment);
        let Segment { id, name, description, filter } = segment;
        let filter = filters::show(&filter);
        Self { id, name, description, filter, fields, shipped, members: None, standing }
    }
}

/// Something that a segment can ask of a visitor.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = VisitorFeature)]
pub(super) struct FeatureView {
    /// Its name in a filter; of a window followed by a number of days, 1 to 365: `orders_30d`.
    name: &'static str,
    /// `number` or `text`.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    of: vitrine_domain::segment::FeatureType,
    /// What it says, in a sentence.
    meaning: &'static str,
}

/// All segments of a shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Segments {
    /// In the order of their ids.
    segments: Vec<View>,
    /// Visitors at the last daily sweep; null before the first one.
    #[schema(required = true)]
    visitors: Option<u64>,
    /// When that was.
    #[schema(required = true, value_type = Option<String>, format = DateTime)]
    counted: Option<String>,
    /// What a segment can ask for.
    features: Vec<FeatureView>,
    /// What it can ask for in the last so many days.
    windows: Vec<FeatureView>,
}

impl Segments {
    pub(super) fn of(mut segments: Vec<View>, census: Option<Head>) -> Self {
        if let Some(census) = &census {
            for view in &mut segments {
                view.members = Some(census.members.get(&view.id).copied().unwrap_or_default());
            }
        }
        let view = |feature: &Feature| FeatureView { name: feature.name, of: feature.of, meaning: feature.meaning };
        Self {
            segments,
            visitors: census.as_ref().map(|census| census.visitors),
            counted: census.as_ref().map(|census| census.at.to_rfc3339()),
            features: FEATURES.iter().map(view).collect(),
            windows: WINDOWS.iter().map(view).collect(),
        }
    }
}

/// A segment as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = NewSegment)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The id in the address, if it is said again.
    #[serde(default)]
    id: Option<String>,
    /// What people call it.
    #[serde(default)]
    name: String,
    /// Whom it means, in a sentence.
    #[serde(default)]
    description: String,
    /// Who is in it: a filter over visitors, text or JSON.
    #[schema(schema_with = filters::schema)]
    filter: Value,
    /// The version it was made from, unless `If-Match` says it; zero for a new one and for one as shipped.
    #[serde(default)]
    pub(super) version: Option<u64>,
}

impl crate::keep::Wanted for Wanted {
    const SHOWN: &'static [&'static str] = &["fields", "shipped", "members"];

    fn version(&self) -> Option<u64> {
        self.version
    }
}

impl Wanted {
    /// # Errors
    /// 422 with every member that is wrong.
    pub(crate) fn check(self, id: String) -> Result<Segment, Problem> {
        let said = self.id.is_none_or(|said| said == id);
        let filter = filters::read(&self.filter);
        let stand_in = || Filter::And { and: Vec::new() };
        let why = filter.as_ref().err().cloned();
        let Self { name, description, .. } = self;
        let segment = Segment { id, name, description, filter: filter.unwrap_or_else(|_| stand_in()) };
        let mut wrong = keep::refused("invalid-segment", "this is no segment; `errors` says where", segment.faults());
        if !said {
            wrong = wrong.at("/id", "another id than in the address");
        }
        if let Some(why) = why {
            wrong = wrong.at("/filter", why);
        }
        if wrong.errors.is_empty() { Ok(segment) } else { Err(wrong) }
    }
}
