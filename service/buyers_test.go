package service_test

import (
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"vigie/lexicon"
	"vigie/service"
)

// Buyers are found as people write them: with the dots of an acronym and without, St for Saint, small words left out or
// put in, and under every name that they were published with. Each search says how many it finds at least, and what every name that it finds fits, without case and accents.
func TestBuyersAsTyped(t *testing.T) {
	type search struct {
		text, first string // the first name must fit this
		all         string
		least       int
	}
	sets := map[string]struct {
		read     func(testing.TB) io.Reader
		searches []search
	}{
		"samples": {samples, []search{
			{"CHU", "universitaire d occimont$", "universitaire", 1},
			{"c.h.u", "universitaire d occimont$", "universitaire", 1},
			{"chu de occimont", "universitaire d occimont$", "universitaire", 1},
			{"S.D.I.S.", "secours des plaines$", "incendie", 1},
			{"s.d.i.s", "secours des plaines$", "incendie", 1},
			{"sdis plaines", "secours des plaines$", "incendie", 1},
			{"C.C. Trois Vallons", "trois vallons$", "trois vallons", 1},
			{"st ferrol", "^ville de saint ferrol$", "saint ferrol", 1},
			{"ville st-ferrol", "^ville de saint ferrol$", "saint ferrol", 1},
			{"St Élie du Fleuve", "^commune de saint elie du fleuve$", "saint elie", 1},
			{"ville de kerlanic", "^ville de kerlanic$", "kerlanic", 1},
			{"departement monts bleus", "^departement des monts bleus$", "monts bleus", 1},
			{"zzqxw", "", "", 0},
		}},
	}
	if os.Getenv("VIGIE_TEST_DATA") != "" {
		set := sets["samples"]
		set.read = realNotices
		set.searches = []search{
			{"CHU", "chu|c h u", "\\bchu|c h u", 8},
			{"C.H.U.", "chu|c h u", "\\bchu|c h u", 8},
			{"c.h", "^c h u|^ch", "\\bc h|\\bch", 20},
			{"chu nice", "^c h u de nice$", "nice", 1},
			{"C.H.U. de Nice", "^c h u de nice$", "nice", 1},
			{"chu de nice", "^c h u de nice$", "nice", 1},
			{"chu reims", "^chu reims$", "reims", 1},
			{"chu de reims", "^chu reims$", "reims", 1},
			{"s.d.i.s", "sdis|s d i s", "\\bsdis|s d i s|incendie", 10},
			{"S.D.I.S. 29", "^sdis 29$", "29", 1},
			{"sdis isère", "^sdis de l isere$", "isere", 1},
			{"cc pays du sel", "^c c des pays du sel", "sel", 1},
			{"c.c.guebwiller", "guebwiller$", "guebwiller", 1},
			{"st brieuc", "brieuc", "brieuc", 2},
			{"saint brieuc", "brieuc", "brieuc", 2},
			{"saint quentin fallavier", "^ville de st quentin fallavier$", "quentin fallavier", 1},
			{"St Tropez", "^ville de saint tropez$", "saint tropez", 1},
			{"ste savine", "^ville de sainte savine$", "savine", 1},
			{"sainte florine", "^ste florine$", "florine", 1},
			{"St-Pierre et Miquelon", "pierre et miquelon$", "miquelon", 1},
		}
		sets["real"] = set
	}
	for name, set := range sets {
		t.Run(name, func(t *testing.T) {
			use := &service.Service{Store: filled(t, set.read(t)), Now: time.Now}
			for _, s := range set.searches {
				page, err := use.Buyers(t.Context(), s.text, service.PageArgs{First: new(int32(100))})
				check(t, err)
				var names []string
				for _, buyer := range page.Nodes() {
					names = append(names, lexicon.Fold(buyer.Name))
				}
				found := strings.Join(names, "; ")
				if len(names) < s.least || s.least == 0 && len(names) > 0 {
					t.Errorf("%s finds %d: %s", s.text, len(names), found)
					continue
				}
				fits := regexp.MustCompile(s.all)
				for i, name := range names {
					if !fits.MatchString(name) || i == 0 && !regexp.MustCompile(s.first).MatchString(name) {
						t.Errorf("%s: %d is %s, of %s", s.text, i+1, name, clip(found))
						break
					}
				}
			}
		})
	}
}
