-- Times are nanoseconds since 1970. A `job` is numbered by when it was taken in, so numbers are the order of lists.
CREATE TABLE jobs (
    job INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    tenant TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- NULL until it has ended.
    finished_at INTEGER,
    -- Events, summary, artifacts, and what their rows take beside; once it has ended.
    bytes INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX jobs_of_tenant ON jobs (tenant);
CREATE INDEX jobs_unfinished ON jobs (job) WHERE finished_at IS NULL;
CREATE INDEX jobs_finished ON jobs (tenant, finished_at, bytes) WHERE finished_at IS NOT NULL;

-- The truth, append-only. One row for what was written at once: a JSON array of the events numbered `first` to `last`.
CREATE TABLE events (
    job INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    batch TEXT NOT NULL,
    UNIQUE (job, first)
) STRICT;

-- What a job is to run, until it has ended.
CREATE TABLE specs (job INTEGER PRIMARY KEY, spec TEXT NOT NULL) STRICT;

-- An ended job without what it printed, for lists.
CREATE TABLE summaries (job INTEGER PRIMARY KEY, summary TEXT NOT NULL) STRICT;

CREATE TABLE labels (
    job INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (job, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_labelled ON labels (name, value, job);

CREATE TABLE keys (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    body BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_by_age ON keys (at);
CREATE INDEX keys_of_job ON keys (id);

CREATE TABLE callbacks (
    job INTEGER PRIMARY KEY,
    url TEXT NOT NULL,
    secret BLOB NOT NULL,
    attempt INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT;
CREATE INDEX callbacks_due ON callbacks (due_at);

-- One row for each file below `blobs/sha256`.
CREATE TABLE blobs (digest TEXT PRIMARY KEY, bytes INTEGER NOT NULL, seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- What tenants have sent.
CREATE TABLE uploads (
    tenant TEXT NOT NULL,
    digest TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (tenant, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_of_blob ON uploads (digest);

-- The blobs that jobs refer to: inputs until they have ended, artifacts from then on.
CREATE TABLE uses (
    job INTEGER NOT NULL,
    digest TEXT NOT NULL,
    input INTEGER NOT NULL,
    PRIMARY KEY (job, digest, input)
) STRICT, WITHOUT ROWID;
CREATE INDEX uses_of_blob ON uses (digest);
