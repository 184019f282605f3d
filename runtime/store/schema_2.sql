-- What version 2 adds.

PRAGMA user_version = 2;

CREATE TABLE kv(                      -- what connections keep between verbs (keel.kv/1)
    connection TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,              -- canonical JSON
    PRIMARY KEY(connection, key)
) STRICT, WITHOUT ROWID;
