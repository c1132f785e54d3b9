package ingest

import (
	"bufio"
	"compress/gzip"
	"io"

	"vigie"
)

// Unpacked unpacks what is packed with gzip, whatever the file's name says.
func Unpacked(r io.Reader) io.Reader {
	buffered := bufio.NewReader(r)
	magic, _ := buffered.Peek(2)
	if string(magic) != "\x1f\x8b" {
		return buffered
	}
	packed, err := gzip.NewReader(buffered)
	if err != nil {
		return failingReader{err}
	}
	return packed
}

// failingReader is a file that cannot be read at all.
type failingReader struct{ err error }

func (r failingReader) Read([]byte) (int, error) { return 0, r.err }

// Unreadable is that a file could not be read on.
func Unreadable(cause error) error {
	return &vigie.Error{Code: vigie.Unavailable, Err: cause, Text: vigie.Text{
		FR: "La lecture s’est arrêtée ici : le fichier est tronqué ou endommagé. Tout ce qui précède a été importé ; téléchargez de nouveau le fichier.",
		EN: "Reading stopped here: the file is cut short or damaged. Everything before was imported; download the file again.",
	}}
}
