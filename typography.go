package vigie

import (
	"regexp"
	"strings"
)

// typeset is a French text as it is printed: no line ends before high
// punctuation, inside guillemets or within « 17 h 00 » and « 120 000 € ». What stands between
// guillemets is somebody's words, and stays as they are.
func typeset(s string) string {
	if !strings.ContainsAny(s, ":;?!«€%") && !strings.Contains(s, " h ") {
		return s
	}
	return breakable.ReplaceAllStringFunc(s, func(part string) string {
		quote, ok := strings.CutPrefix(part, "«")
		if !ok {
			return strings.ReplaceAll(part, " ", nbsp)
		}
		return "«" + nbsp + strings.Trim(strings.TrimSuffix(quote, "»"), " "+nbsp) + nbsp + "»"
	})
}

var breakable = regexp.MustCompile(`«[^«»]*»| [:;?!]|\b[0-9]{1,2} h [0-9]{2}\b|\b[0-9]{1,3}(?: [0-9]{3})*(?:,[0-9]+)? [€%]`)

const nbsp = "\u00a0" // a space that no line ends at
