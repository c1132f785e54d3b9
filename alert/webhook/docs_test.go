package webhook_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"vigie"
	"vigie/alert/webhook"
)

// block returns a block of docs/webhooks.md by the words on its first line.
func block(t *testing.T, words string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/webhooks.md")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile("(?s)```" + words + "\n(.*?)```").FindSubmatch(text)
	if found == nil {
		t.Fatalf("docs/webhooks.md has no block %q", words)
	}
	return string(found[1])
}

// The example in the guide is what is sent.
func TestExample(t *testing.T) {
	body, err := webhook.Body(webhook.Standard, sampleNew(), vigie.French)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := cmpErr(json.Unmarshal([]byte(block(t, "json example")), &got), json.Unmarshal(body, &want)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the example is not testdata/standard-new.json")
	}
}

// receiver is a program of the guide, as it runs.
type receiver struct {
	url    string
	secret webhook.Secret
	said   *bufio.Reader
}

// start runs a receiver, and waits until it listens.
func start(t *testing.T, secret webhook.Secret, command *exec.Cmd) receiver {
	t.Helper()
	command.Env = append(os.Environ(), "WEBHOOK_SECRET="+secret.Text(), "PORT=0")
	command.Stderr = t.Output()
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		command.Process.Kill()
		command.Wait()
	})
	r := receiver{secret: secret, said: bufio.NewReader(out)}
	port, ok := strings.CutPrefix(r.line(t), "listening on ")
	if !ok {
		t.Fatal("it does not listen")
	}
	r.url = "http://127.0.0.1:" + port
	return r
}

func (r receiver) line(t *testing.T) string {
	t.Helper()
	line, err := r.said.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(line, "\n")
}

// The receivers of the guide take what is signed with their secret, once, and nothing else.
func TestReceivers(t *testing.T) {
	secret := webhook.Secret(strings.Repeat("r", webhook.SecretSize))
	for name, build := range map[string]func(t *testing.T) *exec.Cmd{
		"js receiver.mjs": func(t *testing.T) *exec.Cmd {
			return exec.Command("node", written(t, "receiver.mjs", block(t, "js receiver.mjs")))
		},
		"go receiver.go": func(t *testing.T) *exec.Cmd {
			source := written(t, "receiver.go", block(t, "go receiver.go"))
			binary := filepath.Join(t.TempDir(), "receiver")
			if said, err := exec.Command("go", "build", "-o", binary, source).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, said)
			}
			return exec.Command(binary)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			receives(t, start(t, secret, build(t)))
		})
	}
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func receives(t *testing.T, r receiver) {
	c := client(t, webhook.Options{Networks: local, Timeout: patience})
	body, err := webhook.Body(webhook.Standard, sampleNew(), vigie.French)
	if err != nil {
		t.Fatal(err)
	}
	other := webhook.Secret(strings.Repeat("o", webhook.SecretSize))
	send := func(what string, status int, id string, at time.Time, secrets ...webhook.Secret) {
		t.Helper()
		e := endpoint(r.url)
		e.Secrets = secrets
		want := webhook.Error{}
		if status != 0 {
			want = webhook.Error{Kind: webhook.Temporary, Reason: webhook.AnsweredStatus, Status: status}
		}
		check(t, what, c.Send(t.Context(), e, id, at, body), want)
	}
	present := time.Now()
	send("signed", 0, "message_1", present, r.secret)
	send("again", 0, "message_1", present, r.secret)
	send("another secret", 401, "message_2", present, other)
	send("no signature", 401, "message_2", present)
	send("an hour old", 401, "message_2", present.Add(-time.Hour), r.secret)
	send("an hour early", 401, "message_2", present.Add(time.Hour), r.secret)
	send("the new secret comes first", 0, "message_3", present, other, r.secret)
	send("the new secret comes last", 0, "message_4", present, r.secret, other)
	tampered(t, r, c, body)
	e := endpoint(r.url)
	e.Secrets = []webhook.Secret{r.secret}
	if err := c.Challenge(t.Context(), e, "message_5", present, "k3q8"); err != nil {
		t.Error(err)
	}
	send("the last", 0, "message_6", present, r.secret)
	for range 5 { // 1, 3, 4, 7 and 6
		if line := r.line(t); line != "tender.new "+sampleNew().Tender.Title {
			t.Errorf("it says %q", line)
		}
	}
}

// tampered sends a body that is not the one that was signed.
func tampered(t *testing.T, r receiver, c *webhook.Client, body []byte) {
	t.Helper()
	s := serve(t, accept)
	e := endpoint(s.URL)
	e.Secrets = []webhook.Secret{r.secret}
	if err := c.Send(t.Context(), e, "message_7", time.Now(), body); err != nil {
		t.Fatal(err)
	}
	for changed, want := range map[string]int{string(s.body): http.StatusNoContent, string(bytes.Replace(s.body, []byte("2027"), []byte("2028"), 1)): http.StatusUnauthorized} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url, strings.NewReader(changed))
		if err != nil {
			t.Fatal(err)
		}
		request.Header = s.header.Clone()
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
		if answer.StatusCode != want {
			t.Errorf("%s: %d, want %d", changed, answer.StatusCode, want)
		}
	}
}
