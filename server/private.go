package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
)

// keepPrivate makes sure that a database in a file is for its owner alone: it
// holds people's watches and addresses. A folder is closed only where it is the
// data folder, which is ours. What was made for everyone to read is closed, and
// that is said; what its operator gave a group stays.
func keepPrivate(ctx context.Context, folder, file string, log *slog.Logger) error {
	if folder != "" {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return err
		}
		closeTo(ctx, folder, 0o700, log)
	}
	// SQLite would make it for everyone to read. It gives what it keeps beside a
	// database the same permissions.
	made, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := made.Close(); err != nil {
		return err
	}
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		closeTo(ctx, file+suffix, 0o600, log)
	}
	return nil
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
		log.WarnContext(ctx, "everyone on this machine can read it: change its permissions", "path", path, "error", err)
		return
	}
	log.WarnContext(ctx, "everyone on this machine could read it: its permissions are changed", "path", path, "from", info.Mode().Perm().String(), "to", mode.String())
}
