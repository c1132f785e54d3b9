// Package decp reads the essential data of French public contracts (données
// essentielles de la commande publique): who was awarded what, and what was
// changed since. The formats are those of the decrees of 22 December 2022
// (format-commande-publique 2.0, JSON and XML) and of 22 March 2019, as buyers'
// platforms publish them, and the rows of the data sets « decp » at
// data.economie.gouv.fr. Licence Ouverte 2.0.
package decp

import (
	"bufio"
	"bytes"
	"io"
	"iter"

	"vigie/ingest"
	"vigie/ingest/cut"
	"vigie/ingest/tree"
)

// Source is the name of this source.
const Source = "decp"

// Read reads every contract of a file, one at a time, in memory that does not
// grow with the file. It can be ranged over once.
//
// The file may be JSON or XML with the contracts in « marches », the answers and
// exports of data.economie.gouv.fr, a list or JSON Lines; packed with gzip, or
// not. A contract is an award notice. Each of its modifications that changes the
// amount, the duration or who has the contract is one more, which links to it. So
// reading a file again gives the same notices. A record that cannot be read
// is refused, with its line and the reason, and reading goes on at the next one;
// in XML, where nothing after a fault can be read, it stops.
func Read(r io.Reader) iter.Seq[ingest.Record] {
	return func(yield func(ingest.Record) bool) {
		buffered := bufio.NewReader(ingest.Unpacked(r))
		each := func(line int, object map[string]any) bool {
			for _, record := range read(object) {
				record.Line = line
				if !yield(record) {
					return false
				}
			}
			return true
		}
		if isXML(buffered) {
			if last := readXML(buffered, each); last.Err != nil {
				yield(last)
			}
			return
		}
		line, err := cut.Each(buffered, shape, func(p cut.Piece) bool {
			if p.Fault != cut.Whole {
				return yield(refuse(p.Line, idIn(p.Data), faultReason(p.Fault), nil))
			}
			object, err := tree.Object(p.Data)
			if err != nil {
				return yield(refuse(p.Line, idIn(p.Data), notValid, err))
			}
			return each(p.Line, object)
		})
		if err != nil {
			yield(ingest.Record{Line: line, Err: ingest.Unreadable(err)})
		}
	}
}

// shape is where files have their contracts: in « marche » and
// « contrat-concession » within « marches », in « marches » itself (2019), or as
// the API of Opendatasoft answers.
var shape = cut.Shape{
	List: func(key string, _ []byte) bool {
		switch key {
		case "marches", "marche", "contrat-concession", "results", "records":
			return true
		}
		return false
	},
	Enter: func(key string) bool { return key == "marches" },
}

// isXML reports whether a file starts as XML does.
func isXML(r *bufio.Reader) bool {
	start, _ := r.Peek(512)
	start = bytes.TrimLeft(bytes.TrimPrefix(start, []byte("\xef\xbb\xbf")), " \t\r\n")
	return bytes.HasPrefix(start, []byte("<"))
}

// read makes notices of an object, which is a contract, or around some.
func read(object map[string]any) []ingest.Record {
	n := tree.Nodes{lowered(object)}
	if inner := n.Among("marches.marche", "marches.contrat-concession"); len(inner) > 0 {
		n = inner
	}
	var records []ingest.Record
	for _, fields := range n.Each() {
		// Version 1 of the API has the fields in « fields », version 2.0 in
		// « record.fields ».
		if inner := fields.Among("fields", "record.fields"); len(inner) > 0 {
			fields = inner[:1]
		}
		c := contract{fields}
		notices, reason := c.notices()
		if reason.FR != "" {
			records = append(records, ingest.Refuse(c.text("id"), reason, nil))
		}
		for _, notice := range notices {
			records = append(records, ingest.Record{Notice: notice, Ref: notice.SourceRef})
		}
	}
	return records
}
