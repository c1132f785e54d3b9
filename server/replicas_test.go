package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"vigie/search/meili/meilitest"
	"vigie/store/storetest"
)

// Two servers share PostgreSQL and Meilisearch: what one is given both find,
// and when the one that feeds the index goes, the other does.
func TestReplicas(t *testing.T) {
	database := storetest.Postgres(t)
	url, key := meilitest.Server(t)
	env := map[string]string{
		"VIGIE_DATABASE_URL": database, "VIGIE_SEARCH_URL": url, "VIGIE_SEARCH_KEY": key,
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(),
	}
	first := start(t, env, nil, "serve")
	firstBase := first.listening(t)
	ready(t, firstBase) // so it leads
	second := start(t, env, nil, "serve")
	secondBase := second.listening(t)
	ready(t, secondBase)

	publisher, err := sign(testSecret, "portal", claims{Scope: publishScope, Sources: []string{"portal"}}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	publish := func(base string, n int) {
		t.Helper()
		a := ask(t, base, publisher, `mutation ($ref: String!) { publishNotices(input: [{ source: "portal", sourceRef: $ref, title: "Voirie", buyerName: "Commune", publishedAt: "2026-01-01T00:00:00Z" }]) { results { outcome } } }`,
			map[string]any{"ref": fmt.Sprint(n)})
		if len(a.Errors) > 0 {
			t.Fatal(a.Errors)
		}
	}
	finds := func(base string, want int) {
		t.Helper()
		got := 0
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			a := ask(t, base, publisher, `{ tenders { totalCount } }`, nil)
			if page, ok := a.Data["tenders"].(map[string]any); ok {
				if got = int(page["totalCount"].(float64)); got == want {
					return
				}
			}
		}
		t.Fatalf("%s finds %d tenders, want %d", base, got, want)
	}
	publish(firstBase, 1)
	publish(secondBase, 2)
	finds(firstBase, 2)
	finds(secondBase, 2)

	first.stop()
	<-first.ended
	publish(secondBase, 3)
	finds(secondBase, 3)
}

// Two servers share PostgreSQL, and each has a search index in a folder of its
// own: the second says what is wrong, in the log and to operators, and does not
// answer from an index that nobody feeds.
func TestReplicasApart(t *testing.T) {
	database := storetest.Postgres(t)
	serve := func() *command {
		return start(t, map[string]string{
			"VIGIE_DATABASE_URL": database, "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(),
		}, nil, "serve")
	}
	firstBase := serve().listening(t)
	ready(t, firstBase) // so it leads
	second := serve()
	base := second.listening(t)
	ready(t, base) // there is nothing yet, so nothing is missing
	publisher, err := sign(testSecret, "portal", claims{Scope: publishScope, Sources: []string{"portal"}}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	a := ask(t, firstBase, publisher, `mutation { publishNotices(input: [{ source: "portal", sourceRef: "1", title: "Voirie", buyerName: "Commune", publishedAt: "2026-01-01T00:00:00Z" }]) { results { outcome } } }`, nil)
	if len(a.Errors) > 0 {
		t.Fatal(a.Errors)
	}
	awaits(t, func() (bool, string) {
		said := second.err.String()
		return strings.Contains(said, "share a search engine"), "it says:\n" + said
	})
	if status, body := get(t, base+"/readyz"); status != http.StatusServiceUnavailable || strings.Contains(string(body), "engine") {
		t.Errorf("the public answer is %d %s", status, body)
	}
	if _, body := get(t, second.private(t)+"/readyz"); !strings.Contains(string(body), "VIGIE_SEARCH_URL") {
		t.Errorf("the private answer is %s", body)
	}
}
