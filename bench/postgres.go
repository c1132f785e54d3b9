package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"vigie"
	"vigie/bench/corpus"
	"vigie/match"
	"vigie/query"
)

// postgres holds the same watches in PostgreSQL, in a schema of its own. It
// works as the index does: a watch stands under the rarest word of each of its
// conjunctions and under each of its departments, and a tender looks for what
// stands under its words and departments.
type postgres struct {
	conn        *pgx.Conn
	url, schema string
	frequencies match.Frequencies
	numbers     map[query.Atom]int32 // from 1 on; always stands for nothing to ask
	places      map[string]int16     // from 1 on; anywhere for watches without departments
	seen        []bool               // by watch: those already among a tender's
}

const (
	always   = 0
	anywhere = 0
)

// tables are two: most postings are all there is to a watch, and so short that
// they must not be among the others. Need is always, or what a tender must
// have besides, need2 and needs are more of that; buyers, natures and cpv are
// lists to have one of; not all of excluded and excludeds may be there.
const tables = `
CREATE TABLE plain (place smallint NOT NULL, atom integer NOT NULL, watch integer NOT NULL);
CREATE TABLE rest (place smallint NOT NULL, atom integer NOT NULL, watch integer NOT NULL,
	need integer NOT NULL, need2 integer, needs integer[],
	buyers integer[], natures integer[], cpv integer[],
	excluded integer, excludeds integer[])`

// indexes hold all that matching asks for: the tables are never read.
const indexes = `
CREATE INDEX ON plain (place, atom) INCLUDE (watch);
CREATE INDEX ON rest (place, atom) INCLUDE (watch, need, need2, needs, buyers, natures, cpv, excluded, excludeds)`

// matching finds the watches of a tender: $1 its places, $2 its atoms, $3 the
// same as bits, $4 those that are not words. It is the fastest of what was
// tried with PostgreSQL 15 and a million watches; the medians for usual tenders,
// which 15,200 watches match, in ms:
//
//	 5.2  as it is, the client dropping the watches that were found twice
//	 5.5  rows in place of array_agg
//	 5.9  one table with the columns of rest
//	 6.3  joined with unnest($1) and unnest($2)
//	 6.8  one column for place and atom
//	 7.2  SELECT DISTINCT, by sorting
//	 8.8  SELECT DISTINCT, by hash, as the planner does on its own
//	 9.0  planned again for each tender
//	10.4  one table, arrays compared with $2 by <@ in place of the bits
//	14.8  that, and DISTINCT
//
// An array of watches for each place and atom was as fast, and a watch that
// changes would write the arrays of all who share its words. Compiling (jit),
// parallel workers and more work_mem changed nothing.
const matching = `
SELECT array_agg(watch) FROM (
	SELECT watch FROM plain WHERE place = ANY ($1::smallint[]) AND atom = ANY ($2::integer[])
	UNION ALL
	SELECT watch FROM rest WHERE place = ANY ($1) AND atom = ANY ($2)
		AND get_bit($3::bytea, need) = 1
		AND (need2 IS NULL OR get_bit($3, need2) = 1)
		AND (needs IS NULL OR needs <@ $2)
		AND (buyers IS NULL OR buyers && $4::integer[])
		AND (natures IS NULL OR natures && $4)
		AND (cpv IS NULL OR cpv && $4)
		AND (excluded IS NULL OR get_bit($3, excluded) = 0 OR NOT excludeds <@ $2)
) AS found`

// besidePostgres measures up to 200 tenders of each kind in PostgreSQL, and the
// same in the index.
func (r *MatchReport) besidePostgres(ctx context.Context, x *match.Index, c *corpus.Corpus, o MatchOptions, f match.Frequencies) (err error) {
	p, err := newPostgres(ctx, c, o, f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.close(context.WithoutCancel(ctx))) }()
	for _, kind := range corpus.Kinds() {
		tenders := c.Tenders(min(o.Tenders, 200), kind, o.Seed)
		// That also warms: nothing is done between the tenders when it counts.
		if err := p.compare(ctx, x, tenders); err != nil {
			return fmt.Errorf("%s tenders: %w", kind, err)
		}
		took, err := p.measure(ctx, tenders)
		if err != nil {
			return err
		}
		r.add(kind, "postgres", o.Watches, took)
		last := &r.Measures[len(r.Measures)-1]
		last.Ratio = last.P50 / median(durations(measure(x, tenders, nil)))
	}
	return nil
}

// newPostgres loads the watches.
func newPostgres(ctx context.Context, c *corpus.Corpus, o MatchOptions, f match.Frequencies) (*postgres, error) {
	conn, err := pgx.Connect(ctx, o.Postgres)
	if err != nil {
		return nil, err
	}
	p := &postgres{
		conn: conn, url: o.Postgres, schema: fmt.Sprintf("vigie_bench_%d", time.Now().UnixNano()), frequencies: f,
		numbers: make(map[query.Atom]int32), places: make(map[string]int16), seen: make([]bool, o.Watches+1),
	}
	if err := p.load(ctx, c, o); err != nil {
		return nil, errors.Join(err, p.close(context.WithoutCancel(ctx)))
	}
	return p, nil
}

func (p *postgres) load(ctx context.Context, c *corpus.Corpus, o MatchOptions) error {
	// Whole even if it is given up: else the schema could come after its end.
	if _, err := p.conn.Exec(context.WithoutCancel(ctx), "CREATE SCHEMA "+p.schema); err != nil {
		return err
	}
	// Until a commit is on disk, VACUUM cannot mark as visible to all what it
	// wrote, and the indexes would have to ask the tables: twice the time.
	settings := "SET search_path = " + p.schema + "; SET synchronous_commit = on; SET plan_cache_mode = force_generic_plan; SET jit = off;"
	if _, err := p.conn.Exec(ctx, settings+tables); err != nil {
		return err
	}
	watches := o.watches(c)
	if err := p.copy(ctx, "plain", []string{"place", "atom", "watch"}, watches); err != nil {
		return err
	}
	if err := p.copy(ctx, "rest", []string{
		"place", "atom", "watch", "need", "need2", "needs", "buyers", "natures", "cpv", "excluded", "excludeds",
	}, watches); err != nil {
		return err
	}
	for _, statement := range []string{indexes, "VACUUM ANALYZE plain, rest"} {
		if _, err := p.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// copy fills a table with those postings that have its number of columns.
func (p *postgres) copy(ctx context.Context, table string, columns []string, watches []vigie.Criteria) error {
	next, stop := iter.Pull(func(yield func([]any) bool) {
		for i, w := range watches {
			for _, row := range p.postings(int32(i+1), query.Compile(w)) {
				if len(row) == len(columns) && !yield(row) {
					return
				}
			}
		}
	})
	defer stop()
	_, err := p.conn.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		row, _ := next()
		return row, nil
	}))
	return err
}

// postings are a watch's rows: of the table plain where they have its three
// columns, else of rest.
func (p *postgres) postings(watch int32, f query.Formula) [][]any {
	places, keys, required, lists := p.arrange(f)
	var excluded []int32
	for _, conj := range f.Excluded { // the recipe has one at most
		excluded = p.numbersOf(conj)
	}
	var rows [][]any
	for _, conj := range keys {
		rarest, need := p.rarest(conj), p.numbersOf(conj)
		atom := need[rarest]
		need = append(slices.Delete(need, rarest, rarest+1), required...)
		var rest []any
		if len(need)+len(lists)+len(excluded) > 0 {
			if len(need) == 0 {
				need = []int32{always}
			}
			rest = []any{
				need[0], at(need, 1), from(need, 2), lists[query.Buyer], lists[query.Nature], lists[query.CPV], at(excluded, 0), from(excluded, 1),
			}
		}
		for _, place := range places {
			rows = append(rows, append([]any{place, atom, watch}, rest...))
		}
	}
	return rows
}

// arrange decides under what a watch stands: where it has a choice of words,
// under each, else under what fewest tenders have. What is left is required,
// or lists by field, of which one must be there. The recipe asks for a word, a
// buyer or a code at least.
func (p *postgres) arrange(f query.Formula) (places []int16, keys query.Clause, required []int32, lists map[query.Field][]int32) {
	places, lists = []int16{anywhere}, make(map[query.Field][]int32)
	var all query.Conj
	var choices []query.Clause
	for _, clause := range f.Clauses {
		switch field := clause[0][0].Field; {
		case field == query.Department:
			places = p.placesOf(clause)
		case len(clause) == 1:
			all = append(all, clause[0]...)
		default:
			choices = append(choices, clause)
		}
	}
	if len(all) > 0 {
		choices = append(choices, query.Clause{all})
	}
	best := 0
	for i, clause := range choices {
		isWords := len(clause) > 1 && clause[0][0].Field == query.Term
		if isWords || p.count(clause) < p.count(choices[best]) {
			best = i
		}
		if isWords {
			break
		}
	}
	for i, clause := range choices {
		switch {
		case i == best:
		case len(clause) == 1:
			required = p.numbersOf(all)
		default:
			lists[clause[0][0].Field] = p.numbersOf(slices.Concat(clause...))
		}
	}
	return places, choices[best], required, lists
}

// count is in how many tenders of the sample a clause was true.
func (p *postgres) count(c query.Clause) (sum uint32) {
	for _, conj := range c {
		sum += p.frequencies[conj[p.rarest(conj)]]
	}
	return sum
}

// rarest is which atom of a conjunction fewest tenders have.
func (p *postgres) rarest(c query.Conj) (rarest int) {
	for i, atom := range c {
		n, least := p.frequencies[atom], p.frequencies[c[rarest]]
		if n < least || n == least && len(atom.Value) > len(c[rarest].Value) {
			rarest = i
		}
	}
	return rarest
}

// numbersOf numbers atoms.
func (p *postgres) numbersOf(c query.Conj) []int32 {
	list := make([]int32, len(c))
	for i, atom := range c {
		if p.numbers[atom] == 0 {
			p.numbers[atom] = int32(len(p.numbers) + 1)
		}
		list[i] = p.numbers[atom]
	}
	return list
}

// placesOf numbers departments.
func (p *postgres) placesOf(c query.Clause) []int16 {
	list := make([]int16, len(c))
	for i, conj := range c {
		name := conj[0].Value
		if p.places[name] == 0 {
			p.places[name] = int16(len(p.places) + 1)
		}
		list[i] = p.places[name]
	}
	return list
}

// at is a column that holds the i-th of a list, or NULL.
func at(list []int32, i int) any {
	if i >= len(list) {
		return nil
	}
	return list[i]
}

// from is a column that holds what comes from the i-th on, or NULL.
func from(list []int32, i int) any {
	if i >= len(list) {
		return nil
	}
	return list[i:]
}

// compare makes sure that the index finds the same watches.
func (p *postgres) compare(ctx context.Context, x *match.Index, tenders []query.Facts) error {
	for i, t := range tenders {
		got, err := p.match(ctx, p.parameters(t))
		if err != nil {
			return err
		}
		want, _ := x.Match(t, nil)
		if watch, differ := difference(got, want); differ {
			return fmt.Errorf("PostgreSQL and the index differ about tender %d and watch %d", i, watch)
		}
	}
	return nil
}

// measure takes the time from asking until all watches are there.
func (p *postgres) measure(ctx context.Context, tenders []query.Facts) ([]timed, error) {
	all := make([]timed, len(tenders))
	for i, t := range tenders {
		parameters := p.parameters(t)
		start := time.Now()
		list, err := p.match(ctx, parameters)
		if err != nil {
			return nil, err
		}
		all[i] = timed{took: time.Since(start), matched: len(list)}
	}
	return all, nil
}

// parameters are those of the statement matching. What no watch asks for has
// no number, and is left out.
func (p *postgres) parameters(t query.Facts) []any {
	places := []int16{anywhere}
	for _, name := range t[query.Department] {
		if place := p.places[name]; place != 0 {
			places = append(places, place)
		}
	}
	var codes []int32
	known := func(list []int32, field query.Field, values ...string) []int32 {
		for _, value := range values {
			if n := p.numbers[query.Atom{Field: field, Value: value}]; n != 0 {
				list = append(list, n)
			}
		}
		return list
	}
	codes = known(codes, query.Buyer, t[query.Buyer]...)
	codes = known(codes, query.Nature, t[query.Nature]...)
	codes = known(codes, query.CPV, t[query.CPV]...)
	atoms := known(append([]int32{always}, codes...), query.Term, t[query.Term]...)
	bits := make([]byte, len(p.numbers)/8+1)
	for _, n := range atoms {
		bits[n/8] |= 1 << (n % 8)
	}
	return []any{places, atoms, bits, codes}
}

// match returns the watches of a tender, each once.
func (p *postgres) match(ctx context.Context, parameters []any) ([]int64, error) {
	rows, err := p.conn.Query(ctx, matching, parameters...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []int64
	for rows.Next() {
		list = p.distinct(rows.RawValues()[0])
	}
	return list, rows.Err()
}

// distinct reads PostgreSQL's integer[], as it is sent, and drops repeats: a
// header of 20 bytes, then a length and a value of 4 bytes each.
func (p *postgres) distinct(array []byte) []int64 {
	const header, element = 20, 8
	if len(array) < header { // none
		return nil
	}
	list := make([]int64, 0, len(array)/element)
	for array = array[header:]; len(array) > 0; array = array[element:] {
		watch := binary.BigEndian.Uint32(array[4:])
		if !p.seen[watch] {
			p.seen[watch] = true
			list = append(list, int64(watch))
		}
	}
	for _, watch := range list {
		p.seen[watch] = false
	}
	return list
}

// difference names a watch that is in one of two lists only. It sorts them.
func difference(a, b []int64) (watch int64, differ bool) {
	slices.Sort(a)
	slices.Sort(b)
	for i := range max(len(a), len(b)) {
		switch {
		case i == len(a):
			return b[i], true
		case i == len(b):
			return a[i], true
		case a[i] != b[i]:
			return min(a[i], b[i]), true
		}
	}
	return 0, false
}

// close drops the schema. It takes a connection of its own, as one whose
// statement was given up is closed.
func (p *postgres) close(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	p.conn.Close(ctx)
	conn, err := pgx.Connect(ctx, p.url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "DROP SCHEMA IF EXISTS "+p.schema+" CASCADE")
	return err
}
