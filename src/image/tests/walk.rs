//! A store held against its database: knows the folders and the schema, and nothing else of the code.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

type Names = BTreeSet<String>;

/// Everything that is there is on record, everything on record is there, whole, and referred to.
pub(super) fn check(state: &Path) {
    let db = Connection::open(state.join("images/images.db")).expect("a database");
    let rows = |sql: &str| -> Names {
        let mut finding = db.prepare(sql).expect(sql);
        finding.query_map([], |row| row.get(0)).expect(sql).collect::<Result<_, _>>().expect(sql)
    };
    let named = rows("SELECT manifest FROM names");
    let manifests = rows("SELECT digest FROM manifests");
    assert_eq!(named, manifests, "names and images");
    assert_eq!(rows("SELECT manifest FROM manifest_layers UNION SELECT digest FROM manifests"), manifests);
    let blobs = rows("SELECT digest FROM blobs");
    let parts = "SELECT digest FROM manifests UNION SELECT config FROM manifests UNION SELECT blob FROM manifest_layers";
    assert_eq!(blobs, rows(parts), "blobs on record and those of images");
    assert_eq!(rows("SELECT diff_id FROM layers"), rows("SELECT diff_id FROM manifest_layers"), "layers");
    let files: Names = names(&state.join("images/blobs/sha256"));
    let expected: Names = blobs.iter().map(|digest| digest.replace("sha256:", "")).collect();
    assert_eq!(files, expected, "files and blobs");
    for name in files {
        let bytes = std::fs::read(state.join("images/blobs/sha256").join(&name)).expect("a blob");
        let found: String = crate::store::Hex::of(&Sha256::digest(&bytes)).as_str().to_owned();
        assert_eq!(found, name, "the content of a blob");
        let on_record: i64 = db
            .query_row("SELECT bytes FROM blobs WHERE digest = ?", [format!("sha256:{name}")], |row| {
                row.get(0)
            })
            .expect("a row");
        assert_eq!(on_record, i64::try_from(bytes.len()).expect("small"));
    }
    assert_eq!(names(&state.join("images/layers")), rows("SELECT id FROM layers"), "trees and layers");
    assert_eq!(names(&state.join("volumes")), rows("SELECT id FROM volumes"), "trees and volumes");
    assert_eq!(names(&state.join("images/incoming")), Names::new(), "what is not whole");
    let locks: Names = names(&state.join("images/locks"));
    let usual = Names::from(["open".to_owned(), "sweep".to_owned()]);
    assert!(locks.is_subset(&usual), "{locks:?}");
}

/// Nothing is left but the folders.
pub(super) fn is_empty(state: &Path) {
    for folder in ["images/blobs/sha256", "images/layers", "images/incoming"] {
        assert_eq!(names(&state.join(folder)), Names::new(), "{folder}");
    }
}

fn names(folder: &Path) -> Names {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
}
