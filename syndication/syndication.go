// Package syndication serves lists of tenders to programs that come back for them: Atom feeds (RFC 4287) to feed readers,
// and calendars of deadlines (RFC 5545) to calendars. Who has the address of a list reads it; package service makes
// these addresses. The calendar of a single tender is for everybody.
//
// However many read a list, it is asked for once a minute, or when its watches or its account change.
package syndication

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/link"
	"vigie/service"
	"vigie/store"
)

// Lists are what the handler needs.
type Lists struct {
	Service   *service.Service
	Templates *letter.Templates
	// Brand is the name that the lists are published under.
	Brand string
	// WatchesURL, WatchURL and TenderURL are pages of the platform, "" for none, as in the settings of mails.
	WatchesURL, WatchURL, TenderURL string
	// Locale returns the language that an Accept-Language header asks for, "" for none of ours.
	Locale func(acceptLanguage string) vigie.Locale
	// AcceptsGzip reports whether a client reads gzip.
	AcceptsGzip func(*http.Request) bool
	// Begin lets a request in, or refuses it with [vigie.TooManyRequests] or [vigie.Unavailable]. It has a place until leave.
	Begin func(ctx context.Context) (leave func(), err error)
	Log   *slog.Logger
}

const (
	// freshFor is for how long a list is not asked for again.
	freshFor = time.Minute
	// maxKept is how many bytes of lists are kept in memory.
	maxKept = 64 << 20
	// timeout is how long it may take to make a list.
	timeout = 20 * time.Second
)

// Handler serves [link.FeedPath], [link.CalendarPath] and [service.TenderCalendarPath].
func (l *Lists) Handler() http.Handler {
	h := &handler{Lists: l, cache: newCache(maxKept, freshFor, l.Service.Now)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+link.FeedPath+"{file}", h.owned(kind{link.FeedPath, service.FeedSuffix, atomType, h.feed}, link.WatchFeed, link.AccountFeed))
	mux.HandleFunc("GET "+link.CalendarPath+"{file}", h.owned(kind{link.CalendarPath, service.CalendarSuffix, calendarType, h.calendar}, link.WatchCalendar, link.AccountCalendar))
	mux.HandleFunc("GET "+service.TenderCalendarPath+"{file}", h.served(calendarType, h.tender))
	return mux
}

type handler struct {
	*Lists
	cache *cache
}

// kind is what is made of a list.
type kind struct {
	path, suffix, mediaType string
	// write makes the document at an address.
	write func(ctx context.Context, owner *store.FeedOwner, address string) ([]byte, error)
}

// owned returns the handler of lists whose addresses hold tokens for some purposes.
func (h *handler) owned(k kind, purposes ...link.Purpose) http.HandlerFunc {
	return h.served(k.mediaType, func(ctx context.Context, r *http.Request) (reply, error) {
		// In whatever letters the address is written: it is one list, and asked for once.
		token, ok := strings.CutSuffix(strings.ToLower(r.PathValue("file")), k.suffix)
		if !ok {
			return reply{}, &vigie.Error{Code: vigie.NotFound}
		}
		owner, err := h.Service.OwnerOf(ctx, token, purposes...)
		if err != nil {
			return reply{}, err
		}
		doc, err := h.cache.get(ctx, token, state(owner), func(ctx context.Context) ([]byte, error) {
			return k.write(ctx, owner, h.Service.Feeds.At(k.path, token, k.suffix))
		})
		// Only for who has the address; it must not get into search engines either.
		return reply{doc, map[string]string{"Cache-Control": "private, " + maxAge(), "Vary": "Accept-Encoding", "X-Robots-Tag": "noindex, nofollow"}}, err
	})
}

// reply is a document with the headers of its answer.
type reply struct {
	*document
	headers map[string]string
}

func maxAge() string { return "max-age=" + strconv.Itoa(int(freshFor.Seconds())) }

// served answers with what find returns, once there is a place to find it. The place is free again before
// anything is written: clients that read slowly hold none.
func (h *handler) served(mediaType string, find func(context.Context, *http.Request) (reply, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		found, err := func() (reply, error) {
			ctx, cancel := context.WithTimeout(r.Context(), timeout)
			defer cancel()
			leave, err := h.Begin(ctx)
			if err != nil {
				return reply{}, err
			}
			defer leave()
			return find(ctx, r)
		}()
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		h.answer(w, r, mediaType, found)
	}
}

// state differs where the owner changed what the list has or how it looks.
func state(owner *store.FeedOwner) string {
	return strings.Join([]string{
		strconv.FormatInt(owner.Changed, 10), string(owner.Account.Locale), strconv.Itoa(int(owner.Account.CalendarAlarmDays)), fmt.Sprint(owner.Account.ReminderDays),
	}, " ")
}

// tender serves the calendar of a single tender.
func (h *handler) tender(ctx context.Context, r *http.Request) (reply, error) {
	id, ok := strings.CutSuffix(r.PathValue("file"), service.CalendarSuffix)
	k, number, known := h.Service.IDs().Parse(id)
	if !ok || !known || k != vigie.KindTender {
		return reply{}, &vigie.Error{Code: vigie.NotFound}
	}
	l := h.Locale(r.Header.Get("Accept-Language"))
	if l == "" {
		l = vigie.French
	}
	id = h.Service.IDs().ID(k, number)
	doc, err := h.cache.getFile(ctx, id+" "+string(l), "", func(ctx context.Context) ([]byte, string, error) { return h.tenderCalendar(ctx, number, l) })
	if err != nil {
		return reply{}, err
	}
	return reply{doc, map[string]string{
		"Cache-Control": "public, " + maxAge(), "Vary": "Accept-Encoding, Accept-Language", "Content-Disposition": `attachment; filename="` + doc.file + `"`,
	}}, nil
}

// answer writes a document, or that the client has it already.
func (h *handler) answer(w http.ResponseWriter, r *http.Request, mediaType string, found reply) {
	body, tag := found.plain, found.tag
	for name, value := range found.headers {
		w.Header().Set(name, value)
	}
	if found.packed != nil && h.AcceptsGzip(r) {
		body = found.packed
		tag += "-gzip" // a strong tag names bytes (RFC 9110, section 8.8.3)
		w.Header().Set("Content-Encoding", "gzip")
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("ETag", `"`+tag+`"`)
	http.ServeContent(w, r, "", found.modified, bytes.NewReader(body))
}

// refuse answers where there is nothing to serve.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // nobody reads it
	}
	status, said := http.StatusInternalServerError, vigie.Text{FR: "Une erreur s’est produite de notre côté. Réessayez plus tard.", EN: "Something went wrong on our side. Try again later."}
	switch code := vigie.CodeOf(err); {
	case code == vigie.NotFound:
		status, said = http.StatusNotFound, vigie.Text{
			FR: "Cette adresse n’est pas valable, ou elle a été remplacée. Copiez-la de nouveau depuis votre veille.",
			EN: "This address is not valid, or was replaced. Copy it again from your watch.",
		}
	case code == vigie.LimitExceeded:
		status, said = http.StatusForbidden, vigie.Text{
			FR: "Ces veilles ont trop de critères pour être lues ensemble. Utilisez les adresses de chaque veille.",
			EN: "These watches have too many criteria to be read together. Use the address of each watch.",
		}
	case code == vigie.TooManyRequests:
		status, said = http.StatusTooManyRequests, vigie.Text{FR: "Trop de demandes depuis votre réseau. Réessayez dans un instant.", EN: "Too many requests from your network. Try again shortly."}
		e, _ := errors.AsType[*vigie.Error](err)
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(e.RetryAfter.Seconds())))))
	case code == vigie.Unavailable, errors.Is(err, context.DeadlineExceeded):
		h.Log.WarnContext(r.Context(), "a list cannot be read", "component", "syndication", "action", "serve", "error", err)
		w.Header().Set("Retry-After", "60")
		status, said = http.StatusServiceUnavailable, vigie.Text{FR: "Service momentanément indisponible. Réessayez dans un instant.", EN: "Not available at the moment. Try again shortly."}
	default:
		h.Log.ErrorContext(r.Context(), "a list cannot be read", "component", "syndication", "action", "serve", "error", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, said.In(h.Locale(r.Header.Get("Accept-Language"))), status)
}
