//! The schedules of the template, on one machine.

use std::time::Duration;

use tokio::sync::watch;
use vitrine_runtime::Context;

/// Between two trainings, for shops that have new events.
const RETRAIN: Duration = Duration::from_secs(6 * 3600);
/// As often as that is a day.
const A_DAY: u64 = 4;

/// Runs until it is told to stop. What is due once a day is done at the start too: a machine may be off when it is due.
pub(crate) async fn run(context: Context, mut stop: watch::Receiver<bool>) {
    for turn in 0_u64.. {
        if turn.is_multiple_of(A_DAY)
            && let Err(error) = vitrine_fold::scheduled(&context).await
        {
            tracing::error!(cause = %error, "the visitors could not be looked at");
        }
        tokio::select! {
            () = tokio::time::sleep(RETRAIN) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        if let Err(error) = context.table.delete_expired().await {
            tracing::error!(cause = %error, "what is over could not be deleted");
        }
        if let Err(error) = vitrine_archive::compact(&context).await {
            tracing::error!(cause = %error, "the event lake could not be compacted");
        }
        if let Err(error) = vitrine_retrain::handle(&context, serde_json::Value::Null).await {
            tracing::error!(cause = %error, "the scheduled training failed");
        }
    }
}
