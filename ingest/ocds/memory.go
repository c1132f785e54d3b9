package ocds

import (
	"slices"
	"time"
)

// maxRemembered is about how many bytes are remembered of what was read before.
const maxRemembered = 32 << 20

// memory is what was read before, of as many ocids as there is room for: the
// oldest are forgotten.
type memory struct {
	known map[string]remembered
	// order has the ocids as they came.
	order      []string
	size, most int
}

// remembered is what all releases of an ocid say together, without what no later
// release is read with; latest is the date of the last of them.
type remembered struct {
	merged map[string]any
	latest time.Time
	size   int
}

func newMemory(most int) *memory {
	return &memory{known: make(map[string]remembered), most: most}
}

// with remembers a release, and returns what it and those before it say together.
func (m *memory) with(ocid string, at time.Time, release map[string]any) map[string]any {
	release, _ = trimmed(release).(map[string]any)
	merged := over(nil, release)
	all := merged
	before, known := m.known[ocid]
	switch {
	case !known:
		m.order = append(m.order, ocid)
	case at.Before(before.latest): // what is newer says nothing about it
		merged, at = over(merged, before.merged), before.latest
	default:
		merged = over(before.merged, release)
		all = merged
	}
	m.size -= before.size
	if now := (remembered{merged, at, sizeOf(merged)}); now.size <= m.most/8 {
		m.known[ocid] = now
		m.size += now.size
	} else {
		delete(m.known, ocid)
		m.order = slices.DeleteFunc(m.order, func(other string) bool { return other == ocid })
	}
	for m.size > m.most {
		m.size -= m.known[m.order[0]].size
		delete(m.known, m.order[0])
		m.order = m.order[1:]
	}
	return all
}

// unneeded are the fields that no later release is read with.
var unneeded = []string{
	"amendment", "amendments", "bids", "contactPoint", "documents", "implementation", "milestones", "planning", "relatedProcesses", "tenderers",
}

// trimmed is a copy of a value without what is not needed.
func trimmed(v any) any {
	switch v := v.(type) {
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, value := range v {
			if !slices.Contains(unneeded, name) {
				object[name] = trimmed(value)
			}
		}
		return object
	case []any:
		list := make([]any, len(v))
		for i, value := range v {
			list[i] = trimmed(value)
		}
		return list
	}
	return v
}

// sizeOf is about how many bytes a value takes in memory.
func sizeOf(v any) int {
	const field, element = 64, 16
	switch v := v.(type) {
	case map[string]any:
		size := 48
		for name, value := range v {
			size += field + len(name) + sizeOf(value)
		}
		return size
	case []any:
		size := 24
		for _, value := range v {
			size += element + sizeOf(value)
		}
		return size
	case string:
		return 16 + len(v)
	}
	return 16
}
