package clip_test

import (
	"testing"

	"vigie/clip"
)

func TestLength(t *testing.T) {
	for _, test := range []struct {
		s    string
		n    int
		want string
	}{
		{"été", 2, "ét"},
		{"e\u0301te\u0301", 3, "e\u0301t"},
		{"e\u0301te\u0301", 4, "e\u0301t"},
		{"a👩‍🚒b", 2, "a"},
		{"a👩‍🚒b", 4, "a👩‍🚒"},
		{"🇫🇷🇧🇪", 3, "🇫🇷"},
		{"abc", 10, "abc"},
		{"abc", 0, ""},
		{"", 3, ""},
	} {
		if got := test.s[:clip.Length(test.s, test.n)]; got != test.want {
			t.Errorf("%q to %d: %q, want %q", test.s, test.n, got, test.want)
		}
	}
}

func TestBoundary(t *testing.T) {
	const s = "a👩‍🚒b"
	for at, want := range map[int]int{0: 0, 1: 1, 5: 1, 8: 1, len(s) - 1: len(s) - 1, len(s): len(s), len(s) + 5: len(s)} {
		if got := clip.Boundary(s, at); got != want {
			t.Errorf("%d: %d, want %d", at, got, want)
		}
	}
}
