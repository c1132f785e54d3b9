package boamp

import (
	"testing"
	"time"

	"vigie"
	"vigie/ingest"
)

func TestDeadline(t *testing.T) {
	const first, before, after = "2006-08-01", "2024-01-14", "2024-01-15"
	for _, test := range []struct {
		name                      string
		stated, served, published string
		want                      string // by the clocks of Paris, "" for none
		text                      string
	}{
		// As stated: the digits are Paris, whatever the offset.
		{"summer's offset in winter", "2026-11-18T17:00:00.000+02:00", "2026-11-18T17:00:00+00:00", after, "2026-11-18 17:00:00 CET", "2026-11-18T17:00:00.000+02:00"},
		{"the right offset", "2026-11-02T12:00:00.000+01:00", "2026-11-02T12:00:00+00:00", after, "2026-11-02 12:00:00 CET", "2026-11-02T12:00:00.000+01:00"},
		{"no offset", "2026-10-30T12:00:00", "2026-10-30T12:00:00+00:00", after, "2026-10-30 12:00:00 CET", "2026-10-30T12:00:00"},
		{"no offset, milliseconds", "2026-10-30T12:00:00.000", "2026-10-30T12:00:00+00:00", after, "2026-10-30 12:00:00 CET", "2026-10-30T12:00:00.000"},
		{"served converted", "2026-11-09T17:00:00+02:00", "2026-11-09T15:00:00+00:00", after, "2026-11-09 17:00:00 CET", "2026-11-09T17:00:00+02:00"},
		{"Z", "2026-11-04T12:00:00Z", "", after, "2026-11-04 12:00:00 CET", "2026-11-04T12:00:00Z"},
		{"overseas", "2026-11-04T12:00:00-04:00", "", after, "2026-11-04 12:00:00 CET", "2026-11-04T12:00:00-04:00"},
		{"summer", "2026-07-25T12:00:00", "", after, "2026-07-25 12:00:00 CEST", "2026-07-25T12:00:00"},
		{"stated, long ago", "2017-04-26T12:00:00+01:00", "2017-04-26T11:00:00+00:00", before, "2017-04-26 12:00:00 CEST", "2017-04-26T12:00:00+01:00"},
		{"stated unreadably", "le 3 mars", "2026-03-03T12:00:00+00:00", after, "2026-03-03 12:00:00 CET", "2026-03-03T12:00:00+00:00"},

		// As served since January 2024: the digits.
		{"served, summer", "", "2024-07-25T12:00:00+00:00", after, "2024-07-25 12:00:00 CEST", "2024-07-25T12:00:00+00:00"},
		{"served, winter", "", "2026-12-25T12:00:00+00:00", after, "2026-12-25 12:00:00 CET", "2026-12-25T12:00:00+00:00"},
		{"version 1", "", "2025-12-15T12:00:00+01:00", after, "2025-12-15 12:00:00 CET", "2025-12-15T12:00:00+01:00"},

		// As served before: an hour more, summer and winter.
		{"before, summer", "", "2017-07-12T11:00:00+00:00", before, "2017-07-12 12:00:00 CEST", "2017-07-12T11:00:00+00:00"},
		{"before, winter", "", "2017-12-12T11:00:00+00:00", before, "2017-12-12 12:00:00 CET", "2017-12-12T11:00:00+00:00"},
		{"before, midnight", "", "2017-12-31T23:00:00+00:00", before, "2018-01-01 00:00:00 CET", "2017-12-31T23:00:00+00:00"},
		{"before, due after", "", "2024-02-12T11:00:00+00:00", before, "2024-02-12 12:00:00 CET", "2024-02-12T11:00:00+00:00"},
		{"before, version 1", "", "2017-07-12T12:00:00+01:00", before, "2017-07-12 12:00:00 CEST", "2017-07-12T12:00:00+01:00"},
		{"the first day after", "", "2024-02-12T12:00:00+00:00", after, "2024-02-12 12:00:00 CET", "2024-02-12T12:00:00+00:00"},

		// When the clocks change.
		{"an hour that comes twice", "2026-10-25T02:30:00", "", after, "2026-10-25 02:30:00 CET", "2026-10-25T02:30:00"},
		{"an hour that never comes", "2026-03-29T02:30:00", "", after, "2026-03-29 03:30:00 CEST", "2026-03-29T02:30:00"},

		// A date is its last minute, and what is not a date says nothing.
		{"a date", "2026-03-30", "", after, "2026-03-30 23:59:00 CEST", "2026-03-30"},
		{"a date with an offset", "2026-03-30+02:00", "", after, "2026-03-30 23:59:00 CEST", "2026-03-30+02:00"},
		{"a date, served", "", "2026-03-30", after, "2026-03-30 23:59:00 CEST", "2026-03-30"},
		{"no seconds", "2026-03-30T17:30", "", after, "2026-03-30 17:30:00 CEST", "2026-03-30T17:30"},
		{"24 hours", "2026-03-30T24:00:00", "", after, "2026-03-31 00:00:00 CEST", "2026-03-30T24:00:00"},
		{"none", "", "", after, "", ""},
		{"no such day", "2026-02-30T12:00:00", "", after, "", ""},
		{"no such hour", "2026-02-20T25:00:00", "", after, "", ""},
		{"no such minute", "2026-02-20T12:60:00", "", after, "", ""},
		{"no date", "", "12:00:00", after, "", ""},
		{"a date, served before", "", "2017-03-30", before, "2017-03-30 23:59:00 CEST", "2017-03-30"},

		// The first schema: days, and a midnight that means no time.
		{"the first schema, a day of one digit", "2006-08-2", "", first, "2006-08-02 23:59:00 CEST", "2006-08-2"},
		{"the first schema, midnight", "", "2006-08-25T00:00:00+00:00", first, "2006-08-25 23:59:00 CEST", "2006-08-25T00:00:00+00:00"},
		{"the first schema, midnight an hour early", "", "2006-08-24T23:00:00+00:00", first, "2006-08-25 23:59:00 CEST", "2006-08-24T23:00:00+00:00"},
		{"the first schema, midnight stated", "2006-08-25T00:00:00", "", first, "2006-08-25 23:59:00 CEST", "2006-08-25T00:00:00"},
		{"the first schema, a time", "", "2006-08-25T11:00:00+00:00", first, "2006-08-25 12:00:00 CEST", "2006-08-25T11:00:00+00:00"},

		// Years that are mistakes.
		{"year 0", "", "0000-01-01T00:00:00Z", after, "", ""},
		{"year 1", "", "0001-01-01T00:00:00Z", after, "", ""},
		{"year 7017", "", "7017-07-24T12:00:00+00:00", before, "", ""},
		{"in 75 years", "", "2099-03-02T12:00:00+00:00", after, "", ""},
		{"in 16 years", "", "2040-09-01T12:00:00+00:00", after, "2040-09-01 12:00:00 CEST", "2040-09-01T12:00:00+00:00"},
		{"a mistake stated, a year served", "7024-07-24T12:00:00", "2024-07-24T12:00:00+00:00", after, "2024-07-24 12:00:00 CEST", "2024-07-24T12:00:00+00:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			published, ok := ingest.PublicationDay(test.published)
			if !ok {
				t.Fatal(test.published)
			}
			moment, text := deadline(test.stated, test.served, published)
			got := ""
			if moment != nil {
				got = moment.In(vigie.Paris()).Format("2006-01-02 15:04:05 MST")
				if moment.Location() != time.UTC {
					t.Errorf("location = %v, want UTC", moment.Location())
				}
			}
			if got != test.want || text != test.text {
				t.Errorf("deadline = %q of %q, want %q of %q", got, text, test.want, test.text)
			}
		})
	}
}
