//! What schedules begin: a training, a merging of the lake, a sweep of the visitors, and each again when nothing happened.

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use super::{Ground, Planned, Run, SHOP, Step, files};
use crate::function::{Function, Handler};
use crate::record::{Kind, Pace};

/// Files of an empty look-around: shops, then the lake before and after it is read.
const LISTINGS_TRAIN: u64 = 4;

/// Trains once, then looks whether there is something to train. Answers the size of the model.
pub(super) fn train(run: &mut Run, ground: &Ground) -> Result<u64> {
    let step = Step::begin("Learning", 0);
    let of = ground.clone();
    let function = Function::start("retrain", move || async move {
        let context = of.context().await?;
        let handler: Handler = Box::new(move |payload| {
            let context = context.clone();
            Box::pin(async move {
                let payload = serde_json::from_slice(&payload)?;
                let reports = vitrine_retrain::handle(&context, payload).await?;
                Ok(serde_json::to_vec(&reports)?)
            })
        });
        Ok(handler)
    })?;
    let lake = files(&run.objects).len() as u64;
    let planned = Planned { gets: lake, listings: LISTINGS_TRAIN, ..Planned::new(Pace::Once, Kind::Train, 1) };
    let answer: Value =
        serde_json::from_slice(&run.call(&function, &planned, json!({"shop": SHOP}).to_string().into_bytes())?)?;
    let result = &answer[0]["result"];
    let bytes = result["bytes"].as_u64().with_context(|| format!("the training published nothing: {answer}"))?;
    let planned = Planned { gets: 1, listings: 2, ..Planned::new(Pace::Once, Kind::IdleTrain, 1) };
    let look = json!({"measure": {}, "limit": 64_000_000}).to_string().into_bytes();
    let answer: Value = serde_json::from_slice(&run.call(&function, &planned, look)?)?;
    if answer["trainings"].as_array().is_none_or(|trainings| !trainings.is_empty()) {
        bail!("the schedule found something to do: {answer}");
    }
    step.end(&format!("a model of {:.1} MB", bytes as f64 / 1e6));
    Ok(bytes)
}

/// Merges the lake, and looks again when there is nothing to merge.
pub(super) fn compact(run: &mut Run, ground: &Ground) -> Result<()> {
    let of = ground.clone();
    let function = Function::start("compact", move || async move {
        let context = of.context().await?;
        let handler: Handler = Box::new(move |_| {
            let context = context.clone();
            Box::pin(async move {
                let merged = vitrine_archive::compact(&context).await?;
                Ok(serde_json::to_vec(&json!({ "merged": merged }))?)
            })
        });
        Ok(handler)
    })?;
    let lake = files(&run.objects).len() as u64;
    let planned = Planned { gets: lake, listings: 3, ..Planned::new(Pace::Once, Kind::Compact, 1) };
    run.call(&function, &planned, Vec::new())?;
    let planned = Planned { listings: 3, ..Planned::new(Pace::Once, Kind::IdleCompact, 1) };
    run.call(&function, &planned, Vec::new())?;
    Ok(())
}

/// Looks at every visitor, and looks again when nothing happened since.
pub(super) fn sweep(run: &mut Run, ground: &Ground) -> Result<()> {
    let of = ground.clone();
    let function = Function::start("sweep", move || async move {
        let context = of.context().await?;
        let handler: Handler = Box::new(move |payload| {
            let context = context.clone();
            Box::pin(async move {
                let swept = if payload.is_empty() {
                    vitrine_fold::scheduled(&context).await?
                } else {
                    // The first of a shop looks twice, for the scale of its customers; every other one once.
                    let swept = vitrine_fold::sweep(&context).await?;
                    context.objects.forget_census(&vitrine_domain::Shop::new(SHOP)?).await?;
                    Some(swept)
                };
                Ok(serde_json::to_vec(&json!({ "profiles": swept.unwrap_or_default().profiles }))?)
            })
        });
        Ok(handler)
    })?;
    let mut profiles = |planned: &Planned, payload: &[u8]| -> Result<u64> {
        let answer: Value = serde_json::from_slice(&run.call(&function, planned, payload.to_vec())?)?;
        Ok(answer["profiles"].as_u64().unwrap_or_default())
    };
    profiles(&Planned::new(Pace::Once, Kind::Import, 1), b"first")?;
    let due = Planned { gets: 1, listings: 3, ..Planned::new(Pace::Once, Kind::Sweep, 1) };
    let idle = Planned { gets: 1, listings: 2, ..Planned::new(Pace::Once, Kind::IdleSweep, 1) };
    if profiles(&due, b"")? == 0 || profiles(&idle, b"")? > 0 {
        bail!("a sweep is due once, and then not");
    }
    Ok(())
}
