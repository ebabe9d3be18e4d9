//! A double of a Qdrant server, in process: the client's own server traits over points in memory.
//!
//! It stores what it is sent, evaluates filters and scores exactly, so it is no measure of a graph's recall or speed. It can
//! be told to be unavailable, silent, slow to index or wrong. The tests of whoever asks a server use it; where `QDRANT_URL`
//! is set, the same tests run against a stock server.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::qdrant_client::qdrant as wire;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status};
use wire::alias_operations::Action;
use wire::condition::ConditionOneOf;
use wire::r#match::MatchValue;
use wire::point_id::PointIdOptions;
use wire::points_selector::PointsSelectorOneOf;
use wire::value::Kind;

use crate::dot;

type Payload = HashMap<String, wire::Value>;

#[derive(Default)]
struct Collection {
    dims: usize,
    points: BTreeMap<u64, (Vec<f32>, Payload)>,
    fields: Vec<String>,
}

#[derive(Default)]
struct State {
    collections: BTreeMap<String, Collection>,
    aliases: BTreeMap<String, String>,
    /// Whether each search was to be exact.
    exact: Vec<bool>,
}

/// The double; clones share their state.
#[derive(Clone, Default)]
pub struct Double {
    state: Arc<Mutex<State>>,
    /// The key that it asks for, if any.
    api_key: Option<String>,
    /// How many of the next calls are answered with "unavailable".
    pub unavailable: Arc<AtomicUsize>,
    /// How many of the next calls are never answered.
    pub silent: Arc<AtomicUsize>,
    /// How many of the next looks at a collection say that it is not indexed yet.
    pub indexing: Arc<AtomicUsize>,
    /// Whether searches find the worst in place of the best.
    pub wrong: Arc<AtomicBool>,
    /// Calls so far.
    pub calls: Arc<AtomicUsize>,
    /// Searches so far.
    pub searches: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Double {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Double").field("calls", &self.calls).finish_non_exhaustive()
    }
}

fn take_one(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Double {
    /// A double that asks for a key.
    #[must_use]
    pub fn with_key(key: &str) -> Self {
        Self { api_key: Some(key.to_owned()), ..Self::default() }
    }

    /// Serves on a free port of this machine for as long as the runtime lives; returns its address.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn serve(&self) -> std::io::Result<String> {
        self.start(Server::builder()).await.map(|address| format!("http://{address}"))
    }

    /// The same with TLS, by a certificate for `localhost` and its key, in PEM.
    ///
    /// # Errors
    /// If no port can be had, or they are no certificate and key.
    pub async fn serve_tls(&self, certificate: &str, key: &str) -> std::io::Result<String> {
        let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
        let address = self.start(Server::builder().tls_config(tls).map_err(std::io::Error::other)?).await?;
        Ok(format!("https://localhost:{}", address.port()))
    }

    async fn start(&self, mut server: Server) -> std::io::Result<std::net::SocketAddr> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let wanted = self.api_key.clone();
        #[allow(clippy::result_large_err, reason = "the shape of an interceptor")]
        let check = move |request: Request<()>| {
            let given = request.metadata().get("api-key").map(|key| key.as_bytes().to_vec());
            match (&wanted, given) {
                (None, _) => Ok(request),
                (Some(wanted), Some(given)) if wanted.as_bytes() == given => Ok(request),
                (Some(_), Some(_)) => Err(Status::permission_denied("Invalid API key or JWT")),
                (Some(_), None) => Err(Status::unauthenticated("Must provide an API key")),
            }
        };
        let server = server
            .add_service(wire::points_server::PointsServer::with_interceptor(self.clone(), check.clone()))
            .add_service(wire::collections_server::CollectionsServer::with_interceptor(self.clone(), check));
        tokio::spawn(server.serve_with_incoming(TcpIncoming::from(listener)));
        Ok(address)
    }

    /// Whether each search was to be exact, in order.
    #[must_use]
    pub fn exact(&self) -> Vec<bool> {
        self.lock().exact.clone()
    }

    /// The indexed fields of a collection.
    #[must_use]
    pub fn fields(&self, collection: &str) -> Vec<String> {
        self.lock().collections.get(collection).map(|found| found.fields.clone()).unwrap_or_default()
    }

    /// The names of all collections.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.lock().collections.keys().cloned().collect()
    }

    /// How many points a collection has.
    #[must_use]
    pub fn points(&self, collection: &str) -> usize {
        self.lock().collections.get(collection).map_or(0, |found| found.points.len())
    }

    /// The values of a keyword in the payloads of a collection's points.
    #[must_use]
    pub fn keywords(&self, collection: &str, field: &str) -> BTreeSet<String> {
        let state = self.lock();
        let points = state.collections.get(collection).into_iter().flat_map(|found| found.points.values());
        let values = points.filter_map(|(_, payload)| match &payload.get(field)?.kind {
            Some(Kind::StringValue(text)) => Some(text.clone()),
            _ => None,
        });
        values.collect()
    }

    /// The collection that an alias names.
    #[must_use]
    pub fn alias(&self, alias: &str) -> Option<String> {
        self.lock().aliases.get(alias).cloned()
    }

    /// Loses a point, as a server might that was restored from somewhere else.
    pub fn lose(&self, collection: &str, id: u64) {
        if let Some(collection) = self.lock().collections.get_mut(collection) {
            collection.points.remove(&id);
        }
    }

    /// Gives a collection another name, as it would have if it had been written at another time.
    pub fn rename(&self, collection: &str, name: &str) {
        let mut state = self.lock();
        if let Some(renamed) = state.collections.remove(collection) {
            state.collections.insert(name.to_owned(), renamed);
        }
    }

    /// Loses a whole collection and what names it.
    pub fn drop_collection(&self, collection: &str) {
        let mut state = self.lock();
        state.collections.remove(collection);
        state.aliases.retain(|_, named| named != collection);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts the call and fails it as told.
    async fn enter(&self) -> Result<(), Status> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if take_one(&self.silent) {
            std::future::pending::<()>().await;
        }
        if take_one(&self.unavailable) { Err(Status::unavailable("told so")) } else { Ok(()) }
    }
}

impl State {
    fn get(&mut self, name: &str) -> Result<&mut Collection, Status> {
        let name = self.aliases.get(name).map_or(name, String::as_str).to_owned();
        self.collections.get_mut(&name).ok_or_else(|| Status::not_found(format!("Collection {name} doesn't exist!")))
    }
}

fn holds(condition: &wire::Condition, id: u64, payload: &Payload) -> Result<bool, Status> {
    match condition.condition_one_of.as_ref() {
        Some(ConditionOneOf::Filter(filter)) => passes(filter, id, payload),
        Some(ConditionOneOf::IsEmpty(empty)) => {
            Ok(match payload.get(&empty.key).and_then(|value| value.kind.as_ref()) {
                None | Some(Kind::NullValue(_)) => true,
                Some(Kind::ListValue(list)) => list.values.is_empty(),
                Some(_) => false,
            })
        }
        Some(ConditionOneOf::HasId(ids)) => Ok(ids.has_id.iter().any(|known| number(known) == Some(id))),
        Some(ConditionOneOf::Field(field)) => {
            let value = payload.get(&field.key).and_then(|value| value.kind.as_ref());
            let matched = match field.r#match.as_ref().and_then(|one| one.match_value.as_ref()) {
                None => true,
                Some(MatchValue::Keyword(word)) => words(value).contains(&word.as_str()),
                Some(MatchValue::Keywords(any)) => any.strings.iter().any(|w| words(value).contains(&w.as_str())),
                Some(MatchValue::Boolean(so)) => value == Some(&Kind::BoolValue(*so)),
                Some(_) => return Err(Status::unimplemented("a match that the double does not know")),
            };
            let inside = field.range.as_ref().is_none_or(|range| {
                numbers(value)
                    .into_iter()
                    .any(|x| range.gte.is_none_or(|least| x >= least) && range.lte.is_none_or(|most| x <= most))
            });
            Ok(matched && inside)
        }
        _ => Err(Status::unimplemented("a condition that the double does not know")),
    }
}

fn words(value: Option<&Kind>) -> Vec<&str> {
    match value {
        Some(Kind::StringValue(word)) => vec![word],
        Some(Kind::ListValue(list)) => list.values.iter().flat_map(|value| words(value.kind.as_ref())).collect(),
        _ => Vec::new(),
    }
}

fn numbers(value: Option<&Kind>) -> Vec<f64> {
    match value {
        Some(Kind::DoubleValue(number)) => vec![*number],
        Some(Kind::ListValue(list)) => list.values.iter().flat_map(|value| numbers(value.kind.as_ref())).collect(),
        _ => Vec::new(),
    }
}

fn passes(filter: &wire::Filter, id: u64, payload: &Payload) -> Result<bool, Status> {
    let each = |conditions: &[wire::Condition]| -> Result<Vec<bool>, Status> {
        conditions.iter().map(|condition| holds(condition, id, payload)).collect()
    };
    let (must, must_not, should) = (each(&filter.must)?, each(&filter.must_not)?, each(&filter.should)?);
    Ok(must.iter().all(|so| *so) && !must_not.contains(&true) && (should.is_empty() || should.contains(&true)))
}

fn number(id: &wire::PointId) -> Option<u64> {
    match id.point_id_options.as_ref()? {
        PointIdOptions::Num(number) => Some(*number),
        PointIdOptions::Uuid(_) => None,
    }
}

fn dense(vectors: Option<wire::Vectors>) -> Option<Vec<f32>> {
    let wire::vectors::VectorsOptions::Vector(vector) = vectors?.vectors_options? else { return None };
    #[allow(deprecated, reason = "older clients send the numbers here")]
    match vector.vector {
        Some(wire::vector::Vector::Dense(dense)) => Some(dense.data),
        _ => Some(vector.data),
    }
}

fn applied() -> Result<Response<wire::PointsOperationResponse>, Status> {
    let result = wire::UpdateResult { status: wire::UpdateStatus::Completed.into(), ..wire::UpdateResult::default() };
    Ok(Response::new(wire::PointsOperationResponse {
        result: Some(result),
        ..wire::PointsOperationResponse::default()
    }))
}

fn done() -> Result<Response<wire::CollectionOperationResponse>, Status> {
    Ok(Response::new(wire::CollectionOperationResponse { result: true, time: 0.0 }))
}

type Answer<'f, T> = Pin<Box<dyn Future<Output = Result<Response<T>, Status>> + Send + 'f>>;

/// Calls that the double refuses: methods as `async_trait` would write them.
macro_rules! refuse {
    ($($call:ident: $request:ident => $answer:ident),* $(,)?) => {
        $(fn $call<'a, 'f>(&'a self, _: Request<wire::$request>) -> Answer<'f, wire::$answer>
        where
            'a: 'f,
            Self: 'f,
        {
            Box::pin(async { Err(Status::unimplemented(stringify!($call))) })
        })*
    };
}

#[tonic::async_trait]
impl wire::points_server::Points for Double {
    async fn upsert(
        &self,
        request: Request<wire::UpsertPoints>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        self.enter().await?;
        let request = request.into_inner();
        if request.wait != Some(true) {
            return Err(Status::invalid_argument("a write that does not wait"));
        }
        let mut state = self.lock();
        let collection = state.get(&request.collection_name)?;
        for point in request.points {
            let (id, vector) = (point.id.as_ref().and_then(number), dense(point.vectors));
            let (Some(id), Some(vector)) = (id, vector) else { return Err(Status::invalid_argument("no point")) };
            if vector.len() != collection.dims {
                return Err(Status::invalid_argument("Wrong input: Vector dimension error"));
            }
            collection.points.insert(id, (vector, point.payload));
        }
        applied()
    }

    async fn delete(
        &self,
        request: Request<wire::DeletePoints>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        self.enter().await?;
        let request = request.into_inner();
        let selector = request.points.and_then(|points| points.points_selector_one_of);
        let Some(PointsSelectorOneOf::Points(list)) = selector else { return Err(Status::unimplemented("by filter")) };
        let mut state = self.lock();
        let collection = state.get(&request.collection_name)?;
        for id in list.ids.iter().filter_map(number) {
            collection.points.remove(&id);
        }
        applied()
    }

    async fn create_field_index(
        &self,
        request: Request<wire::CreateFieldIndexCollection>,
    ) -> Result<Response<wire::PointsOperationResponse>, Status> {
        self.enter().await?;
        let request = request.into_inner();
        self.lock().get(&request.collection_name)?.fields.push(request.field_name);
        applied()
    }

    async fn count(&self, request: Request<wire::CountPoints>) -> Result<Response<wire::CountResponse>, Status> {
        self.enter().await?;
        let request = request.into_inner();
        let (mut state, filter) = (self.lock(), request.filter.unwrap_or_default());
        let mut count = 0;
        for (id, (_, payload)) in &state.get(&request.collection_name)?.points {
            count += u64::from(passes(&filter, *id, payload)?);
        }
        let result = Some(wire::CountResult { count });
        Ok(Response::new(wire::CountResponse { result, ..wire::CountResponse::default() }))
    }

    async fn query(&self, request: Request<wire::QueryPoints>) -> Result<Response<wire::QueryResponse>, Status> {
        self.searches.fetch_add(1, Ordering::SeqCst);
        self.enter().await?;
        let request = request.into_inner();
        let Some(wire::query::Variant::Nearest(nearest)) = request.query.and_then(|query| query.variant) else {
            return Err(Status::unimplemented("no nearest"));
        };
        let Some(wire::vector_input::Variant::Dense(vector)) = nearest.variant else {
            return Err(Status::unimplemented("no vector"));
        };
        let mut state = self.lock();
        state.exact.push(request.params.and_then(|params| params.exact).unwrap_or(false));
        let (filter, collection) = (request.filter.unwrap_or_default(), state.get(&request.collection_name)?);
        if vector.data.len() != collection.dims {
            return Err(Status::invalid_argument("Wrong input: Vector dimension error"));
        }
        let mut result = Vec::new();
        for (id, (point, payload)) in &collection.points {
            if passes(&filter, *id, payload)? {
                let id = Some(wire::PointId::from(*id));
                result.push(wire::ScoredPoint { id, score: dot(&vector.data, point), ..wire::ScoredPoint::default() });
            }
        }
        // Equal scores in the order that helps least, as a server may.
        result.reverse();
        result.sort_by(|a, b| b.score.total_cmp(&a.score));
        if self.wrong.load(Ordering::SeqCst) {
            result.reverse();
        }
        result.truncate(request.limit.unwrap_or(10) as usize);
        Ok(Response::new(wire::QueryResponse { result, ..wire::QueryResponse::default() }))
    }

    refuse! {
        get: GetPoints => GetResponse,
        update_vectors: UpdatePointVectors => PointsOperationResponse,
        delete_vectors: DeletePointVectors => PointsOperationResponse,
        set_payload: SetPayloadPoints => PointsOperationResponse,
        overwrite_payload: SetPayloadPoints => PointsOperationResponse,
        delete_payload: DeletePayloadPoints => PointsOperationResponse,
        clear_payload: ClearPayloadPoints => PointsOperationResponse,
        delete_field_index: DeleteFieldIndexCollection => PointsOperationResponse,
        create_vector_name: CreateVectorNameRequest => PointsOperationResponse,
        delete_vector_name: DeleteVectorNameRequest => PointsOperationResponse,
        search: SearchPoints => SearchResponse,
        search_batch: SearchBatchPoints => SearchBatchResponse,
        search_groups: SearchPointGroups => SearchGroupsResponse,
        scroll: ScrollPoints => ScrollResponse,
        recommend: RecommendPoints => RecommendResponse,
        recommend_batch: RecommendBatchPoints => RecommendBatchResponse,
        recommend_groups: RecommendPointGroups => RecommendGroupsResponse,
        discover: DiscoverPoints => DiscoverResponse,
        discover_batch: DiscoverBatchPoints => DiscoverBatchResponse,
        update_batch: UpdateBatchPoints => UpdateBatchResponse,
        query_batch: QueryBatchPoints => QueryBatchResponse,
        query_groups: QueryPointGroups => QueryGroupsResponse,
        facet: FacetCounts => FacetResponse,
        search_matrix_pairs: SearchMatrixPoints => SearchMatrixPairsResponse,
        search_matrix_offsets: SearchMatrixPoints => SearchMatrixOffsetsResponse,
    }
}

#[tonic::async_trait]
impl wire::collections_server::Collections for Double {
    async fn create(
        &self,
        request: Request<wire::CreateCollection>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        self.enter().await?;
        let request = request.into_inner();
        let Some(wire::vectors_config::Config::Params(params)) =
            request.vectors_config.and_then(|config| config.config)
        else {
            return Err(Status::unimplemented("named vectors"));
        };
        if params.distance != wire::Distance::Dot as i32 {
            return Err(Status::unimplemented("another distance"));
        }
        let mut state = self.lock();
        if state.collections.contains_key(&request.collection_name) {
            return Err(Status::already_exists("Collection already exists!"));
        }
        let collection = Collection { dims: params.size as usize, ..Collection::default() };
        state.collections.insert(request.collection_name, collection);
        done()
    }

    async fn delete(
        &self,
        request: Request<wire::DeleteCollection>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        self.enter().await?;
        self.drop_collection(&request.into_inner().collection_name);
        done()
    }

    async fn update_aliases(
        &self,
        request: Request<wire::ChangeAliases>,
    ) -> Result<Response<wire::CollectionOperationResponse>, Status> {
        self.enter().await?;
        let mut state = self.lock();
        for action in request.into_inner().actions {
            let create = match action.action {
                Some(Action::CreateAlias(create)) => create,
                Some(Action::DeleteAlias(delete)) => {
                    state.aliases.remove(&delete.alias_name);
                    continue;
                }
                _ => return Err(Status::unimplemented("another action")),
            };
            if !state.collections.contains_key(&create.collection_name) {
                return Err(Status::not_found("Collection doesn't exist!"));
            }
            state.aliases.insert(create.alias_name, create.collection_name);
        }
        done()
    }

    async fn get(
        &self,
        request: Request<wire::GetCollectionInfoRequest>,
    ) -> Result<Response<wire::GetCollectionInfoResponse>, Status> {
        self.enter().await?;
        let status = match take_one(&self.indexing) {
            true => wire::CollectionStatus::Yellow,
            false => wire::CollectionStatus::Green,
        };
        let size = self.lock().get(&request.into_inner().collection_name)?.dims as u64;
        let params = wire::VectorParams { size, distance: wire::Distance::Dot.into(), ..wire::VectorParams::default() };
        let vectors = wire::VectorsConfig { config: Some(wire::vectors_config::Config::Params(params)) };
        let params = wire::CollectionParams { vectors_config: Some(vectors), ..wire::CollectionParams::default() };
        let config = wire::CollectionConfig { params: Some(params), ..wire::CollectionConfig::default() };
        let info =
            wire::CollectionInfo { status: status.into(), config: Some(config), ..wire::CollectionInfo::default() };
        Ok(Response::new(wire::GetCollectionInfoResponse { result: Some(info), time: 0.0 }))
    }

    async fn list(
        &self,
        _: Request<wire::ListCollectionsRequest>,
    ) -> Result<Response<wire::ListCollectionsResponse>, Status> {
        self.enter().await?;
        let collections = self.names().into_iter().map(|name| wire::CollectionDescription { name }).collect();
        Ok(Response::new(wire::ListCollectionsResponse { collections, time: 0.0 }))
    }

    async fn list_aliases(
        &self,
        _: Request<wire::ListAliasesRequest>,
    ) -> Result<Response<wire::ListAliasesResponse>, Status> {
        self.enter().await?;
        let aliases = self.lock().aliases.clone().into_iter();
        let aliases =
            aliases.map(|(alias_name, collection_name)| wire::AliasDescription { alias_name, collection_name });
        Ok(Response::new(wire::ListAliasesResponse { aliases: aliases.collect(), time: 0.0 }))
    }

    refuse! {
        update: UpdateCollection => CollectionOperationResponse,
        list_collection_aliases: ListCollectionAliasesRequest => ListAliasesResponse,
        collection_cluster_info: CollectionClusterInfoRequest => CollectionClusterInfoResponse,
        collection_exists: CollectionExistsRequest => CollectionExistsResponse,
        update_collection_cluster_setup: UpdateCollectionClusterSetupRequest => UpdateCollectionClusterSetupResponse,
        create_shard_key: CreateShardKeyRequest => CreateShardKeyResponse,
        delete_shard_key: DeleteShardKeyRequest => DeleteShardKeyResponse,
        list_shard_keys: ListShardKeysRequest => ListShardKeysResponse,
    }
}
