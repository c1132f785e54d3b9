// Package boamp reads the notices of the Bulletin officiel des annonces des
// marchés publics, as the DILA publishes them in the dataset « boamp » on
// Opendatasoft (boamp-datadila.opendatasoft.com), Licence Ouverte 2.0.
package boamp

import (
	"encoding/json"
	"io"
	"iter"

	"vigie/ingest"
)

// Source is the name of this source.
const Source = "boamp"

// Read reads every record of a file, one at a time, in memory that does not
// grow with the file. It can be ranged over once.
//
// The file may be JSON Lines, a list, or what versions 1, 2.0 and 2.1 of the
// API answer; packed with gzip, or not. A record that is not a readable notice is
// refused, with its line and the reason, and reading goes on at the next; so
// is the record that a truncated file ends in, and one that is larger than any
// notice, which is never held whole.
func Read(r io.Reader) iter.Seq[ingest.Record] {
	return func(yield func(ingest.Record) bool) {
		c := newCutter(ingest.Unpacked(r), func(p piece) bool { return yield(p.read()) })
		if err := c.run(); err != nil && !c.stop {
			yield(ingest.Record{Line: c.line, Err: ingest.Unreadable(err)})
		}
	}
}

// read makes a notice of what was cut.
func (p piece) read() ingest.Record {
	if p.fault != whole {
		return refuse(p.line, refIn(p.data), p.fault.reason(), nil)
	}
	var object map[string]any
	if err := json.Unmarshal(p.data, &object); err != nil {
		return refuse(p.line, refIn(p.data), notValid, err)
	}
	f := fields{values: unwrapped(object)}
	notice, reason := f.notice()
	if notice == nil {
		return refuse(p.line, f.text("idweb"), reason, nil)
	}
	return ingest.Record{Notice: notice, Line: p.line, Ref: notice.SourceRef}
}

// unwrapped returns the fields of a record: version 1 of the API has them in
// « fields », version 2.0 in « record.fields ».
func unwrapped(object map[string]any) map[string]any {
	if record, ok := object["record"].(map[string]any); ok {
		object = record
	}
	if values, ok := object["fields"].(map[string]any); ok {
		return values
	}
	return object
}
