package store_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/lexicon"
	"vigie/store"
	"vigie/store/storetest"
)

// A search finds what a plain query of the tables finds, in the same order, after random publications, corrections,
// registers, merges and withdrawals, at several times; by a store that followed all of it, and by one that opens now.
func TestSearchBuyersAgainstTables(t *testing.T) {
	eachURL(t, func(t *testing.T, s *store.Store, url string) {
		w := buyerWorld{t: t, s: s, random: rand.New(rand.NewPCG(7, 7))}
		for range 25 {
			for range 1 + w.random.IntN(3) {
				w.change()
			}
			w.compare(s)
		}
		w.compare(storetest.Open(t, url))
	})
}

func eachURL(t *testing.T, test func(t *testing.T, s *store.Store, url string)) {
	for name, kind := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			url := kind(t)
			test(t, storetest.Open(t, url), url)
		})
	}
}

// buyerWorld makes random changes that searches for buyers must follow.
type buyerWorld struct {
	t      *testing.T
	s      *store.Store
	random *rand.Rand
	refs   int
}

func (w *buyerWorld) pick(words ...string) string { return words[w.random.IntN(len(words))] }

// name is one that shares words, beginnings and spellings with others.
func (w *buyerWorld) name() string {
	return w.pick("Commune de", "Ville de", "C.H.U. de", "CHU", "Mairie d'", "S.D.I.S. de l'", "Communauté de communes du", "") + " " +
		w.pick("Saint", "St", "Sainte", "Ste", "Val", "Mont", "Chuz", "Châ", "") + w.pick(" ", "-", "") + w.pick("Aubin", "Nice", "Isère", "Cô", "Eu", "Ville", "d'H", "Élie")
}

func (w *buyerWorld) buyer() vigie.BuyerName {
	b := vigie.BuyerName{Name: w.name(), DepartmentCode: w.pick("", "01", "39")}
	switch w.random.IntN(4) {
	case 0:
		b.SIRET = w.pick(siretA, siretB, "21010053700013")
	case 1:
		b.Ref = fmt.Sprint("r", w.random.IntN(6))
	}
	return b
}

func (w *buyerWorld) change() {
	switch w.random.IntN(8) {
	case 0:
		record := &vigie.BuyerRecord{Source: "boamp", BuyerName: w.buyer(), FormerNames: []string{w.name()}, FormerRefs: []string{fmt.Sprint("r", w.random.IntN(6))}}
		record.Ref = fmt.Sprint("r", w.random.IntN(6))
		if _, err := w.s.RegisterBuyers(w.t.Context(), []*vigie.BuyerRecord{record}); err != nil {
			w.t.Fatal(err)
		}
	case 1:
		if w.refs > 0 {
			_, err := w.s.Withdraw(w.t.Context(), "boamp", fmt.Sprint(w.random.IntN(w.refs)))
			if err != nil && vigie.CodeOf(err) != vigie.NotFound {
				w.t.Fatal(err)
			}
		}
	default:
		var notices []*vigie.Notice
		for range 1 + w.random.IntN(4) {
			notices = append(notices, w.notice())
		}
		storetest.Publish(w.t, w.s, notices...)
	}
}

func (w *buyerWorld) notice() *vigie.Notice {
	ref := w.refs
	if w.random.IntN(3) == 0 && w.refs > 0 { // a correction, perhaps of another buyer
		ref = w.random.IntN(w.refs)
	}
	w.refs = max(w.refs, ref+1)
	return storetest.Notice(fmt.Sprint(ref), w.random.IntN(5), func(n *vigie.Notice) {
		n.Buyer = w.buyer()
		n.Kind = vigie.NoticeKind(w.pick(string(vigie.ContractNotice), string(vigie.ContractNotice), string(vigie.ContractNotice), string(vigie.Cancellation), string(vigie.Award), string(vigie.Planning)))
		n.Content.Deadline, n.Content.OnlineUntil = nil, nil
		at := storetest.Noon().Add(time.Duration(w.random.IntN(9)-4) * 6 * time.Hour)
		switch w.random.IntN(3) {
		case 0:
			n.Content.Deadline = &at
		case 1:
			n.Content.OnlineUntil = &at
		}
	})
}

// compare compares searches with what plain queries find.
func (w *buyerWorld) compare(s *store.Store) {
	w.t.Helper()
	for range 12 {
		words := lexicon.Words(w.pick("c", "co", "chu", "C H U", "st", "saint", "sainte", "ville", "de", "commune de", "aubin", "i", "sdis", "nice chu", "val", "mont c", "st aubin", "v s", "d h", "zz", "9"))
		now := storetest.Noon().Add(time.Duration(w.random.IntN(7)-3) * 6 * time.Hour)
		all := naiveBuyers(w.t, s, words, now)
		window := store.BuyerWindow{Now: now, Limit: 1 + w.random.IntN(5), Backwards: w.random.IntN(3) == 0}
		want := slices.Clone(all)
		if len(all) > 0 && w.random.IntN(2) == 0 {
			at := w.random.IntN(len(all))
			window.Beyond = &all[at]
			want = want[at+1:]
			if window.Backwards {
				want = all[:at]
			}
		}
		want = slices.Clone(want)
		if window.Backwards {
			slices.Reverse(want)
		}
		want = want[:min(len(want), window.Limit)]
		found, total, err := s.SearchBuyers(w.t.Context(), words, window)
		if err != nil {
			w.t.Fatal(err)
		}
		var got []store.BuyerPlace
		for _, b := range found {
			got = append(got, b.Place)
			if b.ID != b.Place.ID || b.FoldedName != b.Place.Name {
				w.t.Errorf("%q: %+v is at %+v", words, b.Buyer, b.Place)
			}
		}
		if total != len(all) || !slices.Equal(got, want) {
			w.t.Fatalf("%q at %s, %+v:\n%d in all, want %d\n%v\nwant\n%v", words, now, window, total, len(all), got, want)
		}
	}
}

// naiveBuyers returns the list of buyers that a search finds, as plain queries of the tables tell it.
func naiveBuyers(t *testing.T, s *store.Store, words []string, now time.Time) []store.BuyerPlace {
	t.Helper()
	db := s.Database()
	content := slices.DeleteFunc(slices.Clone(words), func(word string) bool { return len(lexicon.Tokens(word)) == 0 })
	if len(content) == 0 {
		content = words
	}
	format := func(fragment string, args ...any) string { return db.QueryGen().FormatQuery(fragment, args...) }
	start, same := make([]string, len(content)), make([]string, len(content))
	for i, word := range content {
		others := ""
		for _, other := range []string{map[bool]string{true: strings.Join(strings.Split(word, ""), " ")}[len(word) >= 2 && len(word) <= 8],
			map[string]string{"saint": "st", "st": "saint", "sainte": "ste", "ste": "sainte"}[word]} {
			if other != "" {
				others += format(" OR ' ' || folded_name || ' ' LIKE ?", "% "+other+" %")
			}
		}
		start[i] = format("(' ' || folded_name LIKE ?", "% "+word+"%") + others + ")"
		same[i] = format("(' ' || folded_name || ' ' LIKE ?", "% "+word+" %") + others + ")"
	}
	named := func(all []string) bun.Safe {
		name := strings.Join(all, " AND ")
		return bun.Safe("(" + name + " OR id IN (SELECT buyer_id FROM buyer_names WHERE " + name + "))")
	}
	online := db.NewSelect().Model((*vigie.Tender)(nil)).ColumnExpr("COUNT(*)").Where("tender.buyer_id = buyer.id").
		Where("tender.merged_into IS NULL").Where("outcome = ?", vigie.Undecided).
		Where("(COALESCE(deadline, online_until) IS NULL OR COALESCE(deadline, online_until) >= ?)", now)
	var rows []struct {
		ID         int64
		FoldedName string
		Rank       int64
	}
	err := db.NewSelect().Model((*vigie.Buyer)(nil)).Column("id", "folded_name").Where("merged_into IS NULL").Where("?", named(start)).
		ColumnExpr("((CASE WHEN ? THEN 0 ELSE 2 END) + (CASE WHEN ? THEN 0 ELSE 1 END)) * 100000000 - (?) AS rank",
			named(same), bun.Safe(format("folded_name LIKE ?", strings.Join(words, " ")+"%")), online).Scan(t.Context(), &rows)
	if err != nil {
		t.Fatal(err)
	}
	var all []store.BuyerPlace
	for _, row := range rows {
		all = append(all, store.BuyerPlace{Rank: row.Rank, Name: row.FoldedName, ID: row.ID})
	}
	slices.SortFunc(all, func(a, b store.BuyerPlace) int {
		return cmp.Or(cmp.Compare(a.Rank, b.Rank), strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// Buyers and names that a server of an earlier version stores have no number of their own: they are found by what refers
// to them, or when all is read again, after a day.
func TestSearchBuyersOfEarlierVersions(t *testing.T) {
	for name, kind := range storetest.Kinds() {
		t.Run(name, func(t *testing.T) {
			url, now := kind(t), storetest.Noon()
			s, err := store.Open(t.Context(), url, func() time.Time { return now })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			finds := func(word string, want int) {
				t.Helper()
				if _, total, err := s.SearchBuyers(t.Context(), []string{word}, store.BuyerWindow{Now: now, Limit: 10}); err != nil || total != want {
					t.Errorf("%s finds %d, %v; want %d", word, total, err, want)
				}
			}
			id := buyerOf(t, s, storetest.Notice("1", 0, buyer("Ville d'Exemple", "", "01")))
			finds("exemple", 1)
			buyerOf(t, s, storetest.Notice("2", 0, buyer("Mairie ancienne", "", "01")))
			storetest.Exec(t, url, "UPDATE buyers SET names_number = 0")
			finds("ancienne", 1)
			storetest.Exec(t, url, fmt.Sprintf("INSERT INTO buyer_names (folded_name, department_code, buyer_id) VALUES ('bourg premier', '01', %d)", id))
			finds("bourg", 0)
			now = now.Add(25 * time.Hour)
			if err := s.KeepBuyers(t.Context()); err != nil {
				t.Fatal(err)
			}
			finds("bourg", 1)
		})
	}
}

// A database that was restored has another past: what was known of its buyers counts no longer.
func TestSearchBuyersRestored(t *testing.T) {
	eachURL(t, func(t *testing.T, s *store.Store, url string) {
		id := buyerOf(t, s, storetest.Notice("1", 0, buyer("Ville d'Exemple", "", "01")))
		for _, want := range []int{1, 0} {
			if err := s.KeepBuyers(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, total, err := s.SearchBuyers(t.Context(), []string{"ville"}, store.BuyerWindow{Now: storetest.Noon(), Limit: 10})
			if err != nil || total != want {
				t.Errorf("%d found, %v; want %d", total, err, want)
			}
			storetest.Exec(t, url, fmt.Sprintf("UPDATE buyers SET folded_name = 'x', names_number = 0 WHERE id = %d", id))
			storetest.Exec(t, url, "DELETE FROM buyer_names")
			if err := s.Restored(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// A search asks the database for the last change and for the rows of its page, however much it finds: nothing of it
// depends on the database's plans, and so on its statistics.
func TestSearchBuyersAsksForItsPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		var notices []*vigie.Notice
		for i := range 100 {
			notices = append(notices, storetest.Notice(fmt.Sprint(i), 0, buyer(fmt.Sprint("Commune ", i), "", "")))
		}
		storetest.Publish(t, s, notices...)
		if err := s.KeepBuyers(t.Context()); err != nil {
			t.Fatal(err)
		}
		var asked recorder
		s.Database().Observe(&asked)
		found, total, err := s.SearchBuyers(t.Context(), []string{"c"}, store.BuyerWindow{Now: storetest.Noon(), Limit: 10})
		if err != nil || total != 100 || len(found) != 10 {
			t.Fatalf("%d of %d, %v", len(found), total, err)
		}
		if len(asked) != 2 || !strings.Contains(asked[0], "change_numbers") || !strings.Contains(asked[1], `"buyers"`) {
			t.Errorf("asked %d times: %q", len(asked), asked)
		}
	})
}

// recorder keeps the text of each query.
type recorder []string

func (r *recorder) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (r *recorder) AfterQuery(_ context.Context, event *bun.QueryEvent) { *r = append(*r, event.Query) }

// BenchmarkSearchBuyers searches by one letter among 250,000 buyers with 1,000,000 tenders online, in tables that no
// statistics were taken of: one search after another, and fifty at once, each with what the last change made stale.
// The figures are those of single searches and of each fifty together, and the processor time of this process for each;
// load_ms is how long reading all buyers takes, and heap_MB the memory that they take.
func BenchmarkSearchBuyers(b *testing.B) {
	const buyers, tenders = 250_000, 1_000_000
	for name, kind := range storetest.Kinds() {
		b.Run(name, func(b *testing.B) {
			url := kind(b)
			if name == "postgres" {
				for _, table := range []string{"tenders", "buyers", "buyer_names"} {
					storetest.Exec(b, url, "ALTER TABLE "+table+" SET (autovacuum_enabled = false)")
				}
			}
			s := storetest.Open(b, url)
			fillBuyers(b, s, url, buyers, tenders)
			before := heap()
			started := time.Now()
			if err := s.KeepBuyers(b.Context()); err != nil {
				b.Fatal(err)
			}
			load := time.Since(started)
			held := heap() - before
			search := func(i int) time.Duration {
				started := time.Now()
				_, total, err := s.SearchBuyers(b.Context(), []string{string(rune('a' + i%26))}, store.BuyerWindow{Now: storetest.Noon().Add(time.Duration(i) * time.Second), Limit: 11})
				if err != nil || total == 0 {
					b.Errorf("%d found, %v", total, err)
				}
				return time.Since(started)
			}
			b.Run("alone", func(b *testing.B) {
				var times []time.Duration
				used := processorTime()
				for i := 0; b.Loop(); i++ {
					times = append(times, search(i))
				}
				b.ReportMetric(float64((processorTime()-used).Microseconds())/1000/float64(len(times)), "cpu_ms")
				report(b, times, "")
				b.ReportMetric(float64(load.Milliseconds()), "load_ms")
				b.ReportMetric(float64(held)/1e6, "heap_MB")
			})
			b.Run("fifty", func(b *testing.B) {
				var times []time.Duration
				used := time.Duration(0)
				for i := 0; b.Loop(); i++ {
					storetest.Exec(b, url, "UPDATE change_numbers SET last = last + 1")
					storetest.Exec(b, url, fmt.Sprintf("UPDATE tenders SET number = (SELECT last FROM change_numbers) WHERE id = %d", 1_000_001+i))
					started, before := time.Now(), processorTime()
					var all sync.WaitGroup
					for n := range 50 {
						all.Go(func() { search(50*i + n) })
					}
					all.Wait()
					times, used = append(times, time.Since(started)), used+processorTime()-before
				}
				b.ReportMetric(float64(used.Microseconds())/1000/float64(len(times)), "fifty_cpu_ms")
				report(b, times, "fifty_")
			})
		})
	}
}

func report(b *testing.B, times []time.Duration, prefix string) {
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2].Microseconds())/1000, prefix+"p50_ms")
	b.ReportMetric(float64(times[len(times)*95/100].Microseconds())/1000, prefix+"p95_ms")
}

// processorTime returns how long this process has used processors.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// fillBuyers stores buyers with names of one to four words of a long tail, and tenders of theirs.
func fillBuyers(b *testing.B, s *store.Store, url string, buyers, tenders int) {
	random := rand.New(rand.NewPCG(1, 1))
	word := func() string {
		const letters = "etaoinsrhldcumfpgwybvkxjqz"
		text := make([]byte, 2+random.IntN(9))
		for i := range text {
			text[i] = letters[int(float64(len(letters))*math.Pow(random.Float64(), 2))]
		}
		return string(text)
	}
	words := make([]string, 60_000)
	for i := range words {
		words[i] = word()
	}
	var rows []*vigie.Buyer
	for i := range buyers {
		name := []string{"commune de", "ville de", "communaute de communes", "departement", "syndicat", "centre hospitalier", ""}[random.IntN(7)]
		for range 1 + random.IntN(3) {
			name += " " + words[int(float64(len(words))*math.Pow(random.Float64(), 3))]
		}
		name = strings.TrimSpace(name)
		rows = append(rows, &vigie.Buyer{ID: int64(i + 1), Number: int64(i + 1), NamesNumber: int64(i + 1), Name: name, FoldedName: name, NamedAt: storetest.Noon()})
	}
	for some := range slices.Chunk(rows, 2000) {
		if _, err := s.Database().NewInsert().Model(&some).Exec(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	storetest.Exec(b, url, "INSERT INTO buyer_names (folded_name, department_code, buyer_id) SELECT folded_name, '', id FROM buyers")
	storetest.Exec(b, url, fmt.Sprintf(`INSERT INTO tenders (id, source, source_ref, reference, title, description, departments, natures, procedure, cpv_codes, labels, lots,
		deadline, deadline_text, url, buyer_id, published_at, outcome, number) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
		SELECT 1000000 + i, 'x', '' || i, '', '', '', '[]', '[]', '', '[]', '[]', '[]', '2026-12-01 00:00:00+00:00', '', '', 1 + (CAST(i AS BIGINT) * i) %% %d, '2026-11-01 00:00:00+00:00', '', 1000000 + i FROM n`, tenders, buyers))
	storetest.Exec(b, url, fmt.Sprintf("UPDATE change_numbers SET last = %d", 1_000_000+tenders))
}
