//! Events put aside in files by part, so that a log that does not fit into memory is taken in part by part without reading the
//! lake anew for each.
//!
//! The files are compressed, readable by nobody else, and gone when they are dropped; what a killed process left is removed by
//! the next one of the same folder.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use vitrine_domain::Event;

use crate::lake::{compress, read_lines};
use crate::{Error, Result};

/// Lines that are held before they are written, about 30 MB of them.
const HELD: usize = 100_000;

/// Events by part.
#[derive(Debug)]
pub struct Aside {
    folder: PathBuf,
    held: Vec<Vec<String>>,
    lines: usize,
    /// What went wrong first.
    failed: Option<Error>,
}

fn remove(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

impl Aside {
    /// So many empty parts in a folder of their own, which is made anew.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn create(folder: PathBuf, parts: usize) -> Result<Self> {
        remove(&folder)?;
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(&folder)?;
        Ok(Self { folder, held: vec![Vec::new(); parts.max(1)], lines: 0, failed: None })
    }

    /// Puts an event into a part. What goes wrong is told when parts are taken.
    pub fn put(&mut self, part: usize, event: &Event) {
        let line = serde_json::to_string(event).map_err(|e| Error::corrupt("event put aside", e));
        let done = line.and_then(|line| {
            let parts = self.held.len();
            self.held[part % parts].push(line);
            self.lines += 1;
            if self.lines < HELD { Ok(()) } else { self.write() }
        });
        if let Err(error) = done {
            self.failed.get_or_insert(error);
        }
    }

    fn file(&self, part: usize) -> PathBuf {
        self.folder.join(part.to_string())
    }

    fn write(&mut self) -> Result<()> {
        for part in 0..self.held.len() {
            let lines = std::mem::take(&mut self.held[part]);
            if !lines.is_empty() {
                let mut file = OpenOptions::new().create(true).append(true).open(self.file(part))?;
                file.write_all(&compress(&lines)?)?;
            }
        }
        self.lines = 0;
        Ok(())
    }

    /// Takes a part's events out, in the order in which they came.
    ///
    /// # Errors
    /// If they cannot be read, or some were not put aside.
    pub fn take(&mut self, part: usize) -> Result<Vec<Event>> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        self.write()?;
        let file = self.file(part);
        let mut events = Vec::new();
        if file.exists() {
            read_lines(&std::fs::read(&file)?, &mut |line| {
                events.push(serde_json::from_str(line).map_err(|e| Error::corrupt("event put aside", e))?);
                Ok(())
            })?;
            std::fs::remove_file(&file)?;
        }
        Ok(events)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder) {
            tracing::warn!(cause = %error, "events that were put aside could not be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use vitrine_domain::{Action, MessageId, Millis, Visitor};

    use super::*;

    fn event(n: usize) -> Event {
        let visitor = Visitor::anonymous(format!("device-{}", n % 7)).unwrap();
        Event::new(MessageId::new(format!("m{n}")).unwrap(), visitor, Millis(1_795_996_800_000), Action::View)
    }

    #[test]
    fn every_part_gives_back_what_was_put_into_it_in_order_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("aside");
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("1"), "what a killed process left").unwrap();
        let mut aside = Aside::create(place.clone(), 3).unwrap();
        for n in 0..HELD + 10 {
            aside.put(n % 2, &event(n));
        }
        assert!(place.join("0").exists(), "more than is held was written");
        for part in 0..3 {
            let expected: Vec<Event> = (0..HELD + 10).filter(|n| n % 2 == part).map(event).collect();
            assert_eq!(aside.take(part).unwrap(), expected);
        }
        assert_eq!(aside.take(0).unwrap(), [], "taken once");
        drop(aside);
        assert!(!place.exists());
    }

    #[test]
    fn what_could_not_be_put_aside_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("aside");
        let mut aside = Aside::create(place.clone(), 1).unwrap();
        std::fs::remove_dir(&place).unwrap();
        (0..HELD).for_each(|n| aside.put(0, &event(n)));
        assert!(aside.take(0).is_err());
    }
}
