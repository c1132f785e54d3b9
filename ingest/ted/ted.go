// Package ted reads the notices of Tenders Electronic Daily, the supplement to the Official Journal of the European
// Union, as the Publications Office gives them: XML in eForms, one file a notice, alone or in daily packages (reuse
// under Decision 2011/833/EU).
package ted

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"iter"
	"regexp"
	"slices"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/eforms"
	"vigie/ingest/tree"
)

// Source is the name of this source.
const Source = "ted"

// Read reads a notice, or all of a tar archive, one at a time, in memory that does not grow with the archive; packed
// with gzip, or not. It can be ranged over once.
//
// What is not a readable notice is refused, with its name in the archive and the reason, and reading goes on at the next.
func Read(r io.Reader) iter.Seq[ingest.Record] {
	return func(yield func(ingest.Record) bool) {
		file := bufio.NewReaderSize(ingest.Unpacked(r), tarBlock)
		if start, _ := file.Peek(tarBlock); isTar(start) {
			readArchive(file, yield)
			return
		}
		yield(readNotice(file, ""))
	}
}

// tarBlock is the length of a header in a tar archive.
const tarBlock = 512

// isTar reports whether a file that starts so is a tar archive.
func isTar(start []byte) bool {
	return len(start) == tarBlock && bytes.Equal(start[257:262], []byte("ustar"))
}

// readArchive reads every file of a tar archive.
func readArchive(file io.Reader, yield func(ingest.Record) bool) {
	archive := tar.NewReader(file)
	var content bytes.Buffer
	last := ""
	for {
		header, err := archive.Next()
		// A file is read before it is unpacked: what fails until then is the archive, and after it this file alone.
		if content.Reset(); err == nil && header.Size <= tree.MaxSize {
			_, err = content.ReadFrom(archive)
		}
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			yield(ingest.Record{Entry: last, Err: ingest.Unreadable(err)})
			return
		}
		var record ingest.Record
		switch last = entryName(header.Name); {
		case header.Typeflag == tar.TypeDir || header.Typeflag == tar.TypeXGlobalHeader:
			continue
		case header.Typeflag != tar.TypeReg:
			record = ingest.Refuse("", notFile, nil)
		case header.Size > tree.MaxSize:
			record = ingest.Refuse("", tooLarge(), nil)
		default:
			record = readNotice(ingest.Unpacked(&content), header.Name)
			if vigie.CodeOf(record.Err) == vigie.Unavailable {
				record = ingest.Refuse("", broken, record.Err)
			}
		}
		record.Entry = last
		if !yield(record) {
			return
		}
	}
}

// entryName is the name of a file in an archive, as it can be shown.
func entryName(name string) string { return ingest.Shorten(ingest.Clean(name), ingest.MaxName) }

// readNotice reads one notice, which is all that r has.
func readNotice(r io.Reader, name string) ingest.Record {
	root, n, err := tree.ReadXML(r, isKnown, "listName", "languageID", "currencyID", "unitCode")
	syntax, isSyntax := errors.AsType[*xml.SyntaxError](err)
	switch {
	case root.Local == "TED_EXPORT":
		return ingest.Refuse("", oldSchema, nil)
	case errors.Is(err, tree.ErrDoctype):
		return ingest.Refuse("", hasDoctype, err)
	case errors.Is(err, tree.ErrTooDeep):
		return ingest.Refuse("", tooDeep, err)
	case errors.Is(err, tree.ErrTooLarge):
		return ingest.Refuse("", tooLarge(), err)
	case isSyntax && root.Local == "":
		return ingest.Refuse("", notXML, err)
	case isSyntax:
		record := ingest.Refuse("", broken, err)
		record.Line = syntax.Line
		return record
	case err != nil && root.Local == "" && !errors.Is(err, io.ErrUnexpectedEOF):
		return ingest.Refuse("", notXML, err)
	case err != nil:
		return ingest.Record{Err: ingest.Unreadable(err)}
	case !isNotice(root):
		return ingest.Refuse("", notNotice.With(ingest.Shorten(ingest.Clean(root.Local), ingest.MaxRef)), nil)
	}
	notice := eforms.Read(n, eforms.Given{})
	if notice.Number == "" {
		notice.Number = numberIn(name)
	}
	if notice.Number == "" {
		notice.Number = notice.Identifier // it is not published yet
	}
	return record(notice, root.Local)
}

// isKnown reports whether notices have elements in a namespace.
func isKnown(namespace string) bool { return slices.Contains(namespaces, namespace) }

// namespaces are those of UBL, and of what the eForms add to it. The namespace of roots is not needed below them.
var namespaces = []string{
	ubl + "CommonAggregateComponents-2",
	ubl + "CommonBasicComponents-2",
	ubl + "CommonExtensionComponents-2",
	"http://data.europa.eu/p27/eforms-ubl-extensions/1",
	"http://data.europa.eu/p27/eforms-ubl-extension-aggregate-components/1",
	"http://data.europa.eu/p27/eforms-ubl-extension-basic-components/1",
}

const (
	ubl = "urn:oasis:names:specification:ubl:schema:xsd:"
	// registration is the root of notices about companies, X01 and X02.
	registration = "BusinessRegistrationInformationNotice"
)

// isNotice reports whether the root of a document is that of a notice in eForms.
func isNotice(root xml.Name) bool {
	switch root.Local {
	case "ContractNotice", "ContractAwardNotice", "PriorInformationNotice":
		return root.Space == ubl+root.Local+"-2"
	}
	return root.Local == registration
}

// numberIn makes out the number of a notice from the name of its file: « 00497150_2026.xml ».
func numberIn(name string) string {
	if found := numberInName.FindStringSubmatch(name); found != nil {
		return found[1] + "-" + found[2]
	}
	return ""
}

var numberInName = regexp.MustCompile(`(?:^|/)0*([1-9][0-9]{0,8})[_-](20[0-9]{2})\.xml(?:\.gz)?$`)

// record makes a notice of what was read, or says why it is none.
func record(n eforms.Notice, root string) ingest.Record {
	switch {
	case n.Subtype == "X01" || n.Subtype == "X02" || root == registration:
		return ingest.Refuse(n.Number, notProcurement, nil)
	case n.Number == "":
		return ingest.Refuse("", noNumber, nil)
	case n.Content.Title == "":
		return ingest.Refuse(n.Number, noTitle, nil)
	case n.Buyer.Name == "":
		return ingest.Refuse(n.Number, noBuyer, nil)
	case n.PublishedAt.IsZero():
		return ingest.Refuse(n.Number, noDate, nil)
	}
	notice := &vigie.Notice{
		Source: Source, SourceRef: n.Number, Kind: n.Kind, PublishedAt: n.PublishedAt,
		Links: links(n), Identifier: n.Identifier,
		Buyer: vigie.BuyerName{
			Name: n.Buyer.Name, SIRET: n.Buyer.SIRET, City: n.Buyer.Town, DepartmentCode: n.Buyer.Department,
		},
		Content: n.Content,
	}
	c := &notice.Content
	if n.Number != n.Identifier {
		c.URL = "https://ted.europa.eu/en/notice/-/detail/" + n.Number
	}
	if ingest.Same(c.Description, c.Title) {
		c.Description = ""
	}
	if notice.Kind == vigie.Planning { // it cannot be answered
		c.Deadline, c.DeadlineKind, c.DeadlineText = nil, "", ""
	}
	locate(c, n)
	ingest.Bound(notice)
	return ingest.Record{Notice: notice, Ref: n.Number}
}

// links are the notices before this one, and the procedure.
func links(n eforms.Notice) []string {
	var links []string
	for _, number := range n.Earlier.Numbers {
		if number != n.Number {
			links = append(links, number)
		}
	}
	for _, identifier := range n.Earlier.Identifiers {
		if identifier != n.Identifier {
			links = append(links, vigie.NoticeLink(identifier))
		}
	}
	if procedurePattern.MatchString(n.Procedure) {
		links = append(links, vigie.ProcedureLink(n.Procedure))
	}
	return links
}

// procedurePattern is what the number of a procedure may be made of.
var procedurePattern = regexp.MustCompile(`^[0-9A-Za-z_-]{8,100}$`)

// locate fills in the departments. Where nothing is said of the place, it is taken to be where the buyer is: else the
// tender of a town in Spain would count as nationwide. What ends a tender leaves the place as it was said before.
func locate(c *vigie.Content, n eforms.Notice) {
	c.Departments = n.Area.List()
	ends := n.Kind == vigie.Award || n.Kind == vigie.Cancellation
	if n.Area.Known() || len(c.Details.Places) > 0 || n.Buyer.Country == "" || ends {
		return
	}
	if seat := (vigie.Place{Country: n.Buyer.Country}); seat.Abroad() {
		c.Details.Places = []vigie.Place{seat}
	} else if n.Buyer.Department != "" {
		c.Departments = []string{n.Buyer.Department}
	}
}
