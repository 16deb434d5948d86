use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// What is kept of a target, by name: the order must not depend on the disk.
pub(crate) fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(folder) = fs::read_dir(folder(target)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.sort();
    files.into_iter().map(|path| (name(&path), fs::read(&path).expect("a file of the corpus"))).collect()
}

/// Named by what it holds, so that no two are the same.
pub(crate) fn keep(target: &str, kind: &str, input: &[u8]) -> PathBuf {
    let digest = Sha256::digest(input).iter().take(6).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    let path = folder(target).join(format!("{kind}-{digest:012x}"));
    // Somewhere at least, where the checkout cannot be written to.
    fs::create_dir_all(folder(target)).and_then(|()| fs::write(&path, input)).map_or_else(
        |_| {
            let path = std::env::temp_dir().join(format!("fuzz-{target}-{kind}-{digest:012x}"));
            fs::write(&path, input).expect("a file in the temporary directory");
            path
        },
        |()| path.clone(),
    )
}

fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
