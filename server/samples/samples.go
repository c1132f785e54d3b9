// Package samples has the notices that the demo shows; README.md says what they
// are.
package samples

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"regexp"
	"time"

	"vigie"
)

//go:embed notices.jsonl
var notices []byte

//go:embed full.json
var full []byte

// writtenFor is the day that their dates are relative to.
const writtenFor = "2026-01-15"

// Notices are the samples in BOAMP's format, one per line. Do not change the
// bytes.
func Notices() []byte { return notices }

// NoticesAt are the samples with every date moved by as many days as now is away
// from the day that they are written for.
func NoticesAt(now time.Time) io.Reader { return bytes.NewReader(moved(notices, now)) }

// FullAt are more samples, of notices that say all that a bidder decides by,
// with their dates moved in the same way.
func FullAt(now time.Time) (list []*vigie.Notice, err error) {
	decoder := json.NewDecoder(bytes.NewReader(moved(full, now)))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(&list)
	return list, err
}

func moved(text []byte, now time.Time) []byte {
	const layout = time.DateOnly
	written, err := time.ParseInLocation(layout, writtenFor, time.UTC)
	if err != nil {
		panic("samples: their day is not a date: " + err.Error())
	}
	today, _ := time.ParseInLocation(layout, now.In(vigie.Paris()).Format(layout), time.UTC)
	days := int(today.Sub(written).Hours() / 24)
	return regexp.MustCompile(`\b\d{4}-\d{2}-\d{2}`).ReplaceAllFunc(text, func(date []byte) []byte {
		t, err := time.ParseInLocation(layout, string(date), time.UTC)
		if err != nil {
			return date
		}
		return []byte(t.AddDate(0, 0, days).Format(layout))
	})
}
