CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO "alembic_version" VALUES('0004');

CREATE TABLE homes (
	name TEXT NOT NULL, 
	identity TEXT NOT NULL, 
	machine TEXT NOT NULL, 
	folder TEXT NOT NULL, 
	PRIMARY KEY (name)
);

CREATE TABLE journal (
	stream TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	epoch BIGINT NOT NULL, 
	recorded_at BIGINT NOT NULL, 
	type TEXT NOT NULL, 
	version INTEGER NOT NULL, 
	payload BLOB NOT NULL, 
	previous BLOB NOT NULL, 
	hash BLOB NOT NULL, 
	CONSTRAINT journal_stream_seq UNIQUE (stream, seq)
);

CREATE TABLE leases (
	stream TEXT NOT NULL, 
	epoch BIGINT NOT NULL, 
	PRIMARY KEY (stream)
);

CREATE TABLE snapshots (
	home TEXT NOT NULL, 
	seq BIGINT NOT NULL, 
	state_version INTEGER NOT NULL, 
	build TEXT NOT NULL, 
	digest TEXT NOT NULL, 
	payload BLOB NOT NULL, 
	payload_hash BLOB NOT NULL, 
	CONSTRAINT snapshots_key PRIMARY KEY (home, seq)
);

CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;

CREATE TRIGGER journal_no_replace BEFORE INSERT ON journal WHEN EXISTS (SELECT 1 FROM journal WHERE stream = NEW.stream AND seq = NEW.seq) BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
