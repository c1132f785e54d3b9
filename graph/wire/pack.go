package wire

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// longAnswer is from how many bytes on an answer is compressed.
const longAnswer = 1000

// packers compress answers; they are used again, for each takes a megabyte.
type packers struct{ pool sync.Pool }

// packed is the text of an answer, in pieces.
type packed struct {
	pieces  [][]byte
	gzipped bool
}

// pack compresses a text where the client accepts it. That is done in memory,
// before anything is written: clients that read slowly hold no packer.
func (p *packers) pack(r *http.Request, pieces ...[]byte) packed {
	size := 0
	for _, piece := range pieces {
		size += len(piece)
	}
	if p == nil || size < longAnswer || !AcceptsGzip(r) {
		return packed{pieces: pieces}
	}
	var text bytes.Buffer
	packer, ok := p.pool.Get().(*gzip.Writer)
	if !ok {
		packer, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // there is such a level
	}
	defer p.pool.Put(packer)
	packer.Reset(&text)
	for _, piece := range pieces { // a buffer takes all
		_, _ = packer.Write(piece)
	}
	_ = packer.Close()
	return packed{[][]byte{text.Bytes()}, true}
}

// tag names the content of the answer (RFC 9110, section 8.8.3): weakly, since an
// encoding may change.
func (p packed) tag() string {
	h := sha256.New()
	for _, piece := range p.pieces {
		h.Write(piece)
	}
	return `W/"` + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:15]) + `"`
}

// hasTag reports whether a client knows an answer already (If-None-Match).
func hasTag(known []string, tag string) bool {
	for _, one := range strings.Split(strings.Join(known, ","), ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// AcceptsGzip reports whether a client reads gzip, by Accept-Encoding (RFC 9110, section 12.5.3).
func AcceptsGzip(r *http.Request) bool {
	any := false
	for _, wish := range strings.Split(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		coding, parameters, _ := strings.Cut(wish, ";")
		accepted := true
		if q, weighted := strings.CutPrefix(strings.ReplaceAll(strings.ToLower(parameters), " ", ""), "q="); weighted {
			weight, err := strconv.ParseFloat(q, 64)
			accepted = err == nil && weight > 0
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return accepted
		case "*":
			any = accepted
		}
	}
	return any
}
