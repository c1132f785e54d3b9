package webhook_test

import (
	"encoding/json"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"vigie"
	"vigie/alert/letter"
	"vigie/alert/webhook"
)

// FuzzAddress compares the guard with what the standard library and a plain reading of the registries say of an address,
// in each of its forms.
func FuzzAddress(f *testing.F) {
	for _, text := range forbidden() {
		f.Add(netip.MustParseAddr(text).AsSlice(), uint16(443))
	}
	f.Add([]byte{1, 1, 1, 1}, uint16(25))
	f.Add(netip.MustParseAddr("2606:4700::1111").AsSlice(), uint16(8443))
	c := client(f, webhook.Options{})
	f.Fuzz(func(t *testing.T, bytes []byte, port uint16) {
		addr, ok := netip.AddrFromSlice(bytes)
		if !ok {
			return
		}
		for _, form := range forms(addr) {
			host := "https://" + netip.AddrPortFrom(form, port).String()
			if c.CheckURL(host) == nil && (unroutable(addr) || port < 1024 && port != 80 && port != 443) {
				t.Errorf("%s is allowed", host)
			}
		}
	})
}

// forms are the addresses that lead to the same place.
func forms(a netip.Addr) []netip.Addr {
	list := []netip.Addr{a}
	if four := a.Unmap(); four.Is4() {
		nat64 := netip.MustParseAddr("64:ff9b::").As16()
		copy(nat64[12:], four.AsSlice())
		list = append(list, four, netip.AddrFrom16(four.As16()), netip.AddrFrom16(nat64))
	}
	return list
}

// unroutable reports what the standard library knows to be no host of the public internet.
func unroutable(a netip.Addr) bool {
	a = a.Unmap()
	ip := net.IP(a.AsSlice())
	return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() || !ip.IsGlobalUnicast() ||
		a.Is4() && (ip[0] == 0 || ip[0] >= 224 || ip[0] == 100 && ip[1]&0xc0 == 64 || ip[0] == 198 && ip[1]&0xfe == 18)
}

// FuzzURL checks that what may be added is a plain URL: with a scheme of the web, a host, nothing before it, no fragment.
func FuzzURL(f *testing.F) {
	for _, raw := range []string{"https://example.org/hooks", "https://a@b", "http://127.1/", "https://[::1%25lo]/", "https://exämple.org#x", "https:\\\\example.org", "https://example.org\t", "https://a:b:c/", "https://１２７.1"} {
		f.Add(raw)
	}
	c := client(f, webhook.Options{})
	f.Fuzz(func(t *testing.T, raw string) {
		if c.CheckURL(raw) != nil {
			return
		}
		u, err := url.Parse(raw)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || len(raw) > webhook.MaxURL || strings.ContainsAny(raw, "\r\n\x00") {
			t.Errorf("%q may be added: %v", raw, err)
		}
	})
}

// FuzzTexts checks that no text of others is more than a text in a chat: where Slack parses, nothing is left to parse, and
// all else is told to be plain; Teams gets it where Markdown is not read; and people read what was written.
func FuzzTexts(f *testing.F) {
	f.Add(marks)
	f.Add("<!here>")
	f.Add("&lt;!channel&gt; & <")
	f.Add("{{{DATE(2026-12-01T10:00:00Z)}}}")
	f.Add("\u202egnp.exe \x00 \xff")
	f.Fuzz(func(t *testing.T, text string) {
		a := sampleNew()
		a.Tender.Title, a.Brand, a.Watches[0].Name, a.Watches[0].Keywords, a.Watches[0].Places = text, text, text, []string{text}, nil
		slack, err := webhook.Body(webhook.Slack, a, vigie.English)
		if err != nil {
			t.Fatal(err)
		}
		checkSlack(t, slack)
		title := letter.Line(text, 300)
		if title == "" {
			title = "Tender without a title"
		}
		var message struct {
			Text   string
			Mrkdwn bool
		}
		if err := json.Unmarshal(slack, &message); err != nil || message.Mrkdwn || strings.ContainsAny(message.Text, "<>") || !utf8.Valid(slack) {
			t.Errorf("%s: %v", slack, err)
		}
		plain := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(message.Text)
		if !strings.HasPrefix(plain, "New tender: "+title) || !slices.Contains(texts(slack), title) {
			t.Errorf("Slack does not show %q: %s", title, slack)
		}
		if strings.Contains(string(slack), `"type":"mrkdwn"`) {
			t.Errorf("a text that is parsed: %s", slack)
		}
		teams, err := webhook.Body(webhook.Teams, a, vigie.English)
		if err != nil || strings.Contains(string(teams), `"TextBlock"`) || strings.Contains(string(teams), "{{") {
			t.Errorf("Teams parses %s: %v", teams, err)
		}
		shown := texts(teams)
		for i := range shown {
			shown[i] = strings.ReplaceAll(shown[i], "{\u2060", "{")
		}
		if !slices.Contains(shown, strings.ReplaceAll(title, "{\u2060", "{")) {
			t.Errorf("Teams does not show %q: %s", title, teams)
		}
	})
}
