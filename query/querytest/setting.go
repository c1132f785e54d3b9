package querytest

import (
	"os"
	"strconv"
	"testing"
)

// Setting returns the number in an environment variable, such as a seed or a number of rounds, or else otherwise.
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
