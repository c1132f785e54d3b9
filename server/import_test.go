package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/ingest/boamp"
	"vigie/server/samples"
	"vigie/store"
	"vigie/store/storetest"
)

// realData is the folder of real notices that VIGIE_TEST_DATA names.
func realData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("VIGIE_TEST_DATA")
	if dir == "" {
		t.Skip("NOT RUN OVER REAL NOTICES: set VIGIE_TEST_DATA to the folder that holds them")
	}
	return filepath.Join(dir, "boamp")
}

func demoServer(t *testing.T, args ...string) (base, data string) {
	t.Helper()
	data = t.TempDir()
	base = start(t, nil, nil, append([]string{"demo", "--listen", "127.0.0.1:0", "--data", data}, args...)...).listening(t)
	ready(t, base)
	return base, data
}

// eventually asks until the answer is as wanted: the index follows within two
// seconds, more on a busy machine. It gives up once the answer has stayed the
// same for long.
func eventually(t *testing.T, base, query string, variables map[string]any, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		last := got
		if got = fmt.Sprint(ask(t, base, "", query, variables).Data); got == want {
			return
		}
		if got != last {
			deadline = time.Now().Add(30 * time.Second)
		}
	}
	t.Fatalf("%s\n got %s\nwant %s", query, got, want)
}

// The real notices, imported beside a running server; a watch then finds what
// a plain reading of the file finds.
func TestImportRealNotices(t *testing.T) {
	file := filepath.Join(realData(t), "notices-2017-2024.jsonl.gz")
	base, data := demoServer(t, "--empty")
	created := ask(t, base, "", `mutation { createWatch(input: { name: "voirie", criteria: { keywordsText: "voirie" } }) { watch { id } userErrors { code } } }`, nil)
	id := created.Data["createWatch"].(map[string]any)["watch"].(map[string]any)["id"]

	c := run(t, nil, "", "import", "boamp", "--data", data, file)
	if c.status != 0 || !strings.Contains(c.out.String(), "8000 notices read: 8000 new (corrections of other notices: 0), 0 changed, 0 unchanged, 0 refused.") {
		t.Fatalf("status %d: %s%s", c.status, c.out.String(), c.err.String())
	}
	want := plainlyRead(t, file, `(?i)(^|[^\pL\pN])voiries?([^\pL\pN]|$)`)
	const count = `query ($id: ID!) { watch(id: $id) { matchingTenders(filter: { statuses: [ONLINE, CLOSED, CANCELLED, AWARDED] }) { totalCount } } tenders { totalCount } }`
	eventually(t, base, count, map[string]any{"id": id}, fmt.Sprintf("map[tenders:map[totalCount:8000] watch:map[matchingTenders:map[totalCount:%d]]]", want))
	t.Logf("%d of 8000 notices say « voirie »", want)

	again := run(t, nil, "", "import", "boamp", "--data", data, file)
	if again.status != 0 || !strings.Contains(again.out.String(), "8000 notices read: 0 new (corrections of other notices: 0), 0 changed, 8000 unchanged, 0 refused.") {
		t.Errorf("a second import: %s%s", again.out.String(), again.err.String())
	}
}

// plainlyRead counts the notices of a file whose title fits a pattern.
func plainlyRead(t *testing.T, path, pattern string) int {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	text, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	fits, n := regexp.MustCompile(pattern), 0
	for lines := bufio.NewScanner(text); lines.Scan(); {
		var record struct{ Objet string }
		if err := json.Unmarshal(lines.Bytes(), &record); err != nil {
			t.Fatal(err)
		}
		if fits.MatchString(record.Objet) {
			n++
		}
	}
	return n
}

// All the real records import, in any order of files, none is refused, and a
// second import changes nothing.
func TestImportEveryRealFile(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(realData(t), "*"))
	if err != nil || len(files) < 4 {
		t.Fatalf("real notices: %v, %v", files, err)
	}
	database := storetest.SQLite(t)
	for round, want := range []string{`^8011 notices read: \d+ new \(corrections of other notices: \d+\), \d+ changed, \d+ unchanged, 0 refused\.`, `^8011 notices read: 0 new \(corrections of other notices: 0\), 0 changed, 8011 unchanged, 0 refused\.`} {
		c := run(t, nil, "", append([]string{"import", "boamp", "--database-url", database}, files...)...)
		if c.status != 0 || !regexp.MustCompile(want).MatchString(c.out.String()) {
			t.Errorf("import %d: %s%s", round+1, c.out.String(), c.err.String())
		}
	}
	s, err := store.Open(t.Context(), database, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tenders, err := s.ChangedTenders(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range tenders {
		// 25-127510 cancels 25-123573.
		if x.SourceRef == "25-123573" && x.Outcome != vigie.Cancelled {
			t.Errorf("the cancelled tender is %+v", x)
		}
		if x.SourceRef == "25-127510" {
			t.Errorf("a cancellation is a tender of its own: %+v", x)
		}
	}
}

// A file with faults: the good records are kept, the bad ones are named with
// line and reason, and the status says so.
func TestImportNamesBadRecords(t *testing.T) {
	const good = `{"idweb":"26-%d","objet":"Voirie %d","dateparution":"2026-11-02","nomacheteur":"Commune"}`
	line := func(n int) string { return fmt.Sprintf(good, n, n) }
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	fmt.Fprintln(zip, line(7))
	zip.Close()
	for name, test := range map[string]struct {
		text   string
		kept   int
		status int
		says   []string
	}{
		"good":              {line(1) + "\n" + line(2) + "\n", 2, 0, nil},
		"bad in the middle": {line(1) + "\n{\"idweb\":\"26-5\"}\n" + line(2) + "\n", 2, 1, []string{"-:2: notice 26-5 refused"}},
		"broken line":       {line(1) + "\n{\"idweb\": \n" + line(2) + "\n", 2, 1, []string{"-:2: "}},
		"truncated array":   {"[" + line(1) + "," + line(2) + `,{"idweb":"26-3","obj`, 2, 1, []string{"refused"}},
		"not JSON":          {"bonjour", 0, 1, []string{"refused"}},
		"packed":            {packed.String(), 1, 0, nil},
	} {
		t.Run(name, func(t *testing.T) {
			c := run(t, nil, test.text, "import", "boamp", "--database-url", storetest.SQLite(t), "-")
			said := c.out.String() + c.err.String()
			if c.status != test.status || !strings.Contains(said, fmt.Sprintf("%d new", test.kept)) {
				t.Errorf("status %d, want %d, with %d kept:\n%s", c.status, test.status, test.kept, said)
			}
			for _, want := range test.says {
				if !strings.Contains(said, want) {
					t.Errorf("not said: %s\n%s", want, said)
				}
			}
		})
	}
	if c := run(t, nil, "", "import", "boamp", "--database-url", storetest.SQLite(t), "/nowhere.json"); c.status != 1 || !strings.Contains(c.err.String(), "/nowhere.json") {
		t.Errorf("a missing file: status %d, %s", c.status, c.err.String())
	}
}

// The demo shows what the README says: samples of every kind, watches that
// match some, and nothing to others than this machine.
func TestDemo(t *testing.T) {
	base, data := demoServer(t)
	a := ask(t, base, "", `{ viewer { email } watches { nodes { name active onlineCount } } matchingTenders { totalCount }
		online: tenders(filter: { statuses: [ONLINE] }) { totalCount } closed: tenders(filter: { statuses: [CLOSED] }) { totalCount }
		cancelled: tenders(filter: { statuses: [CANCELLED] }) { totalCount } awarded: tenders(filter: { statuses: [AWARDED] }) { totalCount }
		tenders(first: 100, orderBy: PUBLISHED_AT_ASC) { nodes { notices { kind changes { label } } } } }`, nil)
	if len(a.Errors) > 0 {
		t.Fatal(a.Errors)
	}
	total := func(name string) int { return int(a.Data[name].(map[string]any)["totalCount"].(float64)) }
	if total("online") < 150 || total("closed") < 10 || total("cancelled") < 4 || total("awarded") < 4 || total("matchingTenders") < 5 {
		t.Errorf("online %d, closed %d, cancelled %d, awarded %d, matching %d", total("online"), total("closed"), total("cancelled"), total("awarded"), total("matchingTenders"))
	}
	watches := a.Data["watches"].(map[string]any)["nodes"].([]any)
	if len(watches) != 3 {
		t.Fatalf("watches: %v", watches)
	}
	for _, w := range watches {
		if w.(map[string]any)["onlineCount"].(float64) < 2 {
			t.Errorf("a sample watch matches next to nothing: %v", w)
		}
	}
	if !strings.Contains(fmt.Sprint(a.Data["tenders"]), "CORRECTION") {
		t.Error("no correction among the samples")
	}

	// Another page cannot ask, neither by a name of its own nor across origins.
	for _, change := range []func(*http.Request){
		func(r *http.Request) { r.Host = "evil.example.org" },
		func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, base+"/graphql", strings.NewReader(`{"query":"{ viewer { email } }"}`))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		change(request)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("a stranger's page got %s", response.Status)
		}
	}
	for path, want := range map[string]int{"/": 200, "/playground": 200, "/healthz": 200, "/readyz": 200, "/nothing": 404} {
		response, err := http.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s", path, response.Status)
		}
	}
	if c := run(t, nil, "", "demo", "--listen", strings.TrimPrefix(base, "http://"), "--data", t.TempDir()); c.status != 1 || !strings.Contains(c.err.String(), "VIGIE_LISTEN (--listen): listen tcp ") {
		t.Errorf("a second demo at the same address: status %d, %s", c.status, c.err.String())
	}
	// Another demo cannot have the same folder.
	second := run(t, nil, "", "demo", "--listen", "127.0.0.1:0", "--data", data)
	if second.status != 1 || !strings.Contains(second.err.String(), "in use") {
		t.Errorf("a second demo in the same folder: status %d, %s", second.status, second.err.String())
	}
}

// A folder that is somebody else's is refused and left as it is.
func TestForeignIndexFolder(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(theirs, []byte("Bonjour"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := run(t, map[string]string{"VIGIE_SECRET": testSecret}, "", "serve", "--data", t.TempDir(), "--search-url", "bleve:"+dir)
	if c.status != 1 || !strings.Contains(c.err.String(), "something other") {
		t.Errorf("status %d: %s", c.status, c.err.String())
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("the folder has %v", entries)
	}
}

// `reindex` has the running server rebuild its index; answers stay right.
func TestReindex(t *testing.T) {
	data := t.TempDir()
	server := start(t, nil, nil, "demo", "--listen", "127.0.0.1:0", "--data", data)
	base := server.listening(t)
	ready(t, base)
	const query = `{ tenders { totalCount } }`
	want := fmt.Sprint(ask(t, base, "", query, nil).Data)
	c := run(t, nil, "", "reindex", "--data", data)
	if c.status != 0 || !strings.Contains(c.out.String(), "builds") {
		t.Fatal(c.out.String(), c.err.String())
	}
	replaced := regexp.MustCompile(`msg="search index answers" index=\S+-g2`)
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		done := replaced.MatchString(server.err.String())
		if got := ask(t, base, "", query, nil); fmt.Sprint(got.Data) != want {
			t.Fatalf("%v, want %s", got, want)
		}
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the new index does not answer")
		}
	}
}

// The sample notices, with their corrections, cancellations and awards, give
// the same tenders in whatever order they arrive.
func TestSamplesInAnyOrder(t *testing.T) {
	var notices []*vigie.Notice
	for r := range boamp.Read(bytes.NewReader(samples.Notices())) {
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		notices = append(notices, r.Notice)
	}
	var want []string
	for seed := range uint64(4) {
		s, err := store.Open(t.Context(), storetest.SQLite(t), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		random := rand.New(rand.NewPCG(seed, 0))
		if seed > 0 { // first as they are in the file
			random.Shuffle(len(notices), func(i, j int) { notices[i], notices[j] = notices[j], notices[i] })
		}
		for batch := range slices.Chunk(notices, 1+random.IntN(100)) {
			if _, err := s.Publish(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
		tenders, err := s.ChangedTenders(t.Context(), 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, x := range tenders {
			if x.MergedInto != nil {
				continue
			}
			buyers, err := s.Buyers(t.Context(), []int64{x.BuyerID})
			if err != nil {
				t.Fatal(err)
			}
			b := buyers[x.BuyerID]
			x.ID, x.Number, x.BuyerID = 0, 0, 0
			text, err := json.Marshal([]any{x, b.FoldedName, b.SIRET, b.DepartmentCode})
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(text))
		}
		slices.Sort(got)
		if seed == 0 {
			want = got
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("another order (seed %d) gives other tenders:\n%s", seed, diff)
		}
	}
	if len(want) != 264 {
		t.Errorf("%d tenders of 300 notices", len(want))
	}
}

// What the README shows works: its queries against the demo, and the command
// lines, with those of the reference, as far as that they are commands.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	base, _ := demoServer(t)
	queries := regexp.MustCompile("(?s)```graphql\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(queries) < 2 {
		t.Error("the README shows no queries")
	}
	for _, query := range append(queries, []string{"", myWatchQuery}) {
		a := ask(t, base, "", query[1], nil)
		if len(a.Errors) > 0 || strings.Contains(fmt.Sprint(a.Data), "userErrors:[map") || strings.Contains(fmt.Sprint(a.Data), "totalCount:0") {
			t.Errorf("%s\n%v %v", query[1], a.Data, a.Errors)
		}
	}
	for _, example := range examples(time.Now()) {
		if example.Query == followSubscription {
			continue // which is over WebSocket
		}
		var variables map[string]any
		if example.Variables != "" {
			if err := json.Unmarshal([]byte(example.Variables), &variables); err != nil {
				t.Fatal(err)
			}
		}
		a := ask(t, base, "", example.Query, variables)
		if len(a.Errors) > 0 || strings.Contains(fmt.Sprint(a.Data), "userErrors:[map") {
			t.Errorf("%s\n%v %v", example.Query, a.Data, a.Errors)
		}
	}
	commands := regexp.MustCompile("(?m)(?:`vigie|go run \\./server|run --rm -T server) ([a-z ]+[a-z])").FindAllStringSubmatch(string(text), -1)
	reference, err := os.ReadFile("../docs/reference.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `([a-z ]+[a-z])").FindAllStringSubmatch(string(reference), -1)
	if len(commands) < 4 || len(rows) < 20 {
		t.Errorf("the README names only %d commands, the reference %d", len(commands), len(rows))
	}
	commands = append(commands, rows...)
	for _, command := range commands {
		words := strings.Fields(command[1])
		if words[0] == "import" {
			words = words[:min(len(words), 2)]
		} else {
			words = words[:1]
		}
		if c := run(t, nil, "", append(words, "--help")...); c.status != 0 || !strings.Contains(c.out.String(), "Usage: vigie "+strings.Join(words, " ")) {
			t.Errorf("vigie %s: %s%s", command[1], c.out.String(), c.err.String())
		}
	}
}
