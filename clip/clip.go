// Package clip cuts texts, also around what was found in them, so that no character that people see is cut in two:
// between grapheme clusters (Unicode Standard Annex #29).
package clip

import "github.com/rivo/uniseg"

// Length returns how many bytes of s are its longest start of at most n
// characters (runes) that ends between graphemes.
func Length(s string, n int) int {
	length, count := 0, 0
	for state, rest := -1, s; rest != ""; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		for range cluster {
			count++
		}
		if count > n {
			break
		}
		length += len(cluster)
	}
	return length
}

// Boundary returns the last place of s, at or before a place in bytes, that is
// between graphemes.
func Boundary(s string, at int) int {
	boundary := 0
	for state, rest := -1, s; rest != "" && boundary < at; {
		var cluster string
		cluster, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if boundary+len(cluster) > at {
			break
		}
		boundary += len(cluster)
	}
	return boundary
}
