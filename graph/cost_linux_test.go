package graph_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// processors returns what tells how much time of the processors something takes
// of this process and of PostgreSQL, and how much of the processes that this one
// started: of Meilisearch.
func processors(t *testing.T) func(do func()) (own, engine time.Duration) {
	t.Helper()
	var parents []string
	if url := os.Getenv("VIGIE_TEST_POSTGRES_URL"); url != "" {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		var backend int
		if err := conn.QueryRow(t.Context(), "SELECT pg_backend_pid()").Scan(&backend); err != nil {
			t.Fatal(err)
		}
		if stat := statOf(fmt.Sprintf("/proc/%d/stat", backend)); stat != nil { // it is on this machine
			parents = append(parents, stat[1])
		}
	}
	own := func() time.Duration {
		var usage syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
			t.Fatal(err)
		}
		return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	}
	started := []string{strconv.Itoa(os.Getpid())}
	return func(do func()) (ours, engine time.Duration) {
		theirs, engine := timeOfChildren(parents), timeOfChildren(started)
		ours = own()
		do()
		ours = own() - ours + timeOfChildren(parents) - theirs
		return ours, timeOfChildren(started) - engine
	}
}

// timeOfChildren is what the children of processes took so far.
func timeOfChildren(parents []string) (total time.Duration) {
	const tick = 10 * time.Millisecond
	names, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, name := range names {
		if stat := statOf(name); stat != nil && slices.Contains(parents, stat[1]) {
			for _, field := range stat[11:13] {
				ticks, _ := strconv.Atoi(field)
				total += time.Duration(ticks) * tick
			}
		}
	}
	return total
}

// statOf are the fields of a process's status after its name; nil where it ended.
func statOf(name string) []string {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(content), ") ")
	return strings.Fields(rest)
}
