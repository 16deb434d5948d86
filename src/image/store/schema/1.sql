-- Digests are `sha256:` and 64 digits. Times are nanoseconds since 1970.

-- What is known of an image, beside the blobs of its manifest and its config, which are kept as they came.
CREATE TABLE manifests (
    digest TEXT PRIMARY KEY,
    media_type TEXT NOT NULL,
    config TEXT NOT NULL,
    -- What jobs are told of the config, with the image's own passwd and group: JSON.
    image TEXT NOT NULL,
    platform TEXT NOT NULL,
    added_at INTEGER NOT NULL
) STRICT;

-- The lowest has position 0.
CREATE TABLE manifest_layers (
    manifest TEXT NOT NULL,
    position INTEGER NOT NULL,
    blob TEXT NOT NULL,
    diff_id TEXT NOT NULL,
    media_type TEXT NOT NULL,
    PRIMARY KEY (manifest, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_layers_of_blob ON manifest_layers (blob);
CREATE INDEX manifest_layers_of_diff_id ON manifest_layers (diff_id);

-- Trees: `layers/ID`.
CREATE TABLE layers (
    diff_id TEXT PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    -- Entries of the archive that are not in the tree.
    skipped INTEGER NOT NULL,
    -- 1: nothing of the layers below it is seen.
    hides_all INTEGER NOT NULL,
    passwd TEXT,
    "group" TEXT
) STRICT;

-- Files: `blobs/sha256/HEX`. One without a row here does not count.
CREATE TABLE blobs (digest TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT;

CREATE TABLE names (
    -- Empty: everybody's.
    tenant TEXT NOT NULL,
    -- `docker.io/library/busybox:latest`.
    name TEXT NOT NULL,
    manifest TEXT NOT NULL,
    -- What the name stood for where it was pulled from: the manifest, or an index that the manifest was chosen from.
    source TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX names_of_manifest ON names (manifest);
CREATE INDEX names_of_source ON names (source);

-- What a holder (`locks/holder-ID`, locked as long as it lives) counts on: a blob, a diff_id, the id of a tree.
CREATE TABLE pins (
    holder TEXT NOT NULL,
    what TEXT NOT NULL,
    PRIMARY KEY (holder, what)
) STRICT, WITHOUT ROWID;

-- Trees: `volumes/ID`.
CREATE TABLE volumes (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    -- The most that it may hold.
    size_bytes INTEGER NOT NULL,
    -- As of the last measurement.
    used_bytes INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;
