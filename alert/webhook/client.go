package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// Options are what a [Client] needs.
type Options struct {
	// Networks are allowed although they are not public, for platforms inside one network. There, http is allowed too.
	Networks []netip.Prefix
	// Timeout bounds an attempt as a whole, [DefaultTimeout] if it is 0.
	Timeout time.Duration
	// Now is the clock.
	Now func() time.Time
	// Resolver resolves names, the system's if it is nil.
	Resolver *net.Resolver
	// Roots verify endpoints, the system's if it is nil.
	Roots *x509.CertPool
}

// The bounds of an attempt.
const (
	// DefaultTimeout is how long an attempt takes at most.
	DefaultTimeout = 15 * time.Second
	// ChallengeTimeout is how long a challenge takes at most.
	ChallengeTimeout = 10 * time.Second
	// MaxAnswer is how many bytes of an answer's body are read, and maxHeaders how many its headers may have.
	MaxAnswer  = 64 << 10
	maxHeaders = 32 << 10
	// drainTime is how long the rest of an answer is read for the sake of the connection, which can then be used again.
	drainTime = time.Second
)

// Client sends messages to endpoints. It is safe for concurrent use.
type Client struct {
	options Options
	// secure speaks https, to public addresses and the named networks; plain http, to the networks alone.
	secure, plain *http.Transport
}

// NewClient makes a client.
func NewClient(o Options) *Client {
	o.Timeout = cmp.Or(o.Timeout, DefaultTimeout)
	return &Client{options: o, secure: o.transport(false), plain: o.transport(true)}
}

// transport makes connections that the guard allows. It uses no proxy, whatever the environment says: the proxy would
// resolve the names, and nothing would guard it. It unpacks nothing, so that a small answer cannot become a large one.
// It speaks HTTP/1.1 alone: a connection has one request at a time, whose bounds are those below.
func (o Options) transport(plain bool) *http.Transport {
	g := guard{o.Networks, plain}
	dialer := &net.Dialer{Timeout: o.Timeout, Resolver: o.Resolver, Control: g.control}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		DialContext: dialer.DialContext, Protocols: protocols, DisableCompression: true,
		TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: o.Timeout,
		MaxResponseHeaderBytes: maxHeaders, MaxIdleConns: 256, MaxIdleConnsPerHost: 4, IdleConnTimeout: 30 * time.Second,
	}
}

// Close closes the connections that wait for further messages.
func (c *Client) Close() {
	c.secure.CloseIdleConnections()
	c.plain.CloseIdleConnections()
}

// Send posts a message once. The id is the same whenever it is sent again, and at is the time of the attempt. Any status 2xx means that it was accepted; redirects are not followed. The error is an [*Error].
func (c *Client) Send(ctx context.Context, e Endpoint, id string, at time.Time, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	answer, err := c.post(ctx, e, id, at, body)
	if err != nil {
		return err
	}
	// The message was accepted; nothing that follows changes that.
	defer answer.Close()
	defer time.AfterFunc(drainTime, cancel).Stop()
	_, _ = io.CopyN(io.Discard, answer, MaxAnswer)
	return nil
}

// Challenge asks an endpoint of the format [Standard] to repeat a word, and so to prove that it wants our messages: it
// answers with {"challenge": word}. A service that repeats whatever it gets proves nothing: in the request the word
// stands elsewhere. The error is an [*Error].
func (c *Client) Challenge(ctx context.Context, e Endpoint, id string, at time.Time, word string) error {
	ctx, cancel := context.WithTimeout(ctx, min(c.options.Timeout, ChallengeTimeout))
	defer cancel()
	body, err := challengeBody(e.ID, word, at)
	if err != nil {
		return err
	}
	answer, err := c.post(ctx, e, id, at, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	text, err := io.ReadAll(io.LimitReader(answer, MaxAnswer))
	if err == nil {
		err = ctx.Err() // an endpoint that is told that we hang up may still end its answer properly
	}
	if err != nil {
		return failure(err)
	}
	var repeated struct{ Challenge string }
	if json.Unmarshal(text, &repeated) != nil || repeated.Challenge != word {
		return &Error{Kind: Temporary, Reason: NotRepeated, Status: http.StatusOK}
	}
	return nil
}

// post makes a request. It returns the body of an answer that accepts it.
func (c *Client) post(ctx context.Context, e Endpoint, id string, at time.Time, body []byte) (io.ReadCloser, error) {
	request, err := newRequest(ctx, e, id, at, body)
	if err != nil {
		return nil, err
	}
	transport := c.secure
	if request.URL.Scheme == "http" {
		transport = c.plain
	}
	// A transport, unlike an http.Client, makes one request: it follows no redirect and keeps no cookie.
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return nil, failure(err)
	}
	if answer.StatusCode/100 != 2 {
		_ = answer.Body.Close()
		return nil, refusal(answer, c.options.Now())
	}
	return answer.Body, nil
}

// newRequest makes a signed request.
func newRequest(ctx context.Context, e Endpoint, id string, at time.Time, body []byte) (*http.Request, error) {
	u, err := parseURL(e.URL)
	if err != nil {
		return nil, &Error{Kind: Refused, Reason: NoAddress, Err: errURL}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, &Error{Kind: Refused, Reason: NoAddress, Err: errURL}
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Vigie-Webhook/1")
	if len(e.Secrets) > 0 {
		timestamp := strconv.FormatInt(at.Unix(), 10)
		request.Header.Set("Webhook-Id", id)
		request.Header.Set("Webhook-Timestamp", timestamp)
		request.Header.Set("Webhook-Signature", signatures(e.Secrets, id, timestamp, body))
		// The id makes the request idempotent: it may be made again at once where the endpoint closed a waiting connection
		// while it was sent. The header itself is not sent.
		request.Header["Idempotency-Key"] = nil
	}
	return request, nil
}
