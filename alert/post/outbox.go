package post

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
)

// outbox writes messages to files.
type outbox struct {
	dir    string
	closed atomic.Bool
}

func openOutbox(dir string) (*outbox, error) {
	if dir == "" {
		return nil, errors.New("post: outbox:DIR has no folder")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("post: %w", err)
	}
	return &outbox{dir: dir}, nil
}

// Send writes a file. Its name is made from the message's date and ID, so that a message sent twice is one file.
func (o *outbox) Send(ctx context.Context, m Message) error {
	e, err := m.compose()
	if err != nil {
		return err
	}
	if o.closed.Load() {
		return away(ErrClosed)
	}
	if err := ctx.Err(); err != nil {
		return away(err)
	}
	sum := sha256.Sum256([]byte(m.ID))
	name := m.Date.UTC().Format("20060102T150405.000000Z") + "-" + hex.EncodeToString(sum[:8]) + ".eml"
	if err := o.write(name, func(f *os.File) error {
		// Like the last mail server (RFC 5321 §4.4).
		if _, err := fmt.Fprintf(f, "Return-Path: <%s>\r\n", e.from); err != nil {
			return err
		}
		_, err := f.Write(e.content)
		return err
	}); err != nil {
		return away(err)
	}
	return nil
}

// write makes a file atomically: it exists whole or not at all, also after a crash.
func (o *outbox) write(name string, content func(*os.File) error) (err error) {
	f, err := os.CreateTemp(o.dir, ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err := content(f); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(o.dir, name)); err != nil {
		return err
	}
	return syncDir(o.dir)
}

// syncDir syncs the names in a folder to disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// AtOnce returns 1: writing files is fast enough.
func (o *outbox) AtOnce() int { return 1 }

// Close stops further sending.
func (o *outbox) Close() error {
	o.closed.Store(true)
	return nil
}
