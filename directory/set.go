package directory

import (
	"iter"
	"math/bits"
)

// set is a set of small numbers.
type set []uint64

func newSet(size int) set { return make(set, (size+63)/64) }

func (s set) add(i int)      { s[i/64] |= 1 << (i % 64) }
func (s set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// addAll adds numbers to a set.
func addAll[T ~uint32](s set, all []T) {
	for _, i := range all {
		s.add(int(i))
	}
}

// join adds what another set of that size has.
func (s set) join(other set) {
	for i := range s {
		s[i] |= other[i]
	}
}

// keep keeps what another set of that size has, too.
func (s set) keep(other set) {
	for i := range s {
		s[i] &= other[i]
	}
}

func (s set) len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// all yields the numbers in order.
func (s set) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for i, w := range s {
			for ; w != 0; w &= w - 1 {
				if !yield(i*64 + bits.TrailingZeros64(w)) {
					return
				}
			}
		}
	}
}
