package ocds

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestMemoryForgets keeps within its bound: the oldest ocids are forgotten, and
// one that is too large at once.
func TestMemoryForgets(t *testing.T) {
	m := newMemory(10_000)
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	add := func(ocid string, words int) map[string]any {
		at = at.Add(time.Hour)
		return m.with(ocid, at, map[string]any{"id": "x", ocid: strings.Repeat("mot ", words), "documents": strings.Repeat("mot ", 10_000)})
	}
	for i := range 100 {
		add(fmt.Sprint("o", i%60), 100)
		size := 0
		for _, ocid := range m.order {
			size += m.known[ocid].size
		}
		if size != m.size || len(m.known) != len(m.order) || m.size > 10_000 {
			t.Fatalf("after %d: size %d, really %d; %d known, %d in order", i, m.size, size, len(m.known), len(m.order))
		}
	}
	if _, old := m.known["o0"]; old || len(m.known) < 10 {
		t.Errorf("%d known, the oldest: %t", len(m.known), old)
	}
	if all := add("o39", 1); len(all) != 1 {
		t.Errorf("together %v", all)
	}
	if all := m.with("o39", at.Add(time.Hour), map[string]any{"more": "x"}); len(all) != 2 {
		t.Errorf("together %v", all)
	}
	if add("large", 1000); m.known["large"].merged != nil || m.order[len(m.order)-1] == "large" {
		t.Error("what is too large was kept")
	}
	if all := m.with("large", at, map[string]any{"more": "x"}); len(all) != 1 {
		t.Errorf("together %v", all)
	}
}
