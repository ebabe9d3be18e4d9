//! Searches, in the contract's order.

use qdrant_client::qdrant as wire;
use wire::point_id::PointIdOptions;

use super::Remote;
use crate::found::{Found, Hit, rank_of};
use crate::{Condition, Error};

/// Hits asked for beyond `k`, because the server orders equal scores as it likes.
const BEYOND: usize = 16;

impl Remote {
    /// How many points a condition allows, or how many there are.
    ///
    /// # Errors
    /// [`Error::Remote`] and [`Error::RemoteTimeout`].
    pub async fn count(&self, collection: &str, condition: Option<&Condition>) -> Result<usize, Error> {
        let request = wire::CountPoints {
            collection_name: collection.to_owned(),
            filter: condition.map(Condition::to_filter),
            exact: Some(true),
            ..wire::CountPoints::default()
        };
        let answer = self.call("count points", self.settings.timeout, || self.client.count(request.clone())).await?;
        Ok(answer.result.map_or(0, |result| result.count as usize))
    }

    /// The best `k` points that a condition allows: score descending, then row ascending. `matches` says how many are
    /// allowed if the caller knows; otherwise they are counted first. Few are scanned exactly, many are looked for in the
    /// graph. [`Found::touched`] is how many points were allowed if they were scanned; of the graph it is not known (0).
    ///
    /// # Errors
    /// [`Error::Remote`] and [`Error::RemoteTimeout`].
    pub async fn search(
        &self,
        collection: &str,
        query: &[f32],
        k: usize,
        condition: Option<&Condition>,
        matches: Option<usize>,
    ) -> Result<Found, Error> {
        if k == 0 || matches == Some(0) {
            return Ok(Found::default());
        }
        let filter = condition.map(Condition::to_filter);
        let matches = match (condition, matches) {
            (Some(_), None) => Some(self.count(collection, condition).await?),
            (_, matches) => matches,
        };
        let mut exact = condition.is_some() && matches.is_some_and(|matches| matches <= self.settings.exact_matches);
        let mut limit = k.saturating_add(BEYOND).min(matches.unwrap_or(usize::MAX));
        loop {
            let mut hits = self.ask(collection, query, limit, filter.clone(), exact).await?;
            if !exact && condition.is_some() && hits.len() < limit.min(k) {
                // The graph lost its way among what is not allowed.
                exact = true;
                continue;
            }
            // As long as the last hit ties with the last wanted one, an equal one of a lower row may be missing.
            let tied = hits.len() == limit
                && matches.is_none_or(|matches| limit < matches)
                && hits
                    .get(k - 1)
                    .zip(hits.last())
                    .is_some_and(|(wanted, last)| wanted.score.total_cmp(&last.score).is_eq());
            if tied {
                limit = limit.saturating_mul(2).min(matches.unwrap_or(usize::MAX));
                continue;
            }
            hits.truncate(k);
            return Ok(Found { hits, touched: if exact { matches.unwrap_or(0) } else { 0 }, bytes: 0 });
        }
    }

    /// Hits in order; what is no row or no number is left out.
    async fn ask(
        &self,
        collection: &str,
        query: &[f32],
        limit: usize,
        filter: Option<wire::Filter>,
        exact: bool,
    ) -> Result<Vec<Hit>, Error> {
        let params = wire::SearchParams {
            exact: Some(exact),
            hnsw_ef: self.settings.search_width.map(|width| width.max(limit as u64)),
            ..wire::SearchParams::default()
        };
        let request = wire::QueryPoints {
            collection_name: collection.to_owned(),
            query: Some(query.to_vec().into()),
            filter,
            params: Some(params),
            limit: Some(limit as u64),
            ..wire::QueryPoints::default()
        };
        let answer = self.call("search", self.settings.timeout, || self.client.query(request.clone())).await?;
        let hit = |point: wire::ScoredPoint| match point.id?.point_id_options? {
            PointIdOptions::Num(row) if !point.score.is_nan() => {
                Some(Hit { row: u32::try_from(row).ok()?, score: point.score + 0.0 })
            }
            _ => None,
        };
        let mut hits: Vec<Hit> = answer.result.into_iter().filter_map(hit).collect();
        hits.sort_by_key(|hit| (std::cmp::Reverse(rank_of(hit.score)), hit.row));
        Ok(hits)
    }
}
