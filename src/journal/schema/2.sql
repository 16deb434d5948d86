-- Those that have not ended are those with a row in `specs`.
DROP INDEX jobs_unfinished;
