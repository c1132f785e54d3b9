package attack

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// ticks is how often a second Linux counts a process's time (USER_HZ).
const ticks = 100

// cpu is how much processor time a process has taken.
func cpu(t testing.TB, pid int) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	// The name may hold anything; what follows it does not.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	total := time.Duration(0)
	for _, field := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(field)
		if err != nil {
			t.Fatal(err)
		}
		total += time.Duration(n) * time.Second / ticks
	}
	return total
}

// memory is a line of a process's status, in bytes: VmRSS, what it has now, or
// VmHWM, the most that it had.
func memory(t testing.TB, pid int, line string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n"+line+":")
	fields := strings.Fields(rest)
	if !found || len(fields) == 0 {
		t.Fatalf("there is no %s", line)
	}
	n, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// forgetPeak has VmHWM begin again from what the process has now.
func forgetPeak(t testing.TB, pid int) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// mebibytes is for people to read.
func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }
