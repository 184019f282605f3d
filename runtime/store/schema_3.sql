-- What version 3 adds.

PRAGMA user_version = 3;

ALTER TABLE effect ADD COLUMN undo TEXT;       -- compensate: what it was promised before the act
ALTER TABLE effect ADD COLUMN undone_by TEXT;  -- path of the effect that takes it back
ALTER TABLE control ADD COLUMN halted_by TEXT; -- 'space': Keel itself, and lifted by it; NULL: a person
ALTER TABLE effect ADD COLUMN sent_seq INTEGER; -- the last record by which it was sent
ALTER TABLE effect ADD COLUMN parked INTEGER NOT NULL DEFAULT 0; -- of its attempts, given back unsent
ALTER TABLE effect ADD COLUMN rechecked_seq INTEGER; -- looked for once more after a restore
ALTER TABLE item ADD COLUMN owner TEXT;        -- stuck: who has to see to it,
ALTER TABLE item ADD COLUMN reason TEXT;       -- what happened,
ALTER TABLE item ADD COLUMN next TEXT;         -- and what to do
ALTER TABLE item ADD COLUMN escalated INTEGER; -- the last step of its escalation, and
ALTER TABLE item ADD COLUMN escalated_us INTEGER;

UPDATE effect SET sent_seq = j.seq    -- effect.intended
    FROM (SELECT run, path, max(seq) AS seq FROM journal WHERE kind = 33 GROUP BY run, path) j
    WHERE j.run = effect.run AND j.path = effect.path;

CREATE TABLE breaker(                 -- of connections; no row: closed
    connection TEXT PRIMARY KEY,
    state TEXT NOT NULL,              -- open | half_open | closed
    since_us INTEGER NOT NULL,
    until_us INTEGER,
    why TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE rollback(                -- of runs
    run INTEGER PRIMARY KEY,
    state TEXT NOT NULL,              -- open | ended | dropped
    seq INTEGER NOT NULL,             -- rollback.begun, whose body has the steps
    begun_us INTEGER NOT NULL,
    ended_us INTEGER
) STRICT;

CREATE INDEX run_continued ON run(continued_from) WHERE continued_from IS NOT NULL;

CREATE TABLE erased(                  -- what is left of bodies that were erased
    seq INTEGER PRIMARY KEY,
    body TEXT NOT NULL,
    at_us INTEGER NOT NULL
) STRICT;

CREATE TABLE restored(                -- an older file took the place of a newer one
    seq INTEGER PRIMARY KEY,
    incarnation TEXT NOT NULL,        -- whose ids may have been used behind the backup's last record,
    last INTEGER NOT NULL,            -- which was this one,
    last_us INTEGER NOT NULL,         -- from then
    at_us INTEGER NOT NULL,           -- until now
    lives TEXT                        -- others that may have done so: [{"incarnation","seq"}]
) STRICT;

CREATE TABLE archive(                 -- files with the oldest records, in order
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    file TEXT NOT NULL,
    digest BLOB NOT NULL,             -- of the file
    head BLOB NOT NULL                -- hash of its last record
) STRICT;

ALTER TABLE run ADD COLUMN since_seq INTEGER;  -- begin_seq of the first segment of its chain
UPDATE run SET since_seq = begin_seq;          -- as far as records before version 3 say

CREATE TABLE poll(                    -- how far each polled resource has been read
    connection TEXT NOT NULL,
    resource TEXT NOT NULL,
    account TEXT NOT NULL,            -- hex: another one begins anew
    next TEXT,                        -- canonical JSON: the cursor; NULL: ids alone tell what is new
    seq INTEGER NOT NULL,             -- the last record that found something
    PRIMARY KEY(connection, resource)
) STRICT, WITHOUT ROWID;

CREATE TABLE polled_id(               -- of items that were seen
    connection TEXT NOT NULL,
    resource TEXT NOT NULL,
    id TEXT NOT NULL,
    seq INTEGER NOT NULL,             -- the record that found it; behind the key, or SQLite's quick_check
                                      -- takes it for NULL
    PRIMARY KEY(connection, resource, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE arrival(                 -- items that a run may still receive
    name TEXT NOT NULL,               -- CONNECTION.RESOURCE
    seq INTEGER NOT NULL,             -- the record, and
    item INTEGER NOT NULL,            -- which of its items, from 0
    PRIMARY KEY(name, seq, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE received(                -- what each run received last of what is polled
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    item INTEGER NOT NULL,
    PRIMARY KEY(run, name)
) STRICT, WITHOUT ROWID;
