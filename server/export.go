package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/export"
	"vigie/graph"
	"vigie/graph/wire"
	"vigie/service"
)

const (
	// exportPath is where lists are answered as files:
	// /export/tenders.csv, /export/matching-tenders.xlsx.
	exportPath = "/export/"
	// exportTime is how long an export may take, with the reading of a slow client.
	exportTime = 15 * time.Minute
	// exportedPerTurn is how many rows count as one operation in the rate: they take
	// about as much work as the dearest operation.
	exportedPerTurn = 1000
)

// exporting limits exports. What is read of the database and the search engine is
// read in turns, and none is held while a client reads: one that stops reading
// holds its connection, and keeps its own account from a second export.
type exporting struct {
	own *shares // one of each account
	// pages are the turns to read a page, books those to make a whole file.
	pages, books *queue
}

// newExporting lets n exports be read at once.
func newExporting(n int64) exporting {
	const all = 1024
	return exporting{newShares(1, all), newQueue(n, all, time.Minute), newQueue(n, 4*n, 30*time.Second)}
}

// begin counts an export of the caller, until its end. Callers without a token are
// not counted: they are refused next.
func (e *exporting) begin(ctx context.Context) (end func(), err error) {
	who, known := caller(ctx)
	if !known {
		return func() {}, nil
	}
	end, err = e.own.take(who, 1, never)
	if vigie.CodeOf(err) == vigie.TooManyRequests {
		err = &vigie.Error{Code: vigie.TooManyRequests, RetryAfter: 10 * time.Second, Text: vigie.Text{
			FR: "Un export est déjà en cours pour votre compte. Attendez qu’il soit terminé, puis réessayez.",
			EN: "An export is already under way for your account. Wait until it is done, then try again.",
		}}
	}
	return end, err
}

// exports answers lists as files. A client sees whether it has all of one: a file
// that was made before it is sent has a length; else what fails after the first
// byte cuts the connection.
type exports struct {
	service *service.Service
	lists   *graph.Lists
	gate    *gate
	log     *slog.Logger
}

// asked is one export that is asked for.
type asked struct {
	*exports
	w      http.ResponseWriter
	r      *http.Request
	list   string // the field of Query
	xlsx   bool
	locale vigie.Locale
	sent   bool // the first byte
	lost   bool // the client does not read
}

// ServeHTTP implements [http.Handler].
func (e *exports) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), exportTime)
	defer cancel()
	a := &asked{exports: e, w: w, r: r.WithContext(ctx), locale: graph.LocaleOf(ctx)}
	name, format, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, exportPath), ".")
	a.list, a.xlsx = map[string]string{"tenders": "tenders", "matching-tenders": "matchingTenders"}[name], format == "xlsx"
	if a.list == "" || !a.xlsx && format != "csv" {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		a.refuse(http.StatusMethodNotAllowed, &vigie.Error{Code: vigie.BadRequest, Text: vigie.Same("Use GET or HEAD.")})
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // the server's limit would end longer requests
	if err := a.answer(); err != nil {
		a.fail(err)
	}
}

// answer answers with the file.
func (a *asked) answer() error {
	ctx := a.r.Context()
	rate, err := a.gate.admit(ctx)
	rate.Write(a.w.Header())
	if err != nil {
		return err
	}
	end, err := a.gate.exports.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	plan, account, err := a.lists.Plan(ctx, a.list, a.r.URL.Query())
	if err != nil {
		return err
	}
	var list *service.Export
	err = a.turn(ctx, func(ctx context.Context) error {
		list, err = a.service.OpenExport(ctx, plan, account)
		return err
	})
	if err != nil {
		return err
	}
	rate, err = a.gate.charge(ctx, list.Total/exportedPerTurn)
	rate.Write(a.w.Header())
	switch {
	case err != nil:
		return err
	case a.r.Method == http.MethodHead:
		a.describe()
		a.w.WriteHeader(http.StatusOK)
		return nil
	case a.xlsx:
		return a.whole(ctx, func(file io.Writer) error { return a.writeXLSX(ctx, list, file) })
	case !a.r.ProtoAtLeast(1, 1): // whose answers end where the connection does, so none looks cut
		return a.whole(ctx, func(file io.Writer) error { return a.writeCSV(ctx, list, file) })
	}
	return a.writeCSV(ctx, list, a)
}

// turn reads something when it is the export's turn.
func (a *asked) turn(ctx context.Context, read func(context.Context) error) error {
	leave, err := a.gate.counting(a.gate.exports.pages.enter(ctx, 1))
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, a.gate.MaxTime)
	defer cancel()
	return read(ctx)
}

// next reads the next rows of a list; none at its end.
func (a *asked) next(ctx context.Context, list *service.Export) (rows []*service.ExportedTender, err error) {
	err = a.turn(ctx, func(ctx context.Context) error {
		rows, err = list.Next(ctx)
		return err
	})
	return rows, err
}

// writeCSV writes a list as CSV, row by row as they come.
func (a *asked) writeCSV(ctx context.Context, list *service.Export, file io.Writer) error {
	text := export.AppendCSVHeader(nil, a.locale)
	for {
		rows, err := a.next(ctx, list)
		if err != nil {
			return err
		}
		text = export.AppendCSV(text, rows, a.locale)
		if _, err := file.Write(text); err != nil || len(rows) == 0 {
			return err
		}
		text = text[:0]
	}
}

// writeXLSX writes a list as XLSX, which has to be made as a whole.
func (a *asked) writeXLSX(ctx context.Context, list *service.Export, file io.Writer) (err error) {
	book, err := export.NewWorkbook(a.locale, a.service.Now())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	for {
		rows, err := a.next(ctx, list)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return book.Write(file)
		}
		if err := book.Add(rows); err != nil {
			return err
		}
	}
}

// whole answers with a file that is made first. While it is read there is nothing
// of it in memory.
func (a *asked) whole(ctx context.Context, write func(io.Writer) error) error {
	leave, err := a.gate.counting(a.gate.exports.books.enter(ctx, 1))
	if err != nil {
		return err
	}
	defer leave()
	file, err := os.CreateTemp("", "vigie-export-*")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil { // it is there until it is closed
		return err
	}
	if err := write(file); err != nil {
		return err
	}
	leave()
	size, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	a.w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	_, err = io.Copy(a, file)
	return err
}

// Write sends a part of the file. The first one comes after its description.
func (a *asked) Write(text []byte) (int, error) {
	if err := a.r.Context().Err(); err != nil {
		return 0, err
	}
	if !a.sent {
		a.sent = true
		a.describe()
	}
	n, err := a.w.Write(text)
	if err == nil {
		err = http.NewResponseController(a.w).Flush()
	}
	a.lost = err != nil
	return n, err
}

// describe says what the file is. It is for who asks, and for now.
func (a *asked) describe() {
	h := a.w.Header()
	h.Set("Content-Type", export.CSVType)
	if a.xlsx {
		h.Set("Content-Type", export.XLSXType)
	}
	h.Set("Content-Disposition", `attachment; filename="`+export.FileName(a.locale, a.service.Now())+path.Ext(a.r.URL.Path)+`"`)
	h.Set("Cache-Control", "no-store")
}

// fail answers with an error, or cuts off what was begun.
func (a *asked) fail(err error) {
	ctx := a.r.Context()
	if a.sent {
		if !a.lost && !errors.Is(ctx.Err(), context.Canceled) {
			a.log.WarnContext(ctx, "an export was cut off", "component", "export", "action", "send", "list", a.list, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	shown, code := a.lists.Present(ctx, err)
	status := http.StatusBadRequest
	switch code {
	case vigie.Unauthenticated:
		status = http.StatusUnauthorized
		a.w.Header().Set("WWW-Authenticate", "Bearer")
	case vigie.Forbidden:
		status = http.StatusForbidden
	case vigie.NotFound:
		status = http.StatusNotFound
	case vigie.TooManyRequests:
		status = http.StatusTooManyRequests
	case vigie.Unavailable, vigie.TimedOut:
		status = http.StatusServiceUnavailable
	case vigie.Internal:
		status = http.StatusInternalServerError
	}
	if after := graph.RetryAfter(err); after > 0 {
		a.w.Header().Set("Retry-After", strconv.Itoa(after))
	}
	a.w.Header().Del("Content-Length")
	a.w.Header().Set("Cache-Control", "no-store")
	writeJSON(a.w, status, map[string]any{"errors": []any{shown}})
}

// refuse answers with an error and a status of its own.
func (a *asked) refuse(status int, err *vigie.Error) {
	a.w.Header().Set("Cache-Control", "no-store")
	writeError(a.w, a.r, status, err)
}

// charge counts further operations in the rate, at most all that a minute has:
// what takes much work has a higher price.
func (g *gate) charge(ctx context.Context, operations int) (wire.Rate, error) {
	who, _ := caller(ctx)
	return g.accounts.takeSome(who, min(operations, int(math.Max(1, g.RateAccount))-1), g.now())
}
