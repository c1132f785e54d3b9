package setting

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

const (
	numberType = "number"
	boundsTag  = "bounds"
)

// number reads whole numbers, numbers and times, within the bounds that the
// flag's tag has: `type:"number" bounds:"1s..1h"`.
type number struct{}

// bounds are the least and the greatest value that are right, as they are written.
type bounds struct{ least, most string }

func boundsOf(value *kong.Value, target reflect.Value) (bounds, error) {
	least, most, ok := strings.Cut(value.Tag.Get(boundsTag), "..")
	b := bounds{least, most}
	if !ok {
		return b, errors.New(`no bounds are declared: give it some, such as bounds:"1..100"`)
	}
	low, err := parse(target, least)
	if err != nil {
		return b, err
	}
	high, err := parse(target, most)
	if err == nil && low > high {
		err = fmt.Errorf("%s is above %s", least, most)
	}
	return b, err
}

// Decode implements [kong.Mapper].
func (number) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	text, err := pop(ctx)
	if err != nil {
		return err
	}
	b, err := boundsOf(ctx.Value, target)
	if err != nil {
		return err
	}
	v, err := parse(target, text)
	low, _ := parse(target, b.least)
	high, _ := parse(target, b.most)
	// Not the other way round, by which NaN would pass.
	if err == nil && low <= v && v <= high {
		return set(target, text)
	}
	return fmt.Errorf("it must be %s from %s to %s", kindOf(target), b.least, b.most)
}

func kindOf(target reflect.Value) string {
	switch target.Interface().(type) {
	case time.Duration:
		return "a time with its unit"
	case float32, float64:
		return "a number"
	}
	return "a whole number"
}

// parse reads a number, to be compared.
func parse(target reflect.Value, text string) (float64, error) {
	v := reflect.New(target.Type()).Elem()
	if err := set(v, text); err != nil {
		return 0, err
	}
	switch {
	case v.CanFloat():
		return v.Float(), nil
	case v.CanUint():
		return float64(v.Uint()), nil
	}
	return float64(v.Int()), nil
}

// set gives a variable the number that a text says.
func set(target reflect.Value, text string) error {
	switch target.Kind() {
	case reflect.Int, reflect.Int64:
		var n int64
		var err error
		if _, span := target.Interface().(time.Duration); span {
			var d time.Duration
			d, err = time.ParseDuration(text)
			n = int64(d)
		} else {
			n, err = strconv.ParseInt(text, 10, target.Type().Bits())
		}
		if err == nil {
			target.SetInt(n)
		}
		return err
	case reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, 64)
		if err == nil {
			target.SetUint(n)
		}
		return err
	case reflect.Float64:
		f, err := strconv.ParseFloat(text, 64)
		if err == nil {
			target.SetFloat(f)
		}
		return err
	}
	return fmt.Errorf("a %s is not a number", target.Type())
}
