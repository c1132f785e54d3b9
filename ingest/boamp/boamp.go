// Package boamp reads the notices of the Bulletin officiel des annonces des
// marchés publics, as the DILA publishes them in the dataset « boamp » on
// Opendatasoft (boamp-datadila.opendatasoft.com), Licence Ouverte 2.0.
package boamp

import (
	"encoding/json"
	"io"
	"iter"

	"vigie/ingest"
	"vigie/ingest/cut"
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
		line, err := cut.Each(ingest.Unpacked(r), shape, func(p cut.Piece) bool { return yield(read(p)) })
		if err != nil {
			yield(ingest.Record{Line: line, Err: ingest.Unreadable(err)})
		}
	}
}

// shape is where the answers of the API have their records: version 2.1 in
// « results », those before in « records ».
var shape = cut.Shape{
	List:  func(key string, _ []byte) bool { return key == "results" || key == "records" },
	Enter: func(string) bool { return false },
}

// read makes a notice of what was cut.
func read(p cut.Piece) ingest.Record {
	if p.Fault != cut.Whole {
		return refuse(p.Line, refIn(p.Data), faultReason(p.Fault), nil)
	}
	var object map[string]any
	if err := json.Unmarshal(p.Data, &object); err != nil {
		return refuse(p.Line, refIn(p.Data), notValid, err)
	}
	f := fields{values: unwrapped(object)}
	notice, reason := f.notice()
	if notice == nil {
		return refuse(p.Line, f.text("idweb"), reason, nil)
	}
	return ingest.Record{Notice: notice, Line: p.Line, Ref: notice.SourceRef}
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
