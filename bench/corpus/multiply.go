package corpus

import (
	"bytes"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"vigie"
	"vigie/ingest/boamp"
	"vigie/server/samples"
)

// Notices returns the notices of BOAMP in dir, as [Open] reads them.
func Notices(dir string) (notices []*vigie.Notice, err error) {
	var texts [][]byte
	if dir == "" {
		texts = [][]byte{samples.Notices()}
	} else {
		files, err := filepath.Glob(filepath.Join(dir, "boamp", "*.json*"))
		if err != nil {
			return nil, err
		}
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
	}
	for _, text := range texts {
		for record := range boamp.Read(bytes.NewReader(text)) {
			if record.Notice != nil {
				notices = append(notices, record.Notice)
			}
		}
	}
	if len(notices) == 0 {
		return nil, fmt.Errorf("%s has no notices in boamp/", dir)
	}
	return notices, nil
}

// sameBuyers is in how many rounds of [Multiply] buyers are the same ones.
const sameBuyers = 4

// Multiply yields n notices: the given ones again and again. Each round has procedures of its own, whose corrections and
// awards still lead to their calls, and each fourth round has other buyers.
func Multiply(notices []*vigie.Notice, n int) iter.Seq[*vigie.Notice] {
	return func(yield func(*vigie.Notice) bool) {
		for i := range n {
			if !yield(again(notices[i%len(notices)], i/len(notices))) {
				return
			}
		}
	}
}

// again returns a notice as it is in a round.
func again(n *vigie.Notice, round int) *vigie.Notice {
	if round == 0 {
		return n
	}
	of := func(ref string) string { return fmt.Sprintf("%04d-%s", round, ref) } // references ascend, as those of a source do
	other := *n
	other.SourceRef, other.Identifier = of(n.SourceRef), ""
	other.Links = slices.Clone(n.Links)
	for i, link := range other.Links {
		if other.Links[i] = of(link); vigie.AnywhereLink(link) {
			other.Links[i] = link[:len(link)-4] + fmt.Sprintf("%04x", round) // a procedure has a random number
		}
	}
	if buyers := round / sameBuyers; buyers > 0 {
		other.Buyer.Name, other.Buyer.SIRET = n.Buyer.Name+" "+strconv.Itoa(buyers), otherSIRET(n.Buyer.SIRET, buyers)
	}
	return &other
}

// otherSIRET returns another valid SIRET for each number, "" for "".
func otherSIRET(siret string, number int) string {
	if siret == "" {
		return ""
	}
	base, err := strconv.ParseInt(siret[:13], 10, 64)
	if err != nil {
		return ""
	}
	start := fmt.Sprintf("%013d", (base+int64(number)*100_000_000)%10_000_000_000_000)
	for digit := range 10 {
		if other := start + strconv.Itoa(digit); vigie.ValidSIRET(other) {
			return other
		}
	}
	return ""
}
