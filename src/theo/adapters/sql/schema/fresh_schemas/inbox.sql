CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

INSERT INTO "alembic_version" VALUES('0003');

CREATE TABLE commands (
	number INTEGER NOT NULL, 
	home TEXT NOT NULL, 
	id TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	actor TEXT NOT NULL, 
	name TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	done_at BIGINT, 
	accepted BOOLEAN, 
	outcome TEXT, payload TEXT DEFAULT '' NOT NULL, result TEXT DEFAULT '' NOT NULL, 
	CONSTRAINT commands_key PRIMARY KEY (number), 
	CONSTRAINT commands_by_id UNIQUE (home, id)
);

CREATE INDEX commands_waiting ON commands (home, done_at);
