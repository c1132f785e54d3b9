// Package meilitest gives tests a real Meilisearch.
package meilitest

import (
	"bytes"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Server returns the address and the key of a Meilisearch: the one in VIGIE_TEST_MEILI_URL and VIGIE_TEST_MEILI_KEY,
// else one that is started from the binary on the PATH and stopped with the test. Without either the test is skipped
// with a visible message: no package registry has the server.
// `make check` skips it too.
func Server(t testing.TB) (url, key string) {
	t.Helper()
	if url := os.Getenv("VIGIE_TEST_MEILI_URL"); url != "" {
		return url, os.Getenv("VIGIE_TEST_MEILI_KEY")
	}
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
	dir := t.TempDir()
	url, key = "http://"+address, "a key for tests alone"
	// By default it reserves two thirds of the memory for each task, which takes time even for one document.
	command := exec.Command(binary, "--max-indexing-memory", "200MiB", "--max-indexing-threads", "1", "--no-analytics", "--env", "development", "--http-addr", address,
		"--master-key", key, "--db-path", dir+"/data", "--dump-dir", dir+"/dumps", "--snapshot-dir", dir+"/snapshots")
	command.Dir = dir
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if response, err := http.Get(url + "/health"); err == nil {
			_ = response.Body.Close()
			return url, key
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("meilisearch ended: %v\n%s", err, &output)
		default:
		}
	}
	t.Fatalf("meilisearch does not answer\n%s", &output)
	return "", ""
}
