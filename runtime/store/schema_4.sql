-- What version 4 adds.

PRAGMA user_version = 4;

ALTER TABLE item ADD COLUMN raise_us INTEGER;  -- a digest shows it then; NULL: it is shown at once
ALTER TABLE item ADD COLUMN batch_key TEXT;    -- hex: those of one key may be approved at one look,
ALTER TABLE item ADD COLUMN batch_max INTEGER; -- at most so many
ALTER TABLE effect ADD COLUMN granted INTEGER; -- the grant of which it has used one

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

-- public | internal | confidential | restricted: the highest that the run has read. What nobody declared
-- is internal, and so is what was read before.
ALTER TABLE run ADD COLUMN sensitivity TEXT NOT NULL DEFAULT 'internal';
ALTER TABLE run ADD COLUMN quarantine TEXT;    -- canonical JSON: what may come out of it; NULL: anything
