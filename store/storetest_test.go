package store_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"vigie"
	"vigie/store"
)

// noon is when tests take place unless they say otherwise.
var noon = time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)

// eachStore runs a test on every database, each time on an empty one.
func eachStore(t *testing.T, test func(t *testing.T, s *store.Store)) {
	for name, url := range emptyDatabases(t) {
		t.Run(name, func(t *testing.T) {
			test(t, open(t, url(t)))
		})
	}
}

func open(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// emptyDatabases gives the URL of an empty database of each kind.
func emptyDatabases(t *testing.T) map[string]func(*testing.T) string {
	return map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return "sqlite:" + filepath.Join(t.TempDir(), "vigie.db") },
		"postgres": emptyPostgres,
	}
}

// emptyPostgres makes a schema of its own in the test server.
func emptyPostgres(t *testing.T) string {
	base := os.Getenv("VIGIE_TEST_POSTGRES_URL")
	if base == "" {
		if os.Getenv("VIGIE_TEST_ALL") != "" {
			t.Fatal("VIGIE_TEST_POSTGRES_URL is not set: PostgreSQL is mandatory in the whole test run")
		}
		t.Skip("NOT RUN ON POSTGRESQL: set VIGIE_TEST_POSTGRES_URL, or run `make test`")
	}
	conn, err := pgx.Connect(t.Context(), base)
	if err != nil {
		t.Fatal(err)
	}
	schema := fmt.Sprintf("t%d_%s", time.Now().UnixNano(), strings.Map(letters, strings.ToLower(t.Name())))
	schema = schema[:min(len(schema), 60)]
	if _, err := conn.Exec(t.Context(), "CREATE SCHEMA "+schema); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		if _, err := conn.Exec(ctx, "DROP SCHEMA "+schema+" CASCADE"); err != nil {
			t.Error(err)
		}
		conn.Close(ctx)
	})
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
	return u.String()
}

func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}

// notice is a notice of a test, published days after a Monday.
func notice(ref string, day int, alter ...func(*vigie.Notice)) *vigie.Notice {
	deadline := time.Date(2026, 12, 1, 11, 0, 0, 0, time.UTC)
	n := &vigie.Notice{
		Source: "test", SourceRef: ref, Kind: vigie.ContractNotice,
		PublishedAt: time.Date(2026, 11, 2+day, 0, 0, 0, 0, time.UTC),
		Buyer:       vigie.BuyerName{Name: "Commune de Valfleury", DepartmentCode: "01"},
		Content: vigie.Content{
			Title: "Réfection de voirie " + ref, Departments: []string{"01"},
			Natures: []vigie.Nature{vigie.Works}, CPVCodes: []string{"45233140"}, Deadline: &deadline,
		},
	}
	for _, change := range alter {
		change(n)
	}
	return n
}

func kind(k vigie.NoticeKind, links ...string) func(*vigie.Notice) {
	return func(n *vigie.Notice) { n.Kind, n.Links = k, links }
}

func title(s string) func(*vigie.Notice) { return func(n *vigie.Notice) { n.Content.Title = s } }

func buyer(name, siret, department string) func(*vigie.Notice) {
	return func(n *vigie.Notice) {
		n.Buyer = vigie.BuyerName{Name: name, SIRET: siret, DepartmentCode: department}
	}
}

func publish(t *testing.T, s *store.Store, notices ...*vigie.Notice) []store.Published {
	t.Helper()
	results, err := s.Publish(t.Context(), notices)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func account(t *testing.T, s *store.Store, subject string) *vigie.Account {
	t.Helper()
	a, err := s.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: subject, Email: subject + "@example.org", EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func tender(t *testing.T, s *store.Store, id int64) *vigie.Tender {
	t.Helper()
	found, err := s.Tenders(t.Context(), []int64{id})
	if err != nil {
		t.Fatal(err)
	}
	return found[id]
}
