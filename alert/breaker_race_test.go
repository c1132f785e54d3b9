package alert_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/uptrace/bun"

	"vigie"
	"vigie/alert/consent"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/store"
)

// The account's address changes while a mail to the old one is being sent, which the mail server then refuses for good:
// the old address is suppressed, not the new one.
func TestBreakerAddressChangesWhileMailIsRefused(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		w.publish("1", "Voirie")
		once := sync.OnceFunc(func() { w.moves("ana", "new@example.org", true) })
		w.mailer.refuse = func(m post.Message) error {
			if m.To != "ana@example.org" {
				return nil
			}
			once() // another request, meanwhile
			return &post.Error{Kind: post.ForAddress, Code: 550, Reply: "550 5.1.1 no such user"}
		}
		w.work()
		w.publish("2", "Voirie")
		w.expect("the next tender", w.after(time.Hour), "new: 1 nouveau marché – veille Voirie")
	})
}

// after calls then, once, after a query that contains a text.
type afterQuery struct {
	text string
	then func()
}

func (a *afterQuery) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (a *afterQuery) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	if then := a.then; then != nil && strings.Contains(e.Query, a.text) {
		a.then = nil
		then()
	}
}

// The link of a mail to one address confirms no other: also where the account's address changes while the link is
// followed.
func TestBreakerConfirmWhileAddressChanges(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		mallory, err := w.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "mallory", Email: "mallory@example.org"})
		if err != nil {
			t.Fatal(err)
		}
		w.watch(mallory, "Voirie", vigie.Immediate, "voirie")
		w.enter()
		if err := w.sender.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(link.ConfirmPath + `([0-9a-v]+)`).FindStringSubmatch(w.mailer.messages[0].Text)
		w.mailer.messages = nil
		pages := (&consent.Pages{Ledger: w.store.Ledger(), Keys: w.sender.Keys, Brand: "Vigie", Locale: func(string) vigie.Locale { return "" }, Log: slog.Default()}).Handler()
		w.store.Database().Observe(&afterQuery{"left_watch", func() {
			if _, err := w.store.SignIn(context.Background(), store.Claims{Issuer: "test", Subject: "mallory", Email: "victim@example.org"}); err != nil {
				t.Error(err)
			}
		}})
		r := httptest.NewRequest(http.MethodPost, link.ConfirmPath+found[1], strings.NewReader(url.Values{}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		pages.ServeHTTP(answer, r)
		t.Log(answer.Code)
		w.publish("1", "Voirie")
		for _, line := range w.work() {
			if strings.HasPrefix(line, "victim") && !strings.Contains(line, "Confirmez") {
				t.Errorf("mailed without consent: %s", line)
			}
		}
	})
}
