package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
)

// makePrivate makes the file of a database, if there is none, and its folder,
// if that is ours, for their owner alone. SQLite would make them for everyone to
// read; it gives what it keeps beside a database the same permissions.
func makePrivate(folder, file string) error {
	if folder != "" {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
	}
	made, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return made.Close()
}

// keepPrivate closes the file of a database that everyone could read, and its
// folder, if that is ours.
func keepPrivate(ctx context.Context, folder, file string, log *slog.Logger) {
	if folder != "" {
		closeTo(ctx, folder, 0o700, log)
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		closeTo(ctx, file+suffix, 0o600, log)
	}
}

// closeTo takes the permissions of all but its owner from what everyone could
// read or write.
func closeTo(ctx context.Context, path string, mode fs.FileMode, log *slog.Logger) {
	const everyone = 0o007
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Mode().Perm()&everyone == 0 {
		return // what SQLite keeps beside a database comes and goes
	}
	if err == nil {
		err = os.Chmod(path, mode)
	}
	if err != nil {
		log.WarnContext(ctx, "everyone on this machine can read the database: change the permissions", "component", "server", "action", "open", "path", path, "error", err)
		return
	}
	log.WarnContext(ctx, "everyone on this machine could read the database: the permissions were changed", "component", "server", "action", "open", "path", path, "from", info.Mode().Perm().String(), "to", mode.String())
}
