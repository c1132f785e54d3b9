package source

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"strings"
	"time"

	"vigie/ingest"
	"vigie/ingest/ocds"
)

// FindATender reads the releases of the United Kingdom's Find a Tender, by its API 1.0 (OCDS 1.1.5, Open Government
// Licence 3.0). It asks by windows of time: a page that may not have all of its window is asked for again as two halves,
// for the service's own links to a next page lose rows.
type FindATender struct {
	// URL is the service's, https://www.find-tender.service.gov.uk by default.
	URL string
	Web *Web
}

// findATender is the source's name.
const findATender = "find-a-tender"

// Name is the source's name.
func (FindATender) Name() string { return findATender }

// Rhythm says how often days are read.
func (FindATender) Rhythm() Rhythm { return Rhythm{Every: time.Hour, Recent: 2, Nightly: 4} }

const (
	// releasesPerPage is the most releases that the service sends at once.
	releasesPerPage = 100
	// shortestWindow is the shortest window that is halved.
	shortestWindow = 2 * time.Second
	// maxPage is the longest page that is read.
	maxPage = 64 << 20
)

// Day reads what was updated on a day.
func (f FindATender) Day(ctx context.Context, day Day, _ Known) iter.Seq2[ingest.Record, error] {
	return func(yield func(ingest.Record, error) bool) {
		london, err := time.LoadLocation("Europe/London")
		if err == nil {
			var stopped bool
			stopped, err = f.window(ctx, day.Start().In(london), day.End().In(london).Add(-time.Second), yield)
			if stopped {
				return
			}
		}
		if err != nil {
			yield(ingest.Record{}, err)
		}
	}
}

// window reads what was updated between two seconds, both included.
func (f FindATender) window(ctx context.Context, from, to time.Time, yield func(ingest.Record, error) bool) (stopped bool, err error) {
	page, whole, err := f.page(ctx, from, to)
	if err != nil {
		return false, err
	}
	if !whole && to.Sub(from) >= shortestWindow {
		// The halves share a second, for moments have fractions.
		middle := from.Add(to.Sub(from) / 2).Truncate(time.Second)
		stopped, first := f.window(ctx, from, middle, yield)
		if _, crowded := errors.AsType[*crowdedError](first); stopped || first != nil && !crowded {
			return stopped, first
		}
		stopped, err = f.window(ctx, middle, to, yield)
		return stopped, cmp.Or(err, first)
	}
	for record := range ocds.Read(bytes.NewReader(page), findATender) {
		if !yield(record, nil) {
			return true, nil
		}
	}
	if !whole {
		return false, &crowdedError{from}
	}
	return false, nil
}

// crowdedError says that more releases are of one moment than the service sends at once.
type crowdedError struct{ at time.Time }

func (e *crowdedError) Error() string {
	return fmt.Sprintf("more than %d releases are of one moment, %s", releasesPerPage, e.at.Format(time.DateTime))
}

// As makes it a [ServiceError].
func (e *crowdedError) As(target any) bool {
	if t, ok := target.(**ServiceError); ok {
		*t = &ServiceError{Reason: e.Error()}
		return true
	}
	return false
}

// page asks for the releases of a window, and whether they are all.
func (f FindATender) page(ctx context.Context, from, to time.Time) (page []byte, whole bool, err error) {
	const clock = "2006-01-02T15:04:05"
	query := url.Values{"limit": {"100"}, "updatedFrom": {from.Format(clock)}, "updatedTo": {to.Format(clock)}}
	body, err := f.Web.open(ctx, request{
		url: strings.TrimSuffix(f.URL, "/") + "/api/1.0/ocdsReleasePackages?" + query.Encode(), types: []string{"application/json"},
	})
	if err != nil {
		return nil, false, err
	}
	defer body.Close()
	page, err = io.ReadAll(io.LimitReader(body, maxPage+1))
	if err != nil {
		return nil, false, err
	}
	var said struct {
		Releases *[]json.RawMessage
		Links    struct{ Next string }
	}
	switch err := json.Unmarshal(page, &said); {
	case len(page) > maxPage:
		return nil, false, fault("the answer is longer than %d MiB", maxPage>>20)
	case err != nil:
		return nil, false, &ServiceError{Reason: "the answer is not the JSON that it should be", Err: err}
	case said.Releases == nil:
		return nil, false, fault("the answer has no releases")
	}
	return page, len(*said.Releases) < releasesPerPage && said.Links.Next == "", nil
}
