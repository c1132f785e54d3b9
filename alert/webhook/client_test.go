package webhook_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"vigie/alert/webhook"
)

// server answers over TLS, and remembers the last request.
type server struct {
	*httptest.Server
	header http.Header
	body   []byte
	method string
	count  int
}

func serve(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		s.header, s.body, s.method = r.Header, body, r.Method
		s.count++
		handler(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func accept(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// A message is signed so that the library of Standard Webhooks verifies it with each secret that is valid.
func TestSend(t *testing.T) {
	s := serve(t, accept)
	c := client(t, webhook.Options{Networks: local})
	e := endpoint(s.URL + "/hooks?a=b")
	e.Secrets = append(e.Secrets, webhook.Secret(strings.Repeat("z", 24)))
	body := []byte(`{"type":"tender.new","a":"é & <b>"}`)
	if err := c.Send(t.Context(), e, "message_1", now(), body); err != nil {
		t.Fatal(err)
	}
	if s.method != http.MethodPost || !bytes.Equal(s.body, body) {
		t.Errorf("%s of %s", s.method, s.body)
	}
	want := map[string]string{"Webhook-Id": "message_1", "Webhook-Timestamp": "1796050800", "Content-Type": "application/json", "User-Agent": "Vigie-Webhook/1", "Accept-Encoding": "", "Idempotency-Key": "", "Cookie": "", "Authorization": ""}
	for name, value := range want {
		if got := s.header.Get(name); got != value {
			t.Errorf("%s is %q, want %q", name, got, value)
		}
	}
	other := webhook.Secret(strings.Repeat("o", 32))
	for secret, good := range map[string]bool{e.Secrets[0].Text(): true, e.Secrets[1].Text(): true, other.Text(): false} {
		library, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := library.VerifyIgnoringTimestamp(body, s.header); (err == nil) != good {
			t.Errorf("verified: %v", err)
		}
		if library.VerifyIgnoringTimestamp(append(body, ' '), s.header) == nil {
			t.Error("another body is verified")
		}
	}
}

// What goes to a chat is not signed: it has nothing to verify with.
func TestSendToChat(t *testing.T) {
	s := serve(t, accept)
	e := webhook.Endpoint{ID: "webhook_1", URL: s.URL, Format: webhook.Slack}
	if err := client(t, webhook.Options{Networks: local}).Send(t.Context(), e, "message_1", now(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if s.header.Get("Webhook-Signature") != "" || s.header.Get("Webhook-Id") != "" {
		t.Error(s.header)
	}
}

// An endpoint proves that it wants messages by repeating the word, where it says that it does.
func TestChallenge(t *testing.T) {
	const word = "k3q8"
	for name, test := range map[string]struct {
		answer func(w http.ResponseWriter, body []byte)
		want   webhook.Reason
	}{
		"repeats":          {func(w http.ResponseWriter, _ []byte) { io.WriteString(w, ` {"challenge":"k3q8","more":1}`) }, ""},
		"another word":     {func(w http.ResponseWriter, _ []byte) { io.WriteString(w, `{"challenge":"k3q9"}`) }, webhook.NotRepeated},
		"nothing":          {func(w http.ResponseWriter, _ []byte) {}, webhook.NotRepeated},
		"a page":           {func(w http.ResponseWriter, _ []byte) { io.WriteString(w, `<html>k3q8</html>`) }, webhook.NotRepeated},
		"the word alone":   {func(w http.ResponseWriter, _ []byte) { io.WriteString(w, `k3q8`) }, webhook.NotRepeated},
		"all that it gets": {func(w http.ResponseWriter, body []byte) { w.Write(body) }, webhook.NotRepeated},
		"too late": {func(w http.ResponseWriter, _ []byte) {
			io.WriteString(w, strings.Repeat(" ", webhook.MaxAnswer)+`{"challenge":"k3q8"}`)
		}, webhook.NotRepeated},
		"with an error": {func(w http.ResponseWriter, _ []byte) {
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, `{"challenge":"k3q8"}`)
		}, webhook.AnsweredStatus},
		"another field name": {func(w http.ResponseWriter, _ []byte) { io.WriteString(w, `{"word":"k3q8"}`) }, webhook.NotRepeated},
	} {
		t.Run(name, func(t *testing.T) {
			var s *server
			s = serve(t, func(w http.ResponseWriter, _ *http.Request) { test.answer(w, s.body) })
			err := client(t, webhook.Options{Networks: local}).Challenge(t.Context(), endpoint(s.URL), "message_1", now(), word)
			if reasonOf(err) != test.want {
				t.Errorf("%v, want %q", err, test.want)
			}
			var sent struct {
				Type string
				Data map[string]string
			}
			if err := json.Unmarshal(s.body, &sent); err != nil || sent.Type != "webhook.challenge" || sent.Data["challenge"] != word || sent.Data["webhookId"] != "webhook_1" {
				t.Errorf("sent %s", s.body)
			}
			if s.header.Get("Webhook-Signature") == "" {
				t.Error("not signed")
			}
		})
	}
}

func reasonOf(err error) webhook.Reason {
	if e, ok := errors.AsType[*webhook.Error](err); ok {
		return e.Reason
	}
	return ""
}

// A connection that waited, and that the endpoint closes when the next message comes, costs no message: it is sent again
// at once, with the same id. To a chat it is not: that could write it twice.
func TestClosedWhileWaiting(t *testing.T) {
	for format, want := range map[webhook.Format]webhook.Reason{webhook.Standard: "", webhook.Teams: webhook.NotConnected} {
		t.Run(string(format), func(t *testing.T) {
			l := listen(t, "127.0.0.1:0")
			ids := make(chan string, 10)
			go func() {
				for i := 0; ; i++ {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go answerTwice(conn, i == 0, ids)
				}
			}()
			c := client(t, webhook.Options{Networks: local})
			e := endpoint("http://" + l.Addr().String())
			if e.Format = format; !format.Signed() {
				e.Secrets = nil
			}
			if err := c.Send(t.Context(), e, "message_1", now(), []byte("{}")); err != nil {
				t.Fatal(err)
			}
			if err := c.Send(t.Context(), e, "message_2", now(), []byte("{}")); reasonOf(err) != want {
				t.Errorf("%v, want %q", err, want)
			}
			if first, second := <-ids, <-ids; want == "" && (first != "message_1" || second != "message_2" || <-ids != "message_2") {
				t.Errorf("sent %s and %s", first, second)
			}
		})
	}
}

// answerTwice answers a request, and, if it is the first connection's, cuts the next one.
func answerTwice(conn net.Conn, first bool, ids chan<- string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for i := 0; ; i++ {
		request, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.Copy(io.Discard, request.Body)
		ids <- request.Header.Get("Webhook-Id")
		if first && i == 1 {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	}
}

// A sender that stops waits for nothing.
func TestSendIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	err := client(t, webhook.Options{Networks: local}).Send(ctx, endpoint(s.URL), "message_1", now(), nil)
	if e, ok := errors.AsType[*webhook.Error](err); !ok || e.Kind != webhook.Temporary || !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
