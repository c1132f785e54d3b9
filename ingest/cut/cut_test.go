package cut_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"vigie/ingest/cut"
)

// cutAll cuts a stream; a piece is written as its line and content, a fault
// as its line and name.
func cutAll(t *testing.T, r io.Reader) []string {
	t.Helper()
	var got []string
	_, err := cut.Each(r, shape(), func(p cut.Piece) bool {
		s := fmt.Sprint(p.Line, " ", string(p.Data))
		if p.Fault != cut.Whole {
			s = fmt.Sprint(p.Line, " ", faultNames[p.Fault])
		}
		got = append(got, s)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

var faultNames = map[cut.Fault]string{
	cut.NotJSON: "not JSON", cut.Markup: "markup", cut.TooLarge: "too large", cut.Broken: "broken", cut.Truncated: "truncated", cut.Unclosed: "unclosed",
}

// shape is of a source whose lists are « results » and « records », the latter
// not in what has an id itself, and may be within « within ».
func shape() cut.Shape {
	return cut.Shape{
		List: func(key string, before []byte) bool {
			return key == "results" || key == "records" && !bytes.Contains(before, []byte(`"id"`))
		},
		Enter: func(key string) bool { return key == "within" },
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		name, in string
		want     []string
	}{
		{"nothing", "", nil},
		{"blank", " \n\t\r\n", nil},
		{"lines", "{\"a\":1}\n{\"a\":2}\n", []string{`1 {"a":1}`, `2 {"a":2}`}},
		{"lines without a last break", "{\"a\":1}\n{\"a\":2}", []string{`1 {"a":1}`, `2 {"a":2}`}},
		{"two on a line", `{"a":1}{"a":2} {"a":3}`, []string{`1 {"a":1}`, `1 {"a":2}`, `1 {"a":3}`}},
		{"list", `[{"a":1},{"a":2}]`, []string{`1 {"a":1}`, `1 {"a":2}`}},
		{"empty list", `[]`, nil},
		{"commas too many", "[,{\"a\":1},,\n{\"a\":2},\n]", []string{`1 {"a":1}`, `2 {"a":2}`}},
		{"list of lists", `[[{"a":1}],[{"a":2}]]`, []string{`1 {"a":1}`, `1 {"a":2}`}},
		{"spread over lines", "{\n \"a\": [\n  {\"b\": 1}\n ]\n}\n{\"a\":2}", []string{"1 {\n \"a\": [\n  {\"b\": 1}\n ]\n}", `6 {"a":2}`}},
		{"strings", `{"a":"}]\"{[\\"}{"b":"\\\""}`, []string{`1 {"a":"}]\"{[\\"}`, `1 {"b":"\\\""}`}},

		{"results", `{"total_count":2,"results":[{"a":1},{"a":2}]}`, []string{`1 {"a":1}`, `1 {"a":2}`}},
		{"no results", `{"total_count":0,"results":[]}`, nil},
		{"results and more", `{"results" : [{"a":1}],"facets":[{"x":[1]},"}"]}{"a":2}`, []string{`1 {"a":1}`, `1 {"a":2}`}},
		{"answers line by line", "{\"results\":[{\"a\":1}]}\n{\"results\":[{\"a\":2}]}\n", []string{`1 {"a":1}`, `2 {"a":2}`}},
		{"links before the records", `{"links":[{"rel":"self"}],"records":[{"links":[1],"record":{"fields":{}}}]}`,
			[]string{`1 {"links":[1],"record":{"fields":{}}}`}},
		{"results within", `{"a":{"results":[{"b":1}]}}`, []string{`1 {"a":{"results":[{"b":1}]}}`}},
		{"results that are no list", `{"results":{"b":[1]},"c":[2]}`, []string{`1 {"results":{"b":[1]},"c":[2]}`}},
		{"results as a text", `{"a":"results","c":[2]}`, []string{`1 {"a":"results","c":[2]}`}},

		{"two lists", `{"results":[{"a":1}],"x":["results"],"records":[{"a":2}],"y":{"records":[{"z":1}]}}{"a":3}`,
			[]string{`1 {"a":1}`, `1 {"a":2}`, `1 {"a":3}`}},
		{"lists within", `{"v":"1","within":{"x":{},"results":[{"a":1}],"records":[{"a":2}]},"records":[{"a":3}]}{"a":4}`,
			[]string{`1 {"a":1}`, `1 {"a":2}`, `1 {"a":3}`, `1 {"a":4}`}},
		{"records with such keys", `{"results":[{"records":[{"a":1}],"within":{"results":[]}}],"x":1}{"a":2}`,
			[]string{`1 {"records":[{"a":1}],"within":{"results":[]}}`, `1 {"a":2}`}},
		{"nothing within", `{"within":{"x":{}},"y":1}{"a":1}`, []string{`1 {"within":{"x":{}},"y":1}`, `1 {"a":1}`}},
		{"an id before the records", `{"id":1,"records":[{"a":1}]}{"records":[{"a":2}]}`, []string{`1 {"id":1,"records":[{"a":1}]}`, `1 {"a":2}`}},
		{"a key cut in two", `{"` + strings.Repeat("x", 200) + `results":[{"a":1}]}`, []string{`1 {"` + strings.Repeat("x", 200) + `results":[{"a":1}]}`}},

		{"garbage", "id;objet\n1;Travaux\n2;Services\n", []string{"1 not JSON"}},
		{"XML", "<?xml version=\"1.0\"?>\n<ANNONCE>\n</ANNONCE>\n", []string{"1 markup"}},
		{"garbage between lines", "{\"a\":1}\nhello\nworld {\n{\"a\":2}\n", []string{`1 {"a":1}`, "2 not JSON", `4 {"a":2}`}},
		{"garbage after a record", "{\"a\":1} hello\n{\"a\":2}\n", []string{`1 {"a":1}`, "1 not JSON", `2 {"a":2}`}},
		{"garbage in a list", `[1,"{",null,{"a":1},"x\"{",{"a":2}]`, []string{"1 not JSON", `1 {"a":1}`, "1 not JSON", `1 {"a":2}`}},

		{"quote not closed, lines", "{\"a\":\"1}\n{\"a\":2}\n", []string{"1 broken", `2 {"a":2}`}},
		{"brace not closed, lines", "{\"a\":{\"b\":1}\n{\"a\":2}\n", []string{"1 broken", `2 {"a":2}`}},
		{"brace too many, lines", "{\"a\":1}}\n{\"a\":2}\n", []string{`1 {"a":1}`, `2 {"a":2}`}},
		{"quote not closed, list", "[{\"a\":\"1},\n{\"a\":2}]\n", []string{"1 broken", `2 {"a":2}`}},
		{"brace not closed, list", "[\n{\"a\":{\"b\":1},\n{\"a\":2}\n]\n", []string{"2 broken", `3 {"a":2}`}},
		{"quote not closed, spread", "[\n  {\n    \"a\": \"1,\n    \"b\": 2\n  },\n  {\n    \"a\": 2\n  }\n]", []string{"2 broken", "6 {\n    \"a\": 2\n  }"}},
		{"quote not closed, results", "{\"results\":[\n{\"a\":\"1},\n{\"a\":2}],\"x\":[{}]}", []string{"2 broken", `3 {"a":2}`}},

		{"quote not closed, answers", "{\"results\":[{\"a\":\"1}]}\n{\"results\":[{\"a\":2}]}\n", []string{"1 broken", `2 {"a":2}`}},

		{"cut in a record", "{\"a\":1}\n{\"a\":2", []string{`1 {"a":1}`, "2 truncated"}},
		{"cut in a string", `[{"a":1},{"a":"2`, []string{`1 {"a":1}`, "1 truncated"}},
		{"cut in a list", "[{\"a\":1},\n{\"a\":2},\n", []string{`1 {"a":1}`, `2 {"a":2}`, "3 unclosed"}},
		{"cut in results", `{"results":[{"a":1}`, []string{`1 {"a":1}`, "1 unclosed"}},
		{"the end of a list", "{\"a\":1},\n{\"a\":2}]\n", []string{`1 {"a":1}`, `2 {"a":2}`}},

		{"too large", `[{"a":"` + strings.Repeat("x", cut.MaxRecord) + `"},{"a":2}]`, []string{"1 too large", `1 {"a":2}`}},
		{"as large as may be", `{"a":"` + strings.Repeat("x", cut.MaxRecord-8) + `"}`, []string{`1 {"a":"` + strings.Repeat("x", cut.MaxRecord-8) + `"}`}},
		{"larger by one", `{"a":"` + strings.Repeat("x", cut.MaxRecord-7) + `"}`, []string{"1 too large"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, cutAll(t, strings.NewReader(test.in))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if len(test.in) > 1000 {
				return
			}
			// Wherever the reads happen to end.
			for n := range 7 {
				if got := cutAll(t, &chunks{test.in, n + 1}); !slices.Equal(got, test.want) {
					t.Errorf("reading %d bytes at a time: %q", n+1, got)
				}
			}
		})
	}
}

// chunks reads n bytes at a time.
type chunks struct {
	s string
	n int
}

func (c *chunks) Read(p []byte) (int, error) {
	if c.s == "" {
		return 0, io.EOF
	}
	n := copy(p, c.s[:min(c.n, len(c.s))])
	c.s = c.s[n:]
	return n, nil
}

// TestBounded reads much that never ends a record: memory must not grow
// with it, nor time be wasted.
func TestBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("NOT RUN in short runs: it reads gigabytes")
	}
	const gigabyte, size = 1 << 30, 1 << 26
	for _, test := range []struct {
		name, start, repeat, end string
		size                     int
		want                     []string
	}{
		{"a line of garbage", "", "garbage ", "\n{\"a\":1}\n", gigabyte, []string{"1 not JSON", `2 {"a":1}`}},
		{"a record of one string", `{"a":"`, `0123456\"`, "\"}\n{\"a\":1}\n", gigabyte, []string{"1 too large", `2 {"a":1}`}},
		{"a record that never closes", `{`, `"a":[1],`, "\n{\"a\":1}\n", size, []string{"1 too large", `2 {"a":1}`}},
		{"a record of brackets", `{"a":`, `[[[[[[[[`, "\n{\"a\":1}\n", size, []string{"1 too large", `2 {"a":1}`}},
		{"a list of numbers", `[`, `1234567,`, "{\"a\":1}]", size, []string{"1 not JSON", `1 {"a":1}`}},
		{"a list of one string", `["`, `0123456\"`, "\",{\"a\":1}]", size, []string{"1 not JSON", `1 {"a":1}`}},
		{"blank lines", "", "\n\n\n\n\n\n\n\n", `{"a":1}`, size, []string{fmt.Sprint(size+1, ` {"a":1}`)}},
		{"an object around nothing", `{"results":[{"a":1}],"x":[`, `{"y":1},`, "1]}\n{\"a\":2}", size, []string{`1 {"a":1}`, `2 {"a":2}`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			got := cutAll(t, io.MultiReader(strings.NewReader(test.start),
				io.LimitReader(&endless{chunk: bytes.Repeat([]byte(test.repeat), 4096)}, int64(test.size)), strings.NewReader(test.end)))
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%d MiB in %v, %d MiB allocated", test.size>>20, took.Round(time.Millisecond), allocated)
			// One record, and what it outgrew on its way there.
			if allocated > 16*cut.MaxRecord>>20 {
				t.Errorf("%d MiB allocated for %d", allocated, test.size>>20)
			}
			if took > time.Minute {
				t.Errorf("took %v", took)
			}
		})
	}
}

// endless repeats a chunk.
type endless struct {
	chunk []byte
	at    int
}

func (e *endless) Read(p []byte) (int, error) {
	n := copy(p, e.chunk[e.at:])
	e.at = (e.at + n) % len(e.chunk)
	return n, nil
}
