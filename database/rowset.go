package database

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/uptrace/bun/schema"
)

// rowSet is rows as PostgreSQL sent them.
type rowSet struct {
	// columns are those of the prepared statement. Their values are in the format that pgx prefers for their type.
	columns []pgconn.FieldDescription
	// rows have the values of each row one after the other, lengths the lengths of all values, -1 for null.
	rows    [][]byte
	lengths []int32
}

// add copies a row, which is valid until the next one is read.
func (s *rowSet) add(values [][]byte) {
	s.lengths = slices.Grow(s.lengths, len(values))
	size := 0
	for _, value := range values {
		size += len(value)
	}
	row := make([]byte, 0, size)
	for _, value := range values {
		if value == nil {
			s.lengths = append(s.lengths, -1)
			continue
		}
		row, s.lengths = append(row, value...), append(s.lengths, int32(len(value)))
	}
	s.rows = append(s.rows, row)
}

// into puts the rows into a slice, as Bun does: of pointers to structs with fields for the columns, or of values of the
// one column, each by its reader. Columns without a reader are left out. It can be called once: each row is given up when
// it was read, for both forms of many large rows would take twice as much memory.
func (s *rowSet) into(list reflect.Value, readers []valueReader) error {
	of := list.Type().Elem()
	out := reflect.MakeSlice(list.Type(), len(s.rows), len(s.rows))
	lengths := s.lengths
	for i, text := range s.rows {
		s.rows[i] = nil
		row := out.Index(i)
		if of.Kind() == reflect.Pointer {
			row.Set(reflect.New(of.Elem()))
			row = row.Elem()
		}
		for c, read := range readers {
			length := int(lengths[c])
			if length < 0 {
				continue
			}
			if read != nil {
				if err := read(row, text[:length:length]); err != nil {
					return fmt.Errorf("database: column %s: %w", s.columns[c].Name, err)
				}
			}
			text = text[length:]
		}
		lengths = lengths[len(readers):]
	}
	list.Set(out)
	return nil
}

// valueReader sets what a row is to have of a value that is not null.
type valueReader func(row reflect.Value, value []byte) error

// rowReaders keeps what reads the rows of statements: it is the same each time.
type rowReaders struct {
	tables *schema.Tables
	mutex  sync.Mutex
	kept   map[rowsOf]keptReaders
}

// rowsOf is rows of a statement, as a type of Go's.
type rowsOf struct {
	statement Statement
	row       reflect.Type
}

// keptReaders are the readers of columns.
type keptReaders struct {
	columns []pgconn.FieldDescription
	readers []valueReader
}

// of returns the readers of a statement's columns, nil for one without a field. A table that was changed since may give
// its columns other types.
func (r *rowReaders) of(rows rowsOf, columns []pgconn.FieldDescription) ([]valueReader, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if kept, ok := r.kept[rows]; ok && slices.EqualFunc(kept.columns, columns, sameColumn) {
		return kept.readers, nil
	}
	readers, err := readersOf(r.tables, rows.row, columns)
	if err != nil {
		return nil, err
	}
	r.kept[rows] = keptReaders{columns, readers}
	return readers, nil
}

// sameColumn reports whether two columns have the same reader.
func sameColumn(a, b pgconn.FieldDescription) bool {
	return a.Name == b.Name && a.DataTypeOID == b.DataTypeOID
}

func readersOf(tables *schema.Tables, row reflect.Type, columns []pgconn.FieldDescription) ([]valueReader, error) {
	readers := make([]valueReader, len(columns))
	if row.Kind() != reflect.Pointer {
		if len(columns) != 1 {
			return nil, fmt.Errorf("database: %d columns for one value", len(columns))
		}
		readers[0] = readerOf(columns[0].DataTypeOID, row)
		return readers, nil
	}
	table := tables.Get(row.Elem())
	for i, c := range columns {
		field := table.LookupField(c.Name)
		if field == nil {
			continue
		}
		read := readerOf(c.DataTypeOID, field.StructField.Type)
		readers[i] = func(row reflect.Value, value []byte) error { return read(field.Value(row), value) }
	}
	return readers, nil
}

// readerOf returns what reads a value of a type of PostgreSQL's into a variable of a type of Go's.
func readerOf(kind uint32, of reflect.Type) valueReader {
	if of.Kind() == reflect.Pointer {
		read := readerOf(kind, of.Elem())
		return func(into reflect.Value, value []byte) error {
			into.Set(reflect.New(of.Elem()))
			return read(into.Elem(), value)
		}
	}
	switch {
	case (kind == pgtype.Int8OID || kind == pgtype.Int4OID || kind == pgtype.Int2OID) && reflect.Zero(of).CanInt():
		return readInt
	case kind == pgtype.TextOID && of.Kind() == reflect.String:
		return readText
	case kind == pgtype.BoolOID && of.Kind() == reflect.Bool:
		return readBool
	case kind == pgtype.TimestamptzOID && of == reflect.TypeFor[time.Time]():
		return readTime
	case kind == pgtype.JSONBOID && of.Kind() == reflect.Slice:
		return readList
	case kind == pgtype.JSONBOID:
		return readJSON
	}
	return func(reflect.Value, []byte) error {
		return fmt.Errorf("values of type %d are not read into %s", kind, of)
	}
}

// errForm is that a value does not have the form of its type.
var errForm = errors.New("a value of another form")

func readInt(into reflect.Value, value []byte) error {
	switch len(value) {
	case 8:
		into.SetInt(int64(binary.BigEndian.Uint64(value)))
	case 4:
		into.SetInt(int64(int32(binary.BigEndian.Uint32(value))))
	case 2:
		into.SetInt(int64(int16(binary.BigEndian.Uint16(value))))
	default:
		return errForm
	}
	return nil
}

func readText(into reflect.Value, value []byte) error {
	into.SetString(string(value))
	return nil
}

func readBool(into reflect.Value, value []byte) error {
	if len(value) != 1 {
		return errForm
	}
	into.SetBool(value[0] != 0)
	return nil
}

// year2000 is when that year began, in microseconds since 1970.
const year2000 = 946_684_800_000_000

// readTime reads microseconds since the year 2000.
func readTime(into reflect.Value, value []byte) error {
	if len(value) != 8 {
		return errForm
	}
	at := into.Addr().Interface().(*time.Time)
	*at = time.UnixMicro(year2000 + int64(binary.BigEndian.Uint64(value))).UTC()
	return nil
}

// readList reads a list in JSON. Most lists of a row are empty, and decoding one takes some twenty times as long.
func readList(into reflect.Value, value []byte) error {
	if string(value) == "[]" {
		into.Set(reflect.MakeSlice(into.Type(), 0, 0))
		return nil
	}
	return readJSON(into, value)
}

func readJSON(into reflect.Value, value []byte) error {
	return json.Unmarshal(value, into.Addr().Interface())
}
