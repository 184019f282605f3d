-- The tables of one workspace, as a new one has them. Files of earlier versions come to the same by the
-- steps beside this file, which add columns at the end of their tables: so does a new version, here and
-- in a step of its own. `journal` is the truth; all below "projection" follows from it (project.c) and
-- is written in the same transaction. Times are microseconds of the wall clock.

PRAGMA application_id = 0x4b65656c;
PRAGMA user_version = 5;

CREATE TABLE meta(
    key TEXT PRIMARY KEY,             -- workspace (hex), incarnation (16 hex), created_us, payload_key
    value TEXT NOT NULL
) STRICT;

CREATE TABLE journal(
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    boot INTEGER NOT NULL,
    run INTEGER NOT NULL,             -- 0: the host
    path TEXT NOT NULL,
    kind INTEGER NOT NULL,            -- records.h
    digest BLOB NOT NULL,             -- BLAKE2b-256(salt || body)
    hash BLOB NOT NULL,               -- BLAKE2b-256(0x00 || previous hash || header || digest)
    salt BLOB,                        -- inline bodies (small, or of a kind that never repeats)
    body BLOB                         -- NULL: in payload, under digest; or erased
) STRICT;

CREATE TABLE payload(
    digest BLOB PRIMARY KEY,
    salt BLOB NOT NULL,
    bytes BLOB NOT NULL,
    address BLOB NOT NULL UNIQUE      -- keyed hash of bytes: one row per distinct bytes
) STRICT, WITHOUT ROWID;

CREATE TABLE run_index(
    run INTEGER NOT NULL,
    first INTEGER NOT NULL,           -- seq of its first record here
    last INTEGER NOT NULL,
    seqs BLOB NOT NULL,               -- varint deltas
    PRIMARY KEY(run, first)
) STRICT, WITHOUT ROWID;

CREATE TABLE watermark(               -- one row: run_index holds the records of runs up to here
    id INTEGER PRIMARY KEY CHECK (id = 1),
    seq INTEGER NOT NULL
) STRICT;
INSERT INTO watermark VALUES(1, 0);

CREATE TABLE artifact(                -- scripts, templates, libraries, policy files, by content
    digest BLOB PRIMARY KEY,
    bytes BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE archive(                 -- files with the oldest records, in order
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    file TEXT NOT NULL,
    digest BLOB NOT NULL,             -- of the file
    head BLOB NOT NULL                -- hash of its last record
) STRICT;

-- projection

CREATE TABLE boot(
    boot INTEGER PRIMARY KEY,
    started_us INTEGER NOT NULL,
    stopped_us INTEGER,
    first_seq INTEGER NOT NULL,
    version TEXT NOT NULL
) STRICT;

CREATE TABLE request(                 -- request ids of mutating commands, with their first answer
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    digest BLOB NOT NULL,             -- of {args, command}
    seq INTEGER NOT NULL              -- the command record, whose body has the answer
) STRICT, WITHOUT ROWID;

CREATE TABLE policy_version(
    seq INTEGER PRIMARY KEY,
    digest BLOB NOT NULL,
    loaded_us INTEGER NOT NULL
) STRICT;

CREATE TABLE policy_file(
    seq INTEGER NOT NULL,
    name TEXT NOT NULL,
    artifact BLOB NOT NULL,
    PRIMARY KEY(seq, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin(
    digest BLOB PRIMARY KEY,          -- over its files' names and digests
    id TEXT NOT NULL,
    version TEXT NOT NULL,
    kind TEXT NOT NULL,               -- agent | connector
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE plugin_file(
    plugin BLOB NOT NULL,
    name TEXT NOT NULL,
    artifact BLOB NOT NULL,
    PRIMARY KEY(plugin, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE connection(
    name TEXT PRIMARY KEY,
    plugin TEXT NOT NULL,             -- id
    version TEXT NOT NULL,
    seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE approver(
    name TEXT PRIMARY KEY,
    public_key BLOB NOT NULL,
    salt BLOB NOT NULL,
    at_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE control(                 -- one row
    id INTEGER PRIMARY KEY CHECK (id = 1),
    halted INTEGER NOT NULL,
    halted_why TEXT,
    halted_us INTEGER,
    halted_by TEXT                    -- 'space': Keel itself, and lifted by it; NULL: a person
) STRICT;

CREATE TABLE run(
    id INTEGER PRIMARY KEY,           -- in order of beginning
    agent TEXT NOT NULL,
    version TEXT NOT NULL,
    plugin BLOB NOT NULL,
    state TEXT NOT NULL,              -- open | paused | ended | failed | cancelled | continued
    reason TEXT,                      -- paused or failed: why
    parent INTEGER,
    parent_path TEXT,
    root INTEGER NOT NULL,
    depth INTEGER NOT NULL,
    key TEXT,
    tainted INTEGER NOT NULL,
    continued_from INTEGER,
    begin_seq INTEGER NOT NULL,       -- body: input, previous
    end_seq INTEGER,                  -- body: result or error
    started_us INTEGER NOT NULL,
    ended_us INTEGER,
    strikes INTEGER NOT NULL,
    since_seq INTEGER,                -- begin_seq of the first segment of its chain
    sensitivity TEXT NOT NULL DEFAULT 'internal', -- public | internal | confidential | restricted: the
                                      -- highest that it has read. What nobody declared is internal
    quarantine TEXT                   -- canonical JSON: what may come out of it; NULL: anything
) STRICT;
CREATE UNIQUE INDEX run_key ON run(agent, key) WHERE key IS NOT NULL;
CREATE INDEX run_open ON run(state) WHERE state IN ('open', 'paused');
CREATE INDEX run_root ON run(root) WHERE root <> id;
CREATE INDEX run_continued ON run(continued_from) WHERE continued_from IS NOT NULL;

CREATE TABLE role(                    -- per agent: the last run that ended with a result
    agent TEXT PRIMARY KEY,
    run INTEGER NOT NULL,
    seq INTEGER NOT NULL              -- its run.end
) STRICT, WITHOUT ROWID;

CREATE TABLE effect(
    run INTEGER NOT NULL,
    path TEXT NOT NULL,
    target TEXT NOT NULL,             -- inbox.message.write, run.spawn
    class TEXT NOT NULL,
    state TEXT NOT NULL,              -- effect_table.h
    reason TEXT,                      -- waiting: approval | budget | breaker | halted | rate | quiet; unknown: owner
    attempts INTEGER NOT NULL,        -- dispatched
    number INTEGER,                   -- of its open or last item
    digest BLOB NOT NULL,             -- of the arguments
    key TEXT,
    rule TEXT,
    args_seq INTEGER NOT NULL,        -- the record that has args, decision, evidence, why
    last_seq INTEGER NOT NULL,
    due_us INTEGER,                   -- retry, next check, expiry, pace
    holds TEXT,                       -- canonical JSON while anything is held
    cost_micros INTEGER NOT NULL,
    currency TEXT,
    opened_us INTEGER NOT NULL,
    changed_us INTEGER NOT NULL,
    undo TEXT,                        -- compensate: what it was promised before the act
    undone_by TEXT,                   -- path of the effect that takes it back
    sent_seq INTEGER,                 -- the last record by which it was sent
    parked INTEGER NOT NULL DEFAULT 0, -- of its attempts, given back unsent
    rechecked_seq INTEGER,            -- looked for once more after a restore
    granted INTEGER,                  -- the grant of which it has used one
    model TEXT,                       -- that served it, as its connector reported
    tokens_in INTEGER NOT NULL DEFAULT 0,
    tokens_out INTEGER NOT NULL DEFAULT 0,
    tokens_cache_read INTEGER NOT NULL DEFAULT 0,
    tokens_cache_write INTEGER NOT NULL DEFAULT 0,
    price TEXT,                       -- canonical JSON: the row by which it cost that
    unpriced INTEGER NOT NULL DEFAULT 0, -- nobody wrote its price
    PRIMARY KEY(run, path)
) STRICT, WITHOUT ROWID;
-- Spelled out, since a list of more than two makes SQLite build a table for it at every change of a
-- row. A query must say the same, in this order, to use the index.
CREATE INDEX effect_open ON effect(state)
    WHERE state = 'waiting' OR state = 'intended' OR state = 'unknown' OR state = 'reconciling'
       OR state = 'retry' OR state = 'stale';

CREATE TABLE pending(                 -- calls that wait: sleep, receive, wait
    run INTEGER NOT NULL,
    path TEXT NOT NULL,
    kind TEXT NOT NULL,
    seq INTEGER NOT NULL,             -- its record
    due_us INTEGER,
    target_run INTEGER,               -- wait
    name TEXT,                        -- receive: the event's name, NULL: any
    PRIMARY KEY(run, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE event(                   -- sent to a run and not yet received
    seq INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE item(                    -- what needs a person; the numbers of `keel inbox`
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,               -- approval | unknown | stuck
    run INTEGER NOT NULL,
    path TEXT NOT NULL,
    state TEXT NOT NULL,              -- open | approved | denied | expired | settled | stale |
                                      -- cancelled; stuck: retry | resolve | drop | compensate |
                                      -- went_on
    digest BLOB,                      -- approval: what the approver signs
    args_seq INTEGER NOT NULL,        -- the record with the arguments (after an edit: the edit's)
    opened_us INTEGER NOT NULL,
    expires_us INTEGER,
    closed_us INTEGER,
    closed_by TEXT,
    closed_why TEXT,
    owner TEXT,                       -- stuck: who has to see to it,
    reason TEXT,                      -- what happened,
    next TEXT,                        -- and what to do
    escalated INTEGER,                -- the last step of its escalation, and
    escalated_us INTEGER,
    raise_us INTEGER,                 -- a digest shows it then; NULL: it is shown at once
    batch_key TEXT,                   -- hex: those of one key may be approved at one look,
    batch_max INTEGER                 -- at most so many
) STRICT;
CREATE INDEX item_open ON item(run, path) WHERE state = 'open';

CREATE TABLE batch(
    batch INTEGER PRIMARY KEY,
    numbers TEXT NOT NULL,            -- JSON array
    shown_us INTEGER NOT NULL
) STRICT;

CREATE TABLE budget(
    budget TEXT NOT NULL,
    scope TEXT NOT NULL,
    window TEXT NOT NULL,
    unit TEXT NOT NULL,
    spent INTEGER NOT NULL,
    held INTEGER NOT NULL,
    overrun INTEGER NOT NULL,
    PRIMARY KEY(budget, scope, window, unit)
) STRICT, WITHOUT ROWID;

CREATE TABLE kv(                      -- what connections keep between verbs (keel.kv/1)
    connection TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,              -- canonical JSON
    PRIMARY KEY(connection, key)
) STRICT, WITHOUT ROWID;

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

CREATE TABLE grant(                   -- consents to what comes later, by the number of their approval
    number INTEGER PRIMARY KEY,
    by TEXT NOT NULL,
    agent TEXT NOT NULL,
    target TEXT NOT NULL,
    rule TEXT NOT NULL,
    scope TEXT NOT NULL,              -- canonical JSON: what it covers
    digest BLOB NOT NULL,             -- of scope: what the approver signed
    incarnation TEXT NOT NULL,
    run INTEGER NOT NULL,             -- the effect that was approved
    path TEXT NOT NULL,
    given_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    max_uses INTEGER NOT NULL,
    used INTEGER NOT NULL,
    ended_us INTEGER,                 -- NULL: it was neither revoked nor did it end otherwise
    ended_by TEXT,
    ended_why TEXT
) STRICT;
CREATE INDEX grant_open ON grant(number) WHERE ended_us IS NULL;

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
