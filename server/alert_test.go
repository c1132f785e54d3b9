package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"vigie/server/samples"
	"vigie/store/storetest"
)

// letterFile is a mail of an outbox.
type letterFile struct {
	mail.Header
	text string
}

// outbox reads the mails of a folder, in the order in which they left.
func outbox(t *testing.T, dir string) []letterFile {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.eml"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	var letters []letterFile
	for _, name := range names {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		letters = append(letters, readLetter(t, file))
		file.Close()
	}
	return letters
}

// readLetter reads a mail and its plain text.
func readLetter(t *testing.T, r io.Reader) letterFile {
	t.Helper()
	m, err := mail.ReadMessage(r)
	if err != nil {
		t.Fatal(err)
	}
	_, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	part, err := multipart.NewReader(m.Body, parameters["boundary"]).NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		t.Fatal(err)
	}
	return letterFile{m.Header, string(text)}
}

// arrives waits for the nth mail of a folder.
func arrives(t *testing.T, dir string, n int) letterFile {
	t.Helper()
	var letters []letterFile
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if letters = outbox(t, dir); len(letters) >= n {
			return letters[n-1]
		}
	}
	t.Fatalf("%d mails arrived, not %d", len(letters), n)
	return letterFile{}
}

// idle waits until a server, asked at its private address, has had nothing to do
// for a while: a mail that waits for the index is looked at again after a second.
// It gives up once what is to do has stayed the same for long.
func idle(t *testing.T, private string) {
	t.Helper()
	var body string
	quiet := 0
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		response, err := http.Get(private + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if quiet++; !nothingBehind(text) {
			quiet = 0
		}
		if quiet == 75 {
			return
		}
		if string(text) != body {
			body, deadline = string(text), time.Now().Add(60*time.Second)
		}
	}
	t.Fatalf("there is still something to do: %s", body)
}

// nothingBehind reports whether /readyz says that there is nothing to do.
func nothingBehind(said []byte) bool {
	var ready struct{ Behind map[string]int64 }
	if err := json.Unmarshal(said, &ready); err != nil {
		return false
	}
	for _, consumer := range []string{"alerts", "index", "mails"} {
		if _, known := ready.Behind[consumer]; !known {
			return false
		}
	}
	return !slices.ContainsFunc(slices.Collect(maps.Values(ready.Behind)), func(n int64) bool { return n != 0 })
}

// From a published notice to the mail, by all that a person can do on the way:
// an extra address is asked, agrees, gets an alert, leaves with one click, and gets
// no more; mail to the account's own comes back.
func TestAlert(t *testing.T) {
	t.Parallel()
	for kind, open := range storetest.Kinds() {
		t.Run(kind, func(t *testing.T) {
			box := t.TempDir()
			env := map[string]string{
				"VIGIE_DATABASE_URL": open(t), "VIGIE_DATA": t.TempDir(), "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0",
				"VIGIE_MAIL_URL": "outbox:" + box, "VIGIE_MAIL_FROM": "Veille <veille@vigie.example>", "VIGIE_MAIL_BOUNCES": "bounces@vigie.example",
				"VIGIE_PUBLIC_URL": "https://vigie.example/", "VIGIE_BRAND_NAME": "Marchés d'Exemple", "VIGIE_BRAND_FOOTER": "Plate-forme d'exemple",
				"VIGIE_PAGE_TENDER": "https://platform.example/{source}/{sourceRef}", "VIGIE_TRUST_EMAILS": "true",
			}
			server := start(t, env, nil, "serve")
			base := server.listening(t)
			ready(t, base)
			token, err := sign(testSecret, "ana", claims{Email: "ana@example.org", Scope: publishScope, Sources: []string{"portal"}}, time.Now(), time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			publish := func(ref string) {
				t.Helper()
				a := ask(t, base, token, `mutation ($ref: String!, $at: DateTime!) { publishNotices(input: [{
					source: "portal", sourceRef: $ref, title: "Voirie communale", buyerName: "Commune d'Exemple", publishedAt: $at
				}]) { userErrors { message } } }`, map[string]any{"ref": ref, "at": time.Now().UTC().Format(time.RFC3339)})
				if len(a.Errors) > 0 || strings.Contains(fmt.Sprint(a.Data), "message") {
					t.Fatal(a)
				}
			}
			a := ask(t, base, token, `mutation { createWatch(input: {
				name: "Voirie", criteria: { keywords: ["voirie"] }, frequency: IMMEDIATE, recipients: ["team@example.org"]
			}) { watch { id receiving } } }`, nil)
			if !strings.Contains(fmt.Sprint(a.Data), "receiving:true") {
				t.Fatal(a)
			}
			question := arrives(t, box, 1)
			if question.Get("To") != "<team@example.org>" || !strings.Contains(question.text, "https://vigie.example/confirm/") {
				t.Fatalf("%v\n%s", question.Header, question.text)
			}
			press(t, base, regexp.MustCompile(`https://vigie\.example(/confirm/\w+)`).FindStringSubmatch(question.text)[1])

			publish("1")
			letters := map[string]letterFile{}
			arrives(t, box, 3)
			for _, letter := range outbox(t, box)[1:] {
				letters[letter.Get("To")] = letter
				for _, want := range []string{"Voirie communale", "https://platform.example/portal/1", "Plate-forme d'exemple", "Marchés d'Exemple"} {
					if !strings.Contains(letter.text, want) {
						t.Errorf("no %q in\n%s", want, letter.text)
					}
				}
			}
			idle(t, server.private(t))
			if letters["<ana@example.org>"].Header == nil || letters["<team@example.org>"].Header == nil {
				t.Fatalf("mails to %v", letters)
			}
			leave := letters["<team@example.org>"].Get("List-Unsubscribe")
			if post := letters["<team@example.org>"].Get("List-Unsubscribe-Post"); post != "List-Unsubscribe=One-Click" {
				t.Errorf("List-Unsubscribe-Post: %s", post)
			}
			press(t, base, strings.TrimSuffix(strings.TrimPrefix(leave, "<https://vigie.example"), ">"))

			returned := `From: MAILER-DAEMON@mx.example
To: ` + strings.Trim(letters["<ana@example.org>"].Get("Return-Path"), "<>") + `
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; ana@example.org
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b--
`
			bounced := func(mail string) *command { return run(t, env, mail, "bounce") }
			for mail, want := range map[string]string{
				"Subject: bonjour\n\nbonjour":                  "not a bounce: nothing done",
				strings.ReplaceAll(returned, "+", "+0"):        "not a bounce of ours: nothing done",
				strings.ReplaceAll(returned, "5.1.1", "4.2.2"): "delayed, nothing done",
				returned: "not written to any more",
			} {
				if c := bounced(mail); c.status != 0 || !strings.Contains(c.out.String(), want) {
					t.Errorf("status %d: %s%s, not %s", c.status, c.out.String(), c.err.String(), want)
				}
			}
			away := map[string]string{"VIGIE_SECRET": testSecret, "VIGIE_DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}
			if c := run(t, away, returned, "bounce"); c.status != tryAgain {
				t.Errorf("without a database: status %d: %s%s", c.status, c.out.String(), c.err.String())
			}
			publish("2")
			idle(t, server.private(t))
			a = ask(t, base, token, `{ watches { nodes { receiving recipients { status } health { bouncedRecipients } } } }`, nil)
			if got := fmt.Sprint(a.Data); got != "map[watches:map[nodes:[map[health:map[bouncedRecipients:1] receiving:false recipients:[map[status:BOUNCED] map[status:UNSUBSCRIBED]]]]]]" {
				t.Error(got)
			}
			if letters := outbox(t, box); len(letters) != 3 {
				t.Errorf("%d mails in all", len(letters))
			}
		})
	}
}

// press posts what a mail program, or the button of a page, does.
func press(t *testing.T, base, path string) {
	t.Helper()
	response, err := http.PostForm(base+path, url.Values{"List-Unsubscribe": {"One-Click"}})
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("POST %s: %s", path, response.Status)
	}
}

// If mail is set up by halves, the command says what is missing.
func TestMailSettings(t *testing.T) {
	whole := map[string]string{
		"VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_DATA": t.TempDir(), "VIGIE_MAIL_URL": "outbox:" + t.TempDir(),
		"VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example",
	}
	for name, bad := range map[string]string{
		"VIGIE_PUBLIC_URL": "", "VIGIE_MAIL_FROM": "veille", "VIGIE_MAIL_REPLY_TO": "a b", "VIGIE_MAIL_BOUNCES": `"x"@vigie.example`, "VIGIE_MAIL_URL": "ftp://x",
		"VIGIE_BRAND_NAME": `Évry\Exemple`, // no header can hold it
	} {
		env := map[string]string{name: bad}
		for key, value := range whole {
			if _, set := env[key]; !set {
				env[key] = value
			}
		}
		if c := run(t, env, "", "serve"); c.status == 0 || !strings.Contains(c.err.String(), name) {
			t.Errorf("%s=%s: status %d: %s", name, bad, c.status, c.err.String())
		}
	}
}

// What is imported again, quietly, or old is mailed to nobody.
func TestImportMailsOnce(t *testing.T) {
	t.Parallel()
	dir, box := t.TempDir(), t.TempDir()
	env := map[string]string{
		"VIGIE_DATA": dir, "VIGIE_SECRET": testSecret, "VIGIE_LISTEN": "127.0.0.1:0", "VIGIE_MAIL_URL": "outbox:" + box,
		"VIGIE_MAIL_FROM": "veille@vigie.example", "VIGIE_PUBLIC_URL": "https://vigie.example", "VIGIE_MAIL_SPACING": "1ms",
	}
	server := start(t, env, nil, "serve")
	base := server.listening(t)
	ready(t, base)
	token, err := sign(testSecret, "ana", claims{Email: "ana@example.org", EmailVerified: true}, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	a := ask(t, base, token, `mutation { createWatch(input: { name: "Tout", criteria: {}, frequency: IMMEDIATE }) { watch { id } } }`, nil)
	if len(a.Errors) > 0 {
		t.Fatal(a.Errors)
	}
	alerted := func() int {
		t.Helper()
		idle(t, server.private(t))
		a := ask(t, base, token, `{ watches { nodes { deliveries { totalCount } } } }`, nil)
		n := 0
		if _, err := fmt.Sscanf(fmt.Sprint(a.Data), "map[watches:map[nodes:[map[deliveries:map[totalCount:%d", &n); err != nil {
			t.Fatal(a.Data, err)
		}
		return n
	}
	read := func(now time.Time) string {
		t.Helper()
		text, err := io.ReadAll(samples.NoticesAt(now))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	imports := func(text string, args ...string) {
		t.Helper()
		if c := run(t, env, text, append([]string{"import", "boamp"}, args...)...); c.status != 0 {
			t.Fatal(c.err.String())
		}
	}
	today := read(time.Now())
	imports(today, "-")
	first := alerted()
	if first < 10 || len(outbox(t, box)) == 0 {
		t.Fatalf("alerts of %d tenders", first)
	}
	mails := len(outbox(t, box))
	times := 100
	if testing.Short() {
		times = 5
	}
	for range times {
		imports(today, "-")
	}
	if n := alerted(); n != first {
		t.Errorf("the same file again alerted of %d more", n-first)
	}
	imports(strings.ReplaceAll(today, `"idweb":"`, `"idweb":"9`), "--quiet", "-")
	if data := os.Getenv("VIGIE_TEST_DATA"); data != "" {
		files, err := filepath.Glob(filepath.Join(data, "boamp", "*.json*"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		imports("", files...)
	}
	if n := alerted(); n != first || len(outbox(t, box)) != mails {
		t.Errorf("what is quiet or old alerted of %d more, in %d mails", n-first, len(outbox(t, box))-mails)
	}
	a = ask(t, base, token, `{ tenders { totalCount } }`, nil)
	if n := 0; true {
		_, _ = fmt.Sscanf(fmt.Sprint(a.Data), "map[tenders:map[totalCount:%d", &n)
		if n < 400 {
			t.Errorf("only %d tenders are listed", n)
		}
	}
}
