//! Half-written objects. A folder writes an object beside its place, under its name with `#` and a number, and moves it
//! there when it is whole. A killed process leaves the half behind, where no listing shows it and nothing deletes it.

use std::path::Path;

/// Deletes what a killed process left half-written. Only for a folder that nobody writes to.
pub(crate) fn sweep(objects: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(objects)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sweep(&entry.path())?;
        } else if entry.file_name().to_str().is_some_and(is_half) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

fn is_half(name: &str) -> bool {
    let number = name.rsplit_once('#').map_or("", |(_, number)| number);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_and_whole_objects_stay() {
        let folder = tempfile::tempdir().unwrap();
        let version = folder.path().join("shops/demo/models/v");
        std::fs::create_dir_all(&version).unwrap();
        for name in ["artifact.bin", "artifact.bin#1", "card.json#27", "a#b", "c#"] {
            std::fs::write(version.join(name), "x").unwrap();
        }
        sweep(folder.path()).unwrap();
        let mut left: Vec<_> = std::fs::read_dir(&version).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["a#b", "artifact.bin", "c#"]);
    }
}
