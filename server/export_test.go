package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"vigie"
	"vigie/feed"
	"vigie/graph"
	"vigie/query"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/service"
	"vigie/store"
	"vigie/store/storetest"
)

// exportSite answers exports of some tenders. Accounts sign in by their name.
type exportSite struct {
	t       *testing.T
	store   *store.Store
	service *service.Service
	gate    *gate
	base    string
	now     time.Time
	// searching, if set, is asked in place of the index.
	searching atomic.Pointer[searching]
}

// searching answers queries, with the help of an index.
type searching func(ctx context.Context, index search.Index, queries []search.Query) ([]search.Result, error)

// search has a function asked in place of the index.
func (s *exportSite) search(answer searching) { s.searching.Store(&answer) }

// searched is an index of which a function answers.
type searched struct {
	search.Index
	answer *searching
}

func (s searched) Search(ctx context.Context, queries []search.Query) ([]search.Result, error) {
	if s.answer == nil {
		return s.Index.Search(ctx, queries)
	}
	return (*s.answer)(ctx, s.Index, queries)
}

func newExportSite(t *testing.T, settings limitSettings, notices ...*vigie.Notice) *exportSite {
	t.Helper()
	s := &exportSite{t: t, now: storetest.Noon()}
	now := func() time.Time { return s.now }
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	opened, err := store.Open(t.Context(), storetest.SQLite(t), now)
	if err != nil {
		t.Fatal(err)
	}
	engine, err := bleve.Open(filepath.Join(t.TempDir(), "index"), log)
	if err != nil {
		t.Fatal(err)
	}
	s.store = opened
	t.Cleanup(func() { _ = engine.Close(); opened.Close() })
	for batch := range slices.Chunk(notices, vigie.MaxBatch) {
		if _, err := opened.Publish(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	}
	indexer := feed.NewIndexer(opened, engine, log)
	if err := indexer.Step(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.gate, err = settings.open(now); err != nil {
		t.Fatal(err)
	}
	uses := &service.Service{Store: opened, Now: now, Log: log, Index: func() (search.Index, error) {
		index, err := indexer.Index()
		return searched{index, s.searching.Load()}, err
	}}
	s.service = uses
	signIn := func(ctx context.Context, authorization string) (*graph.Viewer, error) {
		name, ok := strings.CutPrefix(authorization, "Bearer ")
		switch {
		case !ok:
			return nil, nil
		case name == "expired":
			return nil, badToken(io.EOF)
		case name == "portal":
			return &graph.Viewer{Sources: []string{"portal"}}, nil
		}
		account, err := opened.SignIn(ctx, store.Claims{Issuer: "test", Subject: name, Email: name + "@example.org", EmailVerified: true})
		return &graph.Viewer{Account: account}, err
	}
	registry := prometheus.NewRegistry()
	all := &site{store: opened, gate: s.gate, log: log, metrics: registry, measures: newRequestMetrics(registry), signIn: signIn, traces: untraced(), now: now}
	ending := &streams{stop: t.Context()}
	server := httptest.NewServer(s.gate.identify(ending.apart(all.exports(uses))))
	t.Cleanup(server.Close)
	s.base = server.URL
	return s
}

// limits are those of the defaults.
func limits(t *testing.T) limitSettings {
	t.Helper()
	g, err := defaultGate(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return g.limitSettings
}

// head is an answer without its body.
type head struct {
	Status     string
	StatusCode int
	Header     http.Header
}

// get asks for a file.
func (s *exportSite) get(method, path, token string, headers ...string) (head, []byte, error) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return head{response.Status, response.StatusCode, response.Header}, text, err
}

// rows reads a file of CSV, as what RFC 4180 says, after its byte order mark.
func (s *exportSite) rows(text []byte) [][]string {
	s.t.Helper()
	rest, marked := bytes.CutPrefix(text, []byte("\xef\xbb\xbf"))
	if !marked {
		s.t.Errorf("no byte order mark in %.20q", text)
	}
	rows, err := csv.NewReader(bytes.NewReader(rest)).ReadAll()
	if err != nil {
		s.t.Fatal(err)
	}
	if lines := bytes.Count(rest, []byte("\r\n")); lines != len(rows) || !bytes.HasSuffix(rest, []byte("\r\n")) {
		s.t.Errorf("%d of %d lines end as they must", lines, len(rows))
	}
	return rows
}

// aNotice is one that says all that a file has columns for.
func aNotice(ref, title string) *vigie.Notice {
	n := storetest.Notice(ref, 0)
	n.Buyer = vigie.BuyerName{Name: "Commune", SIRET: "21010053900018"}
	n.Content = vigie.Content{
		Title: title, Reference: "M-" + ref, URL: "https://example.org/" + ref, Departments: []string{"01", "2A"}, Natures: []vigie.Nature{vigie.Works, vigie.Services},
		Procedure: vigie.OpenProcedure, CPVCodes: []string{"45233140", "99999999"}, Lots: []vigie.Lot{{Number: "1", Title: "a"}, {Number: "2", Title: "b"}},
		Deadline: new(time.Date(2027, 1, 4, 16, 30, 0, 0, time.UTC)), DeadlineKind: vigie.ForParticipation,
	}
	n.Content.Details.Value = vigie.Euros(12_000_050)
	n.Content.Details.Technique = vigie.Techniques()[1]
	n.Content.Details.Places = []vigie.Place{{Town: "Bourg-en-Bresse", Postcode: "01000"}, {Department: "2A"}}
	return n
}

func TestExportCSV(t *testing.T) {
	bare := storetest.Notice("2", 1)
	bare.Content = vigie.Content{Title: "Peinture, \"façades\"\nen ocre"}
	s := newExportSite(t, limits(t), aNotice("1", "Voirie rurale"), bare)
	account, err := s.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "ana", Email: "ana@example.org", EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	keywords := []string{"voirie rurale", "voirie"}
	if _, _, err := s.service.CreateWatch(t.Context(), account, service.CreateWatch{Name: "Voirie", Active: true, Frequency: vigie.Daily, Criteria: query.Patch{Keywords: &keywords}}); err != nil {
		t.Fatal(err)
	}
	response, text, err := s.get("GET", "/export/tenders.csv?orderBy=PUBLISHED_AT_ASC", "ana")
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatal(response.Status, string(text), err)
	}
	want := map[string]string{
		"Content-Type": "text/csv; charset=utf-8; header=present", "Content-Disposition": `attachment; filename="marches-` + vigie.Day(s.now) + `.csv"`,
		"Cache-Control": "no-store", "X-Accel-Buffering": "no",
	}
	for name, value := range want {
		if got := response.Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	rows := s.rows(text)
	id := s.store.IDs().ID(vigie.KindTender, 1)
	for i, want := range [][]string{
		{"Objet", "Organisme", "SIRET", "Référence", "Avis", "Adresse de l’avis", "Statut", "Date de publication", "Date limite (heure de Paris)", "Réponse attendue", "Départements", "Lieux d’exécution", "Nature", "Procédure", "Technique d’achat", "Valeur estimée HT", "Devise", "Codes CPV", "Nombre de lots", "Veilles", "Mots clés trouvés", "Identifiant"},
		nil, nil,
	} {
		if want != nil && !slices.Equal(rows[i], want) {
			t.Errorf("row %d: %q", i, rows[i])
		}
	}
	full := rows[1]
	for i, want := range map[int]string{
		0: "Voirie rurale", 1: "Commune", 2: "21010053900018", 3: "M-1", 5: "https://example.org/1", 6: "En ligne", 8: "2027-01-04T17:30:00+01:00", 9: "Candidatures",
		10: "Ain (01) | Corse-du-Sud (2A)", 11: "Bourg-en-Bresse (01000) | Corse-du-Sud (2A)", 12: "Travaux | Services", 13: "Appel d’offres ouvert", 15: "120000.50", 16: "EUR",
		17: "45233140 " + vigie.CPVLabel("45233140") + " | 99999999", 18: "2", 20: "voirie rurale | voirie", 21: id,
	} {
		if full[i] != want {
			t.Errorf("%s: %q, want %q", rows[0][i], full[i], want)
		}
	}
	if other := rows[2]; other[0] != "Peinture, \"façades\"\nen ocre" || other[8]+other[9]+other[15]+other[18]+other[19] != "" {
		t.Errorf("%q", other)
	}
	response, text, err = s.get("GET", "/export/matching-tenders.csv", "ana", "Accept-Language", "en")
	if rows := s.rows(text); err != nil || len(rows) != 2 || rows[0][0] != "Title" || rows[1][6] != "Online" || !strings.Contains(response.Header.Get("Content-Disposition"), `"tenders-`) {
		t.Errorf("%q, %v", rows, err)
	}
	response, text, err = s.get("HEAD", "/export/tenders.csv", "ana")
	if err != nil || len(text) > 0 || response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != want["Content-Type"] || response.Header.Get("Content-Disposition") != want["Content-Disposition"] {
		t.Errorf("HEAD: %s %v, %d bytes, %v", response.Status, response.Header, len(text), err)
	}
}

// No text is a formula to a spreadsheet, at any place where a cell may begin.
func TestExportInjection(t *testing.T) {
	titles := map[string]string{
		`=1+1`:                     `'=1+1`,
		`  =1+1`:                   `  '=1+1`,
		`+33`:                      `'+33`,
		`-cmd`:                     `'-cmd`,
		`@SUM(A1)`:                 `'@SUM(A1)`,
		`＝1`:                       `'＝1`,
		`a;=1+1`:                   `a;'=1+1`,
		`a"; "=cmd|' /C calc'!A0"`: `a"; "'=cmd|' /C calc'!A0"`,
		"a\n=1":                    "a\n'=1",
		`a, -b`:                    `a, '-b`,
		`Lot 1 - voirie = a + b`:   `Lot 1 - voirie = a + b`,
		`mail@example.org`:         `mail@example.org`,
	}
	var notices []*vigie.Notice
	for title := range titles {
		notices = append(notices, aNotice(fmt.Sprint(len(notices)), title))
	}
	notices[0].Content.Reference = "=HYPERLINK(\"https://example.org\")"
	s := newExportSite(t, limits(t), notices...)
	_, text, err := s.get("GET", "/export/tenders.csv", "ana")
	if err != nil {
		t.Fatal(err)
	}
	byReference := make(map[string]string)
	for _, row := range s.rows(text)[1:] {
		byReference[row[3]] = row[0]
	}
	for i, n := range notices {
		reference := fmt.Sprint("M-", i)
		if i == 0 {
			reference = `'=HYPERLINK("'https://example.org")`
			if _, there := byReference[reference]; !there {
				reference = `'=HYPERLINK("https://example.org")`
			}
		}
		if got := byReference[reference]; got != titles[n.Content.Title] {
			t.Errorf("%q became %q, want %q", n.Content.Title, got, titles[n.Content.Title])
		}
	}
	// In XLSX, texts are marked as such and stay as they are; nothing is a formula.
	_, text, err = s.get("GET", "/export/tenders.xlsx", "ana")
	if err != nil {
		t.Fatal(err)
	}
	if sheet := inFile(t, text, "xl/worksheets/sheet1.xml"); strings.Contains(sheet, "<f>") || !strings.Contains(sheet, `t="inlineStr"><is><t>=1+1</t>`) {
		t.Errorf("%.3000s", sheet)
	}
}

// inFile is a file within a file of XLSX.
func inFile(t *testing.T, file []byte, name string) string {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := archive.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What refuses an export is said before anything of it is sent.
func TestExportRefused(t *testing.T) {
	settings := limits(t)
	settings.RateAccount = 4
	s := newExportSite(t, settings, aNotice("1", "Voirie"))
	for _, test := range []struct {
		method, path, token string
		status              int
		code                string
	}{
		{"GET", "/export/tenders.csv", "", 401, "UNAUTHENTICATED"},
		{"GET", "/export/matching-tenders.xlsx", "expired", 401, "UNAUTHENTICATED"},
		{"HEAD", "/export/tenders.csv", "expired", 401, ""},
		{"GET", "/export/matching-tenders.csv", "portal", 403, "FORBIDDEN"},
		{"GET", "/export/tenders.csv", "portal", 200, ""},
		{"POST", "/export/tenders.csv", "ana", 405, "BAD_REQUEST"},
		{"GET", "/export/watches.csv", "ana", 404, ""},
		{"GET", "/export/tenders.ods", "ana", 404, ""},
		{"GET", "/export/tenders.csv?filter={", "ana", 400, "BAD_REQUEST"},
		{"GET", "/export/matching-tenders.csv?watch=x", "ana", 404, "NOT_FOUND"},
		{"GET", "/export/tenders.csv", "ana", 200, ""},
		{"GET", "/export/tenders.csv", "ana", 200, ""},
		{"GET", "/export/tenders.csv", "ana", 429, "TOO_MANY_REQUESTS"},
	} {
		response, text, err := s.get(test.method, test.path, test.token)
		if err != nil || response.StatusCode != test.status {
			t.Errorf("%s %s by %q: %s %s, %v", test.method, test.path, test.token, response.Status, text, err)
		}
		if test.code == "" {
			continue
		}
		var a answer
		if err := json.Unmarshal(text, &a); err != nil || a.code() != test.code || a.Errors[0].Message == "" {
			t.Errorf("%s by %q: %s", test.path, test.token, text)
		}
		if test.status == 401 && response.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s by %q: no WWW-Authenticate", test.path, test.token)
		}
	}
}

// A running server answers exports by its tokens, while they are valid.
func TestExportByToken(t *testing.T) {
	base, token := limited(t, nil)
	expired, err := sign(testSecret, "ana", claims{Email: "ana@example.org", EmailVerified: true}, time.Now().Add(-2*time.Hour), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := &exportSite{t: t, base: base}
	for token, status := range map[string]int{token("ana"): 200, token("portal"): 200, expired: 401, "": 401, "wrong": 401} {
		for _, format := range []string{"csv", "xlsx"} {
			if response, text, err := s.get("GET", "/export/tenders."+format, token); err != nil || response.StatusCode != status || (response.Header.Get("Content-Disposition") != "") != (status == 200) {
				t.Errorf("%s by %.20q: %s %.100s, %v", format, token, response.Status, text, err)
			}
		}
	}
}

// An export costs as much of the rate as it has thousands of rows.
func TestExportRate(t *testing.T) {
	settings := limits(t)
	settings.RateAccount = 10
	s := newExportSite(t, settings, aNotice("1", "Voirie"))
	s.search(repeated(5500))
	if response, _, err := s.get("HEAD", "/export/tenders.csv", "ana"); err != nil || !strings.Contains(response.Header.Get("RateLimit"), "r=4") {
		t.Errorf("%v, %v", response.Header, err)
	}
	if response, text, _ := s.get("GET", "/export/tenders.csv", "ana"); response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Errorf("%s %s", response.Status, text)
	}
	s.search(repeated(100_000)) // more than a minute has: all of it
	if response, text, _ := s.get("HEAD", "/export/tenders.csv", "eve"); response.StatusCode != http.StatusOK || !strings.Contains(response.Header.Get("RateLimit"), "r=0") {
		t.Errorf("%s %s", response.Status, text)
	}
	s.search(repeated(100_001))
	if response, text, _ := s.get("GET", "/export/tenders.csv", "bob"); response.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `"maximum":100000`) {
		t.Errorf("%s %s", response.Status, text)
	}
}

// A list that is too long is refused as a whole.
func TestExportTooLong(t *testing.T) {
	s := newExportSite(t, limits(t), aNotice("1", "Voirie"))
	for _, test := range []struct {
		rows   int
		query  string
		status int
	}{
		{100_000, "", 200}, {100_001, "", 400},
		{10_000, "?search=voirie", 200}, {10_001, "?search=voirie", 400}, {10_001, "?search=voirie&orderBy=DEADLINE_ASC", 200},
	} {
		s.search(repeated(test.rows))
		if response, _, err := s.get("HEAD", "/export/tenders.csv"+test.query, fmt.Sprint("ana", test.rows, len(test.query))); err != nil || response.StatusCode != test.status {
			t.Errorf("%d rows of %q: %s, %v", test.rows, test.query, response.Status, err)
		}
	}
}

// repeated has a search find the same tenders again and again, up to a total.
func repeated(total int) searching {
	var given atomic.Int64
	return func(ctx context.Context, index search.Index, queries []search.Query) ([]search.Result, error) {
		limit := queries[0].Limit
		queries[0].After, queries[0].Limit = nil, min(limit, 500)
		results, err := index.Search(ctx, queries)
		if err != nil {
			return nil, err
		}
		r := &results[0]
		r.Total = total
		if len(r.Hits) > 0 {
			for len(r.Hits) < limit {
				r.Hits = append(r.Hits, r.Hits[0])
			}
			r.Hits = r.Hits[:min(limit, max(0, total-int(given.Load())))]
		}
		given.Add(int64(len(r.Hits)))
		return results, nil
	}
}

// What fails after the first byte cuts the connection; what is made first fails
// as a whole.
func TestExportCut(t *testing.T) {
	s := newExportSite(t, limits(t), aNotice("1", "Voirie"))
	many := repeated(1500)
	calls := 0
	failing := func(ctx context.Context, index search.Index, queries []search.Query) ([]search.Result, error) {
		if calls++; calls == 3 {
			return nil, &vigie.Error{Code: vigie.Unavailable, Text: vigie.Same("down")}
		}
		return many(ctx, index, queries)
	}
	s.search(failing)
	response, text, err := s.get("GET", "/export/tenders.csv", "ana")
	if response.StatusCode != http.StatusOK || err != io.ErrUnexpectedEOF || bytes.Count(text, []byte("\r\n")) < 2 {
		t.Errorf("%s, %d bytes, %v", response.Status, len(text), err)
	}
	many, calls = repeated(1500), 0
	if response, text, err := s.get("GET", "/export/tenders.xlsx", "ana"); response.StatusCode != http.StatusServiceUnavailable || err != nil {
		t.Errorf("%s, %d bytes, %v", response.Status, len(text), err)
	}
	// HTTP/1.0 has no way to tell: the file is made first.
	for fails, want := range map[int]string{3: "503", 0: "200"} {
		many, calls = repeated(1500), 3-max(fails, 0)
		if fails == 3 {
			calls = 0
		}
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, "GET /export/tenders.csv HTTP/1.0\r\nHost: x\r\nAuthorization: Bearer ana\r\n\r\n")
		text, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || !bytes.HasPrefix(text, []byte("HTTP/1.0 "+want)) || !bytes.Contains(text, []byte("Content-Length: ")) {
			t.Errorf("%.300s, %v", text, err)
		}
	}
}

// A client that stops reading holds its own export, and nothing of others'.
func TestExportStalled(t *testing.T) {
	settings := limits(t)
	settings.MaxExports = 1
	long := aNotice("1", strings.Repeat("Voirie ", 140))
	s := newExportSite(t, settings, long)
	s.search(repeated(20_000)) // some 40 MB: more than the connection holds
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.base, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /export/tenders.csv HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ana\r\n\r\n")
	if _, err := io.ReadFull(conn, make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	s.search(repeated(1000))
	for _, format := range []string{"csv", "xlsx"} {
		if response, text, err := s.get("GET", "/export/tenders."+format, "eve"); err != nil || response.StatusCode != http.StatusOK {
			t.Errorf("another's %s: %s %.200s, %v", format, response.Status, text, err)
		}
	}
	if response, text, _ := s.get("GET", "/export/tenders.csv", "ana"); response.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a second one: %s %.200s", response.Status, text)
	}
	conn.Close()
	waitFor(t, "the export of who has gone to end", func() bool {
		response, _, _ := s.get("HEAD", "/export/tenders.csv", "ana")
		return response.StatusCode == http.StatusOK
	})
}

// TestExportMemory measures how much memory an export takes, of VIGIE_TEST_EXPORTED
// rows.
func TestExportMemory(t *testing.T) {
	var notices []*vigie.Notice
	for i := range 500 {
		n := aNotice(fmt.Sprint(i), fmt.Sprint("Voirie ", i))
		n.Content.Description = strings.Repeat("Travaux de voirie. ", 100)
		notices = append(notices, n)
	}
	s := newExportSite(t, limits(t), notices...)
	total := 10_000
	if testing.Short() {
		total = 1000
	}
	if text := os.Getenv("VIGIE_TEST_EXPORTED"); text != "" {
		var err error
		if total, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for format, most := range map[string]int64{"csv": 48 << 20, "xlsx": 128 << 20} {
		t.Run(format, func(t *testing.T) {
			s.search(repeated(total))
			runtime.GC()
			var before runtime.MemStats
			runtime.ReadMemStats(&before)
			stop, high := make(chan struct{}), make(chan uint64)
			go func() {
				var most uint64
				for {
					select {
					case <-stop:
						high <- most
						return
					case <-time.After(200 * time.Millisecond):
						runtime.GC() // what is in use, not what waits to be collected
						var m runtime.MemStats
						runtime.ReadMemStats(&m)
						most = max(most, m.HeapAlloc)
					}
				}
			}()
			started := time.Now()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.base+"/export/tenders."+format+"?"+url.Values{"orderBy": {"PUBLISHED_AT_ASC"}}.Encode(), http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer ana")
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			n, err := io.Copy(io.Discard, response.Body)
			if err != nil || response.StatusCode != http.StatusOK || n < int64(total)*50 {
				t.Fatal(response.Status, n, err)
			}
			close(stop)
			reached := int64(<-high)
			used := reached - int64(before.HeapAlloc)
			t.Logf("%d rows, %d MB of %s: %d MB of memory in use at most, %d MB before; %v", total, n>>20, format, reached>>20, before.HeapAlloc>>20, time.Since(started).Round(time.Second))
			if used > most {
				t.Errorf("%d MB, more than %d", used>>20, most>>20)
			}
		})
	}
}
