package attack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/store"
)

// corpus is what a server was given before it started.
type corpus struct {
	titles []string
	// Some ids of tenders and buyers, once the server has returned them.
	tenders, buyers []string
}

// publish fills a database with fictitious tenders: titles of the samples, long
// descriptions, and many words that stand in one tender alone, for the engines'
// dictionaries to be as large as they are.
func publish(t testing.TB, database string, tenders int) *corpus {
	t.Helper()
	db, err := store.Open(t.Context(), database, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	c := &corpus{titles: sampleTitles(t)}
	random := rand.New(rand.NewPCG(1, 1))
	now := time.Now().UTC().Truncate(time.Second)
	var batch []*vigie.Notice
	for i := range tenders {
		batch = append(batch, c.notice(random, fmt.Sprint(i), now))
		if len(batch) < vigie.MaxBatch && i < tenders-1 {
			continue
		}
		if _, err := db.Publish(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
		batch = nil
	}
	return c
}

// learn asks the server for ids.
func (c *corpus) learn(t testing.TB, s *server) {
	t.Helper()
	type row struct {
		ID    string
		Buyer struct{ ID string }
	}
	var answer struct {
		Data struct{ Tenders struct{ Nodes []row } }
	}
	reader := s.attacker(t)
	got := reader.ask(`{ tenders(first: 100) { nodes { id buyer { id } } } }`, nil)
	if err := json.Unmarshal(got.body, &answer); err != nil {
		t.Fatalf("%v in %.300s", err, got.body)
	}
	for _, tender := range answer.Data.Tenders.Nodes {
		c.tenders, c.buyers = append(c.tenders, tender.ID), append(c.buyers, tender.Buyer.ID)
	}
	if len(c.tenders) == 0 {
		t.Fatalf("there is no tender: %.300s", got.body)
	}
}

func (c *corpus) notice(random *rand.Rand, ref string, now time.Time) *vigie.Notice {
	var description strings.Builder
	for range 8 {
		fmt.Fprintf(&description, "%s %s. ", c.titles[random.IntN(len(c.titles))], invented(random))
	}
	departments := vigie.Departments()
	return &vigie.Notice{
		Source: "portal", SourceRef: ref, Kind: vigie.ContractNotice, PublishedAt: now.Add(-time.Duration(random.IntN(30*24*60)) * time.Minute),
		Buyer: vigie.BuyerName{Name: fmt.Sprintf("Commune de %s %d", invented(random), random.IntN(1000))},
		Content: vigie.Content{
			Title: c.titles[random.IntN(len(c.titles))] + " " + invented(random), Description: description.String(),
			Departments: []string{departments[random.IntN(96)].Code}, Natures: []vigie.Nature{vigie.Natures()[random.IntN(3)]},
			CPVCodes: []string{fmt.Sprintf("%08d", 10_000_000+random.IntN(80)*1_000_000)},
			Deadline: new(now.Add(time.Duration(24+random.IntN(1000)) * time.Hour)),
		},
	}
}

// invented is a word of three to six syllables.
func invented(random *rand.Rand) string {
	var word strings.Builder
	for range 3 + random.IntN(4) {
		word.WriteByte("bcdfglmnprstv"[random.IntN(13)])
		word.WriteByte("aeiou"[random.IntN(5)])
	}
	return word.String()
}

// sampleTitles are the titles of the demo's notices.
func sampleTitles(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("../server/samples/notices.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var titles []string
	for line := range bytes.Lines(text) {
		var record struct{ Objet string }
		if err := json.Unmarshal(line, &record); err != nil {
			t.Fatal(err)
		}
		titles = append(titles, record.Objet)
	}
	return titles
}
