package store

import (
	"context"
	"os"
	"strings"
)

// Probe connects to the database that url names, says which one it is, and lets
// go of it. It makes and changes nothing; of a file that is not there, the error
// is an [os.ErrNotExist].
func Probe(ctx context.Context, url string) (version string, err error) {
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil {
			return "", err
		}
	}
	db, dialect, err := connect(url)
	if err != nil {
		return "", err
	}
	defer db.Close()
	version, err = dialect.probe(ctx, db)
	return version, translate(err)
}
