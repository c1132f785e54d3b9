package main

import (
	"runtime/debug"
	"testing"
)

// What a burst has filled is given back, and not before there is much of it.
func TestTrim(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1)) // no other collection comes in between
	debug.FreeOSMemory()
	kept := resident()
	for range int(kept>>20) + 50 {
		garbage := make([]byte, 1<<20)
		for i := 0; i < len(garbage); i += 4096 {
			garbage[i] = 1
		}
	}
	filled := resident()
	if now := trimAbove(2 * filled); now != 2*filled || resident() < filled {
		t.Errorf("%d were given back of %d", filled-resident(), filled)
	}
	if now := trimAbove(kept); now > kept+kept/4 || resident() > kept+kept/4 {
		t.Errorf("%d are kept of %d, and were %d before", resident(), filled, kept)
	}
}
