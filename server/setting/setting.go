// Package setting reads the settings of a command line from flags, variables
// and files, and refuses values that would do harm.
//
// A flag names the form of its value by the tag `type`; numbers and times have
// their bounds in the tag `bounds`. A flag without form or bounds is refused
// when the command line is built, so none can be forgotten. All problems
// are collected, so that one message shows them all.
package setting

import (
	"encoding"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// Reader reads the settings of one command line.
type Reader struct {
	// Prefix begins the names of variables, such as "VIGIE_".
	Prefix string
	// Lookup finds a variable, and Names are those of all that there are.
	Lookup func(name string) (string, bool)
	Names  func() []string
	// Others are variables with the prefix that are no settings; one that ends
	// with * stands for all that begin so.
	Others []string

	known    map[string]bool
	problems []error
}

// Option has kong read settings through r. A command line with a flag whose
// values have no form cannot be built.
func (r *Reader) Option() kong.Option {
	return kong.OptionFunc(func(k *kong.Kong) error {
		options := []kong.Option{kong.PostBuild(r.adopt), kong.Resolvers(kong.ResolverFunc(r.resolve)), kong.ValueFormatter(Help)}
		for name, form := range forms() {
			options = append(options, kong.NamedMapper(name, form))
		}
		options = append(options, kong.NamedMapper(numberType, number{}))
		for _, option := range options {
			if err := option.Apply(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Problems are what is wrong with the settings that were read, and with the
// names of the variables that there are.
func (r *Reader) Problems() []error { return slices.Concat(r.problems, r.strangers()) }

// adopt checks that every flag has a form, and has its problems collected.
func (r *Reader) adopt(k *kong.Kong) error {
	r.known = make(map[string]bool)
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && flag.Name != "help" && flag.Name != "version" {
			if err := declared(flag); err != nil {
				return fmt.Errorf("--%s: %w", flag.Name, err)
			}
			r.known[r.Variable(flag.Name)] = true
			flag.Mapper = collecting{flag.Mapper, r}
		}
		return next(nil)
	})
}

// declared reports why it is not known what the values of a flag look like.
func declared(flag *kong.Flag) error {
	_, formed := forms()[flag.Tag.Type]
	_, reads := flag.Target.Addr().Interface().(encoding.TextUnmarshaler)
	switch {
	case flag.Tag.Type == numberType:
		_, err := boundsOf(flag.Value, flag.Target)
		return err
	case formed, reads, flag.Target.Kind() == reflect.Bool, flag.Tag.Enum != "":
		return nil
	}
	return errors.New("nothing says what its values look like: give it a type")
}

// Variable returns the name of the variable that sets a flag.
func (r *Reader) Variable(flag string) string {
	return r.Prefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// resolve finds a flag's value in its variable, or in the file that the variable
// with _FILE behind its name names.
func (r *Reader) resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	name := r.Variable(flag.Name)
	if !r.known[name] { // --help and --version are no settings
		return nil, nil
	}
	// Compose files set variables to nothing where nothing was said.
	value, _ := r.Lookup(name)
	path, _ := r.Lookup(name + fileSuffix)
	switch {
	case value != "" && path != "":
		r.problem("%s and %s are both set: set one of them.", name, name+fileSuffix)
	case value != "":
		return value, nil
	case path != "":
		text, err := os.ReadFile(path)
		value = strings.TrimRight(string(text), "\r\n")
		switch {
		case err != nil:
			r.problem("%s cannot be read: %w.", name+fileSuffix, err)
		case value == "":
			r.problem("%s: the file %s is empty.", name+fileSuffix, path)
		default:
			return value, nil
		}
	}
	return nil, nil
}

const fileSuffix = "_FILE"

func (r *Reader) problem(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// collecting collects what is wrong with a flag's value.
type collecting struct {
	kong.Mapper
	reader *Reader
}

// Decode implements [kong.Mapper].
func (c collecting) Decode(ctx *kong.DecodeContext, target reflect.Value) error {
	given := ctx.Scan.Peek()
	err := c.Mapper.Decode(ctx, target)
	if err == nil {
		return nil
	}
	target.SetZero()
	name := fmt.Sprintf("%s (--%s)", c.reader.Variable(ctx.Value.Name), ctx.Value.Name)
	if given.IsEOL() {
		c.reader.problem("%s has no value.", name)
		return nil
	}
	c.reader.problem("%s is %s: %w.", name, shown(fmt.Sprint(given.Value), forms()[ctx.Value.Tag.Type].hidden), err)
	return nil
}

// shown is a value as a message may show it.
func shown(value string, hidden bool) string {
	const most = 200
	switch {
	case hidden, strings.Contains(value, "@") && strings.Contains(value, "://"): // the URL may hold a password
		return "not right (its value is not shown)"
	case len(value) > most:
		return strconv.Quote(value[:most]) + "…"
	}
	return strconv.Quote(value)
}

// Help returns the help of a flag, with its bounds and its default.
func Help(value *kong.Value) string {
	var more []string
	if bounds := value.Tag.Get(boundsTag); bounds != "" {
		more = append(more, strings.Replace(bounds, "..", " to ", 1))
	}
	if value.Default != "" {
		more = append(more, "default "+value.Default)
	}
	text := kong.DefaultHelpValueFormatter(value)
	if len(more) > 0 {
		text += " (" + strings.Join(more, "; ") + ")"
	}
	return text
}
