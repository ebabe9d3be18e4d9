//! Collections, aliases and points.

use qdrant_client::qdrant as wire;
use wire::points_selector::PointsSelectorOneOf;
use wire::vectors_config::Config;

use super::Remote;
use super::call::{exists_already, is_missing};
use super::payload::payload_to_wire;
use crate::{Error, Field, Point};

impl Remote {
    /// Makes a collection for vectors of some dimensions, with an index on each field that filters name. Nothing happens if
    /// there is one of that name.
    ///
    /// # Errors
    /// [`Error::Remote`] and [`Error::RemoteTimeout`], as of every call.
    pub async fn create(&self, collection: &str, dims: usize, fields: &[(&str, Field)]) -> Result<(), Error> {
        let timeout = self.settings.write_timeout;
        let params = wire::VectorParams {
            size: dims as u64,
            distance: wire::Distance::Dot.into(),
            ..wire::VectorParams::default()
        };
        let request = wire::CreateCollection {
            collection_name: collection.to_owned(),
            vectors_config: Some(wire::VectorsConfig { config: Some(Config::Params(params)) }),
            ..wire::CreateCollection::default()
        };
        let created =
            self.call("create a collection", timeout, || self.client.create_collection(request.clone())).await;
        match created {
            // Perhaps by a try whose answer was lost.
            Err(error) if exists_already(&error) => {}
            other => drop(other?),
        }
        for (field, kind) in fields {
            let kind = match kind {
                Field::Keyword => wire::FieldType::Keyword,
                Field::Number => wire::FieldType::Float,
                Field::Bool => wire::FieldType::Bool,
            };
            let request = wire::CreateFieldIndexCollection {
                collection_name: collection.to_owned(),
                wait: Some(true),
                field_name: (*field).to_owned(),
                field_type: Some(kind.into()),
                ..wire::CreateFieldIndexCollection::default()
            };
            self.call("index a field", timeout, || self.client.create_field_index(request.clone())).await?;
        }
        Ok(())
    }

    /// Writes points, new ones and others' new state, batch by batch; each batch is applied when this returns.
    ///
    /// # Errors
    /// As [`create`](Self::create); batches before the failing one are written, and all may be written again.
    pub async fn upsert(&self, collection: &str, points: &[Point]) -> Result<(), Error> {
        for batch in points.chunks(self.settings.batch.max(1)) {
            let points = batch.iter().map(|point| wire::PointStruct {
                id: Some(u64::from(point.row).into()),
                payload: payload_to_wire(&point.payload),
                vectors: Some(point.vector.clone().into()),
            });
            let request = wire::UpsertPoints {
                collection_name: collection.to_owned(),
                wait: Some(true),
                points: points.collect(),
                ..wire::UpsertPoints::default()
            };
            let timeout = self.settings.write_timeout;
            self.call("write points", timeout, || self.client.upsert_points(request.clone())).await?;
        }
        Ok(())
    }

    /// Takes points out; rows that are not there are ignored.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn delete(&self, collection: &str, rows: &[u32]) -> Result<(), Error> {
        for batch in rows.chunks(self.settings.batch.max(1)) {
            let ids = batch.iter().map(|row| u64::from(*row).into()).collect();
            let points = PointsSelectorOneOf::Points(wire::PointsIdsList { ids });
            let request = wire::DeletePoints {
                collection_name: collection.to_owned(),
                wait: Some(true),
                points: Some(wire::PointsSelector { points_selector_one_of: Some(points) }),
                ..wire::DeletePoints::default()
            };
            let timeout = self.settings.write_timeout;
            self.call("delete points", timeout, || self.client.delete_points(request.clone())).await?;
        }
        Ok(())
    }

    /// Lets an alias name a collection, whatever it named before. The server does it under one lock: a search goes to the
    /// old collection or to the new one.
    ///
    /// # Errors
    /// As [`create`](Self::create); also if there is no such collection.
    pub async fn switch(&self, alias: &str, collection: &str) -> Result<(), Error> {
        let request = wire::CreateAlias { collection_name: collection.to_owned(), alias_name: alias.to_owned() };
        self.call("switch an alias", self.settings.timeout, || self.client.create_alias(request.clone())).await?;
        Ok(())
    }

    /// The collection that an alias names.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn live(&self, alias: &str) -> Result<Option<String>, Error> {
        let answer = self.call("list aliases", self.settings.timeout, || self.client.list_aliases()).await?;
        Ok(answer.aliases.into_iter().find(|known| known.alias_name == alias).map(|known| known.collection_name))
    }

    /// Removes a collection that is no longer named; nothing happens if there is none.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn remove(&self, collection: &str) -> Result<(), Error> {
        let timeout = self.settings.write_timeout;
        match self.call("remove a collection", timeout, || self.client.delete_collection(collection)).await {
            Err(error) if !is_missing(&error) => Err(error),
            _ => Ok(()),
        }
    }
}
