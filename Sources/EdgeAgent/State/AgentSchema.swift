// What a node must never forget: charges, burned prekeys, committee locks, consent captures. Deleted secrets are
// overwritten (secure_delete is on), and the folder belongs in no backup: a restored copy would have forgotten promises. One
// that is put back all the same is noticed (BootCounter).

import Storage

/// All migrations of the agent's database.
enum AgentSchema {
    static let schema = Schema([
        Migration(
            version: 1,
            """
            CREATE TABLE epoch(
                number INTEGER PRIMARY KEY, agreement_key BLOB, announcement BLOB, root BLOB, ends_at_ms INTEGER);
            CREATE TABLE prekey(
                sequence INTEGER PRIMARY KEY AUTOINCREMENT, epoch INTEGER NOT NULL REFERENCES epoch(number),
                secret BLOB, digest BLOB NOT NULL, bundle BLOB, delivered INTEGER NOT NULL DEFAULT 0, session BLOB);
            CREATE TABLE charge(
                number INTEGER PRIMARY KEY AUTOINCREMENT, job BLOB NOT NULL, round INTEGER NOT NULL,
                planned_rounds INTEGER NOT NULL, micro_zcdp INTEGER NOT NULL, UNIQUE(job, round));
            CREATE TABLE session(
                session BLOB PRIMARY KEY, job BLOB NOT NULL, round INTEGER NOT NULL, attempt INTEGER NOT NULL,
                sequence INTEGER NOT NULL UNIQUE REFERENCES prekey(sequence), envelope BLOB, receipt BLOB,
                abandoned INTEGER NOT NULL DEFAULT 0, UNIQUE(job, round, attempt)) WITHOUT ROWID;
            CREATE TABLE committee_lock(
                kind INTEGER NOT NULL, name BLOB NOT NULL, number INTEGER NOT NULL, target BLOB NOT NULL,
                PRIMARY KEY(kind, name, number)) WITHOUT ROWID;
            CREATE TABLE cohort(
                session BLOB PRIMARY KEY, salt BLOB NOT NULL, view BLOB NOT NULL, view_signature BLOB NOT NULL,
                committed BLOB NOT NULL) WITHOUT ROWID;
            CREATE TABLE head(
                only INTEGER PRIMARY KEY CHECK(only = 1), size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL);
            CREATE TABLE consent_event(
                number INTEGER PRIMARY KEY AUTOINCREMENT, identifier BLOB NOT NULL UNIQUE, handle BLOB NOT NULL,
                training INTEGER NOT NULL CHECK(training IN (0, 1, 2)), payload BLOB NOT NULL, position INTEGER);
            CREATE INDEX pending_events ON consent_event(number) WHERE position IS NULL;
            -- training: 0 says nothing about it, 1 grants it, 2 denies it.
            CREATE INDEX training_decisions ON consent_event(handle, number) WHERE training <> 0;
            CREATE TABLE capture_file(name TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
            CREATE TABLE boot(only INTEGER PRIMARY KEY CHECK(only = 1), identifier BLOB NOT NULL, count INTEGER NOT NULL);
            """),
        Migration(
            version: 2,
            """
            -- As many as the file beside the keys says, or one more.
            CREATE TABLE boot_counter(only INTEGER PRIMARY KEY CHECK(only = 1), number INTEGER NOT NULL);
            INSERT INTO boot_counter VALUES (1, 0);
            -- Starts that found the store missing or old: the counter then, and the newest epoch the store knew.
            CREATE TABLE restoration(number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL);
            -- As the coordinator signed them: half of the proof, if it signs another session as the same attempt.
            ALTER TABLE session ADD COLUMN parameters BLOB;
            """),
    ])
}
