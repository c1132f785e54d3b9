package corpus

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"vigie/ingest/boamp"
	"vigie/server/samples"
)

// Open reads the notices of BOAMP in dir, the files boamp/*.json, *.jsonl and
// *.jsonl.gz; "" reads the demo's sample notices. Records that are no notice are
// left out.
func Open(dir string) (*Corpus, error) {
	c := newCorpus()
	if dir == "" {
		c.read(bytes.NewReader(samples.Notices()))
		return c, nil
	}
	files, err := filepath.Glob(filepath.Join(dir, "boamp", "*.json*"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s has no boamp/*.json, .jsonl or .jsonl.gz", dir)
	}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		c.read(file)
		file.Close()
	}
	return c, nil
}

func (c *Corpus) read(r io.Reader) {
	for record := range boamp.Read(r) {
		if record.Notice != nil {
			c.add(record.Notice)
		}
	}
}
