// Package live runs the real server and what it needs as processes of their own, for measures of the whole, and says what
// they take of the machine.
package live

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// Secret signs the tokens of a measure.
const Secret = "a secret of no worth and for a measure"

// Token signs a person in, by their address, with further claims.
func Token(who string, claims map[string]any) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(Secret)}, nil)
	if err != nil {
		return "", err
	}
	return jwt.Signed(signer).Claims(map[string]any{
		"iss": "vigie", "aud": "vigie", "sub": who, "email": who, "email_verified": true, "exp": time.Now().Add(24 * time.Hour).Unix(),
	}).Claims(claims).Serialize()
}

// patience is how long a server may take for what takes no time to speak of.
const patience = time.Minute

// Server is a running server.
type Server struct {
	// URL is where it answers, such as http://127.0.0.1:1234.
	URL string
	// PID is its process.
	PID int

	private string // where it answers operators
	process *process
}

// Start starts a binary of the server, with settings such as "VIGIE_DATA=DIR", and returns once it listens.
func Start(ctx context.Context, binary string, settings ...string) (*Server, error) {
	command := exec.CommandContext(ctx, binary, "serve")
	command.Env = append(os.Environ(), "VIGIE_SECRET="+Secret, "VIGIE_LISTEN=127.0.0.1:0", "VIGIE_PRIVATE_LISTEN=127.0.0.1:0",
		"VIGIE_STOP_DELAY=0s", "VIGIE_RATE_ACCOUNT=100000000")
	command.Env = append(command.Env, settings...)
	said, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	p, err := begin(command)
	if err != nil {
		return nil, err
	}
	s := &Server{PID: command.Process.Pid, process: p}
	// It says the private address first.
	addresses := regexp.MustCompile(`(?:at|address)=(127\.0\.0\.1:\d+)`)
	last := ""
	for lines := bufio.NewScanner(said); s.URL == "" && lines.Scan(); {
		last = lines.Text()
		m := addresses.FindStringSubmatch(last)
		switch {
		case m == nil:
		case s.private == "":
			s.private = "http://" + m[1]
		default:
			s.URL = "http://" + m[1]
		}
	}
	if s.URL == "" {
		return nil, errors.Join(fmt.Errorf("the server does not start: %s", last), s.Stop())
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // until it ends
	return s, nil
}

// Stop stops the server and waits until it has ended.
func (s *Server) Stop() error { return s.process.end() }

// Ready waits until the server is ready.
func (s *Server) Ready(ctx context.Context) error {
	return s.until(ctx, "get ready", func(said readyz) bool { return said.Ready })
}

// CaughtUp waits until the server is ready and all that follows the database has caught up with it.
func (s *Server) CaughtUp(ctx context.Context) error {
	return s.until(ctx, "catch up", func(said readyz) bool {
		for _, changes := range said.Behind {
			if changes > 0 {
				return false
			}
		}
		return said.Ready && said.Behind != nil
	})
}

// readyz is what a server says of itself to operators.
type readyz struct {
	Ready  bool
	Behind map[string]int64
}

// until waits until what the server says of itself is as it should be, however long that takes.
func (s *Server) until(ctx context.Context, what string, is func(readyz) bool) error {
	for {
		var said readyz
		if err := getJSON(ctx, s.private+"/readyz", &said); err != nil {
			return fmt.Errorf("the server does not %s: %w", what, err)
		}
		if is(said) {
			return nil
		}
		if err := pause(ctx); err != nil {
			return err
		}
	}
}

// Ask asks the server's API as the owner of a token, and reads its data into an answer.
func (s *Server) Ask(ctx context.Context, token, query string, variables map[string]any, into any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	var answer struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}
	if err := doJSON(request, &answer); err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("the server answers: %s", answer.Errors[0].Message)
	}
	return json.Unmarshal(answer.Data, into)
}

func getJSON(ctx context.Context, url string, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	return doJSON(request, into)
}

// doJSON sends a request and decodes the answer, of whatever status.
func doJSON(request *http.Request, into any) error {
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%s: %.200s: %w", answer.Status, text, err)
	}
	return nil
}

// pause waits a moment.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}

// Meilisearch is a running Meilisearch.
type Meilisearch struct {
	// URL is where it answers, Key what it takes.
	URL, Key string
	// PID is its process.
	PID int

	process *process
}

// StartMeilisearch starts a binary of Meilisearch with its data in a folder, and returns once it answers.
func StartMeilisearch(ctx context.Context, binary, dir string) (*Meilisearch, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	m := &Meilisearch{URL: "http://" + address, Key: Secret}
	// By itself it reserves two thirds of the memory for each task.
	command := exec.CommandContext(ctx, binary, "--max-indexing-memory", "1GiB", "--no-analytics", "--env", "development", "--http-addr", address,
		"--master-key", m.Key, "--db-path", filepath.Join(dir, "data"), "--dump-dir", filepath.Join(dir, "dumps"), "--snapshot-dir", filepath.Join(dir, "snapshots"))
	if m.process, err = begin(command); err != nil {
		return nil, err
	}
	m.PID = command.Process.Pid
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		var health struct{ Status string }
		if getJSON(ctx, m.URL+"/health", &health) == nil {
			return m, nil
		}
		select {
		case <-m.process.ended:
			return nil, errors.New("meilisearch ends as soon as it is started")
		default:
		}
		if err := pause(ctx); err != nil {
			return nil, errors.Join(err, m.Stop())
		}
	}
	return nil, errors.Join(errors.New("meilisearch does not answer"), m.Stop())
}

// Stop stops Meilisearch and waits until it has ended.
func (m *Meilisearch) Stop() error { return m.process.end() }

// freeAddress is an address of loopback at which nothing listens.
func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// process is a process that was started here.
type process struct {
	command *exec.Cmd
	ended   chan struct{}
}

func begin(command *exec.Cmd) (*process, error) {
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = patience
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		_ = command.Wait() // how it ends says nothing of what was measured
	}()
	return p, nil
}

// end has the process end, and kills it where it does not.
func (p *process) end() error {
	_ = p.command.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return errors.Join(fmt.Errorf("%s does not end: killed", p.command.Path), p.command.Process.Kill())
	}
}
