package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie/server/samples"
	"vigie/store"
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
			"keywords":    []string{words[i%len(words)], words[(i+1+i/7%(len(words)-1))%len(words)]},
			"departments": departments[i%len(departments) : i%len(departments)+min(i%3, 1)],
			"active":      i%7 != 0, "frequency": []string{"IMMEDIATE", "DAILY", "WEEKLY"}[i%3], "createdAt": "2021-03-04T10:00:00+01:00",
			"recipients": []any{map[string]any{"email": person + "@example.org", "confirmedAt": "2021-03-05"}, "team-" + person + "@example.com"},
		}
		if i%3 == 0 {
			line["name"] = fmt.Sprint("Veille ", i)
		}
		if i%5 == 0 {
			line["buyers"] = []any{fmt.Sprint("Commune d'Exemple ", i%50), "732 829 320 00074"}
		}
		if err := out.Encode(line); err != nil {
			panic(err)
		}
	}
}

// table is how many rows a table has, and a sum over all that they hold.
type table struct {
	rows int
	sum  uint64
}

// tables returns the tables of a database that have any rows, each by what is in
// it: the same where nothing changed.
func tables(t *testing.T, database string) map[string]table {
	t.Helper()
	all := make(map[string]table)
	for _, text := range storetest.Everything(t, database) {
		row := fnv.New64a()
		_, _ = io.WriteString(row, text)
		name, _, _ := strings.Cut(text, "[")
		was := all[name]
		all[name] = table{was.rows + 1, was.sum + row.Sum64()} // in whatever order
	}
	return all
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
	n := howMany("VIGIE_TEST_WATCHES", 20_000)
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
			database := adopted(t, open(t))
			var first map[string]table
			for round, says := range []string{fmt.Sprintf("%d new, 0 changed, 0 unchanged, 0 kept", n), fmt.Sprintf("0 new, 0 changed, %d unchanged, 0 kept", n)} {
				start := time.Now()
				c := runFor(t, time.Hour, "import", "watches", "--database-url", database, "--secret", testSecret, file)
				if c.status != 0 || !strings.Contains(c.out.String(), says) || strings.Count(c.err.String(), "\n") != 1 { // the database's name alone
					t.Fatalf("status %d: %s%s", c.status, c.out.String(), c.err.String())
				}
				t.Logf("%d watches in %s", n, time.Since(start).Round(time.Millisecond))
				now := tables(t, database)
				if round == 0 {
					first = now
				} else if diff := cmp.Diff(first, now, cmp.AllowUnexported(table{})); diff != "" {
					t.Errorf("the same again changed:\n%s", diff)
				}
			}
			for name, want := range map[string]int{"watches": n, "imported_watches": n, "accounts": (n + 2) / 3, "recipients": 2 * ((n + 2) / 3), "subscriptions": 2 * n, "buyers": 11, "mails": 0, "deliveries": 0} {
				if first[name].rows != want {
					t.Errorf("%s: %d rows, not %d", name, first[name].rows, want)
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

// importKilled names the variable that holds the database into which a process
// of its own imports, until it is killed.
const importKilled = "VIGIE_TEST_IMPORT_KILLED"

// TestImportWatchesKilled: an import that is killed and begun again, several
// times, leaves what one import leaves.
func TestImportWatchesKilled(t *testing.T) {
	t.Parallel()
	atNoon := func() time.Time { return time.Date(2026, time.November, 9, 12, 0, 0, 0, time.UTC) }
	command := func(database string) []string {
		return []string{"import", "watches", "--database-url", database, "--secret", testSecret, "-"}
	}
	if database := os.Getenv(importKilled); database != "" {
		p := &process{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.LookupEnv, now: atNoon}
		os.Exit(p.run(t.Context(), command(database)))
	}
	const n = 6000
	var file bytes.Buffer
	oldWatches(&file, n)
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			whole := func(database string) map[string]table {
				t.Helper()
				c := startAt(t, nil, bytes.NewReader(file.Bytes()), atNoon, command(database)...)
				if <-c.ended; c.status != 0 {
					t.Fatal(c.err.String())
				}
				sums := tables(t, database)
				for _, own := range []string{"settings", "bun_migrations", "secrets"} { // a word, and times
					delete(sums, own)
				}
				return sums
			}
			want := whole(adopted(t, open(t)))

			database := adopted(t, open(t))
			there := func() int { return tables(t, database)["imported_watches"].rows }
			for before := 0; before < n/2; before = there() {
				victim := exec.Command(os.Args[0], "-test.run=^TestImportWatchesKilled$")
				victim.Env = append(os.Environ(), importKilled+"="+database)
				victim.Stdin = bytes.NewReader(file.Bytes())
				if err := victim.Start(); err != nil {
					t.Fatal(err)
				}
				for deadline := time.Now().Add(time.Minute); there() == before; {
					if time.Now().After(deadline) {
						t.Fatal("nothing is imported")
					}
				}
				time.Sleep(rand.N(20 * time.Millisecond))
				_ = victim.Process.Kill()
				_ = victim.Wait()
			}
			if got := there(); got == n {
				t.Error("no import was killed in the middle")
			}
			if diff := cmp.Diff(want, whole(database), cmp.AllowUnexported(table{})); diff != "" {
				t.Errorf("killed and begun again, it is other than one import:\n%s", diff)
			}
		})
	}
}

// What is wrong with a line is said, with its number and its watch, and keeps
// no other from coming in.
func TestImportWatchesNamesBadLines(t *testing.T) {
	text := strings.Join([]string{
		`{"externalId":"1","subject":"ana","email":"ana@example.org","name":"Voirie","keywordsText":"voirie de \"eau potable\""}`,
		`{"externalId":"2","subject":"ana","email":"ana@example.org","name":" ","keywords":["ab","voirie"],"departments":["99"],"frequency":"HOURLY"}`,
		``,
		`{"externalId":3,"subject":"ana","email":"ana@example.org","name":"Voirie","keyword":["voirie"]}`,
		`{"externalId":"4","subject":"ana","email":"ana","name":"Voirie","recipients":[{"email":"a@example.org","confirmedAt":"2999-01-01"},"b"],"buyers":["123 456 789 00000"]}`,
		`{"externalId":"5","subject":"ana"`,
		`{"externalId":"6","subject":"ana","email":"ana@example.org","name":"Voirie","createdAt":"hier"}`,
		`{"externalId":"1","subject":"ana","email":"ana@example.org","name":"Encore"}`,
		`{"externalId":"8","subject":"ana","email":"ana@example.org","name":"Voirie","excludedKeywords":["un deux trois quatre cinq"],"natures":["BOATS"],"cpvCodes":["4"]}`,
		`{"name":"` + strings.Repeat("x", 1<<20) + `"}`,
		`{"externalId":"10","subject":"ana","email":"ana@example.org","name":"voirie","mode":"any","natures":["works"],"buyers":[{"name":"Commune d'Exemple","department":"1"}]}`,
	}, "\n")
	database := adopted(t, storetest.SQLite(t))
	imports := func(text string, args ...string) (int, string) {
		c := run(t, nil, text, append([]string{"import", "watches", "--database-url", database, "--secret", testSecret, "-"}, args...)...)
		return c.status, c.out.String() + c.err.String()
	}
	status, said := imports(text)
	if status != 1 {
		t.Errorf("status %d", status)
	}
	for _, want := range []string{
		`10 watches read, of subjects of vigie: 2 new, 0 changed, 0 unchanged, 0 kept as changed here, 8 refused.`,
		`-:2: watch 2 refused: name: Give the watch a name; frequency: “HOURLY” is not one of: IMMEDIATE, DAILY, WEEKLY; keywords.0: “ab” is too short: a keyword needs at least 3 characters; departments.0: There is no department “99”. Give its number: 01, 2A, 974…`,
		`-:4: watch 3 refused: The field “keyword” is unknown. Check its name: a misspelt criterion would be lost`,
		`-:5: watch 4 refused: email: This email address is not valid. Expected format: name@domain.fr; buyers.0.siret: This SIRET is not valid: check its 14 digits; recipients.0.confirmedAt: This date is in the future. Give a date in the past; recipients.1: This email address is not valid. Expected format: name@domain.fr`,
		`-:6: line refused: This line is not a watch in JSON: it was not read`,
		`-:7: watch 6 refused: “hier” is not a time. Write 2021-03-04T10:00:00Z or 2021-03-04`,
		`-:8: watch 1 refused: externalId: Another line already has this externalId: this line was skipped. Give it another externalId`,
		`-:9: watch 8 refused: excludedKeywords.0: This phrase to exclude is too long: keep two of its words, not counting “de”, “la”, “et”…; natures.0: “BOATS” is not one of: WORKS, SUPPLIES, SERVICES; cpvCodes.0: “4” is not a CPV code: give 2 to 8 digits`,
		`-:10: line refused: The line is larger than 1 MiB: it was not read`,
	} {
		if !strings.Contains(said, want) {
			t.Errorf("not said: %s\n%s", want, said)
		}
	}
	if status, said = imports("", "/nowhere.jsonl"); status != 1 || !strings.Contains(said, "/nowhere.jsonl") {
		t.Errorf("a missing file: %d %s", status, said)
	}
	// The same, written otherwise.
	status, said = imports(`{"name":"Voirie",  "subject":"ana","keywordsText":"voirie de \"eau potable\"","email":"ana@example.org","externalId":1}`)
	if status != 0 || !strings.Contains(said, "1 unchanged") {
		t.Errorf("written otherwise: %d %s", status, said)
	}
	c := run(t, nil, "", "account", "export", "--subject", "ana", "--database-url", database)
	var e store.Export
	if err := json.Unmarshal([]byte(c.out.String()), &e); err != nil || len(e.Watches) != 2 {
		t.Fatal(c.out.String(), c.err.String(), err)
	}
	first, second := e.Watches[0], e.Watches[1]
	if fmt.Sprintf("%v %s %s %v %v", first.Keywords, first.KeywordMode, first.Frequency, first.Active, first.IncludeNationwide) != "[voirie eau potable] ALL DAILY true true" {
		t.Errorf("%+v", first)
	}
	if fmt.Sprintf("%s %s %v %v", second.Name, second.KeywordMode, second.Natures, second.Buyers) != "voirie (2) ANY [WORKS] [Commune d'Exemple]" {
		t.Errorf("%+v", second)
	}
	if e.Account.EmailVerified || len(e.Addresses) != 2 || e.Addresses[0].ConfirmedAt != nil || e.Addresses[0].Email != "ana@example.org" {
		t.Errorf("%+v %+v", e.Account, e.Addresses)
	}
}

// The line that the README shows comes in.
func TestReadmeWatches(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("(?s)```json\n(\\{\"externalId.*?)```").FindSubmatch(text)
	if line == nil {
		t.Fatal("the README shows no watch")
	}
	if c := run(t, nil, string(line[1]), "import", "watches", "--database-url", adopted(t, storetest.SQLite(t)), "--secret", testSecret, "-"); c.status != 0 || !strings.Contains(c.out.String(), "1 new") {
		t.Error(c.out.String(), c.err.String())
	}
}

// The person who signs in finds the watches, whichever issuer signs the tokens; nobody
// is mailed.
func TestImportedWatchesOverTheAPI(t *testing.T) {
	t.Parallel()
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			box := t.TempDir()
			env := map[string]string{
				"VIGIE_DATABASE_URL": adopted(t, open(t)), "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
				"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
			}
			text, err := io.ReadAll(samples.NoticesAt(time.Now()))
			if err != nil {
				t.Fatal(err)
			}
			if c := run(t, env, string(text), "import", "boamp", "-"); c.status != 0 {
				t.Fatal(c.err.String())
			}
			line := `{"externalId":"7","subject":"person-7","email":"%s","name":"Tout","frequency":"IMMEDIATE","createdAt":"2020-02-01T08:00:00Z",` +
				`"recipients":[{"email":"%[1]s","confirmedAt":"2020-02-01"},"team@example.org"]}`
			if c := run(t, env, fmt.Sprintf(line, "person-7@example.org"), "import", "watches", "-"); c.status != 0 {
				t.Fatal(c.err.String())
			}
			// A day and more later everyone has been looked at.
			server := startAt(t, env, nil, func() time.Time { return time.Now().Add(25 * time.Hour) }, "serve")
			base := server.listening(t)
			ready(t, base)
			idle(t, server.private(t))
			if letters := outbox(t, box); len(letters) != 0 {
				t.Errorf("%d mails, to %s", len(letters), letters[0].Get("To"))
			}
			// Who signs in by another address takes the watch along.
			for _, moved := range []struct {
				email    string
				verified bool
				status   string
			}{{"moved@example.org", true, "CONFIRMED"}, {"again@example.org", false, "PENDING"}, {"again@example.org", true, "CONFIRMED"}} {
				token, err := sign(testSecret, "person-7", claims{Email: moved.email, EmailVerified: moved.verified}, time.Now().Add(25*time.Hour), time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				a := ask(t, base, token, `{ watches { nodes { name createdAt onlineCount recipients { email primary status } } } }`, nil)
				got := fmt.Sprint(a.Data)
				if !strings.Contains(got, "createdAt:2020-02-01T08:00:00Z name:Tout") || strings.Contains(got, "onlineCount:0") ||
					!strings.Contains(got, "recipients:[map[email:"+moved.email+" primary:true status:"+moved.status+"] map[email:team@example.org primary:false status:PENDING]]") {
					t.Errorf("%+v: %s %v", moved, got, a.Errors)
				}
			}
		})
	}
}
