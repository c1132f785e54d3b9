package tree_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"vigie/ingest/tree"
)

func TestObject(t *testing.T) {
	for _, test := range []struct {
		in   string
		want map[string]any
	}{
		{`{"a":1.10,"b":[1e9999,{"c":-2}],"d":"3","e":true,"f":null}`,
			map[string]any{"a": "1.10", "b": []any{"1e9999", map[string]any{"c": "-2"}}, "d": "3", "e": true, "f": nil}},
		{`{"a":NaN,"b":[Infinity,-Infinity,"NaN \" NaN\\"],"c":"Infinity","NaN":NaN}`,
			map[string]any{"a": nil, "b": []any{nil, nil, `NaN " NaN\`}, "c": "Infinity", "NaN": nil}},
	} {
		got, err := tree.Object([]byte(test.in))
		if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, -want +got:\n%s", test.in, err, diff)
		}
	}
	for _, in := range []string{``, `[1]`, `{"a":}`, `{"a":NaN`, `{"a":"NaN`, `{"a":"NaN\`} {
		if got, err := tree.Object([]byte(in)); err == nil {
			t.Errorf("%s: %v, want an error", in, got)
		}
	}
}
