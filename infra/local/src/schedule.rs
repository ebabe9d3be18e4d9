//! The schedules of the template, on one machine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use vitrine_runtime::Context;

/// Between two trainings, for shops that have new events.
const RETRAIN: Duration = Duration::from_secs(6 * 3600);
/// As often as that is a day.
const A_DAY: u64 = 4;
/// How long after the start what is over is deleted: a machine may be off when it is due, and a start has better to do.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Runs until it is told to stop. What is due once a day is done at the start too: a machine may be off when it is due. What is
/// over is deleted `soon` after the start, and with every training. `expired` says that something was.
pub(crate) async fn run(context: Context, soon: Duration, expired: Arc<AtomicBool>, mut stop: watch::Receiver<bool>) {
    for turn in 0_u64.. {
        if turn.is_multiple_of(A_DAY)
            && let Err(error) = vitrine_fold::scheduled(&context).await
        {
            tracing::error!(cause = %error, "the visitors could not be looked at");
        }
        tokio::select! {
            () = tokio::time::sleep(if turn == 0 { soon } else { RETRAIN }) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        forget(&context, &expired).await;
        if turn > 0
            && let Err(error) = vitrine_retrain::handle(&context, serde_json::Value::Null).await
        {
            tracing::error!(cause = %error, "the scheduled training failed");
        }
    }
}

/// Deletes what is over from the table and the lake.
async fn forget(context: &Context, expired: &AtomicBool) {
    match context.table.delete_expired().await {
        Ok(0) => {}
        Ok(_) => expired.store(true, Ordering::Relaxed),
        Err(error) => tracing::error!(cause = %error, "what is over could not be deleted"),
    }
    if let Err(error) = vitrine_archive::compact(context).await {
        tracing::error!(cause = %error, "the event lake could not be compacted");
    }
}

#[cfg(test)]
mod tests {
    use vitrine_domain::time::DAY;
    use vitrine_domain::{Action, Event, MessageId, Millis, Shop, Visitor};
    use vitrine_engine::Engine;
    use vitrine_runtime::Clock;

    use super::*;

    /// Whoever switches the machine off every evening has what is over deleted all the same, and out of the table's file.
    #[tokio::test]
    async fn what_is_over_is_deleted_soon_after_the_start() {
        const NOW: Millis = Millis(1_790_000_000_000);
        let (engine, folder) = (Engine::memory().await.unwrap(), tempfile::tempdir().unwrap());
        let config = || crate::stack::config(folder.path(), &engine.endpoint(), None).unwrap();
        let then = Context::connect(config(), Clock::set_to(NOW)).await.unwrap();
        then.table.create_if_missing().await.unwrap();
        let (shop, visitor) = (Shop::new("demo").unwrap(), Visitor::anonymous("anna").unwrap());
        let event = Event::new(MessageId::new("m").unwrap(), visitor.clone(), NOW, Action::View);
        then.table.import_events(&shop, &[event]).await.unwrap();
        let later = Clock::set_to(NOW.plus(3660 * DAY));
        let later = Context::connect(config(), later).await.unwrap();
        let (stop, stopped) = watch::channel(false);
        let expired = Arc::new(AtomicBool::new(false));
        let running = tokio::spawn(run(later, Duration::ZERO, expired.clone(), stopped));
        while !expired.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(then.table.history(&shop, &visitor, Millis(0)).await.unwrap().0, []);
        stop.send_replace(true);
        running.await.unwrap();
        engine.shutdown().await;
    }
}
