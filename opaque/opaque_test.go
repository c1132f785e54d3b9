package opaque_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"vigie"
	"vigie/opaque"
)

func keys(t testing.TB, key byte, old int64) *opaque.Keys {
	t.Helper()
	k, err := opaque.New(bytes.Repeat([]byte{key}, opaque.KeySize), old)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// An id is read back, by the key that made it alone, and has one spelling.
func TestID(t *testing.T) {
	k, other := keys(t, 1, 0), keys(t, 2, 0)
	seen := make(map[string]bool)
	for _, kind := range vigie.Kinds() {
		for _, number := range []int64{1, 2, 255, 256, 1 << 40, 1<<63 - 1} {
			id := k.ID(kind, number)
			if gotKind, got, ok := k.Parse(id); gotKind != kind || got != number || !ok {
				t.Errorf("%s is %s %d %v", id, gotKind, got, ok)
			}
			if k.ID(kind, number) != id || seen[k.Word(kind, number)] {
				t.Errorf("%s is not stable, or another thing's too", id)
			}
			seen[k.Word(kind, number)] = true
			if _, _, ok := other.Parse(id); ok {
				t.Errorf("%s is read by another key", id)
			}
			for _, forged := range []string{
				strings.ToUpper(id), id + "0", id[:len(id)-1], " " + id, id + "\n", strings.Replace(id, "_", "_\n", 1), strings.Replace(id, string(kind), "thing", 1),
				strings.Replace(id, string(kind), string(vigie.Kinds()[(slices.Index(vigie.Kinds(), kind)+1)%len(vigie.Kinds())]), 1),
			} {
				if _, _, ok := k.Parse(forged); ok {
					t.Errorf("%q is taken for %s", forged, id)
				}
			}
		}
	}
}

// An id or a cursor with one letter changed is refused.
func TestForgedID(t *testing.T) {
	k := keys(t, 1, 0)
	id, cursor := k.ID(vigie.KindWatch, 7), k.Cursor([]byte("a place"))
	for i := range id {
		for _, c := range "0123456789abcdefghijklmnopqrstuv_" {
			forged := id[:i] + string(c) + id[i+1:]
			if _, _, ok := k.Parse(forged); ok && forged != id {
				t.Fatalf("%s passes for %s", forged, id)
			}
		}
	}
	for i := range cursor {
		for _, c := range "ABCXYZabcxyz0189-_=" {
			forged := cursor[:i] + string(c) + cursor[i+1:]
			if _, ok := k.OpenCursor(forged); ok && forged != cursor {
				t.Fatalf("%s passes for %s", forged, cursor)
			}
		}
	}
	for _, forged := range []string{"", "A", cursor + "A", cursor + "\n", cursor[:10] + "\n" + cursor[10:], cursor + "=", strings.Repeat("A", 100)} {
		if _, ok := k.OpenCursor(forged); ok {
			t.Errorf("%q is taken for a cursor", forged)
		}
	}
}

// Ids of things that follow one another show neither their order nor a step.
func TestIDsHideNumbers(t *testing.T) {
	k := keys(t, 1, 0)
	const n = 2000
	for _, step := range []int64{1, 2, 12} {
		ascents, steps := 0, make(map[string]bool)
		before := ""
		for i := range int64(n) {
			id := k.ID(vigie.KindDelivery, 1000+step*i)
			if len(id) != len("delivery_")+26 {
				t.Fatalf("%s has another length", id)
			}
			if before != "" && before < id {
				ascents++
			}
			steps[difference(before, id)] = true
			before = id
		}
		// 5 standard deviations, sqrt(n/12) each, of the ascents of a random order.
		if ascents < n/2-65 || ascents > n/2+65 {
			t.Errorf("in steps of %d, %d of %d ids come after the one before", step, ascents, n)
		}
		if len(steps) < n-1 {
			t.Errorf("in steps of %d, ids differ in only %d ways", step, len(steps))
		}
	}
}

// difference is where, and by how much, two ids differ.
func difference(a, b string) string {
	d := make([]byte, len(b))
	for i := range min(len(a), len(b)) {
		d[i] = b[i] - a[i]
	}
	return string(d)
}

// Ids of earlier versions are accepted up to the last that they gave out.
func TestOldIDs(t *testing.T) {
	k := keys(t, 1, 12)
	if kind, number, ok := k.Parse("watch_12"); kind != vigie.KindWatch || number != 12 || !ok || !k.AcceptsOld(12) {
		t.Errorf("watch_12 is %s %d %v", kind, number, ok)
	}
	for _, id := range []string{"watch_13", "watch_0", "watch_-1", "watch_012", "thing_1"} {
		if kind, number, ok := k.Parse(id); ok || kind != "" && kind != vigie.KindWatch || number != 0 {
			t.Errorf("%s is %s %d", id, kind, number)
		}
	}
	k.RefuseOld()
	if _, _, ok := k.Parse("watch_12"); ok || k.AcceptsOld(12) {
		t.Error("watch_12 is accepted still")
	}
}

// A cursor is read back, by the key that made it alone; the same place has the
// same cursor, and cursors are as long as what they hold.
func TestCursor(t *testing.T) {
	k := keys(t, 1, 0)
	for _, content := range []string{"", "a", "\x00\x01", strings.Repeat("é", 200)} {
		cursor := k.Cursor([]byte(content))
		if got, ok := k.OpenCursor(cursor); !ok || string(got) != content || k.Cursor([]byte(content)) != cursor {
			t.Errorf("%q: %q %v", content, got, ok)
		}
		if _, ok := keys(t, 2, 0).OpenCursor(cursor); ok {
			t.Errorf("%q is read by another key", content)
		}
	}
	if a, b := k.Cursor([]byte("12345678")), k.Cursor([]byte("12345679")); len(a) != len(b) || a[:8] == b[:8] || a[len(a)-8:] == b[len(b)-8:] {
		t.Errorf("%s and %s", a, b)
	}
}

func TestBadKey(t *testing.T) {
	for _, size := range []int{0, 16, 31, 33} {
		if _, err := opaque.New(make([]byte, size), 0); err == nil {
			t.Errorf("a key of %d bytes is taken", size)
		}
	}
}

func BenchmarkID(b *testing.B) {
	k := keys(b, 1, 0)
	for b.Loop() {
		if _, number, ok := k.Parse(k.ID(vigie.KindDelivery, 12)); number != 12 || !ok {
			b.Fatal(number)
		}
	}
}

func BenchmarkCursor(b *testing.B) {
	k, content := keys(b, 1, 0), make([]byte, 40)
	for b.Loop() {
		if _, ok := k.OpenCursor(k.Cursor(content)); !ok {
			b.Fatal("it is refused")
		}
	}
}

// What is taken for an id or a cursor is what we make, or made.
func FuzzParse(f *testing.F) {
	k := keys(f, 1, 100)
	f.Add(k.ID(vigie.KindWatch, 1))
	f.Add("watch_1")
	f.Add(k.Cursor([]byte("a place")))
	f.Fuzz(func(t *testing.T, s string) {
		if kind, n, ok := k.Parse(s); ok && k.ID(kind, n) != s && (vigie.GlobalID(kind, n) != s || n > 100) {
			t.Errorf("%q is taken for %s %d", s, kind, n)
		}
		if content, ok := k.OpenCursor(s); ok && k.Cursor(content) != s {
			t.Errorf("%q is taken for a cursor", s)
		}
	})
}
