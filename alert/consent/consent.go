// Package consent serves the pages that links in mails lead to. On them the owner of an address consents to mail,
// leaves, stops reminders, dismisses a tender, and undoes that.
//
// Opening a page changes nothing, because mail scanners follow links. A button does, and so does the one click of RFC
// 8058, which is a POST too.
package consent

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"vigie"
	"vigie/alert/link"
	"vigie/ledger"
	"vigie/store"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

// Pages are what the handler needs.
type Pages struct {
	Ledger *ledger.Ledger
	Store  *store.Store
	Keys   *link.Keys
	// Brand is the name that the pages are published under.
	Brand string
	// Locale returns the language that an Accept-Language header asks for, "" for none of ours.
	Locale func(acceptLanguage string) vigie.Locale
	Log    *slog.Logger
}

// maxBody is the most bytes that a button's request may have, far more than it needs.
const maxBody = 8 << 10

// storeTimeout is how long the database may take; after that the visitor is asked to try again.
const storeTimeout = 10 * time.Second

// rejoin is the value of the button that undoes leaving, or dismissing.
const rejoin = "rejoin"

// errExpired is the error of a link whose time is over.
var errExpired = errors.New("the link has expired")

// Paths are where the handler serves: what begins with one of them.
func Paths() []string {
	return []string{link.ConfirmPath, link.LeavePath, link.DismissPath, link.WebhookPath}
}

// Handler serves [Paths].
func (p *Pages) Handler() http.Handler {
	h := &handler{Pages: p, page: template.Must(template.New("page").Parse(pageHTML))}
	sum := sha256.Sum256([]byte(pageCSS))
	h.policy = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
	mux := http.NewServeMux()
	mux.HandleFunc(link.ConfirmPath+"{token...}", h.serve(link.Confirm))
	mux.HandleFunc(link.LeavePath+"{token...}", h.serve(link.LeaveWatch, link.LeaveAll, link.StopReminders))
	mux.HandleFunc(link.DismissPath+"{token...}", h.serve(link.Dismiss))
	mux.HandleFunc(link.WebhookPath+"{token...}", h.serve(link.ConfirmWebhook))
	return mux
}

type handler struct {
	*Pages
	page   *template.Template
	policy string
}

// serve returns the handler for tokens of some purposes.
func (h *handler) serve(purposes ...link.Purpose) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		l := h.Locale(r.Header.Get("Accept-Language"))
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodPost:
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			h.write(w, http.StatusMethodNotAllowed, l, unknownLink())
			return
		}
		// The change is made even if the visitor closes the connection.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTimeout)
		defer cancel()
		who, act, undo, err := h.open(ctx, r.PathValue("token"), purposes)
		if err == nil && r.Method == http.MethodPost {
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			if r.PostFormValue("action") == rejoin && undo != nil {
				act = undo
			}
			if err = act(ctx); err == nil {
				who, _, _, err = h.open(ctx, r.PathValue("token"), purposes)
			}
		}
		if err != nil {
			h.refuse(w, r, l, err)
			return
		}
		if l == "" {
			l = who.Locale
		}
		h.write(w, http.StatusOK, l, who.view())
	}
}

// visitor is the person who follows a link.
type visitor struct {
	ledger.Addressee
	purpose link.Purpose
	// dismissal is what a link to dismiss a tender is about.
	dismissal store.Dismissal
	// reminded is whether the account of a link to stop reminders gets any.
	reminded bool
}

// open finds out who follows a link, what its button does, and what undoes that, if anything. Where the link is not
// one of ours, the error has the code [vigie.NotFound].
func (h *handler) open(ctx context.Context, token string, purposes []link.Purpose) (who visitor, act, undo func(context.Context) error, err error) {
	purpose, id, ok := h.Keys.Parse(token)
	for _, p := range purposes {
		if !ok || p != purpose {
			continue
		}
		who.purpose = p
		do := func(f func(ctx context.Context, id int64, address string) error) func(context.Context) error {
			return func(ctx context.Context) error { return f(ctx, id, who.Email) }
		}
		switch p {
		case link.Confirm:
			who.Addressee, err = h.Ledger.Addressee(ctx, id)
			act = do(h.Ledger.Confirm)
		case link.LeaveAll:
			who.Addressee, err = h.Ledger.Addressee(ctx, id)
			act, undo = do(h.Ledger.Leave), do(h.Ledger.Rejoin)
		case link.LeaveWatch:
			who.Addressee, err = h.Ledger.Subscriber(ctx, id)
			act, undo = do(h.Ledger.LeaveWatch), do(h.Ledger.RejoinWatch)
		case link.ConfirmWebhook:
			who.Addressee, err = h.Ledger.WebhookAddressee(ctx, id)
			act = do(h.Ledger.ConfirmWebhook)
		case link.StopReminders:
			act, err = h.openReminders(ctx, &who, id)
		case link.Dismiss:
			act, undo, err = h.openDismissal(ctx, &who, id)
		case link.Bounce, link.WatchFeed, link.AccountFeed, link.WatchCalendar, link.AccountCalendar:
		}
		if err == nil && act != nil && h.Keys.Verify(token, who.Email) {
			if who.dismissal.Expired {
				err = errExpired
			}
			return who, act, undo, err
		}
		if err != nil {
			return who, nil, nil, err
		}
	}
	return who, nil, nil, &vigie.Error{Code: vigie.NotFound}
}

// view is the content of a page.
type view struct {
	title  vigie.Text
	lines  []vigie.Text
	button vigie.Text
	action string
	quiet  bool // the button is the one that undoes
}

// view returns the page for a visitor. The page that asks for consent repeats no text of the account that asked for
// it: the account chose even the part of the address before the @.
func (v visitor) view() view {
	address := vigie.Same(v.Email)
	if v.purpose == link.Confirm {
		address = vigie.Same(masked(v.Email))
	}
	back, action := vigie.Text{FR: "Se réinscrire", EN: "Subscribe again"}, rejoin
	if !v.Confirmed { // it never received anything: there is a link for that
		back, action = vigie.Text{}, ""
	}
	leave, left := vigie.Text{FR: "Se désinscrire", EN: "Unsubscribe"}, vigie.Text{FR: "Désinscription enregistrée", EN: "You are unsubscribed"}
	allGone := vigie.Text{
		FR: "Cette adresse ne recevra plus d’alertes des veilles de ce compte.", EN: "This address will no longer receive alerts from the watches of this account.",
	}
	oneGone := vigie.Text{
		FR: "Cette adresse ne recevra plus d’alertes de cette veille.", EN: "This address will no longer receive alerts from this watch.",
	}
	switch {
	case v.purpose == link.ConfirmWebhook:
		return v.webhookView()
	case v.purpose == link.StopReminders:
		return v.remindersView()
	case v.purpose == link.Dismiss:
		return v.dismissView()
	case v.purpose == link.Confirm && v.Confirmed && !v.Left:
		return view{title: vigie.Text{FR: "Adresse confirmée", EN: "Address confirmed"}, lines: []vigie.Text{
			address, {FR: "Cette adresse recevra les alertes de marchés publics qui ont été demandées. Chaque alerte contient un lien pour se désinscrire.", EN: "This address will receive the alerts about public tenders that were asked for. Each alert has a link to unsubscribe."},
		}}
	case v.purpose == link.Confirm:
		return view{title: vigie.Text{FR: "Confirmez votre adresse", EN: "Confirm your address"}, lines: []vigie.Text{
			address, {FR: "Voulez-vous recevoir à cette adresse les alertes de marchés publics qui ont été demandées ?", EN: "Do you want to receive the alerts about public tenders that were asked for at this address?"},
		}, button: vigie.Text{FR: "Confirmer", EN: "Confirm"}}
	case v.purpose == link.LeaveAll && v.Left, v.purpose == link.LeaveWatch && v.Left:
		return view{title: left, lines: []vigie.Text{
			address, allGone,
		}, button: back, action: action, quiet: true}
	case v.purpose == link.LeaveWatch && v.LeftWatch:
		return view{title: left, lines: []vigie.Text{
			address, watchLine(v.WatchName), oneGone,
		}, button: back, action: action, quiet: true}
	case v.purpose == link.LeaveWatch:
		return view{title: vigie.Text{FR: "Se désinscrire de cette veille ?", EN: "Unsubscribe from this watch?"}, lines: []vigie.Text{
			address, watchLine(v.WatchName), oneGone,
		}, button: leave}
	}
	return view{title: vigie.Text{FR: "Se désinscrire de toutes les veilles ?", EN: "Unsubscribe from all watches?"}, lines: []vigie.Text{
		address, allGone,
	}, button: leave}
}

// webhookView returns the page on which people of a chat confirm that it is to get alerts.
func (v visitor) webhookView() view {
	if v.Confirmed {
		return view{title: vigie.Text{FR: "Alertes confirmées", EN: "Alerts confirmed"}, lines: []vigie.Text{{
			FR: "La conversation où vous avez suivi ce lien recevra les alertes de marchés publics qui ont été demandées.",
			EN: "The chat in which you followed this link will receive the alerts about public tenders that were asked for.",
		}}}
	}
	return view{title: vigie.Text{FR: "Confirmez les alertes", EN: "Confirm the alerts"}, lines: []vigie.Text{{
		FR: "Voulez-vous que la conversation où vous avez suivi ce lien reçoive les alertes de marchés publics qui ont été demandées ?",
		EN: "Do you want the chat in which you followed this link to receive the alerts about public tenders that were asked for?",
	}}, button: vigie.Text{FR: "Confirmer", EN: "Confirm"}}
}

// masked returns an address with parts hidden, so that only its owner can recognise it.
func masked(address string) string {
	at := strings.LastIndexByte(address, '@')
	_, first := utf8.DecodeRuneInString(address)
	return address[:min(first, at)] + "…" + address[at:]
}

func watchLine(name string) vigie.Text {
	return vigie.Text{FR: "Veille « %s »", EN: "Watch “%s”"}.With(name)
}

// refuse answers where there is no page to show.
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, l vigie.Locale, err error) {
	if errors.Is(err, errExpired) {
		h.write(w, http.StatusGone, l, expiredLink())
		return
	}
	switch vigie.CodeOf(err) {
	case vigie.NotFound:
		h.write(w, http.StatusNotFound, l, unknownLink())
		return
	case vigie.Unavailable:
		h.Log.WarnContext(r.Context(), "consent page failed", "component", "consent", "action", "serve", "error", err)
		w.Header().Set("Retry-After", "10")
		h.write(w, http.StatusServiceUnavailable, l, view{title: vigie.Text{FR: "Service momentanément indisponible", EN: "Not available at the moment"}, lines: []vigie.Text{{
			FR: "Votre choix n’a pas été enregistré. Réessayez dans un instant.",
			EN: "Your choice was not saved. Try again in a moment.",
		}}})
		return
	}
	h.Log.ErrorContext(r.Context(), "consent page failed", "component", "consent", "action", "serve", "error", err)
	h.write(w, http.StatusInternalServerError, l, view{title: vigie.Text{FR: "Une erreur s’est produite", EN: "Something went wrong"}, lines: []vigie.Text{{
		FR: "Votre choix n’a pas été enregistré. Réessayez plus tard.", EN: "Your choice was not saved. Try again later.",
	}}})
}

func unknownLink() view {
	return view{title: vigie.Text{FR: "Ce lien n’est pas valable", EN: "This link is not valid"}, lines: []vigie.Text{{
		FR: "Il est peut-être incomplet, ou ne fonctionne plus. Ouvrez-le là où vous l’avez reçu, ou copiez-le en entier.",
		EN: "It may be incomplete, or no longer work. Open it where you received it, or copy all of it.",
	}}}
}

// write writes a page. It is private: its address must not get into caches, search engines, or the logs of other
// sites.
func (h *handler) write(w http.ResponseWriter, status int, l vigie.Locale, v view) {
	lang := "fr"
	if l == vigie.English {
		lang = "en"
	}
	lines := make([]string, len(v.lines))
	for i, line := range v.lines {
		lines[i] = line.In(l)
	}
	var page bytes.Buffer
	if err := h.page.Execute(&page, map[string]any{
		"Lang": lang, "Brand": h.Brand, "Title": v.title.In(l), "Lines": lines, "Style": template.CSS(pageCSS),
		"Button": v.button.In(l), "Action": v.action, "Quiet": v.quiet,
	}); err != nil {
		panic("consent: the page's template is wrong: " + err.Error())
	}
	for name, value := range map[string]string{
		"Content-Type": "text/html; charset=utf-8", "Content-Language": lang, "Content-Security-Policy": h.policy, "Cache-Control": "no-store",
		"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Robots-Tag": "noindex, nofollow",
	} {
		w.Header().Set(name, value)
	}
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // an error here is about the visitor's connection
}
