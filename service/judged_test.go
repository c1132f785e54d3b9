package service_test

import (
	"compress/gzip"
	"context"
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/feed"
	"vigie/ingest/boamp"
	"vigie/lexicon"
	"vigie/search"
	"vigie/search/bleve"
	"vigie/search/meili"
	"vigie/search/meili/meilitest"
	"vigie/service"
	"vigie/store"
	"vigie/store/storetest"
)

// judgedSearches are searches as people make them, one a line: the set of notices, the search (… at its end: it is
// still being typed), a pattern that each of the first three rows must fit, the first one by its title, buyer, town,
// departments or numbers, or - for no rows, and a pattern that none of the first twenty may fit. A row is all that a
// person can see of it, without case and accents.
//
//go:embed testdata/searches.tsv
var judgedSearches string

type judgement struct {
	set, text   string
	must, never *regexp.Regexp
	nothing     bool
}

func judgements(t testing.TB, set string) (list []judgement) {
	t.Helper()
	for line := range strings.Lines(judgedSearches) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(fields) < 3 || fields[0] != set {
			continue
		}
		j := judgement{set: set, text: fields[1], nothing: fields[2] == "-"}
		if !j.nothing {
			j.must = regexp.MustCompile(fields[2])
		}
		if len(fields) > 3 && fields[3] != "" {
			j.never = regexp.MustCompile(fields[3])
		}
		list = append(list, j)
	}
	return list
}

// judge returns what is wrong with the rows found, "" for nothing.
func (j judgement) judge(rows []string) string {
	if j.nothing {
		if len(rows) > 0 {
			return "found " + rows[0]
		}
		return ""
	}
	if len(rows) == 0 {
		return "found nothing"
	}
	if head, _, _ := strings.Cut(rows[0], " || "); !j.must.MatchString(head) {
		return "the first is: " + rows[0]
	}
	for _, row := range rows[:min(3, len(rows))] {
		if !j.must.MatchString(row) {
			return "among the first three: " + row
		}
	}
	for _, row := range rows[:min(20, len(rows))] {
		if j.never != nil && j.never.MatchString(row) {
			return "found " + row
		}
	}
	return ""
}

// Of the searches people make, at least 95 of 100 find what they should, on each engine, and 97 the same on both.
func TestJudgedSearches(t *testing.T) {
	sets := map[string]func(testing.TB) io.Reader{"samples": samples}
	if os.Getenv("VIGIE_TEST_DATA") != "" {
		sets["real"] = realNotices
	}
	for set, read := range sets {
		t.Run(set, func(t *testing.T) {
			s := filled(t, read(t))
			list := judgements(t, set)
			engines := map[string]func(testing.TB) search.Engine{"bleve": bleveEngine, "meili": meiliEngine}
			answers := make(map[string][]string)
			for name, open := range engines {
				t.Run(name, func(t *testing.T) {
					use := indexed(t, s, open(t))
					right := 0
					for _, j := range list {
						rows := ask(t, use, j.text)
						answers[name] = append(answers[name], strings.Join(rows, "\n"))
						if fault := clip(j.judge(rows)); fault != "" {
							t.Logf("%s: %s", j.text, fault)
						} else {
							right++
						}
					}
					t.Logf("%d of %d right", right, len(list))
					if right*100 < 95*len(list) {
						t.Errorf("%d of %d right", right, len(list))
					}
				})
			}
			a, b := answers["bleve"], answers["meili"]
			if len(b) == 0 {
				return // not run, and said so
			}
			same := 0
			for i := range min(len(a), len(b)) {
				if a[i] == b[i] {
					same++
				} else {
					t.Logf("%s: the engines differ", list[i].text)
				}
			}
			t.Logf("%d of %d the same", same, len(list))
			if same*100 < 97*len(list) {
				t.Errorf("%d of %d the same", same, len(list))
			}
		})
	}
}

// ask returns the first rows that a search finds, each as a text.
func ask(t *testing.T, use *service.Service, text string) []string {
	t.Helper()
	text, complete := strings.CutSuffix(text, "…")
	plan, err := use.Plan(service.TenderQuery{Text: text, Complete: complete})
	check(t, err)
	page, err := use.Tenders(t.Context(), plan)
	check(t, err)
	var ids, buyers []int64
	for _, node := range page.Nodes() {
		ids, buyers = append(ids, node.ID), append(buyers, node.BuyerID)
	}
	refs, err := use.Store.SourceRefs(t.Context(), ids)
	check(t, err)
	names, err := use.Store.Buyers(t.Context(), buyers)
	check(t, err)
	rows := make([]string, len(ids))
	for i, node := range page.Nodes() {
		buyer := names[node.BuyerID]
		rows[i] = lexicon.Fold(node.Title) + " | " + lexicon.Fold(buyer.Name) + " | " + lexicon.Fold(buyer.City) + " | " +
			strings.Join(node.Departments, " ") + " | " + strings.Join(refs[node.ID], " ") + " || " + visible(node)
	}
	return rows
}

// visible is the rest of what a person can see of a tender.
func visible(node *vigie.Tender) string {
	texts := slices.Concat([]string{node.Description}, node.Labels)
	for _, lot := range node.Lots {
		texts = append(texts, lot.Title)
	}
	for _, code := range node.CPVCodes {
		texts = append(texts, vigie.CPVLabel(code))
	}
	return lexicon.Fold(strings.Join(texts, " "))
}

func clip(fault string) string { return fault[:min(len(fault), 200)] }

func samples(t testing.TB) io.Reader {
	file, err := os.Open(filepath.Join("..", "server", "samples", "notices.jsonl"))
	check(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

func realNotices(t testing.TB) io.Reader {
	file, err := os.Open(filepath.Join(os.Getenv("VIGIE_TEST_DATA"), "boamp", "notices-2017-2024.jsonl.gz"))
	check(t, err)
	t.Cleanup(func() { file.Close() })
	text, err := gzip.NewReader(file)
	check(t, err)
	return text
}

// filled is a store with the notices of a file.
func filled(t testing.TB, file io.Reader) *store.Store {
	t.Helper()
	return published(t, noticesOf(file))
}

// noticesOf are the notices of a file that can be read.
func noticesOf(file io.Reader) (list []*vigie.Notice) {
	for r := range boamp.Read(file) {
		if r.Err == nil {
			list = append(list, r.Notice)
		}
	}
	return list
}

// published is a store with notices.
func published(t testing.TB, notices []*vigie.Notice) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), storetest.SQLite(t), time.Now)
	check(t, err)
	t.Cleanup(func() { s.Close() })
	for some := range slices.Chunk(notices, vigie.MaxBatch) {
		_, err := s.PublishEach(t.Context(), some)
		check(t, err)
	}
	return s
}

// indexed is the service over a store and an engine that has indexed it.
func indexed(t testing.TB, s *store.Store, engine search.Engine) *service.Service {
	t.Helper()
	t.Cleanup(func() { engine.Close() })
	indexer := feed.NewIndexer(s, engine, slog.New(slog.DiscardHandler))
	check(t, indexer.Step(t.Context()))
	if _, err := indexer.Index(); err != nil {
		check(t, indexer.Step(t.Context()))
	}
	t.Cleanup(func() { // the next engine begins with an empty index
		known, err := s.SearchIndexes(context.WithoutCancel(t.Context()), feed.Version())
		check(t, err)
		for _, index := range known {
			check(t, s.DeleteIndex(context.WithoutCancel(t.Context()), index.Name))
		}
	})
	return &service.Service{Store: s, Index: indexer.Index, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
}

func bleveEngine(t testing.TB) search.Engine {
	engine, err := bleve.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	check(t, err)
	return engine
}

func meiliEngine(t testing.TB) search.Engine {
	url, key := meilitest.Server(t)
	engine, err := meili.Open(url, key, meili.Options{})
	check(t, err)
	return engine
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(fmt.Errorf("%w", err))
	}
}
