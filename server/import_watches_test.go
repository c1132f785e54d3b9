package main

import (
	"compress/gzip"
	"database/sql"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie/store/storetest"
)

// oldWatches writes n watches of another system, three of each person, two of
// them of one name.
func oldWatches(w io.Writer, n int) {
	words := strings.Fields("voirie assainissement éclairage peinture menuiserie plomberie toiture désamiantage nettoyage gardiennage informatique formation transport")
	departments := []string{"01", "69", "38", "42", "2A", "971"}
	out := json.NewEncoder(w)
	for i := range n {
		person := fmt.Sprintf("person-%d", i/3)
		line := map[string]any{
			"externalId": i, "subject": person, "email": person + "@example.org", "name": "Ma veille", "mode": []string{"ALL", "any"}[i%2],
			"keywords":    []string{words[i%len(words)], words[(i/7+1)%len(words)]},
			"departments": departments[i%len(departments) : i%len(departments)+min(i%3, 1)],
			"active":      i%7 != 0, "frequency": []string{"IMMEDIATE", "DAILY", "WEEKLY"}[i%3], "createdAt": "2021-03-04T10:00:00+01:00",
			"recipients": []any{map[string]any{"email": person + "@example.org", "confirmedAt": "2021-03-05"}, "team-" + person + "@example.com"},
		}
		if i%3 == 0 {
			line["name"] = fmt.Sprint("Veille ", i)
		}
		if i%5 == 0 {
			line["buyers"] = []any{fmt.Sprint("Commune d'Exemple ", i%50), "999000000 00018"}
		}
		if err := out.Encode(line); err != nil {
			panic(err)
		}
	}
}

// tables are sums over all rows of all tables of a database, by table: the same
// where nothing changed.
func tables(t *testing.T, database string) map[string]string {
	t.Helper()
	driver, names := "pgx", "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
	if path, ok := strings.CutPrefix(database, "sqlite:"); ok {
		driver, names = "sqlite", "SELECT name FROM sqlite_master WHERE type = 'table'"
		database = (&url.URL{Scheme: "file", OmitHost: true, Path: path}).String()
	}
	db, err := sql.Open(driver, database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	read := func(query string, row func(values []any)) {
		rows, err := db.QueryContext(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			row(values)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	var all []string
	read(names, func(values []any) { all = append(all, fmt.Sprint(values...)) })
	sums := make(map[string]string, len(all))
	for _, table := range all {
		count, sum := 0, uint64(0)
		read(fmt.Sprintf("SELECT * FROM %q", table), func(values []any) {
			row := fnv.New64a()
			fmt.Fprint(row, values)
			count, sum = count+1, sum+row.Sum64() // in whatever order
		})
		sums[table] = fmt.Sprintf("%d rows, %x", count, sum)
	}
	return sums
}

// howMany is what a variable says for `make bench`, else for tests.
func howMany(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	if testing.Short() {
		return otherwise / 10
	}
	return otherwise
}

// TestImportWatchesTwice: all of them come in, and the same file again changes
// nothing at all.
func TestImportWatchesTwice(t *testing.T) {
	n := howMany("VIGIE_TEST_WATCHES", 10_000)
	file := filepath.Join(t.TempDir(), "watches.jsonl.gz")
	packed, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	zip := gzip.NewWriter(packed)
	oldWatches(zip, n)
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	packed.Close()
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			database := open(t)
			var first map[string]string
			for round, says := range []string{fmt.Sprintf("%d new, 0 changed, 0 unchanged, 0 kept", n), fmt.Sprintf("0 new, 0 changed, %d unchanged, 0 kept", n)} {
				start := time.Now()
				c := runFor(t, 10*time.Minute, "import", "watches", "--database-url", database, "--secret", testSecret, file)
				if c.status != 0 || !strings.Contains(c.out.String(), says) || c.err.String() != "" {
					t.Fatalf("status %d: %s%s", c.status, c.out.String(), c.err.String())
				}
				t.Logf("%d watches in %s", n, time.Since(start).Round(time.Millisecond))
				now := tables(t, database)
				if round == 0 {
					first = now
				} else if diff := cmp.Diff(first, now); diff != "" {
					t.Errorf("the same again changed:\n%s", diff)
				}
			}
			for table, want := range map[string]int{"watches": n, "imported_watches": n, "accounts": (n + 2) / 3, "recipients": 2 * ((n + 2) / 3), "subscriptions": 2 * n, "buyers": 11, "mails": 0, "deliveries": 0} {
				if !strings.HasPrefix(first[table], fmt.Sprint(want, " rows")) {
					t.Errorf("%s: %s, not %d", table, first[table], want)
				}
			}
		})
	}
}

// runFor is [run] for what takes longer.
func runFor(t *testing.T, most time.Duration, args ...string) *command {
	t.Helper()
	c := start(t, nil, nil, args...)
	select {
	case <-c.ended:
	case <-time.After(most):
		t.Fatalf("vigie %v does not end:\n%s", args, c.err.String())
	}
	return c
}
