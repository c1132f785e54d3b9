package clip_test

import (
	"strings"
	"testing"

	"vigie/clip"
)

// A passage is of whole words around the first span, and as near a boundary in a long text as in a short one.
func TestPassage(t *testing.T) {
	long := strings.Repeat("été 👩‍🚒 ", 2000)
	for _, test := range []struct {
		text  string
		spans []clip.Span
		want  string
	}{
		{"La voirie", []clip.Span{{Start: 3, End: 9}}, "La [voirie]"},
		{"voirie et trottoirs", []clip.Span{{Start: 0, End: 6}, {Start: 0, End: 9}, {Start: 10, End: 19}}, "[voirie et] [trottoirs]"},
		{"La voirie", []clip.Span{{Start: -1, End: 4}, {Start: 4, End: 4}, {Start: 5, End: 100}}, ""},
		{"de l'eau usée", []clip.Span{{Start: 11, End: 12}}, ""}, // within a letter
		{long + "voirie" + long, []clip.Span{{Start: len(long), End: len(long) + 6}}, "… été 👩‍🚒 [voirie]été 👩‍🚒…"},
	} {
		var said strings.Builder
		for _, part := range clip.Passage(test.text, test.spans, 10, 25) {
			if part.Hit {
				part.Text = "[" + part.Text + "]"
			}
			said.WriteString(part.Text)
		}
		if said.String() != test.want {
			t.Errorf("%.30q: %q, want %q", test.text, said.String(), test.want)
		}
	}
}
