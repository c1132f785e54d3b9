// Package meilitest gives tests a real Meilisearch.
package meilitest

import (
	"bytes"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Server returns the address and the key of a Meilisearch: the one in VIGIE_TEST_MEILI_URL and VIGIE_TEST_MEILI_KEY,
// else one that is started for the test as [Start] does. `make check` skips the test.
func Server(t testing.TB) (url, key string) {
	t.Helper()
	if url := os.Getenv("VIGIE_TEST_MEILI_URL"); url != "" {
		return url, os.Getenv("VIGIE_TEST_MEILI_KEY")
	}
	p := Start(t)
	return p.URL, p.Key
}

// Process is a Meilisearch of a test's own, which it may kill, pause and empty.
type Process struct {
	URL, Key string

	t       testing.TB
	binary  string
	dir     string
	running *exec.Cmd
	ended   chan error
	output  bytes.Buffer
}

// Start starts a Meilisearch from the binary on the PATH; it is stopped with the test. Without one the test is skipped
// with a visible message: no package registry has the server. `make check` skips it too.
func Start(t testing.TB) *Process {
	t.Helper()
	if testing.Short() && os.Getenv("VIGIE_TEST_ALL") == "" {
		t.Skip("NOT RUN: the inner loop tests Bleve alone")
	}
	binary, err := exec.LookPath("meilisearch")
	if err != nil {
		t.Skip("NOT RUN ON MEILISEARCH: SET VIGIE_TEST_MEILI_URL, OR PUT A meilisearch BINARY ON THE PATH")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	p := &Process{URL: "http://" + address, Key: "a key for tests alone", t: t, binary: binary, dir: t.TempDir()}
	t.Cleanup(p.Kill)
	p.Restart()
	return p
}

// Kill ends the process as a crash does. It need not be running.
func (p *Process) Kill() {
	if p.running == nil {
		return
	}
	_ = p.running.Process.Kill()
	<-p.ended
	p.running = nil
}

// Restart starts the process, which is not running, with the data that it had, and waits until it answers.
func (p *Process) Restart() {
	p.t.Helper()
	// By default it reserves two thirds of the memory for each task, which takes time even for one document.
	command := exec.Command(p.binary, "--max-indexing-memory", "200MiB", "--max-indexing-threads", "1", "--no-analytics", "--env", "development",
		"--http-addr", p.URL[len("http://"):], "--master-key", p.Key,
		"--db-path", p.dir+"/data", "--dump-dir", p.dir+"/dumps", "--snapshot-dir", p.dir+"/snapshots")
	command.Dir = p.dir
	p.output.Reset()
	command.Stdout, command.Stderr = &p.output, &p.output
	if err := command.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	p.running, p.ended = command, ended
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if response, err := http.Get(p.URL + "/health"); err == nil {
			_ = response.Body.Close()
			return
		}
		select {
		case err := <-ended:
			p.running = nil
			p.t.Fatalf("meilisearch ended: %v\n%s", err, &p.output)
		default:
		}
	}
	p.t.Fatal("meilisearch does not answer")
}

// Pause stops the process without ending it: connections to it stay open, and nothing is answered. Resume has it go on.
func (p *Process) Pause()  { p.signal(syscall.SIGSTOP) }
func (p *Process) Resume() { p.signal(syscall.SIGCONT) }

func (p *Process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.running.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// Empty deletes all that the process has stored, which must not be running.
func (p *Process) Empty() {
	p.t.Helper()
	if err := os.RemoveAll(filepath.Join(p.dir, "data")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		p.t.Fatal(err)
	}
}
