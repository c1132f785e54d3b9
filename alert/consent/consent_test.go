package consent_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert/consent"
	"vigie/alert/link"
	"vigie/store"
	"vigie/store/storetest"
)

// site is a database with a watch of two addresses, and the pages about them.
type site struct {
	t       *testing.T
	store   *store.Store
	account *vigie.Account
	watch   *vigie.Watch
	keys    *link.Keys
	base    string
}

const watchName = `<b>Voirie</b> & ponts`

func onBoth(t *testing.T, test func(t *testing.T, s *site)) {
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) { test(t, newSite(t, open(t))) })
	}
}

func newSite(t *testing.T, database string) *site {
	s := &site{t: t, keys: keys(t, "first")}
	var err error
	if s.store, err = store.Open(t.Context(), database, time.Now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.account, err = s.store.SignIn(t.Context(), store.Claims{Issuer: "test", Subject: "ana", Email: "ana@example.org", EmailVerified: true})
	if err != nil {
		t.Fatal(err)
	}
	s.watch, err = s.store.CreateWatch(t.Context(), s.account, vigie.Watch{
		Name: watchName, NameKey: "v", Active: true, Frequency: vigie.Immediate, Criteria: vigie.Criteria{KeywordMode: vigie.AllKeywords},
	}, true, []string{"team@example.org"})
	if err != nil {
		t.Fatal(err)
	}
	pages := &consent.Pages{
		Ledger: s.store.Ledger(), Keys: s.keys, Brand: "Vigie", Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Locale: func(header string) vigie.Locale {
			return map[string]vigie.Locale{"en": vigie.English, "fr": vigie.French}[header]
		},
	}
	server := httptest.NewServer(pages.Handler())
	t.Cleanup(server.Close)
	s.base = server.URL
	return s
}

func keys(t *testing.T, secrets ...string) *link.Keys {
	t.Helper()
	for i := range secrets {
		secrets[i] = strings.Repeat(secrets[i], link.MinSecret)
	}
	k, err := link.New(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// statuses returns the statuses of the watch's two addresses.
func (s *site) statuses() string {
	s.t.Helper()
	byWatch, err := s.store.Ledger().Recipients(s.t.Context(), s.account, []int64{s.watch.ID})
	if err != nil {
		s.t.Fatal(err)
	}
	var list []string
	for _, r := range byWatch[s.watch.ID] {
		list = append(list, string(r.Status))
	}
	return strings.Join(list, " ")
}

// links returns the paths for one of the watch's addresses: to confirm, to leave the watch, to leave all watches.
func (s *site) links(k *link.Keys, i int) (confirm, leaveWatch, leaveAll string) {
	s.t.Helper()
	byWatch, err := s.store.Ledger().Recipients(s.t.Context(), s.account, []int64{s.watch.ID})
	if err != nil {
		s.t.Fatal(err)
	}
	r := byWatch[s.watch.ID][i]
	who, err := s.store.Ledger().Subscriber(s.t.Context(), r.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return link.ConfirmPath + k.Token(link.Confirm, who.RecipientID, r.Email),
		link.LeavePath + k.Token(link.LeaveWatch, r.ID, r.Email),
		link.LeavePath + k.Token(link.LeaveAll, who.RecipientID, r.Email)
}

// ask requests a page and returns its status, headers and text.
func (s *site) ask(method, path, contentType, body, language string) (int, http.Header, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.base+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept-Language", language)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

// press posts a form.
func (s *site) press(path string, form url.Values) string {
	s.t.Helper()
	status, _, text := s.ask(http.MethodPost, path, "application/x-www-form-urlencoded", form.Encode(), "fr")
	if status != http.StatusOK {
		s.t.Fatalf("POST %s: %d\n%s", path, status, text)
	}
	return text
}

func (s *site) expect(when, want string) {
	s.t.Helper()
	if got := s.statuses(); got != want {
		s.t.Errorf("%s: %s, not %s", when, got, want)
	}
}

// Programs that follow every link change nothing.
func TestLookingChangesNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		for i := range 167 {
			for address := range 2 {
				confirm, leaveWatch, leaveAll := s.links(s.keys, address)
				for _, path := range []string{confirm, leaveWatch, leaveAll} {
					method := []string{http.MethodGet, http.MethodHead}[i%2]
					status, header, text := s.ask(method, path+"?action=rejoin&List-Unsubscribe=One-Click", "", "", "fr")
					if status != http.StatusOK || method == http.MethodGet && !strings.Contains(text, "<button") && address == 1 {
						t.Fatalf("%s %s: %d %s", method, path, status, text)
					}
					if header.Get("Set-Cookie") != "" || header.Get("Referrer-Policy") != "no-referrer" || header.Get("Cache-Control") != "no-store" ||
						!strings.HasPrefix(header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-") {
						t.Fatalf("headers %v", header)
					}
				}
			}
		}
		s.expect("after 1,002 requests", "CONFIRMED PENDING")
	})
}

// One click in a mail program, however it posts, is enough.
func TestOneClick(t *testing.T) {
	for name, body := range map[string][2]string{
		"urlencoded": {"application/x-www-form-urlencoded", "List-Unsubscribe=One-Click"},
		"multipart":  {`multipart/form-data; boundary="b"`, "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--b--\r\n"},
		"nothing":    {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			onBoth(t, func(t *testing.T, s *site) {
				_, leaveWatch, _ := s.links(s.keys, 0)
				if status, _, text := s.ask(http.MethodPost, leaveWatch, body[0], body[1], ""); status != http.StatusOK {
					t.Fatalf("%d %s", status, text)
				}
				s.expect("left", "UNSUBSCRIBED PENDING")
				s.press(leaveWatch, url.Values{"List-Unsubscribe": {"One-Click"}})
				s.expect("left twice", "UNSUBSCRIBED PENDING")
			})
		})
	}
}

func TestLeaveAndRejoin(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		_, leaveWatch, leaveAll := s.links(s.keys, 0)
		for _, path := range []string{leaveWatch, leaveAll} {
			text := s.press(path, nil)
			s.expect("left by "+path, "UNSUBSCRIBED PENDING")
			if !strings.Contains(text, `value="rejoin"`) {
				t.Errorf("no button to rejoin on\n%s", text)
			}
			s.press(path, url.Values{"action": {"rejoin"}})
			s.expect("back by "+path, "CONFIRMED PENDING")
		}
		s.press(leaveAll, nil)
		s.press(leaveWatch, url.Values{"action": {"rejoin"}})
		s.expect("all left, and the watch taken back", "CONFIRMED PENDING")
		s.press(leaveAll, nil)
		// The owner of the watch cannot undo it.
		none, both := []string{}, []string{"team@example.org"}
		for _, others := range []*[]string{&none, &both} {
			if _, err := s.store.UpdateWatch(t.Context(), s.account, s.watch.ID, func(*vigie.Watch) {}, new(true), others); err != nil {
				t.Fatal(err)
			}
		}
		s.expect("named again", "UNSUBSCRIBED PENDING")
	})
}

// An address that was never confirmed cannot be confirmed by leaving and rejoining: there is a link for that.
func TestLeaveBeforeConfirming(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		confirm, _, leaveAll := s.links(s.keys, 1)
		if text := s.press(leaveAll, nil); strings.Contains(text, "<button") {
			t.Errorf("a button to rejoin without consent\n%s", text)
		}
		s.expect("left", "CONFIRMED UNSUBSCRIBED")
		s.press(confirm, nil)
		s.expect("confirmed after all", "CONFIRMED CONFIRMED")
	})
}

func TestConfirm(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		confirm, _, leaveAll := s.links(s.keys, 1)
		if _, _, text := s.ask(http.MethodGet, confirm, "", "", "fr"); strings.Contains(text, "Voirie") || strings.Contains(text, "ana") || strings.Contains(text, "team@") || !strings.Contains(text, "t…@example.org") {
			t.Errorf("the page is\n%s", text)
		}
		s.press(confirm, nil)
		s.expect("confirmed", "CONFIRMED CONFIRMED")
		if _, _, text := s.ask(http.MethodGet, confirm, "", "", "fr"); strings.Contains(text, "<button") {
			t.Errorf("it asks again\n%s", text)
		}
		s.press(leaveAll, nil)
		s.expect("left", "CONFIRMED UNSUBSCRIBED")
		s.press(confirm, nil)
		s.expect("confirmed again, by its own link", "CONFIRMED CONFIRMED")
	})
}

// Only the exact link opens a page.
func TestFalseLinks(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		confirm, leaveWatch, leaveAll := s.links(s.keys, 1)
		other, _, _ := s.links(keys(t, "other!"), 1)
		swap := func(path, to string) string { return to + path[strings.LastIndexByte(path, '/')+1:] }
		for _, path := range []string{
			other, swap(leaveAll, link.ConfirmPath), swap(leaveWatch, link.ConfirmPath), swap(confirm, link.LeavePath),
			confirm[:len(confirm)-1], confirm + "0", link.LeavePath + "x", link.LeavePath + strings.Repeat("0", 40), link.LeavePath + "%00",
			link.LeavePath, link.ConfirmPath, leaveAll + "/", leaveAll + "/x", link.LeavePath + "%2e%2e",
			link.LeavePath + s.keys.Token(link.LeaveAll, 1<<40, "team@example.org"), link.LeavePath + s.keys.Token(link.Bounce, 1, "team@example.org"),
			link.ConfirmPath + s.keys.Token(link.Confirm, 1, "team@example.org"),
		} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if status, _, text := s.ask(method, path, "application/x-www-form-urlencoded", "", "en"); status != http.StatusNotFound || !strings.Contains(text, "link is not valid") {
					t.Errorf("%s %s: %d\n%s", method, path, status, text)
				}
			}
		}
		for _, method := range []string{http.MethodPut, http.MethodDelete, http.MethodOptions} {
			if status, header, _ := s.ask(method, leaveAll, "", "", ""); status != http.StatusMethodNotAllowed || header.Get("Cache-Control") != "no-store" || header.Get("Allow") == "" {
				t.Errorf("%s: %d %v", method, status, header)
			}
		}
		s.ask(http.MethodPost, leaveAll, "application/x-www-form-urlencoded", "action="+strings.Repeat("x", 1<<20), "")
		s.expect("after all that", "CONFIRMED UNSUBSCRIBED")
	})
}

// A page is in its visitor's language, else in the account's; texts of an account have no effect in it.
func TestWords(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		_, leaveWatch, _ := s.links(s.keys, 0)
		for language, want := range map[string]string{"en": "Unsubscribe from this watch?", "fr": "Se désinscrire de cette veille\u00a0?", "": "Se désinscrire de cette veille\u00a0?"} {
			_, header, text := s.ask(http.MethodGet, leaveWatch, "", "", language)
			if !strings.Contains(text, want) || language != "" && header.Get("Content-Language") != language {
				t.Errorf("in %q: %s", language, text)
			}
			if strings.Contains(text, watchName) || !strings.Contains(text, "&lt;b&gt;Voirie&lt;/b&gt; &amp; ponts") {
				t.Errorf("the name is not escaped:\n%s", text)
			}
		}
	})
}

// Links in mails still work after the secret was replaced; if the database does not answer, nothing changes, and the
// page says so.
func TestRotationAndOutage(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		old := s.keys
		rotated := &consent.Pages{
			Ledger: s.store.Ledger(), Keys: keys(t, "second", "first"), Brand: "Vigie", Log: slog.New(slog.DiscardHandler),
			Locale: func(string) vigie.Locale { return "" },
		}
		server := httptest.NewServer(rotated.Handler())
		defer server.Close()
		s.base = server.URL
		_, leaveWatch, _ := s.links(old, 0)
		s.press(leaveWatch, nil)
		s.expect("left by an old link", "UNSUBSCRIBED PENDING")
		_, leaveAll, _ := s.links(old, 0)
		s.store.Close()
		status, _, text := s.ask(http.MethodPost, leaveAll, "application/x-www-form-urlencoded", "", "en")
		if status < 500 || strings.Contains(text, "sql") {
			t.Errorf("%d %s", status, text)
		}
	})
}

// A visitor who leaves and closes the connection at once has left.
func TestHangUp(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		pages := (&consent.Pages{
			Ledger: s.store.Ledger(), Keys: s.keys, Log: slog.New(slog.DiscardHandler), Locale: func(string) vigie.Locale { return "" },
		}).Handler()
		_, one, _ := s.links(s.keys, 0)
		ended, hangUp := context.WithCancel(t.Context())
		hangUp()
		pages.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ended, http.MethodPost, one, nil))
		s.expect("after hanging up", "UNSUBSCRIBED PENDING")
	})
}

// People of a chat confirm its webhook on a page; opening it changes nothing, and a link for another one is none.
func TestConfirmWebhook(t *testing.T) {
	onBoth(t, func(t *testing.T, s *site) {
		var id string
		hook := &vigie.Webhook{AccountID: s.account.ID, WatchID: s.watch.ID, Host: "chat.example", Format: vigie.SlackWebhook}
		err := s.store.AddWebhook(t.Context(), hook, func(public string) string {
			id = public
			return ""
		})
		if err != nil {
			t.Fatal(err)
		}
		status := func() vigie.WebhookStatus {
			now, err := s.store.Ledger().Webhook(t.Context(), s.account.ID, hook.ID)
			if err != nil {
				t.Fatal(err)
			}
			return now.Status()
		}
		for name, wrong := range map[string]string{
			"for another webhook": s.keys.Token(link.ConfirmWebhook, hook.ID, "webhook_other"), "for an address": s.keys.Token(link.Confirm, hook.ID, id),
		} {
			if code, _, _ := s.ask(http.MethodPost, link.WebhookPath+wrong, "", "", "fr"); code != http.StatusNotFound || status() != vigie.WebhookPending {
				t.Errorf("a link %s: status %d, and the webhook is %s", name, code, status())
			}
		}
		path := link.WebhookPath + s.keys.Token(link.ConfirmWebhook, hook.ID, id)
		if code, _, page := s.ask(http.MethodGet, path, "", "", "en"); code != http.StatusOK || !strings.Contains(page, "Confirm the alerts") || status() != vigie.WebhookPending {
			t.Errorf("opened: status %d, the webhook is %s:\n%s", code, status(), page)
		}
		if page := s.press(path, nil); !strings.Contains(page, "Alertes confirmées") && !strings.Contains(page, "Alerts confirmed") || status() != vigie.WebhookActive {
			t.Errorf("confirmed: the webhook is %s:\n%s", status(), page)
		}
	})
}
