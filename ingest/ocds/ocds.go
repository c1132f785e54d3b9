// Package ocds reads notices in the Open Contracting Data Standard, version 1.1
// (standard.open-contracting.org/1.1): releases and records. Of version 1.2, and
// of the extensions for lots, techniques, bids, award criteria, sustainability
// and locations, it reads what it needs.
package ocds

import (
	"bytes"
	"io"
	"iter"
	"slices"
	"strings"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/cut"
	"vigie/ingest/tree"
)

// publisher is who publishes under a prefix of ocids that the standard gave.
type publisher struct {
	prefix, source string
	// zone is that of times without one.
	zone string
	// series is whether release ids are unique over all ocids.
	series bool
}

var publishers = []publisher{
	{"ocds-h6vhtk-", "find-a-tender", "Europe/London", true},
	{"ocds-b5fd17-", "contracts-finder", "Europe/London", true},
	{"ocds-r6ebe6-", "public-contracts-scotland", "Europe/London", false},
}

// publisherOf returns who publishes what has an ocid.
func publisherOf(ocid string) publisher {
	for _, p := range publishers {
		if strings.HasPrefix(ocid, p.prefix) {
			return p
		}
	}
	return publisher{source: "ocds", zone: "UTC"}
}

// Read reads every release of a single file, as a [Reader] does.
func Read(r io.Reader, source string) iter.Seq[ingest.Record] { return NewReader(source).Read(r) }

// Reader reads files that belong together. A release often says only what
// changed: it is read with what the same file and those before it said of its
// ocid, so the files must have older releases first. About 32 MiB are remembered, of the
// ocids that came last.
type Reader struct {
	source string
	memory *memory
}

// NewReader makes a reader of files of which the notices are of a source, or,
// where that is "", of the one that the prefix of the ocid means, "ocds" where
// that is not known.
func NewReader(source string) *Reader {
	return &Reader{source: source, memory: newMemory(maxRemembered)}
}

// Read reads every release of a file, one at a time, in memory that does not
// grow with the file. It can be ranged over once.
//
// The file may be a release package, a record package, a list of releases or
// records, or JSON Lines of any of those; packed with gzip, or not. Of a record
// the releases are read, in the order of their dates, or, where it only has links
// to them, the compiled release. What cannot be read is refused, with its line
// and the reason, and reading goes on.
//
// A notice says what its release says. Where that is a part of a list (some of
// the lots, some of the awards of a lot), the rest is what was read before of the
// same ocid, for the fold of notices replaces lists.
func (f *Reader) Read(r io.Reader) iter.Seq[ingest.Record] {
	return func(yield func(ingest.Record) bool) {
		line, err := cut.Each(ingest.Unpacked(r), shape, func(p cut.Piece) bool {
			for _, record := range f.read(p) {
				if !yield(record) {
					return false
				}
			}
			return true
		})
		if err != nil {
			yield(ingest.Record{Line: line, Err: ingest.Unreadable(err)})
		}
	}
}

// shape is where packages have their records and releases. A record has
// releases too, and an ocid, and is read as a whole.
var shape = cut.Shape{
	List: func(key string, before []byte) bool {
		return key == "records" || key == "releases" && !bytes.Contains(before, []byte(`"ocid"`))
	},
	Enter: func(string) bool { return false },
}

// read makes notices of what was cut.
func (f *Reader) read(p cut.Piece) []ingest.Record {
	if p.Fault != cut.Whole {
		return []ingest.Record{refuse(p.Line, idIn(p.Data), faultReason(p.Fault), nil)}
	}
	object, err := tree.Object(p.Data)
	if err != nil {
		return []ingest.Record{refuse(p.Line, idIn(p.Data), notValid, err)}
	}
	releases, reason := releasesOf(object)
	if reason.FR != "" {
		return []ingest.Record{refuse(p.Line, text(object["ocid"]), reason, nil)}
	}
	var record tree.Nodes
	if len(releases) > 1 {
		record = tree.Parse(Merge(releases))
	}
	records := make([]ingest.Record, len(releases))
	for i, object := range releases {
		r := f.release(object)
		r.record = record
		notice, reason := r.notice()
		if notice == nil {
			records[i] = refuse(p.Line, text(object["id"]), reason, nil)
			continue
		}
		records[i] = ingest.Record{Notice: notice, Line: p.Line, Ref: notice.SourceRef}
	}
	return records
}

// releasesOf returns the releases of an object, which is a release or a record.
func releasesOf(object map[string]any) (releases []map[string]any, reason vigie.Text) {
	compiled, _ := object["compiledRelease"].(map[string]any)
	list, isRecord := object["releases"].([]any)
	if !isRecord && compiled == nil && object["versionedRelease"] == nil {
		if object["ocid"] == nil && object["tag"] == nil && object["tender"] == nil {
			return nil, otherShape
		}
		return []map[string]any{object}, vigie.Text{}
	}
	linked := false
	for _, release := range objectsOf(list) {
		if release["url"] != nil && release["id"] == nil {
			linked = true
			continue
		}
		if release["ocid"] == nil {
			release["ocid"] = object["ocid"]
		}
		releases = append(releases, release)
	}
	switch {
	case compiled != nil && (linked || len(releases) == 0):
		return []map[string]any{compiled}, vigie.Text{}
	case len(releases) == 0:
		return nil, noRelease
	}
	slices.SortStableFunc(releases, byDate)
	return releases, vigie.Text{}
}
