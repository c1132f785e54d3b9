package wire

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Long answers are compressed for who accepts that, by the rules of HTTP.
func TestPack(t *testing.T) {
	long := strings.Repeat("marché ", 1000)
	p := new(packers)
	for accepted, want := range map[string]bool{
		"": false, "gzip": true, "br, gzip;q=0.5": true, "gzip;q=0": false, "*": true, "*;q=0": false, "identity": false, "*, gzip; q=0.0": false, "deflate, x-gzip": true, "GZIP": true, "gzip;q=x": false,
	} {
		r := httptest.NewRequest(http.MethodPost, "/graphql", nil)
		r.Header.Set("Accept-Encoding", accepted)
		if short := p.pack(r, []byte("short")); short.gzipped {
			t.Errorf("%q: a short answer is compressed", accepted)
		}
		text := p.pack(r, []byte(long), []byte("end"))
		if text.gzipped != want {
			t.Errorf("%q: compressed %v, want %v", accepted, text.gzipped, want)
		}
		whole := bytes.Join(text.pieces, nil)
		if text.gzipped {
			unpacked, err := gzip.NewReader(bytes.NewReader(whole))
			if err != nil {
				t.Fatal(err)
			}
			if len(whole) > len(long)/4 {
				t.Errorf("%q: %d bytes of %d are left", accepted, len(whole), len(long))
			}
			if whole, err = io.ReadAll(unpacked); err != nil {
				t.Fatal(err)
			}
		}
		if string(whole) != long+"end" {
			t.Errorf("%q: another text", accepted)
		}
	}
}

func TestRateHeaders(t *testing.T) {
	h := make(http.Header)
	Rate{}.Write(h)
	if len(h) > 0 {
		t.Errorf("without a policy: %v", h)
	}
	Rate{Policy: "account", Quota: 1200, Left: 1187, Window: time.Minute, Reset: 650 * time.Millisecond}.Write(h)
	if got := h.Get("RateLimit-Policy") + " " + h.Get("RateLimit"); got != `"account";q=1200;w=60 "account";r=1187;t=1` {
		t.Error(got)
	}
}
