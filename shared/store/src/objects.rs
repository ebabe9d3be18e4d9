//! The object store: a bucket in the cloud, a folder on one machine.

use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};

use crate::places::Place;
use crate::versions::Bucket;
use crate::{Error, Result};

/// An object and its size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A bucket or a folder.
#[derive(Debug, Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    /// What only a bucket can do, if it is one.
    bucket: Option<Bucket>,
    /// The folder, if it is one: artifacts are then mapped where they lie.
    folder: Option<std::path::PathBuf>,
}

impl Objects {
    /// A folder, created if it is missing.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn folder(path: &FilePath) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let store = LocalFileSystem::new_with_prefix(path)?.with_automatic_cleanup(true);
        Ok(Self { store: Arc::new(store), bucket: None, folder: Some(path.to_owned()) })
    }

    /// A bucket, with the region and credentials of the environment.
    ///
    /// # Errors
    /// If the environment does not say enough.
    pub fn bucket(name: &str, endpoint: Option<&str>) -> Result<Self> {
        crate::choose_tls();
        let mut builder = AmazonS3Builder::from_env().with_bucket_name(name);
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint).with_allow_http(true);
            if crate::sdk::is_loopback(endpoint) && builder.get_config_value(&AmazonS3ConfigKey::AccessKeyId).is_none()
            {
                builder = builder.with_access_key_id("local").with_secret_access_key("local");
            }
        }
        // The environment may name one too, as on an emulator.
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint);
        let region = builder.get_config_value(&AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".to_owned());
        let store = Arc::new(builder.build()?);
        let bucket = Bucket::new(store.clone(), name, &region, endpoint.as_deref())?;
        Ok(Self { store, bucket: Some(bucket), folder: None })
    }

    pub(crate) const fn as_bucket(&self) -> Option<&Bucket> {
        self.bucket.as_ref()
    }

    /// Any other store.
    #[must_use]
    pub fn on(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, bucket: None, folder: None }
    }

    /// The file of an object, where objects are files.
    #[must_use]
    pub fn file(&self, key: &str) -> Option<std::path::PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(key))
    }

    /// An address to which a file can be sent for a while without a key; none where objects are files.
    ///
    /// # Errors
    /// If there are no credentials to sign with.
    pub async fn upload_address(&self, key: &str, valid: std::time::Duration) -> Result<Option<String>> {
        let Some(bucket) = &self.bucket else { return Ok(None) };
        let address = bucket.signer.signed_url(http::Method::PUT, &Path::from(key), valid).await?;
        Ok(Some(address.to_string()))
    }

    /// Writes an object whole: a reader sees all of it or nothing.
    ///
    /// # Errors
    /// If the store fails, or nobody knows how somebody would be erased from such an object.
    pub async fn put(&self, key: &str, bytes: impl Into<Bytes>) -> Result<()> {
        if Place::of_object(key).is_none() {
            let source = format!("{key} is in no place: say in places.rs how it is erased").into();
            return Err(Error::Refused { operation: "PutObject", code: "NoPlace".to_owned(), source });
        }
        self.store.put(&Path::from(key), PutPayload::from_bytes(bytes.into())).await?;
        Ok(())
    }

    /// Reads an object; none if there is none.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>> {
        match self.store.get(&Path::from(key)).await {
            Ok(found) => Ok(Some(found.bytes().await?)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::Objects(error)),
        }
    }

    /// Reads an object piece by piece, so that its size does not matter; none if there is none.
    ///
    /// # Errors
    /// If the store fails, at once or on the way.
    pub async fn stream(&self, key: &str) -> Result<Option<BoxStream<'static, Result<Bytes>>>> {
        match self.store.get(&Path::from(key)).await {
            Ok(found) => Ok(Some(found.into_stream().map_err(Error::Objects).boxed())),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::Objects(error)),
        }
    }

    /// Everything below a prefix, in the order of the keys.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Entry>> {
        let listed = self.store.list(Some(&Path::from(prefix)));
        let entry = |meta: object_store::ObjectMeta| Entry { key: meta.location.to_string(), size: meta.size };
        let mut entries: Vec<Entry> = listed.map_ok(entry).try_collect().await?;
        entries.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(entries)
    }

    /// The names directly below a prefix.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        let listed = self.store.list_with_delimiter(Some(&Path::from(prefix))).await?;
        let names = listed.common_prefixes.iter().filter_map(|p| p.filename().map(str::to_owned));
        Ok(names.collect())
    }

    /// Deletes an object; one that is gone already is no error.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match self.store.delete(&Path::from(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::Objects(error)),
        }
    }
}
