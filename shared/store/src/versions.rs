//! Old versions of objects in a bucket that keeps them: they would outlive an erasure.
//!
//! The object store's client knows no versions, so the two calls are made here, signed by it: a page of the versions below a
//! prefix, and the end of one (Amazon S3 API, `ListObjectVersions` and `DeleteObject` with `versionId`).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use http::Method;
use object_store::ClientOptions;
use object_store::aws::{AmazonS3, AwsAuthorizer};
use object_store::client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody, ReqwestConnector};
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use reqwest::Url;
use vitrine_domain::Shop;

use crate::objects::Objects;
use crate::places::Place;
use crate::{Error, Result};

/// Calls at once.
const AT_ONCE: usize = 16;

/// A bucket by its address, for what the object store's client cannot ask.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) signer: Arc<AmazonS3>,
    client: HttpClient,
    region: String,
    address: Url,
}

/// A version, or the mark that an object was deleted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Version {
    key: String,
    id: String,
    is_latest: bool,
    is_mark: bool,
}

/// What one call lists.
#[derive(Debug, PartialEq, Eq, Default)]
struct Page {
    versions: Vec<Version>,
    /// Where the next page begins: a key and a version.
    next: Option<(String, String)>,
}

fn failed(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Objects(object_store::Error::Generic { store: "S3", source: source.into() })
}

impl Bucket {
    pub(crate) fn new(signer: Arc<AmazonS3>, name: &str, region: &str, endpoint: Option<&str>) -> Result<Self> {
        let host = endpoint.map_or_else(|| format!("https://s3.{region}.amazonaws.com"), str::to_owned);
        let address = Url::parse(&format!("{}/{name}", host.trim_end_matches('/'))).map_err(failed)?;
        let client = ReqwestConnector::default().connect(&ClientOptions::new().with_allow_http(endpoint.is_some()))?;
        Ok(Self { signer, client, region: region.to_owned(), address })
    }

    async fn ask(&self, method: Method, address: &Url) -> Result<Bytes> {
        let mut request: HttpRequest = http::Request::new(HttpRequestBody::empty());
        *request.method_mut() = method;
        *request.uri_mut() = address.as_str().parse().map_err(failed)?;
        let credential = self.signer.credentials().get_credential().await?;
        AwsAuthorizer::new(&credential, "s3", &self.region).try_authorize(&mut request, None)?;
        let answer = self.client.execute(request).await.map_err(failed)?;
        let status = answer.status();
        let body = answer.into_body().bytes().await.map_err(failed)?;
        if status.is_success() {
            return Ok(body);
        }
        Err(failed(format!("{} of versions was answered {status}", address.path())))
    }

    async fn page(&self, prefix: &str, after: Option<&(String, String)>) -> Result<Page> {
        let mut address = self.address.clone();
        {
            let mut query = address.query_pairs_mut();
            query.append_pair("versions", "").append_pair("prefix", prefix);
            if let Some((key, version)) = after {
                query.append_pair("key-marker", key).append_pair("version-id-marker", version);
            }
        }
        read(&self.ask(Method::GET, &address).await?)
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Version>> {
        let (mut versions, mut after) = (Vec::new(), None);
        loop {
            let page = self.page(prefix, after.as_ref()).await?;
            versions.extend(page.versions);
            after = page.next;
            if after.is_none() {
                return Ok(versions);
            }
        }
    }

    async fn delete(&self, version: Version) -> Result<()> {
        let mut address = self.address.clone();
        let mut path = address.path_segments_mut().map_err(|()| failed("the bucket has no address"))?;
        path.extend(version.key.split('/'));
        drop(path);
        address.query_pairs_mut().append_pair("versionId", &version.id);
        self.ask(Method::DELETE, &address).await.map(drop)
    }

    async fn delete_all(&self, versions: impl Iterator<Item = Version>) -> Result<u64> {
        let deleting = stream::iter(versions.map(|version| self.delete(version))).buffer_unordered(AT_ONCE);
        deleting.try_fold(0, async |count, ()| Ok(count + 1)).await
    }

    /// Deletes what is not the newest version, then the marks of objects of which nothing is left: in the other order an old
    /// version would be the newest for a moment.
    async fn delete_old(&self, prefix: &str) -> Result<u64> {
        let (marks, old): (Vec<_>, Vec<_>) =
            self.list(prefix).await?.into_iter().partition(|version| version.is_mark && version.is_latest);
        let deleted = self.delete_all(old.into_iter().filter(|version| !version.is_latest)).await?;
        Ok(deleted + self.delete_all(marks.into_iter()).await?)
    }
}

impl Objects {
    /// Deletes every old version of a shop's objects that may tell of a visitor, and the marks of deleted ones. Answers how
    /// many there were; none where no versions are kept.
    ///
    /// # Errors
    /// If the store fails; doing it again goes on.
    pub async fn delete_old_versions(&self, shop: &Shop) -> Result<u64> {
        let Some(bucket) = self.as_bucket() else { return Ok(0) };
        let mut deleted = 0;
        for folder in Place::folders_of_visitors() {
            deleted += bucket.delete_old(&format!("shops/{shop}/{folder}")).await?;
        }
        Ok(deleted)
    }
}

/// Reads an answer of `ListObjectVersions`.
fn read(answer: &[u8]) -> Result<Page> {
    let mut reader = Reader::from_reader(answer);
    let (mut page, mut version, mut text) = (Page::default(), Version::default(), String::new());
    let (mut is_cut, mut next) = (false, (String::new(), String::new()));
    let mut is_whole = false;
    loop {
        match reader.read_event().map_err(failed)? {
            Event::Start(start) => {
                text.clear();
                if matches!(start.local_name().as_ref(), b"Version" | b"DeleteMarker") {
                    version = Version { is_mark: start.local_name().as_ref() == b"DeleteMarker", ..Version::default() };
                }
            }
            Event::Text(part) => text.push_str(&part.decode().map_err(failed)?),
            Event::GeneralRef(name) => match name.resolve_char_ref().map_err(failed)? {
                Some(char) => text.push(char),
                None => {
                    let name = name.decode().map_err(failed)?;
                    text.push_str(resolve_predefined_entity(&name).ok_or_else(|| failed("an unknown entity"))?);
                }
            },
            Event::End(end) => match end.local_name().as_ref() {
                b"Key" => version.key = std::mem::take(&mut text),
                b"VersionId" => version.id = std::mem::take(&mut text),
                b"IsLatest" => version.is_latest = text == "true",
                b"IsTruncated" => is_cut = text == "true",
                b"NextKeyMarker" => next.0 = std::mem::take(&mut text),
                b"NextVersionIdMarker" => next.1 = std::mem::take(&mut text),
                b"ListVersionsResult" => is_whole = true,
                b"Version" | b"DeleteMarker" => page.versions.push(std::mem::take(&mut version)),
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    if !is_whole {
        return Err(failed("the list of versions ends in its middle"));
    }
    page.next = is_cut.then_some(next);
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_versions_is_read() {
        let page = read(
            br#"<?xml version="1.0" encoding="UTF-8"?>
            <ListVersionsResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>bucket</Name><Prefix>shops/a/</Prefix>
            <KeyMarker></KeyMarker><IsTruncated>true</IsTruncated><NextKeyMarker>shops/a/y</NextKeyMarker>
            <NextVersionIdMarker>v9</NextVersionIdMarker>
            <Version><Key>shops/a/x&amp;y&#x20;z</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest><Size>3</Size>
            <Owner><ID>me</ID></Owner></Version>
            <Version><Key>shops/a/x</Key><VersionId>null</VersionId><IsLatest>false</IsLatest></Version>
            <DeleteMarker><Key>shops/a/y</Key><VersionId>v3</VersionId><IsLatest>true</IsLatest></DeleteMarker>
            </ListVersionsResult>"#,
        )
        .unwrap();
        let version =
            |key: &str, id: &str, is_latest, is_mark| Version { key: key.into(), id: id.into(), is_latest, is_mark };
        let versions = vec![
            version("shops/a/x&y z", "v2", true, false),
            version("shops/a/x", "null", false, false),
            version("shops/a/y", "v3", true, true),
        ];
        assert_eq!(page, Page { versions, next: Some(("shops/a/y".into(), "v9".into())) });
        assert_eq!(
            read(b"<ListVersionsResult><IsTruncated>false</IsTruncated></ListVersionsResult>").unwrap(),
            Page::default()
        );
        assert!(read(b"<ListVersionsResult><Key>").is_err());
    }
}
