package service

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"vigie/search"
)

// wordless is an index whose words can be read once.
type wordless struct {
	search.Index
	reads int
}

func (x *wordless) Words(context.Context) (map[string]int, error) {
	if x.reads++; x.reads > 1 {
		return nil, errors.New("no answer")
	}
	return map[string]int{"voirie": 3}, nil
}

// lines receives what a log writes.
type lines chan string

func (l lines) Write(text []byte) (int, error) {
	l <- string(text)
	return len(text), nil
}

// Where the words cannot be read again, those read before stay, and the log of the service says why.
func TestWordsThatCannotBeReadAgain(t *testing.T) {
	var s speller
	logged := make(lines, 1)
	log := slog.New(slog.NewTextHandler(logged, nil))
	index, now := &wordless{}, time.Now()
	for _, at := range []time.Time{now, now.Add(readWordsEvery)} {
		words, err := s.of(t.Context(), index, at, log)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := words.Correct("vorie", false); got != "voirie" {
			t.Errorf("%q", got)
		}
	}
	if line := <-logged; !strings.Contains(line, "no answer") {
		t.Errorf("the log says %q", line)
	}
}
