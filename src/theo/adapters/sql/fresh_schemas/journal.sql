CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO "alembic_version" VALUES('0002');

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
