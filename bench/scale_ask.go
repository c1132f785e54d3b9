package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"vigie"
	"vigie/bench/corpus"
	"vigie/bench/live"
	"vigie/store"
)

// The questions, as pages ask them.
const (
	pageQuery  = `query ($id: [ID!]) { matchingTenders(watchIds: $id, first: 20) { totalCount nodes { id title deadline buyer { name } departments { name } } } }`
	facetQuery = `{ tenders(first: 20) { totalCount nodes { id title } facets { departments { value count } buyers { value count } natures { value count } procedures { value count } cpvCodes { value count } deadlineKinds { value count } techniques { value count } sources { value count } } } }`
	typoQuery  = `query ($q: String!) { tenders(search: $q, first: 20) { totalCount forgiven nodes { id title } } }`
	buyerQuery = `query ($q: String!) { buyers(search: $q) { nodes { id name } } }`
)

// askAll starts a server and measures what it takes to answer each question.
func (r *scaleRun) askAll(ctx context.Context) (err error) {
	watches, err := probes(ctx, r.store, r.words)
	if err != nil {
		return err
	}
	server, err := r.start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	if err := server.CaughtUp(ctx); err != nil {
		return err
	}
	token, err := live.Token(prober, nil)
	if err != nil {
		return err
	}
	misspelt := r.words.Misspelt(r.Asks, scaleSeed)
	for _, q := range []struct {
		figures   [3]string
		query     string
		variables func(n int) map[string]any
		// least is the least share of the answers that says what the question asks for.
		least float64
	}{
		{[3]string{listP50, listP95, listCPU}, pageQuery, func(n int) map[string]any { return map[string]any{"id": watches[n%len(watches)]} }, 0},
		{[3]string{facetsP50, facetsP95, facetsCPU}, facetQuery, func(int) map[string]any { return nil }, 0},
		{[3]string{typoP50, typoP95, typoCPU}, typoQuery, func(n int) map[string]any { return map[string]any{"q": misspelt[n%len(misspelt)]} }, 0.1},
		{[3]string{buyersP50, buyersP95, buyersCPU}, buyerQuery, func(n int) map[string]any { return map[string]any{"q": string(rune('a' + n%26))} }, 0},
	} {
		if err := r.ask(ctx, server, token, q.query, q.variables, q.figures, q.least); err != nil {
			return err
		}
	}
	return nil
}

// prober is who asks.
const prober = "prober@example.org"

// probes are the ids of new watches, whose lists are asked for.
func probes(ctx context.Context, s *store.Store, words *corpus.Corpus) (ids []string, err error) {
	account, err := s.SignIn(ctx, store.Claims{Issuer: "vigie", Subject: prober, Email: prober, EmailVerified: true})
	if err != nil {
		return nil, err
	}
	g := rand.New(rand.NewPCG(scaleSeed, 9))
	for i := range 50 {
		criteria := words.Watch(g)
		criteria.BuyerIDs = nil // those are of the words alone
		name := fmt.Sprintf("%s %d", time.Now().Format(time.RFC3339Nano), i)
		w, err := s.CreateWatch(ctx, account, vigie.Watch{
			Name: name, NameKey: vigie.NameKey(name), Active: true, Frequency: vigie.Daily, Criteria: criteria,
		}, false, nil)
		if err != nil {
			return nil, err
		}
		ids = append(ids, s.IDs().ID(vigie.KindWatch, w.ID))
	}
	return ids, nil
}

// ask asks a question again and again, one after another, and notes how long half and 95 of 100 answers took, and the
// processor time of one.
func (r *scaleRun) ask(ctx context.Context, server *live.Server, token, query string, variables func(int) map[string]any, figures [3]string, least float64) error {
	const warm = 20
	var took []time.Duration
	var before time.Duration
	forgiven := 0
	for n := range warm + r.Asks {
		if n == warm {
			before = r.used() + live.CPU(server.PID)
		}
		var answer struct{ Tenders struct{ Forgiven bool } }
		start := time.Now()
		if err := server.Ask(ctx, token, query, variables(n), &answer); err != nil {
			return err
		}
		if n >= warm {
			took = append(took, time.Since(start))
		}
		if answer.Tenders.Forgiven {
			forgiven++
		}
	}
	cpu := r.used() + live.CPU(server.PID) - before
	if float64(forgiven) < least*float64(r.Asks) {
		return errors.New("hardly any typing error was forgiven: this measures something else")
	}
	slices.Sort(took)
	r.base.Figures[figures[0]] = took[len(took)/2].Seconds()
	r.base.Figures[figures[1]] = took[len(took)*95/100].Seconds()
	r.base.Figures[figures[2]] = cpu.Seconds() / float64(len(took))
	return nil
}
