package sourcetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// Script publishes made-up notices day by day: calls, and corrections, cancellations and awards of earlier ones, at one
// service or both, some of them late.
type Script struct {
	services *Services
	random   *rand.Rand
	calls    []*Notice
}

// NewScript returns a script of a seed.
func NewScript(s *Services, seed uint64) *Script {
	return &Script{services: s, random: rand.New(rand.NewPCG(seed, 3))}
}

// Day publishes so many notices of a day that begins at a moment.
func (s *Script) Day(day string, begins time.Time, notices int) {
	for i := range notices {
		s.services.Publish(s.notice(day, begins, i))
	}
}

func (s *Script) notice(day string, begins time.Time, i int) *Notice {
	subject := []string{"Réfection de la voirie", "Éclairage public", "Fourniture de repas"}[s.random.IntN(3)]
	n := &Notice{
		ID: fmt.Sprintf("%08x-0000-4000-8000-%012d", s.random.Uint32(), i), Procedure: fmt.Sprintf("%08x-1111-4111-8111-%012d", s.random.Uint32(), i),
		Day: day, Kind: "call", Title: fmt.Sprintf("%s %s %d", subject, day, i), Buyer: fmt.Sprintf("Commune %d", s.random.IntN(9)),
		Deadline: begins.AddDate(0, 0, 400+s.random.IntN(10)).Format(time.DateOnly) + "T12:00",
		// Some come without what names them everywhere.
		Bare: s.random.IntN(4) == 0, At: begins.Add(time.Duration(s.random.IntN(20*60)) * time.Minute),
	}
	if len(s.calls) > 0 && s.random.IntN(3) == 0 {
		of := s.calls[s.random.IntN(len(s.calls))]
		n.Procedure, n.Buyer, n.Title, n.Kind = of.Procedure, of.Buyer, of.Title, []string{"correction", "cancellation", "award"}[s.random.IntN(3)]
		if n.Kind == "award" {
			n.Deadline = ""
		}
	} else {
		s.calls = append(s.calls, n)
	}
	if s.random.IntN(20) == 0 {
		n.At = n.At.AddDate(0, 0, 1+s.random.IntN(5)) // late
	}
	number := strings.ReplaceAll(day, "-", "")[2:] + fmt.Sprintf("%04d", i)
	where := s.random.IntN(3)
	if where != 0 {
		n.BOAMP = "26-" + number[2:]
	}
	if where != 1 {
		n.TED = strings.TrimLeft(number[2:], "0") + "-2026" // as TED's addresses have it
	}
	return n
}
