package post_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"vigie"
	"vigie/alert/post"
	"vigie/alert/post/posttest"
)

// isToken takes what has a digit for a token.
func isToken(s string) bool { return strings.ContainsAny(s, "0123456789") }

func TestParseBounce(t *testing.T) {
	const token, id = "k3j5x7q2", "d41d8cd98f@valombre.example"
	for name, want := range map[string]post.Bounce{
		"postfix-unknown": {
			Token: token, Recipient: "personne@bourg-fictif.example", MessageID: id, Kind: post.ForAddress, Action: "failed", Status: "5.1.1",
			Diagnostic: "550 5.1.1 <personne@bourg-fictif.example>: Recipient address rejected: User unknown in virtual mailbox table",
		},
		"postfix-delayed": {
			Token: token, Recipient: "lecteur@bourg-fictif.example", MessageID: id, Kind: post.Temporary, Action: "delayed", Status: "4.4.1",
			Diagnostic: "connect to mx.bourg-fictif.example[192.0.2.7]:25: Connection timed out",
		},
		// The server gave this message up; the address may exist.
		"postfix-expired": {
			Token: token, Recipient: "lecteur@bourg-fictif.example", Kind: post.Temporary, Action: "failed", Status: "4.4.1",
			Diagnostic: "connect to mx.bourg-fictif.example[192.0.2.7]:25: Connection timed out",
		},
		"postfix-old-server": {
			Token: token, Recipient: "lecteur@bourg-fictif.example", Kind: post.ForMessage, Action: "failed", Status: "5.0.0",
			Diagnostic: "550 we do not like this text",
		},
		"exchange-unknown": {
			Token: token, Recipient: "personne@bourg-fictif.example", MessageID: id, Kind: post.ForAddress, Action: "failed", Status: "5.1.10",
			Diagnostic: "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient personne@bourg-fictif.example not found by SMTP address lookup",
		},
		"exchange-full": {
			Token: token, Recipient: "lecteur@bourg-fictif.example", Kind: post.ForMessage, Action: "failed", Status: "5.2.2",
			Diagnostic: "554 5.2.2 mailbox full",
		},
		"several": {
			Token: token, Recipient: "trois@bourg-fictif.example", Kind: post.ForAddress, Action: "failed", Status: "5.1.6",
		},
	} {
		content, err := os.ReadFile(filepath.Join("testdata", "bounces", name+".eml"))
		if err != nil {
			t.Fatal(err)
		}
		for ending, mail := range map[string]string{
			"LF": string(content), "CRLF": strings.ReplaceAll(string(content), "\n", "\r\n"),
			"after a mailbox's line": "From MAILER-DAEMON Tue Dec  1 02:00:00 2026\n" + string(content) + "\n",
		} {
			got, err := post.ParseBounce(strings.NewReader(mail), isToken)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s with %s: error %v, -want +got:\n%s", name, ending, err, diff)
			}
		}
	}
}

func TestNotBounce(t *testing.T) {
	files, err := filepath.Glob("testdata/bounces/*.not")
	if err != nil || len(files) == 0 {
		t.Fatal("no samples", err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := post.ParseBounce(bytes.NewReader(content), isToken); !errors.Is(err, post.ErrNotBounce) {
			t.Errorf("%s is %+v, error %v", file, got, err)
		}
	}
	if _, err := post.ParseBounce(iotest.ErrReader(io.ErrUnexpectedEOF), isToken); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("what cannot be read is %v", err)
	}
}

// TestReturnPath sends a bounce to the return path of a sent message.
func TestReturnPath(t *testing.T) {
	server := posttest.NewServer(t, posttest.Config{})
	m := posttest.Message()
	m.EnvelopeFrom = post.ReturnPath("re+tours@valombre.example", "0a1b2c")
	if err := open(t, server.URL()).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	// The mailbox that it came to, and one on the way, have a plus of their own.
	got, err := post.ParseBounce(strings.NewReader("Delivered-To: postmaster+bounces@valombre.example\nX-Original-To: retours+@valombre.example\n"+
		"To: filtre+interne@valombre.example, "+server.Received()[0].From+"\n"+
		"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"+
		"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\nAction: failed\nStatus: 5.1.1\n\n--b--\n"), isToken)
	if err != nil || got.Token != "0a1b2c" || got.Kind != post.ForAddress {
		t.Errorf("%+v, error %v", got, err)
	}
}

// FuzzParseBounce parses anything: it is a bounce or it is not.
func FuzzParseBounce(f *testing.F) {
	files, err := filepath.Glob("testdata/bounces/*")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Add([]byte("Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n" +
		"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\nAction: fai\x00led\nStatus: 5.1\x00.1\nDiagnostic-Code: smtp; 550 a\x00b\xe9\n\n--b--\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		got, err := post.ParseBounce(bytes.NewReader(content), isToken)
		switch {
		case err != nil && !errors.Is(err, post.ErrNotBounce):
			t.Errorf("error %v", err)
		case err == nil && got.Action != "failed" && (got.Action != "delayed" || got.Kind != post.Temporary):
			t.Errorf("%+v", got)
		}
		for _, text := range []string{got.Action, got.Status, got.Recipient, got.Diagnostic} {
			if text != vigie.Printable(text) {
				t.Errorf("%q cannot be stored", text)
			}
		}
	})
}
