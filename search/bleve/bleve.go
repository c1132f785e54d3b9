// Package bleve keeps search indexes in a folder of this machine, with Bleve:
// the engine that needs no server.
package bleve

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/gofrs/flock"
	bolterrors "go.etcd.io/bbolt/errors"

	"vigie"
	"vigie/search"
)

// markFile says that a folder is ours; its first word is looked at.
const (
	markFile = "VIGIE"
	mark     = "Vigie keeps search indexes here. It may delete and rebuild them at any time.\n"
	lockFile = "lock"
)

// lockWait is how long another process may still hold the folder: long enough
// for one that is just ending.
const lockWait = time.Second

// Engine is a folder of indexes, one folder each. One process at a time has it.
type Engine struct {
	dir  string
	log  *slog.Logger
	lock *flock.Flock

	mu   sync.Mutex
	open map[string]*index // nil once closed
}

var _ search.Engine = (*Engine)(nil)

// Open returns the engine of a folder. A missing or empty folder becomes ours;
// one that holds anything without our mark is refused and left as it is.
func Open(dir string, log *slog.Logger) (*Engine, error) {
	if err := markFolder(dir); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, lockFile), flock.SetPermissions(0o600))
	waiting, stop := context.WithTimeout(context.Background(), lockWait)
	defer stop()
	if _, err := lock.TryLockContext(waiting, 20*time.Millisecond); err != nil {
		return nil, openError(dir, err)
	}
	return &Engine{dir: dir, log: log, lock: lock, open: map[string]*index{}}, nil
}

// markFolder makes sure that the folder has our mark.
func markFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return openError(dir, err)
	}
	marked, err := look(dir)
	if err != nil || marked {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, markFile), []byte(mark), 0o600); err != nil {
		return openError(dir, err)
	}
	return nil
}

// Check reports whether [Open] would take a folder. It changes nothing, and does
// not mind who has it open.
func Check(dir string) error {
	_, err := look(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// look reports whether a folder has our mark. One without it must be empty.
func look(dir string) (marked bool, err error) {
	content, err := os.ReadFile(filepath.Join(dir, markFile))
	switch {
	case err == nil && strings.HasPrefix(string(content), "Vigie "):
		return true, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, openError(dir, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, openError(dir, err)
	}
	if len(entries) > 0 {
		return false, &vigie.Error{
			Code: vigie.Invalid,
			Text: vigie.Text{
				FR: "Le dossier %s contient autre chose que des index de Vigie. Indiquez un dossier vide ou à créer.",
				EN: "The folder %s holds something other than Vigie's indexes. Give an empty folder, or a new one.",
			}.With(dir),
		}
	}
	return false, nil
}

// openError says to an operator why a folder cannot be used.
func openError(path string, err error) error {
	text := vigie.Text{
		FR: "Le dossier d’index %s ne peut pas être ouvert. Vérifiez qu’il existe et que le serveur peut y écrire.",
		EN: "The index folder %s cannot be opened. Check that it exists and that the server may write to it.",
	}
	// The first is of our own lock, the other of Bleve's on one index.
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, bolterrors.ErrTimeout) {
		text = vigie.Text{
			FR: "Le dossier d’index %s est utilisé par un autre processus. Arrêtez celui-ci, ou choisissez un autre dossier.",
			EN: "The index folder %s is in use by another process. Stop that process, or choose another folder.",
		}
	}
	return &vigie.Error{Code: vigie.Unavailable, Text: text.With(path), Err: err}
}

// Open returns the index of that name, which it makes if there is none or
// only a corrupt one; that is set aside.
func (e *Engine) Open(ctx context.Context, name string) (search.Index, error) {
	if err := search.CheckName(name); err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		return nil, search.Unavailable(bleve.ErrorIndexClosed)
	}
	if idx, ok := e.open[name]; ok {
		return idx, nil
	}
	idx, err := e.load(ctx, name)
	if err != nil {
		return nil, err
	}
	e.open[name] = idx
	return idx, nil
}

func (e *Engine) load(ctx context.Context, name string) (*index, error) {
	path := filepath.Join(e.dir, name)
	open := func() (bleve.Index, error) {
		return attempt(func() (bleve.Index, error) {
			return bleve.OpenUsing(path, map[string]any{"bolt_timeout": lockWait.String()})
		})
	}
	if _, err := os.Lstat(path); err == nil {
		if err := readable(path); err != nil {
			return nil, openError(path, err)
		}
		idx, err := open()
		if err == nil {
			return &index{open: open, bleve: idx}, nil
		}
		if !corrupt(err) {
			return nil, openError(path, err)
		}
		aside, moveErr := setAside(path)
		if moveErr != nil {
			return nil, openError(path, errors.Join(err, moveErr))
		}
		e.log.WarnContext(ctx, "search index is corrupt: set aside, to be rebuilt", "component", "search", "action", "open", "index", name, "moved_to", aside, "error", err)
	}
	idx, err := attempt(func() (bleve.Index, error) {
		return bleve.NewUsing(path, newMapping(), bleve.Config.DefaultIndexType, bleve.Config.DefaultKVStore,
			map[string]any{"bolt_timeout": lockWait.String()})
	})
	if err != nil {
		return nil, openError(path, err)
	}
	return &index{open: open, bleve: idx}, nil
}

// attempt turns a panic into an error: damaged files, which are mapped into
// memory, can lead to one.
func attempt(open func() (bleve.Index, error)) (idx bleve.Index, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("bleve panicked: %v", p)
		}
	}()
	return open()
}

// readable reports what keeps us from reading a file. Bleve would take it for
// damage.
func readable(path string) error {
	return filepath.WalkDir(path, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		return file.Close()
	})
}

// corrupt reports whether an index failed to open for what it holds, and not
// because it is locked or the machine refuses: no permission, no space, too
// many open files.
func corrupt(err error) bool {
	if errors.Is(err, bolterrors.ErrTimeout) {
		return false
	}
	errno, ok := errors.AsType[syscall.Errno](err)
	return !ok || errno == syscall.ENOENT
}

// setAside renames a folder to the first free NAME.corrupt-1, -2, ….
func setAside(path string) (string, error) {
	for n := 1; ; n++ {
		aside := fmt.Sprintf("%s.corrupt-%d", path, n)
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return aside, os.Rename(path, aside)
		} else if err != nil {
			return "", err
		}
	}
}

// Names returns the names of the folder's indexes.
func (e *Engine) Names(context.Context) ([]string, error) {
	entries, err := os.ReadDir(e.dir)
	if err != nil {
		return nil, openError(e.dir, err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && search.CheckName(entry.Name()) == nil {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

// Drop removes an index, and what was set aside of it.
func (e *Engine) Drop(_ context.Context, name string) error {
	if err := search.CheckName(name); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		return search.Unavailable(bleve.ErrorIndexClosed)
	}
	path := filepath.Join(e.dir, name)
	if idx, ok := e.open[name]; ok {
		delete(e.open, name)
		if err := idx.close(); err != nil {
			return openError(path, err)
		}
	}
	aside, err := filepath.Glob(path + ".corrupt-*")
	if err != nil {
		return openError(path, err)
	}
	for _, folder := range append(aside, path) {
		if err := os.RemoveAll(folder); err != nil {
			return openError(path, err)
		}
	}
	return nil
}

// Ping reports whether the folder is still open and there.
func (e *Engine) Ping(context.Context) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		return search.Unavailable(bleve.ErrorIndexClosed)
	}
	if _, err := os.Stat(filepath.Join(e.dir, markFile)); err != nil {
		return search.Unavailable(err)
	}
	return nil
}

// Close closes all indexes and frees the folder.
func (e *Engine) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		return nil
	}
	var errs []error
	for _, idx := range e.open {
		errs = append(errs, idx.close())
	}
	e.open = nil
	return errors.Join(append(errs, e.lock.Close())...)
}
