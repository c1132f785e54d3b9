package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"vigie"
)

// Translate turns a driver's error into a [vigie.Error]; it returns other errors unchanged.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*vigie.Error](err); ok {
		return err
	}
	if _, ok := errors.AsType[vigie.Problems](err); ok {
		return err
	}
	switch {
	case IsNoRows(err):
		return &vigie.Error{Code: vigie.NotFound, Err: err, Text: vigie.Text{FR: "Cet élément est introuvable. Il a peut-être été supprimé.", EN: "Not found. It may have been deleted."}}
	case IsUnique(err):
		return &vigie.Error{Code: vigie.Taken, Err: err, Text: vigie.Text{FR: "Cet élément existe déjà. Modifiez-le, ou choisissez un autre nom.", EN: "This exists already. Change it, or choose another name."}}
	case isDown(err):
		return &vigie.Error{Code: vigie.Unavailable, Err: err, Text: vigie.Text{
			FR: "Le service est momentanément indisponible (base de données). Réessayez dans un instant.",
			EN: "The service is not available at the moment (database). Try again shortly.",
		}}
	case isDamaged(err):
		return &vigie.Error{Code: vigie.Internal, Err: err, Text: vigie.Text{
			FR: "Le fichier de la base de données est endommagé. S’il vient d’être restauré, arrêtez le serveur, supprimez les fichiers -wal et -shm qui sont à côté, et remettez la sauvegarde en place.",
			EN: "The file of the database is damaged. If it was just restored from a backup, stop the server, remove the files -wal and -shm beside it, and put the backup in place again.",
		}}
	}
	return fmt.Errorf("database: %w", err)
}

// isDamaged reports whether a file of SQLite is not what SQLite wrote: a copy that is not whole, or one beside the -wal of
// another.
func isDamaged(err error) bool {
	liteErr, ok := errors.AsType[*sqlite.Error](err)
	return ok && liteErr.Code()&0xff == sqlite3.SQLITE_CORRUPT
}

// IsUnique reports whether err is a violated unique constraint: 23505 (unique_violation) in PostgreSQL's appendix A.
func IsUnique(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgErr.Code == "23505"
	}
	if liteErr, ok := errors.AsType[*sqlite.Error](err); ok {
		return liteErr.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || liteErr.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

// errBusy is the error of a transaction that another one of this process has kept waiting for too long.
var errBusy = errors.New("another transaction has been writing for too long")

// IsNoRows reports whether a query for one row found none.
func IsNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// isDown reports whether the database does not answer, but may again: classes 08 (connection exception), 40
// (transaction rollback), 53 (insufficient resources), 57P (operator intervention) of PostgreSQL; a busy, full or
// unreadable file of SQLite.
func isDown(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		return strings.HasPrefix(pgErr.Code, "08") || strings.HasPrefix(pgErr.Code, "40") || strings.HasPrefix(pgErr.Code, "53") || strings.HasPrefix(pgErr.Code, "57P")
	}
	if liteErr, ok := errors.AsType[*sqlite.Error](err); ok {
		switch liteErr.Code() & 0xff { // the primary code of an extended one
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN:
			return true
		}
		return false
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	return errors.Is(err, errBusy) || errors.Is(err, sql.ErrConnDone) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.ErrUnexpectedEOF) || pgconn.SafeToRetry(err)
}

// OfRow reports whether an error is about what was read or written, and not about the database or about time that was up:
// a row that fails so by itself always does.
func OfRow(err error) bool {
	return err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) &&
		vigie.CodeOf(err) != vigie.Unavailable && !Unhealthy(err)
}

// Unhealthy reports whether an error is about the database itself, and not about what was read or written: it does not
// answer, a table is missing, a right is missing, the disk is full. Of PostgreSQL's classes, 21 to 23 and 54 are
// about what was written.
func Unhealthy(err error) bool {
	if pgErr, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pgErr.Code[:min(2, len(pgErr.Code))] {
		case "21", "22", "23", "54": // cardinality, data, constraint, program limit
			return false
		}
		return true
	}
	if liteErr, ok := errors.AsType[*sqlite.Error](err); ok {
		switch liteErr.Code() & 0xff { // the primary code of an extended one
		case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
			return false
		}
		return true
	}
	return err != nil && isDown(err)
}

// locked reports whether another connection has the file of SQLite.
func locked(err error) bool {
	liteErr, ok := errors.AsType[*sqlite.Error](err)
	return ok && liteErr.Code()&0xff == sqlite3.SQLITE_BUSY
}
