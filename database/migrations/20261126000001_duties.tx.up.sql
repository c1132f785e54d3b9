-- When what is only kept for a time was last looked through.
INSERT INTO consumers (name, cursor) VALUES ('retention', 0);

--bun:split
-- That somebody with the scope of support looked at an account, or for one:
-- account_id is null where there was none. It holds no address.
CREATE TABLE accesses (
	id BIGINT PRIMARY KEY,
	at TIMESTAMPTZ NOT NULL,
	issuer TEXT NOT NULL,
	subject TEXT NOT NULL,
	field TEXT NOT NULL,
	account_id BIGINT REFERENCES accounts (id),
	account_subject TEXT NOT NULL
);

--bun:split
CREATE INDEX accesses_account ON accesses (account_id);

--bun:split
CREATE INDEX accounts_email ON accounts (lower(email));
