package database

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/uptrace/bun/schema"
)

// rowSet is rows as PostgreSQL sent them.
type rowSet struct {
	columns []column
	// rows have the values of each row one after the other, lengths the lengths of all values, -1 for null.
	rows    [][]byte
	lengths []int32
}

// column is a column of rows. Its values are in the format that pgx prefers for their type.
type column struct {
	name string
	kind uint32 // the type's OID
}

// add copies a row, which is valid until the next one is read.
func (s *rowSet) add(values [][]byte) {
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
// one column. Columns without a field are left out. It can be called once: each row is given up when it was read, for
// both forms of many large rows would take twice as much memory.
func (s *rowSet) into(tables *schema.Tables, list reflect.Value) error {
	of := list.Type().Elem()
	readers, err := s.readers(tables, of)
	if err != nil {
		return err
	}
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
					return fmt.Errorf("database: column %s: %w", s.columns[c].name, err)
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

// readers are those of the columns, nil for one without a field.
func (s *rowSet) readers(tables *schema.Tables, of reflect.Type) ([]valueReader, error) {
	readers := make([]valueReader, len(s.columns))
	if of.Kind() != reflect.Pointer {
		if len(s.columns) != 1 {
			return nil, fmt.Errorf("database: %d columns for one value", len(s.columns))
		}
		readers[0] = readerOf(s.columns[0].kind, of)
		return readers, nil
	}
	table := tables.Get(of.Elem())
	for i, c := range s.columns {
		field := table.LookupField(c.name)
		if field == nil {
			continue
		}
		read := readerOf(c.kind, field.StructField.Type)
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

func readJSON(into reflect.Value, value []byte) error {
	return json.Unmarshal(value, into.Addr().Interface())
}
