package setting

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

// service are the names of the variables by which Kubernetes and Docker tell a
// container where others are. One that is called vigie makes some that look
// like ours.
var service = regexp.MustCompile(`_(SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// serviceURL is the value of the one among them whose name people might write too.
var serviceURL = regexp.MustCompile(`^(tcp|udp|sctp)://`)

// strangers are problems with variables that have our prefix and are no
// settings: most are misspelt.
func (r *Reader) strangers() []error {
	var problems []error
	for _, name := range slices.Sorted(slices.Values(r.Names())) {
		if !strings.HasPrefix(name, r.Prefix) || r.knows(name) {
			continue
		}
		said := fmt.Sprintf("%s is no setting", name)
		if nearest := r.nearest(name); nearest != "" {
			said += fmt.Sprintf(": did you mean %s?", nearest)
		} else {
			said += "."
		}
		problems = append(problems, errors.New(said))
	}
	return problems
}

// knows reports whether a variable may be there.
func (r *Reader) knows(name string) bool {
	value, _ := r.Lookup(name)
	return r.known[name] || r.known[strings.TrimSuffix(name, fileSuffix)] ||
		service.MatchString(name) || strings.HasSuffix(name, "_PORT") && serviceURL.MatchString(value) ||
		slices.ContainsFunc(r.Others, func(other string) bool {
			start, any := strings.CutSuffix(other, "*")
			return name == other || any && strings.HasPrefix(name, start)
		})
}

// nearest is the name of the setting that is spelt most like a name, if one is.
func (r *Reader) nearest(name string) string {
	bare := strings.TrimSuffix(name, fileSuffix)
	best, nearest := (len(bare)-len(r.Prefix))/3, ""
	for known := range r.known {
		d := levenshtein.ComputeDistance(bare, known)
		if d < best || d == best && (nearest == "" || known < nearest) {
			best, nearest = d, known
		}
	}
	if nearest != "" && bare != name {
		nearest += fileSuffix
	}
	return nearest
}
