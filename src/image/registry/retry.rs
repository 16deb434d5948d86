use std::time::Duration;

use tokio::time::sleep;

use super::trouble::{Again, Trouble};

/// In a row, without anything won.
const TRIES: u32 = 5;
const FIRST: Duration = Duration::from_millis(200);
/// Also of what a registry asks for.
const LONGEST: Duration = Duration::from_secs(20);

/// How often something was tried in vain.
#[derive(Debug, Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Waits until it may be tried again, or hands back why it may not.
    pub(super) async fn again(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        self.0 += 1;
        let wait = match trouble.again {
            Again::No => return Err(trouble),
            _ if self.0 >= TRIES => return Err(trouble),
            Again::Soon => pause(self.0),
            Again::After(time) => time.min(LONGEST),
        };
        tracing::debug!(error = %trouble.error, ?wait, "a registry is asked again");
        sleep(wait).await;
        Ok(())
    }

    /// Something was won: what comes now is another row.
    pub(super) fn reset(&mut self) {
        self.0 = 0;
    }
}

/// Doubled each time, between a half and the whole of it, so that those who failed together do not come back together.
fn pause(tries: u32) -> Duration {
    let whole = FIRST.saturating_mul(1 << tries.min(10)).min(LONGEST);
    let share = getrandom::u32().map_or(0.5, |random| f64::from(random) / f64::from(u32::MAX));
    whole.mul_f64(0.5 + share / 2.0)
}
