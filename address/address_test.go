package address_test

import (
	"strings"
	"testing"

	"vigie/address"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		given, want string
		utf8        bool
	}{
		{"a.b+c@example.org", "a.b+c@example.org", false},
		{"Ana@Example.org", "Ana@Example.org", false},
		{"ana@évry.example", "ana@xn--vry-9la.example", false},
		{"ana@ÉVRY.example", "ana@xn--vry-9la.example", false},
		{"ana@e\u0301vry.example", "ana@xn--vry-9la.example", false},
		{"ana@xn--vry-9la.example", "ana@xn--vry-9la.example", false},
		{"ana@ｅxample.org", "ana@example.org", false},
		{"ana@straße.example", "ana@xn--strae-oqa.example", false},
		{"é@exemple.example", "é@exemple.example", true},
		{"rené.l'été@évry.example", "rené.l'été@xn--vry-9la.example", true},
		{"用户@例子.example", "用户@xn--fsqu00a.example", true},
	} {
		got, ok := address.Parse(test.given)
		if !ok || got.Text != test.want || got.UTF8 != test.utf8 {
			t.Errorf("%q is %+v, %t; want %q, %t", test.given, got, ok, test.want, test.utf8)
		}
		if again, ok := address.Parse(got.Text); !ok || again != got {
			t.Errorf("%q, parsed again, is %+v", got.Text, again)
		}
		if got := address.Canonical(test.given); got != test.want {
			t.Errorf("%q is %q", test.given, got)
		}
	}
}

func TestNoAddress(t *testing.T) {
	for _, bad := range []string{
		"", "é", "é@", "@évry.example", "é@@évry.example", "a@é@b.example", "é b@exemple.example", "\"é\"@exemple.example", "é\u200d@exemple.example",
		"é\u2028@exemple.example", "é\u202e@exemple.example", "é\u0085@exemple.example", "\xff@exemple.example", "a@\xff.example", "é\r\nBcc: b@c.example",
		"é@exemple.example\n", "a@é\n.example", "a@é .example", "a@é_.example", "a@-é.example", "a@é..example", "é..a@exemple.example", "é，b@exemple.example",
		"é@[127.0.0.1]", "é>@exemple.example", "a@é>.example", "a@" + strings.Repeat("é", 80) + ".example",
		strings.Repeat("é", 33) + "@exemple.example", "<é@exemple.example>", "é@a.example, b@c.example", "☃@exemple.example",
	} {
		if got, ok := address.Parse(bad); ok {
			t.Errorf("%q is %+v", bad, got)
		}
		if got := address.Canonical(bad); got != bad {
			t.Errorf("%q becomes %q", bad, got)
		}
	}
}

// FuzzParse checks that nothing gets into a header or a command with an address.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"ana@évry.example", "é@exemple.example", "a@b.example\r\nBcc: c@d.example", "用户@例子.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := address.Parse(s)
		if !ok {
			return
		}
		if again, ok := address.Parse(a.Text); !ok || again != a {
			t.Errorf("%q is %+v, then %+v", s, a, again)
		}
		if strings.ContainsAny(a.Text, " \t\r\n<>()[]\\,;:\"") || strings.Count(a.Text, "@") != 1 {
			t.Errorf("%q is %q", s, a.Text)
		}
	})
}
