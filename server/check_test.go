package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"vigie/alert/post/posttest"
	"vigie/search/meili/meilitest"
	"vigie/store/storetest"
)

// checked runs the command `check`, and returns what it says of each thing.
func checked(t *testing.T, env map[string]string) (*command, map[string]string) {
	t.Helper()
	c := run(t, env, "", "check")
	if strings.Contains(c.out.String()+c.err.String(), "hunter2") {
		t.Errorf("it shows a password:\n%s%s", c.out.String(), c.err.String())
	}
	said := make(map[string]string)
	for line := range strings.Lines(c.out.String()) {
		columns := regexp.MustCompile(` {2,}`).Split(strings.TrimSpace(line), 3)
		said[columns[0]] = strings.TrimSpace(said[columns[0]] + " " + columns[1])
	}
	return c, said
}

// issuerOf is an issuer, until the test ends.
func issuerOf(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	issuer := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "1", Algorithm: "ES256"}}}
	discovery := httptest.NewServer(issuer)
	t.Cleanup(discovery.Close)
	issuer.SetIssuer(discovery.URL)
	return discovery.URL
}

// Everything that is named is tried; what works leaves no trace.
func TestCheck(t *testing.T) {
	mail := posttest.NewServer(t, posttest.Config{User: "vigie", Password: "hunter2"})
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	env := whole(t)
	env["VIGIE_DATA"], env["VIGIE_MAIL_URL"] = data, mail.URL("auth", "plain-noenc")
	env["VIGIE_OIDC_ISSUER"], env["VIGIE_OIDC_AUDIENCE"] = issuerOf(t), "vigie"
	collector := http.NewServeMux()
	collector.HandleFunc("POST /v1/traces", func(http.ResponseWriter, *http.Request) {})
	collecting := httptest.NewServer(collector)
	defer collecting.Close()
	env["VIGIE_OTLP_URL"] = collecting.URL
	c, said := checked(t, env)
	want := map[string]string{"settings": "ok", "database": "ok", "tables": "ok", "search engine": "ok", "issuer": "ok warning", "mail": "ok", "collector": "ok", "folder": "ok ok"}
	if c.status != 0 || !maps.Equal(said, want) {
		t.Errorf("status %d, %v:\n%s%s", c.status, said, c.out.String(), c.err.String())
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 || len(mail.Received()) > 0 {
		t.Errorf("it left %v, %v", entries, err)
	}

	// Beside a running server, too. A folder that others may read is a warning.
	server := start(t, env, nil, "serve")
	ready(t, server.listening(t))
	if err := os.Chmod(data, 0o750); err != nil {
		t.Fatal(err)
	}
	want["folder"], want["secrets"] = "warning ok ok", "ok"
	if c, said := checked(t, env); c.status != 0 || !maps.Equal(said, want) {
		t.Errorf("beside a server: status %d, %v:\n%s%s", c.status, said, c.out.String(), c.err.String())
	}
}

// Each thing that is wrong is found, and the others are tried all the same.
func TestCheckFinds(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	if err := os.WriteFile(other, []byte(strings.Repeat("Bonjour ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	blank := filepath.Join(dir, "blank")
	if err := os.WriteFile(blank, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	keys := filepath.Join(dir, "keys.json")
	if err := os.WriteFile(keys, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(dir, "theirs")
	if err := os.Mkdir(theirs, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(theirs, "letter.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := httptest.NewServer(nil)
	defer empty.Close()
	old := http.NewServeMux()
	aged := httptest.NewServer(old)
	defer aged.Close()
	old.HandleFunc("GET /indexes", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"results": []any{}, "limit": 1})
	})
	old.HandleFunc("GET /version", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"pkgVersion": "1.12.8"})
	})
	keyless := http.NewServeMux()
	noKeys := httptest.NewServer(keyless)
	defer noKeys.Close()
	keyless.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"issuer": noKeys.URL, "jwks_uri": noKeys.URL + "/keys"})
	})
	keyless.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]any{"keys": []any{}})
	})
	mail := posttest.NewServer(t, posttest.Config{User: "vigie", Password: "another"})
	for name, test := range map[string]struct {
		env   map[string]string
		wrong string
	}{
		"a setting":               {map[string]string{"VIGIE_MAIL_LEASE": "0s"}, "settings"},
		"a name":                  {map[string]string{"VIGIE_PUBLICURL": "https://a.example"}, "settings"},
		"settings together":       {map[string]string{"VIGIE_JWKS_FILE": keys, "VIGIE_OIDC_ISSUER": "https://a.example", "VIGIE_OIDC_AUDIENCE": "vigie"}, "settings"},
		"no database":             {map[string]string{"VIGIE_DATABASE_URL": "postgres://vigie:hunter2@127.0.0.1:1/vigie"}, "database"},
		"no file":                 {map[string]string{"VIGIE_DATABASE_URL": "sqlite:" + filepath.Join(dir, "none"), "VIGIE_MIGRATE": "false"}, "database"},
		"an empty file":           {map[string]string{"VIGIE_DATABASE_URL": "sqlite:" + blank, "VIGIE_MIGRATE": "false"}, "tables"},
		"another file":            {map[string]string{"VIGIE_DATABASE_URL": "sqlite:" + other}, "database"},
		"another folder":          {map[string]string{"VIGIE_SEARCH_URL": "bleve:" + theirs}, "search engine"},
		"no search engine":        {map[string]string{"VIGIE_SEARCH_URL": "http://127.0.0.1:1", "VIGIE_SEARCH_KEY": "hunter2"}, "search engine"},
		"no search node":          {map[string]string{"VIGIE_SEARCH_URL": "http://127.0.0.1:1,http://127.0.0.1:2", "VIGIE_SEARCH_KEY": "hunter2"}, "search node"},
		"keys for other nodes":    {map[string]string{"VIGIE_SEARCH_URL": "http://127.0.0.1:1,http://127.0.0.1:2", "VIGIE_SEARCH_KEY": "a,b,c"}, "settings"},
		"an old search engine":    {map[string]string{"VIGIE_SEARCH_URL": aged.URL}, "search engine"},
		"another server":          {map[string]string{"VIGIE_SEARCH_URL": empty.URL}, "search engine"},
		"no issuer":               {map[string]string{"VIGIE_OIDC_ISSUER": empty.URL, "VIGIE_OIDC_AUDIENCE": "vigie"}, "issuer"},
		"an issuer without keys":  {map[string]string{"VIGIE_OIDC_ISSUER": noKeys.URL, "VIGIE_OIDC_AUDIENCE": "vigie"}, "issuer"},
		"no mail server":          {map[string]string{"VIGIE_MAIL_URL": "smtp://127.0.0.1:1"}, "mail"},
		"no collector":            {map[string]string{"VIGIE_OTLP_URL": "http://127.0.0.1:1"}, "collector"},
		"not a collector":         {map[string]string{"VIGIE_OTLP_URL": empty.URL}, "collector"},
		"another password":        {map[string]string{"VIGIE_MAIL_URL": strings.Replace(mail.URL("auth", "plain-noenc"), "another", "hunter2", 1)}, "mail"},
		"a folder that cannot be": {map[string]string{"VIGIE_DATA": filepath.Join(other, "data")}, "folder"},
	} {
		t.Run(name, func(t *testing.T) {
			env := whole(t)
			maps.Copy(env, test.env)
			c, said := checked(t, env)
			if c.status != 1 || !strings.Contains(said[test.wrong], "wrong") {
				t.Errorf("status %d, of %s it says %q:\n%s%s", c.status, test.wrong, said[test.wrong], c.out.String(), c.err.String())
			}
			if data := test.env["VIGIE_DATA"]; !strings.Contains(c.out.String(), data) {
				t.Errorf("it does not name %s:\n%s", data, c.out.String())
			}
			for what, result := range said {
				if what != test.wrong && strings.Contains(result, "wrong") && test.wrong != "folder" {
					t.Errorf("of %s it says %s:\n%s", what, result, c.out.String())
				}
			}
		})
	}
}

// A database that another version or other secrets were used with is found, and
// nothing is changed.
func TestCheckFindsAnothersDatabase(t *testing.T) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			env := whole(t)
			url := open(t)
			env["VIGIE_DATABASE_URL"] = url
			if c := run(t, env, "", "secret", "adopt"); c.status != 0 {
				t.Fatal(c.err.String())
			}
			env["VIGIE_SECRET"] = strings.Repeat("another secret ", 3) + "."
			if c, said := checked(t, env); c.status != 1 || said["secrets"] != "wrong" || said["tables"] != "ok" {
				t.Errorf("with another secret: status %d, %v:\n%s", c.status, said, c.out.String())
			}
			storetest.Exec(t, url, "INSERT INTO bun_migrations (name, group_id) VALUES ('29990101000000', 99)")
			if c, said := checked(t, env); c.status != 1 || said["tables"] != "wrong" || said["database"] != "ok" {
				t.Errorf("with a newer version's tables: status %d, %v:\n%s", c.status, said, c.out.String())
			}
			storetest.Exec(t, url, "DELETE FROM bun_migrations WHERE name IN ('29990101000000', '20261126000002')")
			if c, said := checked(t, env); c.status != 0 || said["tables"] != "ok" {
				t.Errorf("with an older version's tables: status %d, %v:\n%s", c.status, said, c.out.String())
			}
			env["VIGIE_MIGRATE"] = "false" // then the server stops
			if c, said := checked(t, env); c.status != 1 || said["tables"] != "wrong" || said["database"] != "ok" {
				t.Errorf("with an older version's tables that stay: status %d, %v:\n%s", c.status, said, c.out.String())
			}
		})
	}
}

// In production the database is PostgreSQL, and the search engine Meilisearch.
func TestCheckProduction(t *testing.T) {
	env := whole(t)
	env["VIGIE_DATABASE_URL"] = storetest.Postgres(t)
	if c, said := checked(t, env); c.status != 0 || said["database"] != "ok" || said["search engine"] != "ok warning" {
		t.Errorf("with an index of its own: status %d, %v:\n%s", c.status, said, c.out.String())
	}
	url, key := meilitest.Server(t)
	env["VIGIE_SEARCH_URL"], env["VIGIE_SEARCH_KEY"] = url, key
	if c, said := checked(t, env); c.status != 0 || said["search engine"] != "ok" {
		t.Errorf("with Meilisearch: status %d, %v:\n%s", c.status, said, c.out.String())
	}
	env["VIGIE_SEARCH_KEY"] = "hunter2"
	if c, said := checked(t, env); c.status != 1 || said["search engine"] != "wrong" {
		t.Errorf("with another key: status %d, %v:\n%s", c.status, said, c.out.String())
	}
}

// An issuer's keys are read by the server's own rules: where it would take none,
// nor does the check.
func TestCheckReadsKeysAsTheServer(t *testing.T) {
	key := newSigningKey(t, "1")
	for name, c := range map[string]struct {
		change map[string]any
		want   string
	}{
		"good":          {nil, "ok warning"},
		"to sign alone": {map[string]any{"key_ops": []string{"sign"}}, "wrong warning"},
		"another use":   {map[string]any{"use": "SIG"}, "wrong warning"},
	} {
		pages := http.NewServeMux()
		issuer := httptest.NewServer(pages)
		defer issuer.Close()
		pages.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
			writeJSON(w, http.StatusOK, map[string]any{"issuer": issuer.URL, "jwks_uri": issuer.URL + "/keys"})
		})
		pages.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(jwks(t, key.jwk(t, c.change))))
		})
		env := whole(t)
		env["VIGIE_OIDC_ISSUER"], env["VIGIE_OIDC_AUDIENCE"] = issuer.URL, "vigie"
		if _, said := checked(t, env); said["issuer"] != c.want {
			t.Errorf("%s: it says %q, not %q", name, said["issuer"], c.want)
		}
	}
}
