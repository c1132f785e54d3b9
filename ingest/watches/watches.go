// Package watches reads watches that another system had, from JSON Lines or a
// JSON list: each is as [Watch] says.
package watches

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"strings"
	"time"
	"unicode"

	"vigie"
	"vigie/ingest"
)

// Watch is a line. What is absent, or null, was not said.
type Watch struct {
	// ExternalID is what the other system calls the watch.
	ExternalID Ref `json:"externalId"`
	// Subject is whose it is, as the claim « sub » of that person's tokens says,
	// and Email the person's address.
	Subject Ref    `json:"subject"`
	Email   string `json:"email"`
	Name    string `json:"name"`
	// Keywords are a list, or KeywordsText one text.
	Keywords          *[]string `json:"keywords,omitempty"`
	KeywordsText      *string   `json:"keywordsText,omitempty"`
	Mode              string    `json:"mode,omitempty"` // ALL, ANY
	ExcludedKeywords  *[]string `json:"excludedKeywords,omitempty"`
	Buyers            []Buyer   `json:"buyers,omitempty"`
	Departments       *[]string `json:"departments,omitempty"`
	IncludeNationwide *bool     `json:"includeNationwide,omitempty"`
	Natures           []string  `json:"natures,omitempty"` // WORKS, SUPPLIES, SERVICES
	Procedures        []string  `json:"procedures,omitempty"`
	CPVCodes          *[]string `json:"cpvCodes,omitempty"`
	Active            *bool     `json:"active,omitempty"`
	Frequency         string    `json:"frequency,omitempty"` // IMMEDIATE, DAILY, WEEKLY
	// Recipients are all that the watch writes to, its owner among them; nil for
	// its owner alone.
	Recipients *[]Recipient `json:"recipients,omitempty"`
	CreatedAt  *Time        `json:"createdAt,omitempty"`
}

// Lists returns the criteria that are lists of values, by their names; buyers are not among them.
func (w *Watch) Lists() map[string][]string {
	given := func(list *[]string) []string {
		if list == nil {
			return nil
		}
		return *list
	}
	return map[string][]string{"departments": given(w.Departments), "natures": w.Natures, "procedures": w.Procedures, "cpvCodes": given(w.CPVCodes)}
}

// Ref is a text, or a whole number, by which another system knows something.
type Ref string

// UnmarshalJSON implements [json.Unmarshaler].
func (r *Ref) UnmarshalJSON(text []byte) error {
	var number json.Number // a string too
	if len(text) > 0 && text[0] != '"' {
		err := json.Unmarshal(text, &number)
		if *r = Ref(number); strings.ContainsAny(number.String(), ".eE") {
			return said(vigie.Text{
				FR: "« %s » n’est pas un nombre entier. Écrivez un identifiant entier, ou un texte.",
				EN: "“%s” is not a whole number. Write an id as a whole number, or as text.",
			}.With(number.String()))
		}
		return err
	}
	return json.Unmarshal(text, (*string)(r))
}

// Buyer is a buyer by its SIRET or its name, alone as a text or with more as an
// object.
type Buyer struct {
	Name       string `json:"name,omitempty"`
	SIRET      string `json:"siret,omitempty"`
	Department string `json:"department,omitempty"`
}

// UnmarshalJSON implements [json.Unmarshaler].
func (b *Buyer) UnmarshalJSON(text []byte) error {
	type plain Buyer
	alone, err := textOr(text, (*plain)(b))
	if alone == "" || err != nil {
		return err
	}
	if digits := strings.Join(strings.Fields(alone), ""); len(digits) == 14 && !strings.ContainsFunc(digits, func(r rune) bool { return !unicode.IsDigit(r) }) {
		b.SIRET = digits
	} else {
		b.Name = alone
	}
	return nil
}

// Recipient is an address, alone as a text, or with the time at which its owner
// confirmed it.
type Recipient struct {
	Email       string `json:"email"`
	ConfirmedAt *Time  `json:"confirmedAt,omitempty"`
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *Recipient) UnmarshalJSON(text []byte) error {
	type plain Recipient
	alone, err := textOr(text, (*plain)(r))
	if alone != "" {
		r.Email = alone
	}
	return err
}

// textOr reads a text, or an object, in which everything must be known.
func textOr(text []byte, object any) (alone string, err error) {
	if len(text) > 0 && text[0] == '"' {
		return alone, json.Unmarshal(text, &alone)
	}
	return "", strictly(text, object)
}

// Time is a moment (RFC 3339), or a day, which begins as UTC's does.
type Time struct{ time.Time }

// UnmarshalJSON implements [json.Unmarshaler].
func (t *Time) UnmarshalJSON(text []byte) error {
	var s string
	err := json.Unmarshal(text, &s)
	if err != nil || string(text) == "null" {
		return err
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t.Time, err = time.Parse(layout, s); err == nil {
			t.Time = t.UTC().Truncate(time.Microsecond)
			if t.Year() < 1 || t.Year() > 9999 { // by the offset
				break
			}
			return nil
		}
	}
	return said(vigie.Text{
		FR: "« %s » n’est pas une date. Écrivez 2021-03-04T10:00:00Z ou 2021-03-04.",
		EN: "“%s” is not a time. Write 2021-03-04T10:00:00Z or 2021-03-04.",
	}.With(s))
}

// Record is one line, or the reason why it is no watch.
type Record struct {
	Watch *Watch // nil where it was refused
	// Line is counted from 1 in the file as unpacked.
	Line int
	// ExternalID is the watch's, also of a refused one if it could be read.
	ExternalID string
	// Err is a [vigie.Error], of code [vigie.Unavailable] where the file itself
	// could not be read on.
	Err error
	// Notes are what was read as something other than the line says.
	Notes []vigie.Text
}

// maxLine bounds one line, in bytes: above a watch with every list full.
const maxLine = 1 << 20

// Read reads every line of a file, packed with gzip or not, one at a time, in
// memory that does not grow with the file. It can be ranged over once. Empty
// lines are skipped; a line that is not a watch is refused, and reading goes on.
func Read(r io.Reader) iter.Seq[Record] {
	return func(yield func(Record) bool) {
		in := bufio.NewReaderSize(ingest.Unpacked(r), 64<<10)
		if startsList(in) {
			readList(in, yield)
			return
		}
		for line := 1; ; line++ {
			text, long, err := nextLine(in)
			if line == 1 {
				text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
			}
			switch {
			case err != nil && !errors.Is(err, io.EOF):
				yield(Record{Line: line, Err: ingest.Unreadable(err)})
				return
			case long:
				if !yield(Record{Line: line, Err: notRead(nil)}) {
					return
				}
			case len(bytes.TrimSpace(text)) > 0:
				if !yield(read(line, text)) {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
}

// nextLine reads to the end of a line; of one that is too long it keeps nothing.
func nextLine(in *bufio.Reader) (text []byte, long bool, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if long = long || len(text)+len(part) > maxLine; long {
			text = nil
		} else {
			text = append(text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return text, long, err
		}
	}
}

func read(line int, text []byte) Record {
	w := new(Watch)
	text, notes := lenient(text)
	if err := strictly(text, w); err != nil {
		var only struct {
			ExternalID Ref `json:"externalId"`
		}
		_ = json.Unmarshal(text, &only) // what there is of it
		return Record{Line: line, ExternalID: string(only.ExternalID), Err: notRead(err)}
	}
	return Record{Watch: w, Line: line, ExternalID: string(w.ExternalID), Notes: notes}
}

// strictly reads JSON in which everything must be known: a criterion that is
// misspelt must not be left out.
func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return said(vigie.Text{
			FR: "Cette ligne contient plus d’un objet JSON.",
			EN: "This line has more than one JSON object.",
		})
	}
	return nil
}

func notRead(cause error) error {
	if cause == nil {
		return &vigie.Error{Code: vigie.TooLong, Text: vigie.Text{
			FR: "La ligne dépasse %d Mio : elle n’a pas été lue.",
			EN: "The line is larger than %d MiB: it was not read.",
		}.With(maxLine >> 20)}
	}
	return said(reason(cause))
}

// said is a reason that a person can read.
func said(text vigie.Text) error { return &vigie.Error{Code: vigie.Invalid, Text: text} }
