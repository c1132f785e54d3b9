package source

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"vigie/ingest"
	"vigie/ingest/ocds"
)

// FindATender reads the releases of the United Kingdom's Find a Tender, by its API 1.0 (OCDS 1.1.5, Open Government
// Licence 3.0). It asks by windows of time: a page that may not have all of its window is asked for again as two halves,
// for the service's own links to a next page lose rows. Some releases say only what changed: of their procedures all
// releases are asked for.
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
)

// Day reads what was updated on a day.
func (f FindATender) Day(ctx context.Context, day Day, _ Known) iter.Seq2[ingest.Record, error] {
	return func(yield func(ingest.Record, error) bool) {
		london, err := time.LoadLocation("Europe/London")
		if err == nil {
			var stopped bool
			stopped, err = f.window(ctx, day.Start().In(london), day.End().In(london), yield)
			if stopped {
				return
			}
		}
		if err != nil {
			yield(ingest.Record{}, err)
		}
	}
}

// window reads what was updated between two seconds, both included: moments have fractions, so what follows, the other half or
// the next day, begins with the second that this one ends with.
func (f FindATender) window(ctx context.Context, from, to time.Time, yield func(ingest.Record, error) bool) (stopped bool, err error) {
	page, whole, err := f.page(ctx, from, to)
	if err != nil {
		return false, err
	}
	if !whole && to.Sub(from) >= shortestWindow {
		middle := from.Add(to.Sub(from) / 2).Truncate(time.Second)
		stopped, first := f.window(ctx, from, middle, yield)
		if _, rest := errors.AsType[*gapError](first); stopped || first != nil && !rest {
			return stopped, first
		}
		stopped, err = f.window(ctx, middle, to, yield)
		return stopped, cmp.Or(err, first)
	}
	if stopped, err = f.publish(ctx, page, yield); err == nil && !stopped && !whole {
		err = &gapError{ServiceError{Reason: fmt.Sprintf("more than %d releases are of one moment, %s", releasesPerPage, from.Format(time.DateTime))}}
	}
	return stopped, err
}

// gapError says that something of a window could not be read, and all the rest was.
type gapError struct{ ServiceError }

// Unwrap makes it a [ServiceError].
func (e *gapError) Unwrap() error { return &e.ServiceError }

// publish yields what a page has. Of a procedure of which a release says only what changed, it also yields the releases that
// came before; if these cannot be read, the other procedures are.
func (f FindATender) publish(ctx context.Context, page []release, yield func(ingest.Record, error) bool) (stopped bool, err error) {
	of := make(map[string][]release)
	changed := make(map[string]bool)
	for _, r := range page {
		of[r.OCID] = append(of[r.OCID], r)
		changed[r.OCID] = changed[r.OCID] || r.changes()
	}
	var missing error
	inARow := 0
	for _, ocid := range slices.Sorted(maps.Keys(of)) {
		var before []release
		if changed[ocid] {
			before, err = f.history(ctx, ocid)
			if _, fails := errors.AsType[*ServiceError](err); fails && inARow < mostInARow && ctx.Err() == nil {
				inARow++
				missing = &gapError{ServiceError{"the releases of a procedure could not be read", err}}
				continue
			}
			if err != nil {
				return false, err
			}
			inARow = 0
		}
		for record := range read(ocid, of[ocid], before) {
			if !yield(record, nil) {
				return true, nil
			}
		}
	}
	return false, missing
}

// read reads releases of a procedure, together with others of it, which are from before unless they are among the first.
func read(ocid string, releases, others []release) iter.Seq[ingest.Record] {
	return func(yield func(ingest.Record) bool) {
		own := make(map[string]bool)
		for record := range readAll(ocid, releases) {
			own[record.Ref] = true
		}
		ids := make(map[string]bool)
		all := slices.DeleteFunc(slices.Concat(releases, others), func(r release) bool {
			known := ids[r.ID]
			ids[r.ID] = true
			return known
		})
		for record := range readAll(ocid, all) {
			record.Earlier = !own[record.Ref]
			if !yield(record) {
				return
			}
		}
	}
}

// readAll reads releases of a procedure, the oldest first.
func readAll(ocid string, releases []release) iter.Seq[ingest.Record] {
	texts := make([]json.RawMessage, len(releases))
	for i, r := range releases {
		texts[i] = r.text
	}
	if len(texts) == 1 {
		return ocds.Read(bytes.NewReader(texts[0]), findATender)
	}
	record, err := json.Marshal(map[string]any{"ocid": ocid, "releases": texts})
	if err != nil { // texts were read as JSON
		panic("source: " + err.Error())
	}
	return ocds.Read(bytes.NewReader(record), findATender)
}

// release is a release of OCDS, and what is needed of it here.
type release struct {
	OCID, ID string
	Tag      []string
	text     json.RawMessage
}

// UnmarshalJSON implements [json.Unmarshaler].
func (r *release) UnmarshalJSON(text []byte) error {
	type plain release
	if err := json.Unmarshal(text, (*plain)(r)); err != nil {
		return err
	}
	r.text = slices.Clone(text)
	return nil
}

// changes reports whether a release may say only what changed: by its tags (OCDS 1.1, release tag codelist), it follows
// another one.
func (r release) changes() bool {
	return slices.ContainsFunc(r.Tag, func(tag string) bool {
		return slices.ContainsFunc([]string{"Update", "Amendment", "Cancellation", "Termination"}, func(end string) bool { return strings.HasSuffix(tag, end) })
	})
}

const packages = "/api/1.0/ocdsReleasePackages"

// page asks for the releases of a window, and whether they are all.
func (f FindATender) page(ctx context.Context, from, to time.Time) (page []release, whole bool, err error) {
	const clock = "2006-01-02T15:04:05"
	query := url.Values{"limit": {"100"}, "updatedFrom": {from.Format(clock)}, "updatedTo": {to.Format(clock)}}
	page, next, err := f.ask(ctx, packages+"?"+query.Encode())
	return page, len(page) < releasesPerPage && next == "", err
}

// maxPages is the most pages that the releases of a procedure may have.
const maxPages = 20

// history asks for all releases of a procedure.
func (f FindATender) history(ctx context.Context, ocid string) (all []release, err error) {
	path := packages + "/" + url.PathEscape(ocid)
	for range maxPages {
		page, next, err := f.ask(ctx, path)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next == "" {
			return all, nil
		}
		link, err := url.Parse(next)
		if err != nil || !strings.HasPrefix(link.RequestURI(), packages+"/") {
			return nil, &ServiceError{Reason: "the answer goes on at another address than the service's", Err: err}
		}
		path = link.RequestURI() // the host is ours, not that of the link
	}
	return nil, fault("the releases of a procedure have more than %d pages", maxPages)
}

// ask asks for a package of releases, and where the service says that it goes on.
func (f FindATender) ask(ctx context.Context, path string) (releases []release, next string, err error) {
	type pack struct {
		Releases *[]release
		Links    struct{ Next string }
	}
	said, err := answer[pack](ctx, f.Web, request{url: strings.TrimSuffix(f.URL, "/") + path})
	switch {
	case err != nil:
		return nil, "", err
	case said.Releases == nil:
		return nil, "", fault("the answer has no releases")
	}
	return *said.Releases, said.Links.Next, nil
}
