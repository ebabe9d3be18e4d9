//! The vectors that a shop computed itself, as they are stored now.

use vitrine_domain::Shop;
use vitrine_learn::OwnVectors;
use vitrine_runtime::Context;

use crate::Error;

/// Keys of the sets that are listed: equal keys are equal vectors.
pub(crate) async fn keys(context: &Context, shop: &Shop) -> Result<Vec<String>, Error> {
    Ok(context.table.vector_sets(shop).await?.into_iter().map(|set| set.value.object).collect())
}

/// All sets of a shop, and their keys.
pub(crate) async fn load(context: &Context, shop: &Shop) -> Result<(Vec<OwnVectors>, Vec<String>), Error> {
    let (mut sets, mut keys) = (Vec::new(), Vec::new());
    for set in context.table.vector_sets(shop).await? {
        let Some(bytes) = context.objects.get(&set.value.object).await? else {
            // Replaced since it was listed. Its key is not noted, so the next schedule trains with what replaced it.
            tracing::warn!(%shop, set = set.id, "a set of vectors is gone; training without it");
            continue;
        };
        let own = OwnVectors::unpack(&set.id, &bytes);
        sets.push(own.map_err(|source| Error::Vectors { name: set.id.clone(), source })?);
        keys.push(set.value.object);
    }
    Ok((sets, keys))
}
