package ted_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"vigie"
	"vigie/ingest"
	"vigie/ingest/ingesttest"
	"vigie/ingest/ted"
)

// read is what a person read in a real notice. Moments are what the clock of a zone shows, amounts have their currency
// after them.
type read struct {
	SourceRef, Identifier, Kind, PublishedAt, Title string
	Buyer                                           readBuyer
	Departments                                     []string
	Places                                          []readPlace
	Natures, CPV                                    []string
	Procedure                                       string
	Deadline, QuestionsUntil, Zone                  string
	DeadlineKind                                    string
	Value, Technique                                string
	Duration                                        readDuration
	Renewals                                        int
	DocumentsURL, SubmissionURL                     string
	Languages                                       []string
	Reserved, Social, Environmental                 bool
	AwardCriteria                                   []readCriterion // the first 8, of the first lot
	AwardCriteriaCount                              int
	Lots                                            int
	LotList                                         []readLot // the first 5
	Links                                           []string
	DocumentsChanged                                bool
	Correction                                      string // its beginning
	AwardCount                                      int
	Awards                                          []readAward // the first 6
}

type (
	readBuyer     struct{ Name, SIRET, Town string }
	readPlace     struct{ Town, Postcode, NUTS, Country string }
	readCriterion struct{ Kind, Name, Weight, Unit string }
	readDuration  struct {
		Value            int
		Unit, Start, End string
	}
	readLot struct {
		Number, Title, CPV, Nature, Value, Deadline string
		NUTS                                        []string
	}
	readWinner struct{ Name, SIRET, Town, Country string }
	readAward  struct {
		Lot, Outcome, Amount, Day string
		Winners                   []readWinner
		Bids                      *int
		Reason                    bool // whether one is said
	}
)

// TestReal reads published notices, and holds every field to what was read in them by eye.
func TestReal(t *testing.T) {
	content, err := os.ReadFile(filepath.Join("testdata", "read.json"))
	if err != nil {
		t.Fatal(err)
	}
	var byFile map[string]read
	if err := json.Unmarshal(content, &byFile); err != nil {
		t.Fatal(err)
	}
	for name, want := range byFile {
		t.Run(name, func(t *testing.T) {
			records := slices.Collect(ted.Read(realFile(t, filepath.Join("ted", name))))
			if len(records) != 1 || records[0].Err != nil {
				t.Fatalf("records = %+v", records)
			}
			check(t, records[0])
			got := readOf(t, records[0].Notice, want)
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b readPlace) bool { return placeKey(a) < placeKey(b) })); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func placeKey(p readPlace) string { return p.Country + p.NUTS + p.Postcode + p.Town }

// TestRealShapes reads more forms of notices: none may be refused.
func TestRealShapes(t *testing.T) {
	dir := testData(t)
	for _, folder := range []string{"ted", "ted-shapes"} {
		files, err := filepath.Glob(filepath.Join(dir, folder, "*.xml"))
		if err != nil || len(files) < 60 {
			t.Fatal(len(files), err)
		}
		for _, name := range files {
			for r := range ted.Read(realFile(t, filepath.Join(folder, filepath.Base(name)))) {
				if check(t, r); r.Err != nil {
					t.Errorf("%s: %v", name, r.Err)
				}
			}
		}
	}
}

func testData(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("VIGIE_TEST_DATA")
	if dir == "" {
		t.Skip("NOT RUN: set VIGIE_TEST_DATA to a folder with real notices in ted/ and ted-shapes/ to read them")
	}
	return dir
}

func realFile(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(testData(t), name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// readOf puts a notice in the words of the table; want says what of it the table has.
func readOf(t *testing.T, n *vigie.Notice, want read) read {
	t.Helper()
	c, d := n.Content, n.Content.Details
	clock := clockIn(t, want.Zone)
	got := read{
		SourceRef: n.SourceRef, Identifier: n.Identifier, Kind: string(n.Kind), PublishedAt: vigie.Day(n.PublishedAt), Title: c.Title,
		Buyer:       readBuyer{n.Buyer.Name, n.Buyer.SIRET, n.Buyer.City},
		Departments: c.Departments, CPV: c.CPVCodes, Procedure: string(c.Procedure),
		Deadline: clock(c.Deadline), QuestionsUntil: clock(d.QuestionsUntil), Zone: want.Zone, DeadlineKind: string(c.DeadlineKind),
		Value: amount(d.Value), Technique: string(d.Technique), Renewals: d.Renewals,
		Duration:     readDuration{d.Duration.Number, string(d.Duration.Unit), d.Duration.Start, d.Duration.End},
		DocumentsURL: d.DocumentsURL, SubmissionURL: d.SubmissionURL, Languages: d.Languages,
		Reserved: d.Reserved, Social: d.Social, Environmental: d.Environmental,
		Lots: len(c.Lots), Links: n.Links, DocumentsChanged: c.DocumentsChanged, AwardCount: len(d.Awards),
	}
	for _, nature := range c.Natures {
		got.Natures = append(got.Natures, string(nature))
	}
	for _, p := range d.Places {
		got.Places = append(got.Places, readPlace{p.Town, p.Postcode, p.NUTS, p.Country})
	}
	if got.Duration.Value != 0 {
		got.Duration.Start, got.Duration.End = "", "" // the table has either
	}
	if got.Correction = strings.ReplaceAll(c.Correction, "\n", " "); want.Correction != "" && strings.HasPrefix(got.Correction, want.Correction) {
		got.Correction = want.Correction
	}
	criteria := d.AwardCriteria
	if len(criteria) == 0 && len(c.Lots) > 0 {
		criteria = c.Lots[0].AwardCriteria
	}
	got.AwardCriteriaCount = len(criteria)
	for _, a := range criteria[:min(len(criteria), 8)] {
		got.AwardCriteria = append(got.AwardCriteria, readCriterion{string(a.Kind), a.Name, a.Weight, string(a.Unit)})
	}
	for i, l := range c.Lots[:min(len(c.Lots), 5)] {
		got.LotList = append(got.LotList, readOfLot(l, clock, want.LotList, i))
	}
	for _, a := range d.Awards[:min(len(d.Awards), 6)] {
		got.Awards = append(got.Awards, readOfAward(a))
	}
	return got
}

func readOfLot(l vigie.Lot, clock func(*time.Time) string, want []readLot, i int) readLot {
	lot := readLot{Number: l.Number, Title: l.Title, Nature: string(l.Nature), Value: amount(l.Value), Deadline: clock(l.Deadline)}
	for _, p := range l.Places {
		if p.NUTS != "" {
			lot.NUTS = append(lot.NUTS, p.NUTS)
		}
	}
	slices.Sort(lot.NUTS)
	lot.NUTS = slices.Compact(lot.NUTS)
	lot.CPV = strings.Join(l.CPVCodes, " ")
	if i < len(want) && slices.Contains(l.CPVCodes, want[i].CPV) {
		lot.CPV = want[i].CPV // the main one
	}
	return lot
}

func readOfAward(a vigie.LotAward) readAward {
	award := readAward{Lot: a.Lot, Outcome: string(a.Outcome), Amount: amount(a.Amount), Day: a.Day, Bids: a.Bids, Reason: a.Reason != ""}
	for _, w := range a.Winners {
		award.Winners = append(award.Winners, readWinner{w.Name, w.SIRET, w.Town, w.Country})
	}
	return award
}

func amount(m vigie.Money) string { return strings.TrimSpace(m.Amount + " " + m.Currency) }

// clockIn is what the clocks of a zone show.
func clockIn(t *testing.T, zone string) func(*time.Time) string {
	t.Helper()
	location, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return func(at *time.Time) string {
		if at == nil {
			return ""
		}
		return at.In(location).Format("2006-01-02T15:04:05")
	}
}

// check checks that a record is a notice that can be stored, or a reason.
func check(t testing.TB, r ingest.Record) {
	t.Helper()
	ingesttest.Check(t, r, ted.Source)
}
