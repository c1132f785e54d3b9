// Package ingest is what the readers of sources share. Each source has a
// package of its own below this one, which reads its files and yields a
// [Record] for everything found there.
package ingest

import (
	"time"

	"vigie"
)

// Record is one thing read from a source's file: a notice, or the reason why
// there is none.
type Record struct {
	// Notice is what was read, nil where it was refused. The numbers that the
	// store gives (ID, TenderID, Revision) are 0.
	Notice *vigie.Notice
	// Entry is the name of the file within an archive, "" outside of one.
	Entry string
	// Line is where the record starts, counted from 1 in the file as unpacked;
	// 0 where a file is one record.
	Line int
	// Ref is the source's number of the notice, also of a refused one where it
	// could be read.
	Ref string
	// Err is why the record was refused: a [vigie.Error] whose Text is for the
	// person who brought the file. Its code is [vigie.Unavailable] where the
	// file itself could not be read on, else [vigie.Invalid].
	Err error
	// Earlier is whether it is from before what was asked for, and read because
	// that says only what changed since.
	Earlier bool
}

// Refuse is a record that is no notice, and why.
func Refuse(ref string, reason vigie.Text, cause error) Record {
	return Record{Ref: Shorten(Clean(ref), MaxRef), Err: &vigie.Error{Code: vigie.Invalid, Text: reason, Err: cause}}
}

// PublicationDay is the midnight, in Paris, that starts the day of publication.
func PublicationDay(s string) (time.Time, bool) {
	day, err := time.ParseInLocation(time.DateOnly, s[:min(len(s), len(time.DateOnly))], vigie.Paris())
	if err != nil || !vigie.Published(day, day) {
		return time.Time{}, false
	}
	return day.UTC(), true
}
