package vigie

import (
	_ "embed"
	"iter"
	"slices"
	"strings"
	"sync"
)

// cpvTable holds a line « code<tab>libellé » for each code of the Common
// Procurement Vocabulary (Regulation (EC) 213/2008), from the Publications
// Office's eForms SDK, CC BY 4.0.
//
//go:embed cpv.tsv
var cpvTable string

// CPVCode is a code of the Common Procurement Vocabulary, of 2 to 8 digits, with
// its label in French.
type CPVCode struct{ Code, Label string }

// CPVCodes returns the whole vocabulary, codes of 8 digits in their order.
func CPVCodes() iter.Seq[CPVCode] { return slices.Values(cpvCodes()) }

var cpvCodes = sync.OnceValue(func() []CPVCode {
	codes := make([]CPVCode, 0, strings.Count(cpvTable, "\n"))
	for line := range strings.Lines(cpvTable) {
		code, label, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		codes = append(codes, CPVCode{code, label})
	}
	return codes
})

// CPV returns a code of 2 digits or more with its label: that of the code with
// zeros behind it; the code itself where the vocabulary does not have it.
func CPV(code string) CPVCode {
	label := CPVLabel(code + strings.Repeat("0", max(0, 8-len(code))))
	if label == "" {
		label = code
	}
	return CPVCode{code, label}
}

var cpvLabels = sync.OnceValue(func() map[string]string {
	codes := cpvCodes()
	labels := make(map[string]string, len(codes))
	for _, c := range codes {
		labels[c.Code] = c.Label
	}
	return labels
})

// CPVLabel names a CPV code of 8 digits in French; "" for a code that is not
// in the vocabulary.
func CPVLabel(code string) string { return cpvLabels()[code] }
