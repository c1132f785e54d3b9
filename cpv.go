package vigie

import (
	_ "embed"
	"strings"
	"sync"
)

// cpvTable holds a line « code<tab>libellé » for each code of the Common
// Procurement Vocabulary (Regulation (EC) 213/2008), from the Publications
// Office's eForms SDK, CC BY 4.0.
//
//go:embed cpv.tsv
var cpvTable string

var cpvLabels = sync.OnceValue(func() map[string]string {
	labels := make(map[string]string, strings.Count(cpvTable, "\n"))
	for line := range strings.Lines(cpvTable) {
		code, label, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		labels[code] = label
	}
	return labels
})

// CPVLabel names a CPV code of 8 digits in French; "" for a code that is not
// in the vocabulary.
func CPVLabel(code string) string { return cpvLabels()[code] }
