package webhook_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"vigie"
	"vigie/alert/webhook"
)

// forbidden are addresses that webhooks may not go to, in all their spellings.
func forbidden() []string {
	return []string{
		"0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.0.0.2", "127.255.255.255",
		"168.63.129.16", "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.168.0.1", "192.88.99.1",
		"198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::127.0.0.1", "64:ff9b::a00:1",
		"64:ff9b::169.254.169.254", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
		"3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "ff02::1",
	}
}

// A message to an address that is not public is refused, whether a name leads there or it stands in the URL, and not
// even a connection is tried: these addresses would answer nothing, or after a time.
func TestAddresses(t *testing.T) {
	addresses := make(map[string][][]string)
	name := func(i int) string { return fmt.Sprintf("host%d.example", i) }
	for i, address := range forbidden() {
		addresses[name(i)] = [][]string{{address}}
	}
	r, _ := resolver(t, addresses)
	c := client(t, webhook.Options{Resolver: r, Timeout: patience})
	for i, address := range forbidden() {
		urls := []string{"https://" + name(i) + secretPath}
		if strings.Contains(address, ":") {
			urls = append(urls, "https://["+address+"]"+secretPath)
		} else {
			urls = append(urls, "https://"+address+":8443"+secretPath)
		}
		for _, url := range urls {
			err := c.Send(t.Context(), endpoint(url), "message_1", now(), nil)
			check(t, url, err, webhook.Error{Kind: webhook.Refused, Reason: webhook.NoAddress})
		}
		if code := vigie.CodeOf(c.CheckURL(urls[1])); code != vigie.NotAllowed {
			t.Errorf("%s may be added: %s", urls[1], code)
		}
	}
}

// Public addresses are allowed, those too that stand in one of IPv6 for one of IPv4.
func TestPublicAddresses(t *testing.T) {
	c := client(t, webhook.Options{})
	for _, address := range []string{
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "168.63.129.15", "169.253.255.255", "172.15.255.255",
		"172.32.0.0", "192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "[2606:4700::1111]", "[2001:200::1]", "[2a00:1450::1]",
		"[64:ff9b::1.1.1.1]", "[::ffff:1.1.1.1]",
	} {
		if err := c.CheckURL("https://" + address + "/hooks"); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// A listener on this machine is not reached by any of the spellings of its address; and neither by a redirect.
func TestNoPacketLeaves(t *testing.T) {
	four, six := listen(t, "127.0.0.1:0"), listen(t, "[::1]:0")
	other := listen(t, "127.0.0.2:0")
	r, asked := resolver(t, map[string][][]string{"four.example": {{"127.0.0.1"}}, "six.example": {{"::1"}}, "both.example": {{"127.0.0.2", "::1"}}, "localhost": {{"127.0.0.1", "::1"}}})
	refuse := webhook.Error{Kind: webhook.Refused, Reason: webhook.NoAddress}
	open := client(t, webhook.Options{Resolver: r, Timeout: patience})
	for _, host := range []string{"127.0.0.1", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "LOCALHOST", "four.example", "１２７.０.０.１", "127。0。0。1"} {
		for _, scheme := range []string{"https://", "http://"} {
			check(t, scheme+host, open.Send(t.Context(), endpoint(scheme+host+":"+four.port()+secretPath), "message_1", now(), nil), refuse)
		}
	}
	for _, host := range []string{"[::1]", "[0:0:0:0:0:0:0:1]", "six.example"} {
		check(t, host, open.Send(t.Context(), endpoint("https://"+host+":"+six.port()), "message_1", now(), nil), refuse)
	}
	// One address of this machine is allowed, and no other.
	narrow := client(t, webhook.Options{Resolver: r, Networks: local, Timeout: patience})
	for url, l := range map[string]trap{"https://[::1]:": six, "http://[::1]:": six, "https://127.0.0.2:": other, "http://both.example:": other, "https://six.example:": six} {
		check(t, url, narrow.Send(t.Context(), endpoint(url+l.port()), "message_1", now(), nil), refuse)
	}
	for _, url := range []string{"https://ana:password@127.0.0.1:", "ftp://127.0.0.1:", "127.0.0.1:"} {
		check(t, url, narrow.Send(t.Context(), endpoint(url+four.port()), "message_1", now(), nil), refuse)
	}
	for _, target := range []string{
		"http://169.254.169.254/latest/meta-data/", "https://[::1]:" + six.port(), "http://both.example:" + other.port(), "//127.0.0.2:" + other.port(), "https://127.0.0.1:" + four.port(), "/again",
	} {
		redirects(t, narrow, target)
	}
	for _, l := range []trap{four, six, other} {
		l.untouched(t)
	}
	asked.mu.Lock()
	defer asked.mu.Unlock()
	if asked.asked["four.example"] == 0 || asked.asked["both.example"] == 0 {
		t.Error("the name server was not asked")
	}
}

// redirects checks that a redirect is not followed, whatever its status.
func redirects(t *testing.T, c *webhook.Client, target string) {
	t.Helper()
	for _, code := range []int{301, 302, 303, 307, 308} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", target)
			w.WriteHeader(code)
		})
		refused := webhook.Error{Kind: webhook.Temporary, Reason: webhook.AnsweredStatus, Status: code}
		check(t, target, c.Send(t.Context(), endpoint(s.URL), "message_1", now(), nil), refused)
		check(t, target, c.Challenge(t.Context(), endpoint(s.URL), "message_1", now(), "word"), refused)
		if s.count != 2 {
			t.Errorf("%d to %s: %d requests", code, target, s.count)
		}
		s.Close()
	}
}

// A name that leads to an allowed address first, and then to another, is refused then. Of two
// addresses of a name, the one that is allowed is used.
func TestRebinding(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") })
	port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	l := listen(t, "127.0.0.2:"+port)
	r, _ := resolver(t, map[string][][]string{
		"example.com":      {{"127.0.0.1"}, {"127.0.0.2"}, {"127.0.0.1"}},
		"both.example.com": {{"127.0.0.2", "127.0.0.1"}},
	})
	c := client(t, webhook.Options{Resolver: r, Networks: local, Timeout: patience})
	e := endpoint("https://example.com:" + port)
	check(t, "first", c.Send(t.Context(), e, "message_1", now(), nil), webhook.Error{})
	check(t, "then", c.Send(t.Context(), e, "message_1", now(), nil), webhook.Error{Kind: webhook.Refused, Reason: webhook.NoAddress})
	check(t, "again", c.Send(t.Context(), e, "message_1", now(), nil), webhook.Error{})
	check(t, "both", c.Send(t.Context(), endpoint("https://both.example.com:"+port), "message_1", now(), nil), webhook.Error{})
	if s.count != 3 {
		t.Errorf("%d requests", s.count)
	}
	l.untouched(t)
}

// A certificate of another name, of an unknown authority, or none, is no proof.
func TestTLS(t *testing.T) {
	s := serve(t, accept)
	port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
	r, _ := resolver(t, map[string][][]string{"other.example": {{"127.0.0.1"}}, "example.com": {{"127.0.0.1"}}})
	trusting := client(t, webhook.Options{Resolver: r, Networks: local, Timeout: patience})
	untrusted := webhook.Error{Kind: webhook.Temporary, Reason: webhook.Untrusted}
	check(t, "its name", trusting.Send(t.Context(), endpoint("https://example.com:"+port), "message_1", now(), nil), webhook.Error{})
	check(t, "another name", trusting.Send(t.Context(), endpoint("https://other.example:"+port), "message_1", now(), nil), untrusted)
	strict := webhook.NewClient(webhook.Options{Resolver: r, Networks: local, Timeout: patience, Now: now})
	check(t, "unknown authority", strict.Send(t.Context(), endpoint("https://example.com:"+port), "message_1", now(), nil), untrusted)
	if s.count != 1 {
		t.Errorf("%d requests", s.count)
	}
}

// Names that lead nowhere, and those that lead inside, are told apart by operators alone.
func TestUnknownNames(t *testing.T) {
	r, _ := resolver(t, map[string][][]string{"inside.example": {{"10.0.0.1"}}, "empty.example": {{}}})
	c := client(t, webhook.Options{Resolver: r, Timeout: patience})
	for _, name := range []string{"inside.example", "empty.example", "unknown.example"} {
		if err := c.Send(t.Context(), endpoint("https://"+name), "message_1", now(), nil); reasonOf(err) != webhook.NoAddress {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// No proxy is used: it would connect wherever it is told to.
func TestNoProxy(t *testing.T) {
	proxy := listen(t, "127.0.0.1:0")
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://"+proxy.Addr().String())
	}
	r, _ := resolver(t, map[string][][]string{"example.com": {{"127.0.0.1"}}})
	s := serve(t, accept)
	c := client(t, webhook.Options{Resolver: r, Networks: local, Timeout: patience})
	check(t, "sent", c.Send(t.Context(), endpoint("https://example.com:"+s.URL[strings.LastIndexByte(s.URL, ':')+1:]), "message_1", now(), nil), webhook.Error{})
	proxy.untouched(t)
}

// Without TLS, only the networks that are named are spoken to.
func TestPlainHTTP(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(accept))
	t.Cleanup(s.Close)
	refused := webhook.Error{Kind: webhook.Refused, Reason: webhook.NoAddress}
	r, _ := resolver(t, map[string][][]string{"public.example": {{"1.1.1.1"}}})
	check(t, "named", client(t, webhook.Options{Networks: local}).Send(t.Context(), endpoint(s.URL), "message_1", now(), nil), webhook.Error{})
	others := client(t, webhook.Options{Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, Resolver: r})
	check(t, "not named", others.Send(t.Context(), endpoint(s.URL), "message_1", now(), nil), refused)
	check(t, "public", others.Send(t.Context(), endpoint("http://public.example/"), "message_1", now(), nil), refused)
}

// What is wrong with a URL is said before anything is stored.
func TestCheckURL(t *testing.T) {
	open, narrow := client(t, webhook.Options{}), client(t, webhook.Options{Networks: local})
	for url, want := range map[string][2]vigie.Code{
		"https://example.org/hooks":               {"", ""},
		"https://example.org":                     {"", ""},
		"https://example.org:8443/?a=b":           {"", ""},
		"https://exämple.org/é":                   {"", ""},
		"https://my_host/":                        {"", ""},
		"HTTPS://EXAMPLE.ORG":                     {"", ""},
		"http://example.org/hooks":                {vigie.NotAllowed, ""}, // where it leads is seen when a connection is made
		"http://127.0.0.1:8080":                   {vigie.NotAllowed, ""},
		"https://127.0.0.1":                       {vigie.NotAllowed, ""},
		"https://127.0.0.2":                       {vigie.NotAllowed, vigie.NotAllowed},
		"https://[fe80::1%25eth0]":                {vigie.NotAllowed, vigie.NotAllowed},
		"https://example.org:25":                  {vigie.NotAllowed, vigie.NotAllowed},
		"https://example.org:0":                   {vigie.NotAllowed, vigie.NotAllowed},
		"https://example.org:99999":               {vigie.NotAllowed, vigie.NotAllowed},
		"https://ana:password@example.org":        {vigie.Invalid, vigie.Invalid},
		"https://ana@example.org":                 {vigie.Invalid, vigie.Invalid},
		"https://example.org/#part":               {vigie.Invalid, vigie.Invalid},
		"":                                        {vigie.Invalid, vigie.Invalid},
		"example.org":                             {vigie.Invalid, vigie.Invalid},
		"//example.org":                           {vigie.Invalid, vigie.Invalid},
		"https://":                                {vigie.Invalid, vigie.Invalid},
		"https:///hooks":                          {vigie.Invalid, vigie.Invalid},
		"https://exam ple.org":                    {vigie.Invalid, vigie.Invalid},
		"https://example.org\r\nHost: other":      {vigie.Invalid, vigie.Invalid},
		"ftp://example.org":                       {vigie.Invalid, vigie.Invalid},
		"file:///etc/passwd":                      {vigie.Invalid, vigie.Invalid},
		"gopher://127.0.0.1:70":                   {vigie.Invalid, vigie.Invalid},
		"https://" + strings.Repeat("a", 2000):    {vigie.TooLong, vigie.TooLong},
		"https://example.org/ " + innerText:       {"", ""},
		"https://１２７.０.０.１/":                      {vigie.NotAllowed, ""},
		"https://xn--a/":                          {vigie.Invalid, vigie.Invalid},
		"https://[::ffff:127.0.0.1]/":             {vigie.NotAllowed, ""},
		"https://[64:ff9b::127.0.0.1]/":           {vigie.NotAllowed, ""},
		"https://example.org:443@169.254.169.254": {vigie.Invalid, vigie.Invalid},
	} {
		for i, c := range []*webhook.Client{open, narrow} {
			if got := vigie.CodeOf(c.CheckURL(url)); got != want[i] {
				t.Errorf("%q: %q, want %q", url, got, want[i])
			}
		}
	}
}
