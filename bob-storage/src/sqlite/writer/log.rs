//! The bound of the write-ahead log.
//!
//! SQLite moves the log into the database file by itself every four megabytes, as far as nobody still reads from it, and
//! begins it anew when nobody does. Readers that follow each other without a gap keep it from that, and so does one that
//! stays long. So the log is emptied here once it has grown, with a short wait for readers: those that come meanwhile
//! read from the database file. A reader who does not go, such as a copy being made by another program, makes the log
//! full in the end; then writes are refused, as on a full disk, until it has gone.

use std::path::PathBuf;
use std::time::Duration;

use super::super::open::SqliteOptions;
use super::job::Lost;

/// How long a batch waits for readers while there still is room; Bob's own take less.
const SHORTLY: Duration = Duration::from_millis(100);

/// The file, its bound, and what was tried.
pub(super) struct Log {
    file: PathBuf,
    bound: u64,
    /// How large it was when it could not be emptied; 0 if it could.
    stuck: u64,
}

impl Log {
    pub(super) fn of(options: &SqliteOptions) -> Self {
        let mut file = options.path().as_os_str().to_owned();
        file.push("-wal");
        Self { file: file.into(), bound: options.max_log_bytes, stuck: 0 }
    }

    /// Empties the log if it has grown to a quarter of its bound, and then at each further sixteenth while it cannot be.
    ///
    /// # Errors
    ///
    /// When three quarters are full and it cannot be emptied; the last one is for the batch that finds it almost so.
    pub(super) async fn make_room(&mut self, options: &SqliteOptions) -> Result<(), Lost> {
        let size = self.size();
        if size < self.bound / 4 {
            self.stuck = 0;
            return Ok(());
        }
        let full = size >= self.bound / 4 * 3;
        if !full && self.stuck > 0 && size < self.stuck + self.bound / 16 {
            return Ok(());
        }
        let emptied = options.empty_log(if full { options.busy_timeout } else { SHORTLY }).await;
        match emptied {
            Ok(true) => self.stuck = 0,
            _ if !full => self.stuck = size,
            Ok(false) => {
                return Err(Lost::unavailable("the write-ahead log is full, and somebody reads from it"));
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Its size in bytes; 0 when it is not there.
    fn size(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |log| log.len())
    }
}
