package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"vigie/search/meili/meilitest"
	"vigie/store/storetest"
)

// runbook finds a command of the runbook, and returns the pattern's group.
func runbook(t *testing.T, pattern string) string {
	t.Helper()
	text, err := os.ReadFile("../docs/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(pattern).FindSubmatch(text)
	if found == nil {
		t.Fatalf("docs/runbook.md has no %s", pattern)
	}
	return string(found[1])
}

// The search engine's key is replaced as the runbook says, server by server, and the old one deleted: a key of that form is
// enough for all that a server does, the building of a new index included.
func TestRotateSearchKey(t *testing.T) {
	t.Parallel()
	engine, master := meilitest.Server(t)
	newKey := func() (key, id string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, engine+"/keys", strings.NewReader(runbook(t, `--data '(\{.*"actions".*\})'`)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+master)
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		var made struct{ Key, UID string }
		if err == nil {
			err = json.Unmarshal(text, &made)
		}
		if err != nil || response.StatusCode != http.StatusCreated {
			t.Fatalf("%s %s %v", response.Status, text, err)
		}
		return made.Key, made.UID
	}
	first, id := newKey()
	env := map[string]string{"VIGIE_DATABASE_URL": storetest.SQLite(t), "VIGIE_DATA": t.TempDir(), "VIGIE_SEARCH_URL": engine, "VIGIE_SEARCH_KEY": first, "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0"}
	server := start(t, env, nil, "serve")
	s := newSurvivor(t, server)
	s.publish()
	s.finds()

	second, _ := newKey()
	server.stops(t)
	env["VIGIE_SEARCH_KEY"] = second
	server = start(t, env, nil, "serve")
	s.base, s.private = server.listening(t), server.private(t)
	call(t, http.MethodDelete, engine+"/keys/"+id, master)
	s.publish()
	s.finds()
	if c := run(t, env, "", "reindex"); c.status != 0 {
		t.Fatal(c.err.String())
	}
	s.publish()
	s.finds()
}

// The password of the database is replaced by a second role, without a moment in which a server has none that is valid.
func TestRotateDatabaseRole(t *testing.T) {
	t.Parallel()
	admin, err := pgx.Connect(t.Context(), storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	role := "r" + time.Now().Format("150405000000")
	roles := strings.NewReplacer("vigie_2", role+"_2", "vigie", role, "PASSWORD '…'", "PASSWORD 'other'")
	do := func(statement string) {
		t.Helper()
		if _, err := admin.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	do("CREATE ROLE " + role + " LOGIN PASSWORD 'one'")
	do("CREATE SCHEMA " + role + " AUTHORIZATION " + role)
	t.Cleanup(func() {
		ctx := context.Background()
		end, err := pgx.Connect(ctx, os.Getenv("VIGIE_TEST_POSTGRES_URL"))
		if err != nil {
			t.Error(err)
			return
		}
		defer end.Close(ctx)
		for _, statement := range []string{"DROP SCHEMA " + role + " CASCADE", "DROP ROLE IF EXISTS " + role + "_2", "DROP ROLE " + role} {
			if _, err := end.Exec(ctx, statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	})
	as := func(user, password string) map[string]string {
		u, err := url.Parse(os.Getenv("VIGIE_TEST_POSTGRES_URL"))
		if err != nil {
			t.Fatal(err)
		}
		u.User = url.UserPassword(user, password)
		query := u.Query()
		query.Set("search_path", role)
		u.RawQuery = query.Encode()
		return map[string]string{"VIGIE_DATABASE_URL": u.String(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir()}
	}
	old := start(t, as(role, "one"), nil, "serve")
	s := newSurvivor(t, old)
	s.publish()
	s.finds()

	do(roles.Replace(runbook(t, `(CREATE ROLE vigie_2 [^;]*;)`)))
	do(roles.Replace(runbook(t, `(ALTER ROLE vigie_2 SET [^;]*;)`)))
	newer := start(t, as(role+"_2", "other"), nil, "serve")
	s.base, s.private = newer.listening(t), newer.private(t)
	s.publish()
	old.stops(t)
	do(roles.Replace(runbook(t, `(ALTER ROLE vigie NOLOGIN;)`)))
	s.publish()
	s.finds()
	if c := run(t, as(role, "one"), "", "quarantine"); c.status == 0 {
		t.Error("the old role can still sign in")
	}
	if c := run(t, as(role+"_2", "other"), "", "migrate"); c.status != 0 {
		t.Errorf("the new role cannot migrate: %s", c.err.String())
	}
}

// A platform that signs its own tokens changes keys: first the file has both, then the new one alone.
func TestRotateKeyFile(t *testing.T) {
	t.Parallel()
	const issuer = "https://platform.example"
	old, newer := newSigningKey(t, "1"), newSigningKey(t, "2")
	file := filepath.Join(t.TempDir(), "keys.json")
	env := map[string]string{
		"VIGIE_JWKS_FILE": file, "VIGIE_OIDC_ISSUER": issuer, "VIGIE_OIDC_AUDIENCE": "vigie", "VIGIE_DATA": t.TempDir(), "VIGIE_LISTEN": "127.0.0.1:0",
	}
	for _, step := range []struct {
		keys       []signingKey
		old, newer int
	}{
		{[]signingKey{old}, http.StatusOK, http.StatusUnauthorized},
		{[]signingKey{old, newer}, http.StatusOK, http.StatusOK},
		{[]signingKey{newer}, http.StatusUnauthorized, http.StatusOK},
	} {
		var public []map[string]any
		for _, key := range step.keys {
			public = append(public, key.jwk(t, nil))
		}
		if err := os.WriteFile(file, []byte(jwks(t, public...)), 0o600); err != nil {
			t.Fatal(err)
		}
		server := start(t, env, nil, "serve")
		base := server.listening(t)
		for key, want := range map[signingKey]int{old: step.old, newer: step.newer} {
			if got := ask(t, base, key.token(t, issuer), `{ viewer { email } }`, nil); got.status != want {
				t.Errorf("with %d keys, a token of key %s: %d, not %d", len(step.keys), key.id, got.status, want)
			}
		}
		server.stops(t)
	}
}

// A database that was moved while no server ran, as for an upgrade of PostgreSQL, goes on as it was: what is mailed is
// mailed, the index fits, and nothing has to be said to Vigie.
func TestMoveDatabase(t *testing.T) {
	t.Parallel()
	database := storetest.Postgres(t)
	engine, key := meilitest.Server(t)
	box := t.TempDir()
	env := map[string]string{
		"VIGIE_DATABASE_URL": database, "VIGIE_SEARCH_URL": engine, "VIGIE_SEARCH_KEY": key, "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
		"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_MAIL_SPACING": "50ms", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
	server := start(t, env, nil, "serve")
	s := newSurvivor(t, server)
	s.publish()
	s.finds()
	s.mailed(box)
	server.stops(t)
	before := indexes(t, engine, key)

	env["VIGIE_DATABASE_URL"] = dumpAndRestore(t, database)
	server = start(t, env, nil, "serve")
	s.base, s.private = server.listening(t), server.private(t)
	ready(t, s.base)
	s.finds()
	s.publish()
	s.finds()
	s.mailed(box)
	if after := indexes(t, engine, key); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("the index was built again: %v, and was %v", after, before)
	}
	if strings.Contains(server.err.String(), "level=ERROR") {
		t.Error(server.err.String())
	}
}
