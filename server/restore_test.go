package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"vigie/search/meili/meilitest"
	"vigie/store/storetest"
)

// A database that is restored beside the search index of later days: what came
// after the backup is not in the lists any more, what comes next is found and mailed,
// and nothing is mailed again.
func TestRestore(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		database := storetest.SQLite(t)
		path := strings.TrimPrefix(database, "sqlite:")
		testRestore(t, database, map[string]string{"VIGIE_DATA": t.TempDir()}, func() string {
			into := filepath.Join(t.TempDir(), "restored.db")
			for _, suffix := range []string{"", "-wal"} { // the server is stopped
				copyFile(t, path+suffix, into+suffix)
			}
			return "sqlite:" + into
		})
	})
	t.Run("production", func(t *testing.T) {
		database := storetest.Postgres(t)
		at, key := meilitest.Server(t)
		env := map[string]string{"VIGIE_SEARCH_URL": at, "VIGIE_SEARCH_KEY": key, "VIGIE_DATA": t.TempDir()}
		testRestore(t, database, env, func() string { return dumpAndRestore(t, database) })
	})
}

// Beside a server that works, a database is not given another past.
func TestRestoredBesideServer(t *testing.T) {
	t.Parallel()
	for name, open := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			database := open(t)
			env := whole(t)
			env["VIGIE_DATABASE_URL"] = database
			server := start(t, env, nil, "serve")
			ready(t, server.listening(t))
			idle(t, server.private(t)) // until all of it works
			epoch := func() string {
				return strings.Join(slices.DeleteFunc(storetest.Everything(t, database), func(row string) bool {
					return !strings.HasPrefix(row, "settings[") || !strings.Contains(row, "epoch")
				}), "")
			}
			before := epoch()
			if c := run(t, env, "", "restored"); c.status != 1 || !strings.Contains(c.err.String(), "is using this database: stop it") {
				t.Errorf("beside a server: status %d, %s%s", c.status, c.out.String(), c.err.String())
			}
			if before == "" || epoch() != before {
				t.Errorf("the database had %s, and has %s", before, epoch())
			}
			server.stops(t)
			for range 2 { // the first leaves nothing behind
				if c := run(t, env, "", "restored"); c.status != 0 || epoch() == before {
					t.Errorf("without a server: status %d, %s", c.status, c.err.String())
				}
			}
			ready(t, start(t, env, nil, "serve").listening(t))
		})
	}
}

// testRestore publishes, backs up, publishes more, and goes on with what backup
// gave.
func testRestore(t *testing.T, database string, env map[string]string, backup func() string) {
	box := t.TempDir()
	env["VIGIE_DATABASE_URL"], env["VIGIE_SECRET"], env["VIGIE_LISTEN"] = database, testSecret, "127.0.0.1:0"
	env["VIGIE_MAIL_URL"], env["VIGIE_MAIL_FROM"], env["VIGIE_PUBLIC_URL"] = "outbox:"+box, "veille@vigie.example", "https://vigie.example"
	env["VIGIE_MAIL_SPACING"] = "1ms"
	token, err := sign(testSecret, "ana", claims{Email: "ana@example.org", EmailVerified: true, Scope: publishScope, Sources: []string{"portal"}}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var private string
	open := func() (base string, stop func()) {
		t.Helper()
		server := start(t, env, nil, "serve")
		base, private = server.listening(t), server.private(t)
		ready(t, base)
		return base, func() {
			t.Helper()
			server.stop()
			select {
			case <-server.ended:
			case <-time.After(time.Minute):
				t.Fatal("the server does not end")
			}
		}
	}
	publish := func(base, ref string) {
		t.Helper()
		a := ask(t, base, token, `mutation ($ref: String!, $at: DateTime!) { publishNotices(input: [{
			source: "portal", sourceRef: $ref, title: "Voirie", buyerName: "Commune d'Exemple", publishedAt: $at
		}]) { userErrors { message } } }`, map[string]any{"ref": ref, "at": time.Now().UTC().Format(time.RFC3339)})
		if len(a.Errors) > 0 {
			t.Fatal(a)
		}
	}
	lists := func(base string, want ...string) {
		t.Helper()
		var got string
		waitFor(t, fmt.Sprintf("the list has %v; it has %s", want, got), func() bool {
			a := ask(t, base, token, `{ matchingTenders { nodes { sourceRef } } }`, nil)
			page, _ := a.Data["matchingTenders"].(map[string]any)
			var refs []string
			if nodes, ok := page["nodes"].([]any); ok {
				for _, node := range nodes {
					refs = append(refs, node.(map[string]any)["sourceRef"].(string))
				}
			}
			slices.Sort(refs)
			got = fmt.Sprint(refs)
			return got == fmt.Sprint(want)
		})
		idle(t, private)
	}

	base, stop := open()
	if a := ask(t, base, token, `mutation { createWatch(input: { name: "Voirie", criteria: { keywords: ["voirie"] }, frequency: IMMEDIATE }) { watch { id } } }`, nil); len(a.Errors) > 0 {
		t.Fatal(a)
	}
	publish(base, "before")
	lists(base, "before")
	stop()
	restoredURL := backup()
	base, stop = open()
	publish(base, "lost")
	lists(base, "before", "lost")
	stop()

	env["VIGIE_DATABASE_URL"] = restoredURL
	if c := run(t, env, "", "restored"); c.status != 0 {
		t.Fatal(c.err.String())
	}
	base, stop = open()
	defer stop()
	lists(base, "before")
	for range 3 { // the same steps as led to what was lost, and more
		publish(base, fmt.Sprint("since ", time.Now().UnixNano()))
		idle(t, private)
	}
	publish(base, "since")
	var ids []string
	alerts := make(map[string]int)
	waitFor(t, "all that came since is mailed", func() bool {
		clear(alerts)
		ids = nil
		for _, letter := range outbox(t, box) {
			ids = append(ids, letter.Get("Message-ID"))
			for line := range strings.Lines(letter.text) {
				if _, ref, ok := strings.Cut(line, "réf. "); ok {
					alerts[strings.TrimSpace(ref)]++
				}
			}
		}
		return alerts["since"] > 0
	})
	idle(t, private)
	if slices.Sort(ids); len(slices.Compact(ids)) != len(ids) {
		t.Errorf("a Message-ID was used twice: %v", ids)
	}
	for ref, times := range alerts {
		if times != 1 {
			t.Errorf("alerts of %s: %d", ref, times)
		}
	}
	if len(alerts) != 6 {
		t.Errorf("alerts: %v", alerts)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if os.IsNotExist(err) { // there is no log where all is in the database
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// dumpAndRestore has PostgreSQL's own tools back a schema up, and put it into a
// new database.
func dumpAndRestore(t *testing.T, database string) string {
	t.Helper()
	from, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := from.Query()
	schema := query.Get("search_path")
	query.Del("search_path") // libpq does not know it
	from.RawQuery = query.Encode()
	conn, err := pgx.Connect(t.Context(), from.String())
	if err != nil {
		t.Fatal(err)
	}
	name := "restored_" + schema
	name = name[:min(len(name), 60)]
	if _, err := conn.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(t.Context()) })
	to := *from
	to.Path = "/" + name
	dump := filepath.Join(t.TempDir(), "dump.sql")
	for _, command := range [][]string{
		{"pg_dump", "--dbname", from.String(), "--schema", schema, "--no-owner", "--file", dump},
		{"psql", "--dbname", to.String(), "--quiet", "--set", "ON_ERROR_STOP=1", "--file", dump},
	} {
		if said, err := exec.CommandContext(t.Context(), tool(t, command[0]), command[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command[0], err, said)
		}
	}
	query.Set("search_path", schema)
	to.RawQuery = query.Encode()
	return to.String()
}

// tool finds a program of PostgreSQL, which Debian keeps aside.
func tool(t *testing.T, name string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s is not here: install postgresql", name)
	}
	return found[len(found)-1]
}
