-- The keys that sign access tokens. They belong to the installation, so no tenant stands before them.
CREATE TABLE bob_signing_keys (
    number      INTEGER NOT NULL PRIMARY KEY CHECK (number > 0),
    seed        BLOB    NOT NULL, -- sealed
    created_at  INTEGER NOT NULL, -- published since then
    signs_from  INTEGER NOT NULL,
    signs_until INTEGER, -- null: the newest one
    ends_at     INTEGER  -- what it signed holds no longer
) STRICT;
