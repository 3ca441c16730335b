// The database. Safety lives here: primary keys make "once" a fact, a transition table makes the state machine's edges
// the only ones, and append-only triggers keep what was promised.

import Storage

/// All migrations of the coordinator's database.
enum CoordinatorSchema {
    static let schema = Schema([
        Migration(
            version: 1,
            """
            CREATE TABLE meta(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
            INSERT INTO meta VALUES ('revision', 0);

            -- The consent log. Leaves are commitments; payloads of consent events are sealed under their subject's key.
            CREATE TABLE ledger(
                position INTEGER PRIMARY KEY, leaf BLOB NOT NULL CHECK(length(leaf) = 52));
            CREATE TABLE subject(
                handle BLOB PRIMARY KEY CHECK(length(handle) = 16), key_nonce BLOB NOT NULL, key_sealed BLOB NOT NULL
            ) WITHOUT ROWID;
            CREATE TABLE vault(
                position INTEGER PRIMARY KEY REFERENCES ledger(position),
                handle BLOB NOT NULL REFERENCES subject(handle), nonce BLOB NOT NULL, sealed BLOB NOT NULL);
            CREATE INDEX vault_by_subject ON vault(handle);
            CREATE TABLE public_payload(
                position INTEGER PRIMARY KEY REFERENCES ledger(position), payload BLOB NOT NULL);
            CREATE TABLE event_identifier(
                identifier BLOB PRIMARY KEY CHECK(length(identifier) = 16), digest BLOB NOT NULL,
                position INTEGER NOT NULL UNIQUE REFERENCES ledger(position)) WITHOUT ROWID;
            CREATE TABLE checkpoint(size INTEGER PRIMARY KEY, note TEXT NOT NULL, at_ms INTEGER NOT NULL);
            CREATE TABLE pinned_view(
                size INTEGER NOT NULL, previous_size INTEGER NOT NULL, as_of_ms INTEGER NOT NULL,
                PRIMARY KEY(size, previous_size)) WITHOUT ROWID;

            -- Epochs, hellos, prekeys.
            CREATE TABLE epoch(
                number INTEGER PRIMARY KEY, ends_at_ms INTEGER NOT NULL, opened_at_ms INTEGER NOT NULL,
                announcement BLOB);
            CREATE TABLE hello(
                epoch INTEGER NOT NULL REFERENCES epoch(number), node INTEGER NOT NULL, message BLOB NOT NULL,
                PRIMARY KEY(epoch, node)) WITHOUT ROWID;
            CREATE TABLE prekey(
                node INTEGER NOT NULL, sequence INTEGER NOT NULL, epoch INTEGER NOT NULL REFERENCES epoch(number),
                public_key BLOB NOT NULL UNIQUE, bundle BLOB NOT NULL, session BLOB, PRIMARY KEY(node, sequence)
            ) WITHOUT ROWID;
            CREATE INDEX unused_prekeys ON prekey(epoch, node, sequence) WHERE session IS NULL;

            -- Tasks, rounds, attempts.
            CREATE TABLE task(
                job BLOB PRIMARY KEY CHECK(length(job) = 16), plan BLOB NOT NULL, proposed_by TEXT NOT NULL,
                approved_by TEXT, stopped_by TEXT, rounds_requested INTEGER NOT NULL DEFAULT 0,
                model BLOB NOT NULL, optimizer BLOB, CHECK(approved_by IS NULL OR approved_by <> proposed_by)
            ) WITHOUT ROWID;
            CREATE TABLE attempt_edge(origin TEXT NOT NULL, target TEXT NOT NULL, PRIMARY KEY(origin, target))
                WITHOUT ROWID;
            INSERT INTO attempt_edge VALUES
                ('offered','collecting'), ('offered','labelling'), ('offered','void'),
                ('collecting','labelling'), ('collecting','void'),
                ('labelling','revealing'), ('labelling','void'),
                ('revealing','unmasking'), ('revealing','void'),
                ('unmasking','aggregated'), ('unmasking','void'),
                ('aggregated','released'), ('aggregated','void');
            CREATE TABLE attempt(
                session BLOB PRIMARY KEY CHECK(length(session) = 32), job BLOB NOT NULL REFERENCES task(job),
                round INTEGER NOT NULL, number INTEGER NOT NULL CHECK(number IN (1, 2)),
                parameters BLOB NOT NULL, roster BLOB NOT NULL, eligible_customers INTEGER NOT NULL,
                excluded TEXT NOT NULL, opened_at_ms INTEGER NOT NULL, state TEXT NOT NULL, due_at_ms INTEGER NOT NULL,
                void_reason TEXT, UNIQUE(job, round, number)) WITHOUT ROWID;
            CREATE UNIQUE INDEX one_live_attempt ON attempt(job) WHERE state NOT IN ('released', 'void');
            CREATE TRIGGER attempt_transition BEFORE UPDATE OF state ON attempt
                WHEN NEW.state <> OLD.state AND NOT EXISTS
                    (SELECT 1 FROM attempt_edge WHERE origin = OLD.state AND target = NEW.state)
                BEGIN SELECT RAISE(ABORT, 'no such transition'); END;
            CREATE TABLE cohort(
                session BLOB NOT NULL REFERENCES attempt(session), node INTEGER NOT NULL, message BLOB NOT NULL,
                position INTEGER NOT NULL UNIQUE REFERENCES ledger(position), PRIMARY KEY(session, node)) WITHOUT ROWID;
            CREATE TABLE upload(
                session BLOB NOT NULL REFERENCES attempt(session), position INTEGER NOT NULL, digest BLOB NOT NULL,
                envelope BLOB NOT NULL, PRIMARY KEY(session, position)) WITHOUT ROWID;
            CREATE TABLE survivors(
                session BLOB PRIMARY KEY REFERENCES attempt(session), bitmap BLOB NOT NULL) WITHOUT ROWID;
            CREATE TABLE vote(
                session BLOB NOT NULL REFERENCES survivors(session), node INTEGER NOT NULL, message BLOB NOT NULL,
                PRIMARY KEY(session, node)) WITHOUT ROWID;

            -- The budget: reservations and charges. One charge a round, for ever.
            CREATE TABLE reservation(
                job BLOB NOT NULL REFERENCES task(job), round INTEGER NOT NULL, PRIMARY KEY(job, round)) WITHOUT ROWID;
            CREATE TABLE charge(
                number INTEGER PRIMARY KEY, job BLOB NOT NULL REFERENCES task(job), round INTEGER NOT NULL,
                session BLOB NOT NULL UNIQUE REFERENCES survivors(session), micro_zcdp INTEGER NOT NULL,
                micro_epsilon_after INTEGER NOT NULL, certificate BLOB NOT NULL,
                position INTEGER NOT NULL UNIQUE REFERENCES ledger(position), UNIQUE(job, round));
            CREATE TABLE reveal(
                session BLOB NOT NULL REFERENCES charge(session), node INTEGER NOT NULL, message BLOB NOT NULL,
                PRIMARY KEY(session, node)) WITHOUT ROWID;
            CREATE TABLE aggregate(
                session BLOB PRIMARY KEY REFERENCES charge(session), sum BLOB NOT NULL, digest BLOB NOT NULL)
                WITHOUT ROWID;
            CREATE TABLE release(
                job BLOB NOT NULL, round INTEGER NOT NULL, session BLOB NOT NULL UNIQUE REFERENCES aggregate(session),
                charge INTEGER NOT NULL UNIQUE REFERENCES charge(number), parent BLOB NOT NULL, model BLOB NOT NULL,
                ride_alongs TEXT NOT NULL, released_at_ms INTEGER NOT NULL,
                position INTEGER NOT NULL UNIQUE REFERENCES ledger(position), PRIMARY KEY(job, round)) WITHOUT ROWID;

            -- Who did what: one row a privileged act.
            CREATE TABLE audit(
                number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, actor TEXT NOT NULL, certificate BLOB NOT NULL,
                act TEXT NOT NULL, subject TEXT NOT NULL);
            CREATE TABLE revoked(certificate BLOB PRIMARY KEY) WITHOUT ROWID;

            CREATE TRIGGER ledger_keeps BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER ledger_stays BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER charge_keeps BEFORE UPDATE ON charge BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER charge_stays BEFORE DELETE ON charge BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER release_keeps BEFORE UPDATE ON release BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER release_stays BEFORE DELETE ON release BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER survivors_keep BEFORE UPDATE ON survivors BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER survivors_stay BEFORE DELETE ON survivors BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER audit_keeps BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
            """),
        Migration(
            version: 2,
            """
            -- What committee members said about shares, for the epoch they said it in.
            CREATE TABLE share_report(
                number INTEGER PRIMARY KEY, epoch INTEGER NOT NULL REFERENCES epoch(number), node INTEGER NOT NULL,
                message BLOB NOT NULL);
            CREATE INDEX share_reports_by_epoch ON share_report(epoch, node);

            -- Verified evidence. A node that is accused here is in no later roster. accused is NULL for the coordinator.
            CREATE TABLE fault(
                number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE CHECK(length(digest) = 32), session BLOB,
                accused INTEGER, kind TEXT NOT NULL, evidence BLOB NOT NULL, at_ms INTEGER NOT NULL);
            CREATE TRIGGER fault_keeps BEFORE UPDATE ON fault BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER fault_stays BEFORE DELETE ON fault BEGIN SELECT RAISE(ABORT, 'append only'); END;

            -- With which certificate an upload came, so that its revocation takes the upload out of the round in hand.
            ALTER TABLE upload ADD COLUMN certificate BLOB;
            """),
        Migration(
            version: 3, rebuildsTables: true,
            """
            -- The root of an epoch is computed in another way from here on, so nothing of the running one can be used: it ends, and
            -- rounds must be through. The constraint's name is what an operator is told if one is not.
            CREATE TABLE live_rounds(
                live INTEGER NOT NULL CONSTRAINT finish_or_stop_live_rounds_first CHECK(live = 0));
            INSERT INTO live_rounds
                SELECT count(*) FROM attempt WHERE state NOT IN ('released', 'void');
            DROP TABLE live_rounds;
            UPDATE epoch SET ends_at_ms = 0 WHERE number = (SELECT max(number) FROM epoch);

            -- Rounds in groups: one session a group, so a round has several at once. group_index is 0 without groups.
            CREATE TABLE new_attempt(
                session BLOB PRIMARY KEY CHECK(length(session) = 32), job BLOB NOT NULL REFERENCES task(job),
                round INTEGER NOT NULL, number INTEGER NOT NULL CHECK(number IN (1, 2)),
                parameters BLOB NOT NULL, roster BLOB NOT NULL, eligible_customers INTEGER NOT NULL,
                excluded TEXT NOT NULL, opened_at_ms INTEGER NOT NULL, state TEXT NOT NULL, due_at_ms INTEGER NOT NULL,
                void_reason TEXT, group_index INTEGER NOT NULL DEFAULT 0,
                UNIQUE(job, round, number, group_index)) WITHOUT ROWID;
            INSERT INTO new_attempt SELECT session, job, round, number, parameters, roster, eligible_customers, excluded,
                opened_at_ms, state, due_at_ms, void_reason, 0 FROM attempt;
            DROP TABLE attempt;
            ALTER TABLE new_attempt RENAME TO attempt;
            CREATE UNIQUE INDEX one_live_attempt ON attempt(job, group_index) WHERE state NOT IN ('released', 'void');
            CREATE TRIGGER attempt_transition BEFORE UPDATE OF state ON attempt
                WHEN NEW.state <> OLD.state AND NOT EXISTS
                    (SELECT 1 FROM attempt_edge WHERE origin = OLD.state AND target = NEW.state)
                BEGIN SELECT RAISE(ABORT, 'no such transition'); END;

            -- A customer is in one group, so the groups of a round cost together what one costs: the first pays.
            CREATE TABLE new_charge(
                number INTEGER PRIMARY KEY, job BLOB NOT NULL REFERENCES task(job), round INTEGER NOT NULL,
                session BLOB NOT NULL UNIQUE REFERENCES survivors(session), micro_zcdp INTEGER NOT NULL,
                micro_epsilon_after INTEGER NOT NULL, certificate BLOB NOT NULL,
                position INTEGER NOT NULL UNIQUE REFERENCES ledger(position), group_index INTEGER NOT NULL DEFAULT 0,
                UNIQUE(job, round, group_index));
            INSERT INTO new_charge SELECT number, job, round, session, micro_zcdp, micro_epsilon_after, certificate,
                position, 0 FROM charge;
            DROP TABLE charge;
            ALTER TABLE new_charge RENAME TO charge;
            CREATE UNIQUE INDEX one_paid_charge ON charge(job, round) WHERE micro_zcdp > 0;
            CREATE TRIGGER charge_keeps BEFORE UPDATE ON charge BEGIN SELECT RAISE(ABORT, 'append only'); END;
            CREATE TRIGGER charge_stays BEFORE DELETE ON charge BEGIN SELECT RAISE(ABORT, 'append only'); END;

            -- Where a complaint about a deal is, so that a verdict reads no more than it needs.
            CREATE TABLE complaint(
                deal BLOB NOT NULL, node INTEGER NOT NULL, report INTEGER NOT NULL REFERENCES share_report(number),
                PRIMARY KEY(deal, node)) WITHOUT ROWID;
            -- Nodes without whom the rest of the epoch goes on: too few members could open what they dealt.
            CREATE TABLE left_out(
                epoch INTEGER NOT NULL REFERENCES epoch(number), node INTEGER NOT NULL,
                session BLOB NOT NULL REFERENCES attempt(session), PRIMARY KEY(epoch, node)) WITHOUT ROWID;
            -- A conviction holds for the register that it names. NULL, from before, holds for every one.
            ALTER TABLE fault ADD COLUMN register BLOB;

            -- Which group sums a model was made of, and how far each was from what honest nodes can make.
            CREATE TABLE group_verdict(
                session BLOB PRIMARY KEY REFERENCES aggregate(session), norm_ratio REAL NOT NULL,
                coordinate_ratio REAL NOT NULL) WITHOUT ROWID;
            """),
    ])
}
