package querytest

import (
	"os"
	"strconv"
	"testing"
)

// Setting is the number that a variable of the environment says, such as a seed
// or a count of rounds, or else otherwise.
func Setting(t testing.TB, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
