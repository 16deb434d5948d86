use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of this test's own that everybody may read, removed on drop.
#[derive(Debug)]
pub struct Temp(PathBuf);

impl Temp {
    pub fn new() -> Self {
        Self::below(&std::env::temp_dir())
    }

    /// Elsewhere: a sandbox has a `/tmp` of its own, so what it is to see must not lie there.
    pub fn below(folder: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // Not below the clone, which may lie in a folder only its owner can enter.
        let path = folder.join(format!("tests-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("a folder in the temporary directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode of an own folder");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, contents).expect("a file in an own folder");
        path
    }
}

impl Default for Temp {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}
