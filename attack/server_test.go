package attack

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc/oidctest"
	"github.com/go-jose/go-jose/v4"

	"vigie/search/meili/meilitest"
	"vigie/store/storetest"
)

const secret = "a secret of no worth that attacks know"

// binary is the server that TestMain builds.
var binary string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	if err := readSources(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	dir, err := os.MkdirTemp("", "vigie-attack-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "vigie")
	if said, err := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../server").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "the server cannot be built: %v\n%s", err, said)
		return 1
	}
	return m.Run()
}

// readSources reads the server's sources, so that go test knows when an earlier
// result no longer holds.
func readSources() error {
	return filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch name := d.Name(); {
		case err != nil:
			return err
		case d.IsDir() && (name == "node_modules" || name == "bin" || name == "dist" || strings.HasPrefix(name, ".") && name != ".."):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"), strings.HasSuffix(name, ".sql"), name == "schema.graphqls":
			_, err = os.ReadFile(path)
		}
		return err
	})
}

// server is a running `vigie serve` and what it needs.
type server struct {
	address string // HOST:PORT
	process *os.Process
	log     *safeBuffer
	corpus  *corpus
	issuer  *issuer
	// atRest is the memory it had once it was ready and had answered a while.
	atRest int64
	// attackers is how many addresses have attacked it.
	attackers atomic.Int64
}

// safeBuffer can be read while it is written.
type safeBuffer struct {
	mutex  sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.buffer.String()
}

// pairs are the pairs of stores that a server works with, by name.
func pairs() map[string]func(testing.TB) map[string]string {
	return map[string]func(testing.TB) map[string]string{
		"embedded": func(t testing.TB) map[string]string {
			return map[string]string{"VIGIE_DATABASE_URL": storetest.SQLite(t)}
		},
		"production": func(t testing.TB) map[string]string {
			database := storetest.Postgres(t)
			url, key := meilitest.Server(t)
			return map[string]string{"VIGIE_DATABASE_URL": database, "VIGIE_SEARCH_URL": url, "VIGIE_SEARCH_KEY": key}
		},
	}
}

// serve starts a server over so many tenders, with default limits.
func serve(t testing.TB, stores map[string]string, tenders int, settings map[string]string) *server {
	t.Helper()
	s := &server{log: new(safeBuffer), corpus: publish(t, stores["VIGIE_DATABASE_URL"], tenders), issuer: newIssuer(t)}
	env := map[string]string{
		"VIGIE_DATA": t.TempDir(), "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_SECRET": secret,
		"VIGIE_OIDC_ISSUER": s.issuer.url, "VIGIE_OIDC_AUDIENCE": "vigie",
		"VIGIE_MAIL_URL": "outbox:" + t.TempDir(), "VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
	maps.Copy(env, stores)
	maps.Copy(env, settings)
	// The first builds the index; the second has it, as servers do.
	s.start(t, env)()
	stop := s.start(t, env)
	t.Cleanup(func() {
		stop()
		if strings.Contains(s.log.String(), "panic") {
			t.Errorf("the server panicked:\n%s", s.log)
		}
	})
	if tenders > 0 {
		s.corpus.learn(t, s)
	}
	return s
}

// start starts the process, waits until it is ready, and returns how to stop it.
func (s *server) start(t testing.TB, env map[string]string) (stop func()) {
	t.Helper()
	said := new(safeBuffer)
	command := exec.Command(binary, "serve")
	command.Stdout, command.Stderr = said, said
	for _, inherited := range []string{"PATH", "HOME", "TMPDIR"} {
		command.Env = append(command.Env, inherited+"="+os.Getenv(inherited))
	}
	command.Env = append(command.Env, "VIGIE_STOP_DELAY=0s")
	for name, value := range env {
		command.Env = append(command.Env, name+"="+value)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = command.Wait() }()
	s.process, s.log, s.address = command.Process, said, ""
	listening := regexp.MustCompile(`msg=listening .*address=(127\.0\.0\.1:\d+)`)
	within(t, time.Minute, "the server listens", func() bool {
		select {
		case <-ended:
			t.Fatalf("the server ended:\n%s", said)
		default:
		}
		if m := listening.FindStringSubmatch(said.String()); m != nil {
			s.address = m[1]
		}
		return s.address != ""
	})
	within(t, 5*time.Minute, "the server is ready", func() bool {
		response, err := http.Get(s.url("/readyz"))
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			_ = command.Process.Kill()
			t.Error("the server does not end when it is stopped")
		}
	}
}

func (s *server) url(path string) string { return "http://" + s.address + path }

// within waits until something is true, for a while.
func within(t testing.TB, patience time.Duration, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("within %v it does not come that %s", patience, what)
		}
	}
}

// token is what the issuer gives a person, unless more claims say otherwise.
func (i *issuer) token(t testing.TB, subject string, more map[string]any) string {
	t.Helper()
	claims := map[string]any{
		"iss": i.url, "aud": "vigie", "sub": subject, "exp": time.Now().Add(time.Hour).Unix(),
		"email": subject + "@example.org", "email_verified": true,
	}
	maps.Copy(claims, more)
	return signed(t, jose.ES256, i.key, "1", claims)
}

// publisher is a token that may publish.
func (i *issuer) publisher(t testing.TB) string {
	return i.token(t, "portal", map[string]any{"scope": "publish", "sources": []string{"portal"}})
}

// signed is a token of any claims.
func signed(t testing.TB, algorithm jose.SignatureAlgorithm, key any, id string, claims any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims) // also what is no object
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	text, err := token.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// issuer signs people in, and counts how often it is asked for its keys.
type issuer struct {
	url   string
	key   *ecdsa.PrivateKey
	asked atomic.Int64
}

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	provider := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: key.Public(), KeyID: "1", Algorithm: "ES256"}}}
	listener := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.asked.Add(1)
		provider.ServeHTTP(w, r)
	}))
	t.Cleanup(listener.Close)
	provider.SetIssuer(listener.URL)
	i.url = listener.URL
	return i
}
