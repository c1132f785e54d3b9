package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"vigie/store/storetest"
)

// One record that cannot be stored costs no other, and is named; the years of
// a source's mistakes are no days.
func TestImportOneBadRecord(t *testing.T) {
	const good = `{"idweb":"26-%d","objet":"Voirie %d","dateparution":"2026-11-02","nomacheteur":"Commune"}`
	for kind, database := range storetest.Kinds() {
		for name, bad := range map[string]struct {
			record string
			counts string
			says   string
		}{
			"a deadline in year 0": {
				`{"idweb":"26-5","objet":"Voirie","dateparution":"2026-11-02","nomacheteur":"Commune","datelimitereponse":"0000-01-01T00:00:00Z"}`,
				"1200 notices read: 1200 new ", "",
			},
			"a deadline in year 1": {
				`{"idweb":"26-5","objet":"Voirie","dateparution":"2026-11-02","nomacheteur":"Commune","datelimitereponse":"0001-01-01T00:00:00Z"}`,
				"1200 notices read: 1200 new ", "",
			},
			"a deadline before publication": {
				`{"idweb":"26-5","objet":"Voirie","dateparution":"2026-11-02","nomacheteur":"Commune","datelimitereponse":"2026-10-02T12:00:00Z"}`,
				"1200 notices read: 1200 new ", "-:101: notice 26-5: The deadline is before publication",
			},
			"another shape": {
				`{"ocid":"ocds-1","tender":{"title":"Voirie"}}`,
				"1200 notices read: 1199 new ", "-:101: record refused: This record has none of BOAMP's fields.",
			},
			"published in year 0": {
				`{"idweb":"26-5","objet":"Voirie","dateparution":"0000-01-01","nomacheteur":"Commune"}`,
				"1200 notices read: 1199 new ", "-:101: notice 26-5 refused",
			},
			"published in year 9999": {
				`{"idweb":"26-5","objet":"Voirie","dateparution":"9999-12-31","nomacheteur":"Commune"}`,
				"1200 notices read: 1199 new ", "-:101: notice 26-5 refused",
			},
			"100,000 links": {
				`{"idweb":"26-5","objet":"Voirie","dateparution":"2026-11-02","nomacheteur":"Commune","annonce_lie":[` + links(100_000) + `]}`,
				"1200 notices read: 1200 new ", "",
			},
		} {
			t.Run(kind+"/"+name, func(t *testing.T) {
				var lines strings.Builder
				for i := range 1200 {
					if i == 100 {
						lines.WriteString(bad.record + "\n")
						continue
					}
					fmt.Fprintf(&lines, good+"\n", 1_000_000+i, i)
				}
				began := time.Now()
				c := run(t, nil, lines.String(), "import", "boamp", "--database-url", database(t), "-")
				said := c.out.String() + c.err.String()
				if !strings.Contains(said, bad.counts) || !strings.Contains(said, bad.says) {
					t.Errorf("want %q and %q:\n%.2000s", bad.counts, bad.says, said)
				}
				t.Log(time.Since(began))
			})
		}
	}
}

func links(n int) string {
	refs := make([]string, n)
	for i := range refs {
		refs[i] = fmt.Sprintf("%q", fmt.Sprintf("25-%d", 100_000+i))
	}
	return strings.Join(refs, ",")
}
