//go:build !linux

package database

import "syscall"

// limitSilence works on Linux only; elsewhere only keep-alives find broken connections.
func limitSilence(string, string, syscall.RawConn) error { return nil }
