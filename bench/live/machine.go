package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Memory is what Linux says a process holds in memory, in bytes; 0 elsewhere.
func Memory(pid int) int64 {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(text) {
		if fields := strings.Fields(string(line)); len(fields) > 1 && fields[0] == "VmRSS:" {
			kilobytes, _ := strconv.ParseInt(fields[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

// CPU is the processor time that a process and its children have taken, by Linux; 0 elsewhere, and for the process 0, of which
// nothing is known.
func CPU(pid int) time.Duration {
	if pid == 0 {
		return 0
	}
	const tick = 10 * time.Millisecond // of /proc, whatever the kernel's own is
	var total time.Duration
	for _, p := range processes() {
		if p.pid == pid || p.parent == pid {
			total += time.Duration(p.ticks) * tick
		}
	}
	return total
}

// PostgreSQL is the process of the server that a URL leads to, where that is on this machine and says so; else 0.
func PostgreSQL(ctx context.Context, url string) (pid int, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	return Parent(int(conn.PgConn().PID())), nil
}

// Parent is the process that started another; 0 where that is not known.
func Parent(pid int) int {
	for _, p := range processes() {
		if p.pid == pid {
			return p.parent
		}
	}
	return 0
}

// task is what Linux says of a process.
type task struct{ pid, parent, ticks int }

func processes() []task {
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil
	}
	var all []task
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		// After the name in brackets come the state, the parent, and, as the 12th
		// to the 15th, the time in user and system mode, and the same of children
		// that have ended.
		id, rest, _ := strings.Cut(string(text), " (")
		fields := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
		numbers := make([]int, 0, 6)
		for _, text := range append([]string{id, fields[1]}, fields[11:15]...) {
			n, err := strconv.Atoi(text)
			if err != nil {
				return nil
			}
			numbers = append(numbers, n)
		}
		all = append(all, task{numbers[0], numbers[1], numbers[2] + numbers[3] + numbers[4] + numbers[5]})
	}
	return all
}

// Load is how many processes have been running or waiting to run, on average over the last minute; 0 where the system does
// not say.
func Load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return 0
	}
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}

// Disk is how much of the disk a file, or all files below a folder, take, in bytes.
func Disk(path string) (int64, error) {
	var total int64
	err := filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // it was deleted meanwhile
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if said, ok := info.Sys().(*syscall.Stat_t); ok {
			total += said.Blocks * 512 // files with holes take less than they are long
		}
		return nil
	})
	return total, err
}
