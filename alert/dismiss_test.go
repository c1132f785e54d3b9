package alert_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert/consent"
	"vigie/alert/link"
	"vigie/alert/post"
	"vigie/store"
)

// follow requests a path of the pages that links in mails lead to.
func (w *world) follow(method, path string, form url.Values) (int, string) {
	w.t.Helper()
	pages := (&consent.Pages{
		Ledger: w.store.Ledger(), Store: w.store, Keys: w.mail.Keys, Brand: "Vigie", Locale: func(string) vigie.Locale { return "" }, Log: slog.Default(),
	}).Handler()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	pages.ServeHTTP(answer, r)
	return answer.Code, strings.ReplaceAll(answer.Body.String(), "\u00a0", " ")
}

// dismissal returns the path of a mail's link to dismiss its first tender, "" for none.
func dismissal(m post.Message) string {
	path := regexp.MustCompile(link.DismissPath + `[0-9a-v]+`).FindString(m.Text)
	if path != "" && !strings.Contains(m.HTML, path) {
		return "in the text alone"
	}
	return path
}

// mailsTo returns the mails that are sent now, by their recipients.
func (w *world) mailsTo() map[string]post.Message {
	w.t.Helper()
	byName := make(map[string]post.Message)
	for _, m := range w.mails() {
		byName[strings.TrimSuffix(m.To, "@example.org")] = m
	}
	return byName
}

func (w *world) dismissed(tender int64) bool {
	w.t.Helper()
	marks, err := w.store.Marks(w.t.Context(), w.account.ID, []int64{tender})
	if err != nil {
		w.t.Fatal(err)
	}
	return marks[tender].Dismissed
}

// An account dismisses a tender from its mail: by a button, not by opening the link. It gets no more about it; its
// colleagues, who have no such link, do. A second button undoes it.
func TestDismissFromMail(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie", "team@example.org")
		w.consents("team@example.org")
		w.mails() // asks team, which has consented since
		tender := w.publish("1", "Réfection de la <voirie>").Notice.TenderID
		w.now = w.now.Add(time.Hour)
		sent := w.mailsTo()
		path := dismissal(sent["ana"])
		if path == "" || dismissal(sent["team"]) != "" {
			t.Fatalf("links %q and %q in\n%s\n%s", path, dismissal(sent["team"]), sent["ana"].Text, sent["team"].Text)
		}
		for range 20 { // programs that follow every link
			for _, method := range []string{http.MethodGet, http.MethodHead} {
				code, text := w.follow(method, path+"?action=rejoin", nil)
				if code != http.StatusOK || method == http.MethodGet && !(strings.Contains(text, "Écarter ce marché ?") && strings.Contains(text, "Réfection de la &lt;voirie&gt;") && strings.Contains(text, "Commune d&#39;Exemple")) {
					t.Fatalf("%s: %d\n%s", method, code, text)
				}
			}
		}
		if w.dismissed(tender) {
			t.Fatal("looking dismissed it")
		}
		for range 2 {
			if code, text := w.follow(http.MethodPost, path, nil); code != http.StatusOK || !strings.Contains(text, "Marché écarté") || !w.dismissed(tender) {
				t.Fatalf("%d\n%s", code, text)
			}
		}
		w.publish("1-1", "Réfection de la voirie", about(vigie.Correction, "1"), until(w.in(50*day)))
		w.expect("after it", w.after(time.Hour), "team: 1 marché rectifié – veille Voirie")
		if code, text := w.follow(http.MethodPost, path, url.Values{"action": {"rejoin"}}); code != http.StatusOK || !strings.Contains(text, "Écarter ce marché ?") || w.dismissed(tender) {
			t.Fatalf("undone: %d\n%s", code, text)
		}
		w.publish("1-2", "Réfection de la voirie", about(vigie.Cancellation, "1"))
		w.now = w.now.Add(time.Hour)
		if sent = w.mailsTo(); len(sent) != 2 || dismissal(sent["ana"]) != "" {
			t.Errorf("a cancelled tender can be dismissed: %d mails\n%s", len(sent), sent["ana"].Text)
		}
	})
}

// The page says what dismissing takes away.
func TestDismissWhatIsOfInterest(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.watch(w.account, "Voirie", vigie.Immediate, "voirie")
		tender := w.publish("1", "Voirie").Notice.TenderID
		path := dismissal(w.onlyMail())
		if _, text := w.follow(http.MethodGet, path, nil); strings.Contains(text, "à étudier") {
			t.Errorf("nobody marked it:\n%s", text)
		}
		if err := w.store.SetMark(t.Context(), w.account.ID, store.Interested, true, []int64{tender}); err != nil {
			t.Fatal(err)
		}
		if _, text := w.follow(http.MethodGet, path, nil); !strings.Contains(text, "« à étudier »") {
			t.Errorf("the page does not say that it is of interest:\n%s", text)
		}
	})
}

// A link dismisses the tender of its mail, for 90 days, for the account whose address it was sent to, and nothing else.
func TestDismissLinksEnd(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		watch := w.watch(w.account, "Voirie", vigie.Immediate, "voirie", "team@example.org")
		w.consents("team@example.org")
		w.mails()
		first := w.publish("1", "Voirie", until(w.in(300*day))).Notice.TenderID
		w.now = w.now.Add(time.Hour)
		sent := w.mailsTo()
		path := dismissal(sent["ana"])
		token := strings.TrimPrefix(path, link.DismissPath)
		_, delivery, ok := w.mail.Keys.Parse(token)
		if !ok {
			t.Fatal(path)
		}
		subscription, recipient := w.subscription(w.account, watch).ID, w.recipient(w.account, watch)
		for name, path := range map[string]string{
			"another tag":            path[:len(path)-1] + string("01"[strings.IndexByte("10", path[len(path)-1])&1]),
			"another address":        link.DismissPath + w.mail.Keys.Token(link.Dismiss, delivery, "team@example.org"),
			"no delivery":            link.DismissPath + w.mail.Keys.Token(link.Dismiss, 1<<40, "ana@example.org"),
			"leaving":                link.DismissPath + w.mail.Keys.Token(link.LeaveWatch, subscription, "ana@example.org"),
			"on the page to leave":   link.LeavePath + token,
			"on the page to confirm": link.ConfirmPath + token,
			"of a recipient":         link.DismissPath + w.mail.Keys.Token(link.Confirm, recipient, "ana@example.org"),
		} {
			if code, _ := w.follow(http.MethodPost, path, nil); code != http.StatusNotFound || w.dismissed(first) {
				t.Errorf("%s: %d", name, code)
			}
		}
		// The deliveries of colleagues are in no mail's link; even with the secret's token they dismiss nothing.
		for _, id := range []int64{delivery - 2, delivery - 1, delivery + 1, delivery + 2} {
			if code, _ := w.follow(http.MethodPost, link.DismissPath+w.mail.Keys.Token(link.Dismiss, id, "team@example.org"), nil); code != http.StatusNotFound {
				t.Errorf("delivery %d: %d", id, code)
			}
		}
		w.now = w.now.Add(89 * day)
		if code, _ := w.follow(http.MethodGet, path, nil); code != http.StatusOK {
			t.Errorf("after 89 days: %d", code)
		}
		w.now = w.now.Add(2 * day)
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if code, text := w.follow(method, path, nil); code != http.StatusGone || !strings.Contains(text, "Ce lien a expiré") || w.dismissed(first) {
				t.Errorf("after 91 days: %d\n%s", code, text)
			}
		}
		w.publish("2", "Voirie")
		w.now = w.now.Add(time.Hour)
		path = dismissal(w.mailsTo()["ana"])
		w.moves("ana", "ana.new@example.org", true)
		if code, _ := w.follow(http.MethodPost, path, nil); code != http.StatusNotFound {
			t.Errorf("the former address: %d", code)
		}
	})
}
