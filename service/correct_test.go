package service

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
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

// growing is an index with one word more each time that they are read.
type growing struct {
	search.Index
	read atomic.Int64
}

func (x *growing) Words(context.Context) (map[string]int, error) {
	return map[string]int{"voirie": int(x.read.Add(1))}, nil
}

// A clock that is set back does not keep the words from being read again.
func TestWordsAfterAClockWasSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s speller
		index, now, log := new(growing), time.Now(), slog.New(slog.DiscardHandler)
		for i, at := range []time.Time{now, now.Add(readWordsEvery / 2), now.Add(-24 * time.Hour), now.Add(readWordsEvery/2 - 24*time.Hour)} {
			if _, err := s.of(t.Context(), index, at, log); err != nil {
				t.Fatal(err)
			}
			synctest.Wait() // they are read again while the known ones are returned
			if read, want := index.read.Load(), int64(1+i/2); read != want {
				t.Errorf("read %d times, want %d", read, want)
			}
		}
	})
}

// slow is an index whose words are being read until they may be answered.
type slow struct {
	search.Index
	reading, answer chan bool
}

func (x *slow) Words(context.Context) (map[string]int, error) {
	x.reading <- true
	<-x.answer
	return map[string]int{"voirie": 3}, nil
}

// While the words are read, nobody waits longer than it may, nor ends the reading
// for others, and they are read once.
func TestWordsThatAreReadSlowly(t *testing.T) {
	var s speller
	index := &slow{reading: make(chan bool), answer: make(chan bool)}
	log := slog.New(slog.DiscardHandler)
	type answer struct {
		text string
		err  error
	}
	ask := func(ctx context.Context) chan answer {
		got := make(chan answer, 1)
		go func() {
			words, err := s.of(ctx, index, time.Now(), log)
			var a answer
			if a.err = err; err == nil {
				a.text, _ = words.Correct("vorie", false)
			}
			got <- a
		}()
		return got
	}
	ctx, leave := context.WithCancel(t.Context())
	first := ask(ctx)
	<-index.reading
	patient := ask(t.Context())
	impatient, cancel := context.WithCancel(t.Context())
	second := ask(impatient)
	cancel()
	leave()
	for name, got := range map[string]chan answer{"who began": first, "who waits": second} {
		select {
		case a := <-got:
			if !errors.Is(a.err, context.Canceled) {
				t.Errorf("%s: %+v", name, a)
			}
		case <-time.After(20 * time.Second):
			t.Errorf("%s waits longer than it may", name)
		}
	}
	close(index.answer)
	if a := <-patient; a.err != nil || a.text != "voirie" {
		t.Errorf("who was patient: %+v", a)
	}
}
