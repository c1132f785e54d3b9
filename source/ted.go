package source

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"vigie/ingest"
	"vigie/ingest/ted"
)

// TED reads the notices of Tenders Electronic Daily about France: it asks the search API (version 3, anonymous) which
// notices were published on a day, and reads those that are not known yet, one by one, as XML.
type TED struct {
	// SearchURL is where the search answers, https://api.ted.europa.eu by default, and NoticeURL where notices are,
	// https://ted.europa.eu.
	SearchURL, NoticeURL string
	// Query narrows what is read, in TED's expert language; [FrenchNotices] by default.
	Query string
	Web   *Web
}

// FrenchNotices are those of French buyers, and about what is performed in France.
const FrenchNotices = "(buyer-country=FRA OR place-of-performance=FRA)"

// Name is the source's name.
func (TED) Name() string { return ted.Source }

// Rhythm says how often days are read: TED publishes once, on working days, in the morning.
func (TED) Rhythm() Rhythm { return Rhythm{Every: 2 * time.Hour, Recent: 2, Nightly: 10} }

// Day reads the notices of a day that are not known yet.
func (t TED) Day(ctx context.Context, day Day, known Known) iter.Seq2[ingest.Record, error] {
	return func(yield func(ingest.Record, error) bool) {
		numbers, err := t.published(ctx, day)
		var have map[string]bool
		if err == nil {
			have, err = known(ctx, numbers)
		}
		if err != nil {
			yield(ingest.Record{}, err)
			return
		}
		var missing error
		inARow := 0
		for _, number := range numbers {
			if have[number] {
				continue
			}
			record, err := t.notice(ctx, number)
			if _, one := errors.AsType[*ServiceError](err); one && inARow < mostInARow && ctx.Err() == nil { // the others may be there
				missing = err
				inARow++
				continue
			}
			inARow = 0
			if !yield(record, err) || err != nil {
				return
			}
		}
		if missing != nil {
			yield(ingest.Record{}, missing)
		}
	}
}

// mostInARow is how many notices one after the other may be missing or broken before the service counts as failing.
const mostInARow = 4

const (
	// perPage is the most rows that a page of the search has.
	perPage = 250
	// startOvers is how often the list of a day is begun again after its token expired.
	startOvers = 3
)

// published returns the numbers of the notices of a day, all of them.
func (t TED) published(ctx context.Context, day Day) ([]string, error) {
	for attempt := 1; ; attempt++ {
		numbers, err := t.list(ctx, day)
		status, expired := errors.AsType[*StatusError](err)
		// A token that expired is answered like a wrong request.
		if !expired || attempt == startOvers || status.Status != 400 && status.Status != 404 && status.Status != 410 {
			return numbers, err
		}
	}
}

// list asks page after page, and compares the number of rows with the total.
func (t TED) list(ctx context.Context, day Day) ([]string, error) {
	seen := make(map[string]bool)
	var numbers []string
	for token := ""; ; {
		page, err := t.page(ctx, day, token)
		if err != nil {
			return nil, err
		}
		for _, n := range page.Notices {
			if number := trimZeros(n.Number); number != "" && !seen[number] {
				seen[number] = true
				numbers = append(numbers, number)
			}
		}
		// The last full page can bring a token too: an empty page is the end.
		if token = page.Token; token == "" || len(page.Notices) == 0 {
			if len(numbers) != *page.Total {
				return nil, fault("%d notices were listed of %d", len(numbers), *page.Total)
			}
			return numbers, nil
		}
	}
}

// tedPage is a page of the search.
type tedPage struct {
	Notices []struct {
		Number string `json:"publication-number"`
	} `json:"notices"`
	Total    *int   `json:"totalNoticeCount"`
	Token    string `json:"iterationNextToken"`
	TimedOut bool   `json:"timedOut"`
}

// page asks for a page of the notices of a day.
func (t TED) page(ctx context.Context, day Day, token string) (*tedPage, error) {
	query := t.Query
	if query == "" {
		query = FrenchNotices
	}
	ask := map[string]any{
		"query":  fmt.Sprintf("publication-date=%s AND %s", strings.ReplaceAll(string(day), "-", ""), query),
		"fields": []string{"publication-number"}, "limit": perPage, "scope": "ALL", "paginationMode": "ITERATION",
	}
	if token != "" {
		ask["iterationNextToken"] = token
	}
	body, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	page, err := answer[tedPage](ctx, t.Web, request{method: "POST", url: strings.TrimSuffix(t.SearchURL, "/") + "/v3/notices/search", body: body})
	switch {
	case err != nil:
		return nil, err
	case page.TimedOut:
		return nil, fault("the search timed out at the service")
	case page.Total == nil:
		return nil, fault("the service does not say how many notices there are")
	}
	return page, nil
}

// trimZeros gives a number its usual form: 00497150-2026 is 497150-2026.
func trimZeros(number string) string { return strings.TrimLeft(strings.TrimSpace(number), "0") }

// notice asks for one notice.
func (t TED) notice(ctx context.Context, number string) (ingest.Record, error) {
	return whole(ctx, t.Web, request{
		url: strings.TrimSuffix(t.NoticeURL, "/") + "/en/notice/" + number + "/xml", types: []string{"application/xml", "text/xml"},
	}, func(body io.Reader) (ingest.Record, error) { return readNotice(body, number) })
}

// readNotice reads one notice.
func readNotice(body io.Reader, number string) (ingest.Record, error) {
	for record := range ted.Read(body) {
		if record.Ref == "" {
			record.Ref = number
		}
		_, broken := errors.AsType[*xml.SyntaxError](record.Err)
		if record.Err != nil && (broken || unreadable(record.Err)) {
			return record, &ServiceError{Reason: "a notice could not be read whole", Err: record.Err}
		}
		return record, nil
	}
	return ingest.Record{}, fault("the service sent nothing for a notice")
}
