package main

import (
	"context"
	"io"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/uptrace/bun"
)

// work counts what those who work on their own ask of a database: for the index,
// and for mails.
type work struct{ asked atomic.Int64 }

// BeforeQuery implements [bun.QueryHook].
func (w *work) BeforeQuery(ctx context.Context, e *bun.QueryEvent) context.Context {
	if strings.Contains(e.Query, "search_indexes") || strings.Contains(e.Query, "mails") {
		w.asked.Add(1)
	}
	return ctx
}

// AfterQuery implements [bun.QueryHook].
func (w *work) AfterQuery(context.Context, *bun.QueryEvent) {}

// A server that will not start has not begun to work: no mail can have left.
func TestNothingWorksBeforeAllIsRight(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	templates := filepath.Join(dir, "templates")
	if err := os.Mkdir(templates, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(templates, "digest.txt"), []byte("{{.Nothing}}"), 0o600); err != nil {
		t.Fatal(err)
	}
	// try runs a server with some settings that are others, until ctx ends.
	try := func(t *testing.T, ctx context.Context, change map[string]string, begun *work) int {
		env := whole(t)
		maps.Copy(env, change)
		p := &process{in: strings.NewReader(""), out: io.Discard, err: t.Output(), now: time.Now, queries: begun, env: func(name string) (string, bool) {
			value, set := env[name]
			return value, set
		}}
		return p.run(ctx, []string{"serve"})
	}
	for name, change := range map[string]map[string]string{
		"documents":         {"VIGIE_TRUSTED_DOCUMENTS": write("documents.json", "{")},
		"keys":              {"VIGIE_JWKS_FILE": write("keys.json", "{}"), "VIGIE_OIDC_ISSUER": "https://a.example", "VIGIE_OIDC_AUDIENCE": "a"},
		"templates":         {"VIGIE_MAIL_TEMPLATES": templates},
		"no audience":       {"VIGIE_OIDC_ISSUER": "https://a.example"},
		"an address in use": {"VIGIE_LISTEN": taken.Addr().String()},
		"a private one too": {"VIGIE_PRIVATE_LISTEN": taken.Addr().String()},
	} {
		t.Run(name, func(t *testing.T) {
			var begun work
			if status := try(t, t.Context(), change, &begun); status == 0 {
				t.Errorf("status %d", status)
			}
			if n := begun.asked.Load(); n > 0 {
				t.Errorf("it has begun to work: the database was asked %d times", n)
			}
		})
	}
	t.Run("nothing wrong", func(t *testing.T) {
		var begun work
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan int)
		go func() { ended <- try(t, ctx, nil, &begun) }()
		waitFor(t, "it has begun to work", func() bool { return begun.asked.Load() > 0 })
		stop()
		if status := <-ended; status != 0 {
			t.Errorf("status %d", status)
		}
	})
}
